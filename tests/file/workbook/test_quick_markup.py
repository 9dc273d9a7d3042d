"""The quick way through markup gives what the parser gives, or gives way to it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algomancy_data.file.workbook.markup import read_cells, read_shared_texts
from algomancy_data.file.workbook.quick_markup import quick_cells, quick_shared_texts

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMESPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
TEXTS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=5)
TEXTS |= st.sampled_from(
    ["a&b", "<v>", "&amp;", "_x000D_", "a\nb", "a\r\nb", 't="s"', "</c>", "&#13;"]
)
COLUMNS = ["A", "B", "Z", "AA", "AB", "XFD"]


def sheet(rows: Sequence[str]) -> bytes:
    body = "".join(
        f'<row r="{number}" spans="1:3">{row}</row>' for number, row in enumerate(rows, 1)
    )
    return (
        f'{DECLARATION}<worksheet xmlns="{NAMESPACE}"><cols><col min="1" max="1"/></cols>'
        f"<sheetData>{body}</sheetData><mergeCells/></worksheet>"
    ).encode()


@st.composite
def cells(draw, row: int, column: str) -> str:
    style = draw(st.sampled_from(["", ' s="0"', ' s="12"']))
    formula = draw(st.sampled_from(["", "<f>A1+1</f>", '<f t="shared" si="0"/>']))
    text = escape(draw(TEXTS))
    start = f'<c r="{column}{row}"{style}'
    return draw(
        st.sampled_from(
            [
                f"{start}/>",
                f"{start}></c>",
                f"{start}>{formula}<v></v></c>",
                f"{start}>{formula}<v>1.5E-7</v></c>",
                f'{start} t="n">{formula}<v>42</v></c>',
                f'{start} t="s"><v>3</v></c>',
                f'{start} t="b">{formula}<v>1</v></c>',
                f'{start} t="e">{formula}<v>#N/A</v></c>',
                f'{start} t="str">{formula}<v>{text}</v></c>',
                f'{start} t="inlineStr"><is><t>{text}</t></is></c>',
                f'{start} t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>',
            ]
        )
    )


@st.composite
def sheets(draw) -> bytes:
    rows = [
        "".join(
            draw(cells(number, column))
            for column in sorted(draw(st.sets(st.sampled_from(COLUMNS))), key=COLUMNS.index)
        )
        for number in range(1, draw(st.integers(1, 4)) + 1)
    ]
    return sheet(rows)


@given(markup=sheets(), columns=st.sets(st.sampled_from([0, 1, 25, 26, 27, 16_383]), min_size=1))
def test_the_cells_are_those_of_the_parser(markup, columns) -> None:
    quick = quick_cells(markup, columns)
    assert quick is not None
    assert quick.equals(read_cells(io.BytesIO(markup), columns))


@given(texts=st.lists(TEXTS, max_size=5))
def test_the_shared_texts_are_those_of_the_parser(texts) -> None:
    items = "".join(
        f"<si><t>{escape(text)}</t></si>" if number % 2 else f'<si><t a="b">{escape(text)}</t></si>'
        for number, text in enumerate(texts)
    )
    markup = f'{DECLARATION}<sst xmlns="{NAMESPACE}" count="5">{items}</sst>'.encode()
    quick = quick_shared_texts(markup)
    assert quick is not None
    assert quick.to_list() == read_shared_texts(io.BytesIO(markup))


PLAIN = '<c r="A1"><v>1</v></c>'


@pytest.mark.parametrize(
    ("markup", "found"),
    [
        (
            sheet([PLAIN])
            .replace(b"<c ", f"<x:c xmlns:x='{NAMESPACE}' ".encode())
            .replace(b"</c>", b"</x:c>"),
            ["1"],
        ),
        (sheet([PLAIN]).replace(b"worksheet xmlns", b"worksheet xmlns:x='x' xmlns"), ["1"]),
        (sheet(["<c><v>1</v></c>"]), ["1"]),
        (sheet(["<c\n" + PLAIN[3:]]), ["1"]),
        (sheet(["<c r='A1'><v>1</v></c>"]), ["1"]),
        (sheet(['<c s="0" r="A1"><v>1</v></c>']), ["1"]),
        (sheet(['<c r="A1" t="str"><v/></c>']), [""]),
        (sheet([PLAIN + "<!-- " + PLAIN.replace("A1", "A2") + " -->"]), ["1"]),
        (sheet(['<c r="A1" t="str"><v><![CDATA[<v>2</v>]]></v></c>']), ["<v>2</v>"]),
        (sheet(['<c r="A1" t="inlineStr"><is><r><t>a</t></r><r><t>b</t></r></is></c>']), ["ab"]),
        (
            sheet(
                ['<c r="A1" t="inlineStr"><is><t>a</t><rPh sb="0" eb="1"><t>b</t></rPh></is></c>']
            ),
            ["a"],
        ),
        (sheet([PLAIN]).decode().replace("UTF-8", "UTF-16").encode("utf-16"), ["1"]),
        (
            sheet(['<c r="A1" t="str"><v>é</v></c>'])
            .decode()
            .replace("UTF-8", "ISO-8859-1")
            .encode("latin-1"),
            ["é"],
        ),
    ],
)
def test_unusual_markup_is_left_to_the_parser(markup, found) -> None:
    assert quick_cells(markup, [0]) is None
    assert read_cells(io.BytesIO(markup), [0])["text"].to_list() == found


@pytest.mark.parametrize(
    ("items", "found"),
    [
        ("<si><r><t>a</t></r><r><t>b</t></r></si><si/>", ["ab", ""]),
        ("<si><t>a</t><rPh sb='0' eb='1'><t>b</t></rPh></si>", ["a"]),
        ("<si><t><![CDATA[a]]></t></si>", ["a"]),
    ],
)
def test_unusual_shared_texts_are_left_to_the_parser(items, found) -> None:
    markup = f'{DECLARATION}<sst xmlns="{NAMESPACE}">{items}</sst>'.encode()
    assert quick_shared_texts(markup) is None
    assert read_shared_texts(io.BytesIO(markup)) == found


def test_rows_and_cells_without_references_follow_each_other() -> None:
    markup = (
        f'<worksheet xmlns="{NAMESPACE}"><sheetData><row><c><v>1</v></c><c r="D1"><v>2</v></c>'
        f"<c><v>3</v></c></row><row><c><v>4</v></c></row></sheetData></worksheet>"
    ).encode()
    found = read_cells(io.BytesIO(markup))
    assert found.select("row", "column", "text").rows() == [
        (0, 0, "1"),
        (0, 3, "2"),
        (0, 4, "3"),
        (1, 0, "4"),
    ]
    assert found.schema["text"] == pl.String
