"""Frames as SQLite holds them exactly, and back.

SQLite knows 64-bit integers, 64-bit floats, text and blobs (https://www.sqlite.org/datatype3.html).
It turns NaN into NULL, and -0.0 into 0 where a column has REAL affinity. So a column with NaN gets
a second one that tells NaN from NULL, and a column with -0.0 gets no declared type. Dates and
times are ISO 8601 text, which SQLite's date functions and people read.

Everything is Polars expressions over whole columns; what cannot be kept exactly is refused here,
before anything is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from polars.exceptions import PolarsError

from algomancy_data.database.layout import ColumnLayout
from algomancy_data.database.naming import column_names, free_column_name
from algomancy_data.errors import SchemaDriftError, UnstorableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polars.datatypes import DataType as PolarsDataType

MAX_COLUMNS: Final = 2000
"""SQLITE_MAX_COLUMN, see https://www.sqlite.org/limits.html."""

MAX_VALUE_BYTES: Final = 1_000_000_000
"""SQLITE_MAX_LENGTH: of one text or blob, see https://www.sqlite.org/limits.html."""

_MAX_INTEGER: Final = 2**63 - 1
_UTC_SUFFIX: Final = "Z"
_FRACTION_DIGITS: Final = {"ms": 3, "us": 6, "ns": 9}
_PER_DAY: Final = {"ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}

# In days since 1970. Years of four digits are text that sorts; beyond the far days, which are
# those of the year 262,142 on either side, Polars cannot write a text at all.
_FOUR_DIGIT_DAYS: Final = (-719_162, 2_932_896)
_FAR_DAYS: Final = (-96_465_292, 95_026_236)

# Storage word -> the Polars dtype in which its values come from the driver.
_STORED_DTYPES: Final[dict[str, PolarsDataType]] = {
    "integer": pl.Int64(),
    "boolean": pl.Int64(),
    "null": pl.Int64(),
    "real": pl.Float64(),
    "text": pl.String(),
    "iso": pl.String(),
    "blob": pl.Binary(),
}


def plan(frame: pl.DataFrame, table: str) -> tuple[ColumnLayout, ...]:
    """Return how each column of the frame lies in a table.

    Args:
        frame: The frame.
        table: What to call it in an error.

    Raises:
        UnstorableError: A column cannot be kept exactly, or there are too many.
    """
    physical = column_names(frame.columns)
    masked, signed = _special_floats(frame)
    taken = list(physical)
    layouts: list[ColumnLayout] = []
    for (name, dtype), physical_name in zip(frame.schema.items(), physical, strict=True):
        storage, sql_type = _storage(frame[name], table)
        mask = None
        if name in masked:
            mask = free_column_name(f"{physical_name}__is_nan", taken)
            taken.append(mask)
        if name in signed:
            sql_type = ""
        layouts.append(ColumnLayout(name, dtype, physical_name, storage, sql_type, mask))
    if len(taken) > MAX_COLUMNS:
        msg = (
            f"Table {table!r} needs {len(taken):,} columns, but SQLite has at most "
            f"{MAX_COLUMNS:,}. Split it, or unpivot it to rows."
        )
        raise UnstorableError(msg)
    return tuple(layouts)


def encode(frame: pl.DataFrame, columns: Sequence[ColumnLayout]) -> pl.DataFrame:
    """Return the frame as it goes into the table, columns under their physical names."""
    return frame.select(expression for column in columns for expression in _encoded(column))


def decode(stored: pl.DataFrame, columns: Sequence[ColumnLayout], table: str) -> pl.DataFrame:
    """Return the frame that :func:`encode` was given.

    Args:
        stored: The table's rows in order, columns under their physical names.
        columns: How they lie in the table.
        table: What to call it in an error.

    Raises:
        SchemaDriftError: Somebody changed a value to one that the column's type cannot have.
    """
    raw = stored.with_columns(_as_stored(stored, column, table) for column in columns)
    try:
        return raw.select(_decoded(column).alias(column.name) for column in columns)
    except PolarsError as error:
        msg = (
            f"Table {table!r} holds values that were not written by this package: {error} "
            f"Undo the change, or delete the dataset and load it again."
        )
        raise SchemaDriftError(msg) from error


def _special_floats(frame: pl.DataFrame) -> tuple[set[str], set[str]]:
    """Return the names of the columns with NaN, and of those with -0.0."""
    floats = [name for name, dtype in frame.schema.items() if dtype in {pl.Float32(), pl.Float64()}]
    if not floats or frame.is_empty():
        return set(), set()
    checks = frame.select(
        pl.struct(
            pl.col(name).is_nan().any().alias("nan"),
            ((pl.col(name) == 0) & (1 / pl.col(name) < 0)).any().alias("negative_zero"),
        ).alias(name)
        for name in floats
    ).row(0, named=True)
    return (
        {name for name in floats if checks[name]["nan"]},
        {name for name in floats if checks[name]["negative_zero"]},
    )


def _storage(column: pl.Series, table: str) -> tuple[str, str]:
    """Return a column's storage word and declared type, or refuse it."""
    match column.dtype:
        case pl.Boolean():
            return "boolean", "BOOLEAN"
        case pl.Null():
            return "null", ""
        case pl.Float32() | pl.Float64():
            return "real", "REAL"
        case pl.String() | pl.Categorical() | pl.Enum():
            _refuse_long_values(column, table)
            return "text", "TEXT"
        case pl.Binary():
            _refuse_long_values(column, table)
            return "blob", "BLOB"
        case pl.Date() | pl.Datetime() | pl.Time():
            return _temporal_storage(column)
        case pl.UInt64() if (column.max() or 0) > _MAX_INTEGER:  # pyright: ignore[reportOperatorIssue]
            raise _refusal(column, table, f"a value above 2^63-1 ({column.max()})")
        case pl.Duration() | pl.UInt64():
            return "integer", "INTEGER"
        case dtype if dtype.is_integer() and dtype not in {pl.Int128(), pl.UInt128()}:
            return "integer", "INTEGER"
        case dtype:
            raise _refusal(column, table, f"the dtype {dtype}")


def _temporal_storage(column: pl.Series) -> tuple[str, str]:
    match column.dtype:
        case pl.Time():
            return "iso", "TIME"
        case _ if not _within(column, _FAR_DAYS):
            return "integer", "INTEGER"
        case pl.Datetime(time_zone=zone):
            return "iso", "DATETIME" if zone is None else "TEXT"
        case _:
            return "iso", "DATE"


def _within(column: pl.Series, days: tuple[int, int]) -> bool:
    """Tell whether all dates or datetimes lie on these days."""
    low, high = cast(
        "tuple[int | None, ...]", (column.to_physical().min(), column.to_physical().max())
    )
    if low is None or high is None:
        return True
    per_day = (
        1 if column.dtype == pl.Date() else _PER_DAY[cast("pl.Datetime", column.dtype).time_unit]
    )
    return days[0] * per_day <= low and high < (days[1] + 1) * per_day


def _refuse_long_values(column: pl.Series, table: str) -> None:
    if column.estimated_size() < MAX_VALUE_BYTES:  # then no single value is longer
        return
    texts = column if column.dtype == pl.Binary() else column.cast(pl.String).cast(pl.Binary)
    if (texts.bin.size().max() or 0) > MAX_VALUE_BYTES:  # pyright: ignore[reportOperatorIssue]
        raise _refusal(column, table, f"a value of more than {MAX_VALUE_BYTES:,} bytes")


def _refusal(column: pl.Series, table: str, what: str) -> UnstorableError:
    return UnstorableError(
        f"Column {column.name!r} of table {table!r} has {what}, which SQLite cannot keep exactly. "
        f"Cast the column to another dtype, or drop it. Nothing was written."
    )


def _encoded(column: ColumnLayout) -> list[pl.Expr]:
    value = pl.col(column.name)
    match column.dtype:
        case pl.Datetime() | pl.Date() if column.storage == "integer":
            stored = value.to_physical().cast(pl.Int64)
        case pl.Datetime(time_zone=zone):
            utc = value if zone is None else value.dt.convert_time_zone("UTC")
            stored = utc.map_batches(_datetime_texts, return_dtype=pl.String)
        case pl.Date():
            stored = value.dt.to_string("%Y-%m-%d")
        case pl.Time():
            stored = value.dt.to_string("%H:%M:%S%.9f")
        case pl.Duration():
            stored = value.to_physical()
        case pl.Categorical() | pl.Enum():
            stored = value.cast(pl.String)
        case pl.Null() | pl.UInt64():
            stored = value.cast(pl.Int64)
        case _:
            stored = value
    expressions = [stored.alias(column.physical)]
    if column.mask is not None:
        expressions.append(value.is_nan().alias(column.mask))
    return expressions


def _datetime_texts(column: pl.Series) -> pl.Series:
    """Return the texts of naive datetimes, or those of UTC ones with a ``Z`` behind them."""
    if _within(column, _FOUR_DIGIT_DAYS):
        # A third of the time that Polars takes, for the same text.
        texts: Any = pc.cast(column.to_arrow(), pa.large_string())
        return cast("pl.Series", pl.from_arrow(texts))
    dtype = cast("pl.Datetime", column.dtype)
    suffix = "" if dtype.time_zone is None else _UTC_SUFFIX
    digits = _FRACTION_DIGITS[dtype.time_unit]
    return column.dt.to_string(f"%Y-%m-%d %H:%M:%S%.{digits}f{suffix}")


def _as_stored(stored: pl.DataFrame, column: ColumnLayout, table: str) -> pl.Series:
    """Return a column in its storage's dtype; the driver calls a column of NULLs integers."""
    series = stored[column.physical]
    expected = _STORED_DTYPES[column.storage]
    if series.null_count() == len(series):
        return series.cast(expected)
    if series.dtype == pl.Int64() and expected == pl.Float64():
        return series.cast(expected)
    foreign = str(series.dtype)
    if series.dtype == expected:
        if column.storage != "boolean" or series.is_between(0, 1).all():
            return series
        foreign = "other than 0 and 1"
    msg = (
        f"Column {column.physical!r} of table {table!r} holds values of type {foreign} where "
        f"{column.storage} was written, so somebody changed them. Undo the change, or delete the "
        f"dataset and load it again."
    )
    raise SchemaDriftError(msg)


def _decoded(column: ColumnLayout) -> pl.Expr:
    value = pl.col(column.physical)
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
            return value.str.to_date("%Y-%m-%d", cache=False)
        case pl.Time():
            return value.str.to_time("%H:%M:%S%.f", cache=False)
        case pl.Float32() | pl.Float64() if column.mask is not None:
            is_nan = value.is_null() & (pl.col(column.mask) == 1)
            return pl.when(is_nan).then(float("nan")).otherwise(value).cast(column.dtype)
        case pl.Int64() | pl.Float64() | pl.String() | pl.Binary():
            return value
        case _:
            return value.cast(column.dtype)


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
