"""A small table for display, as plain text and as self-contained HTML."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from itertools import islice
from typing import TYPE_CHECKING, Final, Self, TypeAlias

from algomancy_data.display.words import left_out, short_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence


MOST_ROWS: Final = 20
"""Rows that are shown of what may have many; what is left out is said."""


class Markup(str):
    """A text that is HTML already."""

    __slots__ = ()


Cell: TypeAlias = "str | int | float | None"


@dataclass(frozen=True, slots=True)
class GridColumn:
    """A column of a table.

    Args:
        name: Its heading.
        cells: What is in it, from the top.
        to_right: Where the cells stand; None puts numbers to the right.
        is_marked: The table is about this column.
    """

    name: str
    cells: Sequence[Cell]
    to_right: bool | None = None
    is_marked: bool = False

    @property
    def is_right(self) -> bool:
        """Whether the cells are right-aligned."""
        if self.to_right is None:
            return any(isinstance(cell, int | float) for cell in self.cells)
        return self.to_right


@dataclass(frozen=True, slots=True)
class Grid:
    """A small table.

    Args:
        columns: Its columns, of one length.
        rest: What is said of the rows that are not there; empty if all are.
    """

    columns: Sequence[GridColumn]
    rest: str = ""

    @classmethod
    def from_rows(
        cls, names: Sequence[str], rows: Iterable[Sequence[Cell]], *, right: Collection[str] = ()
    ) -> Self:
        """Return a table of all rows.

        Args:
            names: Names of the columns.
            rows: Their cells.
            right: Names of the columns that stand on the right, beside those of numbers.
        """
        cells = list(zip(*rows, strict=True)) or [()] * len(names)
        return cls(
            [
                GridColumn(name, column, to_right=True if name in right else None)
                for name, column in zip(names, cells, strict=True)
            ]
        )

    @classmethod
    def from_first_rows(
        cls,
        names: Sequence[str],
        rows: Iterable[Sequence[Cell]],
        total: int,
        more: str,
        *,
        most: int = MOST_ROWS,
        right: Collection[str] = (),
    ) -> Self:
        """Return a table of the first rows that says how many more there are.

        Args:
            names: Names of the columns.
            rows: Their cells; no more are made than are shown.
            total: How many rows there are.
            more: What one that is left out is called, such as ``"more table"``.
            most: How many rows are shown.
            right: As above.
        """
        shown = cls.from_rows(names, islice(rows, most), right=right)
        return cls(shown.columns, left_out(total - most, more))

    @property
    def shown(self) -> list[GridColumn]:
        """The columns that are not empty."""
        return [column for column in self.columns if any(cell is not None for cell in column.cells)]


def cell_text(cell: Cell) -> str:
    """Return a cell as text, numbers with commas.

    Example:
        >>> cell_text(1000), cell_text(0.5), cell_text(None)
        ('1,000', '0.500', '')
    """
    match cell:
        case None:
            return ""
        case int():
            return f"{cell:,}"
        case float():
            return f"{cell:,.3f}"
        case _:
            return cell


def grid_lines(grid: Grid) -> list[str]:
    """Return a line for the headings, one per row, and a note on the remaining rows."""
    padded: list[list[str]] = []
    for column in grid.shown:
        texts = [short_text(text) for text in (column.name, *map(cell_text, column.cells))]
        width = max(map(len, texts))
        padded.append(
            [text.rjust(width) if column.is_right else text.ljust(width) for text in texts]
        )
    lines = ["  ".join(row).rstrip() for row in zip(*padded, strict=True)]
    return [*lines, *([grid.rest] if grid.rest else [])]


LONGEST_TEXT: Final = 400


def text_html(text: str, longest: int = LONGEST_TEXT) -> Markup:
    """Return a text as HTML, cut if it is long, with visible control characters.

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
