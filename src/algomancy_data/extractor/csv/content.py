"""The bytes of a CSV file as UTF-8 for the reader, or a clear refusal.

Endless lines and empty records are refused before they fill the memory.
"""

from __future__ import annotations

import codecs
import io
import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, NoReturn

from algomancy_data.errors import FileContentError
from algomancy_data.frames.scratch import ScratchFile, Spool

if TYPE_CHECKING:
    from algomancy_data.file import File
    from algomancy_data.schema import ReadLimits

_HEAD: Final = 1 << 16
_CHUNK: Final = 1 << 24
_MAX_NUL_SHARE: Final = 0.3
_BINARY: Final = {
    b"PAR1": "a Parquet file",
    b"SQLite format 3\x00": "a SQLite database",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"%PDF": "a PDF document",
    b"ARROW1": "an Arrow file",
    b"\xd0\xcf\x11\xe0": "an old Office document (XLS)",
    b"BZh": "bzip2-compressed",
    b"\xfd7zXZ\x00": "xz-compressed",
}
# What a byte order mark says, and the codecs that read it. The longer marks come first: the one of
# UTF-32 begins with that of UTF-16.
_MARKS: Final = {
    codecs.BOM_UTF8: ("utf-8", "utf-8-sig"),
    codecs.BOM_UTF32_LE: ("utf-32", "utf-32-le"),
    codecs.BOM_UTF32_BE: ("utf-32", "utf-32-be"),
    codecs.BOM_UTF16_LE: ("utf-16", "utf-16-le"),
    codecs.BOM_UTF16_BE: ("utf-16", "utf-16-be"),
}
# Control characters that no text has; NUL is not among them, since fields with a NUL are read.
_CONTROL: Final = re.compile(rb"[\x01-\x08\x0e-\x1a]")
# A line has many texts, so it may be as long as this whatever the limit of one of them is.
_USUAL: Final = 1 << 28
# Polars counts the bytes of a text by 32 bits.
_ENGINE: Final = (1 << 32) - 1
_MEBIBYTE: Final = 1 << 20
_READ: Final = 1 << 20


