"""A workbook: its sheets, its calendar and its styles."""

from __future__ import annotations

import re
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Final, cast

import polars as pl
from polars.exceptions import PolarsError

from algomancy_data.errors import FileContentError
from algomancy_data.file.workbook.cells import FORMAT, STYLE, NumberFormat, formats_by_style
from algomancy_data.file.workbook.markup import (
    check_markup,
    read_cells,
    read_first_row,
    read_shared_texts,
    unescape,
)
from algomancy_data.file.workbook.package import Package
from algomancy_data.file.workbook.quick_markup import quick_cells, quick_shared_texts
from algomancy_data.frames.tabular import unique_names

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Mapping

    from algomancy_data.file.workbook.package import Relation
    from algomancy_data.schema import ReadLimits

_OLE: Final = b"\xd0\xcf\x11\xe0"
_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")
_ZIP: Final = b"PK\x03\x04"
_USUAL_BOOK: Final = "xl/workbook.xml"
_PROPERTIES: Final = "workbook/workbookPr"
_SHEET: Final = "workbook/sheets/sheet"
# What else is a zip, by a part that it has and a workbook has not.
_OTHER_PACKAGES: Final = {
    "xl/workbook.bin": "is a binary workbook (XLSB), not XLSX. Save it as XLSX",
    "content.xml": "is an OpenDocument file, not XLSX. Save it as XLSX",
    "index/document.iwa": "is a Numbers document, not XLSX. Export it as XLSX",
    "word/document.xml": "is a Word document, not an XLSX workbook",
    "ppt/presentation.xml": "is a PowerPoint presentation, not an XLSX workbook",
}
_LOOKED_AT: Final = 2000
_HTML: Final = re.compile(r"<(?:!doctype html|html|head|body|table|meta)\b", re.IGNORECASE)
# So many shared texts the parser has read before the other way has begun.
_FEW_TEXTS: Final = 1_000
_FEW_DIGITS: Final = re.compile("[0-9]{1,5}")
_TRUE: Final = ("1", "true")
_TEXTS: Final = ("s", "str", "inlineStr")
# Cells and shared texts take at least so many times the bytes of their markup.
_IN_MEMORY: Final = 4


