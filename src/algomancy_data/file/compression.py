"""Compressed files: recognised by their first bytes, whatever their name."""

from __future__ import annotations

import bz2
import copy
import io
import lzma
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, Final, Protocol

from algomancy_data.errors import FileContentError, ScratchError

if TYPE_CHECKING:
    from collections.abc import Callable

    from algomancy_data.schema import ReadLimits

GZIP: Final = b"\x1f\x8b"
ZSTD: Final = b"\x28\xb5\x2f\xfd"
ZIP: Final = b"PK\x03\x04"
EMPTY_ZIP: Final = b"PK\x05\x06"
MAGIC_LENGTH: Final = 4
_PIECE: Final = 1 << 22
# What one read of an LZMA member unpacks cannot be bounded but by what it takes in.
_LZMA_PIECE: Final = 1 << 12
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


def decompress_into(
    write: Callable[[bytes], object],
    data: bytes | memoryview,
    name: str,
    limits: ReadLimits,
    watch: Callable[[bytes], None] | None = None,
) -> None:
    """Pass on the content of a gzip, zstd or one-member zip, piece by piece.

    Args:
        write: Takes the pieces.
        data: What begins with one of the marks above.
        name: Name of the file, for errors.
        limits: How much it may unpack to.
        watch: Called with each piece before it is written; it may raise to stop.

    Raises:
        ReadLimitError: It unpacks to more than the limits allow.
        FileContentError: It is damaged, or a zip with none or several members.

    Example:
        >>> import gzip
        >>> from algomancy_data import ReadLimits
        >>> pieces = []
        >>> decompress_into(pieces.append, gzip.compress(b"a;b"), "t", ReadLimits())
        >>> pieces
        [b'a;b']
    """
    unpacked = _Unpacked(name, len(data), limits, watch, write)
    start = bytes(data[:MAGIC_LENGTH])
    if start in {ZIP, EMPTY_ZIP}:
        _unzip(data, name, unpacked)
        return
    codec = "gzip" if start.startswith(GZIP) else "zstd"
    # Half the time of the standard library's gzip, and it has no zstd before Python 3.14.
    import pyarrow as pa  # noqa: PLC0415  import time that only compressed files have to pay

    try:
        with pa.CompressedInputStream(pa.BufferReader(data), codec) as stream:
            unpacked.read_all(stream)
    except ScratchError:
        raise
    except OSError as error:
        msg = f"File {name!r} is damaged: its {codec} content ends or breaks: {error}"
        raise FileContentError(msg) from error


def _unzip(data: bytes | memoryview, name: str, unpacked: _Unpacked) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [each for each in archive.infolist() if not _is_beside(each.filename)]
            if len(members) == 1:
                unpacked.check(members[0].file_size)
                _unpack_member(archive, members[0], unpacked)
                return
    except (FileContentError, ScratchError):
        raise  # a limit, or raised by the watcher or the writer
    except _ZIP_ERRORS as error:
        msg = f"File {name!r} is a zip that cannot be opened: {error}"
        raise FileContentError(msg) from error
    if any(member.filename == "[Content_Types].xml" for member in members):
        msg = f"File {name!r} is an Office document, such as an XLSX workbook. Declare it as one."
        raise FileContentError(msg)
    names = ", ".join(repr(member.filename) for member in members) or "none"
    msg = (
        f"File {name!r} is a zip with {len(members)} members ({names}); "
        f"one is needed. Unpack it and give the files one by one."
    )
    raise FileContentError(msg)


def _is_beside(member: str) -> bool:
    """Tell whether a member is a folder, or one of those that macOS adds to each zip."""
    return member.endswith("/") or member.startswith("__MACOSX/")


def _unpack_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, unpacked: _Unpacked) -> None:
    if member.compress_type == zipfile.ZIP_LZMA:
        with archive.open(member) as stream:
            unpacked.read_all(stream, _LZMA_PIECE)
            return
    if member.compress_type != zipfile.ZIP_BZIP2:
        with archive.open(member) as stream:
            unpacked.read_all(stream)
            return
    # zipfile unpacks all that it took in at once: 4 KiB of bzip2 can be 3 GiB.
    stored = copy.copy(member)
    stored.compress_type, stored.file_size = zipfile.ZIP_STORED, member.compress_size
    del stored.CRC  # it is that of the content
    with archive.open(stored) as packed, bz2.open(packed) as stream:
        unpacked.read_all(stream)
    if unpacked.crc32 != member.CRC:
        msg = "its check sum is another one"
        raise zipfile.BadZipFile(msg)


class _Unpacked:
    """Content that is being unpacked, piece by piece.

    Args:
        name: Name of the file.
        stored: Its size as it is stored.
        limits: How much it may unpack to.
        watch: Called with each piece.
        write: Takes each piece.
    """

    def __init__(
        self,
        name: str,
        stored: int,
        limits: ReadLimits,
        watch: Callable[[bytes], None] | None,
        write: Callable[[bytes], object],
    ) -> None:
        self._name = name
        self._stored = stored
        self._limits = limits
        self._watch = watch
        self._write = write
        self._size = 0
        self.crc32 = 0

    def check(self, size: int) -> None:
        """Refuse content that is larger than the limits allow."""
        self._limits.check_unpacked(self._name, size, self._stored)

    def read_all(self, stream: _Readable, size: int = _PIECE) -> None:
        """Take everything from a stream, in pieces of a given size."""
        while piece := stream.read(size):
            self._size += len(piece)
            self.check(self._size)
            if self._watch is not None:
                self._watch(piece)
            self._write(piece)
            self.crc32 = zlib.crc32(piece, self.crc32)
