"""Files: where a table's content comes from, whatever holds it.

A :class:`File` knows a name, a format and a place: a path, or the content that an uploader sent.
It hands its bytes to an extractor and reads nothing before it is asked to.
"""

from __future__ import annotations

import base64
import binascii
import io
import zipfile
import zlib
from abc import ABC
from pathlib import Path
from typing import TYPE_CHECKING, Final

from algomancy_data.errors import FileContentError
from algomancy_data.schema import FileExtension

if TYPE_CHECKING:
    from enum import StrEnum

_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_ZIP: Final = b"PK\x03\x04"
_EMPTY_ZIP: Final = b"PK\x05\x06"
_MAGIC_LENGTH: Final = 4


class File(ABC):  # noqa: B024  one subclass per format: they differ in their extension
    """A named file with a format, given as a path or as uploaded content.

    The constructor reads nothing, so a file that is never extracted costs nothing. Compressed
    files (gzip, zstd, zip with one member) are recognised by their first bytes.

    Args:
        name: Logical name, without an extension: the name of the schema's file.
        extension: Format of the content.
        path: Where the file is.
        content: What an uploader sent: a data URI, ``"data:<type>;base64,<base64>"``.

    Raises:
        FileNotFoundError: There is nothing at ``path``.
        FileContentError: ``path`` is a directory, or ``content`` is no data URI
            (also a ``ValueError``).
    """

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
        if content is None and path is not None:
            self._check_path(Path(path))

    def _check_path(self, path: Path) -> None:
        if path.is_dir():
            msg = f"File {self.name!r}: {str(path)!r} is a directory. Give the path of one file."
            raise FileContentError(msg)
        if not path.exists():
            msg = f"File {self.name!r}: there is nothing at {str(path)!r}."
            raise FileNotFoundError(msg)

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

    def source(self) -> Path | bytes:
        r"""Return what a reader should open: the path of a plain file, or else the plain bytes.

        A path lets the reader map the file into memory. Uploaded and compressed content comes as
        bytes, decompressed.

        Raises:
            FileContentError: There is neither a path nor content, or it cannot be decompressed.
            FileNotFoundError: The file is gone.

        Example:
            >>> CSVFile("t", content="data:text/csv;base64,YTtiCjE7Mgo=").source()
            b'a;b\n1;2\n'
        """
        if self._uploaded is None and self.path is not None:
            path = Path(self.path)
            with path.open("rb") as stream:
                magic = stream.read(_MAGIC_LENGTH)
            return self._decompress(path.read_bytes()) if self._is_compressed(magic) else path
        data = self._uploaded_bytes()
        return self._decompress(data) if self._is_compressed(data[:_MAGIC_LENGTH]) else data

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

    def _decompress(self, data: bytes) -> bytes:
        if data.startswith((_ZIP, _EMPTY_ZIP)):
            return self._unzip(data)
        codec = "gzip" if data.startswith(_GZIP) else "zstd"
        try:
            return _decompress_stream(data, codec)
        except OSError as error:
            msg = f"File {self.name!r} is damaged: its {codec} content ends or breaks: {error}"
            raise FileContentError(msg) from error

    def _unzip(self, data: bytes) -> bytes:
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                members = [member for member in archive.infolist() if not member.is_dir()]
                if len(members) == 1:
                    return archive.read(members[0])
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError) as error:
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


def _decompress_stream(data: bytes, codec: str) -> bytes:
    # Half the time of the standard library's gzip, and it has no zstd before Python 3.14.
    import pyarrow as pa  # noqa: PLC0415  import time that only compressed files have to pay

    with pa.CompressedInputStream(pa.BufferReader(data), codec) as stream:
        return stream.read()


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


class JSONFile(File):
    """A JSON file: one document, or one record per line.

    Args:
        name: Logical name, without an extension.
        path: Where the file is.
        content: What an uploader sent: a data URI.

    Raises:
        FileNotFoundError: There is nothing at ``path``.
        FileContentError: ``path`` is a directory, or ``content`` is no data URI.

    Example:
        >>> JSONFile("t", content="data:application/json;base64,W3siYSI6MX1d").content
        '[{"a":1}]'
    """

    def __init__(
        self, name: str, path: str | Path | None = None, content: str | None = None
    ) -> None:
        super().__init__(name, FileExtension.JSON, path, content)


class NDJSONFile(File):
    r"""A file with one JSON record per line (``.ndjson``, ``.jsonl``).

    Args:
        name: Logical name, without an extension.
        path: Where the file is.
        content: What an uploader sent: a data URI.

    Raises:
        FileNotFoundError: There is nothing at ``path``.
        FileContentError: ``path`` is a directory, or ``content`` is no data URI.

    Example:
        >>> NDJSONFile("t", content="data:;base64,eyJhIjoxfQp7ImEiOjJ9Cg==").content
        '{"a":1}\n{"a":2}\n'
    """

    def __init__(
        self, name: str, path: str | Path | None = None, content: str | None = None
    ) -> None:
        super().__init__(name, FileExtension.NDJSON, path, content)


FILE_TYPES: Final[dict[FileExtension, type[CSVFile | JSONFile | NDJSONFile]]] = {
    FileExtension.CSV: CSVFile,
    FileExtension.JSON: JSONFile,
    FileExtension.NDJSON: NDJSONFile,
    FileExtension.JSONL: NDJSONFile,
}
"""The class of each format; each takes ``(name, path=None, content=None)``."""
