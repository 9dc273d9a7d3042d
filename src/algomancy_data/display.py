"""Objects at a glance: a title, a few facts and small tables, for a notebook and for ``print``.

The HTML is a piece of a page that needs nothing else: no script, nothing to load. It takes colour
and background from where it is shown, so it is readable in light and dark. Whatever names and
values contain is text in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_ROWS: Final = 20
"""Rows that a table of a glance shows; what is left out is said."""

Cell: TypeAlias = "str | int | float | None"

_LONGEST: Final = 80
_LONGEST_NOTE: Final = 400
_UNITS: Final = ("bytes", "kB", "MB", "GB", "TB", "PB")
_KILO: Final = 1000
_STYLE: Final = (
    ".algomancy-display{font-family:system-ui,sans-serif;line-height:1.45;overflow-x:auto}"
    ".algomancy-display p{margin:.2em 0}"
    ".algomancy-display table{border-collapse:collapse;margin:.5em 0;border:0;font-size:.92em}"
    ".algomancy-display th,.algomancy-display td{padding:.15em 1.2em .15em 0;border:0;"
    "border-bottom:1px solid rgba(128,128,128,.35);text-align:left;vertical-align:top;"
    "background:none;max-width:36em;overflow-wrap:anywhere}"
    ".algomancy-display th{white-space:nowrap;font-weight:600}"
    ".algomancy-display .n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}"
)


@dataclass(frozen=True, slots=True)
class Grid:
    """A small table.

    Args:
        columns: Names of the columns; one with nothing in it is not shown.
        rows: The cells, row by row; numbers stand on the right.
        left_out: What is said of the rows that are not there; empty if all are.
    """

    columns: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]
    left_out: str = ""


@dataclass(frozen=True, slots=True)
class Display:
    """What is shown of an object.

    Args:
        title: What it is.
        facts: What else is to be said, shortly.
        grids: Tables; those without rows are not shown.
        note: A sentence of its own, such as an error.

    Example:
        >>> print(
        ...     Display("Box", ("2 things",), (Grid(("thing", "weight"), [("nut", 3)]),)).to_text()
        ... )
        Box · 2 things
          thing  weight
          nut         3
    """

    title: str
    facts: Sequence[str] = ()
    grids: Sequence[Grid] = ()
    note: str = ""

    def to_html(self) -> str:
        """Return a piece of HTML."""
        title = f"<b>{escape(short_text(self.title))}</b>"
        head = " · ".join([title, *(escape(short_text(fact)) for fact in self.facts)])
        parts = [f"<p>{head}</p>"]
        if self.note:
            parts.append(f"<p>{escape(short_text(self.note, _LONGEST_NOTE))}</p>")
        parts += [_grid_html(grid) for grid in self.grids if grid.rows]
        return f'<div class="algomancy-display"><style>{_STYLE}</style>{"".join(parts)}</div>'

    def to_text(self) -> str:
        """Return lines of plain text."""
        lines = [" · ".join([short_text(self.title), *map(short_text, self.facts)])]
        if self.note:
            lines.append(f"  {short_text(self.note, _LONGEST_NOTE)}")
        for grid in self.grids:
            lines += _grid_lines(grid) if grid.rows else []
        return "\n".join(lines)


class Displayed:
    """Whatever shows itself at a glance: in a notebook, and as text."""

    def _display(self) -> Display:
        """Return what is shown."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        """Return a short form for a notebook."""
        return self._display().to_html()

    def __str__(self) -> str:
        """Return the same as lines of text."""
        return self._display().to_text()


def short_text(text: str, longest: int = _LONGEST) -> str:
    r"""Return a text cut where it is long, with control characters that are to be seen.

    Example:
        >>> short_text("a\tb"), short_text("x" * 9, longest=4)
        ('a\\tb', 'xxxx…')
    """
    short = text if len(text) <= longest else f"{text[:longest]}…"
    if short.isprintable():
        return short
    return "".join(
        character if character.isprintable() else repr(character)[1:-1] for character in short
    )


def size_text(count: int) -> str:
    """Return a number of bytes for people.

    Example:
        >>> size_text(1), size_text(999), size_text(1_234_567), size_text(10**20)
        ('1 byte', '999 bytes', '1.2 MB', '100,000.0 PB')
    """
    if count < _KILO:
        return many(count, "byte")
    size, unit = float(count), 0
    while size >= _KILO and unit < len(_UNITS) - 1:
        size, unit = size / _KILO, unit + 1
    return f"{size:,.1f} {_UNITS[unit]}"


def many(count: int, what: str) -> str:
    """Return a number with its noun.

    Example:
        >>> many(1, "row"), many(1000, "row")
        ('1 row', '1,000 rows')
    """
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _cell_text(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case int():
            return f"{cell:,}"
        case float():
            return f"{cell:,.3f}"
        case _:
            return short_text(cell)


def _is_number(cell: Cell) -> bool:
    return isinstance(cell, int | float)


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    texts: list[str]
    is_numeric: bool


def _shown_columns(grid: Grid) -> list[_Column]:
    return [
        _Column(name, [_cell_text(cell) for cell in cells], any(map(_is_number, cells)))
        for name, cells in zip(grid.columns, zip(*grid.rows, strict=True), strict=True)
        if any(cell is not None for cell in cells)
    ]


def _grid_html(grid: Grid) -> str:
    columns = _shown_columns(grid)
    kinds = [' class="n"' if column.is_numeric else "" for column in columns]
    head = "".join(
        f"<th{kind}>{escape(column.name)}</th>" for kind, column in zip(kinds, columns, strict=True)
    )
    rows = zip(*(column.texts for column in columns), strict=True)
    body = "".join(
        "<tr>"
        + "".join(f"<td{kind}>{escape(text)}</td>" for kind, text in zip(kinds, row, strict=True))
        + "</tr>"
        for row in rows
    )
    rest = f"<p>{escape(grid.left_out)}</p>" if grid.left_out else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}"


def _grid_lines(grid: Grid) -> list[str]:
    padded: list[list[str]] = []
    for column in _shown_columns(grid):
        texts = [column.name, *column.texts]
        width = max(map(len, texts))
        padded.append(
            [text.rjust(width) if column.is_numeric else text.ljust(width) for text in texts]
        )
    lines = ["  ".join(row).rstrip() for row in zip(*padded, strict=True)]
    return [f"  {line}" for line in [*lines, *([grid.left_out] if grid.left_out else [])]]
