"""From a JSON document to its records, as Arrow arrays of one type.

The document is cut into pieces, which all cores parse side by side. Each piece is read with the
type that was found so far; what does not fit widens the type, and is read again. Documents with
values that no one type holds exactly take a second, slower way: see ``json_exact``; those whose
records differ in structure a third one: see ``json_uneven``.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import polars as pl

from algomancy_data.extractor.json.exact import ExactValues, UnevenRecords, mark_values
from algomancy_data.extractor.json.layout import cut
from algomancy_data.extractor.json.parser import (
    DisagreementError,
    MalformedError,
    UnexpectedTypeError,
    find_type,
    has_inexact_numbers,
    merge,
    parse,
    plain,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from algomancy_data.extractor.json.cells import CellBudget
    from algomancy_data.extractor.json.layout import JSONBytes, Records
    from algomancy_data.extractor.json.parser import ArrowArray, ArrowType
    from algomancy_data.extractor.json.plan import JSONPlan, Path, Place

    _Load: TypeAlias = Callable[[int], bytes]


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
        """Return the records as the parser sees them, or None if a number may be changed."""
        pieces = self._parse_alike(count, piece, in_list=self._records.in_list)
        changed = _has_spelled_floats(pieces[0].type, self._plan.root) or any(
            has_inexact_numbers(array) for array in pieces
        )
        return None if changed else pieces

    def _read_marked(self, count: int, piece: _Load) -> list[ArrowArray] | None:
        """Return the records with their values as written, or None if a list would change."""

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
            while stale:
                if budget.needs_count(expected):
                    objects = objects or sum(load(each).count(b"{") for each in range(count))
                    budget.check(expected, objects)
                given = expected
                for position, (array, dtype) in zip(stale, pool.map(read, stale), strict=True):
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
        return any(_lists_lack_members(array, self._plan.root) for array in pieces)


def _has_spelled_floats(dtype: ArrowType, place: Place) -> bool:
    """Tell whether a column that is declared as text has floats, whose spelling counts."""
    import pyarrow as pa  # noqa: PLC0415  import time that only JSON has to pay

    if pa.types.is_struct(dtype):
        return any(_has_spelled_floats(field.type, place.member(field.name)) for field in dtype)
    if pa.types.is_list(dtype):
        return place.is_table and _has_spelled_floats(dtype.value_type, place.items())
    return dtype == pa.float64() and place.is_text


def _lists_lack_members(array: ArrowArray, place: Place) -> bool:
    """Tell whether a list declared as text has an object without a member that another one has.

    An array has a null there, and no longer knows that there was nothing.
    """
    import pyarrow as pa  # noqa: PLC0415

    if pa.types.is_struct(array.type):
        members = [array.field(position) for position in range(array.type.num_fields)]
        if place.in_list and place.is_text and any(member.null_count for member in members):
            return True
        return any(
            _lists_lack_members(member, place.member(field.name))
            for field, member in zip(array.type, members, strict=True)
        )
    return pa.types.is_list(array.type) and _lists_lack_members(array.values, place.items())
