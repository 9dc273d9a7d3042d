"""Frames as PostgreSQL holds them exactly, and back.

Columns have PostgreSQL's own types wherever these are exact. Unsigned integers have the next wider
signed type, 64 bits without a sign and 128 bits are ``numeric``. What PostgreSQL's type cannot hold
goes another way, by column: nanoseconds and 128-bit numbers of 39 digits as text, moments before
4714 BC as whole numbers, text with NUL characters as its UTF-8 in ``bytea``. Durations are whole
numbers of their unit, since an ``interval`` is no number. Nested values are JSON text.

The rows travel as binary COPY, which does not cast: the encoded frame has exactly the dtypes whose
bytes the declared types expect. Everything is Polars expressions over whole columns; what cannot
be kept exactly is refused here, before anything is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import polars as pl

from algomancy_data.database import nested
from algomancy_data.database.codec import ForeignValueError, decoded
from algomancy_data.database.layout import ColumnLayout
from algomancy_data.database.naming import column_names
from algomancy_data.database.postgresql.column_types import check_limits, storage
from algomancy_data.frames.tabular import numbered

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from polars.datatypes import DataType as PolarsDataType

_MAX_NAME_BYTES: Final = 63
_SYSTEM_COLUMNS: Final = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})
"""See https://www.postgresql.org/docs/current/ddl-system-columns.html."""

_ISO_DATETIME: Final = "%Y-%m-%d %H:%M:%S%.9f"
_ISO_TIME: Final = "%H:%M:%S%.9f"
_UTC_SUFFIX: Final = "Z"
_INTEGER_DIGITS: Final = 38

# Declared type -> the Polars dtype in which its values come from the driver.
_FETCHED: Final[dict[str, PolarsDataType]] = {
    "smallint": pl.Int16(),
    "integer": pl.Int32(),
    "bigint": pl.Int64(),
    "numeric": pl.String(),
    "real": pl.Float32(),
    "double precision": pl.Float64(),
    "boolean": pl.Boolean(),
    "text": pl.String(),
    "json": pl.String(),
    "bytea": pl.Binary(),
    "date": pl.Date(),
    "timestamp without time zone": pl.Datetime("us"),
    "timestamp with time zone": pl.Datetime("us", "UTC"),
    "time without time zone": pl.Time(),
}
# 4714-11-24 BC; only what the driver makes of both of PostgreSQL's infinities is before it.
_FIRST: Final = {
    "date": -2_440_588,
    "timestamp without time zone": -210_866_803_200_000_000,
    "timestamp with time zone": -210_866_803_200_000_000,
}


def plan(frame: pl.DataFrame, table: str) -> tuple[ColumnLayout, ...]:
    """Return the layout of each column of the frame.

    Args:
        frame: The frame.
        table: What to call it in an error.

    Raises:
        UnstorableError: A column cannot be kept exactly, or there are too many.
    """
    layouts: list[ColumnLayout] = []
    longest: list[int] = []
    for column, physical in zip(frame, _physical_names(frame.columns), strict=True):
        stored = storage(column, table)
        layouts.append(
            ColumnLayout(column.name, column.dtype, physical, stored.word, stored.sql_type)
        )
        longest.append(stored.longest)
    check_limits(table, layouts, longest, frame.height, lambda: encode(frame, layouts))
    return tuple(layouts)


def encode(frame: pl.DataFrame, columns: Sequence[ColumnLayout]) -> pl.DataFrame:
    """Return the encoded frame, with physical names."""
    return numbered(frame).select(
        _encoded(pl.col(str(number)), column).alias(column.physical)
        for number, column in enumerate(columns)
    )


def decode(stored: pl.DataFrame, columns: Sequence[ColumnLayout], table: str) -> pl.DataFrame:
    """Return the frame that :func:`encode` was given.

    Args:
        stored: The table's rows in order, columns under their physical names.
        columns: How they lie in the table.
        table: What to call it in an error.

    Raises:
        ForeignValueError: A value was changed to one that the column's type cannot have.
    """
    raw = pl.DataFrame([_as_stored(stored[column.physical], column, table) for column in columns])
    values = numbered(raw)
    return decoded(
        values,
        columns,
        [
            _decoded(pl.col(str(number)), column).alias(column.name)
            for number, column in enumerate(columns)
        ],
        table,
    )


