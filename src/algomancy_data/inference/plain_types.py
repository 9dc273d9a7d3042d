"""Types that can be seen at a glance: those of all columns of a short table at once.

A question to a column costs Polars about a tenth of a millisecond, and the types ask dozens: a
table of thousands of columns and few rows is asked as a whole. What is not as plain as here is left
to the types themselves, which would say the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from algomancy_data.schema import DataType
from algomancy_data.schema.types.datetime import ZONED_NOTE
from algomancy_data.schema.types.decimal import USUAL_DIGITS, is_money
from algomancy_data.schema.types.distinct_texts import Verdict
from algomancy_data.schema.types.interval import TIMES_OF_DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.extractor import TextConventions

_FEW_ROWS: Final = 1_000
_DIGIT: Final = "[0-9]"
_LETTER: Final = r"^\p{L}"
# Truth values, floats and lengths of time that begin with a letter.
_WORD: Final = r"(?i)^(?:true|false|yes|no|y|n|t|f|inf|infinity|nan)$|^(?-i:P[0-9T+-])"
_PAIRS: Final = (r"(?i)^(?:true|false)$", r"(?i)^(?:yes|no)$")
_WHOLE: Final = r"^-?(?:0|[1-9][0-9]{0,17})$"
_DAY: Final = (
    r"[1-9][0-9]{3}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
    r"|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
)
_MINUTE: Final = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_SECOND: Final = rf"{_MINUTE}:[0-5][0-9]"
_CLOCK: Final = rf"{_MINUTE}(?::[0-5][0-9])?"
# Not so far away that it is in another year than Python knows, in UTC.
_OFFSET: Final = r"(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])"
_EARLY: Final = "^[1-8]"
_FRACTION: Final = r"[.,]([0-9]+)$"
_NOT_WHOLE: Final = "[.,]0*[1-9]"


def _number(mark: str) -> str:
    return rf"^-?(?:0|[1-9][0-9]{{0,8}})(?:[{mark}][0-9]{{1,6}})?$"


def _surely(mark: str) -> str:
    """Return the pattern of a number whose mark cannot separate thousands."""
    return rf"^-?0[{mark}]|[{mark}][0-9]{{1,2}}$|[{mark}][0-9]{{4,}}$"


def plain_types(texts: pl.DataFrame, conventions: TextConventions) -> dict[str, Verdict]:
    """Return what the types say of those columns of a table of which it is plain.

    Args:
        texts: Columns of dtype String.
        conventions: How their values are written.

    Example:
        >>> from algomancy_data.extractor import TextConventions
        >>> table = pl.DataFrame({"id": ["1", "NA"], "day": ["2024-12-31", "2024-01-01"]})
        >>> {name: found.declared for name, found in plain_types(table, TextConventions()).items()}
        {'id': 'INTEGER', 'day': Date}
    """
    if not 0 < texts.height <= _FEW_ROWS or not texts.width:
        return {}
    glance = _Glance(texts, conventions)
    moments = glance.all_fit(rf"^{_DAY}[ T]{_CLOCK}{_OFFSET}$") & glance.all_fit(_EARLY)
    kinds = [
        (glance.are_words(), Verdict(DataType.STRING.name)),
        (glance.all_fit(_WHOLE), Verdict(DataType.INTEGER.name)),
        (glance.all_fit(rf"^{_DAY}$"), Verdict(pl.Date())),
        (glance.all_fit(rf"^{_DAY}[ T]{_CLOCK}$"), Verdict(DataType.DATETIME.name)),
        (moments, Verdict(pl.Datetime("us", "UTC"), ZONED_NOTE)),
        (glance.all_fit(f"^{_MINUTE}$"), Verdict(pl.Time())),
        (glance.all_fit(f"^{_SECOND}$"), TIMES_OF_DAY),
        *((glance.all_fit(pair), Verdict(DataType.BOOLEAN.name)) for pair in _PAIRS),
    ]
    found: dict[str, Verdict] = {}
    for columns, verdict in kinds:
        found |= dict.fromkeys(glance.names(columns), verdict)
    return found | {name: Verdict(declared) for name, declared in glance.fractions()}


def plain_marks(texts: pl.DataFrame, conventions: TextConventions) -> dict[str, str | None]:
    """Return the decimal mark of those columns that are plain numbers; None if both are possible.

    Args:
        texts: Columns of dtype String.
        conventions: How their values are written.
    """
    if not 0 < texts.height <= _FEW_ROWS or not texts.width:
        return {}
    glance = _Glance(texts, conventions)
    found: dict[str, str | None] = {}
    for mark in ".,":
        found |= dict.fromkeys(glance.names(glance.all_fit(_number(mark))))
    return found | {
        name: mark for mark in ".," for name in glance.names(glance.are_numbers_with(mark))
    }


def names_of_some(texts: pl.DataFrame, holds: Callable[[pl.Series], pl.Series]) -> set[str]:
    """Return the names of the columns of which something holds for some value.

    Args:
        texts: Columns of dtype String.
        holds: Tells of each value of a column whether it does.
    """
    if not texts.width or not texts.height:
        return set()
    found = _by_column(holds(_stacked(texts)).fill_null(value=False), texts.height).arr.any()
    return {name for name, some in zip(texts.columns, found, strict=True) if some}


def _stacked(texts: pl.DataFrame) -> pl.Series:
    """Return all columns of a table, the one under the other: Polars is as fast as with one."""
    return pl.concat([column.alias("") for column in texts.get_columns()])


def _by_column(values: pl.Series, height: int) -> pl.Series:
    """Return what was found of each value, as one array for each column."""
    return values.rechunk().reshape((len(values) // height, height))


class _Glance:
    """All columns of a table, of which each question is asked at once.

    Args:
        texts: Columns of dtype String.
        conventions: How their values are written.
    """

    def __init__(self, texts: pl.DataFrame, conventions: TextConventions) -> None:
        self._names, self._height = texts.columns, texts.height
        self._texts = conventions.strip(_stacked(texts))
        self._marks = conventions.decimal_mark or ".,"
        self._is_declared = conventions.decimal_mark is not None
        self._has_values = _by_column(self._texts.is_not_null(), self._height).arr.any()

    def names(self, columns: pl.Series) -> Iterator[str]:
        """Give the names of columns."""
        return (name for name, is_meant in zip(self._names, columns, strict=True) if is_meant)

    def all_fit(self, pattern: str) -> pl.Series:
        """Tell of which columns all values fit a pattern."""
        fits = self._texts.str.contains(pattern).fill_null(value=True)
        return _by_column(fits, self._height).arr.all() & self._has_values

    def some_fit(self, pattern: str) -> pl.Series:
        """Tell of which columns some value fits a pattern."""
        fits = self._texts.str.contains(pattern).fill_null(value=False)
        return _by_column(fits, self._height).arr.any()

    def are_words(self) -> pl.Series:
        """Tell which columns are of words: without digits, or with a letter in front."""
        may_be_words = ~self.some_fit(_DIGIT) & self._has_values | self.all_fit(_LETTER)
        return may_be_words & ~self.some_fit(_WORD)

    def are_numbers_with(self, mark: str) -> pl.Series:
        """Tell which columns are of numbers whose fractions have a mark for certain."""
        return self.all_fit(_number(mark)) & self.some_fit(_surely(mark))

    def fractions(self) -> Iterator[tuple[str, str | PolarsDataType]]:
        """Give the names of the columns of numbers with a fraction, and their types."""
        scale = self._texts.str.extract(_FRACTION).str.len_bytes().fill_null(0)
        scales = _by_column(scale.set(self._texts.is_null(), None), self._height)
        facts = (
            scales.arr.min(),
            scales.arr.max(),
            self.some_fit(r"[.,][0-9]*0$"),
            _by_column(self._texts, self._height).arr.n_unique()
            - _by_column(self._texts.is_null(), self._height).arr.any().cast(pl.UInt32),
            self.some_fit(_NOT_WHOLE),
        )
        for mark in self._marks:
            is_certain = mark == "." or self._is_declared
            are_numbers = self.all_fit(_number(mark))
            columns = are_numbers if is_certain else self.are_numbers_with(mark)
            rows = zip(self._names, columns, *facts, strict=True)
            for name, is_meant, least, most, padded, distinct, has_fraction in rows:
                if is_meant and is_money(least, most, distinct, padded=padded):
                    yield name, pl.Decimal(USUAL_DIGITS, most)
                elif is_meant and has_fraction:
                    yield name, DataType.FLOAT.name
