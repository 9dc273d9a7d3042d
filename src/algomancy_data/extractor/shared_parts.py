"""The parts of a table, read by several workers.

Where parts come in slices, a worker converts its part as if it were the whole table, writes it to a
file that is mapped here, and says in which form each column is written. These forms are joined like
those of slices: a column whose parts do not all convert at once, or not alike, is read a second
time, and all its values decide. Whatever else has parts is only read by workers.

Row numbers begin anew in each part. One of which something is noticed is read once more, as soon as
it is known how many rows come before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Protocol

import polars as pl
from polars.exceptions import PolarsError

from algomancy_data.engine_failures import engine_failures
from algomancy_data.errors import FileContentError
from algomancy_data.executors.sharing import Share, each_in_order
from algomancy_data.extractor.parts import (
    PartColumns,
    PartedTable,
    PartSlices,
    check_columns,
    places_of,
)
from algomancy_data.extractor.slices import (
    ColumnForm,
    Conversion,
    UnlikeSlicesError,
    write_unconverted,
)
from algomancy_data.frames.handed import handing_directory, let_go_of
from algomancy_data.frames.mapped import MappedFrames, frame_at, is_exact
from algomancy_data.frames.sinks import current_sink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from contextlib import AbstractContextManager
    from pathlib import Path

    from algomancy_data.executors.hands import Hands
    from algomancy_data.extractor.conversion import ConversionIssue
    from algomancy_data.extractor.evolution import Evolution
    from algomancy_data.extractor.extracted import Reading
    from algomancy_data.extractor.parts import ReadParts, SlicePart
    from algomancy_data.file import File, FilePart
    from algomancy_data.logs import Logger
    from algomancy_data.messages import ValidationMessage
    from algomancy_data.metrics import Phase
    from algomancy_data.schema.types import ColumnType, TextConventions


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
    """

    read: SlicePart
    table: str
    types: Mapping[str, ColumnType]
    conventions: TextConventions
    evolution: Evolution
    check: Callable[[pl.DataFrame], object]


@dataclass(frozen=True, eq=False)
class ConvertedPart:
    """A part that is converted as if it were the whole table.

    Args:
        schema: What its file holds.
        height: How many rows.
        forms: How each column is written.
        issues: What was noticed while it was read.
        notes: How it was read, where that had to be found out.
    """

    schema: pl.Schema
    height: int
    forms: Mapping[str, ColumnForm]
    issues: Sequence[ConversionIssue]
    notes: Sequence[ValidationMessage]


def convert_shared(
    hands: Hands,
    converter: PartConverter,
    files: Sequence[FilePart],
    phase: Phase,
    logger: Logger,
    *,
    is_large: bool,
) -> PartedTable:
    """Return a table whose memory is files, converted; what did not convert is as it is there.

    Args:
        hands: Whoever reads the parts.
        converter: How.
        files: The parts in order.
        phase: Told of the rows.
        logger: Told what workers say of the parts.
        is_large: Whether rows may be written while others are still read.

    Raises:
        FileContentError: A part cannot be read, or has other columns than the first.
        UnlikeSlicesError: Columns do not go together unless they are looked at as a whole.
        ExecutorError: Workers are killed by a part, or there are none.
    """
    table = converter.table
    conversion = Conversion(table, converter.types, converter.conventions)
    with handing_directory() as directory:
        places = [directory / str(number) for number in range(len(files))]
        parts, frames = _converted(
            hands, converter, files, places, conversion, phase, logger, is_large=is_large
        )
        whole = _together(frames, conversion.forms)
        issues: list[ConversionIssue] = []
        if conversion.unsettled:
            columns = frozenset(conversion.unsettled)
            shares = [
                Share(_name(table, file), (converter, file, columns, place))
                for file, place in zip(files, places, strict=True)
            ]
            schemas = each_in_order(hands, _write_unconverted, shares)
            unconverted = [_fetched(*one) for one in zip(places, schemas, strict=True)]
            if any(frame.schema != unconverted[0].schema for frame in unconverted):
                raise UnlikeSlicesError
            raw = pl.concat(unconverted, rechunk=False)
            whole, issues = conversion.with_unsettled(whole, raw)
    sink = current_sink() if is_large else None
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
    for number, found in zip(late, each_in_order(hands, _notice, shares), strict=True):
        noticed[number] = found
    all_issues = [*(issue for found in noticed for issue in found), *issues]
    notes = [note for part in parts for note in part.notes]
    return PartedTable(whole, all_issues, frozenset(), where, notes)


