"""The type of a column: the first of ``INFERRED_TYPES`` that takes all its values as they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Self

import polars as pl

from algomancy_data.extractor import DataTypeConverter, TextConventions
from algomancy_data.inference.inferred import InferredColumn
from algomancy_data.schema import DataType
from algomancy_data.schema.types import INFERRED_TYPES
from algomancy_data.schema.types.distinct_texts import DistinctColumns, DistinctTexts, first_of
from algomancy_data.schema.types.stack import parts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.schema.kinds import DeclaredType
    from algomancy_data.schema.types import ColumnType
    from algomancy_data.schema.types.distinct_texts import Verdict

_MOST_WORDS: Final = 20
_LONGEST_WORD: Final = 40


@dataclass(frozen=True)
class TextType:
    """What a text column holds.

    Args:
        dtype: The type.
        notes: Sentences for people.
        undecided: Which of the conventions no value of the column decides.
    """

    dtype: DeclaredType
    notes: list[str] = field(default_factory=list[str])
    undecided: str | None = None

    @classmethod
    def of(cls, verdict: Verdict, notes: Iterable[str] = ()) -> Self:
        """Return a type's finding, after the notes of types that left the column."""
        name = DataType.STRING.name if verdict.declared is None else verdict.declared
        said = [] if verdict.note is None else [verdict.note]
        dtype = DataType[name] if isinstance(name, str) else name
        return cls(dtype, [*notes, *said], verdict.undecided)


def text_type(texts: pl.Series, conventions: TextConventions) -> TextType:
    """Return the type of a column.

    Args:
        texts: Column of dtype String.
        conventions: How its values are written.

    Example:
        >>> import polars as pl
        >>> from algomancy_data.extractor import TextConventions
        >>> zips, days = pl.Series(["00501", "94105"]), pl.Series(["2024-12-31", "NA"])
        >>> [text_type(column, TextConventions()).dtype for column in (zips, days)]
        [<DataType.STRING: 'string'>, Date]
    """
    return _type_of(DistinctTexts.alone(texts, conventions))


class TextTypes:
    """The types of text columns, of which short ones are looked at together.

    Args:
        texts: Columns of dtype String.
        conventions: How their values are written.

    Attributes:
        columns: What each column is asked.
    """

    def __init__(self, texts: Sequence[pl.Series], conventions: TextConventions) -> None:
        self.columns = [
            column
            for positions in parts_of(texts)
            for column in DistinctColumns([texts[at] for at in positions], conventions)
        ]

    @cached_property
    def found(self) -> list[TextType]:
        """The result of :func:`text_type` for each column."""
        return [_type_of(column) for column in self.columns]


def _type_of(column: DistinctTexts) -> TextType:
    if column.present.is_empty():
        notes = [] if column.values.is_empty() else [_only(column.values)]
        return TextType(DataType.STRING, notes)
    return _first_to_take(column, INFERRED_TYPES)


def _type_in_json(column: DistinctTexts) -> TextType:
    """Return the type of a text column from JSON, whose numbers are not text."""
    # An empty text would become null, and so would "NA".
    if column.present.is_empty() or column.present.len() < column.values.len():
        return TextType(DataType.STRING)
    return _first_to_take(column, (one for one in INFERRED_TYPES if not one.in_json))


def _first_to_take(column: DistinctTexts, column_types: Iterable[ColumnType]) -> TextType:
    """Ask the types; what those say that leave the column is worth a note if it stays text."""
    left: list[str] = []
    for column_type in column_types:
        verdict = column_type.infer(column)
        if verdict.declared is not None:
            is_last = column_type.name == DataType.STRING.name
            return TextType.of(verdict, left if is_last else ())
        left += [] if verdict.note is None else [verdict.note]
    return TextType(DataType.STRING, left)


def _only(values: pl.Series) -> str:
    words = values.filter(values.str.strip_chars() != "")
    if words.is_empty():
        return "No text is there but the empty one."
    return f"Only words such as {first_of(words)}, which may mean no value."


# --- columns of a format that has types -----------------------------------------------------


def column_findings(
    frame: pl.DataFrame,
    *,
    has_dates: bool = True,
    has_integers: bool = True,
    has_days: bool = True,
) -> list[InferredColumn]:
    """Return the types to declare columns with, so that none of their values changes.

    Args:
        frame: The columns as the format holds them.
        has_dates: The format has dates; in one that has not, they are looked for in texts.
        has_integers: The format tells whole numbers from others; in one that does not, a column
            of whole numbers is INTEGER.
        has_days: The format tells days from moments; in one that does not, a column of moments at
            midnight is of days.

    Example:
        >>> [column.dtype.name for column in column_findings(pl.DataFrame({"id": [1, 2]}))]
        ['INTEGER']
    """
    texts = [] if has_dates else [one for one in frame.get_columns() if one.dtype == pl.String]
    found = {
        values.name: _type_in_json(column)
        for values, column in zip(texts, TextTypes(texts, TextConventions()).columns, strict=True)
    }
    return [
        InferredColumn(values.name, found[values.name].dtype, notes=found[values.name].notes)
        if values.name in found
        else InferredColumn(
            values.name, _natural_type(values, has_integers=has_integers, has_days=has_days)
        )
        for values in frame.iter_columns()
    ]


def _natural_type(values: pl.Series, *, has_integers: bool, has_days: bool) -> DeclaredType:
    dtype = values.dtype
    if dtype.is_float() and not has_integers:
        issues: list[Any] = []
        DataTypeConverter.convert_dtypes(values.to_frame(), {values.name: DataType.INTEGER}, issues)
        if not issues:
            return DataType.INTEGER
    if dtype == pl.Datetime and not has_days and values.dt.date().cast(dtype).equals(values):
        return pl.Date() if values.count() else DataType.DATETIME
    return _declared(dtype)


def _declared(dtype: PolarsDataType) -> DeclaredType:
    """Return the type that a column of a dtype is of as it is: one of the seven, else the dtype."""
    if isinstance(dtype, pl.Enum) and is_vocabulary(dtype.categories):
        return dtype
    whole = _declarable(dtype)
    return next((known for known in DataType if known.accepts(whole)), whole)


def is_vocabulary(words: pl.Series) -> bool:
    """Tell whether texts are few and short enough to be listed in a declaration."""
    return len(words) <= _MOST_WORDS and bool((words.str.len_chars() <= _LONGEST_WORD).all())


def _declarable(dtype: Any) -> PolarsDataType:
    """Return a dtype that can be declared and holds all values of another."""
    match dtype:
        case pl.List():
            return pl.List(_declarable(dtype.inner))
        case pl.Array():
            return pl.Array(_declarable(dtype.inner), dtype.size)
        case pl.Struct():
            return pl.Struct({one.name: _declarable(one.dtype) for one in dtype.fields})
        case pl.Null():
            return pl.String()
        case pl.Float16():
            return pl.Float32()
        case _:
            return dtype