class CSVContent:
    """The content of a CSV file as UTF-8.

    Args:
        file: Where the content comes from.
        encoding: How it is encoded.

    Attributes:
        source: Path or bytes, UTF-8.
        mark_length: How many bytes of it are a byte order mark.
        limits: How much it may become in memory.
        bytes_before: How many bytes of the file are before it.

    Raises:
        FileContentError: The file is binary, not in that encoding, or has a line without end.
        FileNotFoundError: The file is gone.
    """

    bytes_before: int = 0

    def __init__(self, file: File, encoding: str) -> None:
        self.name = file.name
        self._file = file
        self.limits = file.limits
        is_utf8 = codecs.lookup(encoding).name in {"utf-8", "utf-8-sig"}
        lengths = LineLengths(file.name, self.limits)
        # In EBCDIC a line end is another byte.
        has_line_ends = b"\n" in "\n".encode(encoding)
        given = file.spooled(lengths.feed if has_line_ends else None)
        source = given.path if isinstance(given, ScratchFile) else given
        start = _start(source, _HEAD)
        self._refuse_binary(start, encoding, is_utf8=is_utf8)
        if has_line_ends and given is source and isinstance(source, Path):
            lengths.feed_file(source)
        # A scratch file is there as long as it is open.
        self._kept = kept = given if is_utf8 else self._transcode(source, encoding)
        self.source: Path | bytes = kept.path if isinstance(kept, ScratchFile) else kept
        self._head = start if is_utf8 else _start(self.source, _HEAD)
        self._head_size = _HEAD
        has_mark = self._head.startswith(codecs.BOM_UTF8)
        self.mark_length = len(codecs.BOM_UTF8) if has_mark else 0

    @property
    def lines_before(self) -> int:
        """How many lines of the file are before it."""
        return 0

    def start(self, size: int = _HEAD) -> bytes:
        """Return the first bytes, without a byte order mark; they are read only once."""
        if size > self._head_size:
            self._head, self._head_size = _start(self.source, size), size
        return self._head[:size].removeprefix(codecs.BOM_UTF8)

    def end(self, size: int) -> bytes:
        """Return the last bytes."""
        with _open(self.source) as stream:
            stream.seek(max(0, stream.seek(0, io.SEEK_END) - size))
            return stream.read()

    def read(self) -> bytes:
        """Return all bytes, without a byte order mark."""
        data = self.source if isinstance(self.source, bytes) else self.source.read_bytes()
        return data.removeprefix(codecs.BOM_UTF8)

    def size(self) -> int:
        """Return how many bytes there are."""
        source = self.source
        return source.stat().st_size if isinstance(source, Path) else len(source)

    def may_exceed(self, width: int) -> bool:
        """Tell whether short records could make a table with more cells than allowed.

        The missing fields of a record take as much memory as others, and nothing in the file.

        Args:
            width: How many columns there are.
        """
        most = width * self.size()  # a byte or more for each record
        allows = self.limits.allows_cells
        # What any file may become, however few of its bytes are stored, needs no look at them.
        return not (allows(most, 0) or allows(most, self.stored_bytes))

    def check_cells(self, records: int, width: int) -> None:
        """Refuse more records than the limits allow.

        Raises:
            ReadLimitError: They would become a table of more cells than are allowed.
        """
        self.limits.check_shape(self.name, records, width, self.stored_bytes)

    @cached_property
    def stored_bytes(self) -> int:
        """How many bytes the file has as it is stored."""
        stored = self._file.stored_bytes()
        return self.size() if stored is None else stored

    def check_utf8(self) -> None:
        """Raise if some byte is not UTF-8.

        Raises:
            FileContentError: Naming the byte and its line.
        """
        data = self.source if isinstance(self.source, bytes) else self.source.read_bytes()
        try:
            data.decode()
        except UnicodeDecodeError as error:
            line = self.lines_before + data.count(b"\n", 0, error.start) + 1
            position = self.bytes_before + error.start
            msg = (
                f"File {self.name!r}, line {line}: byte {position} "
                f"(0x{data[error.start]:02x}) is not UTF-8. Declare the encoding of the file, "
                f'such as _CSV = CSVDialect(encoding="cp1252").'
            )
            raise FileContentError(msg) from error

    def _refuse_binary(self, start: bytes, encoding: str, *, is_utf8: bool) -> None:
        # Some marks are letters that a header may begin with: look for more than the mark.
        is_text = _CONTROL.search(start) is None and b"\x00" not in start and _is_utf8(start)
        for magic, kind in _BINARY.items():
            if start.startswith(magic) and not is_text:
                self._refuse(f"looks binary: it is {kind}, not CSV text")
        declared = codecs.lookup(encoding).name
        marked = next((codes for mark, codes in _MARKS.items() if start.startswith(mark)), None)
        if marked is not None and declared not in marked:
            self._refuse(
                f"is {marked[0].upper()} text by its byte order mark, but its schema declares "
                f'{encoding}. Declare _CSV = CSVDialect(encoding="{marked[0]}")'
            )
        if not is_utf8:
            return
        if _CONTROL.search(start) and not _is_utf8(start):
            self._refuse("looks binary, not CSV text")
        if start.count(b"\x00") > len(start) * _MAX_NUL_SHARE:
            # Of two bytes of UTF-16 the higher one is mostly zero; it comes second if LE.
            ends = "le" if start[1::2].count(b"\x00") > start[::2].count(b"\x00") else "be"
            self._refuse(
                f"looks binary: it is full of NULs. If it is UTF-16 without a byte order mark, "
                f'declare _CSV = CSVDialect(encoding="utf-16-{ends}")'
            )

    def _refuse(self, problem: str) -> NoReturn:
        msg = f"File {self.name!r} {problem}."
        raise FileContentError(msg)

    def _transcode(self, source: Path | bytes, encoding: str) -> bytes | ScratchFile:
        """Return the text as UTF-8, decoded piece by piece to bound memory."""
        decoder = codecs.getincrementaldecoder(encoding)()
        lengths = LineLengths(self.name, self.limits)
        text = Spool(self.limits.in_memory_bytes)
        done = 0
        with _open(source) as stream:
            try:
                while chunk := stream.read(_CHUNK):
                    piece = decoder.decode(chunk).encode()
                    lengths.feed(piece)
                    text.write(piece)
                    done += len(chunk)
                text.write(decoder.decode(b"", final=True).encode())
            except UnicodeError as error:
                # The decoder may carry a few bytes over, so the place is near, not exact.
                near = done + getattr(error, "start", 0)
                msg = (
                    f"File {self.name!r} is not {encoding} text near byte {near}: {error}. "
                    f"Declare its encoding with _CSV = CSVDialect(encoding=…)."
                )
                raise FileContentError(msg) from error
        return text.content()


