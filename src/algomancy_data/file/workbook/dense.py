"""The rows of a sheet by fastexcel: fast, but it holds the whole range that cells lie in.

It sees a workbook that is made here, of nothing but the rows and the texts they refer to: which
calendar, which styles are dates and which part is which sheet has been decided before, and a cell
far away or out of order is seen before it asks for memory. Rows are read in pieces at once.
"""

from __future__ import annotations

import io
import logging
import os
import re
import struct
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

import polars as pl

from algomancy_data.errors import FileContentError, MissingExtraError
from algomancy_data.file.workbook.cell_references import (
    COLUMNS,
    beyond,
    cell_at,
    column_letters,
    column_number,
)
from algomancy_data.file.workbook.cells import NumberFormat
from algomancy_data.file.workbook.quick_markup import is_usual

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from typing import TypeAlias

    from algomancy_data.file.workbook.workbook import Workbook

    # What parts of a package are made of, by name.
    _Parts: TypeAlias = Mapping[str, tuple[bytes | memoryview, ...]]

_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_SHEET: Final = "xl/worksheets/sheet1.xml"
_STYLES: Final = {
    NumberFormat.NUMBER: 0,
    NumberFormat.DATE: 22,
    NumberFormat.TIME: 21,
    NumberFormat.DURATION: 46,
}
_MIB: Final = 2**20
# What fastexcel holds for each cell of a range, empty ones included.
_CELL_BYTES: Final = 32
# A range may take this much, and so many times the markup of its cells.
_FREE_BYTES: Final = 64 * _MIB
_MOST_BYTES: Final = 8
_PIECE: Final = _MIB // 4
# So many bytes are looked through before the library for that is imported, which takes as long.
_UNAIDED: Final = 4 * _MIB
# Longer parts need another kind of zip.
_LONGEST: Final = 2**31
_MOST_PIECES: Final = 4
# Texts that take so many times the bytes of the rows are not read again for them.
_MANY_TEXTS: Final = 4
_FIRST_BYTES: Final = 2**16
_WIDENED: Final = 16
_ROW: Final = re.compile(rb"""<row(?=[\s/>])[^>]*>""")
_ROW_NUMBER: Final = re.compile(rb'\sr="([0-9]{1,7})"')
_COLUMN: Final = re.compile(rb'<c r="([A-Z]{1,3})[0-9]')
_REFERENCE: Final = re.compile(rb'<c r="([A-Z]{1,3}[0-9]{1,7})"')
# Where fastexcel takes any other index for the first text, any other text for TRUE (upstream.md).
_ODD_INDEX: Final = r's"(?: [^>/]*)?>(?:[^<]|<[^v]|<v(?:[^>]|>(?:[^0-9]|[0-9]+[^0-9<])))'
_ODD_BOOLEAN: Final = r'b"[^>]*>(?:<f[^>]*>[^<]*</f>|<f[^>]*/>)?<v>(?:[^01]|[01][^<])'
# What only the parser understands, besides comments and CDATA: dates as texts.
_UNUSUAL: Final = rf't="(?:d"|{_ODD_INDEX})'
_ODD: Final = rf't="(?:d"|{_ODD_INDEX}|{_ODD_BOOLEAN})'
_SHOWN_ERROR: Final = re.compile(r"'Error\((\w+)\)")
_ERRORS: Final = {
    "Div0": "#DIV/0!",
    "NA": "#N/A",
    "Name": "#NAME?",
    "Null": "#NULL!",
    "Num": "#NUM!",
    "Ref": "#REF!",
    "Value": "#VALUE!",
    "GettingData": "#DATA!",
}
_EMPTY_TEXT: Final = 'String("")'
# A zip's entry of a part, the one in its directory around that, and its end.
_ENTRY: Final = struct.Struct("<5H3I2H")
_LISTED: Final = struct.Struct("<4sH26s3H2I")
_END: Final = struct.Struct("<4s4H2IH")
_VERSION: Final = 20
_DAY: Final = 33  # the first one that there is
_SILENT: Final = logging.NullHandler()


