"""What a store must give back identical: a frame per difficulty, any at all, and DataSources."""

from __future__ import annotations

import datetime as dt
import math
from functools import cache
from typing import TYPE_CHECKING, TypeVar

import polars as pl
from hypothesis import reject
from hypothesis import strategies as st
from polars.testing.parametric import dataframes

from algomancy_data.datasource import DataClassification, DataSource
from algomancy_data.schema import DataType
from algomancy_data.schema.kinds import column_type_of
from algomancy_data.schema.types import TextConventions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hypothesis.strategies import SearchStrategy
    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.schema.kinds import DeclaredType


_T = TypeVar("_T")

POLARS_DTYPES: tuple[PolarsDataType, ...] = (
    *(pl.Int8(), pl.UInt64(), pl.Int128(), pl.Float32(), pl.Decimal(18, 4), pl.Decimal(38, 0)),
    *(pl.Boolean(), pl.String(), pl.Date(), pl.Time(), pl.Datetime("ms"), pl.Datetime("ns")),
    *(pl.Datetime("us", "Europe/Amsterdam"), pl.Duration("ms"), pl.Binary(), pl.Categorical()),
    *(pl.Enum(["b", "a", "NA"]), pl.List(pl.Int64), pl.List(pl.Date), pl.Array(pl.Int8, 2)),
    pl.Struct({"a": pl.Int64, "b": pl.List(pl.String)}),
)
"""A Polars dtype of each kind that a column can be declared with."""

_MOMENT = dt.datetime(2024, 2, 29, 23, 59, 59, 999_999)  # noqa: DTZ001  naive on purpose
_FLOATS = [math.nan, math.inf, -math.inf, -0.0, 0.0, 5e-324, 0.1, None]
_TEXTS = ["", "a\0b", "\U0001f986", "'\"`\\%s:x?$1", "line\nbreak", " NULL ", None]
_NAMES = ["", "Name", "name", "_rowid_", "rowid", "ctid", "*", "^a$", "a b", "%s", ":x", "?", 'q"']


def sample_frames() -> dict[str, pl.DataFrame]:
    """Return frames by what is difficult about them.

    Example:
        >>> sample_frames()["no columns but rows"].shape
        (3, 0)
    """
    moments = pl.DataFrame({"naive": [_MOMENT, None]})
    return {
        "floats": pl.DataFrame({"x": _FLOATS, "y": [1.5] * len(_FLOATS)}),
        "narrow floats": pl.DataFrame({"x": _FLOATS}, schema={"x": pl.Float32}),
        "texts": pl.DataFrame({"x": _TEXTS}),
        "integers": pl.DataFrame(
            {
                "i64": [-(2**63), 2**63 - 1, None],
                "u8": pl.Series([0, 255, None], dtype=pl.UInt8),
                "u64": pl.Series([0, 2**64 - 1, None], dtype=pl.UInt64),
                "i128": pl.Series([-(2**127), 2**127 - 1, None], dtype=pl.Int128),
            }
        ),
        "truth": pl.DataFrame({"x": [True, False, None]}),
        "bytes": pl.DataFrame({"x": [b"", b"\0\xff", None]}),
        "moments": moments.with_columns(
            zoned=pl.col("naive").dt.replace_time_zone("Europe/Amsterdam"),
            nanoseconds=pl.col("naive").cast(pl.Datetime("ns")) + pl.duration(nanoseconds=1),
            date=pl.col("naive").dt.date(),
            time=pl.col("naive").dt.time(),
            duration=pl.col("naive") - pl.datetime(1970, 1, 1),
        ),
        "decimals": pl.DataFrame({"x": ["-0.01", "99999999.99", None]}).select(
            pl.col("x").cast(pl.Decimal(10, 2))
        ),
        "categories": pl.DataFrame({"x": ["b", "a", None]}).with_columns(
            c=pl.col("x").cast(pl.Categorical()), e=pl.col("x").cast(pl.Enum(["unused", "a", "b"]))
        ),
        "nested": pl.DataFrame(
            {"l": [[1.5, math.nan, None], [], None], "s": [{"a": _MOMENT, "b": b"x"}, None, None]}
        ),
        "deep": pl.DataFrame({"x": pl.Series([_nested(60)])}),
        "nulls": pl.DataFrame({"n": [None, None], "s": pl.Series([None, None], dtype=pl.String)}),
        "late text": pl.DataFrame({"x": [None] * 3000 + ["late"], "y": range(3001)}),
        "no rows": pl.DataFrame(
            schema={"a": pl.Int8, "b": pl.Datetime("ns"), "c": pl.List(pl.Date)}
        ),
        "no columns": pl.DataFrame(),
        "no columns but rows": pl.DataFrame(height=3),
        "many columns": pl.DataFrame({f"c{number}": [number, None] for number in range(200)}),
        "awkward names": pl.DataFrame({name: [number] for number, name in enumerate(_NAMES)}),
        "declared types": _values_of(DataType),
        "declared dtypes": _values_of(POLARS_DTYPES),
        "several chunks": pl.concat([pl.DataFrame({"i": [1, 2]})] * 3, rechunk=False),
    }


