"""Workbooks as other programs write them: each is read for what it says, or refused in words."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from algomancy_data import (
    Column,
    ColumnGroup,
    DataType,
    ReadLimits,
    Schema,
    XLSXFile,
    XLSXMultiExtractor,
    XLSXSingleExtractor,
)
from algomancy_data.errors import FileContentError, ReadLimitError
from algomancy_data.inference import infer_schemas

if TYPE_CHECKING:
    import polars as pl

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
STYLES = (
    f'<styleSheet xmlns="{MAIN}"><numFmts><numFmt numFmtId="164" formatCode="[h]:mm"/></numFmts>'
    f'<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="20"/><xf numFmtId="164"/>'
    f"</cellXfs></styleSheet>"
)


def relations(**targets: str) -> str:
    inner = "".join(
        f'<Relationship Id="{kind}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for kind, target in targets.items()
    )
    return f'<Relationships xmlns="{PACKAGE}">{inner}</Relationships>'


def worksheet(rows: str) -> str:
    return f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'


def shared(*texts: str) -> str:
    items = "".join(f"<si>{text}</si>" for text in texts)
    return f'<sst xmlns="{MAIN}">{items}</sst>'


def usual_parts(rows: str, *texts: str) -> dict[str, str | bytes]:
    """Return the parts of a workbook with one sheet."""
    return {
        "_rels/.rels": relations(officeDocument="xl/workbook.xml"),
        "xl/workbook.xml": (
            f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><workbookPr/>'
            f'<sheets><sheet name="Sheet" sheetId="1" r:id="worksheet"/></sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": relations(
            worksheet="worksheets/sheet1.xml", styles="styles.xml", sharedStrings="texts.xml"
        ),
        "xl/worksheets/sheet1.xml": worksheet(rows),
        "xl/styles.xml": STYLES,
        "xl/texts.xml": shared(*(f"<t>{text}</t>" for text in texts)),
    }


def zipped(parts: dict[str, str | bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return content.getvalue()


class Read(Protocol):
    def __call__(
        self, workbook: dict[str, str | bytes] | bytes, **types: DataType
    ) -> pl.DataFrame: ...


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Extract a workbook given by its parts, and insist that there is no issue."""

    def run(workbook, **types) -> pl.DataFrame:
        path = tmp_path / "t.xlsx"
        path.write_bytes(workbook if isinstance(workbook, bytes) else zipped(workbook))
        members = {f"C{i}": Column(*item) for i, item in enumerate(types.items())}
        members = members or {"C": Column("absent", DataType.STRING)}
        settings = {"_FILENAME": "t", "_EXTENSION": "xlsx", "_SCHEMA_TYPE": "single"}
        extractor = XLSXSingleExtractor(
            XLSXFile("t", path), type("T", (Schema,), settings | members)
        )
        frame = extractor.extract()["t"]
        assert [str(issue) for issue in extractor.conversion_issues] == []
        return frame

    return run


DATA = Path(__file__).parents[2] / "data/workbooks"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
STRICT_OFFICE = "http://purl.oclc.org/ooxml/officeDocument/relationships"
NEWER = "http://schemas.microsoft.com/office/spreadsheetml/2010/11/main"
DAY_ROWS = (
    '<row r="1"><c r="A1" t="s"><v>0</v></c></row><row r="2"><c r="A2" s="1"><v>43951</v></c></row>'
)


def text(reference: str, value: str) -> str:
    return f'<c r="{reference}" t="str"><v>{value}</v></c>'


def book(content: str, namespace: str = MAIN, office: str = OFFICE) -> str:
    sheets = '<sheets><sheet name="Sheet" sheetId="1" r:id="worksheet"/></sheets>'
    return f'<workbook xmlns="{namespace}" xmlns:r="{office}">{content}{sheets}</workbook>'


def test_the_calendar_is_not_that_of_an_extension(read) -> None:
    frame = read((DATA / "days1904.xlsx").read_bytes(), day=DataType.DATETIME)
    assert frame["day"].to_list() == [datetime(2024, 5, 1), datetime(1971, 1, 1)]


