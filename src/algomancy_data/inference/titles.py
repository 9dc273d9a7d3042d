"""A title above a table, where the names of the columns should be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from algomancy_data.display.words import counted

if TYPE_CHECKING:
    import polars as pl

UNNAMED: Final = "Unnamed: "
"""How the name begins that a column without a name gets."""

_BESIDE: Final = 2


def title_above(frame: pl.DataFrame) -> str | None:
    """Say that the first row looks like a title; None if it does not.

    A title fills the first cell of its row. The columns beside it have values, but no names.

    Args:
        frame: The table as it was read.

    Example:
        >>> import polars as pl
        >>> title_above(pl.DataFrame({"Sales": ["id"], "Unnamed: 1": ["a"], "Unnamed: 2": ["b"]}))
        "the first row names 1 of 3 columns ('Sales'), like a title above the header"
    """
    names = [name for name in frame.columns if not name.startswith(UNNAMED)]
    beside = [
        column
        for column in frame
        if column.name.startswith(UNNAMED) and column.null_count() < len(column)
    ]
    if names not in ([], frame.columns[:1]) or len(beside) < _BESIDE:
        return None
    what = f"{len(names)} of {counted(frame.width, 'column')}"
    shown = f" ({names[0]!r})" if names else ""
    return f"the first row names {what}{shown}, like a title above the header"
