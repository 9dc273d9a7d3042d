"""Names of columns: each one once, or numbers where Polars would take a name for a pattern."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl


def unique_names(written: Sequence[str]) -> list[str]:
    """Return names as a header has them, each one once, empty ones named by their position.

    Example:
        >>> unique_names(["a", "a", "", "b"])
        ['a', 'a.1', 'Unnamed: 2', 'b']
    """
    names: dict[str, None] = {}  # in order, and quick to look up in wide files
    taken = set(written)
    numbers: dict[str, int] = {}  # the last one tried, by stem
    for position, given in enumerate(written):
        name = given or f"Unnamed: {position}"
        if name in names or (not given and name in taken):
            stem, number = name, numbers.get(name, 0) + 1
            while (name := f"{stem}.{number}") in taken or name in names:
                number += 1
            numbers[stem] = number
        names[name] = None
    return list(names)


def numbered(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with numbers for names: Polars takes ``*`` and ``^…$`` for patterns.

    Example:
        >>> import polars as pl
        >>> numbered(pl.DataFrame({"*": [1], "^a$": [2]})).columns
        ['0', '1']
    """
    with_numbers = frame.clone()
    with_numbers.columns = [str(number) for number in range(frame.width)]
    return with_numbers