@dataclass
class Piece:
    """Some rows as fastexcel reads them.

    Attributes:
        first: The first row, counted from 0 in the sheet.
        frame: The rows, a column for each one of the sheet.
        mixed: Some column holds cells of several kinds.
        all_texts: They do not go together, so every column was read as text.
        errors: Cells that show an error: text by row of the frame, by column.
        empty_texts: Columns in which an empty text became null.
        lost: Columns in which another cell did, or may have.
    """

    first: int
    frame: pl.DataFrame
    mixed: bool
    all_texts: bool
    errors: dict[int, dict[int, str]]
    empty_texts: set[int]
    lost: set[int]


def read_pieces(workbook: Workbook, sheet: str, header_row: int, width: int) -> list[Piece] | None:
    """Read the rows below the header, or return None if fastexcel should not or cannot.

    Args:
        workbook: The workbook.
        sheet: Name of the sheet.
        header_row: Row of the header, from 0.
        width: How many columns there are at least.

    Raises:
        FileContentError: The workbook is damaged.
        MissingExtraError: The package that reads workbooks is not installed.
    """
    fastexcel()
    markup = workbook.markup(sheet)
    texts = workbook.shared_markup
    if texts is not None and not (
        is_usual(texts, b"<sst")
        and b"<!" not in texts
        and len(texts) < _LONGEST
        and (len(texts) <= max(_MIB, _MANY_TEXTS * len(markup)) or len(workbook.sheet_names) == 1)
    ):
        return None
    cuts = _cuts(markup, header_row)
    if cuts is None:
        return None
    parts = _parts(workbook)
    spans = list(pairwise(cuts))
    if len(spans) > 1:
        with ThreadPoolExecutor(len(spans)) as pool:
            found = list(pool.map(lambda span: _read(parts, markup, span, width), spans))
    else:
        found = [_read(parts, markup, span, width) for span in spans]
    pieces = [piece for piece in found if piece is not None]
    if len(pieces) < len(found):
        return None
    ends = [piece.first + piece.frame.height for piece in pieces]
    if any(end > piece.first for end, piece in zip(ends, pieces[1:], strict=False)):
        return None  # rows out of order
    return pieces


