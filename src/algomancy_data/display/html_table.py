"""Tables as self-contained HTML: names and values are escaped."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from algomancy_data.display.grid import Markup, cell_text
from algomancy_data.display.words import short_text

if TYPE_CHECKING:
    from algomancy_data.display.grid import Cell, Grid

LONGEST_TEXT: Final = 400


def text_html(text: str, longest: int = LONGEST_TEXT) -> Markup:
    """Return a text as HTML, cut where it is long; control characters become visible.

    Example:
        >>> text_html("a < b"), text_html("x" * 9, longest=4)
        ('a &lt; b', 'xxxx…')
    """
    return Markup(escape(short_text(text, longest)))


def cell_html(cell: Cell) -> str:
    """Return a cell as HTML."""
    return cell if isinstance(cell, Markup) else escape(short_text(cell_text(cell)))


def grid_html(grid: Grid) -> str:
    """Return a table, in which columns of numbers have the class ``n``."""
    columns = [(' class="n"' if column.is_right else "", column) for column in grid.shown]
    head = "".join(f"<th{kind}>{cell_html(column.name)}</th>" for kind, column in columns)
    cells = (
        [f"<td{kind}>{cell_html(cell)}</td>" for cell in column.cells] for kind, column in columns
    )
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in zip(*cells, strict=True))
    rest = f"<p>{escape(grid.rest)}</p>" if grid.rest else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}"
