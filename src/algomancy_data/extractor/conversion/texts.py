"""To STRING."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
from polars.exceptions import PolarsError

from algomancy_data.extractor.conversion.outcome import Outcome

if TYPE_CHECKING:
    from polars.datatypes import DataType as PolarsDataType
    from polars.datatypes import DataTypeClass


def text_from_any(values: pl.Series) -> Outcome:
    """Write values as text: lists and structs as JSON, dates and times as ISO 8601."""
    dtype = values.dtype
    if isinstance(dtype, pl.List | pl.Array | pl.Struct):
        return _json_from_nested(values)
    if isinstance(dtype, pl.Datetime):
        return Outcome(values.dt.to_string("iso:strict"))
    if isinstance(dtype, pl.Duration):
        return Outcome(values.dt.to_string("iso"))
    try:
        return Outcome(values.cast(pl.String))
    except PolarsError:
        reason = "not all UTF-8 text" if dtype == pl.Binary else f"of dtype {dtype}, not text"
        return Outcome(values, values.is_not_null(), reason, by_value=False)


def _json_from_nested(values: pl.Series) -> Outcome:
    """Write lists and structs as JSON; refuse what JSON does not give back identical."""
    if not _has_json_form(values.dtype):
        reason = f"of dtype {values.dtype}, not JSON"
        return Outcome(values, values.is_not_null(), reason, by_value=False)
    plain = values.cast(_json_dtype(values.dtype))
    struct = plain.alias("v").to_frame().select(pl.struct("v")).to_series()
    json = struct.struct.json_encode()
    back = json.str.json_decode(struct.dtype).struct.field("v")
    # {"v":…} without its frame
    texts = json.str.slice(len('{"v":')).str.head(-1).alias(values.name)
    texts = texts.set(values.is_null(), None)
    same = back.eq_missing(plain)
    if same.all():
        return Outcome(texts)
    return Outcome(texts, ~same, "with NaN or infinity, which JSON cannot hold")


def _has_json_form(dtype: PolarsDataType | DataTypeClass) -> bool:
    """Tell whether Polars can write the dtype as JSON; it panics on the others."""
    if isinstance(dtype, pl.List | pl.Array):
        return _has_json_form(dtype.inner)
    if isinstance(dtype, pl.Struct):
        return all(_has_json_form(field.dtype) for field in dtype.fields)
    if isinstance(dtype, pl.Int128 | pl.UInt128):
        return False
    if isinstance(dtype, pl.Categorical | pl.Enum):
        return True
    plain = (pl.String(), pl.Boolean(), pl.Null(), pl.Float64())
    return dtype.is_integer() or any(dtype == other for other in plain)


def _json_dtype(dtype: PolarsDataType | DataTypeClass) -> PolarsDataType | DataTypeClass:
    """Return the dtype that Polars reads back from JSON with the same values."""
    if isinstance(dtype, pl.List | pl.Array):
        return pl.List(_json_dtype(dtype.inner))
    if isinstance(dtype, pl.Struct):
        return pl.Struct({field.name: _json_dtype(field.dtype) for field in dtype.fields})
    return pl.String() if isinstance(dtype, pl.Categorical | pl.Enum) else dtype