def _is_utf8(start: bytes) -> bool:
    """Tell whether the beginning of a file is UTF-8; the last character may be cut."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return False
    return True


def _open(source: Path | bytes) -> BinaryIO:
    return source.open("rb") if isinstance(source, Path) else io.BytesIO(source)


def _start(source: Path | bytes, size: int) -> bytes:
    with _open(source) as stream:
        return stream.read(size)


class LineLengths:
    """Watches text go by, and refuses lines of more than 256 MiB, or longer than a text may be.

    Args:
        file_name: What to call the file in an error.
        limits: How long one text may be.
    """

    def __init__(self, file_name: str, limits: ReadLimits) -> None:
        self._file_name = file_name
        longest = _ENGINE if limits.text_bytes is None else limits.text_bytes
        self._most = min(max(longest, _USUAL), _ENGINE)
        self._begun = 0  # bytes since the last line end

    def feed(self, piece: bytes) -> None:
        """Look at the next piece.

        Args:
            piece: UTF-8, at most 256 MiB.

        Raises:
            FileContentError: A line is too long.
        """
        last = max(piece.rfind(b"\n"), piece.rfind(b"\r"))
        if last < 0:
            self._begun += len(piece)
        else:
            ends = [end for end in (piece.find(b"\n"), piece.find(b"\r")) if end >= 0]
            self._check(self._begun + min(ends))
            self._begun = len(piece) - last - 1
        self._check(self._begun)

    def feed_file(self, path: Path) -> None:
        """Check a whole file, reading no more than necessary.

        Raises:
            FileContentError: A line is too long.
        """
        size = path.stat().st_size
        if size <= self._most or not _may_have_long_line(path, size, self._most):
            return
        with path.open("rb") as stream:
            while piece := stream.read(_READ):
                self.feed(piece)

    def _check(self, length: int) -> None:
        if length > self._most:
            msg = (
                f"File {self._file_name!r} has a line of more than {self._most / _MEBIBYTE:,.0f} "
                f"MiB. That is no CSV file, or its line ends are missing. "
            )
            raise FileContentError(msg + self._advice())

    def _advice(self) -> str:
        if self._most == _ENGINE:
            return "No reader takes longer ones: split the file into columns or rows."
        return "If it is as it should be, read it with a higher limit 'text_bytes'."


def _may_have_long_line(path: Path, size: int, most: int) -> bool:
    """Tell whether two marks may have half of a long line between them, without a line end.

    A few reads suffice where the lines are short.
    """
    half = most // 2
    with path.open("rb") as stream:
        for start in range(0, size - half + 1, half):
            stream.seek(start)
            left = half
            while left > 0 and (piece := stream.read(min(_READ, left))):
                if b"\n" in piece or b"\r" in piece:
                    break
                left -= len(piece)
            else:
                return True
    return False


def count_records(source: Path | bytes, quote: str | None, line_end: str) -> int:
    r"""Return the number of records: lines that end outside of quotes, including blank ones.

    Args:
        source: UTF-8 in which quotes stand around whole fields only.
        quote: The character around fields, or None.
        line_end: The character that ends a line.

    Example:
        >>> count_records(b'a\n"1\n1"\n2', '"', "\n")
        3
    """
    end, records, inside, is_open = line_end.encode(), 0, 0, False
    with source.open("rb") if isinstance(source, Path) else io.BytesIO(source) as stream:
        while piece := stream.read(_READ):
            is_open = not piece.endswith(end)
            if quote is not None:
                between = piece.split(quote.encode())
                piece = b"".join(between[inside::2])
                inside = (inside + len(between) - 1) % 2
            records += piece.count(end)
    return records + is_open
