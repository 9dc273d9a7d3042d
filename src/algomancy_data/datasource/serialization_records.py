"""The records of the JSON form: the part that is large, read and written by Polars.

Each record begins on a line of its own. A line break inside a JSON text is always escaped, so a
real one is not part of any value, and the records can be cut out of a document without parsing it.
"""

from __future__ import annotations

import codecs
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import uuid4

import polars as pl
from polars.exceptions import PanicException, PolarsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polars.datatypes import DataType as PolarsDataType

_BEFORE: Final = '"data": '
_PIECE: Final = 1 << 22


@dataclass(frozen=True, slots=True)
class Layout:
    """How a writer of documents breaks the lines around and between the records of a table."""

    first: str
    last: str
    after: str


OURS: Final = Layout("[\n{", "}\n]", ', "columns": ')
PANDAS: Final = Layout("[\n        {\n", "\n        }\n      ]", ',\n      "columns": ')
"""That of ``json.dumps(…, indent=2)``."""
_LAYOUTS: Final = (OURS, PANDAS)


@dataclass(frozen=True, slots=True)
class Records:
    """The records of one table: a JSON list."""

    layout: Layout
    text: str


def write(encoded: pl.DataFrame) -> list[str]:
    """Return the records of a frame as a JSON list, in pieces.

    Example:
        >>> print("".join(write(pl.DataFrame({"a": [1, 2]}))))
        [
        {"a":1},
        {"a":2}
        ]
    """
    if not encoded.height or not encoded.width:
        return [encoded.write_json()]
    lines = _Lines()
    encoded.write_ndjson(cast("Any", lines))
    # Behind the last record there is no comma.
    *pieces, last = lines.pieces
    return ["[\n", *pieces, last.removesuffix(",\n"), "\n]"]


class _Lines(io.RawIOBase):
    """Takes records, and puts a comma behind each, while Polars makes the text of others.

    In pieces, which the processor keeps near: to look through all at once takes twice as long.
    """

    def __init__(self) -> None:
        self.pieces: list[str] = []
        # Nothing promises that a piece ends behind a whole character.
        self._decode = codecs.getincrementaldecoder("utf-8")().decode

    def writable(self) -> bool:
        return True

    def write(self, text: Any) -> int:
        # As a line break is part of no value, there is no need to look for the braces around it.
        self.pieces.append(self._decode(text.replace(b"\n", b",\n")))
        return len(text)


def index(height: int) -> str:
    """Return the numbers of so many rows as a JSON list.

    Example:
        >>> index(3), index(0)
        ('[0,1,2]', '[]')
    """
    # A tenth of the time that the json module takes, which is a tenth of all.
    numbers = pl.int_range(height, eager=True).to_frame()
    written = numbers.write_csv(include_header=False, line_terminator=",")
    return f"[{written.removesuffix(',')}]"


def cut_out(document: str) -> tuple[str, Mapping[str, Records]]:
    """Return a document with names in the place of its records, and the records by name.

    Records that are laid out in another way than those of both packages stay where they are.
    """
    records: dict[str, Records] = {}
    rest: list[str] = []
    mark = uuid4().hex
    done = position = 0
    while (found := document.find(_BEFORE + "[\n", position)) >= 0:
        position = start = found + len(_BEFORE)
        layout = next((item for item in _LAYOUTS if document.startswith(item.first, start)), None)
        end = -1 if layout is None else document.find(layout.last + layout.after, start)
        if layout is None or end < 0:
            continue
        end += len(layout.last)
        name = f"{mark} {len(records)}"
        records[name] = Records(layout, document[start:end])
        rest += (document[done:start], f'"{name}"')
        done = position = end
    return "".join([*rest, document[done:]]), records


def read(records: str, schema: pl.Schema, height: int) -> pl.DataFrame | None:
    """Return the frame of records; None if Polars is not sure to read them exactly.

    Args:
        records: What :func:`write` wrote.
        schema: The schema of the frame that was written.
        height: Its height.
    """
    if not all(map(_is_read_exactly, schema.dtypes())):
        return None
    try:
        frame = pl.read_ndjson(_lines_of(records), schema=schema)
    except (PolarsError, PanicException, UnicodeEncodeError):
        return None  # such as a float column with NaN, which is written as text
    return frame if frame.height == height else None


def _lines_of(records: str) -> io.BytesIO:
    """Return records without the commas between them.

    Raises:
        UnicodeEncodeError: Half a character is in them.
    """
    lines = io.BytesIO()
    start, last = len("[\n"), len(records) - len("\n]")
    # Piece by piece, as they are written; each goes up to the comma behind a record.
    while start < last:
        found = records.find("\n", start + _PIECE, last)
        end = last if found < 0 else found
        piece = records[start:end].encode()
        # The longer what is searched for, the faster it is found.
        lines.write(piece.removesuffix(b",").replace(b"},\n{", b"}\n{"))
        lines.write(b"\n")
        start = end + 1
    lines.seek(0)
    return lines


def _is_read_exactly(dtype: PolarsDataType) -> bool:
    return not dtype.is_nested() and not isinstance(dtype, pl.Int128 | pl.UInt128)
