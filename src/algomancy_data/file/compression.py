"""Compressed files: recognised by their first bytes, whatever their name."""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, Final, Protocol

from algomancy_data.errors import FileContentError

if TYPE_CHECKING:
    from collections.abc import Callable

GZIP: Final = b"\x1f\x8b"
ZSTD: Final = b"\x28\xb5\x2f\xfd"
ZIP: Final = b"PK\x03\x04"
EMPTY_ZIP: Final = b"PK\x05\x06"
MAGIC_LENGTH: Final = 4
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


def decompress(data: bytes, name: str, watch: Callable[[bytes], None] | None = None) -> bytes:
    """Return the content of a gzip, zstd or one-member zip.

    Args:
        data: What begins with one of the marks above.
        name: Name of the file, for errors.
        watch: Called with each piece that was decompressed; it may raise to stop.

    Raises:
        FileContentError: It is damaged, or a zip with none or several members.

    Example:
        >>> import gzip
        >>> decompress(gzip.compress(b"a;b"), "t")
        b'a;b'
    """
    if data.startswith((ZIP, EMPTY_ZIP)):
        return _unzip(data, name, watch)
    codec = "gzip" if data.startswith(GZIP) else "zstd"
    # Half the time of the standard library's gzip, and it has no zstd before Python 3.14.
    import pyarrow as pa  # noqa: PLC0415  import time that only compressed files have to pay

    try:
        with pa.CompressedInputStream(pa.BufferReader(data), codec) as stream:
            return _read_all(stream, watch)
    except OSError as error:
        msg = f"File {name!r} is damaged: its {codec} content ends or breaks: {error}"
        raise FileContentError(msg) from error


def _unzip(data: bytes, name: str, watch: Callable[[bytes], None] | None) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) == 1:
                with archive.open(members[0]) as stream:
                    return _read_all(stream, watch)
    except FileContentError:
        raise  # by whoever watches
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


def _read_all(stream: _Readable, watch: Callable[[bytes], None] | None) -> bytes:
    whole = io.BytesIO()  # hands out its content without a copy
    while piece := stream.read(_PIECE):
        if watch is not None:
            watch(piece)
        whole.write(piece)
    return whole.getvalue()
