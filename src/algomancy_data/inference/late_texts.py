"""Whether the types at the beginning of a file hold for the rest.

That all values convert to a type is not enough: ``00501`` below a thousand other numbers is not a
number, and a fraction of twenty digits is not a float. So all texts are checked, in slices. Most
are written so plainly that they add nothing; the others are examined with those of the beginning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from algomancy_data.inference.column_types import text_type
from algomancy_data.schema.kinds import column_type_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from algomancy_data.extractor import TextConventions
    from algomancy_data.schema.kinds import DeclaredType

_ROWS: Final = 100_000
# From so many different ones on, more of them change nothing.
_FEW: Final = 30
_NO_TEXT: Final = "$^"


def are_types_of(
    texts: pl.DataFrame,
    start: pl.DataFrame,
    types: Mapping[str, DeclaredType],
    words: Collection[str],
    conventions: TextConventions,
) -> bool:
    """Tell whether the types of a file's beginning hold for all of it.

    Args:
        texts: All records, as columns of dtype String.
        start: The first of them.
        types: The types found, by column; all values convert to them.
        words: Words for no value.
        conventions: How values are written.

    Example:
        >>> from algomancy_data import DataType
        >>> from algomancy_data.extractor import TextConventions
        >>> zips = pl.DataFrame({"zip": ["94105", "60601", "00501"]})
        >>> found = {"zip": DataType.INTEGER}
        >>> are_types_of(zips, zips.head(2), found, (), TextConventions())
        False
    """
    none = list(words)
    return all(
        _is_type_of(texts[name], start[name], declared, none, conventions)
        for name, declared in types.items()
    )


def _is_type_of(
    texts: pl.Series,
    start: pl.Series,
    declared: DeclaredType,
    none: list[str],
    conventions: TextConventions,
) -> bool:
    kind, known = column_type_of(declared), start.unique()
    known = known.set(known.is_in(none), None)
    plain = kind.plain_text
    present = len(known) - conventions.strip(known).null_count()
    if not present:
        plain = _NO_TEXT
    if plain is None:
        return True
    if present < _FEW:  # how many there are may count as well
        plain = _NO_TEXT
    for row in range(0, len(texts), _ROWS):
        part = texts.slice(row, _ROWS)
        odd = part.filter(~part.str.contains(plain)).unique()
        new = odd.filter(~odd.is_in(known.implode()) & ~odd.is_in(none))
        if part.has_nulls() and not known.has_nulls():
            new = new.extend_constant(None, 1)
        if len(new):
            found = text_type(pl.concat([known, new]), conventions)
            if column_type_of(found.dtype).name != kind.name:
                return False
    return True
