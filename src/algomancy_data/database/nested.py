"""Nested values as JSON text, and back: one text per row of a List, Array or Struct column.

:mod:`algomancy_data.frames.json_values` says what the values are in JSON; a column's storage word
names the form of its leaves. A row without a value is NULL rather than the text ``null``. Every
column is read back and compared before anything is written, so it is kept exactly or refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import polars as pl
from polars.exceptions import PanicException, PolarsError

from algomancy_data.engine_failures import reason_of
from algomancy_data.errors import UnstorableError
from algomancy_data.frames.identical import identical, leaves
from algomancy_data.frames.json_values import (
    JSONForm,
    from_json_values,
    has_iso_years,
    json_dtype,
    to_json_values,
)

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
    plain = to_json_values(value, dtype, _form(word)).alias(_WRAPPER)
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
    form = _form(word)
    plain = value.str.json_decode(json_dtype(dtype, form))
    return from_json_values(plain, dtype, form).alias(value.meta.output_name())


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
    near = all(map(has_iso_years, values))
    return ("" if finite else TEXT_FLOATS) + ("" if near else NUMBER_DATES)


def _form(word: str) -> JSONForm:
    return JSONForm(TEXT_FLOATS in word, NUMBER_DATES in word)


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
