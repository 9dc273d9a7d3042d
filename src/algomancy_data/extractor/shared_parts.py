"""The parts of a table, read by several workers.

A worker converts its part as if it were the whole table, writes it to a file that is mapped here,
and says in which form each column is written. These forms are joined like those of slices: a column
whose parts do not all convert at once, or not alike, is read a second time, and all its values
decide. Parts that do not go together in this way are only read by workers.

Row numbers begin anew in each part. One of which something is noticed is read once more, as soon as
it is known how many rows come before it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

import polars as pl

from algomancy_data.executors.sharing import Share, each_in_order
from algomancy_data.extractor.extracted import reading_failures
from algomancy_data.extractor.parts import (
    PartColumns,
    PartedTable,
    PartSlices,
    all_columns,
    check_columns,
    places_of,
)
from algomancy_data.extractor.slices import (
    ColumnForm,
    Conversion,
    SlicesChangedError,
    UnlikeSlicesError,
    write_unconverted,
)
from algomancy_data.frames.exchange import exchange_directory, remove_mapped
from algomancy_data.frames.mapped import MappedFrames, frame_at, is_exact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.executors.workers import Workers
    from algomancy_data.extractor.conversion import ConversionIssue
    from algomancy_data.extractor.evolution import Evolution
    from algomancy_data.extractor.extracted import Reading
    from algomancy_data.extractor.parts import ReadParts, SlicePart
    from algomancy_data.file import File, FilePart
    from algomancy_data.logs import Logger
    from algomancy_data.messages import ValidationMessage
    from algomancy_data.metrics import Phase
    from algomancy_data.schema.types import ColumnType, TextConventions

_Result = TypeVar("_Result")


class ReadPart(Protocol):
    """Reads one file of a table; can be pickled."""

    def __call__(
        self, file: File, first_row: int, as_text: frozenset[str]
    ) -> tuple[pl.DataFrame, Reading]:
        """Return what the file holds, not yet converted, and what was noticed.

        Args:
            file: The part.
            first_row: How many rows the parts before it have.
            as_text: Columns to return as text, if the content is text.
        """
        ...


@dataclass(frozen=True)
class PartConverter:
    """What a worker needs to know of a table; can be pickled.

    Args:
        read: Reads one of the files in slices.
        table: Name of the table.
        types: Declared type by column.
        conventions: How text is written.
        evolution: What becomes of columns that are not as declared.
        check: Raises if a slice is beyond the limits of the file.
        may_lack_columns: Whether a column that a part lacks is null there, and no mistake.
    """

    read: SlicePart
    table: str
    types: Mapping[str, ColumnType]
    conventions: TextConventions
    evolution: Evolution
    check: Callable[[pl.DataFrame], object]
    may_lack_columns: bool


@dataclass(frozen=True, eq=False)
class ConvertedPart:
    """A part that is converted as if it were the whole table.

    Args:
        schema: What its file holds.
        given: The dtypes in which its columns were read.
        height: How many rows.
        forms: How each column is written.
        issues: What was noticed while it was read.
        notes: How it was read, where that had to be found out.
        lost: Columns that cannot be converted again without some of the rows.
    """

    schema: pl.Schema
    given: Mapping[str, PolarsDataType]
    height: int
    forms: Mapping[str, ColumnForm]
    issues: Sequence[ConversionIssue]
    notes: Sequence[ValidationMessage]
    lost: AbstractSet[str]


def convert_shared(
    workers: Workers,
    converter: PartConverter,
    files: Sequence[FilePart],
    phase: Phase,
    logger: Logger,
    *,
    is_large: bool,
) -> PartedTable:
    """Return a table whose memory is files, converted; what did not convert is as it is there.

    Args:
        workers: Who reads the parts.
        converter: How.
        files: The parts in order.
        phase: Told of the rows; says who takes them.
        logger: Told what workers say of the parts.
        is_large: Whether rows may be written while others are still read.

    Raises:
        FileContentError: A part cannot be read, or has other columns than the first.
        UnlikeSlicesError: Columns do not go together unless they are looked at as a whole.
        ExecutorError: Workers are killed by a part, or there are none.
    """
    table = converter.table
    conversion = Conversion(table, converter.types, converter.conventions)
    with exchange_directory() as directory:
        places = [directory / str(number) for number in range(len(files))]
        parts, frames, names = _converted(
            workers, converter, files, places, conversion, phase, logger, is_large=is_large
        )
        whole = _together(frames, names, conversion.forms)
        issues: list[ConversionIssue] = []
        if conversion.unsettled:
            columns = frozenset(conversion.unsettled)
            shares = [
                Share(_name(table, file), (converter, file, columns, place))
                for file, place in zip(files, places, strict=True)
            ]
            schemas = each_in_order(workers, _write_unconverted, shares)
            unconverted = [_fetched(*one) for one in zip(places, schemas, strict=True)]
            raw = pl.concat(_alike(unconverted), rechunk=False)
            whole, issues = conversion.with_unsettled(whole, raw)
    sink = phase.sink if is_large else None
    if sink is not None and all(frame.schema == whole.schema for frame in frames):
        sink.end(table, whole)
    elif sink is not None:
        sink.drop(table)
    where = places_of(files, (part.height for part in parts))
    noticed = [part.issues for part in parts]
    late = [number for number, found in enumerate(noticed) if found and where.starts[number]]
    shares = [
        Share(_name(table, files[number]), (converter, files[number], where.starts[number]))
        for number in late
    ]
    for number, found in zip(late, each_in_order(workers, _notice, shares), strict=True):
        noticed[number] = found
    all_issues = [*(issue for found in noticed for issue in found), *issues]
    notes = [note for part in parts for note in part.notes]
    lost = frozenset[str]().union(*(part.lost for part in parts))
    return PartedTable(whole, all_issues, lost, where, notes)


def _converted(
    workers: Workers,
    converter: PartConverter,
    files: Sequence[FilePart],
    places: Sequence[Path],
    conversion: Conversion,
    phase: Phase,
    logger: Logger,
    *,
    is_large: bool,
) -> tuple[list[ConvertedPart], list[pl.DataFrame], Sequence[str]]:
    """Have all parts converted, and join the forms of their columns; return these as well."""
    table = converter.table
    sink = phase.sink if is_large else None
    parts: list[ConvertedPart] = []
    frames: list[pl.DataFrame] = []
    columns: list[PartColumns] = []
    rows = 0
    shares = [
        Share(_name(table, file), (converter, file, place))
        for file, place in zip(files, places, strict=True)
    ]
    for number, part in enumerate(each_in_order(workers, _convert, shares, logger)):
        rows += part.height
        files[number].file.limits.check_shape(table, rows, len(part.schema))
        phase.advance(part.height)
        parts.append(part)
        columns.append(PartColumns(files[number].label, part.schema.names()))
        if converter.may_lack_columns:
            frame = _fetched(places[number], part.schema)
        elif part.schema.keys() == parts[0].schema.keys():
            frame = _fetched(places[number], part.schema).select(columns[0].names)
        else:
            continue  # once all parts are read, it is said which columns differ
        conversion.join(part.forms)
        frames.append(frame)
        if sink is not None:
            if conversion.unsettled or frame.schema != frames[0].schema:
                sink.drop(table)
            else:
                sink.take(table, frame)
    _check_nulls(parts)
    if not converter.may_lack_columns:
        check_columns(columns, table)
        return parts, frames, columns[0].names
    forms, declared = conversion.forms, converter.types
    names = all_columns(columns, declared, lambda name: not forms[name].has_values)
    files[0].file.limits.check_shape(table, rows, len(names))
    return parts, frames, names


def _check_nulls(parts: Sequence[ConvertedPart]) -> None:
    """Refuse columns that are null in one part, but of a dtype, and of another one in another.

    Raises:
        UnlikeSlicesError: There is one: both dtypes decide what the whole column is.
    """
    given: dict[str, set[PolarsDataType]] = {}
    for part in parts:
        for name, dtype in part.given.items():
            given.setdefault(name, set()).add(dtype)
    for part in parts:
        for name, dtype in part.given.items():
            is_null = dtype != pl.Null() and not part.forms[name].has_values
            if is_null and given[name] - {dtype, pl.Null()}:
                raise UnlikeSlicesError


def _fetched(place: Path, schema: pl.Schema) -> pl.DataFrame:
    if not schema:  # of a part without rows, there may be no columns either
        return pl.DataFrame()
    frame = frame_at(place, schema)
    remove_mapped(place)
    return frame


def _together(
    frames: Sequence[pl.DataFrame], names: Sequence[str], forms: Mapping[str, ColumnForm]
) -> pl.DataFrame:
    """Return the parts as one frame; what is not settled, or null throughout a part, is null."""
    dtypes: dict[str, PolarsDataType] = {}
    for name in names:
        form = forms[name]
        is_known = form.is_settled and form.dtype is not None
        dtypes[name] = form.dtype if is_known and form.dtype is not None else pl.Null()
    return pl.concat([_in_dtypes(frame, dtypes) for frame in frames], rechunk=False)


def _alike(frames: Sequence[pl.DataFrame]) -> list[pl.DataFrame]:
    """Return parts as they are, where those that have no value of a column do not count.

    Raises:
        UnlikeSlicesError: A column has another dtype in another part.
    """
    dtypes: dict[str, PolarsDataType] = {}
    for frame in frames:
        for name, dtype in frame.schema.items():
            if dtypes.setdefault(name, dtype) == pl.Null():
                dtypes[name] = dtype
            elif dtype not in {dtypes[name], pl.Null()}:
                raise UnlikeSlicesError
    return [_in_dtypes(frame, dtypes) for frame in frames]


def _in_dtypes(frame: pl.DataFrame, dtypes: Mapping[str, PolarsDataType]) -> pl.DataFrame:
    """Return a frame with some columns, null where it has none of that dtype."""
    return frame.with_columns(
        pl.Series(name, [None], dtype).new_from_index(0, frame.height)
        for name, dtype in dtypes.items()
        if frame.schema.get(name) != dtype
    ).select(dtypes.keys())


def shared_reader(workers: Workers, read: ReadPart, table: str, logger: Logger) -> ReadParts:
    """Return what reads the parts of a table by workers.

    Args:
        workers: Who reads the parts.
        read: How.
        table: Name of the table.
        logger: Told what workers say of the parts.
    """

    def read_parts(
        files: Sequence[FilePart], as_text: frozenset[str]
    ) -> Iterable[tuple[pl.DataFrame, Reading]]:
        def share(file: FilePart, first_row: int) -> Share:
            return Share(_name(table, file), (read, table, file.file, first_row, as_text))

        found = list(each_in_order(workers, _read, [share(file, 0) for file in files], logger))
        starts = accumulate((frame.height for frame, _ in found), initial=0)
        late = [
            (number, start)
            for number, (start, (_, reading)) in enumerate(zip(starts, found, strict=False))
            if start and reading.issues
        ]
        again = each_in_order(
            workers, _read, [share(files[number], start) for number, start in late]
        )
        for (number, _), one in zip(late, again, strict=True):
            found[number] = one
        return found

    return read_parts


def _name(table: str, file: FilePart) -> str:
    return f"Part {file.label!r} of file {table!r}"


# --- in workers ------------------------------------------------------------------------------


def _convert(converter: PartConverter, file: FilePart, place: Path) -> ConvertedPart:
    return _settled(partial(_converted_part, converter, file, place), converter.table)


def _converted_part(converter: PartConverter, file: FilePart, place: Path) -> ConvertedPart:
    slices = PartSlices(converter.read, [file], converter.table, converter.evolution)
    conversion = Conversion(converter.table, converter.types, converter.conventions)
    height, given = 0, dict[str, "PolarsDataType"]()
    with MappedFrames(place) as frames:
        for frame in slices.read():
            converter.check(frame)
            given |= frame.schema
            converted = conversion.take(frame)
            if not frame.width and not frame.height and converter.may_lack_columns:
                continue
            # A file of batches has no rows without columns, either.
            if not (frame.width and is_exact(converted.schema)):
                raise UnlikeSlicesError
            frames.write(converted)
            height += frame.height
        schema = frames.written()
    forms = conversion.forms
    return ConvertedPart(schema, given, height, forms, slices.issues, slices.notes, slices.lost)


def _write_unconverted(
    converter: PartConverter, file: FilePart, columns: AbstractSet[str], place: Path
) -> pl.Schema:
    read = converter.read
    slices = PartSlices(
        _WithColumns(read) if converter.may_lack_columns else read,
        [file],
        converter.table,
        converter.evolution,
    )

    def write() -> pl.Schema:
        with MappedFrames(place) as frames:
            write_unconverted(slices, columns, frames)
            return frames.written()

    return _settled(write, converter.table)


class _WithColumns(NamedTuple):
    """Reads a file, whose slices have all columns that are wanted, null where it lacks them."""

    read: SlicePart

    def __call__(
        self, file: File, first_row: int, columns: AbstractSet[str] | None
    ) -> tuple[Iterable[pl.DataFrame], Reading]:
        frames, reading = self.read(file, first_row, columns)
        return (_with_columns(frame, columns or frozenset()) for frame in frames), reading


def _with_columns(frame: pl.DataFrame, columns: AbstractSet[str]) -> pl.DataFrame:
    return frame.with_columns(
        pl.Series(name, [None], pl.Null()).new_from_index(0, frame.height)
        for name in sorted(columns - set(frame.columns))
    )


def _notice(converter: PartConverter, file: FilePart, first_row: int) -> Sequence[ConversionIssue]:
    table, evolution = converter.table, converter.evolution

    def notice() -> Sequence[ConversionIssue]:
        slices = PartSlices(converter.read, [file], table, evolution, first_row)
        for _ in slices.read():
            pass
        return slices.issues

    return _settled(notice, table)


def _settled(read: Callable[[], _Result], table: str) -> _Result:
    """Return what the reading of a part gives, once the type of its slices is known."""
    with reading_failures(table):
        while True:
            with suppress(SlicesChangedError):
                return read()


def _read(
    read: ReadPart, table: str, file: File, first_row: int, as_text: frozenset[str]
) -> tuple[pl.DataFrame, Reading]:
    with reading_failures(table):
        return read(file, first_row, as_text)
