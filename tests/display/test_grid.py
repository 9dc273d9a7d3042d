"""One table in all its renderings: the same rows, and nothing in it is anything but text."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser

import pytest
from rich.console import Console

from algomancy_data.display.grid import MOST_ROWS, Grid, GridColumn, Markup, grid_html, grid_lines
from algomancy_data.display.page_table import PageTables
from algomancy_data.display.terminal_table import grid_table

HOSTILE = ["<b>x</b>", "[red]x[/red]", "&lt;", "a\x1b[2J", "</td>"]


class Cells(HTMLParser):
    """The rows of the tables in a piece of HTML."""

    def __init__(self, html):
        super().__init__()
        self.rows, self._open = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if {"td", "th"} & set(self._open):
            self.rows[-1][-1] += data


def in_text(grid):
    return [re.split(r"\s{2,}", line.strip()) for line in grid_lines(grid)]


def in_html(grid):
    return Cells(grid_html(grid)).rows


def on_page(grid):
    return Cells(PageTables().render(grid, "box")).rows


def on_terminal(grid):
    stream = io.StringIO()
    Console(file=stream, width=500, force_terminal=True, color_system=None).print(grid_table(grid))
    lines = re.sub(r"\x1b\[\d*m", "", stream.getvalue()).splitlines()
    return [re.split(r"\s{2,}", line.strip()) for line in lines]


RENDERED = pytest.mark.parametrize("rendered", [in_text, in_html, on_page, on_terminal])


@RENDERED
def test_every_renderer_shows_the_same_rows(rendered):
    grid = Grid.from_rows(("name", "rows", "share"), [("a", 1000, 0.5), ("b", 7, 12.0)])
    assert rendered(grid) == [
        ["name", "rows", "share"],
        ["a", "1,000", "0.500"],
        ["b", "7", "12.000"],
    ]


@RENDERED
def test_names_and_cells_are_text(rendered):
    grid = Grid.from_rows([f"{text}!" for text in HOSTILE], [HOSTILE, HOSTILE])
    seen = [text.replace("\x1b", "\\x1b") for text in HOSTILE]
    assert rendered(grid) == [[f"{text}!" for text in seen], seen, seen]


@pytest.mark.parametrize("rendered", [in_html, on_page])
def test_markup_is_left_as_it_is_where_html_is_made(rendered):
    grid = Grid([GridColumn(Markup("<i>n</i>"), [Markup("<b>1</b>")])])
    assert rendered(grid) == [["n"], ["1"]]


@pytest.mark.parametrize("rendered", [on_page, on_terminal])
def test_a_table_without_rows_has_its_headings(rendered):
    assert rendered(Grid.from_rows(("a", "b"), [])) == [["a", "b"]]


def test_the_first_rows_are_made_and_the_rest_is_counted():
    made = []
    rows = ((made.append(number) or number,) for number in range(1000))
    grid = Grid.from_first_rows(("n",), rows, 1000, "more row")
    assert len(made) == MOST_ROWS
    assert grid_lines(grid)[-1] == "… and 980 more rows."
    assert "<p>… and 980 more rows.</p>" in grid_html(grid)
    assert not Grid.from_first_rows(("n",), [(1,)], 1, "more row").rest


def test_numbers_stand_on_the_right_and_what_is_asked_for():
    grid = Grid.from_rows(
        ("text", "number", "size"), [("a", 1, "1 B"), ("bcde", 22, "22 B")], right={"size"}
    )
    assert [column.is_right for column in grid.columns] == [False, True, True]
    assert grid_lines(grid) == ["text  number  size", "a          1   1 B", "bcde      22  22 B"]
    assert grid_html(grid).count('class="n"') == 6