@pytest.mark.parametrize(
    ("properties", "day"),
    [
        ('<workbookPr date1904="1"/>', datetime(2024, 5, 1)),
        ('<workbookPr date1904="true"/>', datetime(2024, 5, 1)),
        ('<workbookPr date1904="0"/>', datetime(2020, 4, 30)),
        ("", datetime(2020, 4, 30)),
        (
            f'<workbookPr/><ext xmlns:x15="{NEWER}"><x15:workbookPr date1904="1"/></ext>',
            datetime(2020, 4, 30),
        ),
        (f'<x:workbookPr xmlns:x="{NEWER}" date1904="1"/>', datetime(2020, 4, 30)),
        (
            f'<workbookPr date1904="1"/><x:workbookPr xmlns:x="{NEWER}"/>',
            datetime(2024, 5, 1),
        ),
        (
            '<mc:A xmlns:mc="urn:mc"><workbookPr date1904="1"/></mc:A><workbookPr/>',
            datetime(2020, 4, 30),
        ),
    ],
)
def test_the_calendar_is_what_the_workbook_itself_says(read, properties, day) -> None:
    parts = usual_parts(DAY_ROWS, "day") | {"xl/workbook.xml": book(properties)}
    assert read(parts, day=DataType.DATETIME)["day"].to_list() == [day]


def strict(part: str) -> str:
    return part.replace(MAIN, STRICT).replace(OFFICE, STRICT_OFFICE)


def prefixed(part: str, *names: str) -> str:
    part = part.replace("xmlns=", "xmlns:x=")
    for name in names:
        part = part.replace(f"<{name}", f"<x:{name}").replace(f"</{name}", f"</x:{name}")
    return part


@pytest.mark.parametrize(
    "change",
    [
        lambda parts: {name: strict(part) for name, part in parts.items()},
        lambda parts: (
            parts
            | {
                "xl/workbook.xml": prefixed(
                    parts["xl/workbook.xml"]
                    .replace("xmlns:r=", "xmlns:rel=")
                    .replace("r:id", "rel:id"),
                    "workbook",
                    "workbookPr",
                    "sheets",
                    "sheet ",
                )
            }
        ),
        lambda parts: (
            parts
            | {
                "xl/worksheets/sheet1.xml": prefixed(
                    parts["xl/worksheets/sheet1.xml"],
                    "worksheet",
                    "sheetData",
                    "row",
                    "c ",
                    "c>",
                    "v",
                )
            }
        ),
        lambda parts: parts | {"xl/texts.xml": prefixed(parts["xl/texts.xml"], "sst", "si", "t>")},
        lambda parts: (
            parts
            | {
                "xl/styles.xml": prefixed(
                    STYLES, "styleSheet", "numFmt", "numFmts", "cellXfs", "xf"
                ).replace("x:x:", "x:")
            }
        ),
        lambda parts: {name: part.encode("utf-8-sig") for name, part in parts.items()},
        lambda parts: (
            parts
            | {
                name: f'<?xml version="1.0" encoding="UTF-16"?>{parts[name]}'.encode("utf-16")
                for name in ("xl/worksheets/sheet1.xml", "xl/texts.xml", "xl/styles.xml")
            }
        ),
    ],
    ids=["strict", "book prefix", "sheet prefix", "text prefix", "style prefix", "BOM", "UTF-16"],
)
def test_namespaces_prefixes_and_encodings_are_free(read, change) -> None:
    rows = f'{DAY_ROWS}<row r="3"><c r="A3" s="1"><v>24472</v></c></row>'
    parts = change(usual_parts(rows, "day"))
    assert read(parts, day=DataType.DATETIME)["day"].to_list() == [
        datetime(2020, 4, 30),
        datetime(1966, 12, 31),
    ]


@pytest.mark.parametrize(
    ("moved", "rename"),
    [
        ({}, lambda name: name.replace("/", "\\")),
        ({}, str.upper),
        (
            {
                "_rels/.rels": relations(officeDocument="/xl/workbook.xml"),
                "xl/_rels/workbook.xml.rels": relations(
                    worksheet="/xl/worksheets/sheet1.xml",
                    styles="/xl/styles.xml",
                    sharedStrings="../xl/texts.xml",
                ),
            },
            str,
        ),
        (
            {
                "_rels/.rels": relations(officeDocument="office/book%201.xml"),
                "xl/_rels/workbook.xml.rels": relations(
                    worksheet="tables/t.xml", styles="../s.xml", sharedStrings="../texts.xml"
                ),
            },
            {
                "xl/workbook.xml": "office/book 1.xml",
                "xl/_rels/workbook.xml.rels": "office/_rels/book 1.xml.rels",
                "xl/worksheets/sheet1.xml": "office/tables/t.xml",
                "xl/styles.xml": "s.xml",
                "xl/texts.xml": "texts.xml",
                "_rels/.rels": "_rels/.rels",
            }.__getitem__,
        ),
    ],
    ids=["backslashes", "capitals", "absolute", "elsewhere"],
)
def test_parts_are_found_by_their_relations(read, moved, rename) -> None:
    parts = usual_parts(DAY_ROWS, "day") | moved
    workbook = {rename(name): part for name, part in parts.items()}
    assert read(workbook, day=DataType.DATETIME)["day"].to_list() == [datetime(2020, 4, 30)]


