"""Files: where a table's content comes from, whatever holds it.

A :class:`File` knows a name, a format and a place: a path, a directory or pattern of parts, an
address of a store, or the content that an uploader sent.
It hands its bytes to an extractor and reads nothing before it is asked to.
"""

from __future__ import annotations

import base64
import binascii
import copy
import io
import json
import lzma
import struct
import zipfile
import zlib
from abc import ABC
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Protocol

import polars as pl

from algomancy_data.errors import FileContentError
from algomancy_data.locations import (
    exists,
    find_parts,
    has_parts,
    is_address,
    read_address,
    without_file_scheme,
)
from algomancy_data.schema import FileExtension
from algomancy_data.workbook import Workbook, read_sheet

if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import StrEnum

_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_ZIP: Final = b"PK\x03\x04"
_EMPTY_ZIP: Final = b"PK\x05\x06"
_MAGIC_LENGTH: Final = 4
_PIECE: Final = 1 << 22
# What the standard library raises for a damaged zip.
_ZIP_ERRORS: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
)


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class File(ABC):  # noqa: B024  one subclass per format: they differ in their extension
    """A named file with a format, given as a path or as uploaded content.

    The constructor reads nothing, so a file that is never extracted costs nothing. Compressed
    files (gzip, zstd, zip with one member) are recognised by their first bytes.

    Args:
        name: Logical name, without an extension: the name of the schema's file.
        extension: Format of the content.
        path: Where the file is: a path, a directory or a pattern (``"orders/*.csv"``) of parts
            that are one table, or an address (``"s3://bucket/orders.csv"``).
        content: What an uploader sent: a data URI, ``"data:<type>;base64,<base64>"``.

    Raises:
        FileNotFoundError: There is nothing at ``path``. Addresses are not looked at before they
            are read.
        FileContentError: ``content`` is no data URI (also a ``ValueError``).
    """

    other_suffixes: ClassVar[tuple[str, ...]] = ()
    """How names of the format may end, besides the format's own name."""

    def __init__(
        self,
        name: str,
        extension: FileExtension | StrEnum | str,
        path: str | Path | None = None,
        content: str | None = None,
    ) -> None:
        self.name = name
        self.extension = extension
        self.path = path
        self._uploaded = content
        if content is not None and "," not in content:
            msg = (
                f"The content of file {name!r} is no data URI: it has no comma. "
                f"Give 'data:<type>;base64,<base64>', or a path."
            )
            raise FileContentError(msg)
        if content is None and path is not None and not exists(path, self.suffixes()):
            msg = f"File {self.name!r}: there is nothing at {str(path)!r}."
            raise FileNotFoundError(msg)

    @property
    def is_uploaded(self) -> bool:
        """Whether the content was sent, so that the path does not count."""
        return self._uploaded is not None

    def suffixes(self) -> tuple[str, ...]:
        """Return how the names of such files may end, without the dot."""
        return (str(self.extension), *self.other_suffixes)

    def parts(self) -> list[FilePart] | None:
        """Return the parts in the order of their names, or None if this is one file.

        ``part-2`` comes before ``part-10``.

        Raises:
            FileNotFoundError: There are none.
            FileContentError: A directory has files that are no parts.
        """
        if self._uploaded is not None or self.path is None:
            return None
        path = without_file_scheme(self.path)
        if not has_parts(path):
            return None
        parts: list[FilePart] = []
        for location in find_parts(path, self.suffixes()):
            part = copy.copy(self)
            part.name, part.path = f"{self.name}/{location.label}", location.path
            parts.append(FilePart(part, location.label, location.keys))
        if not parts:
            msg = f"File {self.name!r}: there is no part of a table at {str(self.path)!r}."
            raise FileNotFoundError(msg)
        return parts

    @property
    def content(self) -> str | None:
        """The decoded text, or None if there is neither a path nor content.

        A path is read at each access; nothing is kept.

        Raises:
            FileContentError: The content is not UTF-8 text, or cannot be decompressed.
        """
        if self._uploaded is None and self.path is None:
            return None
        try:
            return self.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            msg = f"File {self.name!r} is not UTF-8 text: byte {error.start} cannot be decoded."
            raise FileContentError(msg) from error

    def read_contents_from_path(self) -> str | None:
        """Return :attr:`content`; kept for callers of the pandas package."""
        return self.content

    def source(self, watch: Callable[[bytes], None] | None = None) -> Path | bytes:
        r"""Return what a reader should open: the path of a plain file, or else the plain bytes.

        A path lets the reader map the file into memory. Uploaded and compressed content, and that
        of addresses, comes as bytes, decompressed.

        Args:
            watch: Called with each piece that was decompressed. It may raise to stop, before
                all of a small file that unpacks to a huge one is in memory.

        Raises:
            FileContentError: There is neither a path nor content, it cannot be decompressed, or
                there are :meth:`parts` instead of one file.
            FileNotFoundError: The file is gone.

        Example:
            >>> CSVFile("t", content="data:text/csv;base64,YTtiCjE7Mgo=").source()
            b'a;b\n1;2\n'
        """
        if self._uploaded is None and self.path is not None:
            plain = without_file_scheme(self.path)
            if has_parts(plain):
                msg = (
                    f"File {self.name!r}: {str(self.path)!r} is a directory or pattern of parts, "
                    f"where one file is needed. Give the path of one file."
                )
                raise FileContentError(msg)
            if is_address(plain):
                data = read_address(str(plain))
                return self._decompress(data, watch) if self._is_compressed(data) else data
            path = Path(plain)
            with path.open("rb") as stream:
                magic = stream.read(_MAGIC_LENGTH)
            return (
                self._decompress(path.read_bytes(), watch) if self._is_compressed(magic) else path
            )
        data = self._uploaded_bytes()
        return self._decompress(data, watch) if self._is_compressed(data[:_MAGIC_LENGTH]) else data

    def stored(self) -> Path | bytes | None:
        """Return the path, or the bytes of an upload, as they are: compressed if they are.

        None if there is neither, or parts, or the content of an address.

        Raises:
            FileContentError: The upload is not valid base64.
        """
        if self._uploaded is not None:
            return self._uploaded_bytes()
        plain = "" if self.path is None else without_file_scheme(self.path)
        return None if not plain or has_parts(plain) or is_address(plain) else Path(plain)

    def read_bytes(self) -> bytes:
        """Return the whole content as plain bytes, decompressed.

        Raises:
            FileContentError: There is neither a path nor content, or it cannot be decompressed.
            FileNotFoundError: The file is gone.
        """
        source = self.source()
        return source.read_bytes() if isinstance(source, Path) else source

    def _uploaded_bytes(self) -> bytes:
        if self._uploaded is None:
            msg = f"File {self.name!r} has neither a path nor content. Give one of them."
            raise FileContentError(msg)
        try:
            return base64.b64decode(self._uploaded.partition(",")[2], validate=True)
        except (binascii.Error, ValueError) as error:
            msg = f"The content of file {self.name!r} is not valid base64: {error}."
            raise FileContentError(msg) from error

    # XLSX is itself a zip, which is why a format may say that nothing is compression.
    _compressions: tuple[bytes, ...] = (_GZIP, _ZSTD, _ZIP, _EMPTY_ZIP)

    def _is_compressed(self, magic: bytes) -> bool:
        return magic.startswith(self._compressions)

    def _decompress(self, data: bytes, watch: Callable[[bytes], None] | None) -> bytes:
        if data.startswith((_ZIP, _EMPTY_ZIP)):
            return self._unzip(data, watch)
        codec = "gzip" if data.startswith(_GZIP) else "zstd"
        # Half the time of the standard library's gzip, and it has no zstd before Python 3.14.
        import pyarrow as pa  # noqa: PLC0415  import time that only compressed files have to pay

        try:
            with pa.CompressedInputStream(pa.BufferReader(data), codec) as stream:
                return _read_all(stream, watch)
        except OSError as error:
            msg = f"File {self.name!r} is damaged: its {codec} content ends or breaks: {error}"
            raise FileContentError(msg) from error

    def _unzip(self, data: bytes, watch: Callable[[bytes], None] | None) -> bytes:
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                members = [member for member in archive.infolist() if not member.is_dir()]
                if len(members) == 1:
                    with archive.open(members[0]) as stream:
                        return _read_all(stream, watch)
        except FileContentError:
            raise  # by whoever watches
        except _ZIP_ERRORS as error:
            msg = f"File {self.name!r} is a zip that cannot be opened: {error}"
            raise FileContentError(msg) from error
        if any(member.filename == "[Content_Types].xml" for member in members):
            msg = f"File {self.name!r} is an Office document (XLSX?), not {self.extension!s} text."
            raise FileContentError(msg)
        names = ", ".join(repr(member.filename) for member in members) or "none"
        msg = (
            f"File {self.name!r} is a zip with {len(members)} members ({names}); "
            f"one is needed. Unpack it and give the files one by one."
        )
        raise FileContentError(msg)

    def __repr__(self) -> str:
        """Return the class, the name and where the content comes from."""
        place = f"path={str(self.path)!r}" if self._uploaded is None else "content=…"
        return f"{type(self).__name__}({self.name!r}, {place})"