class Workbook:
    """An XLSX workbook.

    Args:
        data: The file's bytes.
        name: What to call the file in errors.
        limits: How much it may become in memory.

    Raises:
        ReadLimitError: It unpacks to more than the limits allow.
        FileContentError: It is no XLSX workbook, protected by a password, or damaged.
    """

    def __init__(self, data: bytes, name: str, limits: ReadLimits) -> None:
        self.name = name
        self.limits = limits
        self.stored = len(data)
        self._refuse_others(data)
        self._shared_texts = pl.Series([], dtype=pl.String)
        with self.damage_reported():
            self.package = Package(data, name, limits)
            book = self._book()
            found = self.package.elements(book, _PROPERTIES, _SHEET)
            relations = self.package.relations(book)
            dated = [properties.get("date1904", "") for properties in found[_PROPERTIES]]
            self.from_1904 = dated[:1] != [] and dated[0].lower() in _TRUE
            self._parts = _sheet_parts(found[_SHEET], relations)
            by_kind = {relation.kind: relation.part for relation in relations.values()}
            self._styles = by_kind.get("styles", "xl/styles.xml")
            self._texts = by_kind.get("sharedStrings", "xl/sharedStrings.xml")

    # --- sheets -----------------------------------------------------------------------------

    @property
    def sheet_names(self) -> list[str]:
        """The worksheets in the order of their tabs, hidden ones included."""
        return list(self._parts)

    def sheet_name(self, wanted: str | int | None) -> str:
        """Return the name of a sheet.

        Args:
            wanted: A name, an index from 0 (or from -1, backwards), or None for the first sheet.

        Raises:
            FileContentError: There is no such sheet; the message says which exist.
        """
        names = self.sheet_names
        if isinstance(wanted, str) and wanted in names:
            return wanted
        index = 0 if wanted is None else wanted
        if isinstance(index, int) and -len(names) <= index < len(names):
            return names[index]
        what = f"index {index}" if isinstance(index, int) else repr(index)
        listed = ", ".join(map(repr, names)) or "none"
        raise self.refusal(f"has no sheet {what}. Its sheets: {listed}")

    def markup(self, sheet: str) -> bytes:
        """Return the markup of a sheet.

        Raises:
            ReadLimitError: It, or what becomes of it, is larger than the limits allow.
            FileContentError: The workbook is damaged.
        """
        with self.damage_reported():
            return self.package.read(self._parts[sheet], _IN_MEMORY)

    def cells(
        self, sheet: str, columns: Collection[int] | None = None, *, rows: int | None = None
    ) -> pl.DataFrame:
        """Return the cells of a sheet as the file writes them, with shared texts resolved.

        Of a cell that occurs twice, the last one counts.

        Args:
            sheet: Name of the sheet.
            columns: The columns wanted, counted from 0; None for all.
            rows: Only so many rows that have a value.

        Raises:
            FileContentError: The workbook is damaged.
        """
        with self.damage_reported():
            cells = None
            if rows is None:
                markup = self.markup(sheet)
                cells = quick_cells(markup, columns)
                if cells is not None and columns is None:
                    check_markup(markup)
            if cells is None:
                with self.package.open(self._parts[sheet], _IN_MEMORY) as stream:
                    cells = read_cells(stream, columns, rows=rows)
            cells = cells.unique(["row", "column"], keep="last", maintain_order=True)
            return self._with_shared_texts(cells)

    def first_texts(self, sheet: str) -> tuple[int, dict[int, str]] | None:
        """Return the first row with a value, and its texts by column, as most headers have them.

        None if it has anything else, or nothing but empty texts: then its :meth:`cells` tell more.

        Raises:
            FileContentError: The workbook is damaged.
        """
        with self.damage_reported():
            with self.package.open(self._parts[sheet], _IN_MEMORY) as stream:
                cells = read_first_row(stream)
            if not cells or any(kind not in _TEXTS for _, _, kind, _, _ in cells):
                return None
            shared = self._first_shared_texts(
                [text for _, _, kind, _, text in cells if kind == "s"]
            )
            if shared is None:
                return None
            texts = {
                column: shared[int(text)] if kind == "s" else unescape(text)
                for _, column, kind, _, text in cells
            }
        row = cells[0][0]
        found = {column: text for column, text in texts.items() if text}
        is_one = all(cell[0] == row for cell in cells)
        return (row, found) if found and is_one else None

    def _first_shared_texts(self, numbers: Collection[str]) -> list[str] | None:
        """Return the shared texts up to the last of some numbers, if these are valid."""
        if not numbers:
            return []
        if self._texts not in self.package or not all(map(_FEW_DIGITS.fullmatch, numbers)):
            return None
        last = max(map(int, numbers))
        with self.package.open(self._texts, _IN_MEMORY) as stream:
            texts = read_shared_texts(stream, last)
        return texts if last < len(texts) else None

    @cached_property
    def formats(self) -> list[NumberFormat]:
        """How each cell style shows numbers."""
        if self._styles not in self.package:
            return []
        with self.damage_reported():
            found = self.package.elements(self._styles, FORMAT, STYLE)
        return formats_by_style(found[FORMAT], found[STYLE])

    @cached_property
    def shared_markup(self) -> bytes | None:
        """The markup of shared texts, if there are any."""
        if self._texts not in self.package:
            return None
        with self.damage_reported():
            return self.package.read(self._texts, _IN_MEMORY)

    # --- failures ---------------------------------------------------------------------------

    @contextmanager
    def damage_reported(self) -> Generator[None]:
        """Add the file's name to errors about its content."""
        try:
            yield
        except FileContentError as error:
            if str(error).startswith("File "):
                raise
            raise self.refusal(f"is a damaged workbook: it has {error}") from error
        except PolarsError as error:
            raise self.refusal("is a damaged workbook: it has cells of no known form") from error

    def refusal(self, problem: str) -> FileContentError:
        """Return the error for a problem, given as a predicate without subject and full stop."""
        return FileContentError(f"File {self.name!r} {problem}.")

    # --- parts ------------------------------------------------------------------------------

    def _refuse_others(self, data: bytes) -> None:
        """Refuse bytes that are not a zip, and say what they seem to be."""
        if data.startswith(_ZIP):
            return
        if data.startswith(_OLE):
            if _ENCRYPTED in data:
                raise self.refusal("is protected by a password. Save it without one")
            raise self.refusal("is an old workbook (XLS), not XLSX. Save it as XLSX")
        raise self.refusal(_described(data))

    def _book(self) -> str:
        """Return the name of the part that lists the sheets."""
        for relation in self.package.relations().values():
            if relation.kind == "officeDocument" and relation.part in self.package:
                book = relation.part
                break
        else:
            book = _USUAL_BOOK
        for part, problem in _OTHER_PACKAGES.items():
            if part in self.package and (book == part or book not in self.package):
                raise self.refusal(problem)
        if book not in self.package:
            raise self.refusal("is a zip without a workbook inside")
        return book

    def _with_shared_texts(self, cells: pl.DataFrame) -> pl.DataFrame:
        is_shared = cells["type"] == "s"
        numbers = cells["text"].filter(is_shared).cast(pl.UInt32, strict=False)
        if numbers.is_empty():
            return cells
        last = -1 if numbers.null_count() else cast("int", numbers.max())
        if len(self._shared_texts) <= last:
            self._shared_texts = self._read_shared_texts(last)
        if not 0 <= last < len(self._shared_texts):
            msg = "a cell that refers to a shared text which is not there"
            raise FileContentError(msg)
        texts = self._shared_texts.gather(numbers)
        return cells.with_columns(cells["text"].scatter(is_shared.arg_true(), texts))

    def _read_shared_texts(self, last: int) -> pl.Series:
        if self._texts not in self.package:
            return self._shared_texts
        if last > _FEW_TEXTS and self.shared_markup is not None:
            texts = quick_shared_texts(self.shared_markup)
            if texts is not None:
                return texts
        with self.package.open(self._texts, _IN_MEMORY) as stream:
            return pl.Series(read_shared_texts(stream, last), dtype=pl.String)


