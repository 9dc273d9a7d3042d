"""Nested values as JSON text, and back: one text per row of a List, Array or Struct column.

Numbers are JSON numbers with all their digits, dates and times are ISO 8601 text (instants in
UTC), decimals and categories are text, durations are whole numbers of their unit, binary values
are base64. A row without a value is NULL rather than the text ``null``.

JSON has no NaN and no infinity, and ISO 8601 no years beyond 0001 to 9999. A column with such a
value somewhere inside is kept in a variant, which its storage word names: its floats are text
(``"NaN"``, ``"-inf"``), or its dates and datetimes are whole numbers since 1970. Every column is
read back and compared before anything is written, so it is kept exactly or refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import polars as pl
from polars.exceptions import PanicException, PolarsError

from algomancy_data.datasource.serialization_columns import map_fields
from algomancy_data.engine_failures import reason_of
from algomancy_data.errors import UnstorableError
from algomancy_data.frames.identical import identical, leaves

if TYPE_CHECKING:
    from polars.datatypes import DataType as PolarsDataType

JSON: Final = "json"
"""Storage word of a column whose leaves all have their plain form."""

TEXT_FLOATS: Final = "+float_text"
"""Follows in the word of a column that has NaN or an infinity inside."""

NUMBER_DATES: Final = "+date_number"
"""Follows in the word of a column that has a year other than 0001 to 9999 inside."""

WORDS: Final = frozenset(
    {JSON, JSON + TEXT_FLOATS, JSON + NUMBER_DATES} | {JSON + TEXT_FLOATS + NUMBER_DATES}
)
"""Every storage word."""

_DATETIME_FORMAT: Final = "%Y-%m-%dT%H:%M:%S%.f"
_UTC_SUFFIX: Final = "+00:00"
# Days since 1970 of 0001-01-01 and 9999-12-31.
_FIRST_DAY: Final = -719_162
_LAST_DAY: Final = 2_932_896
_PER_DAY: Final = {"ms": 86_400_000, "us": 86_400_000_000}
_SCALARS: Final = (
    *(pl.Boolean, pl.String, pl.Binary, pl.Null, pl.Decimal, pl.Categorical, pl.Enum),
    *(pl.Date, pl.Datetime, pl.Time, pl.Duration),
)
_WRAPPER: Final = "x"
_BEFORE: Final = f'{{"{_WRAPPER}":'
_AFTER: Final = "}"


def check(column: pl.Series, table: str) -> tuple[str, int]:
    """Return a nested column's storage word, and how many bytes its longest text has.

    Args:
        column: A List, Array or Struct column.
        table: What to call the table in an error.

    Raises:
        UnstorableError: It has a dtype inside that has no text, or a value that the text changes.

    Example:
        >>> check(pl.Series([[1, None], [], None]), "t")
        ('json', 8)
        >>> check(pl.Series([[1.5, float("nan")]]), "t")
        ('json+float_text', 13)
    """
    foreign = _foreign_dtype(column.dtype)
    if foreign is not None:
        raise _refusal(column, table, f"the dtype {foreign} in it")
    word = JSON + _variant(column)
    value, dtype = pl.col("value"), column.dtype
    try:
        texts = column.alias("value").to_frame().select(encode(value, dtype, word))
        decoded = texts.select(decode(value, dtype, word)).to_series()
        longest = texts.to_series().str.len_bytes().max()
    except (PolarsError, PanicException) as error:
        raise _refusal(
            column, table, f"values that have no JSON text ({reason_of(error)})"
        ) from error
    if not identical(decoded, column):
        raise _refusal(column, table, "values that JSON text changes")
    return word, cast("int | None", longest) or 0


def encode(value: pl.Expr, dtype: PolarsDataType, word: str) -> pl.Expr:
    """Return the JSON texts of nested values; NULL for a row that is null.

    Args:
        value: A column of ``dtype``.
        dtype: A List, Array or Struct.
        word: What :func:`check` returned.

    Example:
        >>> frame = pl.DataFrame({"x": [{"day": "1970-01-01", "n": [1, 2]}, None]})
        >>> frame.select(encode(pl.col("x"), frame.schema["x"], "json"))["x"].to_list()
        ['{"day":"1970-01-01","n":[1,2]}', None]
    """
    plain = _to_plain(value, dtype, word).alias(_WRAPPER)
    text = pl.struct(plain).struct.json_encode().str.strip_prefix(_BEFORE).str.strip_suffix(_AFTER)
    return pl.when(value.is_not_null()).then(text).alias(value.meta.output_name())


def decode(value: pl.Expr, dtype: PolarsDataType, word: str) -> pl.Expr:
    """Return the nested values whose texts :func:`encode` wrote.

    Args:
        value: A column of texts.
        dtype: The dtype of the result.
        word: What :func:`check` returned.

    Raises:
        PolarsError: When evaluated: a text is not JSON, or has other values than the dtype.

    Example:
        >>> texts = pl.DataFrame({"x": ["[1,null]", "[]", None]})
        >>> texts.select(decode(pl.col("x"), pl.List(pl.Int8()), "json"))["x"].to_list()
        [[1, None], [], None]
    """
    plain = value.str.json_decode(_plain(dtype, word))
    return _from_plain(plain, dtype, word).alias(value.meta.output_name())


def _foreign_dtype(dtype: PolarsDataType) -> PolarsDataType | None:
    """Return the first dtype in ``dtype`` that has no text."""
    match dtype:
        case pl.List() | pl.Array():
            return _foreign_dtype(_inner(dtype))
        case pl.Struct():
            found = (_foreign_dtype(_dtype(field)) for field in dtype.fields)
            return next((foreign for foreign in found if foreign is not None), None)
        case pl.Categorical() if not dtype.categories.is_global():
            return dtype  # its categories are known to this process only
        case _ if isinstance(dtype, _SCALARS) or dtype.is_integer() or dtype.is_float():
            return None
        case _:
            return dtype


def _variant(column: pl.Series) -> str:
    values = list(leaves(column))
    finite = all(leaf.is_finite().all() for leaf in values if leaf.dtype.is_float())
    near = all(_has_iso_years(leaf) for leaf in values)
    return ("" if finite else TEXT_FLOATS) + ("" if near else NUMBER_DATES)


def _has_iso_years(leaf: pl.Series) -> bool:
    ends = _iso_ends(leaf.dtype)
    return ends is None or bool(leaf.to_physical().is_between(*ends).all())


def _with_iso_year(value: pl.Expr, dtype: PolarsDataType) -> pl.Expr:
    """Return the value; or null for one that hides under a null, and would make Polars panic."""
    ends = _iso_ends(dtype)
    return value if ends is None else pl.when(value.to_physical().is_between(*ends)).then(value)


def _iso_ends(dtype: PolarsDataType) -> tuple[int, int] | None:
    """Return the first and last physical value with an ISO 8601 year; None if all have one."""
    match dtype:
        case pl.Date():
            per_day = 1
        case pl.Datetime(time_unit="ms" | "us" as unit):
            per_day = _PER_DAY[unit]
        case _:  # 64 bits of nanoseconds reach from 1677 to 2262
            return None
    return _FIRST_DAY * per_day, (_LAST_DAY + 1) * per_day - 1


def _to_plain(value: pl.Expr, dtype: PolarsDataType, word: str) -> pl.Expr:
    """Return values whose leaves JSON knows, of the dtype that :func:`_plain` names."""
    match dtype:
        case pl.Float16() | pl.Float32() | pl.Float64():
            # Float16 is written with too few digits, as a wider float it is exact.
            wide = value.cast(pl.Float32) if dtype == pl.Float16() else value
            return wide.cast(pl.String) if TEXT_FLOATS in word else wide
        case pl.Date() | pl.Datetime() if NUMBER_DATES in word:
            return value.to_physical()
        case pl.Datetime(time_zone=str()):
            utc = value.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
            return _with_iso_year(utc, dtype).dt.to_string("iso:strict") + _UTC_SUFFIX
        case pl.Datetime() | pl.Date():
            return _with_iso_year(value, dtype).dt.to_string("iso:strict")
        case pl.Time():
            return value.dt.to_string("iso:strict")
        case pl.Duration():
            return value.to_physical()
        case pl.Decimal() | pl.Categorical() | pl.Enum():
            return value.cast(pl.String)
        case pl.Binary():
            return value.bin.encode("base64")
        case pl.List():
            return value.list.eval(_to_plain(pl.element(), _inner(dtype), word))
        case pl.Array():
            return value.arr.to_list().list.eval(_to_plain(pl.element(), _inner(dtype), word))
        case pl.Struct():
            return map_fields(value, dtype, lambda field, inner: _to_plain(field, inner, word))
        case _:
            return value


def _plain(dtype: PolarsDataType, word: str) -> PolarsDataType:
    match dtype:
        case pl.Float16() | pl.Float32() | pl.Float64():
            if TEXT_FLOATS in word:
                return pl.String()
            return pl.Float32() if dtype == pl.Float16() else dtype
        case pl.Date() | pl.Datetime() if NUMBER_DATES in word:
            return pl.Int64()
        case pl.Duration():
            return pl.Int64()
        case pl.List() | pl.Array():
            return pl.List(_plain(_inner(dtype), word))
        case pl.Struct():
            return pl.Struct({field.name: _plain(_dtype(field), word) for field in dtype.fields})
        case _ if dtype.is_temporal() or isinstance(
            dtype, pl.Binary | pl.Decimal | pl.Categorical | pl.Enum
        ):
            return pl.String()
        case _:
            return dtype


def _from_plain(value: pl.Expr, dtype: PolarsDataType, word: str) -> pl.Expr:
    match dtype:
        case pl.Date() if NUMBER_DATES in word:
            return value.cast(pl.Int32).cast(dtype)
        case pl.Datetime() if NUMBER_DATES in word:
            return value.cast(dtype)
        case pl.Datetime(time_unit=unit, time_zone=str(zone)):
            text = value.str.strip_suffix(_UTC_SUFFIX)
            utc = text.str.to_datetime(_DATETIME_FORMAT, time_unit=unit, time_zone="UTC")
            return utc.dt.convert_time_zone(zone)
        case pl.Datetime(time_unit=unit):
            return value.str.to_datetime(_DATETIME_FORMAT, time_unit=unit)
        case pl.Date():
            return value.str.to_date("%Y-%m-%d")
        case pl.Time():
            return value.str.to_time("%H:%M:%S%.f")
        case pl.Binary():
            return value.str.decode("base64")
        case pl.List():
            return value.list.eval(_from_plain(pl.element(), _inner(dtype), word))
        case pl.Array(size=size):
            items = value.list.eval(_from_plain(pl.element(), _inner(dtype), word))
            return items.list.to_array(size)
        case pl.Struct():
            return map_fields(value, dtype, lambda field, inner: _from_plain(field, inner, word))
        case _:
            return value.cast(dtype)


def _refusal(column: pl.Series, table: str, what: str) -> UnstorableError:
    return UnstorableError(
        f"Column {column.name!r} of table {table!r}, of dtype {column.dtype}, has {what}, so JSON "
        f"text cannot keep it exactly. Unnest or explode the column, cast what is inside to "
        f"another dtype, or drop it. Nothing was written."
    )


def _inner(dtype: pl.List | pl.Array) -> PolarsDataType:
    return cast("PolarsDataType", dtype.inner)


def _dtype(field: pl.Field) -> PolarsDataType:
    return cast("PolarsDataType", field.dtype)
