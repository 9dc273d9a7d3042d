"""How large a JSON document becomes as a table: looked at before a parser takes the memory.

A table has a cell for each key that any record has, in each record. So a document whose records
have other keys each grows with the square of its length: 450 kB can become 6 GB.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

import polars as pl

from algomancy_data.extractor.json.layout import Records, cut, skip_space
from algomancy_data.extractor.json.parser import MalformedError, check, find_type, merge, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from algomancy_data.extractor.json.parser import ArrowType
    from algomancy_data.schema import ReadLimits

# Any piece of that length may be parsed: it has at most 4,096 objects with a key of its own each.
_LOOK: Final = 1 << 15
_HARMLESS: Final = 1 << 24
# The shortest object with a member, and what is around it: {"":1},
_SHORTEST: Final = 7
_KEY: Final = r'"[^"\\]*(?:\\.[^"\\]*)*"[ \t\r\n]*:'
_LONG: Final = 1 << 24
_DECODER: Final = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)


@dataclass(frozen=True)
class CellBudget:
    """How many cells the records of a document may have.

    Args:
        file_name: What to call the file in an error.
        limits: How much it may become.
        stored: How many bytes it has as it is stored.
        size: How many bytes it has.
    """

    file_name: str
    limits: ReadLimits
    stored: int
    size: int

    def find_type(self, piece: bytes, *, in_list: bool) -> ArrowType:
        """Return the type of the records in a piece of a document, without dates.

        Raises:
            ReadLimitError: They would have too many cells.
            DisagreementError: Values of different kinds are in one place.
            NoObjectsError: No record is an object.
            MalformedError: The piece is not UTF-8, no JSON, or has a record that is no object.
            UnreadableError: The piece is too large or nested too deeply.
        """
        if _may_have(piece) <= _HARMLESS:
            return plain(find_type(piece, in_list=in_list))
        ranges = cut(piece, Records(0, len(piece), in_list=in_list), _LOOK, _LOOK)
        try:
            return self._merged_type([piece[start:end] for start, end in ranges], in_list=in_list)
        except MalformedError:
            if len(ranges) == 1:
                raise
            return self._type_of(piece, in_list=in_list)  # a cut was none

    def _merged_type(self, pieces: list[bytes], *, in_list: bool) -> ArrowType:
        merged: ArrowType = None
        objects = 0
        for piece in pieces:
            found = self._type_of(piece, in_list=in_list)
            objects += piece.count(b"{")
            if merged is None or found != merged:
                merged = found if merged is None else merge(merged, found)
                self.check(merged, objects)
        return merged

    def needs_count(self, dtype: ArrowType) -> bool:
        """Tell whether the objects have to be counted, to know that they are not too many.

        Raises:
            ReadLimitError: There are too many columns.
        """
        columns = _leaves(dtype)
        self.limits.check_shape(self.file_name, 0, columns)
        return not self.limits.allows_cells(self.size // _SHORTEST * columns, self.stored)

    def check(self, dtype: ArrowType, objects: int) -> None:
        """Refuse records of that type of which there are, inner ones included, so many.

        Raises:
            ReadLimitError: They would have too many cells.
        """
        self.limits.check_shape(self.file_name, objects, _leaves(dtype), self.stored)

    def _type_of(self, piece: bytes, *, in_list: bool) -> ArrowType:
        if _may_have(piece) > _HARMLESS:
            check(piece)
            self._count(piece)
        return plain(find_type(piece, in_list=in_list))

    def _count(self, piece: bytes) -> None:
        """Refuse a piece whose records would have too many cells."""
        if len(piece) > _LONG:
            # Decoding it would take gigabytes. Keys that only differ in their path go unseen.
            names = pl.Series([piece.decode()]).str.extract_all(_KEY).explode().n_unique()
            if self.limits.allows_cells(names * piece.count(b"{"), self.stored):
                return
        found = _Place()
        found.look_at(_values(piece))
        for rows, columns in found.tables():
            self.limits.check_shape(self.file_name, rows, columns, self.stored)


@dataclass
class _Place:
    """A place in the records, with what is inside it.

    Attributes:
        members: The places in the objects that are here, by key.
        items: The place of the items of the lists that are here.
        rows: How many items these lists have together.
    """

    members: dict[str, _Place] = field(default_factory=dict[str, "_Place"])
    items: _Place | None = None
    rows: int = 0

    def look_at(self, value: Any) -> None:
        """Take note of a value that is here."""
        if isinstance(value, dict):
            for key, member in cast("dict[str, Any]", value).items():
                self.members.setdefault(key, _Place()).look_at(member)
        elif isinstance(value, list):
            items = self.items = self.items or _Place()
            self.rows += len(cast("list[Any]", value))
            for item in cast("list[Any]", value):
                items.look_at(item)

    def tables(self) -> Iterator[tuple[int, int]]:
        """Give the rows and columns of each list of objects here."""
        if self.items is not None:
            yield self.rows, self.items.columns()
            yield from self.items.tables()
        for member in self.members.values():
            yield from member.tables()

    def columns(self) -> int:
        """Return how many values an object here has, those in objects inside it included."""
        return sum(member.columns() for member in self.members.values()) or 1


def _values(piece: bytes) -> list[Any]:
    """Return the records, as far as they are JSON: what is wrong with them is for others to say."""
    text = piece.decode(errors="replace")
    found: list[Any] = []
    position = skip_space(text, 0)
    while position < len(text):
        try:
            value, position = _DECODER.raw_decode(text, position)
        except (ValueError, RecursionError):
            break
        found.append(value)
        position = skip_space(text, position)
        if text[position : position + 1] == ",":
            position = skip_space(text, position + 1)
    return found


def _may_have(piece: bytes) -> int:
    """Return the most cells that a piece of a document can have."""
    return piece.count(b"{") * piece.count(b":")


def _leaves(dtype: ArrowType) -> int:
    import pyarrow as pa  # noqa: PLC0415  import time that only JSON has to pay

    if pa.types.is_struct(dtype):
        return sum(_leaves(member.type) for member in dtype)
    return _leaves(dtype.value_type) if pa.types.is_list(dtype) else 1