def fastexcel() -> Any:
    """Return the module that reads sheets, imported when it is first needed.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import fastexcel as module  # noqa: PLC0415  an extra, and 20 ms that only workbooks pay
    except ImportError as error:
        raise MissingExtraError.from_extra("Reading XLSX workbooks", "xlsx") from error
    # It warns of every empty column: those who have set up logging may read that, not stderr.
    logging.getLogger(module.__name__).addHandler(_SILENT)
    return module


# --- where to cut ---------------------------------------------------------------------------


def _cuts(markup: bytes, header_row: int) -> list[int] | None:
    """Return where the rows below the header begin, are cut, and end.

    None if the markup is unusual, one position if there are no rows.
    """
    start, end = markup.find(b"<sheetData"), markup.rfind(b"</sheetData>")
    if start < 0 or not is_usual(markup, b"<worksheet") or b"<!" in markup[:start]:
        return None
    if end < 0:
        return [start] if re.match(rb"<sheetData\s*/>", markup[start : start + 100]) else None
    for row in _ROW.finditer(markup, start, end):
        number = _ROW_NUMBER.search(row[0])
        if number is None:
            return None
        if int(number[1]) - 1 > header_row:
            first = row.start()
            break
    else:
        return [end]
    size = end - first
    count = max(1, min(_processors(), _MOST_PIECES, size // _PIECE), 2 * size // _LONGEST)
    between = [markup.find(b"<row ", first + size * i // count, end) for i in range(1, count)]
    return [first, *sorted({cut for cut in between if cut > first}), end]


def _processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


# --- one piece ------------------------------------------------------------------------------


def _read(parts: _Parts, markup: bytes, span: tuple[int, int], width: int) -> Piece | None:
    rows = memoryview(markup)[slice(*span)]
    first = _row_number(markup, span[0])
    last = _row_number(markup, markup.rfind(b"<row", *span))
    if first is None or last is None or first < 1 or last < first:
        return None
    scan = _Scan(rows)
    is_odd = scan.has(_ODD)
    if is_odd and scan.has(_UNUSUAL):
        return None
    last_column = _last_column(scan, markup, span, width, last)
    if last_column is None:
        return None
    size = (last - first + 2) * (last_column + 1) * _CELL_BYTES
    if size > _FREE_BYTES + _MOST_BYTES * len(rows):
        return None
    piece = _load(parts, rows, first, last_column)
    if piece is None or piece.frame.height > last - first + 1:
        return None
    columns = piece.frame.get_columns()
    filled = {i: v.dtype for i, v in enumerate(columns) if v.null_count() < len(v)}
    if is_odd and (piece.mixed or pl.Boolean in filled.values()):
        piece.lost.update(filled)
    if scan.has("_x"):  # perhaps the escape of a character
        piece.lost.update(column for column, dtype in filled.items() if dtype == pl.String)
    return piece


def _row_number(markup: bytes, position: int) -> int | None:
    """Return the number, from 0, of the row that begins at a position."""
    row = _ROW.match(markup, position)
    number = None if row is None else _ROW_NUMBER.search(row[0])
    return None if number is None else int(number[1]) - 1


class _Scan:
    """Searches markup for patterns at the speed of memory, without blocking other threads."""

    _unaided: ClassVar[int] = 0

    def __init__(self, markup: memoryview) -> None:
        self._markup: Any = markup
        self._compute: Any = None
        if "pyarrow.compute" not in sys.modules and _Scan._unaided + len(markup) <= _UNAIDED:
            _Scan._unaided += len(markup)
            return
        import pyarrow as pa  # noqa: PLC0415  not needed to import the package
        import pyarrow.compute as pc  # noqa: PLC0415

        ends = pa.py_buffer(struct.pack("=qq", 0, len(markup)))
        buffers = [None, ends, pa.py_buffer(markup)]
        self._markup = pa.Array.from_buffers(pa.large_binary(), 1, buffers)
        self._compute = pc

    def has(self, pattern: str) -> bool:
        if self._compute is None:
            return re.compile(pattern.encode()).search(self._markup) is not None
        return bool(self._compute.match_substring_regex(self._markup, pattern)[0].as_py())


def _last_column(
    scan: _Scan, markup: bytes, span: tuple[int, int], width: int, last_row: int
) -> int | None:
    """Return the last column with cells, or None if a cell is out of place."""
    start, end = span
    seen = set(_COLUMN.findall(markup, start, min(start + _FIRST_BYTES, end)))
    last = max([0, width - 1, *(column_number(letters.decode()) for letters in seen)])
    for _ in range(_WIDENED):
        if last >= COLUMNS:
            return None
        odd = rf'[^A-Z]|[A-Z]+(?:[^A-Z1-9]|[0-9]+[^0-9"])|{beyond(last, last_row)}'
        odd = rf'<(?:!|c(?:[>/\t\r\n]| (?:[^r]|r(?:[^=]|=(?:[^"]|"(?:{odd}))))))'
        if not scan.has(odd):
            return last
        found = re.compile(odd.encode()).search(markup, start, end)
        cell = None if found is None else _REFERENCE.match(markup, found.start())
        if cell is None:
            return None
        try:
            row, column = cell_at(cell[1].decode())
        except FileContentError:
            return None  # the parser says so
        if row > last_row or column <= last:
            return None
        last = column
    return None


def _load(parts: _Parts, rows: memoryview, first: int, last_column: int) -> Piece | None:
    """Load rows; return None if fastexcel fails for any reason, and let the parser decide."""
    names = [str(column) for column in range(last_column + 1)]
    try:
        with _canonical(parts, rows, first, names) as source:
            reader = fastexcel().read_excel(source)
            piece = _loaded(reader, first)
    except Exception:  # noqa: BLE001  see above
        return None
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        return None
    if piece.frame.columns != names:
        return None  # rows out of order
    return piece


def _loaded(reader: Any, first: int) -> Piece:
    module = fastexcel()
    # Cells that do not go together, or show certain errors.
    refused = module.UnsupportedColumnTypeCombinationError, module.CalamineCellError
    settings: dict[str, Any] = {"schema_sample_rows": None}
    mixed = all_texts = False
    try:
        loaded = reader.load_sheet(0, dtype_coercion="strict", **settings)
    except refused:
        mixed = True
        try:
            loaded = reader.load_sheet(0, **settings)
        except refused:
            all_texts = True
            loaded = reader.load_sheet(0, dtypes="string", **settings)
    batch, gone = loaded.to_arrow_with_errors()
    piece = Piece(
        first, cast("pl.DataFrame", pl.from_arrow(batch)), mixed, all_texts, {}, set(), set()
    )
    for cell in () if gone is None else gone.errors:
        row, column = cell.offset_position
        if shown := _SHOWN_ERROR.search(cell.detail):
            piece.errors.setdefault(column, {})[row] = _ERRORS.get(shown[1], shown[1])
        elif _EMPTY_TEXT in cell.detail:
            piece.empty_texts.add(column)
        else:
            piece.lost.add(column)
    return piece


# --- the workbook that fastexcel sees -------------------------------------------------------


@contextmanager
def _canonical(
    parts: _Parts, rows: memoryview, first: int, names: Sequence[str]
) -> Generator[str | bytes]:
    """Make a workbook of some rows below a header that spans all columns."""
    with _scratch() as file:
        header = "".join(
            f'<c r="{column_letters(i)}{first}" t="str"><v>{name}</v></c>'
            for i, name in enumerate(names)
        )
        start = f'<worksheet xmlns="{_MAIN}"><sheetData><row r="{first}">{header}</row>'
        sheet = start.encode(), rows, b"</sheetData></worksheet>"
        _write_zip(file, {**parts, _SHEET: sheet})
        file.flush()
        yield file.getvalue() if isinstance(file, io.BytesIO) else f"/proc/self/fd/{file.fileno()}"


def _write_zip(file: Any, parts: _Parts) -> None:
    """Write parts without compression.

    The standard library needs as long for a small workbook as fastexcel for reading it.
    """
    directory: list[bytes] = []
    for name, pieces in parts.items():
        at, size, check_sum = file.tell(), sum(map(len, pieces)), 0
        for piece in pieces:
            check_sum = zlib.crc32(piece, check_sum)
        entry = _ENTRY.pack(_VERSION, 0, 0, 0, _DAY, check_sum, size, size, len(name), 0)
        directory.append(_LISTED.pack(b"PK\1\2", _VERSION, entry, 0, 0, 0, 0, at) + name.encode())
        file.write(b"PK\3\4" + entry + name.encode())
        file.writelines(pieces)
    at, listed = file.tell(), b"".join(directory)
    file.write(listed + _END.pack(b"PK\5\6", 0, 0, len(parts), len(parts), len(listed), at, 0))


def _scratch() -> Any:
    """Return a file in memory that fastexcel can open by path, if the system has such files."""
    if hasattr(os, "memfd_create"):
        file = os.fdopen(os.memfd_create("workbook"), "w+b")
        if os.path.exists(f"/proc/self/fd/{file.fileno()}"):  # noqa: PTH110  no path of a user
            return file
        file.close()
    return io.BytesIO()


def _parts(workbook: Workbook) -> _Parts:
    def relations(*targets: tuple[str, str]) -> str:
        inner = "".join(
            f'<Relationship Id="r{i}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
            for i, (kind, target) in enumerate(targets)
        )
        return f'<Relationships xmlns="{_PACKAGE}/relationships">{inner}</Relationships>'

    styles = "".join(f'<xf numFmtId="{_STYLES[shown]}"/>' for shown in workbook.formats)
    parts = {
        "_rels/.rels": relations(("officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": (
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
            f'<workbookPr date1904="{int(workbook.from_1904)}"/>'
            f'<sheets><sheet name="rows" sheetId="1" r:id="r0"/></sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": relations(
            ("worksheet", "worksheets/sheet1.xml"),
            ("styles", "styles.xml"),
            ("sharedStrings", "sharedStrings.xml"),
        ),
        "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><cellXfs>{styles}</cellXfs></styleSheet>',
    }
    encoded = {name: (content.encode(),) for name, content in parts.items()}
    if workbook.shared_markup is not None:
        encoded["xl/sharedStrings.xml"] = (workbook.shared_markup,)
    return encoded
