"""Tables of a page, rendered by great-tables and styled by the page.

Needs the extra ``algomancy-data[report]``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl
from great_tables import GT, html, loc, style

from algomancy_data.display.grid import cell_html

if TYPE_CHECKING:
    from algomancy_data.display.grid import Cell, Grid

_NONE: Final = "–"


class PageTables:
    """Renders the tables of one page, each with an id of its own."""

    def __init__(self) -> None:
        self._rendered = 0

    def render(self, grid: Grid, kind: str) -> str:
        """Return a table as HTML.

        Args:
            grid: The table.
            kind: The CSS class of the box that it stands in, which scrolls if it is too wide.
        """
        self._rendered += 1
        columns = {f"c{position}": column for position, column in enumerate(grid.columns)}
        cells = {name: [_cell(cell) for cell in column.cells] for name, column in columns.items()}
        table = GT(pl.DataFrame(cells), id=f"grid-{self._rendered}")
        for name, column in columns.items():
            labels: dict[str, Any] = {name: html(cell_html(column.name))}
            align = "right" if column.is_right else "left"
            table = table.cols_label(labels).cols_align(align, name).fmt(_as_it_is, name)
            if column.is_marked:
                mark = style.css("background: var(--mark)")
                table = table.tab_style(mark, loc.body(name))
                table = table.tab_style(mark, loc.column_labels(name))
        return f'<div class="{kind}" tabindex="0">{_table_of(table.as_raw_html())}</div>'


def _cell(cell: Cell) -> str:
    """Return a cell as HTML, with zeros less prominent than other numbers."""
    return _NONE if cell == 0 else str(cell_html(cell))


def _as_it_is(cell: str) -> str:
    return cell


def _table_of(rendered: str) -> str:
    """Return the table without its own style sheet."""
    end = "</table>"
    return rendered[rendered.index("<table") : rendered.rindex(end) + len(end)]
