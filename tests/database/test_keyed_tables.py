"""Keys that schemas declare, in the database: other programs find them, and they stay true."""

from __future__ import annotations

import logging
import math
from decimal import Decimal

import polars as pl
import psycopg
import pytest
import sqlalchemy as sa

from algomancy_data import Column, CSVFile, DataSource, DataType, Schema, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager
from algomancy_data.errors import AdditionError, InvalidSchemaError, StoredKeyError
from algomancy_data.testing import assert_identical

pytestmark = pytest.mark.filterwarnings("ignore::algomancy_data.errors.PortablePathWarning")

OTHERS = ["sqlite+pysqlite", "postgresql+psycopg"]
DRIVERS = ["sqlite", "postgresql", *(pytest.param(one, marks=pytest.mark.long) for one in OTHERS)]
IN_SQLITE = """
SELECT 'PRIMARY KEY', group_concat(name) FROM pragma_table_info('{0}') WHERE pk HAVING count(*)
UNION ALL SELECT 'NOT NULL', name FROM pragma_table_info('{0}') WHERE "notnull"
UNION ALL SELECT 'FOREIGN KEY', "from" || ' to ' || "table" || '.' || "to"
FROM pragma_foreign_key_list('{0}')
UNION ALL SELECT iif("unique", 'UNIQUE', 'INDEX'),
  (SELECT group_concat(name) FROM pragma_index_info(i.name))
FROM pragma_index_list('{0}') AS i WHERE origin = 'c'
"""
IN_POSTGRESQL = """
WITH names AS (
  SELECT indexrelid, indisprimary, indisunique, string_agg(attname, ',' ORDER BY at) AS listed
  FROM pg_index, unnest(indkey::int2[]) WITH ORDINALITY AS k(number, at), pg_attribute
  WHERE indrelid = '"{0}"'::regclass AND attrelid = indrelid AND attnum = number
  GROUP BY indexrelid, indisprimary, indisunique
)
SELECT CASE WHEN indisprimary THEN 'PRIMARY KEY' WHEN indisunique THEN 'UNIQUE' ELSE 'INDEX' END,
  listed FROM names
UNION ALL SELECT 'NOT NULL', attname FROM pg_attribute
WHERE attrelid = '"{0}"'::regclass AND attnum > 0 AND attnotnull
UNION ALL SELECT 'FOREIGN KEY', own.attname || ' to ' || relname || '.' || other.attname
FROM pg_constraint JOIN pg_class ON pg_class.oid = confrelid
JOIN pg_attribute AS own ON own.attrelid = conrelid AND own.attnum = conkey[1]
JOIN pg_attribute AS other ON other.attrelid = confrelid AND other.attnum = confkey[1]
WHERE contype = 'f' AND conrelid = '"{0}"'::regclass
"""


