"""Which PostgreSQL type keeps a column exactly, and how much a table and a row take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import polars as pl
import pyarrow as pa

from algomancy_data.database import nested
from algomancy_data.errors import UnstorableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.database.layout import ColumnLayout


_INTEGERS: Final[dict[PolarsDataType, str]] = {
    pl.Int8(): "smallint",
    pl.UInt8(): "smallint",
    pl.Int16(): "smallint",
    pl.UInt16(): "integer",
    pl.Int32(): "integer",
    pl.UInt32(): "bigint",
    pl.Int64(): "bigint",
}
_FLOATS: Final[dict[PolarsDataType, str]] = {
    pl.Float16(): "real",
    pl.Float32(): "real",
    pl.Float64(): "double precision",
}
_MAX_DECIMAL: Final = 10**38 - 1
# Days since 1970 of 4714-11-24 BC and 5874897-12-31, and the same first day in microseconds; the
# last one of a timestamp is beyond 64 bits of microseconds since 1970.
_FIRST_DAY: Final = -2_440_588
_LAST_DAY: Final = 2_145_042_905
_MICROSECONDS_PER_DAY: Final = 86_400_000_000
_FIRST_MICROSECOND: Final = _FIRST_DAY * _MICROSECONDS_PER_DAY
_LAST_MICROSECOND: Final = 2**63 - 1
_NANOSECONDS: Final = 1000
_SLICE: Final = 50_000  # rows whose texts are copied at a time


class Storage(NamedTuple):
    """How a column is stored in a table.

    Args:
        word: How the values are stored; part of the storage format.
        sql_type: The declared type, as PostgreSQL's ``format_type`` writes it.
        longest: Number of bytes of the longest value of a type without a fixed length, else 0.
    """

    word: str
    sql_type: str
    longest: int = 0


def storage(column: pl.Series, table: str) -> Storage:
    r"""Return how a column is kept exactly.

    Args:
        column: The column.
        table: What to call the table in an error.

    Raises:
        UnstorableError: No type keeps it.

    Example:
        >>> storage(pl.Series([1, 2], dtype=pl.UInt16), "t")
        Storage(word='integer', sql_type='integer', longest=0)
        >>> storage(pl.Series(["a", "b\0"]), "t").sql_type
        'bytea'
    """
    match column.dtype:
        case dtype if dtype in _INTEGERS:
            return Storage("integer", _INTEGERS[dtype])
        case dtype if dtype in _FLOATS:
            return Storage("float", _FLOATS[dtype])
        case pl.Boolean():
            return Storage("boolean", "boolean")
        case pl.UInt64() | pl.Int128() | pl.UInt128():
            return _of_wide_integers(column)
        case pl.Decimal(precision=precision, scale=scale):
            return _numeric(precision, scale)
        case pl.Date() | pl.Datetime() | pl.Time() | pl.Duration():
            return _of_temporals(column)
        case pl.List() | pl.Array() | pl.Struct():
            word, longest = nested.check(column, table)
            return Storage(word, "json", longest)
        case pl.Binary():
            return Storage("bytes", "bytea", cast("int | None", column.bin.size().max()) or 0)
        case pl.Null():
            return Storage("null", "text")
        case pl.Categorical() as dtype if not dtype.categories.is_global():
            raise _refusal(column, table)
        case pl.String() | pl.Categorical() | pl.Enum():
            return _of_texts(column.cast(pl.String))
        case _:
            raise _refusal(column, table)


def _numeric(precision: int, scale: int) -> Storage:
    # Two bytes for each four digits before and after the point, and two for where that is.
    longest = 2 * (-(-(precision - scale) // 4) + -(-scale // 4) + 1)
    return Storage("numeric", f"numeric({precision},{scale})", longest)


def _of_wide_integers(column: pl.Series) -> Storage:
    low, high = _ends(column)
    if low >= -_MAX_DECIMAL and high <= _MAX_DECIMAL:
        return _numeric(38, 0)
    return Storage("text", "text", 40)  # 39 digits, which no Polars decimal has, and a sign


def _of_temporals(column: pl.Series) -> Storage:
    low, high = _ends(column)
    match column.dtype:
        case pl.Date():
            near = low >= _FIRST_DAY and high <= _LAST_DAY
            return Storage("date", "date") if near else Storage("ticks", "integer")
        case pl.Time() if _has_nanoseconds(column):
            return Storage("iso", "text", len("00:00:00.000000000"))
        case pl.Time():
            return Storage("time", "time without time zone")
        case pl.Datetime(time_unit="ns") if _has_nanoseconds(column):
            return Storage("iso", "text", len("1970-01-01 00:00:00.000000000Z"))
        case pl.Datetime(time_unit=unit, time_zone=zone):
            per_unit = 1000 if unit == "ms" else 1
            near = unit == "ns" or (
                low * per_unit >= _FIRST_MICROSECOND and high * per_unit <= _LAST_MICROSECOND
            )
            aware = "without" if zone is None else "with"
            if near:
                return Storage("timestamp", f"timestamp {aware} time zone")
            return Storage("ticks", "bigint")
        case _:
            return Storage("integer", "bigint")


def _of_texts(texts: pl.Series) -> Storage:
    longest = cast("int | None", texts.str.len_bytes().max()) or 0
    if any(_has_nul(texts.slice(at, _SLICE)) for at in range(0, len(texts), _SLICE)):
        return Storage("utf8", "bytea", longest)
    return Storage("text", "text", longest)


def _has_nul(texts: pl.Series) -> bool:
    # By the bytes of all, in a fifth of the time that each text takes.
    array: Any = texts.alias("").to_arrow(compat_level=pl.CompatLevel.oldest())  # no name with NUL
    data = array.buffers()[2]
    if (
        data is None
        or pl.Series(pa.Array.from_buffers(pa.uint8(), len(data), [None, data])).min() != 0
    ):
        return False
    # Behind a null may be what nobody sees.
    return bool(texts.str.contains("\0", literal=True).any())


def _has_nanoseconds(column: pl.Series) -> bool:
    return bool((column.to_physical() % _NANOSECONDS != 0).any())


def _ends(column: pl.Series) -> tuple[int, int]:
    """Return the lowest and the highest physical value, or zeros."""
    physical = column.to_physical()
    low, high = cast("tuple[int | None, ...]", (physical.min(), physical.max()))
    return low or 0, high or 0


def _refusal(column: pl.Series, table: str) -> UnstorableError:
    return UnstorableError(
        f"Column {column.name!r} of table {table!r} has the dtype {column.dtype}, which PostgreSQL "
        f"cannot keep exactly. Cast the column to another dtype, or drop it. Nothing was written."
    )


# How much PostgreSQL takes. The numbers are those of a server with pages of 8 kB, which practically
# every server is built with: https://www.postgresql.org/docs/current/limits.html and
# https://www.postgresql.org/docs/current/storage-page-layout.html.

MAX_COLUMNS: Final = 1600
"""MaxHeapAttributeNumber."""

MAX_ROW_BYTES: Final = 1_000_000_000
"""Of the values in a row: a row travels as one message, which can have 1 GiB in all."""

MAX_PAGE_BYTES: Final = 8160
"""Of a row with its header, after long values have moved out to the table's TOAST."""

