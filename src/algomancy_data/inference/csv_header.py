"""Whether the first record of a CSV file names its columns."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import polars as pl

from algomancy_data.extractor import TextConventions
from algomancy_data.inference.texts import text_type
from algomancy_data.schema import DataType

if TYPE_CHECKING:
    from collections.abc import Sequence

_SAMPLE: Final = 1_000
_FIRST_YEAR: Final = 1800
_LAST_YEAR: Final = 2200
_UNNAMED: Final = "Unnamed: "
_TYPED: Final = frozenset({DataType.INTEGER, DataType.FLOAT, DataType.DATETIME})
_CONVENTIONS: Final = TextConventions()


def has_header(texts: pl.DataFrame) -> bool:
    """Tell whether the names of the columns are names, and not values like those below them.

    Where a column holds numbers or dates, a name is none; years in a row may be names. Where all
    columns are text, a name does not occur below itself.

    Args:
        texts: The records below the first one, as columns of dtype String named by that one.

    Example:
        >>> has_header(pl.DataFrame({"id": ["1"], "name": ["Ann"]}))
        True
        >>> has_header(pl.DataFrame({"1": ["2"], "Ann": ["Bo"]}))
        False
    """
    names = texts.columns
    if not texts.height or _are_years(names):
        return True
    sample = texts.head(_SAMPLE)
    alike = unlike = 0
    for name in names:
        is_typed = text_type(sample[name], _CONVENTIONS).dtype in _TYPED
        if not is_typed or name.startswith(_UNNAMED):
            continue
        if text_type(pl.Series([name]), _CONVENTIONS).dtype in _TYPED:
            alike += 1
        else:
            unlike += 1
    if alike or unlike:
        return unlike >= alike
    repeated = sum(sample.select((pl.col(name) == name).any()).item() or False for name in names)
    return repeated * 2 <= len(names)


def numbered_names(width: int) -> list[str]:
    """Return names for the columns of a file that has none.

    Example:
        >>> numbered_names(2)
        ['column_1', 'column_2']
    """
    return [f"column_{position}" for position in range(1, width + 1)]


def _are_years(names: Sequence[str]) -> bool:
    """Tell whether all names that are numbers are years in a row."""
    years = [int(name) for name in names if name.isdecimal() and name.isascii()]
    in_range = all(_FIRST_YEAR <= year <= _LAST_YEAR for year in years)
    return len(years) > 1 and in_range and all(b - a == 1 for a, b in pairwise(years))
