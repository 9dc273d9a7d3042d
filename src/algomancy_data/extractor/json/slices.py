"""Records that follow each other, as in NDJSON, or that are the items of a list, slice by slice.

All slices are read with one type, which the first one gives. What does not fit widens it by the
types of all that follow, and the records are read again from the beginning.
"""

from __future__ import annotations

import codecs
import json
import mmap
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

import polars as pl

from algomancy_data.errors import FileContentError
from algomancy_data.extractor.json.document import diagnose
from algomancy_data.extractor.json.layout import CHUNK, cut, find_records
from algomancy_data.extractor.json.parser import (
    DisagreementError,
    MalformedError,
    UnexpectedTypeError,
    UnreadableError,
    has_inexact_numbers,
    merge,
    parse,
)
from algomancy_data.extractor.json.reader import CellBudget, has_spelled_floats, lists_lack_members
from algomancy_data.extractor.json.tables import flat_frame
from algomancy_data.extractor.slices import SlicesChangedError, UnlikeSlicesError
from algomancy_data.frames.scratch import ScratchFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from algomancy_data.extractor.json.layout import Envelope, Records
    from algomancy_data.extractor.json.parser import ArrowArray, ArrowType
    from algomancy_data.extractor.json.plan import JSONPlan
    from algomancy_data.file import File

# A longer record is no reason to read the whole document at once; a document of one is.
_LONGEST: Final = 4
_READ: Final = 1 << 22


@dataclass
class RecordType:
    """The type that records have, as far as they were read.

    Args:
        is_of_parts: They are of several files. Read one by one, these are told apart where a value
            is of another kind in one of them; only what a file lacks is not.
        may_gain_members: More members may come: nothing else has to stand behind the columns.
        floats: The columns that are declared as floats. In any other one of several files, whole
            numbers in one of them are told apart from fractions in another.
        dtype: None before the first record.
    """

    is_of_parts: bool = False
    may_gain_members: bool = True
    floats: frozenset[str] = frozenset()
    dtype: ArrowType = None

    def widen(self, found: Iterable[ArrowType | None]) -> None:
        """Widen the type by others.

        Raises:
            UnlikeSlicesError: The values of all records are needed to tell what they are.
        """
        known = merged = self.dtype
        try:
            for dtype in found:
                if dtype is not None and dtype != merged:
                    merged = dtype if merged is None else merge(merged, dtype)
        except DisagreementError:
            raise UnlikeSlicesError from None
        if merged == known or (self.is_of_parts and known and not self._fits(known, merged)):
            raise UnlikeSlicesError
        if self.is_of_parts and self._has_other_floats(merged, ""):
            raise UnlikeSlicesError
        self.dtype = merged

    def _has_other_floats(self, dtype: ArrowType, name: str) -> bool:
        """Tell whether there are fractions elsewhere than in the columns declared as floats."""
        import pyarrow as pa  # noqa: PLC0415

        if pa.types.is_struct(dtype):
            return any(
                self._has_other_floats(member.type, f"{name}.{member.name}".lstrip("."))
                for member in dtype
            )
        if pa.types.is_list(dtype):
            return self._has_other_floats(dtype.value_type, "")
        return dtype == pa.float64() and name not in self.floats

    def _fits(self, before: ArrowType, after: ArrowType) -> bool:
        """Tell whether each place has the type that it had, if it had one."""
        import pyarrow as pa  # noqa: PLC0415  import time that only JSON has to pay

        if before == after:
            return True
        if pa.types.is_null(before):
            return self.may_gain_members or not pa.types.is_struct(after)
        if pa.types.is_struct(before) and pa.types.is_struct(after):
            may_differ = self.may_gain_members or len(before) == len(after)
            return may_differ and all(
                self._fits(member.type, after.field(member.name).type) for member in before
            )
        if pa.types.is_list(before) and pa.types.is_list(after):
            return self._fits(before.value_type, after.value_type)
        return False


def json_slices(
    file: File,
    plan: JSONPlan,
    found: RecordType,
    is_record: Callable[[Envelope], bool],
    warn: Callable[[Sequence[str]], object],
    *,
    lines: bool,
) -> JSONSlices | None:
    """Return the records of a document in slices; None if it cannot be cut between them.

    Args:
        file: The file.
        plan: Which columns are text.
        found: What is known of the records' type.
        is_record: Tells whether an object with one list, which this is around, is a record itself.
        warn: Told the keys of the members around the list of records, when all are read.
        lines: The file's format is one record per line.

    Raises:
        FileContentError: It cannot be decompressed.
        FileNotFoundError: It is gone.
        ScratchError: There is no room for what it unpacks to.
    """
    given = file.spooled()
    path = given.path if isinstance(given, ScratchFile) else given
    if not isinstance(path, Path) or not path.stat().st_size:
        return None
    with path.open("rb") as stream, _mapped(stream.fileno()) as data:
        encoding = json.detect_encoding(data[:4])
        if encoding not in {"utf-8", "utf-8-sig"}:
            return None
        start = len(codecs.BOM_UTF8) if encoding == "utf-8-sig" else 0
        records = find_records(data, lines=lines, begin=start)
        if records is None or (records.envelope is not None and is_record(records.envelope)):
            return None
        size = min(CHUNK, file.limits.slice_bytes)
        ranges = cut(data, records, size, size)
        if max(end - start for start, end in ranges) > _LONGEST * max(size, CHUNK):
            return None
    return JSONSlices(file, plan, found, warn, given, path, records, ranges)


