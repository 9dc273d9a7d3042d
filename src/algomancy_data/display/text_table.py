"""Tables as lines of plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from algomancy_data.display.grid import cell_text
from algomancy_data.display.words import short_text

if TYPE_CHECKING:
    from algomancy_data.display.grid import Grid


def grid_lines(grid: Grid) -> list[str]:
    """Return a line for the headings, one per row, and what is said of the rest."""
    padded: list[list[str]] = []
    for column in grid.shown:
        texts = [short_text(text) for text in (column.name, *map(cell_text, column.cells))]
        width = max(map(len, texts))
        padded.append(
            [text.rjust(width) if column.is_right else text.ljust(width) for text in texts]
        )
    lines = ["  ".join(row).rstrip() for row in zip(*padded, strict=True)]
    return [*lines, *([grid.rest] if grid.rest else [])]
