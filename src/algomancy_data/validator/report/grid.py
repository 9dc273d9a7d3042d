"""Tables of a report, rendered by great-tables; what they look like is in ``report.css``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import polars as pl
from great_tables import GT, html, loc, style

if TYPE_CHECKING:
    from collections.abc import Sequence

_Align: TypeAlias = Literal["left", "center", "right"]


@dataclass(frozen=True, slots=True)
class GridColumn:
    """A column of a table.

    Args:
        label: Its heading, as HTML.
        cells: Whole numbers, or HTML.
        align: Where the cells stand.
        marked: It is what the table is about.
    """

    label: str
    cells: Sequence[int] | Sequence[str]
    align: _Align = "left"
    marked: bool = False


class Grids:
    """Renders tables, each with an id of its own."""

    def __init__(self) -> None:
        self.rendered = 0

    def render(self, columns: Sequence[GridColumn], kind: str) -> str:
        """Return a table as HTML.

        Args:
            columns: Its columns, of one length.
            kind: The CSS class of the box that it stands in, which scrolls if it is too wide.
        """
        self.rendered += 1
        names = [f"c{position}" for position in range(len(columns))]
        frame = pl.DataFrame(dict(zip(names, [column.cells for column in columns], strict=True)))
        grid = GT(frame, id=f"grid-{self.rendered}")
        for name, column in zip(names, columns, strict=True):
            labels: dict[str, Any] = {name: html(column.label)}
            grid = grid.cols_label(labels).cols_align(column.align, name)
            if frame.schema[name].is_integer():
                grid = grid.fmt_integer(name).sub_zero(name, zero_text="–")
            else:
                grid = grid.fmt(_as_it_is, name)
            if column.marked:
                mark = style.css("background: var(--mark)")
                grid = grid.tab_style(mark, loc.body(name))
                grid = grid.tab_style(mark, loc.column_labels(name))
        return f'<div class="{kind}" tabindex="0">{_table_of(grid.as_raw_html())}</div>'


def _as_it_is(cell: str) -> str:
    return cell


def _table_of(rendered: str) -> str:
    """Return the table without the style sheet that would come with each."""
    end = "</table>"
    return rendered[rendered.index("<table") : rendered.rindex(end) + len(end)]
