"""From a JSON document to its records, as Arrow arrays of one type.

The document is cut into pieces, which all cores parse side by side. Each piece is read with the
type that was found so far; what does not fit widens the type, and is read again. Documents with
values that no one type holds exactly take a second, slower way: see ``json_exact``; those whose
records differ in structure a third one: see ``json_uneven``.

A table has a cell for each key that any record has, in each record. So a document whose records
have other keys each grows with the square of its length (450 kB can become 6 GB), and how large it
becomes is looked at before a parser takes the memory.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import polars as pl

from algomancy_data.extractor.json.exact import ExactValues, UnevenRecords, mark_values
from algomancy_data.extractor.json.layout import Records, cut, skip_space
from algomancy_data.extractor.json.parser import (
    DisagreementError,
    MalformedError,
    UnexpectedTypeError,
    check,
    find_type,
    has_inexact_numbers,
    merge,
    parse,
    plain,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from algomancy_data.extractor.json.layout import JSONBytes
    from algomancy_data.extractor.json.parser import ArrowArray, ArrowType
    from algomancy_data.extractor.json.plan import JSONPlan, Path, Place

    _Load: TypeAlias = Callable[[int], bytes]
    from collections.abc import Iterator

    from algomancy_data.schema import ReadLimits


@dataclass(frozen=True)
class JSONRecords:
    """The records of a document.

    Args:
        pieces: Arrays of structs, all of one type; at least one.
        strays: How many values were left out since a table's list should be there, by its path.
    """

    pieces: list[ArrowArray]
    strays: Mapping[Path, int]


class JSONReader:
    """Reads the records of one document.

    Args:
        data: The document.
        plan: Which lists are tables, and which columns are text.
        records: Where the records are.
        budget: How many cells they may have.
    """

    def __init__(
        self, data: JSONBytes, plan: JSONPlan, records: Records, budget: CellBudget
    ) -> None:
        self._budget = budget
        self._is_within_budget = False
        self._data = data
        self._plan = plan
        self._records = records

    def read(self) -> JSONRecords:
        """Return the records exactly as they are.

        Raises:
            ReadLimitError: They would have too many cells.
            NoObjectsError: The records are items of a list, and none of them is an object.
            MalformedError: The document is no JSON, or a record is no object.
            UnreadableError: No parser can hold it.
        """
        try:
            return self._read(cut(self._data, self._records))
        except MalformedError:
            # A cut that was none, or a mistake in the document.
            return self._read([(self._records.start, self._records.end)])

    def _read(self, ranges: list[tuple[int, int]]) -> JSONRecords:
        def piece(position: int) -> bytes:
            start, end = ranges[position]
            return self._data[start:end]

        ways = (self._read_plainly, self._read_marked)
        for way in ways:
            try:
                pieces = way(len(ranges), piece)
            except DisagreementError:
                continue
            if pieces is None:
                continue
            if self._lists_lack_members(pieces):
                break
            return JSONRecords(pieces, {})
        return self._read_uneven(len(ranges), piece)

    def _read_plainly(self, count: int, piece: _Load) -> list[ArrowArray] | None:
        """Return the records as parsed, or None if a number may have changed."""
        pieces = self._parse_alike(count, piece, in_list=self._records.in_list)
        changed = has_spelled_floats(pieces[0].type, self._plan.root) or any(
            has_inexact_numbers(array) for array in pieces
        )
        return None if changed else pieces

    def _read_marked(self, count: int, piece: _Load) -> list[ArrowArray] | None:
        """Return the records with values as written, or None if a list would change."""

        def marked(position: int) -> bytes:
            return mark_values(piece(position))

        exact = ExactValues(self._plan)
        pieces = exact.restore(self._parse_alike(count, marked, in_list=self._records.in_list))
        return None if exact.changes_lists else pieces

    def _read_uneven(self, count: int, piece: _Load) -> JSONRecords:
        uneven = UnevenRecords(self._plan)
        for position in range(count):
            uneven.look_at(piece(position), in_list=self._records.in_list)
        uneven.decide()
        rewritten = [
            uneven.rewrite(piece(position), in_list=self._records.in_list)
            for position in range(count)
        ]
        arrays = self._parse_alike(count, rewritten.__getitem__, in_list=True)
        return JSONRecords(ExactValues(self._plan).restore(arrays), uneven.strays)

    def _parse_alike(self, count: int, load: _Load, *, in_list: bool) -> list[ArrowArray]:
        """Parse all pieces to one type.

        Raises:
            DisagreementError: No type holds the values of all records.
            MalformedError: A piece is no sequence of JSON objects.
            UnreadableError: A piece is too large or nested too deeply.
        """
        budget = self._budget
        objects: int | None = None

        def read(position: int) -> tuple[ArrowArray | None, ArrowType]:
            piece = load(position)
            try:
                return parse(piece, in_list=in_list, expected=expected), expected
            except (UnexpectedTypeError, DisagreementError):
                return None, budget.find_type(piece, in_list=in_list)

        # Marks do not change how many cells there are: one look at a single piece is enough.
        if count == 1 and self._is_within_budget:
            expected = plain(find_type(load(0), in_list=in_list))
        else:
            expected = budget.find_type(load(0), in_list=in_list)
        self._is_within_budget = count == 1
        arrays: list[ArrowArray | None] = [None] * count
        stale = list(range(count))
        with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
            # A short piece is parsed before a thread is there.
            each = map if count == 1 else pool.map
            while stale:
                if budget.needs_count(expected):
                    objects = objects or sum(load(each).count(b"{") for each in range(count))
                    budget.check(expected, objects)
                given = expected
                for position, (array, dtype) in zip(stale, each(read, stale), strict=True):
                    arrays[position] = array
                    expected = merge(expected, dtype)
                if expected == given and any(array is None for array in arrays):
                    raise DisagreementError
                stale = [
                    position
                    for position, array in enumerate(arrays)
                    if array is None or array.type != expected
                ]
        return arrays

    def _lists_lack_members(self, pieces: list[ArrowArray]) -> bool:
        return any(lists_lack_members(array, self._plan.root) for array in pieces)


def has_spelled_floats(dtype: ArrowType, place: Place) -> bool:
    """Tell whether a column that is declared as text has floats, whose spelling counts."""
    import pyarrow as pa  # noqa: PLC0415  import time that only JSON has to pay

    if pa.types.is_struct(dtype):
        return any(has_spelled_floats(field.type, place.member(field.name)) for field in dtype)
    if pa.types.is_list(dtype):
        return place.is_table and has_spelled_floats(dtype.value_type, place.items())
    return dtype == pa.float64() and place.is_text


def lists_lack_members(array: ArrowArray, place: Place) -> bool:
    """Tell whether objects in a list declared as text differ in their members.

    An array has a null there, and no longer knows that there was nothing.
    """
    import pyarrow as pa  # noqa: PLC0415

    if pa.types.is_struct(array.type):
        members = [array.field(position) for position in range(array.type.num_fields)]
        if place.in_list and place.is_text and any(member.null_count for member in members):
            return True
        return any(
            lists_lack_members(member, place.member(field.name))
            for field, member in zip(array.type, members, strict=True)
        )
    return pa.types.is_list(array.type) and lists_lack_members(array.values, place.items())


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
    """The number of cells that the records of a document may have.

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
        pieces = [piece[start:end] for start, end in ranges]
        try:
            first = self._type_of(pieces[0], in_list=in_list)
            # Most records are like the first ones: the parser takes no others.
            if len(pieces) > 1 and _have_type(piece, first, in_list=in_list):
                return first
            return self._merged_type(pieces, in_list=in_list)
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
        """Tell whether the objects have to be counted, since there may be too many.

        Raises:
            ReadLimitError: There are too many columns.
        """
        columns = _leaves(dtype)
        self.limits.check_shape(self.file_name, 0, columns)
        return not self.limits.allows_cells(self.size // _SHORTEST * columns, self.stored)

    def check(self, dtype: ArrowType, objects: int) -> None:
        """Refuse too many records of a type, including inner ones.

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
        """Note a value at this place."""
        if isinstance(value, dict):
            for key, member in cast("dict[str, Any]", value).items():
                self.members.setdefault(key, _Place()).look_at(member)
        elif isinstance(value, list):
            items = self.items = self.items or _Place()
            self.rows += len(cast("list[Any]", value))
            for item in cast("list[Any]", value):
                items.look_at(item)

    def tables(self) -> Iterator[tuple[int, int]]:
        """Yield the rows and columns of each list of objects here."""
        if self.items is not None:
            yield self.rows, self.items.columns()
            yield from self.items.tables()
        for member in self.members.values():
            yield from member.tables()

    def columns(self) -> int:
        """Return how many values an object here has, including those of inner objects."""
        return sum(member.columns() for member in self.members.values()) or 1


def _values(piece: bytes) -> list[Any]:
    """Return the records up to the first fault, which others report."""
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


def _have_type(piece: bytes, expected: ArrowType, *, in_list: bool) -> bool:
    """Tell whether all records of a piece of a document are of a type."""
    try:
        parse(piece, in_list=in_list, expected=expected)
    except (UnexpectedTypeError, DisagreementError, MalformedError):
        return False
    return True


def _may_have(piece: bytes) -> int:
    """Return the maximum number of cells that a piece of a document can have."""
    return piece.count(b"{") * piece.count(b":")


def _leaves(dtype: ArrowType) -> int:
    import pyarrow as pa  # noqa: PLC0415  import time that only JSON has to pay

    if pa.types.is_struct(dtype):
        return sum(_leaves(member.type) for member in dtype)
    return _leaves(dtype.value_type) if pa.types.is_list(dtype) else 1
