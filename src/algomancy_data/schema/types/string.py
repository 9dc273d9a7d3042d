"""STRING: text as it is written, and anything else as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

import polars as pl
from polars.exceptions import PolarsError

from algomancy_data.schema.types.base import ColumnType, Outcome
from algomancy_data.schema.types.distinct_texts import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polars.datatypes import DataType as PolarsDataType
    from polars.datatypes import DataTypeClass

    from algomancy_data.schema.types.conventions import TextConventions
    from algomancy_data.schema.types.distinct_texts import DistinctTexts

# A little less than the days that Polars can write (upstream.md): some 260,000 years before and
# after 1970.
_LAST_DAY: Final = 95_000_000
_PER_DAY: Final = {unit: 86_400 * 10**digits for unit, digits in (("ms", 3), ("us", 6), ("ns", 9))}
_LAST: Final = 2**63 - 1
# It has no positive counterpart.
_ENDLESS: Final = -(2**63)


class StringType(ColumnType):
    """Text."""

    name = "STRING"
    dtype = pl.String()
    samples = ("a", "b", " ", "NA")
    as_written = True
    may_be_key = may_refer = True

    @classmethod
    def declared_by(cls, dtype: PolarsDataType) -> Self | None:
        """Take text."""
        return cls.named(dtype) if dtype == pl.String else None

    def from_text(self, slices: Sequence[pl.Series], conventions: TextConventions) -> Outcome:  # noqa: ARG002  the interface
        """Take text as it is."""
        return Outcome(pl.concat(slices))

    def from_values(self, values: pl.Series) -> Outcome:
        """Write lists and structs as JSON, dates and times as ISO 8601."""
        return text_from_any(values)

    def infer(self, column: DistinctTexts) -> Verdict:  # noqa: ARG002  the interface
        """Take whatever no other type took."""
        return Verdict(self.name)


def text_from_any(values: pl.Series) -> Outcome:
    """Write values as text: lists and structs as JSON, dates and times as ISO 8601."""
    dtype = values.dtype
    if isinstance(dtype, pl.List | pl.Array | pl.Struct):
        return _json_from_nested(values)
    try:
        return _iso(values) if dtype.is_temporal() else Outcome(values.cast(pl.String))
    except PolarsError:
        reason = "not all UTF-8 text" if dtype == pl.Binary else f"of dtype {dtype}, not text"
        return Outcome(values, values.is_not_null(), reason, by_value=False)


def _iso(values: pl.Series) -> Outcome:
    """Write dates, times and lengths of time as ISO 8601; refuse what Polars cannot write."""
    dtype = values.dtype
    physical = values.to_physical()
    if isinstance(dtype, pl.Duration):
        endless = physical == _ENDLESS
        if endless.any():
            return Outcome(values, endless.fill_null(value=False), "too long to be written")
        return Outcome(values.dt.to_string("iso"))
    if isinstance(dtype, pl.Time):
        return Outcome(values.dt.to_string("iso"))
    last = _LAST_DAY * (_PER_DAY[dtype.time_unit] if isinstance(dtype, pl.Datetime) else 1)
    outside = ~physical.is_between(-min(last, _LAST), min(last, _LAST))
    if outside.any():
        reason = "too many thousands of years away to be written"
        return Outcome(values, outside.fill_null(value=False), reason)
    texts = values.dt.to_string("iso:strict")
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        in_utc = values.dt.convert_time_zone("UTC")
        offset = values.dt.replace_time_zone(None) - in_utc.dt.replace_time_zone(None)
        # An offset is written in minutes, but clocks once showed the local time to the second.
        odd = offset.dt.total_seconds() % 60 != 0
        if odd.any():
            texts = texts.zip_with(~odd, in_utc.dt.to_string("iso:strict"))
    return Outcome(texts)


def _json_from_nested(values: pl.Series) -> Outcome:
    """Write lists and structs as JSON; refuse what JSON does not give back identical."""
    if not _has_json_form(values.dtype):
        reason = f"of dtype {values.dtype}, not JSON"
        return Outcome(values, values.is_not_null(), reason, by_value=False)
    plain = values.cast(_json_dtype(values.dtype))
    texts = json_text(plain)
    same = texts.str.json_decode(plain.dtype).eq_missing(plain)
    if same.all():
        return Outcome(texts)
    return Outcome(texts, ~same, "with NaN or infinity, which JSON cannot hold")


def json_text(values: pl.Series) -> pl.Series:
    """Return lists or structs as JSON, null where they are null; their dtype must have that form.

    Example:
        >>> json_text(pl.Series([[1, None], None])).to_list()
        ['[1,null]', None]
    """
    framed = values.to_frame("v").select(pl.struct("v")).to_series().struct.json_encode()
    texts = framed.str.slice(len('{"v":')).str.head(-1).alias(values.name)
    return texts.set(values.is_null(), None)


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
