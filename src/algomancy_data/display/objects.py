"""How objects appear in a notebook and in ``print``: a title, facts, small tables.

The HTML is self-contained: no scripts, nothing to load. It takes colour and background from where
it is shown, so it is readable in light and dark.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from algomancy_data.display.grid import LONGEST_TEXT, grid_html, grid_lines, text_html
from algomancy_data.display.words import short_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from algomancy_data.display.grid import Grid

_LONGEST: Final = 80
# The class stands there twice so that it counts more than the rules of notebooks, by which tables
# stand in the middle, have columns of one width whatever words that cuts, and text on the right.
_OURS: Final = ".algomancy-display.algomancy-display"
_STYLE: Final = (
    f"{_OURS}{{font-family:system-ui,sans-serif;line-height:1.45;text-align:left}}"
    f"{_OURS} p{{margin:.2em 0;overflow-wrap:break-word}}"
    f"{_OURS} div{{overflow-x:auto}}"
    f"{_OURS} table{{border-collapse:collapse;margin:.5em 0;border:0;font-size:.92em;"
    "table-layout:auto;width:max-content}"
    f"{_OURS} th,{_OURS} td{{padding:.15em 1.2em .15em 0;border:0;"
    "border-bottom:1px solid rgba(128,128,128,.35);text-align:left;vertical-align:top;"
    "background:none;max-width:36em;white-space:normal;word-break:normal;"
    "overflow-wrap:break-word}"
    f"{_OURS} th{{white-space:nowrap;font-weight:600}}"
    f"{_OURS} .n{{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}}"
)


@dataclass(frozen=True, slots=True)
class Display:
    """What is shown of an object.

    Args:
        title: What it is.
        facts: Further facts, in a few words each.
        grids: Tables; those without rows are not shown.
        note: A sentence of its own, such as an error.

    Example:
        >>> from algomancy_data.display.grid import Grid
        >>> things = Grid.from_rows(("thing", "weight"), [("nut", 3)])
        >>> print(Display("Box", ("2 things",), (things,)).to_text())
        Box · 2 things
          thing  weight
          nut         3
    """

    title: str
    facts: Sequence[str] = ()
    grids: Sequence[Grid] = ()
    note: str = ""

    def to_html(self) -> str:
        """Return it as HTML."""
        facts = (text_html(fact, _LONGEST) for fact in self.facts)
        head = " · ".join([f"<b>{text_html(self.title, _LONGEST)}</b>", *facts])
        parts = [f"<p>{text}</p>" for text in (head, text_html(self.note)) if text]
        # Each table scrolls by itself where the page is narrow.
        parts += [f'<div tabindex="0">{grid_html(grid)}</div>' for grid in self.grids if grid.shown]
        return f'<div class="algomancy-display"><style>{_STYLE}</style>{"".join(parts)}</div>'

    def to_text(self) -> str:
        """Return it as lines of plain text."""
        lines = [short_text(self.note, LONGEST_TEXT)] if self.note else []
        lines += [line for grid in self.grids if grid.shown for line in grid_lines(grid)]
        head = " · ".join(map(short_text, (self.title, *self.facts)))
        return "\n".join([head, *(f"  {line}" for line in lines)])


class DisplayedInNotebook:
    """An object with a display in notebooks."""

    __slots__ = ()

    def _display(self) -> Display:
        """Return what is shown."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        """Return a short form for a notebook."""
        return self._display().to_html()


class Displayed(DisplayedInNotebook):
    """An object with a display in notebooks and as text."""

    __slots__ = ()

    def __str__(self) -> str:
        """Return the same as lines of text."""
        return self._display().to_text()
