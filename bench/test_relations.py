"""Relations beside the bare Polars expression, and beside row tuples and sets on pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import polars as pl
import pytest

from algomancy_data import (
    CascadeDropTransformer,
    Column,
    DataType,
    FileExtension,
    ForeignKeyValidator,
    PrimaryKeyValidator,
    Relation,
    Schema,
    SchemaType,
)
from algomancy_data.testing.workloads import frames

if TYPE_CHECKING:
    from collections.abc import Callable

    from algomancy_data.messages import ValidationMessage

ORPHAN_EVERY = 100
KEY = ["country", "customer_id"]


class Orders(Schema):
    """The orders with a key of two columns."""

    _FILENAME = "orders"
    _EXTENSION = FileExtension.CSV
    _SCHEMA_TYPE = SchemaType.SINGLE
    CODE = Column("code", DataType.STRING, primary_key=True)
    ORDER_ID = Column("order_id", DataType.INTEGER, primary_key=True)


@pytest.fixture(scope="module")
def tables(rows: int) -> dict[str, pl.DataFrame]:
    """Return orders of which 1 % have an unknown customer and 1 % the key of the row before."""
    tables = frames(rows)
    orders, customers = tables["orders"], tables["customers"]
    number = pl.int_range(pl.len())
    picked = number % ORPHAN_EVERY == ORPHAN_EVERY - 1
    country = customers["country"].gather(orders["customer_id"] - 1)
    orders = orders.with_columns(
        pl.col("code", "order_id").gather(number - picked.cast(pl.Int64)),
        country.alias("country"),
        customer_id=pl.when(picked).then(-pl.col("customer_id")).otherwise("customer_id"),
    )
    return {"orders": orders, "customers": customers}


@pytest.fixture(scope="module")
def frames_of_pandas(tables: dict[str, pl.DataFrame]) -> dict[str, pd.DataFrame]:
    return {
        name: pd.DataFrame(frame.to_dict(as_series=False)).astype(
            {column: object for column, dtype in frame.schema.items() if dtype == pl.String}
        )
        for name, frame in tables.items()
    }


def total(messages: list[ValidationMessage], rows: int) -> bool:
    """Tell whether the messages count so many rows: one each, or the sum in the last one."""
    return len(messages) == rows or f" {rows:,} rows in all" in messages[-1].message


# The pandas package's way: a tuple per row that has a key, sets, and a look-up per row.


def row_tuples(frame: pd.DataFrame, columns: list[str]) -> list[tuple[object, ...]]:
    return list(map(tuple, frame[columns].itertuples(index=False)))


def with_key(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    return frame[frame[columns].notna().all(axis=1)]


def rows_in(frame: pd.DataFrame, columns: list[str], keys: set[tuple[object, ...]]) -> pd.Series:
    return pd.Series([key in keys for key in row_tuples(frame, columns)], frame.index, dtype=bool)


def duplicates_by_tuples(frame: pd.DataFrame, columns: list[str]) -> int:
    complete = with_key(frame, columns)
    seen: set[tuple[object, ...]] = set()
    repeated: set[tuple[object, ...]] = set()
    for key in row_tuples(complete, columns):
        (repeated if key in seen else seen).add(key)
    return int(rows_in(complete, columns, repeated).sum())


def orphans_by_tuples(child: pd.DataFrame, parent: pd.DataFrame, columns: list[str]) -> int:
    known = set(row_tuples(parent, columns))
    complete = with_key(child, columns)
    return len(complete) - int(rows_in(complete, columns, known).sum())


def cascade_by_tuples(
    child: pd.DataFrame, parent: pd.DataFrame, columns: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    while True:
        before = len(child) + len(parent)
        known = set(row_tuples(parent, columns))
        child = child[rows_in(child, columns, known) | child[columns].isna().any(axis=1)]
        known = set(row_tuples(with_key(child, columns), columns))
        parent = parent[rows_in(parent, columns, known)]
        if len(child) + len(parent) == before:
            return child.reset_index(drop=True), parent.reset_index(drop=True)


# The bare Polars expressions.


def duplicates_by_polars(frame: pl.DataFrame, columns: list[str]) -> int:
    return frame.select(pl.struct(columns).is_duplicated().sum()).item()


def orphans_by_polars(child: pl.DataFrame, parent: pl.DataFrame, columns: list[str]) -> int:
    return child.join(parent, on=columns, how="anti").height


def cascade_by_polars(
    child: pl.DataFrame, parent: pl.DataFrame, columns: list[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    child = child.join(parent, on=columns, how="semi")
    return child, parent.join(child, on=columns, how="semi")


@pytest.fixture(params=[["customer_id"], KEY], ids=["single", "composite"])
def key(request: pytest.FixtureRequest) -> list[str]:
    return request.param


@pytest.fixture
def check_primary_key(tables: dict[str, pl.DataFrame], rows: int) -> Callable[[], None]:
    validator = PrimaryKeyValidator([Orders])

    def check() -> None:
        assert total(validator.validate(tables), 2 * (rows // ORPHAN_EVERY))

    return check


@pytest.fixture
def check_foreign_key(
    tables: dict[str, pl.DataFrame], rows: int, key: list[str]
) -> Callable[[], None]:
    validator = ForeignKeyValidator("orders", key, "customers", key)

    def check() -> None:
        assert total(validator.validate(tables), rows // ORPHAN_EVERY)

    return check


@pytest.fixture
def run_cascade(tables: dict[str, pl.DataFrame], key: list[str]) -> Callable[[], list[int]]:
    relation = Relation("orders", tuple(key), "customers", tuple(key), parent_requires_child=True)
    transformer = CascadeDropTransformer(extra_relations=[relation])

    def run() -> list[int]:
        data = dict(tables)
        transformer.transform(data)
        return [frame.height for frame in data.values()]

    return run


def test_primary_key_beside_polars(
    beside: Callable[..., None],
    tables: dict[str, pl.DataFrame],
    rows: int,
    check_primary_key: Callable[[], None],
) -> None:
    columns = Orders.primary_key()

    def bare() -> None:
        assert duplicates_by_polars(tables["orders"], [*columns]) == 2 * (rows // ORPHAN_EVERY)

    beside(check_primary_key, bare)


def test_primary_key_beside_row_tuples(
    beside: Callable[..., None],
    frames_of_pandas: dict[str, pd.DataFrame],
    rows: int,
    check_primary_key: Callable[[], None],
) -> None:
    columns = Orders.primary_key()

    def by_tuples() -> None:
        found = duplicates_by_tuples(frames_of_pandas["orders"], [*columns])
        assert found == 2 * (rows // ORPHAN_EVERY)

    beside(check_primary_key, by_tuples, rounds=3)


def test_foreign_key_beside_polars(
    beside: Callable[..., None],
    tables: dict[str, pl.DataFrame],
    rows: int,
    key: list[str],
    check_foreign_key: Callable[[], None],
) -> None:
    def bare() -> None:
        assert orphans_by_polars(*tables.values(), key) == rows // ORPHAN_EVERY

    beside(check_foreign_key, bare)


def test_foreign_key_beside_row_tuples(
    beside: Callable[..., None],
    frames_of_pandas: dict[str, pd.DataFrame],
    rows: int,
    key: list[str],
    check_foreign_key: Callable[[], None],
) -> None:
    def by_tuples() -> None:
        assert orphans_by_tuples(*frames_of_pandas.values(), key) == rows // ORPHAN_EVERY

    beside(check_foreign_key, by_tuples, rounds=3)


def test_cascade_beside_polars(
    beside: Callable[..., None],
    tables: dict[str, pl.DataFrame],
    key: list[str],
    run_cascade: Callable[[], list[int]],
) -> None:
    beside(run_cascade, lambda: cascade_by_polars(*tables.values(), key))
    bare = cascade_by_polars(*tables.values(), key)
    assert run_cascade() == [frame.height for frame in bare]


def test_cascade_beside_row_tuples(
    beside: Callable[..., None],
    frames_of_pandas: dict[str, pd.DataFrame],
    key: list[str],
    run_cascade: Callable[[], list[int]],
) -> None:
    beside(run_cascade, lambda: cascade_by_tuples(*frames_of_pandas.values(), key), rounds=3)
    by_tuples = cascade_by_tuples(*frames_of_pandas.values(), key)
    assert run_cascade() == [len(frame) for frame in by_tuples]