def _sheet_parts(
    sheets: Iterable[Mapping[str, str]], relations: Mapping[str, Relation]
) -> dict[str, str]:
    """Return the part that holds each worksheet, by the sheet's name."""
    parts: list[tuple[str, str]] = []
    for sheet in sheets:
        name, relation = sheet.get("name", ""), relations.get(sheet.get("id", ""))
        if relation is None:
            msg = f"a sheet {name!r} without cells or anything else"
            raise FileContentError(msg)
        if relation.kind == "worksheet":  # charts have sheets of their own, without cells
            parts.append((name, relation.part))
    names = unique_names([name for name, _ in parts])
    return dict(zip(names, (part for _, part in parts), strict=True))


def _described(data: bytes) -> str:
    """Return what bytes seem to be that are not a zip."""
    if not data:
        return "is empty, not an XLSX workbook"
    start = data[:_LOOKED_AT]
    encoding = "utf-16" if start.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8"
    text = start.decode(encoding, errors="replace").lstrip("\ufeff \t\r\n")
    if _HTML.search(text):
        return "is no XLSX workbook but an HTML page. Save it as XLSX"
    if "urn:schemas-microsoft-com:office:spreadsheet" in text:
        return "is an XML spreadsheet of 2003, not XLSX. Save it as XLSX"
    if text.startswith("%PDF"):
        return "is no XLSX workbook but a PDF document"
    if text.startswith(("{", "[")):
        return "is no XLSX workbook but text, such as JSON. Declare it as what it is"
    if text and all(character.isprintable() or character in "\t\r\n" for character in text[:-1]):
        return "is no XLSX workbook but text, such as CSV. Declare it as what it is"
    return "is no XLSX workbook"