class People(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "people", "csv", "single"
    NAME = Column("name", DataType.STRING, primary_key=True)
    NUMBER = Column("number", DataType.INTEGER, unique=True)
    BOSS = Column("boss", DataType.STRING, nullable=True, foreign_key=("people", "name"))


class Orders(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "orders", "csv", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)
    BUYER = Column("buyer", DataType.STRING, nullable=True, foreign_key=("people", "name"))
    NOTE = Column("note", DataType.STRING, nullable=True)


class Lines(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "lines", "csv", "single"
    ORDER = Column("order", DataType.INTEGER, primary_key=True, foreign_key=("orders", "id"))
    LINE = Column("line", DataType.INTEGER, primary_key=True)


INDEX = "is an index, and no constraint"
NO_KEY = "(name) is no key of 'people' by a constraint"
SCHEMAS = (Lines, Orders, People)
INDEXES = {
    "people": {("INDEX", "name"), ("INDEX", "number"), ("INDEX", "boss")},
    "orders": {("INDEX", "id"), ("INDEX", "buyer")},
    "lines": {("INDEX", "order,line"), ("INDEX", "order")},
}


def constraints(dataset="d"):
    table = f"ds__s__{dataset}__"
    return {
        "people": {
            ("PRIMARY KEY", "name"),
            ("UNIQUE", "number"),
            ("INDEX", "boss"),
            ("FOREIGN KEY", f"boss to {table}people.name"),
            ("NOT NULL", "name"),
            ("NOT NULL", "number"),
        },
        "orders": {
            ("PRIMARY KEY", "id"),
            ("INDEX", "buyer"),
            ("FOREIGN KEY", f"buyer to {table}people.name"),
            ("NOT NULL", "id"),
        },
        "lines": {
            ("PRIMARY KEY", "order,line"),
            ("INDEX", "order"),
            ("FOREIGN KEY", f"order to {table}orders.id"),
            ("NOT NULL", "order"),
            ("NOT NULL", "line"),
        },
    }


def people(*names, first=0, boss=None):
    return pl.DataFrame(
        {"name": names, "number": range(first, first + len(names)), "boss": [boss] * len(names)},
        schema={"name": pl.String, "number": pl.Int64, "boss": pl.String},
    )


def orders(*pairs):
    schema = {"id": pl.Int64, "buyer": pl.String}
    rows = pl.DataFrame(list(pairs), schema=schema, orient="row")
    return rows.with_columns(note=pl.format("of {}", "id"))


def lines(*pairs):
    return pl.DataFrame(list(pairs), schema={"order": pl.Int64, "line": pl.Int64}, orient="row")


def source(name="d", **tables):
    made = DataSource("master_data", name=name)
    made.tables = tables
    return made


def shop(name="d"):
    """The tables in an order in which each lies before those that it refers to."""
    return source(
        name,
        lines=lines((7, 2), (7, 1), (3, 1)),
        orders=orders((7, "Bob"), (3, None), (5, "Ann")),
        people=people("Bob", "Ann", boss="Ann"),
    )


@pytest.fixture(params=DRIVERS)
def place(request, tmp_path):
    """The URL of a database for one of the drivers."""
    kind = request.param
    if kind.startswith("sqlite"):
        return sa.make_url(f"{kind}:///{tmp_path}/data.db")
    url = request.getfixturevalue("postgresql_url")
    return url if kind == "postgresql" else url.set(drivername=kind)


@pytest.fixture
def opened(place):
    managers = []

    def opened(keys=None, schemas=SCHEMAS, factory=SimpleETLFactory, **options):
        engine = place if place.drivername in {"sqlite", "postgresql+adbc"} else engine_of(place)
        manager = DatabaseDataManager(
            factory, schemas, engine, "s", DataSource, keys=keys, **options
        )
        manager.startup()
        managers.append(manager)
        return manager

    def engine_of(url):
        engines.append(sa.create_engine(url))
        return engines[-1]

    engines = []
    yield opened
    for manager in managers:
        manager.close()
    for engine in engines:
        engine.dispose()


@pytest.fixture
def keys_in(request, place, outside):
    """What another program finds of the keys of each table of a dataset."""

    def keys_in(dataset="d", tables=("people", "orders", "lines")):
        found = {}
        for name in tables:
            table = f"ds__s__{dataset}__{name}"
            if place.drivername.startswith("sqlite"):
                rows = outside(place.database, IN_SQLITE.format(table))
            else:
                _, native = request.getfixturevalue("emptied_postgresql")
                with psycopg.connect(native) as connection:
                    rows = connection.execute(IN_POSTGRESQL.format(table)).fetchall()
            found[name] = set(map(tuple, rows))
        return found

    return keys_in


def test_without_the_setting_there_are_none(opened, keys_in):
    opened().add_data_source(shop())
    assert not any(keys_in().values())


def test_each_key_gets_an_index(opened, keys_in):
    manager = opened("index")
    manager.add_data_source(shop())
    assert keys_in() == INDEXES
    manager.add_data_source(shop())  # in place of the first
    assert keys_in() == INDEXES
    assert manager.verify() == []


def test_keys_become_constraints_and_rows_keep_their_order(opened, keys_in):
    manager = opened("constraints")
    for _ in range(2):
        manager.add_data_source(shop())
        assert keys_in() == constraints()
    fresh = opened()
    for name, frame in shop().tables.items():
        assert_identical(fresh.get_table("d", name), frame)
    assert [*fresh.get_data("d").tables] == ["lines", "orders", "people"]
    assert fresh.verify() == []
    manager.delete_data("d")
    assert manager.leftovers() == []


def test_a_derived_dataset_has_the_keys_of_the_original(opened, keys_in):
    for keys, expected in (("index", INDEXES), ("constraints", constraints("copy"))):
        opened(keys).add_data_source(shop())
        opened().derive_data("d", "copy")
        assert keys_in("copy") == expected
        assert opened().verify() == []
        opened().delete_data("copy")


def test_a_schema_counts_more_than_the_manager(opened, keys_in):
    class Indexed(Orders):
        _SQL_KEYS = "index"

    class Plain(Lines):
        _SQL_KEYS = "none"

    opened("constraints", (Indexed, Plain, People)).add_data_source(shop())
    found = keys_in()
    assert found["orders"] == INDEXES["orders"]
    assert found["lines"] == set()
    assert ("PRIMARY KEY", "name") in found["people"]
    opened(None, (Indexed, Plain, People)).add_data_source(shop())
    assert keys_in() == {"people": set(), "orders": INDEXES["orders"], "lines": set()}


def test_what_the_rows_do_not_keep_is_an_index_and_the_log_says_why(opened, keys_in, caplog):
    caplog.set_level(logging.INFO)
    data = source(
        people=people("Ann", "Ann"),
        orders=orders((1, "Ann"), (2, "Eve")),
        lines=lines((1, 1), (1, None), (9, 1)),
    )
    opened("constraints").add_data_source(data)
    found = keys_in()
    assert found == {
        "people": {
            *(("INDEX", "name"), ("UNIQUE", "number"), ("INDEX", "boss")),
            *(("NOT NULL", "name"), ("NOT NULL", "number")),
        },
        "orders": {("PRIMARY KEY", "id"), ("INDEX", "buyer"), ("NOT NULL", "id")},
        "lines": {("INDEX", "order,line"), ("INDEX", "order"), ("NOT NULL", "order")},
    }
    assert sorted(line for line in caplog.messages if line.startswith("Table")) == [
        "Table 'lines': column 'line' may be NULL: 1 of its values is null.",
        f"Table 'lines': its foreign key (order) to orders (id) {INDEX}: 1 row refers to none.",
        f"Table 'lines': its primary key (order, line) {INDEX}: 1 of its values is null.",
        f"Table 'orders': its foreign key (buyer) to people (name) {INDEX}: {NO_KEY}.",
        f"Table 'people': its foreign key (boss) to people (name) {INDEX}: {NO_KEY}.",
        f"Table 'people': its primary key (name) {INDEX}: 2 rows share theirs.",
    ]
    assert_identical(opened().get_table("d", "lines"), data.get_table("lines"))


def test_files_that_are_accepted_with_errors_prove_nothing(opened, keys_in, tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text("id;buyer;note\n1;Ann;x\n1;Ann;y\n")
    manager = opened("constraints", (Orders,))
    result = manager.etl_data({"orders": CSVFile("orders", path=path)}, "d")
    assert result.status == "success"
    assert {message.code for message in result.messages} >= {"PK_DUPLICATE"}
    expected = {("INDEX", "id"), ("INDEX", "buyer"), ("NOT NULL", "id")}
    assert keys_in(tables=["orders"]) == {"orders": expected}
    said = [one for one in result.messages if one.code == "KEY_NOT_ENFORCED"]
    assert {(str(one.severity), one.table, one.column) for one in said} == {
        ("INFO", "orders", "id"),
        ("INFO", "orders", "buyer"),
    }
    assert f"primary key (id) {INDEX}: 2 rows share theirs" in said[0].message


def test_a_table_that_is_written_anew_need_not_fit_into_memory(opened, keys_in, tmp_path):
    manager = opened("constraints")
    manager.add_data_source(shop())
    manager.store._storage.in_memory_bytes = 8
    manager.add_data_source(source(orders=orders((7, "Ann"), (9, None))), mode="upsert")
    path = tmp_path / "orders.csv"
    path.write_text("id;buyer;note\n8;Eve;of 8\n")
    result = manager.etl_data({"orders": CSVFile("orders", path=path)}, "d", mode="append")
    assert result.is_success
    assert manager.get_table("d", "orders").rows() == [
        *((3, None, "of 3"), (5, "Ann", "of 5")),
        *((7, "Ann", "of 7"), (9, None, "of 9"), (8, "Eve", "of 8")),
    ]
    assert ("INDEX", "buyer") in keys_in()["orders"]
    assert manager.verify() == []


def test_why_added_rows_loosen_a_constraint_is_a_message(opened, keys_in, tmp_path):
    manager = opened("constraints", (Orders, People))
    manager.add_data_source(source(people=people("Ann"), orders=orders((1, "Ann"))))
    path = tmp_path / "orders.csv"
    path.write_text("id;buyer;note\n2;Eve;x\n")
    result = manager.etl_data({"orders": CSVFile("orders", path=path)}, "d", mode="append")
    assert result.is_success
    (said,) = (one for one in result.messages if one.code == "KEY_NOT_ENFORCED")
    assert said.message.endswith(f"{INDEX}: 1 row refers to none.")
    assert ("INDEX", "buyer") in keys_in(tables=["orders"])["orders"]


@pytest.mark.parametrize("keys", ["index", "constraints"])
def test_rows_that_are_added_keep_them(opened, keys_in, keys):
    opened(keys).add_data_source(shop())
    expected = keys_in()
    # Not the keys of the manager decide, but those that the dataset was written with.
    manager = opened()
    more = source(people=people("Eve", first=5), orders=orders((1, "Eve")), lines=lines((1, 1)))
    manager.add_data_source(more, mode="append")
    again = source(people=people("Ann", first=1), orders=orders((7, "Eve")))
    manager.add_data_source(again, mode="upsert")
    assert keys_in() == expected
    assert manager.get_table("d", "orders")["id"].to_list() == [3, 5, 1, 7]
    assert manager.get_table("d", "people")["name"].to_list() == ["Bob", "Eve", "Ann"]
    assert manager.get_table("d", "lines").rows()[-1] == (1, 1)
    assert manager.verify() == []


def test_a_stored_key_is_refused_whatever_the_manager_knows(opened):
    opened("constraints").add_data_source(shop())
    manager = opened(schemas=())
    for table, row in (("orders", orders((7, None))), ("people", people("Eve", first=1))):
        with pytest.raises(StoredKeyError, match=f"Table '{table}' has the key"):
            manager.add_data_source(source(**{table: row}), mode="append")
    assert manager.verify() == []


def test_added_rows_that_do_not_keep_a_constraint_leave_an_index(opened, keys_in, caplog):
    caplog.set_level(logging.INFO)
    opened("constraints").add_data_source(shop())
    manager = opened(schemas=())
    manager.add_data_source(source(lines=lines((8, 1), (8, 1))), mode="append")
    found = keys_in()
    assert found["lines"] == {
        *(("INDEX", "order,line"), ("INDEX", "order")),
        *(("NOT NULL", "order"), ("NOT NULL", "line")),
    }
    assert found["orders"] == constraints()["orders"]
    assert sum(line.startswith("Table 'lines': its") for line in caplog.messages) == 2
    # And what refers to a key that is none any more.
    manager.add_data_source(source(people=people("Eve", "Eve", first=5)), mode="append")
    assert keys_in()["orders"] == constraints()["orders"] - {
        ("FOREIGN KEY", "buyer to ds__s__d__people.name")
    }
    assert manager.get_table("d", "lines").height == 5
    assert manager.verify() == []


def test_rows_that_others_refer_to_are_not_deleted(opened, keys_in):
    manager = opened("constraints")
    manager.add_data_source(shop())
    with pytest.raises(AdditionError, match="2 rows of table 'lines' would refer to rows that"):
        manager.delete_rows("d", "orders", pl.col("id") == 7)
    assert manager.get_table("d", "orders").height == 3
    assert manager.delete_rows("d", "lines", pl.col("order") == 7) == 2
    assert manager.delete_rows("d", "orders", pl.col("id") == 7) == 1
    assert keys_in() == constraints()
    assert manager.verify() == []


def test_an_upsert_that_takes_away_what_others_refer_to_is_refused(opened):
    class ByNumber(Schema):
        _FILENAME, _EXTENSION, _SCHEMA_TYPE = "calls", "csv", "single"
        OF = Column("of", DataType.INTEGER, foreign_key=("people", "number"))

    manager = opened("constraints", (People, ByNumber))
    calls = pl.DataFrame({"of": [0, 1, 1]})
    manager.add_data_source(source(people=people("Ann", "Bob"), calls=calls))
    with pytest.raises(AdditionError, match="2 rows of table 'calls' would refer to rows"):
        manager.add_data_source(source(people=people("Bob", first=9)), mode="upsert")
    manager.add_data_source(source(people=people("Bob", first=1, boss="Ann")), mode="upsert")
    assert manager.verify() == []


def test_a_table_that_is_new_in_a_dataset_gets_the_keys_of_the_manager(opened, keys_in):
    manager = opened("constraints")
    manager.add_data_source(source(people=people("Ann")))
    more = source(lines=lines((1, 1)), orders=orders((1, "Ann"), (2, None)))
    manager.add_data_source(more, mode="append")
    assert keys_in() == constraints()
    assert [*manager.get_data("d").tables] == ["people", "lines", "orders"]


def test_verify_tells_what_is_missing(opened, place):
    manager = opened("constraints")
    manager.add_data_source(shop())
    found = sa.inspect(manager.engine)
    indexes = found.get_indexes("ds__s__d__orders")
    (index,) = [one["name"] for one in indexes if one["column_names"] == ["buyer"]]
    statements = [f'DROP INDEX "{index}"']
    if place.drivername.startswith("postgresql"):
        (reference,) = found.get_foreign_keys("ds__s__d__lines")
        statements += [
            'ALTER TABLE "ds__s__d__people" ALTER COLUMN "number" DROP NOT NULL',
            f'ALTER TABLE "ds__s__d__lines" DROP CONSTRAINT "{reference["name"]}"',
        ]
    with manager.engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    problems = [damage.problem for damage in manager.verify()]
    expected = ["the index for its foreign key (buyer) to people (name) is missing"]
    if place.drivername.startswith("postgresql"):
        expected += ["number may be NULL", "the constraint for its foreign key (order) to orders"]
    assert len(problems) == len(expected)
    for what in expected:
        assert any(what in problem for problem in problems), what
    manager.delete_data("d")
    assert manager.leftovers() == []


def test_a_damaged_row_of_the_catalogue_keeps_nothing_from_being_replaced(opened, keys_in):
    manager = opened("constraints")
    for damage in (
        "UPDATE algomancy_datasets SET sub_tables = '['",
        "DELETE FROM algomancy_datasets",
    ):
        manager.add_data_source(shop())
        with manager.engine.begin() as connection:
            connection.exec_driver_sql(damage)
        if damage.startswith("DELETE"):
            assert len(manager.clear_leftovers()) == 3
        manager.add_data_source(shop())
        assert keys_in() == constraints()


def test_a_wrong_setting_is_refused(opened):
    with pytest.raises(ValueError, match="keys must be 'index', 'constraints' or None, not 'all'"):
        opened("all")

    class Wrong(Orders):
        _SQL_KEYS = True

    with pytest.raises(InvalidSchemaError, match="_SQL_KEYS must be"):
        opened(schemas=[Wrong])


AWKWARD = {
    "floats": pl.Series([1.5, math.nan, -0.0]),
    "large": pl.Series([1, 2**64 - 1, 3], dtype=pl.UInt64),
    "wide": pl.Series([2**100, -1, 0], dtype=pl.Int128),
    "decimals": pl.Series([Decimal("1.50"), Decimal("-0.01"), Decimal(3)], dtype=pl.Decimal(10, 2)),
    "texts": pl.Series(["a", "A", "a\0b"]),
    "long": pl.Series(["x" * 5000, "y" * 5000, "z"]),
    "bytes": pl.Series([b"", b"\0", b"\xff"]),
    "words": pl.Series(["b", "a", "c"], dtype=pl.Enum(["c", "b", "a"])),
    "moments": pl.Series([1, 2, 10**15]).cast(pl.Datetime("ns", "Europe/Amsterdam")),
    "times": pl.Series([1, 2, 3]).cast(pl.Time()),
    "spans": pl.Series([1, 2, 3]).cast(pl.Duration("ms")),
    "lists": pl.Series([[1], [2], []]),
    "nothing": pl.Series([None] * 3, dtype=pl.Null),
}
NO_CONSTRAINT = {"floats", "lists", "nothing"}


@pytest.mark.parametrize("keys", ["index", "constraints"])
def test_keys_of_any_dtype_are_kept_exactly_or_are_no_keys(opened, place, keys_in, keys):
    def schema(name, dtype):
        column = Column("key", dtype, primary_key=True)
        members = {"_FILENAME": name, "_EXTENSION": "csv", "_SCHEMA_TYPE": "single", "KEY": column}
        return type(name, (Schema,), members)

    kinds = {name: one.dtype for name, one in AWKWARD.items() if name != "nothing"}
    schemas = [schema(name, dtype) for name, dtype in kinds.items()]
    manager = opened(keys, [*schemas, schema("nothing", pl.Int64)])
    data = source(**{name: one.alias("key").to_frame() for name, one in AWKWARD.items()})
    manager.add_data_source(data)
    fresh = opened()
    for name, frame in data.tables.items():
        assert_identical(fresh.get_table("d", name), frame)
    assert fresh.verify() == []
    found = keys_in(tables=list(AWKWARD))
    is_indexed = {name for name, some in found.items() if some - {("NOT NULL", "key")}}
    in_postgresql = place.drivername.startswith("postgresql")
    assert set(AWKWARD) - is_indexed == ({"lists", "long"} if in_postgresql else {"lists"})
    if keys == "constraints":
        primary = {name for name, some in found.items() if ("PRIMARY KEY", "key") in some}
        assert primary == is_indexed - NO_CONSTRAINT


def test_a_long_text_that_is_added_takes_the_index_away_where_it_has_no_room(opened):
    manager = opened("index")
    manager.add_data_source(source(people=people("Ann")))
    manager.add_data_source(source(people=people("x" * 5000, first=1)), mode="append")
    assert manager.get_table("d", "people")["name"].str.len_bytes().to_list() == [3, 5000]
    assert manager.verify() == []
