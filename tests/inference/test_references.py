"""Foreign keys: included and plausible; small numbers are included in everything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from algomancy_data.relations import resolve_relations_from_schemas

TPCH = {
    "customer.c_nationkey->nation.n_nationkey",
    "lineitem.l_orderkey->orders.o_orderkey",
    "lineitem.l_partkey,l_suppkey->partsupp.ps_partkey,ps_suppkey",
    "nation.n_regionkey->region.r_regionkey",
    "orders.o_custkey->customer.c_custkey",
    "partsupp.ps_partkey->part.p_partkey",
    "partsupp.ps_suppkey->supplier.s_suppkey",
    "supplier.s_nationkey->nation.n_nationkey",
}
TPCH_KEYS = {
    "customer": ("c_custkey",),
    "lineitem": ("l_orderkey", "l_linenumber"),
    "nation": ("n_nationkey",),
    "orders": ("o_orderkey",),
    "part": ("p_partkey",),
    "partsupp": ("ps_partkey", "ps_suppkey"),
    "region": ("r_regionkey",),
    "supplier": ("s_suppkey",),
}


@pytest.fixture
def relations(tmp_path, load):
    """The relations found among tables, and the text of the module."""

    def relations(**tables):
        paths = []
        for name, columns in tables.items():
            paths.append(tmp_path / f"{name}.csv")
            pl.DataFrame({k: list(v) for k, v in columns.items()}).write_csv(paths[-1])
        loaded = load(paths)
        found = resolve_relations_from_schemas(loaded.module["SCHEMAS"])
        return set(map(str, found)), " ".join(loaded.inferred.to_module().split())

    return relations


def codes(*numbers):
    return [f"C{number:03}" for number in numbers]


@pytest.mark.parametrize(
    ("column", "key", "table"),
    [
        ("customer_id", "id", "customers"),
        ("customerId", "id", "customers"),
        ("customer", "id", "customers"),
        ("billing_customer_id", "id", "customers"),
        ("custkey", "custkey", "customers"),
        ("o_custkey", "custkey", "customers"),
        ("country_code", "code", "countries"),
    ],
)
def test_numbers_refer_where_the_name_says_so(column, key, table, relations):
    found, _ = relations(
        **{
            table: {key: range(1, 21), "name": [f"n{n % 7}" for n in range(20)]},
            "orders": {"no": range(500, 560), column: [n % 20 + 1 for n in range(60)]},
        }
    )
    assert found == {f"orders.{column}->{table}.{key}"}


@pytest.mark.parametrize("column", ["day", "hour", "quantity", "id", "n", "rank"])
def test_small_numbers_do_not_refer_to_whatever_has_them(column, relations):
    found, _ = relations(
        shops={"id": range(1, 101), "size": [n % 9 for n in range(100)]},
        sales={"code": codes(*range(60)), column: [n % 24 + 1 for n in range(60)]},
    )
    assert found == set()


def test_texts_refer_by_their_values_alone(relations):
    found, _ = relations(
        airports={"faa": ["EWR", "JFK", "LGA", "AMS"], "alt": [1, 1, 2, 2]},
        flights={"id": range(60), "origin": ["EWR", "JFK", "LGA"] * 20, "kind": ["a", "b"] * 30},
    )
    assert found == {"flights.origin->airports.faa"}


def test_flags_of_one_letter_do_not_refer(relations):
    found, _ = relations(
        grades={"grade": ["A", "B", "C", "D"], "points": [4, 3, 2, 1]},
        people={"id": range(60), "status": ["A", "B", "C"] * 20},
    )
    assert found == set()


def test_two_columns_that_refer_to_one_key_are_two_relations(relations):
    places = ["EWR", "JFK", "LGA", "AMS"]
    found, _ = relations(
        airports={"faa": places, "alt": [1, 1, 2, 2]},
        flights={"id": range(60), "origin": places * 15, "dest": places[::-1] * 15},
    )
    assert found == {"flights.origin->airports.faa", "flights.dest->airports.faa"}


def test_an_orphan_makes_a_reference_a_comment(relations):
    found, text = relations(
        customers={"id": range(1, 21)},
        orders={"no": range(500, 600), "customer_id": [*(n % 20 + 1 for n in range(99)), 99]},
    )
    assert found == set()
    assert "Nearly a foreign key to customers.id: 99.0 % of the values are there, 1 of 21" in text


def test_nulls_refer_to_nothing(relations):
    found, _ = relations(
        customers={"id": range(1, 21)},
        orders={"no": range(500, 560), "customer_id": [None, *(n % 20 + 1 for n in range(59))]},
    )
    assert found == {"orders.customer_id->customers.id"}


def test_a_table_refers_to_itself_where_the_name_says_so(relations):
    found, _ = relations(
        employees={
            "employee_id": range(1, 61),
            "manager_id": [None, *(n // 3 + 1 for n in range(59))],
            "floor": [n % 5 + 1 for n in range(60)],
        }
    )
    assert found == {"employees.manager_id->employees.employee_id"}


def test_two_tables_with_one_key_do_not_refer_to_each_other(relations):
    found, _ = relations(
        people={"person_id": range(60), "age": [n % 9 for n in range(60)]},
        salaries={"person_id": range(60), "salary": [n % 9 for n in range(60)]},
    )
    assert found == set()


def test_the_smaller_of_two_tables_with_one_key_refers_to_the_larger(relations):
    found, _ = relations(
        people={"person_id": range(60), "age": [n % 9 for n in range(60)]},
        pilots={"person_id": range(10, 40), "hours": [n % 9 for n in range(30)]},
    )
    assert found == {"pilots.person_id->people.person_id"}


def test_columns_that_would_become_one_composite_reference_are_not_declared_as_such(relations):
    # user_id and user_code refer to different users, so that both together refer to none.
    found, text = relations(
        users={"id": range(1, 41), "code": codes(*range(1, 41))},
        actions={
            "no": range(500, 560),
            "user_id": [n % 40 + 1 for n in range(60)],
            "user_code": codes(*(40 - n % 40 for n in range(60))),
        },
    )
    assert len(found) <= 1
    assert "By itself a foreign key to users" in text


@pytest.mark.long
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_tpch_has_its_keys_and_references(form, tmp_path, load):
    generator = Path(sys.executable).with_name("tpchgen-cli")
    subprocess.run(
        [generator, form, "-s", "0.01", f"--output-dir={tmp_path}"],
        check=True,
        capture_output=True,
    )
    loaded = load(sorted(tmp_path.glob(f"*.{form}")))
    schemas = loaded.module["SCHEMAS"]
    assert {schema.file_name(): schema.primary_key() for schema in schemas} == TPCH_KEYS
    assert set(map(str, resolve_relations_from_schemas(schemas))) == TPCH
    assert loaded.warnings == []