def _converted(
    hands: Hands,
    converter: PartConverter,
    files: Sequence[FilePart],
    places: Sequence[Path],
    conversion: Conversion,
    phase: Phase,
    logger: Logger,
    *,
    is_large: bool,
) -> tuple[list[ConvertedPart], list[pl.DataFrame]]:
    """Have all parts converted, and join the forms of their columns."""
    table = converter.table
    sink = current_sink() if is_large else None
    parts: list[ConvertedPart] = []
    frames: list[pl.DataFrame] = []
    columns: list[PartColumns] = []
    rows = 0
    shares = [
        Share(_name(table, file), (converter, file, place))
        for file, place in zip(files, places, strict=True)
    ]
    for number, part in enumerate(each_in_order(hands, _convert, shares, logger)):
        rows += part.height
        files[number].file.limits.check_shape(table, rows, len(part.schema))
        phase.advance(part.height)
        parts.append(part)
        columns.append(PartColumns(files[number].label, part.schema.names()))
        if part.schema.keys() != parts[0].schema.keys():
            continue  # once all parts are read, it is said which columns differ
        conversion.join(part.forms)
        frame = _fetched(places[number], part.schema).select(columns[0].names)
        frames.append(frame)
        if sink is not None:
            if conversion.unsettled or frame.schema != frames[0].schema:
                sink.drop(table)
            else:
                sink.take(table, frame)
    check_columns(columns, table)
    return parts, frames


def _fetched(place: Path, schema: pl.Schema) -> pl.DataFrame:
    frame = frame_at(place, schema)
    let_go_of(place)
    return frame


def _together(frames: Sequence[pl.DataFrame], forms: Mapping[str, ColumnForm]) -> pl.DataFrame:
    """Return the parts as one frame; what is not settled, or null throughout a part, is null."""
    dtypes = {
        name: form.dtype if form.is_settled and form.dtype is not None else pl.Null()
        for name, form in forms.items()
    }
    return pl.concat(
        [
            frame.with_columns(
                pl.Series(name, [None], dtype).new_from_index(0, frame.height)
                for name, dtype in dtypes.items()
                if frame.schema[name] != dtype
            )
            for frame in frames
        ],
        rechunk=False,
    )


def shared_reader(hands: Hands, read: ReadPart, table: str, logger: Logger) -> ReadParts:
    """Return what reads the parts of a table by workers.

    Args:
        hands: Whoever reads the parts.
        read: How.
        table: Name of the table.
        logger: Told what workers say of the parts.
    """

    def read_parts(
        files: Sequence[FilePart], as_text: frozenset[str]
    ) -> Iterable[tuple[pl.DataFrame, Reading]]:
        def share(file: FilePart, first_row: int) -> Share:
            return Share(_name(table, file), (read, table, file.file, first_row, as_text))

        found = list(each_in_order(hands, _read, [share(file, 0) for file in files], logger))
        starts = accumulate((frame.height for frame, _ in found), initial=0)
        late = [
            (number, start)
            for number, (start, (_, reading)) in enumerate(zip(starts, found, strict=False))
            if start and reading.issues
        ]
        again = each_in_order(hands, _read, [share(files[number], start) for number, start in late])
        for (number, _), one in zip(late, again, strict=True):
            found[number] = one
        return found

    return read_parts


def _name(table: str, file: FilePart) -> str:
    return f"Part {file.label!r} of file {table!r}"


# --- in workers ------------------------------------------------------------------------------


def _convert(converter: PartConverter, file: FilePart, place: Path) -> ConvertedPart:
    slices = PartSlices(converter.read, [file], converter.table, converter.evolution)
    conversion = Conversion(converter.table, converter.types, converter.conventions)
    height = 0
    with _reading(converter.table), MappedFrames(place) as frames:
        for frame in slices.read():
            converter.check(frame)
            converted = conversion.take(frame)
            # A file of batches has no rows without columns, either.
            if not (frame.width and is_exact(converted.schema)):
                raise UnlikeSlicesError
            frames.write(converted)
            height += frame.height
        schema = frames.written()
    return ConvertedPart(schema, height, conversion.forms, slices.issues, slices.notes)


def _write_unconverted(
    converter: PartConverter, file: FilePart, columns: AbstractSet[str], place: Path
) -> pl.Schema:
    slices = PartSlices(converter.read, [file], converter.table, converter.evolution)
    with _reading(converter.table), MappedFrames(place) as frames:
        write_unconverted(slices, columns, frames)
        return frames.written()


def _notice(converter: PartConverter, file: FilePart, first_row: int) -> Sequence[ConversionIssue]:
    table, evolution = converter.table, converter.evolution
    slices = PartSlices(converter.read, [file], table, evolution, first_row)
    with _reading(table):
        for _ in slices.read():
            pass
    return slices.issues


def _read(
    read: ReadPart, table: str, file: File, first_row: int, as_text: frozenset[str]
) -> tuple[pl.DataFrame, Reading]:
    with _reading(table):
        return read(file, first_row, as_text)


def _reading(table: str) -> AbstractContextManager[None]:
    """Make an error of what ends the reading of a part, also of what cannot be handed back."""
    return engine_failures(FileContentError, f"Reading file {table!r}", (PolarsError,))
