"""A small table to show; the renderers beside it make text, HTML and terminal tables of it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final, Self, TypeAlias

from algomancy_data.display.words import left_out

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
        """Whether the cells stand on the right."""
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
        cls, names: Sequence[str], rows: Iterable[Sequence[Cell]], total: int, more: str
    ) -> Self:
        """Return a table of the first :data:`MOST_ROWS` rows, which says how many more there are.

        Args:
            names: Names of the columns.
            rows: Their cells; no more are made than are shown.
            total: How many rows there are.
            more: What one that is left out is called, such as ``"more table"``.
        """
        shown = cls.from_rows(names, islice(rows, MOST_ROWS))
        return cls(shown.columns, left_out(total - MOST_ROWS, more))

    @property
    def shown(self) -> list[GridColumn]:
        """The columns that have something in them."""
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