@pytest.mark.parametrize("part", ["xl/styles.xml", "xl/texts.xml", "_rels/.rels"])
def test_a_part_that_is_not_needed_may_be_missing(read, part) -> None:
    parts = usual_parts(
        f'<row r="1">{text("A1", "n")}</row><row r="2"><c r="A2"><v>7</v></c></row>'
    )
    del parts[part]
    assert read(parts, n=DataType.INTEGER)["n"].to_list() == [7]


def test_empty_attributes_say_nothing(read) -> None:
    assert read((DATA / "empty_style.xlsx").read_bytes()).rows() == [(1.0, "x")]
    parts = usual_parts(
        '<row r=""><c r="" t="s" s=""><v>0</v></c></row><row><c s="" t=""><v>1</v></c></row>', "a"
    )
    assert read(parts).rows() == [(1.0,)]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ('<c r="A2"><v> 1 </v></c>', " 1 "),
        ('<c r="A2" t="n"><v>1<!-- one -->2</v></c>', 12.0),
        ('<c r="A2"><v>1,5</v></c>', "1,5"),
        ('<c r="A2" t="b"><v>1</v></c>', True),
        ('<c r="A2" t="b"><v>false</v></c>', False),
        ('<c r="A2" t="b"><f>NOT(TRUE)</f><v>true</v></c>', True),
        ('<c r="A2" t="s"><v> 1 </v></c>', "b"),
        ('<c r="A2" t="str"><v> b </v></c>', " b "),
        ('<c r="A2" t="str"><v>b_x0041_</v></c>', "bA"),
        ('<c r="A2" t="str"><v><![CDATA[<b>]]></v></c>', "<b>"),
        ('<c r="A2" t="new"><v>b</v></c>', "b"),
        ('<c r="A2" t="inlineStr"><is><t> b </t></is></c>', "b"),
        ('<c r="A2" t="inlineStr"><is><t xml:space="preserve"> b </t></is></c>', " b "),
        (
            '<c r="A2" t="inlineStr"><is><r><t>b</t></r><r><rPr><b/></rPr><t>c</t></r></is></c>',
            "bc",
        ),
        ('<c r="A2" t="inlineStr"><is><t>b</t><rPh sb="0" eb="1"><t>c</t></rPh></is></c>', "b"),
        ('<c r="A2" t="inlineStr"><is><t>b_x0041__xD800_</t></is></c>', "bA_xD800_"),
        ('<c r="A2" t="d"><v>2024-05-01T10:30:00</v></c>', datetime(2024, 5, 1, 10, 30)),
        ('<c r="A2" t="d"><v>2024-05-01</v></c>', datetime(2024, 5, 1)),
        ('<c r="A2" t="d"><v>10:30:00</v></c>', time(10, 30)),
        ('<c r="A2" t="d"><v>soon</v></c>', "soon"),
        ('<c r="A2" s="2"><v>0.5</v></c>', time(12)),
        ('<c r="A2" s="3"><v>1.5</v></c>', timedelta(hours=36)),
        ('<c r="A2" s="99"><v>1.5</v></c>', 1.5),
        ('<x:c xmlns:x="urn:x" r="A2"><v>2</v></x:c><c r="A2"><v>1</v></c>', 1.0),
        ('<c r="A2"><x:v xmlns:x="urn:x">2</x:v><v>1</v></c>', 1.0),
        ('<c r="A2"><v>2</v></c><c r="A2"><v>1</v></c>', 1.0),
    ],
)
@pytest.mark.parametrize("alone", [True, False])
def test_a_cell_is_the_same_in_a_uniform_and_in_a_mixed_column(read, cell, value, alone) -> None:
    other = (
        ""
        if alone
        else f'<row r="3">{text("A3", "other")}</row><row r="4"><c r="A4"><v>7</v></c></row>'
    )
    parts = usual_parts(
        f'<row r="1">{text("A1", "c")}</row><row r="2">{cell}</row>{other}', "a", "b"
    )
    if alone:
        assert read(parts)["c"].to_list() == [value]
    found = read(parts, c=DataType.STRING)["c"][0]
    assert found == as_text(value)