_MAX_ALIGNMENT: Final = 8
_HEADER: Final = 23
# Any longer value is compressed, or moved out of the row, when the row does not fit otherwise. What
# is not moved has up to 24 bytes, and what is compressed begins at a multiple of 4.
_LONGEST_IN_PAGE: Final = 27
_FIXED: Final = {
    "smallint": 2,
    "integer": 4,
    "bigint": 8,
    "real": 4,
    "double precision": 8,
    "boolean": 1,
    "date": 4,
    "timestamp without time zone": 8,
    "timestamp with time zone": 8,
    "time without time zone": 8,
}


def check_limits(
    table: str,
    columns: Sequence[ColumnLayout],
    longest: Sequence[int],
    height: int,
    encode: Callable[[], pl.DataFrame],
) -> None:
    """Make sure that a frame fits into a table.

    Args:
        table: What to call it in an error.
        columns: How its columns lie in it.
        longest: Number of bytes of each column's longest value, if it has no fixed length.
        height: Number of rows.
        encode: Return the frame as it goes into the table; called in the rare doubtful case.

    Raises:
        UnstorableError: There are too many columns, or a row is too long.
    """
    if len(columns) > MAX_COLUMNS:
        msg = (
            f"Table {table!r} needs {len(columns):,} columns, but PostgreSQL has at most "
            f"{MAX_COLUMNS:,}. Split it, or unpivot it to rows. Nothing was written."
        )
        raise UnstorableError(msg)
    if not height:
        return
    # The cheap proof first: a row of the longest value of every column.
    if _longest_in_page(columns, longest) > MAX_PAGE_BYTES:
        _refuse_above(
            MAX_PAGE_BYTES, _bytes_in_page(encode(), columns, longest), table, "on a page"
        )
    if sum(longest) > MAX_ROW_BYTES:
        _refuse_above(MAX_ROW_BYTES, _bytes(encode()), table, "in a row")