def _mapped(descriptor: int) -> mmap.mmap:
    return mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)


class JSONSlices:
    """The records of a large document, one after the other.

    A list may have been cut where there is no end of an item: what is no JSON then is one when it
    is looked at as a whole.

    Args:
        file: The file.
        plan: Which columns are text.
        found: What is known of the records' type.
        warn: Told the keys of the members around the list of records, when all are read.
        kept: What keeps the content where it is.
        path: Where the content is, UTF-8.
        records: Which part of it the records are.
        ranges: The slices, one at least.
    """

    def __init__(
        self,
        file: File,
        plan: JSONPlan,
        found: RecordType,
        warn: Callable[[Sequence[str]], object],
        kept: object,
        path: Path,
        records: Records,
        ranges: list[tuple[int, int]],
    ) -> None:
        self._name, self._limits = file.name, file.limits
        self._plan = plan
        self._warn = warn
        self._kept = kept
        self._path = path
        self._in_list = records.in_list
        self._ignored = () if records.envelope is None else records.envelope.others
        self._ranges = ranges
        stored, size = file.stored_bytes(), ranges[-1][1]
        self._budget = CellBudget(file.name, file.limits, size if stored is None else stored, size)
        self._found = found
        self._objects = 0
        self._lock = Lock()

    def read(self, columns: AbstractSet[str] | None = None) -> Iterator[pl.DataFrame]:
        """Yield the slices as frames.

        Args:
            columns: The columns wanted; None for all.

        Raises:
            ReadLimitError: The table has more cells than the limits of the file allow.
            FileContentError: A record is no JSON, or no object.
            SlicesChangedError: The records have members or values that those before had not.
            UnlikeSlicesError: Values of several kinds, or numbers that count as they are written,
                are for a look at all records.
        """
        rows = self._objects = 0
        cores = pl.thread_pool_size()
        with (
            self._path.open("rb") as stream,
            _mapped(stream.fileno()) as data,
            ThreadPoolExecutor(cores, "algomancy-data json") as pool,
        ):
            if self._found.dtype is None:
                self._widen(pool, data, self._ranges[:1])
            if has_spelled_floats(self._found.dtype, self._plan.root):
                raise UnlikeSlicesError
            parsed: deque[Future[ArrowArray | None]] = deque()
            following = iter(self._ranges)
            for position in range(len(self._ranges)):
                parsed.extend(
                    pool.submit(self._parsed, data[start:end])
                    for start, end in islice(following, cores - len(parsed))
                )
                array = self._result(parsed.popleft(), data, position, rows)
                if array is None:
                    self._widen(pool, data, self._ranges[position:])
                    raise SlicesChangedError
                rows += len(array)
                frame = flat_frame(array, self._plan.root)
                self._limits.check_shape(self._name, rows, frame.width)
                yield (
                    frame if columns is None else frame.select(sorted(columns & set(frame.columns)))
                )
            if columns is None:
                self._warn(self._ignored)

    def _parsed(self, piece: bytes) -> ArrowArray | None:
        """Return the records of a slice; None if they are of another type.

        Raises:
            UnlikeSlicesError: The parser may have changed a value.
        """
        dtype = self._found.dtype
        if self._budget.needs_count(dtype):
            with self._lock:
                self._objects += piece.count(b"{")
                self._budget.check(dtype, self._objects)
        try:
            array = parse(piece, in_list=self._in_list, expected=dtype)
        except (UnexpectedTypeError, DisagreementError):
            return None
        if has_inexact_numbers(array) or lists_lack_members(array, self._plan.root):
            raise UnlikeSlicesError
        return array

    def _result(
        self, parsed: Future[ArrowArray | None], data: mmap.mmap, position: int, rows: int
    ) -> ArrowArray | None:
        """Return what a slice was parsed to, or say where in the file its fault is."""
        start, end = self._ranges[position]
        try:
            return parsed.result()
        except MalformedError:
            if self._in_list:
                raise UnlikeSlicesError from None
            lines = sum(
                data[at : min(at + _READ, start)].count(b"\n") for at in range(0, start, _READ)
            )
            raise diagnose(self._name, data[start:end], lines, rows) from None
        except UnreadableError as error:
            raise FileContentError(f"File {self._name!r} cannot be read: {error}.") from error

    def _widen(
        self, pool: ThreadPoolExecutor, data: mmap.mmap, ranges: list[tuple[int, int]]
    ) -> None:
        """Widen the type by that of some slices."""

        def find(limits: tuple[int, int]) -> ArrowType | None:
            try:
                return self._budget.find_type(data[slice(*limits)], in_list=self._in_list)
            except MalformedError:
                return None  # which is told of when the slice is read

        try:
            self._found.widen(pool.map(find, ranges))
        except UnreadableError as error:
            raise FileContentError(f"File {self._name!r} cannot be read: {error}.") from error
