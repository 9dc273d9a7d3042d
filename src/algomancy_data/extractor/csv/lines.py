"""Lines without an end, and records without fields: refused before they fill the memory."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Final

from algomancy_data.errors import FileContentError

if TYPE_CHECKING:
    from algomancy_data.schema import ReadLimits

# A line has many texts, so it may be as long as this whatever the limit of one of them is.
_USUAL: Final = 1 << 28
# Polars counts the bytes of a text by 32 bits.
_ENGINE: Final = (1 << 32) - 1
_MEBIBYTE: Final = 1 << 20
_READ: Final = 1 << 20


class LineLengths:
    """Watches text pass by and refuses a line of more than 256 MiB, or than one text may have.

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
        """Look at a whole file, without reading more than needed.

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
    """Tell whether half of a long line may lie between two marks, with no line end in between.

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
    r"""Return how many records there are: lines that end outside of quotes, the blank ones too.

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