def _longest_in_page(columns: Sequence[ColumnLayout], lengths: Sequence[int]) -> int:
    end = _aligned(_HEADER + -(-len(columns) // 8), _MAX_ALIGNMENT)
    for column, length in zip(columns, lengths, strict=True):
        fixed = _FIXED.get(column.sql_type)
        # In order, since a value begins at a multiple of its own length.
        if fixed is None:
            end += min(length + 1, _LONGEST_IN_PAGE)
        else:
            end = _aligned(end, fixed) + fixed
    return end


def _bytes_in_page(
    stored: pl.DataFrame, columns: Sequence[ColumnLayout], lengths: Sequence[int]
) -> pl.Series:
    """Return how many bytes each row takes; NULLs take a bit per column."""
    with_nulls = _aligned(_HEADER + -(-len(columns) // 8), _MAX_ALIGNMENT)
    nulls = stored.select(pl.any_horizontal(pl.nth(range(stored.width)).is_null())).to_series()
    header = _aligned(_HEADER, _MAX_ALIGNMENT)
    end = nulls.cast(pl.Int64) * (with_nulls - header) + header
    for series, column, length in zip(stored, columns, lengths, strict=True):
        fixed = _FIXED.get(column.sql_type)
        if fixed is not None:
            after = (end + (fixed - 1)) // fixed * fixed + fixed
        elif isinstance(series.dtype, pl.String | pl.Binary):
            after = end + (_lengths(series) + 1).clip(upper_bound=_LONGEST_IN_PAGE)
        else:
            after = end + min(length + 1, _LONGEST_IN_PAGE)
        end = after.zip_with(series.is_not_null(), end)
    return end


def _bytes(stored: pl.DataFrame) -> pl.Series:
    texts = stored.select(pl.selectors.string() | pl.selectors.binary())
    total = pl.Series([0], dtype=pl.Int64).new_from_index(0, stored.height)
    for series in texts:
        total += _lengths(series).fill_null(0)
    return total


def _lengths(series: pl.Series) -> pl.Series:
    bytes_of = series.str.len_bytes() if series.dtype == pl.String() else series.bin.size()
    return bytes_of.cast(pl.Int64)


def _refuse_above(limit: int, sizes: pl.Series, table: str, where: str) -> None:
    row = cast("int", sizes.arg_max())
    if sizes[row] > limit:
        msg = (
            f"Row {row:,} of table {table!r} takes {sizes[row]:,} bytes {where}, but PostgreSQL "
            f"has room for {limit:,}. Split the table, or unpivot it to rows. Nothing was written."
        )
        raise UnstorableError(msg)


def _aligned(end: int, alignment: int) -> int:
    return -(-end // alignment) * alignment
