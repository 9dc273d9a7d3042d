"""The encoding of a CSV file: what its first bytes say, else UTF-8, else a guess."""

from __future__ import annotations

import codecs
import io
import re
from typing import TYPE_CHECKING, Final

from algomancy_data.errors import FileContentError

if TYPE_CHECKING:
    from pathlib import Path

_CHUNK: Final = 1 << 24
_HEAD: Final = 1 << 16
# The longer marks come first: the one of UTF-32 begins with that of UTF-16.
_MARKS: Final = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_PAGE: Final = re.compile(rb"\s*<(?:!doctype|html|\?xml)\b", re.IGNORECASE)
# Characters that no text has.
_CONTROL: Final = re.compile(rb"[\x01-\x08\x0e-\x1a]")
_MANY_NULS: Final = 0.3
_SINGLE_BYTE: Final = ("cp1252", "latin-1")


def find_encoding(source: Path | bytes, name: str) -> tuple[str, list[str]]:
    r"""Return the encoding of a file, and notes on it.

    Args:
        source: The plain content.
        name: Name of the file, for errors.

    Raises:
        FileContentError: The file is empty, or an HTML or XML page.

    Example:
        >>> find_encoding("id;city\n1;Genève\n".encode(), "cities")
        ('utf-8', [])
        >>> find_encoding("id;city\n1;Genève\n".encode("latin-1"), "cities")
        ('cp1252', ['The encoding is a guess: not all of the file is UTF-8.'])
    """
    head = _head(source)
    if not head:
        msg = f"File {name!r} is empty. Give a file that has at least a header."
        raise FileContentError(msg)
    page = _PAGE.match(head)
    if page is not None:
        msg = f"File {name!r} is no CSV table: it begins with {page[0].decode()!r}, as a page does."
        raise FileContentError(msg)
    for mark, encoding in _MARKS.items():
        if head.startswith(mark):
            return encoding, []
    if head.count(b"\x00") > len(head) * _MANY_NULS:
        # Of two bytes of UTF-16 the higher one is mostly zero; it comes second if LE.
        ends = "le" if head[1::2].count(b"\x00") > head[::2].count(b"\x00") else "be"
        return f"utf-16-{ends}", []
    guesses = () if _CONTROL.search(head) else _SINGLE_BYTE
    for encoding in ("utf-8", *guesses):
        if _is(source, encoding):
            guess = "The encoding is a guess: not all of the file is UTF-8."
            return encoding, [] if encoding == "utf-8" else [guess]
    return "utf-8", []  # it is binary, which the extractor says best


def _head(source: Path | bytes) -> bytes:
    if isinstance(source, bytes):
        return source[:_HEAD]
    with source.open("rb") as stream:
        return stream.read(_HEAD)


def _is(source: Path | bytes, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    stream = io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
    with stream:
        try:
            while chunk := stream.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True
