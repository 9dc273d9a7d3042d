"""Tables for a terminal, rendered by Rich.

Needs the extra ``algomancy-data[cli]``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from algomancy_data.display.grid import cell_text
from algomancy_data.display.words import printable

if TYPE_CHECKING:
    from algomancy_data.display.grid import Grid


def grid_table(grid: Grid) -> Table:
    """Return a whole table; Rich breaks lines if the terminal is too narrow."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in grid.columns:
        table.add_column(plain(column.name), justify="right" if column.is_right else "left")
    for row in zip(*(column.cells for column in grid.columns), strict=True):
        table.add_row(*(plain(cell_text(cell)) for cell in row))
    return table


def plain(text: str) -> Text:
    """Return a text without markup and line breaks."""
    return Text(printable(text))
