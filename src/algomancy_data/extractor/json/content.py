"""From the bytes of a JSON file to UTF-8, without more of it in memory than needed."""

from __future__ import annotations

import codecs
import contextlib
import json
import mmap
import re
from typing import TYPE_CHECKING, Final, TypeAlias

from algomancy_data.errors import FileContentError

if TYPE_CHECKING:
    from collections.abc import Generator

    from algomancy_data.file import File

JSONBytes: TypeAlias = bytes | mmap.mmap
"""UTF-8 text: of a plain file, the file itself."""

_CHUNK: Final = 1 << 22
_SPACE: Final = re.compile(r"[ \t\r\n]*")


@contextlib.contextmanager
def open_json(file: File) -> Generator[JSONBytes]:
    """Give the content of a file as UTF-8 without a byte order mark.

    A plain UTF-8 file is mapped into memory; UTF-16 and UTF-32 are recognised by their byte
    order mark, or by the NULs that ASCII has in them.

    Raises:
        FileContentError: The file is not in the encoding that its first bytes show.
        FileNotFoundError: The file is gone.
    """
    source = file.source()
    if isinstance(source, bytes):
        yield _as_utf8(file.name, source)
    elif not source.stat().st_size:  # nothing cannot be mapped
        yield b""
    else:
        with (
            source.open("rb") as stream,
            mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data,
        ):
            yield _as_utf8(file.name, data)


def _as_utf8(name: str, data: JSONBytes) -> JSONBytes:
    encoding = json.detect_encoding(data[:4])
    if encoding == "utf-8":
        return data
    if encoding == "utf-8-sig":
        return data[len(codecs.BOM_UTF8) :]
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        chunks = (data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK))
        decoded = b"".join(decoder.decode(chunk).encode() for chunk in chunks)
        return decoded + decoder.decode(b"", final=True).encode()
    except UnicodeError as error:
        msg = (
            f"File {name!r} begins like {encoding.upper()} text, but is none: {error}. "
            f"Write it as UTF-8."
        )
        raise FileContentError(msg) from error


def skip_space(text: str, position: int) -> int:
    """Return where the white space ends that begins here, if any does."""
    match = _SPACE.match(text, position)
    return match.end() if match else position
