"""To FLOAT and INTEGER.

Text is read in one of two ways, the same for all values of a column: with a decimal point (and
``1,234,567`` for a million) or with a decimal comma (and ``1.234.567``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from algomancy_data.extractor.conversion.outcome import Outcome

if TYPE_CHECKING:
    from algomancy_data.extractor.conversion.conventions import TextConventions

_GROUP_MARK: Final = {".": ",", ",": "."}
_SPECIAL: Final = r"(?i)^[+-]?(?:inf|infinity|nan)$"
_NAN_WORDS: Final = ("NaN", "nan")
# A number of at most 15 digits survives the way through a float; see _integers().
_SHORT_SCIENTIFIC: Final = r"^[+-]?(?:[0-9]\.?){1,15}[eE][+-]?[0-9]{1,3}$"
_SAMPLE: Final = 1_000
_MAX_EXACT_FLOAT: Final = 2**53
_DECLARE_MARK: Final = 'Declare _CSV = CSVDialect(decimal_mark=".") or (decimal_mark=",").'


def _pattern(mark: str) -> str:
    """Return the pattern of a number with this decimal mark, thousands perhaps in groups."""
    group = _GROUP_MARK[mark]
    whole = (
        rf"(?:[1-9][0-9]{{0,2}}(?:[{group}][0-9]{{3}})+|[1-9][0-9]{{0,2}}(?:_[0-9]{{3}})+|[0-9]+)"
    )
    return rf"^[+-]?(?:{whole}(?:[{mark}][0-9]*)?|[{mark}][0-9]+)(?:[eE][+-]?[0-9]+)?$"


_PATTERNS: Final = {mark: _pattern(mark) for mark in _GROUP_MARK}


def float_from_text(texts: pl.Series, conventions: TextConventions) -> Outcome:
    """Read decimal numbers, exactly rounded; refuse text and what is beyond the float range.

    A column whose values all look like ``1,234`` can be read in two ways; without a declared
    decimal mark it is read as 1.234, and the outcome says so.
    """
    if conventions.decimal_mark != ",":
        direct = texts.cast(pl.Float64, strict=False)
        if direct.null_count() == texts.null_count() and not direct.is_infinite().any():
            return Outcome(direct)
    if (values := _plain_decimal_commas(texts, conventions.decimal_mark)) is not None:
        return Outcome(values)
    stripped = conventions.strip(texts, keep=_NAN_WORDS)
    special = stripped.str.contains(_SPECIAL)
    numbers = stripped.set(special, None) if special.any() else stripped
    mark, ambiguous = _decimal_mark(numbers, conventions.decimal_mark)
    if ambiguous is not None and numbers.str.contains(".", literal=True).any():
        reason = "written with commas, others with points, and either could be the decimal mark"
        with_comma = numbers.str.contains(",", literal=True).fill_null(value=False)
        return Outcome(texts, with_comma, reason, _DECLARE_MARK)
    values = _floats(numbers, mark)
    if special.any():
        values = values.zip_with(
            ~special.fill_null(value=False), stripped.cast(pl.Float64, strict=False)
        )
    infinite = values.is_infinite() & ~special
    if infinite.any():
        return Outcome(texts, infinite.fill_null(value=False), "beyond the range of FLOAT")
    if values.null_count() > stripped.null_count():
        name = {".": "decimal point", ",": "decimal comma"}[mark]
        return Outcome.of(values, stripped, f"not a number with a {name}")
    if ambiguous is None:
        return Outcome(values)
    reason = "read with a decimal comma, though it could also separate thousands"
    return Outcome(values, reason=reason, advice=_DECLARE_MARK, guessed=ambiguous)


def integer_from_text(texts: pl.Series, conventions: TextConventions) -> Outcome:
    """Read whole numbers exactly; refuse fractions, text and what is beyond 64 bits.

    ``1.0``, ``1,0`` and ``1e3`` are whole numbers. ``1,234`` and ``1.234`` need a declared
    decimal mark or another value that decides; else they are refused.
    """
    direct = texts.cast(pl.Int64, strict=False)
    if direct.null_count() == texts.null_count():
        return Outcome(direct)
    stripped = conventions.strip(texts)
    direct = stripped.cast(pl.Int64, strict=False)
    rest = stripped.set(direct.is_not_null(), None)
    mark, ambiguous = _decimal_mark(rest, conventions.decimal_mark, points_too=True)
    if ambiguous is not None:
        reason = "either thousands or a fraction: no value of the column says which"
        return Outcome(texts, ambiguous, reason, _DECLARE_MARK)
    values = direct.zip_with(direct.is_not_null(), _integers(rest, mark))
    return Outcome.of(values, stripped, "not a whole number of at most 64 bits")


def _plain_decimal_commas(texts: pl.Series, declared: str | None) -> pl.Series | None:
    """Return the numbers if a decimal comma is certain and nothing else is in the way.

    That is the common case, and it needs none of the patterns on all values.
    """
    if declared == ".":
        return None
    if declared is None:
        start = texts.head(_SAMPLE)
        certain = start.str.contains(_PATTERNS[","]) & ~start.str.contains(_PATTERNS["."])
        if not certain.any():
            return None
    if texts.str.contains(".", literal=True).any():
        return None
    values = texts.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
    if values.null_count() > texts.null_count() or values.is_infinite().any():
        return None
    return values


def _decimal_mark(
    numbers: pl.Series, declared: str | None, *, points_too: bool = False
) -> tuple[str, pl.Series | None]:
    """Return the decimal mark of a column, and which values could be read with the other one.

    Args:
        numbers: Texts without outer white space.
        declared: The mark that the dialect declares.
        points_too: ``1.234`` is as ambiguous as ``1,234``; otherwise it is 1.234.

    Returns:
        The mark, and None or a Boolean column: the values that have two readings, if all
        values of the column fit both.
    """
    if declared is not None:
        return declared, None
    separated = numbers.str.contains("," if not points_too else "[,.]")
    if not separated.any():
        return ".", None
    misfits = {mark: (~numbers.str.contains(pattern)).sum() for mark, pattern in _PATTERNS.items()}
    if misfits == {".": 0, ",": 0}:
        return ",", separated.fill_null(value=False)
    return min(misfits, key=misfits.__getitem__), None


def _plain(numbers: pl.Series, mark: str) -> pl.Series:
    """Return the numbers without groups and with a decimal point; null where they are none."""
    fits = numbers.str.contains(_PATTERNS[mark])
    fitting = numbers if fits.all() else numbers.set(~fits, None)
    group = _GROUP_MARK[mark]
    plain = fitting.str.replace_all(f"[{group}_]", "")
    return plain if mark == "." else plain.str.replace(mark, ".", literal=True)


def _floats(numbers: pl.Series, mark: str) -> pl.Series:
    return _plain(numbers, mark).cast(pl.Float64, strict=False)


def _integers(numbers: pl.Series, mark: str) -> pl.Series:
    """Return whole numbers as Int64, null where a number is not whole or too large."""
    plain = _plain(numbers, mark)
    values = plain.str.replace(r"\.0*$", "").cast(pl.Int64, strict=False)
    scientific = plain.str.contains(_SHORT_SCIENTIFIC)
    if not scientific.any():
        return values
    # With at most 15 digits no fraction is so small that the float next to it is whole.
    floats = plain.set(~scientific, None).cast(pl.Float64, strict=False)
    whole = (floats == floats.round()) & (floats.abs() < _MAX_EXACT_FLOAT)
    return values.zip_with(~whole.fill_null(value=False), floats.set(~whole, None).cast(pl.Int64))