def _read_all(stream: _Readable, watch: Callable[[bytes], None] | None) -> bytes:
    whole = io.BytesIO()  # hands out its content without a copy
    while piece := stream.read(_PIECE):
        if watch is not None:
            watch(piece)
        whole.write(piece)
    return whole.getvalue()


class CSVFile(File):
    r"""A CSV file.

    Args:
        name: Logical name, without an extension.
        path: Where the file is.
        content: What an uploader sent: a data URI.

    Raises:
        FileNotFoundError: There is nothing at ``path``.
        FileContentError: ``path`` is a directory, or ``content`` is no data URI.

    Example:
        >>> CSVFile("t", content="data:text/csv;base64,YTtiCjE7Mgo=").content
        'a;b\n1;2\n'
    """

    def __init__(
        self, name: str, path: str | Path | None = None, content: str | None = None
    ) -> None:
        super().__init__(name, FileExtension.CSV, path, content)


class XLSXFile(File):
    """An XLSX workbook.

    Args:
        name: Logical name, without an extension.
        path: Where the file is.
        content: What an uploader sent: a data URI.

    Raises:
        FileNotFoundError: There is nothing at ``path``.
        FileContentError: ``content`` is no data URI.
    """

    other_suffixes = ("xlsm",)
    _compressions = (_GZIP, _ZSTD)  # a workbook is a zip itself

    def __init__(
        self, name: str, path: str | Path | None = None, content: str | None = None
    ) -> None:
        super().__init__(name, FileExtension.XLSX, path, content)

    def workbook(self) -> Workbook:
        """Open the workbook.

        Raises:
            FileNotFoundError: The file is gone.
            FileContentError: It is no XLSX workbook, protected by a password, or damaged.
        """
        return Workbook(self.read_bytes(), self.name)

    @property
    def content(self) -> str | None:
        """The workbook as JSON text, or None if there is neither a path nor content.

        An object with ``metadata`` (``sheet_count``, ``sheet_names`` and
        ``index_to_sheet_name``) and ``sheets``: a list of records by the sheet's name, dates and
        times as ISO 8601 text.

        Raises:
            FileContentError: It is no XLSX workbook, protected by a password, or damaged.
        """
        if self._uploaded is None and self.path is None:
            return None
        workbook = self.workbook()
        names = workbook.sheet_names
        metadata = {
            "sheet_count": len(names),
            "sheet_names": names,
            "index_to_sheet_name": {str(index): name for index, name in enumerate(names)},
        }
        sheets = ", ".join(
            f"{json.dumps(name, ensure_ascii=False)}: {_records(workbook, name)}" for name in names
        )
        return f'{{"metadata": {json.dumps(metadata, ensure_ascii=False)}, "sheets": {{{sheets}}}}}'


