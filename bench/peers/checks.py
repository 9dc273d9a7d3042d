"""Whether a peer did the whole work, and what of the types it lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping


class Cursor(Protocol):
    """What every DBAPI's cursor can do."""

    def execute(self, operation: str, /) -> Any: ...

    def fetchone(self) -> Any: ...


def same_tables(
    found: Mapping[str, pl.DataFrame | pd.DataFrame], tables: dict[str, pl.DataFrame]
) -> str | None:
    """Compare every value, and return which columns came back in another type, if any."""
    lost: dict[str, str] = {}
    for name, expected in tables.items():
        frame = found[name]
        frame = pl.from_pandas(frame) if isinstance(frame, pd.DataFrame) else frame
        assert frame.columns == expected.columns
        assert frame.height == expected.height
        for column in expected:
            read = frame[column.name]
            if kind(read.dtype) != kind(column.dtype):
                lost[kind(column.dtype)] = kind(read.dtype)
                read = restored(read, column.dtype)
            assert read.cast(column.dtype).equals(column), column.name
    return ", ".join(f"{one} comes back as {other}" for one, other in lost.items()) or None


def identical(
    tables: Mapping[str, pl.DataFrame], found: Mapping[str, pl.DataFrame | pd.DataFrame]
) -> None:
    """Assert that every value is there, and every type."""
    for name, expected in tables.items():
        frame = found[name]
        frame = pl.from_pandas(frame) if isinstance(frame, pd.DataFrame) else frame
        assert frame.schema == expected.schema
        assert frame.equals(expected)


def same(expected: object, found: object) -> None:
    """Assert this of what a way counts."""
    assert found == expected


def kind(dtype: pl.DataType) -> str:
    """Name the group of types within which nothing is lost for the bench's values."""
    if dtype.is_integer():
        return "integer"
    if dtype.is_float():
        return "float"
    return {pl.Datetime: "datetime", pl.Boolean: "bool", pl.String: "text"}.get(
        dtype.base_type(), str(dtype)
    )


def restored(column: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Return what was meant by a column in another type."""
    if dtype.base_type() == pl.Datetime and column.dtype == pl.String:
        texts = column.str.replace("T", " ").str.slice(0, 26)
        return texts.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us")
    return column


def stored_rows(cursor: Cursor, tables: dict[str, pl.DataFrame]) -> None:
    """Compare sums over all columns, which any database forms itself, with those of the frames."""
    for table, frame in tables.items():
        expressions = ["count(*)"]
        expected: list[float | str] = [frame.height]
        for column in frame:
            expressions.append(f'count("{column.name}")')
            expected.append(len(column) - column.null_count())
            expressions.append(SUMS[kind(column.dtype)].format(f'"{column.name}"'))
            expected.append(total(column))
        cursor.execute(f'SELECT {", ".join(expressions)} FROM "{table}"')
        for found, right in zip(cursor.fetchone(), expected, strict=True):
            if isinstance(right, str):
                assert str(found).replace("T", " ")[: len(right)] == right
            else:
                assert abs(float(found) - right) <= 1e-9 * abs(right), (table, found, right)


SUMS = {
    "integer": "sum({})",
    "float": "sum({})",
    "text": "sum(length({}))",
    "datetime": "max(cast({} AS text))",
    "bool": "sum(CASE WHEN {} THEN 1 ELSE 0 END)",
}


def total(column: pl.Series) -> float | str:
    match kind(column.dtype):
        case "text":
            return float(column.str.len_chars().sum())
        case "datetime":
            return str(column.max())
    return float(column.sum())


def to_pandas(tables: dict[str, pl.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return frames as the pandas package holds them: numpy's dtypes, text as objects."""
    return {
        name: pd.DataFrame(
            {
                column.name: (
                    pd.Series(column.to_list(), dtype=object)
                    if column.dtype == pl.String
                    else column.to_numpy()
                )
                for column in frame
            }
        )
        for name, frame in tables.items()
    }
