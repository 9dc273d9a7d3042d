"""A CSV file in slices of whole records."""

from __future__ import annotations

import io
import mmap
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import polars as pl

from algomancy_data.extractor.csv.content import CSVContent
from algomancy_data.extractor.csv.layout import CSVHeader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from algomancy_data.extractor.csv.reader import CSVReader

_PIECE: Final = 1 << 24


class CSVSlice(CSVContent):
    """Some records of a file, with a header of their own.

    Args:
        whole: The file.
        path: Where it is, in UTF-8.
        data: The header, one line, and the records.
        offset: Where in the file the first record begins.
        header_bytes: How many bytes the header has.
        rows_before: How many rows there are before them.
    """

    def __init__(
        self,
        whole: CSVContent,
        path: Path,
        data: bytes,
        offset: int,
        header_bytes: int,
        rows_before: int,
    ) -> None:
        self.name, self.stored_bytes, self.limits = whole.name, whole.stored_bytes, whole.limits
        self.source = self._data = data
        self.mark_length = 0
        self.bytes_before = offset - header_bytes
        self._path = path
        self._offset = offset
        self._rows_before = rows_before

    @property
    def lines_before(self) -> int:
        """Number of lines before its records, without its header; only for errors."""
        lines, left = -1, self._offset
        with self._path.open("rb") as stream:
            while left > 0 and (piece := stream.read(min(left, _PIECE))):
                lines += piece.count(b"\n")
                left -= len(piece)
        return lines

    def start(self, size: int = _PIECE) -> bytes:
        """Return the first bytes."""
        return self._data[:size]

    def check_cells(self, records: int, width: int) -> None:
        """Refuse more records than the limits allow, including earlier ones.

        Raises:
            ReadLimitError: They would become a table of more cells than are allowed.
        """
        super().check_cells(self._rows_before + records, width)


@dataclass(frozen=True)
class CSVSlices:
    """The records of a large file whose quotes are clear.

    Args:
        reader: Reads the file as a whole.
        path: Where it is, in UTF-8.
        report: Told of the columns, and the numbers of the rows that had too few fields.
    """

    reader: CSVReader
    path: Path
    report: Callable[[Sequence[str], pl.Series], None]

    def read(self, columns: AbstractSet[str] | None = None) -> Iterator[pl.DataFrame]:
        """Yield the slices as frames, then report short rows.

        Args:
            columns: The columns wanted, as they are written; None for all, in their declared types
                where the reader understands them.

        Raises:
            FileContentError: A record has too many fields, or the content is not UTF-8.
            ReadLimitError: The table has more cells than the limits of the file allow.
        """
        whole = self.reader
        names, layout = whole.header.names, whole.layout
        written = tuple(f"column {number}" for number in range(len(names)))
        line = (layout.separator.join(written) + layout.line_end).encode()
        header = CSVHeader(written, len(line), 1)
        known = {} if columns is not None else whole.types
        pairs = zip(written, names, strict=True)
        types = {column: known[name] for column, name in pairs if name in known}
        rows = 0
        short_rows: list[pl.Series] = []
        for offset, data in self._records(line):
            content = CSVSlice(whole.content, self.path, data, offset, len(line), rows)
            table = replace(
                whole, content=content, header=header, types=types, is_clear=True
            ).read()
            frame = table.frame
            frame.columns = names
            short_rows.append(table.short_rows + rows)
            rows += frame.height
            whole.content.check_cells(rows, frame.width)
            yield frame if columns is None else frame.select(sorted(columns & set(names)))
        if columns is None:
            self.report(names, pl.concat(short_rows))

    def _records(self, header: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield where records begin, and about a slice of them with a header."""
        layout, content = self.reader.layout, self.reader.content
        end = layout.line_end.encode()
        offset = self.reader.header.end + content.mark_length
        with (
            self.path.open("rb", buffering=0) as stream,
            mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as view,
        ):
            quote = None if layout.quote is None else layout.quote.encode()
            if quote is not None and view.find(quote, offset) < 0:
                quote = None
            if offset >= len(view):
                yield offset, header
            usual = wanted = content.limits.slice_bytes
            while offset < len(view):
                stop = min(offset + wanted, len(view))
                cut = stop if stop == len(view) else view.rfind(end, offset, stop) + 1
                data = _read_behind(header, stream, offset, cut - offset) if cut else b""
                if quote is not None and cut < len(view):
                    data = data[: _end_of_record(data, end, quote, len(header))]
                if len(data) <= len(header):  # a record is longer than the slice
                    wanted *= 2
                    continue
                yield offset, data
                offset += len(data) - len(header)
                wanted = usual


def _read_behind(header: bytes, stream: io.FileIO, offset: int, length: int) -> bytes:
    """Return a header followed by a part of a file, copied only once."""
    stream.seek(offset)
    buffer = io.BytesIO()
    buffer.write(header)
    buffer.seek(len(header) + length - 1)
    buffer.write(b"\0")
    with buffer.getbuffer() as view:
        done = len(header)
        while done < len(view) and (count := stream.readinto(view[done:])):
            done += count
    return buffer.getvalue()


def _end_of_record(data: bytes, end: bytes, quote: bytes, start: int) -> int:
    """Return the end of the last complete record, or the start if there is none.

    A quote inside of a quoted field is written twice, so all quotes up to there are even.
    """
    cut = len(data)
    is_open = data.count(quote, start) % 2 == 1
    while cut > start and is_open:
        before = max(data.rfind(end, start, cut - 1) + 1, start)
        is_open ^= data.count(quote, before, cut) % 2 == 1
        cut = before
    return cut
