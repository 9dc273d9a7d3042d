"""One reading of one file: which rows of a table it gives, and what is noticed on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from algomancy_data.extractor.conversion import ConversionIssue


@dataclass(eq=False)
class Reading:
    """What an extractor knows while it reads a file, and notes.

    Args:
        table: Name of the table that the file is, or is a part of.
        first_row: How many rows of the table come before it.
        as_text: Columns that must come as text, since they do in another part.
        issues: What was noticed, before any conversion.
        pieces: Columns that did not convert and whose texts do not say all: the typed columns that
            they are made of, by table and column.
        unpacked_bytes: How many bytes the content has when it is unpacked, where the reader has
            found out.
    """

    table: str
    first_row: int = 0
    as_text: frozenset[str] = frozenset()
    issues: list[ConversionIssue] = field(default_factory=list["ConversionIssue"])
    pieces: dict[tuple[str, str], list[pl.Series]] = field(
        default_factory=dict[tuple[str, str], "list[pl.Series]"]
    )
    unpacked_bytes: int | None = None
