"""A workbook: its sheets, its calendar and its styles."""

from __future__ import annotations

import io
import logging
import zipfile
import zlib
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

from algomancy_data.errors import FileContentError, MissingExtraError
from algomancy_data.workbook.markup import RawCells, read_cells, read_shared_texts
from algomancy_data.workbook.number_formats import Shown, shown_by_style

if TYPE_CHECKING:
    from collections.abc import Container, Generator
    from typing import IO

_OLE: Final = b"\xd0\xcf\x11\xe0"
_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")
_ZIP: Final = b"PK\x03\x04"
_BOOK: Final = "xl/workbook.xml"
_RELATION: Final = "id"
_SILENT: Final = logging.NullHandler()
_TRUE: Final = ("1", "true")


class Workbook:
    """An XLSX workbook.

    Args:
        data: The file's bytes.
        name: What to call the file in errors.

    Raises:
        FileContentError: It is no XLSX workbook, protected by a password, or damaged.
    """

    def __init__(self, data: bytes, name: str) -> None:
        self.name = name
        self.data = data
        self._archive = self._open()
        self._known_texts: list[str] = []
        with self.damage_reported():
            book = self._xml(_BOOK)
            if book is None:
                raise self._refusal("is a zip without a workbook inside")
            properties = book.find("workbookPr")
            dated = None if properties is None else properties.get("date1904")
            self.from_1904 = dated in _TRUE
            self._parts = self._sheet_parts(book)

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
        raise self._refusal(f"has no sheet {what}. Its sheets: {listed}")

    def cells(
        self, sheet: str, columns: Container[int] | None = None, *, first_row_only: bool = False
    ) -> RawCells:
        """Return the cells of some columns of a sheet as the file writes them."""
        with self.damage_reported(), self._archive.open(self._parts[sheet]) as stream:
            return read_cells(stream, columns, first_row_only=first_row_only)

    def texts_of(self, cells: RawCells) -> list[str]:
        """Return the values of cells as written, shared texts looked up."""
        numbers = [
            int(text) for text, kind in zip(cells.texts, cells.types, strict=True) if kind == "s"
        ]
        if not numbers:
            return cells.texts
        shared = self._shared_texts(max(numbers))
        return [
            shared[int(text)] if kind == "s" else text
            for text, kind in zip(cells.texts, cells.types, strict=True)
        ]

    @cached_property
    def shown(self) -> list[Shown]:
        """How each cell style shows numbers."""
        with self.damage_reported():
            return shown_by_style(self._xml("xl/styles.xml"))

    @cached_property
    def reader(self) -> Any:
        """The reader of whole sheets.

        Raises:
            MissingExtraError: It is not installed.
        """
        module = fastexcel()
        with self.damage_reported():
            return module.read_excel(self.data)

    # --- failures ---------------------------------------------------------------------------

    @contextmanager
    def damage_reported(self) -> Generator[None]:
        """Turn what a broken workbook makes of a reader into a FileContentError."""
        try:
            yield
        except FileContentError as error:
            if str(error).startswith("File "):
                raise
            raise self._refusal(f"is a damaged workbook: it has {error}") from error
        except (
            zipfile.BadZipFile,
            zlib.error,
            ET.ParseError,
            EOFError,
            OSError,
            KeyError,
            IndexError,
            ValueError,
            NotImplementedError,  # a compression that zipfile does not know
        ) as error:
            raise self._refusal(f"is a damaged workbook: {error}") from error
        except BaseException as error:
            # The reader's own errors, and its panics, which are no Exception.
            if not type(error).__module__.startswith(("_fastexcel", "fastexcel", "pyo3_runtime")):
                raise
            raise self._refusal(
                f"is a damaged workbook: {str(error).partition(chr(10))[0]}"
            ) from error

    def _refusal(self, problem: str) -> FileContentError:
        return FileContentError(f"File {self.name!r} {problem}.")

    # --- the archive ------------------------------------------------------------------------

    def _open(self) -> zipfile.ZipFile:
        if self.data.startswith(_OLE):
            if _ENCRYPTED in self.data:
                raise self._refusal("is protected by a password. Save it without one")
            raise self._refusal("is an old workbook (XLS), not XLSX. Save it as XLSX")
        if not self.data.startswith(_ZIP):
            raise self._refusal(
                "is no XLSX workbook" if self.data else "is empty, not an XLSX workbook"
            )
        with self.damage_reported():
            archive = zipfile.ZipFile(io.BytesIO(self.data))
        members = set(archive.namelist())
        if "xl/workbook.bin" in members:
            raise self._refusal("is a binary workbook (XLSB), not XLSX. Save it as XLSX")
        if "content.xml" in members and "mimetype" in members:
            raise self._refusal("is an OpenDocument file, not XLSX. Save it as XLSX")
        return archive

    def _sheet_parts(self, book: ET.Element) -> dict[str, str]:
        """Return the member of the archive that holds each worksheet."""
        relations = self._xml("xl/_rels/workbook.xml.rels")
        targets = {
            relation.get("Id"): relation.get("Target", "")
            for relation in (() if relations is None else relations)
            if relation.get("Type", "").endswith("/worksheet")
        }
        parts: dict[str, str] = {}
        for sheet in book.iterfind("sheets/sheet"):
            target = targets.get(sheet.get(_RELATION))
            if target is not None:  # charts have sheets of their own, without cells
                part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
                parts[sheet.get("name", "")] = part
        return parts

    def _shared_texts(self, last: int) -> list[str]:
        if len(self._known_texts) <= last:
            with self.damage_reported(), self._member("xl/sharedStrings.xml") as stream:
                self._known_texts = read_shared_texts(stream, last)
                _ = self._known_texts[last]
        return self._known_texts

    def _member(self, name: str) -> IO[bytes]:
        lowered = {member.lower(): member for member in self._archive.namelist()}
        return self._archive.open(lowered[name.lower()])

    def _xml(self, name: str) -> ET.Element | None:
        try:
            with self._member(name) as stream:
                return _parse(stream)
        except KeyError:
            return None


def _parse(stream: IO[bytes]) -> ET.Element:
    """Return the root, tags and attributes without their namespaces.

    The parser of CPython refuses texts that grow out of all proportion, and loads nothing else.
    """
    root = ET.parse(stream).getroot()  # noqa: S314  see above
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        for name in list(element.attrib):
            element.attrib[name.rpartition("}")[2]] = element.attrib.pop(name)
    return root


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


def refused_columns() -> tuple[type[Exception], ...]:
    """Return the errors of a column whose cells do not go together, or show certain errors."""
    module = fastexcel()
    return module.UnsupportedColumnTypeCombinationError, module.CalamineCellError
