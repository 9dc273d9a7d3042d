"""How SQLite keeps a column exactly."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import polars as pl
import pyarrow as pa

from algomancy_data.database import nested
from algomancy_data.errors import UnstorableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polars.datatypes import DataType as PolarsDataType


_INTEGERS: Final[Mapping[PolarsDataType, Any]] = {
    pl.Float32(): pa.int32(),
    pl.Float64(): pa.int64(),
}
_SMALLEST: Final[Mapping[PolarsDataType, int]] = {pl.Float32(): -(2**31), pl.Float64(): -(2**63)}


def float_bits(floats: pl.Series) -> pl.Series:
    """Return the bits of floats as integers with a sign, without a copy.

    Example:
        >>> float_bits(pl.Series([0.0, -0.0, None])).to_list()
        [0, -9223372036854775808, None]
    """
    array: Any = floats.alias("").to_arrow()  # Arrow takes no name with NUL
    return pl.Series(array.view(_INTEGERS[floats.dtype]))


def has_negative_zero(floats: pl.Series) -> bool:
    """Tell whether a value is -0.0, whose bits are the smallest integer.

    Example:
        >>> has_negative_zero(pl.Series([0.0, -1.0])), has_negative_zero(pl.Series([1.0, -0.0]))
        (False, True)
    """
    least = cast("float | None", floats.min())
    if least is None or least > 0:
        return False
    return float_bits(floats).min() == _SMALLEST[floats.dtype]


def has_nan(floats: pl.Series) -> bool:
    """Tell whether a value is NaN.

    Example:
        >>> inf = float("inf")
        >>> has_nan(pl.Series([inf, -inf, None])), has_nan(pl.Series([inf - inf]))
        (False, True)
    """
    # The sum is a number only if all are, and there are not infinities of both signs.
    return isnan(floats.sum()) and floats.is_nan().any()


MAX_VALUE_BYTES: Final = 1_000_000_000
"""SQLITE_MAX_LENGTH: of one text or blob, see https://www.sqlite.org/limits.html."""

_MAX_INTEGER: Final = 2**63 - 1
_PER_DAY: Final = {"ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
# Days since 1970 of the year 262,142 on either side: beyond, Polars cannot write a text at all.
_FAR_DAYS: Final = (-96_465_292, 95_026_236)

STORED_DTYPES: Final[Mapping[str, PolarsDataType]] = {
    "integer": pl.Int64(),
    "boolean": pl.Int64(),
    "null": pl.Int64(),
    "real": pl.Float64(),
    "text": pl.String(),
    "digits": pl.String(),
    "iso": pl.String(),
    "blob": pl.Binary(),
} | dict.fromkeys(nested.WORDS, pl.String())
"""Storage word -> the Polars dtype in which its values come from the driver."""


class Storage(NamedTuple):
    """How a column is stored in a table.

    Args:
        word: How the values are stored; part of the storage format.
        sql_type: The declared type; empty for none, so that SQLite converts nothing.
        has_nan: Whether a second column must tell NaN from NULL.
    """

    word: str
    sql_type: str
    has_nan: bool = False


def storage(column: pl.Series, table: str) -> Storage:
    """Return how a column is kept exactly.

    Args:
        column: The column.
        table: What to call the table in an error.

    Raises:
        UnstorableError: Nothing keeps it.

    Example:
        >>> storage(pl.Series([1.5, float("nan")]), "t")
        Storage(word='real', sql_type='REAL', has_nan=True)
        >>> storage(pl.Series([0.0, -0.0]), "t").sql_type
        ''
    """
    match column.dtype:
        case pl.Boolean():
            return Storage("boolean", "BOOLEAN")
        case pl.Null():
            return Storage("null", "")
        case dtype if dtype.is_numeric():
            return _of_numbers(column)
        case pl.Binary():
            _refuse_long_values(column, table)
            return Storage("blob", "BLOB")
        case pl.Date() | pl.Datetime() | pl.Time():
            return _of_temporals(column)
        case pl.Duration():
            return Storage("integer", "INTEGER")
        case pl.List() | pl.Array() | pl.Struct():
            word, longest = nested.check(column, table)
            if longest > MAX_VALUE_BYTES:
                raise _too_long(column, table)
            return Storage(word, "TEXT")
        case pl.Categorical() as dtype if not dtype.categories.is_global():
            raise _refusal(column, table, f"the dtype {dtype}")
        case pl.String() | pl.Categorical() | pl.Enum():
            _refuse_long_values(column, table)
            return Storage("text", "TEXT")
        case dtype:
            raise _refusal(column, table, f"the dtype {dtype}")


def within_days(column: pl.Series, days: tuple[int, int]) -> bool:
    """Tell whether all dates or datetimes are in a range of days since 1970."""
    physical = column.cast(pl.Int64)  # without a query, unlike to_physical
    low, high = cast("tuple[int | None, ...]", (physical.min(), physical.max()))
    if low is None or high is None:
        return True
    is_date = column.dtype == pl.Date()
    per_day = 1 if is_date else _PER_DAY[cast("pl.Datetime", column.dtype).time_unit]
    return days[0] * per_day <= low and high < (days[1] + 1) * per_day


def _of_numbers(column: pl.Series) -> Storage:
    match column.dtype:
        case pl.Float16() | pl.Float32() | pl.Float64():
            return _of_floats(column)
        case pl.Int128() | pl.UInt128() | pl.Decimal():
            return Storage("digits", "TEXT")
        case pl.UInt64() if (cast("int | None", column.max()) or 0) > _MAX_INTEGER:
            return Storage("digits", "TEXT")
        case _:
            return Storage("integer", "INTEGER")


def _of_floats(column: pl.Series) -> Storage:
    floats = column.cast(pl.Float32) if column.dtype == pl.Float16() else column
    # In a column declared REAL, SQLite keeps whole numbers as integers, which know no -0.0.
    return Storage("real", "" if has_negative_zero(floats) else "REAL", has_nan(floats))


def _of_temporals(column: pl.Series) -> Storage:
    match column.dtype:
        case pl.Time():
            return Storage("iso", "TEXT")  # DuckDB and SQLAlchemy fail to read these as TIME
        case _ if not within_days(column, _FAR_DAYS):
            return Storage("integer", "INTEGER")
        case pl.Datetime(time_zone=zone):
            return Storage("iso", "DATETIME" if zone is None else "TEXT")
        case _:
            return Storage("iso", "DATE")


def _refuse_long_values(column: pl.Series, table: str) -> None:
    if column.estimated_size() < MAX_VALUE_BYTES:  # then no single value is longer
        return
    values = column if column.dtype == pl.Binary() else column.cast(pl.String).cast(pl.Binary)
    if (cast("int | None", values.bin.size().max()) or 0) > MAX_VALUE_BYTES:
        raise _too_long(column, table)


def _too_long(column: pl.Series, table: str) -> UnstorableError:
    return _refusal(column, table, f"a value of more than {MAX_VALUE_BYTES:,} bytes")


def _refusal(column: pl.Series, table: str, what: str) -> UnstorableError:
    return UnstorableError(
        f"Column {column.name!r} of table {table!r} has {what}, which SQLite cannot keep exactly. "
        f"Cast the column to another dtype, or drop it. Nothing was written."
    )
