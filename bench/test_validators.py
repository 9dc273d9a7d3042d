"""Each validator beside dataframely, pandera and the bare Polars expression.

The peers tell how many rows are bad; ours also tells which, and what is in them.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl
import pytest

from algomancy_data import (
    Column,
    ConstraintValidator,
    DataType,
    FileExtension,
    MissingValueValidator,
    PrimaryKeyValidator,
    RequiredColumnsValidator,
    Schema,
    SchemaType,
    SchemaValidator,
    SimpleETLFactory,
    UniqueValueValidator,
    ValidationSeverity,
    rule,
)
from algomancy_data.testing.workloads import Orders
from algomancy_data.testing.workloads.shop import COUNTRIES, STATUSES
from flawed import flawed, rows_reported
from harness import Way
from peers import row_tuples
from peers.checks import same
from peers.neighbours import dataframely, pandera, pandera_failures

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from algomancy_data import Validator
    from harness import Race


def declare(
    key: Sequence[str] = (), unique: Sequence[str] = (), filled: Sequence[str] = ()
) -> type[Schema]:
    """Return a schema of the flawed orders that asks for no more than this."""
    types = Orders.datatypes() | {"country": DataType.STRING}
    columns = {
        name.upper(): Column(
            name,
            dtype,
            primary_key=name in key,
            unique=name in unique,
            nullable=name not in {*key, *filled},
        )
        for name, dtype in types.items()
    }
    file = {"_FILENAME": "orders", "_EXTENSION": FileExtension.CSV}
    return type("Declared", (Schema,), {**file, "_SCHEMA_TYPE": SchemaType.SINGLE, **columns})


class Case(NamedTuple):
    """A check in all its forms.

    Args:
        schema: What dataframely and pandera are to check.
        validator: Ours.
        bare: The Polars expression that counts the bad rows, which is also what is expected.
    """

    schema: type[Schema]
    validator: Callable[[type[Schema]], Validator]
    bare: Callable[[pl.DataFrame], int]


def nothing_missing(orders: pl.DataFrame) -> int:
    return len(Orders.datatypes().keys() - orders.schema.keys())


def wrong_dtypes(orders: pl.DataFrame) -> int:
    return sum(orders.schema[name] != dtype.polars_dtype for name, dtype in TYPES)


TYPES = Orders.datatypes().items()
CODE_AND_NUMBER = ["code", "order_id"]
CASES = {
    "required columns": Case(
        declare(), lambda schema: RequiredColumnsValidator([schema]), nothing_missing
    ),
    "schema": Case(declare(), lambda schema: SchemaValidator([schema]), wrong_dtypes),
    "primary key": Case(
        declare(key=["order_id"]),
        lambda schema: PrimaryKeyValidator([schema]),
        lambda orders: orders["order_id"].is_duplicated().sum(),
    ),
    "composite primary key": Case(
        declare(key=CODE_AND_NUMBER),
        lambda schema: PrimaryKeyValidator([schema]),
        lambda orders: orders.select(pl.struct(CODE_AND_NUMBER).is_duplicated().sum()).item(),
    ),
    "unique values": Case(
        declare(unique=["code"]),
        lambda _: UniqueValueValidator("orders", ["code"]),
        lambda orders: orders["code"].is_duplicated().sum(),
    ),
    "missing values": Case(
        declare(filled=["discount"]),
        lambda _: MissingValueValidator("orders", ["discount"]),
        lambda orders: orders["discount"].null_count(),
    ),
    "constraints": Case(
        declare(unique=["code"], filled=list(Orders.datatypes())),
        lambda schema: ConstraintValidator([schema]),
        lambda orders: orders["code"].is_duplicated().sum() + sum(orders.null_count().row(0)),
    ),
}


@pytest.fixture(scope="module")
def orders(rows: int) -> pl.DataFrame:
    return flawed(rows)["orders"]


def dataframely_check(schema: type[Schema], orders: pl.DataFrame) -> Callable[[], int]:
    declared = dataframely(schema)
    return lambda: sum(declared.filter(orders)[1].counts().values())


def pandera_check(schema: type[Schema], orders: pl.DataFrame) -> Callable[[], int]:
    return partial(pandera_failures, pandera(schema), orders)


@pytest.mark.parametrize("name", CASES)
def test_validator(race: Race, orders: pl.DataFrame, name: str) -> None:
    case = CASES[name]
    validator = case.validator(case.schema)
    expected = case.bare(orders)

    def ours() -> int:
        messages = validator.validate({"orders": orders})
        return rows_reported(m for m in messages if m.severity is not ValidationSeverity.INFO)

    def way(name: str, run: Callable[[], int], remark: str = "") -> Way:
        return Way(name, run, check=partial(same, expected), remark=remark)

    peers = [
        way("dataframely", dataframely_check(case.schema, orders), "checks dtypes, too"),
        way("pandera", pandera_check(case.schema, orders), "checks dtypes, too"),
        way("bare polars", lambda: case.bare(orders), "only counts the rows"),
    ]
    if case.schema.primary_key():
        frame = row_tuples.as_pandas({"orders": orders})["orders"]
        key = list(case.schema.primary_key())
        peers.append(way("row tuples and sets", lambda: row_tuples.duplicates(frame, key)))
    race(f"validate {name}", way("algomancy-data", ours), peers)


START = datetime(2000, 1, 1)  # noqa: DTZ001  the orders have no time zone


def flawed_rules() -> type[Schema]:
    """Return a schema of the flawed orders with rules of every kind; 1 % of them break one."""
    types = Orders.datatypes() | {"country": DataType.STRING}
    rules: dict[str, dict[str, Any]] = {
        "order_id": {"primary_key": True, "min": 1},
        "customer_id": {"min": 1},
        "code": {"regex": r"^[A-Z]{2}\d{6}$", "min_length": 8, "max_length": 8},
        "status": {"is_in": list(STATUSES)},
        "amount": {"min": 0, "max_exclusive": 10_000, "check": lambda amount: amount.is_finite()},
        "discount": {"nullable": True, "min": 0, "max": 0.5},
        "country": {"is_in": list(COUNTRIES), "min_length": 2},
        "created": {"min": START, "max": START.replace(year=2100)},
    }
    members: dict[str, object] = {
        name.upper(): Column(name, dtype, **rules.get(name, {})) for name, dtype in types.items()
    }
    members["express_has_no_discount_above"] = rule()(
        lambda _: ~pl.col("express") | (pl.col("discount") <= 0.5)
    )
    members["few_orders"] = rule(group_by=["customer_id"])(lambda _: pl.len() <= 20)
    file = {"_FILENAME": "orders", "_EXTENSION": FileExtension.CSV}
    return type("Ruled", (Schema,), {**file, "_SCHEMA_TYPE": SchemaType.SINGLE, **members})


class AllChecked(SimpleETLFactory):
    check_constraints = True


def test_all_rules(race: Race, orders: pl.DataFrame) -> None:
    """Check keys, nulls, and rules of every kind, in what an ETL makes of one schema."""
    schema = flawed_rules()
    sequence = AllChecked.create_validation_sequence({"orders": schema})
    broken = orders["order_id"].is_duplicated().sum() + (orders["customer_id"] < 1).sum()
    expected = broken + orders.filter((pl.len() > 20).over("customer_id")).height

    def ours() -> int:
        found = sequence.run_validation({"orders": orders})
        return rows_reported(m for m in found if m.severity is not ValidationSeverity.INFO)

    def way(name: str, run: Callable[[], int]) -> Way:
        return Way(name, run, check=partial(same, expected))

    peers = [
        way("dataframely", dataframely_check(schema, orders)),
        way("pandera", pandera_check(schema, orders)),
    ]
    race("validate all rules", way("algomancy-data", ours), peers)