def as_text(value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return f"{value}.000000"
    if isinstance(value, timedelta):
        return "P1DT12H"
    return str(value).removesuffix(".0")


@pytest.mark.parametrize("error", ["#SPILL!", "#CALC!", "#FIELD!", "#N/A"])
def test_errors_of_newer_programs_are_errors(read, error, tmp_path) -> None:
    rows = f'<row r="1">{text("A1", "c")}</row><row r="2"><c r="A2" t="e"><v>{error}</v></c></row>'
    with pytest.raises(AssertionError, match=f"an error of the workbook.*{error}"):
        read(usual_parts(rows), c=DataType.FLOAT)


def test_shared_texts_are_counted_as_they_stand(read) -> None:
    parts = usual_parts(
        '<row r="1"><c r="A1" t="s"><v>0</v></c></row>'
        + "".join(f'<row r="{i}"><c r="A{i}" t="s"><v>{i - 1}</v></c></row>' for i in range(2, 6))
    )
    parts["xl/texts.xml"] = shared(
        "<t>c</t>",
        "<r><t>a</t></r><r><t xml:space='preserve'> b</t></r><rPh sb='0' eb='1'><t>x</t></rPh>",
        "<t><![CDATA[<d>]]></t>",
        "<t> e_x000D_ </t>",
        "<t>f</t><x:t xmlns:x='urn:x'>g</x:t>",
    )
    assert read(parts)["c"].to_list() == ["a b", "<d>", "e\r", "f"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"a;b\n1;2\n", "but text, such as CSV"),
        ("ä;b\n1;2\n".encode("utf-16"), "but text, such as CSV"),
        (b'[{"a": 1}]', "but text, such as JSON"),
        (b"\xef\xbb\xbf<html><body><table>", "but an HTML page. Save it as XLSX"),
        (b"<!DOCTYPE html><p>", "but an HTML page"),
        (
            b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">',
            "an XML spreadsheet of 2003, not XLSX. Save it as XLSX",
        ),
        (b"%PDF-1.7 \x00", "a PDF document"),
        (bytes(range(200)), "is no XLSX workbook"),
        ({"Index/Document.iwa": ""}, "a Numbers document"),
        (
            {"word/document.xml": "", "_rels/.rels": relations(officeDocument="word/document.xml")},
            "Word",
        ),
        ({"ppt/presentation.xml": ""}, "PowerPoint"),
        (
            usual_parts("") | {"xl/_rels/workbook.xml.rels": relations()},
            "a sheet 'Sheet' without cells",
        ),
        (
            usual_parts("") | {"xl/_rels/workbook.xml.rels": relations(worksheet="gone.xml")},
            "no part 'xl/gone.xml'",
        ),
        (usual_parts('<row r="1"><c r="A1" t="s"><v>5</v></c></row>', "a"), "shared text"),
        (usual_parts('<row r="1"><c r="A1" t="s"><v>-1</v></c></row>', "a"), "shared text"),
        (usual_parts('<row r="1"><c r="A1" s="x"><v>5</v></c></row>'), "with the style 'x'"),
        (usual_parts("<row></rows>"), "not well formed"),
        (
            {
                name: part.encode("latin-1")
                for name, part in usual_parts(
                    DAY_ROWS + '<row r="3"><c r="A3" t="str"><v>ä</v></c></row>', "day"
                ).items()
            },
            "not well formed",
        ),
        (
            usual_parts("") | {"xl/workbook.xml": f'<!DOCTYPE x [<!ENTITY a "b">]>{book("")}'},
            "a document type",
        ),
        (
            usual_parts("") | {"xl/worksheets/sheet1.xml": f"<!DOCTYPE x>{worksheet('')}"},
            "a document type",
        ),
    ],
)
def test_what_cannot_be_read_is_named_in_plain_words(read, content, problem) -> None:
    with pytest.raises(FileContentError, match=problem) as raised:
        read(content)
    words = ["calamine", "xml error", "zip error", "bad magic", "panic", "zlib", "expat", "polars"]
    assert not [word for word in words if word in str(raised.value).lower()]


def test_a_time_of_day_keeps_its_fraction_wherever_it_becomes_text(read, tmp_path) -> None:
    lap = '<c r="A2" s="2"><v>0.000970416666666667</v></c>'
    rows = f'<row r="1">{text("A1", "a")}</row><row r="2">{lap}</row>'
    for others in ("", f'<row r="3">{text("A3", "x")}</row>'):
        assert read(usual_parts(rows + others), a=DataType.STRING)["a"][0] == "00:01:23.844"
        assert '"00:01:23.844"' in XLSXFile("t", tmp_path / "t.xlsx").content


