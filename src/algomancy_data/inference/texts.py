"""The type of a text column: the one that the conversion reads all its values as.

A type is only taken where reading loses nothing that the text may have meant: ``007`` stays text,
so does ``1,234`` while nothing says whether that is more than a thousand.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from algomancy_data.extractor.conversion import ConversionIssue, DataTypeConverter
from algomancy_data.messages import ValidationSeverity
from algomancy_data.schema import DataType

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    import polars as pl

    from algomancy_data.extractor import TextConventions

_NAME: Final = "values"
# Pairs of words that are truth values; those of one letter only if both of them occur.
_WORDS: Final = (frozenset({"true", "false"}), frozenset({"yes", "no"}))
_LETTERS: Final = (frozenset({"y", "n"}), frozenset({"t", "f"}))
# What is written with digits and is no number: codes with leading zeros, telephone numbers.
_CODES: Final = {
    r"^[+-]?0[0-9]": "leading zeros",
    r"^\+[0-9]{7}": "a plus sign, as in telephone numbers",
    r"[0-9]_[0-9]": "underscores",
}
_EXPONENT: Final = r"^[0-9]+[eE][0-9]+$"
_WHOLE: Final = r"^[+\-\x{2212}]?[0-9]+$"
_WHOLE_FLOAT: Final = r"^[+-]?[0-9]+[.,]0+$"
_INTERVAL: Final = r"[PD]|day|^[+-]?(?:2[4-9]|[3-9][0-9]|[0-9]{3,}):"
_DATE_LIKE: Final = r"[0-9][-/.:][0-9]"
_ZONED: Final = r"[ T][0-9:.]+(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)$"
ZONED_NOTE: Final = "With an offset from UTC: extracted in UTC, with a DTYPE_MISMATCH warning."
_NEARLY: Final = 0.95
_LONGEST: Final = 40


@dataclass(frozen=True)
class TextType:
    """What a text column holds.

    Args:
        dtype: The type.
        notes: Sentences for people.
        ambiguous: What no value of the column decides: ``"decimal mark"``, ``"day first"``.
    """

    dtype: DataType
    notes: list[str] = field(default_factory=list[str])
    ambiguous: str | None = None


def text_type(texts: pl.Series, conventions: TextConventions) -> TextType:
    """Return the type of a column.

    Args:
        texts: Column of dtype String.
        conventions: How its values are written.

    Example:
        >>> import polars as pl
        >>> from algomancy_data.extractor import TextConventions
        >>> zips, delays = pl.Series(["00501", "94105"]), pl.Series(["-4", "NA", "12"])
        >>> [text_type(column, TextConventions()).dtype.name for column in (zips, delays)]
        ['STRING', 'INTEGER']
    """
    values = texts.unique(maintain_order=True).drop_nulls().alias(_NAME)
    present = conventions.strip(values).drop_nulls()
    if present.is_empty():
        return TextType(DataType.STRING, [] if values.is_empty() else [_only(values)])
    lower = present.str.to_lowercase().unique()
    if lower.len() <= 2 and _is_truth(set(lower.to_list())):  # noqa: PLR2004  two truth values
        return TextType(DataType.BOOLEAN)
    if not present.str.contains("[0-9]").any():
        return TextType(DataType.STRING)
    notes: list[str] = []
    number = _number_type(values, present, conventions, notes)
    if number is not None:
        has_gaps = texts.null_count() > 0 or values.len() > present.len()
        return _with_note_on_whole_floats(number, present, has_gaps=has_gaps)
    return _time_type(values, present, conventions, notes)


def time_type(texts: pl.Series, conventions: TextConventions) -> TextType:
    """Return the type of a text column from a format that writes its numbers as numbers.

    Args:
        texts: Column of dtype String.
        conventions: How its values are written.
    """
    values = texts.unique(maintain_order=True).drop_nulls().alias(_NAME)
    present = conventions.strip(values).drop_nulls()
    # An empty text would become null, and so would "NA".
    if present.is_empty() or present.len() < values.len():
        return TextType(DataType.STRING)
    return _time_type(values, present, conventions, [])


def deciding_mark(texts: pl.Series, conventions: TextConventions) -> str | None:
    """Return the decimal mark with which alone a column is numbers, or None."""
    if not texts.str.contains("[0-9][.,]").any():
        return None
    values = texts.unique().drop_nulls().alias(_NAME)
    fitting = [mark for mark in ".," if _reads_with(values, mark, conventions)]
    return fitting[0] if len(fitting) == 1 else None


def deciding_order(texts: pl.Series, conventions: TextConventions) -> bool | None:
    """Return whether a column is dates only with the day first, or only with it second."""
    values = texts.unique().drop_nulls().alias(_NAME)
    fitting = [
        first
        for first in (True, False)
        if _issue(values, DataType.DATETIME, replace(conventions, day_first=first)) is None
    ]
    return fitting[0] if len(fitting) == 1 else None


def _reads_with(values: pl.Series, mark: str, conventions: TextConventions) -> bool:
    return _issue(values, DataType.FLOAT, replace(conventions, decimal_mark=mark)) is None


def _is_truth(lower: AbstractSet[str]) -> bool:
    return any(lower <= pair for pair in _WORDS) or any(lower == pair for pair in _LETTERS)


def _number_type(
    values: pl.Series, present: pl.Series, conventions: TextConventions, notes: list[str]
) -> TextType | None:
    """Return INTEGER or FLOAT, STRING for digits that are no numbers, or None."""
    issue = _issue(values, DataType.FLOAT, conventions)
    is_integer = issue is not None and _issue(values, DataType.INTEGER, conventions) is None
    if issue is not None and not is_integer and issue.severity is ValidationSeverity.ERROR:
        _note_if_nearly(notes, issue, present, "a number")
        return None
    for pattern, reason in _CODES.items():
        coded = present.filter(present.str.contains(pattern))
        if coded.len():
            note = f"Text, since some values have {reason}: {_shown(coded)}."
            return TextType(DataType.STRING, [note])
    exponents = present.str.contains(_EXPONENT)
    others = present.filter(~exponents)
    if exponents.any() and others.len() and others.str.contains(_WHOLE).all():
        note = f"Text, since {_shown(present.filter(exponents))} may be a code and no number."
        return TextType(DataType.STRING, [note])
    if issue is not None and issue.severity is ValidationSeverity.WARNING:
        note = (
            f"Text, since {_shown(present.filter(present.str.contains(',', literal=True)))} is "
            f"either thousands or a fraction: declare FLOAT and the decimal_mark of CSVDialect."
        )
        return TextType(DataType.STRING, [note], "decimal mark")
    if is_integer or not _has_fraction(values, present, conventions):
        integer = _issue(values, DataType.INTEGER, conventions)
        return None if integer is not None else TextType(DataType.INTEGER)
    return TextType(DataType.FLOAT)


def _has_fraction(values: pl.Series, present: pl.Series, conventions: TextConventions) -> bool:
    """Tell whether some number is written with a fraction or an exponent."""
    mark = conventions.decimal_mark
    if mark is None:
        mark = "." if _reads_with(values, ".", conventions) else ","
    return bool(present.str.contains(f"[eE{mark}]").any())


def _with_note_on_whole_floats(number: TextType, present: pl.Series, *, has_gaps: bool) -> TextType:
    """Take ``1.0`` for whole numbers only where nulls are the reason that they are so written."""
    if number.dtype is DataType.FLOAT and present.str.contains(_WHOLE_FLOAT).all():
        if has_gaps:
            note = "Whole numbers written as 1.0, as pandas does where values are missing."
            return TextType(DataType.INTEGER, [note])
        return TextType(DataType.FLOAT, ["All values are whole numbers."])
    return number


def _time_type(
    values: pl.Series, present: pl.Series, conventions: TextConventions, notes: list[str]
) -> TextType:
    """Return DATETIME, INTERVAL or else STRING."""
    issue = _issue(values, DataType.DATETIME, conventions)
    if issue is None or issue.severity is ValidationSeverity.WARNING:
        if present.str.contains(_ZONED).any():
            notes.append(ZONED_NOTE)
        if issue is None:
            return TextType(DataType.DATETIME, notes)
        notes.append(
            "Read with the month before the day; no value says that it is so: declare the "
            "day_first of CSVDialect."
        )
        return TextType(DataType.DATETIME, notes, "day first")
    if present.str.contains(_DATE_LIKE).any():
        _note_if_nearly(notes, issue, present, "a date")
    if _issue(values, DataType.INTERVAL, conventions) is None:
        if present.str.contains(_INTERVAL).any():
            return TextType(DataType.INTERVAL)
        notes.append("INTERVAL can read it, if these are lengths of time and no times of day.")
    return TextType(DataType.STRING, notes)


def _issue(
    values: pl.Series, target: DataType, conventions: TextConventions
) -> ConversionIssue | None:
    issues: list[ConversionIssue] = []
    DataTypeConverter.convert_dtypes(
        values.to_frame(), {_NAME: target}, issues, conventions=conventions
    )
    return issues[0] if issues else None


def _note_if_nearly(
    notes: list[str], issue: ConversionIssue, present: pl.Series, kind: str
) -> None:
    """Say which few values keep a column from a better type."""
    if issue.failing is None or not 0 < issue.count <= (1 - _NEARLY) * present.len():
        return
    share = 1 - issue.count / present.len()
    notes.append(f"Nearly {kind}: {percent(share)} of the distinct values are.")


def percent(share: float) -> str:
    """Return a share of less than all, never rounded up to all.

    Example:
        >>> percent(0.977), percent(0.99999)
        ('97.7 %', '99.9 %')
    """
    return f"{min(int(share * 1000) / 10, 99.9):.1f} %"


def _only(values: pl.Series) -> str:
    words = values.filter(values.str.strip_chars() != "")
    if words.is_empty():
        return "No text is there but the empty one."
    return f"Only words such as {_shown(words)}, which may mean no value."


def _shown(values: pl.Series) -> str:
    return ascii(str(values[0])[:_LONGEST])
