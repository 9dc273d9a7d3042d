"""Frames as SQLite holds them exactly, and back.

SQLite knows 64-bit integers, 64-bit floats, text and blobs (https://www.sqlite.org/datatype3.html).
It turns NaN into NULL, and -0.0 into 0 where a column has REAL affinity. So a column with NaN gets
a second one that tells NaN from NULL, and a column with -0.0 gets no declared type. Dates and
times are ISO 8601 text, which SQLite's date functions and people read; decimals and integers of
more than 64 bits are text with all their digits; nested values are JSON text.

Everything is Polars expressions over whole columns; what cannot be kept exactly is refused here,
before anything is written.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from polars.exceptions import PanicException, PolarsError

from algomancy_data.database import nested
from algomancy_data.database.codec import ForeignValueError, decoded
from algomancy_data.database.layout import ColumnLayout
from algomancy_data.database.naming import column_names, free_column_name
from algomancy_data.database.sqlite.column_types import STORED_DTYPES, storage, within_days
from algomancy_data.errors import UnstorableError
from algomancy_data.frames.tabular import numbered

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_COLUMNS: Final = 2000
"""SQLITE_MAX_COLUMN, see https://www.sqlite.org/limits.html."""

_UTC_SUFFIX: Final = "Z"
_DATE_FORMAT: Final = "%Y-%m-%d"
# So many rows for each day from the first to the last make it worth while to look texts up.
_ROWS_PER_DAY: Final = 4
_DAYS_TOGETHER: Final = 256
_FRACTION_DIGITS: Final = {"ms": 3, "us": 6, "ns": 9}
# In days since 1970: years of four digits.
_FOUR_DIGIT_DAYS: Final = (-719_162, 2_932_896)


def plan(frame: pl.DataFrame, table: str) -> tuple[ColumnLayout, ...]:
    """Return the layout of each column of the frame.

    Args:
        frame: The frame.
        table: What to call it in an error.

    Raises:
        UnstorableError: A column cannot be kept exactly, or there are too many.
    """
    physical = column_names(frame.columns)
    taken = list(physical)
    layouts: list[ColumnLayout] = []
    for column, name in zip(frame, physical, strict=True):
        stored = storage(column, table)
        mask = None
        if stored.has_nan:
            mask = free_column_name(f"{name}__is_nan", taken)
            taken.append(mask)
        layouts.append(
            ColumnLayout(column.name, column.dtype, name, stored.word, stored.sql_type, mask)
        )
    if len(taken) > MAX_COLUMNS:
        msg = (
            f"Table {table!r} needs {len(taken):,} columns, but SQLite has at most "
            f"{MAX_COLUMNS:,}. Split it, or unpivot it to rows."
        )
        raise UnstorableError(msg)
    return tuple(layouts)