# --- cells far away ---------------------------------------------------------------------------

HEADER = f'<row r="1">{text("A1", "a")}{text("B1", "b")}</row>'


def number(reference: str, value: float) -> str:
    return f'<c r="{reference}"><v>{value}</v></c>'


def row(index: int, *cells: str) -> str:
    return f'<row r="{index}">{"".join(cells)}</row>'


# 1 GiB of memory is enough for any of them; a range from A1 would take up to 549 GB.
LIMITED = """
import resource, sys
from algomancy_data import Column, DataType, Schema, XLSXFile, XLSXSingleExtractor
class T(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "xlsx", "single"
    A = Column("a", DataType.INTEGER)
XLSXSingleExtractor(XLSXFile("t", sys.argv[1]), T).extract()  # what is loaded once
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**30,) * 2)
for path in sys.argv[2:]:
    frame = XLSXSingleExtractor(XLSXFile("t", path), T).extract()["t"]
    print(frame.columns, frame.height, frame["a"].drop_nulls().to_list()[:3])
"""


@pytest.mark.long
def test_memory_follows_the_cells_and_not_their_range(tmp_path) -> None:
    near = row(2, number("A2", 1), number("B2", 2))
    workbooks = {
        "near": HEADER + near,
        "corner": HEADER + near + row(1048576, number("XFD1048576", 3)),
        "wide": HEADER
        + near
        + "".join(row(i, number(f"A{i}", i)) for i in range(3, 60_000))
        + row(60_000, number("BIZ60000", 1)),
        "first row": row(1, text("A1", "a"), text("XFD1", "z"))
        + "".join(row(i, number(f"A{i}", i)) for i in range(2, 60_000)),
        "out of order": HEADER + row(1048576, number("XFD1048576", 3)) + near,
        "without references": HEADER
        + f"<row>{'<c><v>1</v></c>' * 3_000}</row>"
        + "".join(row(i, number(f"A{i}", i)) for i in range(3, 3000)),
        "lying row": HEADER + row(2, number("A1048576", 1), number("XFD3", 2)),
    }
    paths = []
    for name, rows in workbooks.items():
        dimension = '<dimension ref="A1:XFD1048576"/><sheetData>'
        parts = usual_parts(rows)
        if name == "near":
            sheet = parts["xl/worksheets/sheet1.xml"]
            parts["xl/worksheets/sheet1.xml"] = sheet.replace("<sheetData>", dimension)
        paths.append(tmp_path / f"{name}.xlsx")
        paths[-1].write_bytes(zipped(parts))
    paths.append(DATA / "stray_cell.xlsx")
    command = [sys.executable, "-c", LIMITED, str(paths[0]), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "['a', 'b'] 1 [1]",
        "['a', 'b', 'Unnamed: 16383'] 2 [1]",
        "['a', 'b', 'Unnamed: 1611'] 59999 [1, 3, 4]",
        "['a', 'z'] 59998 [2, 3, 4]",
        "['a', 'b', 'Unnamed: 16383'] 2 [1]",
        f"{['a', 'b', *(f'Unnamed: {i}' for i in range(2, 3_000))]} 2998 [1, 3, 4]",
        "['a', 'b', 'Unnamed: 16383'] 2 [1]",
        "['a', 'b', 'Unnamed: 16383'] 2 [1]",
    ]


def test_a_far_cell_keeps_its_value_and_the_others_theirs(read) -> None:
    frame = read((DATA / "stray_cell.xlsx").read_bytes(), a=DataType.INTEGER, b=DataType.FLOAT)
    assert frame.rows() == [(1, 2.0, None), (None, None, "note")]


def test_cells_scattered_over_a_whole_sheet_are_no_table(read) -> None:
    cells = [f"{letter_of(i)}{i + 2}" for i in range(16_000)]
    rows = "".join(row(i + 2, number(cell, 1)) for i, cell in enumerate(cells))
    with pytest.raises(FileContentError, match=r"16,000 cells .* scattered over 16,000 rows"):
        read(usual_parts(HEADER + rows))


def letter_of(column: int) -> str:
    first, last = divmod(column, 26)
    return (letter_of(first - 1) if first else "") + chr(65 + last)