def _physical_names(columns: Iterable[str]) -> list[str]:
    """Return the columns' names, with numbers for those that PostgreSQL reserves or would cut."""
    return column_names(
        "" if len(name.encode()) > _MAX_NAME_BYTES or name in _SYSTEM_COLUMNS else name
        for name in columns
    )


def _encoded(value: pl.Expr, column: ColumnLayout) -> pl.Expr:
    match column.storage:
        case "integer" | "ticks":
            return value.to_physical().cast(_FETCHED[column.sql_type])
        case "numeric" if column.dtype.is_integer():
            return value.cast(pl.Decimal(_INTEGER_DIGITS, 0))
        case "float" if column.dtype == pl.Float16():
            return value.cast(pl.Float32)
        case "utf8":
            return value.cast(pl.String).cast(pl.Binary)
        case "timestamp":
            return _utc(value, column.dtype).dt.cast_time_unit("us")
        case "iso" if column.dtype == pl.Time():
            return value.dt.to_string(_ISO_TIME)
        case "iso":
            aware = cast("pl.Datetime", column.dtype).time_zone is not None
            return _utc(value, column.dtype).dt.to_string(
                _ISO_DATETIME + _UTC_SUFFIX if aware else _ISO_DATETIME
            )
        case "text" | "null":
            return value.cast(pl.String)
        case word if word in nested.WORDS:
            return nested.encode(value, column.dtype, word)
        case _:
            return value


def _utc(value: pl.Expr, dtype: PolarsDataType) -> pl.Expr:
    aware = cast("pl.Datetime", dtype).time_zone is not None
    return value.dt.convert_time_zone("UTC") if aware else value


def _as_stored(series: pl.Series, column: ColumnLayout, table: str) -> pl.Series:
    """Return a column in its declared type's dtype, since the driver marks some as extensions."""
    expected = _FETCHED[column.sql_type.partition("(")[0]]
    if isinstance(series.dtype, pl.BaseExtension):
        series = series.ext.storage()
    if series.dtype != expected:
        what = f"values of type {series.dtype} where {column.sql_type} was written"
        raise ForeignValueError(column, table, what)
    if _has_infinities(series, column.sql_type):
        what = f"a value such as infinity where {column.sql_type} was written"
        raise ForeignValueError(column, table, what, series.to_physical().arg_min())
    return series


def _has_infinities(series: pl.Series, sql_type: str) -> bool:
    if sql_type not in _FIRST:
        return False
    earliest = cast("int | None", series.to_physical().min())
    return earliest is not None and earliest < _FIRST[sql_type]


def _decoded(value: pl.Expr, column: ColumnLayout) -> pl.Expr:
    match column.dtype:
        case pl.Datetime(time_unit=unit, time_zone=zone) if column.storage == "iso":
            moment = _parsed(value, pl.Datetime(unit, None if zone is None else "UTC"))
            return moment if zone is None else moment.dt.convert_time_zone(zone)
        case pl.Time() if column.storage == "iso":
            return value.str.to_time("%H:%M:%S%.f", cache=False)
        case dtype if column.storage in nested.WORDS:
            return nested.decode(value, dtype, column.storage)
        case dtype if column.storage == "utf8":
            return value.cast(pl.String).cast(dtype)
        case dtype:
            return value.cast(dtype)


def _parsed(value: pl.Expr, dtype: pl.Datetime) -> pl.Expr:
    text = value if dtype.time_zone is None else value.str.strip_suffix(_UTC_SUFFIX)
    return text.str.to_datetime(
        "%Y-%m-%d %H:%M:%S%.f", time_unit=dtype.time_unit, time_zone=dtype.time_zone, cache=False
    )