def encode(frame: pl.DataFrame, columns: Sequence[ColumnLayout]) -> pl.DataFrame:
    """Return the encoded frame, with physical names."""
    # Without expressions where there is another way: of few rows, a query costs more than they do.
    # And in expressions, Arrow would keep memory for each of Polars' threads.
    texts = [_moments_as_texts(values, one) for values, one in zip(frame, columns, strict=True)]
    stored = {
        column.physical: values if text is None else text
        for values, text, column in zip(frame, texts, columns, strict=True)
    }
    expressions = [
        expression
        for number, (text, column) in enumerate(zip(texts, columns, strict=True))
        if text is None
        for expression in _encoded(pl.col(str(number)), column)
    ]
    if expressions:
        encoded = numbered(frame).select(expressions)
        stored |= dict(zip(encoded.columns, encoded, strict=True))
    return pl.DataFrame(
        [
            stored[name].alias(name)
            for column in columns
            for name in (column.physical, column.mask)
            if name is not None
        ]
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
    found = [_as_stored(stored[column.physical], column, table) for column in columns]
    # As in encode: a query costs more than to decode few rows.
    plain = [_plainly(values, column) for values, column in zip(found, columns, strict=True)]
    ready = {
        column.name: one for one, column in zip(plain, columns, strict=True) if one is not None
    }
    if len(ready) == len(columns):
        return pl.DataFrame(ready)
    raw = pl.DataFrame(
        [values.alias(str(number)) for number, values in enumerate(found)]
        + [
            stored[column.mask].alias(_mask_name(number))
            for number, column in enumerate(columns)
            if column.mask is not None
        ]
    )
    values = [
        (_decoded(number, column) if one is None else pl.lit(one)).alias(column.name)
        for number, (one, column) in enumerate(zip(plain, columns, strict=True))
    ]
    return decoded(raw, columns, values, table)


def _mask_name(number: int) -> str:
    return f"mask of {number}"


def _is_moment(column: ColumnLayout) -> bool:
    return isinstance(column.dtype, pl.Datetime) and column.storage == "iso"


def _is_date(column: ColumnLayout) -> bool:
    return isinstance(column.dtype, pl.Date) and column.storage == "iso"


def _moments_as_texts(values: pl.Series, column: ColumnLayout) -> pl.Series | None:
    """Return the texts of dates and datetimes where no expression is needed for them."""
    if _is_moment(column):
        return _datetime_texts(values)
    return _texts_of_few_days(values) if _is_date(column) else None


def _texts_of_few_days(dates: pl.Series) -> pl.Series | None:
    """Return the texts of dates, that of each day made once; None if that is no gain."""
    days = dates.cast(pl.Int32)  # without a query, unlike to_physical
    low, high = cast("tuple[int | None, ...]", (days.min(), days.max()))
    if low is None or high is None or (high - low) * _ROWS_PER_DAY > len(days):
        return None
    first = low // _DAYS_TOGETHER * _DAYS_TOGETHER
    end = (high // _DAYS_TOGETHER + 1) * _DAYS_TOGETHER
    return _texts_of_days(first, end).gather(days - first)


@lru_cache(maxsize=16)
def _texts_of_days(first: int, end: int) -> pl.Series:
    """Return the texts of days since 1970; the next rows of a table have about the same ones."""
    days = pl.int_range(first, end, dtype=pl.Int32, eager=True).cast(pl.Date)
    return days.dt.to_string(_DATE_FORMAT)


def _encoded(value: pl.Expr, column: ColumnLayout) -> list[pl.Expr]:
    """Return what makes a column's values and its mask, where these are not the values as such."""
    stored = None
    match column.dtype:
        case pl.Datetime() | pl.Date() if column.storage == "integer":
            stored = value.to_physical().cast(pl.Int64)
        case pl.Date():
            stored = value.dt.to_string(_DATE_FORMAT)
        case pl.Time():
            stored = value.dt.to_string("%H:%M:%S%.9f")
        case pl.Duration():
            stored = value.to_physical()
        case pl.Float16():
            stored = value.cast(pl.Float32)
        case dtype if column.storage in nested.WORDS:
            stored = nested.encode(value, dtype, column.storage)
        case pl.Categorical() | pl.Enum():
            stored = value.cast(pl.String)
        case _ if column.storage == "digits":
            stored = value.cast(pl.String)
        case pl.Null() | pl.UInt64():
            stored = value.cast(pl.Int64)
        case _:
            pass
    expressions = [] if stored is None else [stored.alias(column.physical)]
    if column.mask is not None:
        expressions.append(value.is_nan().alias(column.mask))
    return expressions


def _datetime_texts(column: pl.Series) -> pl.Series:
    """Return the texts of naive datetimes, or of others those in UTC with a ``Z`` behind them."""
    dtype = cast("pl.Datetime", column.dtype)
    suffix = "" if dtype.time_zone is None else _UTC_SUFFIX
    if within_days(column, _FOUR_DIGIT_DAYS):
        # A third of the time that Polars takes, for the same text. Arrow takes no name with NUL,
        # and needs fifty times as long for a datetime that has a zone, whichever one it is.
        naive = column.alias("").cast(pl.Int64).cast(pl.Datetime(dtype.time_unit))
        texts: Any = pc.cast(naive.to_arrow(), pa.large_string())
        found = cast("pl.Series", pl.from_arrow(texts))
        return found + suffix if suffix else found
    if suffix:
        column = column.dt.convert_time_zone("UTC")
    digits = _FRACTION_DIGITS[dtype.time_unit]
    return column.dt.to_string(f"%Y-%m-%d %H:%M:%S%.{digits}f{suffix}")


def _as_stored(series: pl.Series, column: ColumnLayout, table: str) -> pl.Series:
    """Return a column in its storage's dtype, since the driver takes NULLs for integers."""
    expected = STORED_DTYPES[column.storage]
    if series.null_count() == len(series):
        return series.cast(expected)
    if series.dtype == pl.Int64() and expected == pl.Float64():
        return series.cast(expected)
    row = None
    foreign = str(series.dtype)
    if series.dtype == expected:
        if column.storage != "boolean" or series.is_between(0, 1).all():
            return series
        foreign = "other than 0 and 1"
        row = (~series.is_between(0, 1)).fill_null(value=False).arg_max()
    what = f"values of type {foreign} where {column.storage} was written"
    raise ForeignValueError(column, table, what, row)


def _plainly(values: pl.Series, column: ColumnLayout) -> pl.Series | None:
    """Return the values of a column that needs no expression; None of another, or of a bad one."""
    if column.mask is not None or column.storage in nested.WORDS:
        return None
    try:
        if _is_moment(column):
            dtype = cast("pl.Datetime", column.dtype)
            if dtype.time_zone is None:
                return _datetimes(values, dtype)
        elif _is_date(column):
            # A quarter of the time that Polars takes; a year of other than 4 digits is left to it.
            return cast("pl.Series", pl.from_arrow(pc.cast(values.to_arrow(), pa.date32())))
        elif not column.dtype.is_temporal():
            return values.cast(column.dtype)
    except (PolarsError, PanicException, pa.ArrowInvalid):
        pass  # evaluating the expression finds the row
    return None


def _decoded(number: int, column: ColumnLayout) -> pl.Expr:
    value = pl.col(str(number))
    match column.dtype:
        case pl.Date() if column.storage == "integer":
            return value.cast(pl.Int32).cast(column.dtype)
        case pl.Datetime() if column.storage == "integer":
            return value.cast(column.dtype)
        case pl.Datetime(time_unit=unit, time_zone=None):
            naive = pl.Datetime(unit)
            return value.map_batches(lambda texts: _datetimes(texts, naive), return_dtype=naive)
        case pl.Datetime(time_unit=unit, time_zone=str(zone)):
            utc = pl.Datetime(unit, "UTC")
            parsed = value.map_batches(lambda texts: _datetimes(texts, utc), return_dtype=utc)
            return parsed.dt.convert_time_zone(zone)
        case pl.Date():
            return value.str.to_date(_DATE_FORMAT, cache=False)
        case pl.Time():
            return value.str.to_time("%H:%M:%S%.f", cache=False)
        case dtype if column.storage in nested.WORDS:
            return nested.decode(value, dtype, column.storage)
        case dtype if column.mask is not None:
            is_nan = value.is_null() & (pl.col(_mask_name(number)) == 1)
            return pl.when(is_nan).then(float("nan")).otherwise(value).cast(dtype)
        case dtype:
            return value.cast(dtype)


def _datetimes(texts: pl.Series, dtype: pl.Datetime) -> pl.Series:
    """Return what :func:`_datetime_texts` was given."""
    try:
        # A seventh of the time that Polars takes; it does not know years of other than 4 digits.
        parsed: Any = pc.cast(texts.to_arrow(), pa.timestamp(dtype.time_unit, dtype.time_zone))
    except pa.ArrowInvalid:
        suffix = "" if dtype.time_zone is None else _UTC_SUFFIX
        naive = texts.str.to_datetime(
            f"%Y-%m-%d %H:%M:%S%.f{suffix}", time_unit=dtype.time_unit, cache=False
        )
        return naive if dtype.time_zone is None else naive.dt.replace_time_zone(dtype.time_zone)
    return cast("pl.Series", pl.from_arrow(parsed))