def _records(workbook: Workbook, sheet: str) -> str:
    frame = read_sheet(workbook, sheet, {}).frame
    return frame.with_columns(
        pl.col(pl.Datetime).dt.to_string("iso:strict"),
        pl.col(pl.Duration).dt.to_string("iso"),
        pl.col(pl.Time).cast(pl.String),
    ).write_json()


class ParquetFile(File):
    """A Parquet file.

    Args:
        name: Logical name, without an extension.
        path: Where the file is.
        content: What an uploader sent: a data URI.

    Raises:
        FileNotFoundError: There is nothing at ``path``.
        FileContentError: ``content`` is no data URI.
    """

    other_suffixes = ("pq",)

    def __init__(
        self, name: str, path: str | Path | None = None, content: str | None = None
    ) -> None:
        super().__init__(name, FileExtension.PARQUET, path, content)


class ArrowFile(File):
    """An Arrow IPC file or stream, also known as Feather.

    Args:
        name: Logical name, without an extension.
        path: Where the file is.
        content: What an uploader sent: a data URI.

    Raises:
        FileNotFoundError: There is nothing at ``path``.
        FileContentError: ``content`` is no data URI.
    """

    other_suffixes = ("arrows", "feather", "ipc")

    def __init__(
        self, name: str, path: str | Path | None = None, content: str | None = None
    ) -> None:
        super().__init__(name, FileExtension.ARROW, path, content)


@dataclass(frozen=True)
class FilePart:
    """One of the files that are a table together.

    Args:
        file: The part as a file.
        label: Its path below what the parts have in common.
        keys: The columns that its folders give (``year=2024``), one value each.
    """

    file: File
    label: str
    keys: dict[str, str | None] = field(default_factory=dict)


FILE_TYPES: Final[dict[FileExtension, type[CSVFile | XLSXFile | ParquetFile | ArrowFile]]] = {
    FileExtension.CSV: CSVFile,
    FileExtension.XLSX: XLSXFile,
    FileExtension.PARQUET: ParquetFile,
    FileExtension.ARROW: ArrowFile,
}
"""The class of each format; each takes ``(name, path=None, content=None)``."""

SUFFIXES: Final[dict[str, FileExtension]] = {
    suffix: extension
    for extension, file_type in FILE_TYPES.items()
    for suffix in (str(extension), *file_type.other_suffixes)
}
"""The format that a name ends with, lower case and without the dot."""