@pytest.mark.parametrize(
    ("reference", "problem"),
    [
        ("XFE1", "a sheet ends at 'XFD1048576'"),
        ("A1048577", "a sheet ends at 'XFD1048576'"),
        ("ZZZ9999999", "a sheet ends at 'XFD1048576'"),
        ("A0", "a sheet ends at"),
        ("AAAA1", "no cell of a sheet"),
        ("A99999999999999999999", "no cell of a sheet"),
        ("A", "no cell of a sheet"),
        ("7", "no cell of a sheet"),
        ("A1:B2", "no cell of a sheet"),
        ("Ä1", "no cell of a sheet"),
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_a_cell_outside_of_a_sheet_is_refused(read, reference, problem, is_first) -> None:
    odd = f'<row r="9">{number(reference, 1)}</row>'
    rows = odd + HEADER if is_first else HEADER + row(2, number("A2", 1)) + odd
    with pytest.raises(FileContentError, match=f"File 't' .*{problem}"):
        read(usual_parts(rows))


def test_rows_outside_of_a_sheet_are_refused(read) -> None:
    for odd in ("1048577", "99999999999", "-1", "x"):
        rows = f'{HEADER}<row r="{odd}"><c><v>1</v></c></row>'
        with pytest.raises(FileContentError, match="damaged workbook"):
            read(usual_parts(rows))
    with pytest.raises(FileContentError, match="more cells than"):
        read(usual_parts(HEADER + f"<row>{'<c><v>1</v></c>' * 16_385}</row>"))


# --- empty texts ------------------------------------------------------------------------------

EMPTY = [
    '<c r="{}" t="str"><f>""</f><v></v></c>',
    '<c r="{}" t="str"><v/></c>',
    '<c r="{}" t="inlineStr"><is><t></t></is></c>',
    '<c r="{}" t="inlineStr"><is><t/></is></c>',
    '<c r="{}" t="s"><v>0</v></c>',
]


@pytest.mark.parametrize("empty", EMPTY)
def test_rows_of_nothing_but_empty_texts_are_no_rows(read, empty, tmp_path) -> None:
    blank = [empty.format(f"{letter}{{0}}") for letter in "ABD"]
    many = "".join(row(i, *(cell.format(i) for cell in blank)) for i in range(1, 21))
    trailing = "".join(row(i, *(cell.format(i) for cell in blank)) for i in range(25, 60))
    rows = (
        many
        + row(21, text("A21", "id"), text("B21", "code"))
        + row(22, number("A22", 1), empty.format("B22"))
        + row(23, blank[0].format(23), blank[1].format(23))
        + row(24, number("A24", 2), text("B24", "x"))
        + trailing
    )
    parts = usual_parts(rows, "")
    frame = read(parts, id=DataType.INTEGER, code=DataType.STRING)
    assert frame.to_dict(as_series=False) == {"id": [1, 2], "code": ["", "x"]}
    assert read(parts).rows() == [(1.0, ""), (2.0, "x")]
    path = tmp_path / "t.xlsx"
    path.write_bytes(zipped(parts))
    (schema,) = infer_schemas([path]).schemas
    assert schema.datatypes() == {"id": DataType.INTEGER, "code": DataType.STRING}


def test_an_empty_text_keeps_its_row_only_beside_a_value(read) -> None:
    assert read((DATA / "blank_formula.xlsx").read_bytes()).rows() == [(1.0, 2.5), (2.0, 3.5)]
    rows = HEADER + row(2, EMPTY[0].format("A2"), text("B2", " "))
    rows += row(3, EMPTY[0].format("A3")) + row(4, '<c r="B4" t="e"><v>#N/A</v></c>')
    types = {"a": DataType.STRING, "b": DataType.STRING}
    with pytest.raises(AssertionError, match=r"#N/A \(row 1\)"):
        read(usual_parts(rows), **types)
    assert read(usual_parts(rows.replace("#N/A", "").replace('t="e"', "")), **types).rows() == [
        ("", " ")
    ]


def test_sheets_of_nothing_but_empty_texts_are_empty(read, tmp_path) -> None:
    blank = "".join(row(i, EMPTY[0].format(f"A{i}")) for i in range(1, 40))
    parts = usual_parts(blank)
    assert read(parts).shape == (0, 0)
    parts["xl/workbook.xml"] = book("").replace(
        "</sheets>", '<sheet name="Other" sheetId="2" r:id="other"/></sheets>'
    )
    parts["xl/_rels/workbook.xml.rels"] = relations(
        worksheet="worksheets/sheet1.xml", other="other.xml"
    ).replace('/other"', '/worksheet"')
    parts["xl/other.xml"] = worksheet(blank + row(50, text("B50", "n")) + row(51, number("B51", 1)))
    path = tmp_path / "t.xlsx"
    path.write_bytes(zipped(parts))

    class Sheets(Schema):
        _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "xlsx", "multi"
        OTHER = ColumnGroup("Other", [Column("n", DataType.INTEGER)])

    frames = XLSXMultiExtractor(XLSXFile("t", path), Sheets).extract()
    assert frames["t.Other"].to_dict(as_series=False) == {"n": [1]}
    (schema,) = infer_schemas([path]).schemas
    assert schema.sheet() == "Other"


def test_a_workbook_without_any_value_has_nothing_to_declare() -> None:
    with pytest.raises(FileContentError, match="has no columns"):
        infer_schemas([DATA / "empty.xlsx"])


# --- either way the same ----------------------------------------------------------------------

VALUES = {
    DataType.FLOAT: st.integers(-(2**60), 2**60) | st.floats(-1e18, 1e18),
    DataType.STRING: st.sampled_from(["a", "", " x ", "007", "a_x0041_", "&amp;", "true", "1,5"]),
    DataType.BOOLEAN: st.booleans(),
    DataType.DATETIME: st.sampled_from([0.25, 1, 59, 61, 61.5, 40000, 45000.75, 2958465]),
    DataType.INTERVAL: st.floats(0, 1e6).map(lambda days: round(days, 3)),
}


def cell(reference: str, value, target: DataType) -> str:
    if isinstance(value, bool):
        return f'<c r="{reference}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, str):
        return text(reference, value)
    style = {DataType.DATETIME: 1, DataType.INTERVAL: 3}.get(target, 0)
    return f'<c r="{reference}" s="{style}"><v>{value!r}</v></c>'


@pytest.mark.long
@given(data=st.data(), from_1904=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_cell_far_away_changes_nothing_about_the_others(data, from_1904, tmp_path) -> None:
    targets = data.draw(st.lists(st.sampled_from(list(VALUES)), min_size=1, max_size=3))
    columns = [chr(65 + i) for i in range(len(targets))]
    mixed = st.one_of(*VALUES.values())
    kinds = [
        data.draw(st.sampled_from([VALUES[t], mixed])) if t is DataType.STRING else VALUES[t]
        for t in targets
    ]
    rows = row(1, *(text(f"{column}1", column) for column in columns))
    for number_of in range(2, data.draw(st.integers(2, 5))):
        values = [data.draw(st.none() | kind) for kind in kinds]
        cells = zip(columns, values, targets, strict=True)
        rows += row(
            number_of, *(cell(f"{c}{number_of}", v, t) for c, v, t in cells if v is not None)
        )
    # Each of the 16,384 columns up to the last one takes time.
    column_of = data.draw(st.sampled_from(["E", "BI", "XFD"]))
    found = []
    for extra in ("", row(1048576, text(f"{column_of}1048576", "far"))):
        parts = usual_parts(rows + extra)
        parts["xl/workbook.xml"] = book(f'<workbookPr date1904="{int(from_1904)}"/>')
        path = tmp_path / "t.xlsx"
        path.write_bytes(zipped(parts))
        members = {
            f"C{i}": Column(*item) for i, item in enumerate(zip(columns, targets, strict=True))
        }
        declared = {"_FILENAME": "t", "_EXTENSION": "xlsx", "_SCHEMA_TYPE": "single"}
        extractor = XLSXSingleExtractor(
            XLSXFile("t", path), type("T", (Schema,), declared | members)
        )
        frame = extractor.extract()["t"].select(columns)
        issues = [
            (issue.column, issue.rows, issue.problem) for issue in extractor.conversion_issues
        ]
        found.append((frame.schema, frame.rows()[: -1 if extra else None], issues))
    assert found[0] == found[1]


# --- limits -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "limit"),
    [
        (lambda: usual_parts(HEADER + " " * 140_000_000), "ratio"),
        (lambda: usual_parts(HEADER, "x" * 50_000_000), "ratio"),
        (lambda: usual_parts(HEADER) | {"xl/styles.xml": STYLES + " " * 20_000_000}, "ratio"),
        (
            lambda: usual_parts(HEADER + row(2, *(number(f"A{i}", 1) for i in range(1, 400)))),
            "unpacked_bytes",
        ),
        (
            lambda: usual_parts(row(1, *(text(f"{letter_of(i)}1", "n") for i in range(9)))),
            "columns",
        ),
        (lambda: usual_parts(HEADER + row(2, number("A2", 1)) + row(3, number("D3", 1))), "cells"),
        (lambda: usual_parts(HEADER + row(2, text("A2", "x" * 999))), "text_bytes"),
    ],
    ids=["sheet", "texts", "styles", "unpacked", "columns", "cells", "text"],
)
def test_what_a_workbook_may_become_is_limited(tmp_path, parts, limit) -> None:
    path = tmp_path / "t.xlsx"
    path.write_bytes(zipped(parts()))
    small = {"unpacked_bytes": 4_000, "columns": 8, "cells": 5, "text_bytes": 900}
    limits = ReadLimits(**{limit: small[limit]}) if limit in small else ReadLimits()

    class T(Schema):
        _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "xlsx", "single"
        _READ_LIMITS = limits
        A = Column("a", DataType.FLOAT)

    with pytest.raises(ReadLimitError, match=f"'t' .*limit '{limit}'"):
        XLSXSingleExtractor(XLSXFile("t", path), T).extract()
    if limit != "text_bytes":
        with pytest.raises(ReadLimitError, match=f"limit '{limit}'"):
            _ = XLSXFile("t", path, read_limits=limits).content


def test_limits_may_be_lifted(tmp_path) -> None:
    path = tmp_path / "t.xlsx"
    path.write_bytes(zipped(usual_parts(HEADER + row(2, number("A2", 1)) + " " * 40_000_000)))
    file = XLSXFile("t", path, read_limits=ReadLimits.off())
    assert '"a":1.0' in file.content


# --- long parts -------------------------------------------------------------------------------

# Longer than what is unpacked by the standard library.
LONG = "".join(row(n, number(f"A{n}", n), text(f"B{n}", f"text {n}")) for n in range(2, 2_000))
ODD_CELLS = {
    "comment": ("</row>", "<!-- </c> --></row>"),
    "truth value in words": ('<c r="A2"><v>2</v></c>', '<c r="A2" t="b"><v>true</v></c>'),
    "date as text": ('<c r="A2"><v>2</v></c>', '<c r="A2" t="d"><v>2024-05-01</v></c>'),
    "escape": ("text 2<", "text_x0041_2<"),
}


@pytest.mark.parametrize("change", ODD_CELLS)
def test_an_odd_cell_of_a_long_sheet_is_read_as_that_of_a_short_one(read, change) -> None:
    rows = HEADER + LONG.replace(*ODD_CELLS[change], 1)
    short = HEADER + LONG[: LONG.index('<row r="9"')].replace(*ODD_CELLS[change], 1)
    assert read(usual_parts(rows)).head(7).rows() == read(usual_parts(short)).rows()


LOOKED_THROUGH = """
import sys
from algomancy_data import Column, DataType, Schema, XLSXFile, XLSXSingleExtractor
class T(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "xlsx", "single"
    A = Column("a", DataType.STRING)
for path in sys.argv[1:]:
    print(XLSXSingleExtractor(XLSXFile("t", path), T).extract()["t"].rows())
print("pyarrow.compute" in sys.modules, file=sys.stderr)
"""


def test_odd_cells_are_seen_with_and_without_the_library_that_looks_for_them(tmp_path) -> None:
    far = row(2_000, number("A2000", 1), number("BI2000", 2))
    sheets = [LONG, LONG + far, *(LONG.replace(*change, 1) for change in ODD_CELLS.values())]
    paths = [tmp_path / f"{index}.xlsx" for index in range(len(sheets))]
    for path, rows in zip(paths, sheets, strict=True):
        path.write_bytes(zipped(usual_parts(HEADER + rows)))
    first, second = (
        subprocess.run(
            [sys.executable, "-c", f"{start}\n{LOOKED_THROUGH}", *map(str, paths)],
            capture_output=True,
            text=True,
            check=True,
        )
        for start in ("", "import pyarrow.compute")
    )
    assert (first.stderr, second.stderr) == ("False\n", "True\n")
    assert first.stdout == second.stdout
    assert len(set(first.stdout.splitlines())) == len(sheets) - 1  # a comment is no value


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_a_flipped_bit_in_a_long_part_is_damage(tmp_path, method) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for name, part in usual_parts(HEADER + LONG).items():
            archive.writestr(name, part)
    data = bytearray(content.getvalue())
    with zipfile.ZipFile(content) as archive:
        info = archive.getinfo("xl/worksheets/sheet1.xml")
    data[info.header_offset + info.compress_size // 2] ^= 4
    path = tmp_path / "t.xlsx"
    path.write_bytes(data)
    with pytest.raises(FileContentError, match=r"damaged workbook: it has '.*sheet1.xml'"):
        _ = XLSXFile("t", path).content
