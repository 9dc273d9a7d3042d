"""A workbook: its sheets, its calendar and its styles."""

from __future__ import annotations

import io
import logging
import zipfile
import zlib
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, cast
from xml.etree import ElementTree as ET

import polars as pl
from polars.exceptions import PolarsError

from algomancy_data.errors import FileContentError, MissingExtraError
from algomancy_data.workbook.markup import read_cells, read_shared_texts
from algomancy_data.workbook.number_formats import Shown, shown_by_style
from algomancy_data.workbook.quick_markup import quick_cells, quick_shared_texts

if TYPE_CHECKING:
    from collections.abc import Collection, Generator
    from typing import IO

_OLE: Final = b"\xd0\xcf\x11\xe0"
_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")
_ZIP: Final = b"PK\x03\x04"
_BOOK: Final = "xl/workbook.xml"
_TEXTS: Final = "xl/sharedStrings.xml"
# So many shared texts the parser has read before the other way has begun.
_FEW_TEXTS: Final = 1_000
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
        self._shared_texts = pl.Series([], dtype=pl.String)
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
        self, sheet: str, columns: Collection[int] | None = None, *, first_row_only: bool = False
    ) -> pl.DataFrame:
        """Return the cells of a sheet as the file writes them, shared texts looked up.

        Args:
            sheet: Name of the sheet.
            columns: The columns wanted, counted from 0; None for all.
            first_row_only: Only the first row that has a value.
        """
        with self.damage_reported():
            cells = None if columns is None else quick_cells(self._read(sheet), columns)
            if cells is None:
                with self._archive.open(self._parts[sheet]) as stream:
                    cells = read_cells(stream, columns, first_row_only=first_row_only)
            return self._with_shared_texts(cells)

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
            PolarsError,  # a number of a shared text that is none
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

    def _read(self, sheet: str) -> bytes:
        return self._archive.read(self._parts[sheet])

    def _with_shared_texts(self, cells: pl.DataFrame) -> pl.DataFrame:
        is_shared = cells["type"] == "s"
        numbers = cells["text"].filter(is_shared).cast(pl.UInt32)
        if numbers.is_empty():
            return cells
        last = cast("int", numbers.max())
        if len(self._shared_texts) <= last:
            self._shared_texts = self._read_shared_texts(last)
        texts = self._shared_texts.gather(numbers)
        return cells.with_columns(cells["text"].scatter(is_shared.arg_true(), texts))

    def _read_shared_texts(self, last: int) -> pl.Series:
        if last > _FEW_TEXTS:
            with self._member(_TEXTS) as stream:
                texts = quick_shared_texts(stream.read())
            if texts is not None:
                return texts
        with self._member(_TEXTS) as stream:
            return pl.Series(read_shared_texts(stream, last), dtype=pl.String)

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