def _values_of(types: Iterable[DeclaredType]) -> pl.DataFrame:
    columns = [sample_values(one).to_frame(column_type_of(one).name) for one in types]
    return pl.concat(columns, how="horizontal_extend")


def _nested(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


@cache  # a conversion for each of some hundred texts
def sample_values(declared: DeclaredType) -> pl.Series:
    """Return what the samples of a declared type are as its values, those that are any.

    Example:
        >>> sample_values(DataType.BOOLEAN).to_list()
        [True, False, True, True, False, True, True]
    """
    column_type = column_type_of(declared)
    texts = (pl.Series([text]) for text in column_type.samples)
    outcomes = [column_type.from_text([text], TextConventions()) for text in texts]
    # Among moments, one with a time zone or nanoseconds is a column of another dtype.
    return pl.concat(
        outcome.values.drop_nulls()
        for outcome in outcomes
        if outcome.refused is None and outcome.values.dtype == column_type.dtype
    )


def any_texts(declared: DeclaredType) -> SearchStrategy[list[str | None]]:
    """Return a Hypothesis strategy of columns of text for a declared type.

    Some have few kinds of texts, so that they have a chance to convert as a whole.
    """
    samples = column_type_of(declared).samples
    kinds = st.sampled_from([samples, samples[:7], samples[:2]])
    return kinds.flatmap(
        lambda some: st.lists(st.none() | st.sampled_from(some), min_size=1, max_size=6)
    )


def any_frame() -> SearchStrategy[pl.DataFrame]:
    """Return a Hypothesis strategy of small frames of every dtype that a store keeps."""
    return makeable(
        dataframes(
            max_cols=6, max_size=8, allow_time_zones=True, excluded_dtypes=[pl.Extension, pl.Object]
        )
    )


@st.composite
def makeable(draw: st.DrawFn, drawn: SearchStrategy[_T]) -> _T:
    """Return what is drawn by a strategy of Polars, without what Polars then fails to make.

    In lists in structs it takes Python's integers for such of 64 bits, whatever the dtype.
    """
    try:
        return draw(drawn)
    except TypeError:
        reject()


def any_named_frame() -> SearchStrategy[pl.DataFrame]:
    """Return a Hypothesis strategy of frames with any names of columns, fields and categories."""
    any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    texts = any_text | st.text("a\0", max_size=4)
    return st.builds(_named, st.lists(texts, min_size=1, max_size=4, unique=True))


def _named(names: list[str]) -> pl.DataFrame:
    *plain, last = names
    columns = [pl.Series(name, [_MOMENT, None]) for name in plain[:1]]
    columns += [pl.Series(name, [last, None], dtype=pl.Enum(names)) for name in plain[1:]]
    fields = dict.fromkeys(names, 1.5)
    return pl.DataFrame([*columns, pl.Series(last, [[fields], None])])


def source_of(
    name: str,
    tables: dict[str, pl.DataFrame] | None = None,
    ds_type: DataClassification = DataClassification.MASTER_DATA,
) -> DataSource:
    """Return a DataSource of some tables."""
    source = DataSource(ds_type, name=name)
    source.tables = tables or {}
    return source
