"""A table that lies in several files: one after the other, under one set of columns."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple, Protocol

import polars as pl

from algomancy_data.errors import FileContentError
from algomancy_data.extractor.conversion import DataTypeConverter, convert_pieces
from algomancy_data.frames.side_by_side import side_by_side
from algomancy_data.metrics import NO_PHASE
from algomancy_data.schema import DataType
from algomancy_data.schema.kinds import column_type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.extractor.conversion import ConversionIssue
    from algomancy_data.extractor.evolution import Evolution
    from algomancy_data.extractor.extracted import Reading
    from algomancy_data.file import File, FilePart
    from algomancy_data.messages import ValidationMessage
    from algomancy_data.metrics import Phase
    from algomancy_data.schema import ReadLimits, Schema


class ReadParts(Protocol):
    """Reads the files of a table."""

    def __call__(
        self, files: Sequence[FilePart], as_text: frozenset[str]
    ) -> Iterable[tuple[pl.DataFrame, Reading]]:
        """Yield what each file holds, not yet converted, and what was noticed.

        Args:
            files: The parts in order.
            as_text: Columns to return as text, if the content is text.
        """
        ...


@dataclass(frozen=True, eq=False)
class Part:
    """A part as it was read."""

    label: str
    frame: pl.DataFrame
    reading: Reading

    @property
    def columns(self) -> PartColumns:
        """Which columns it has."""
        return PartColumns(self.label, self.frame.columns)


class PartColumns(NamedTuple):
    """Which columns a part has."""

    label: str
    names: Sequence[str]


class SlicePart(Protocol):
    """Reads one file of a table in slices."""

    def __call__(
        self, file: File, first_row: int, columns: AbstractSet[str] | None
    ) -> tuple[Iterable[pl.DataFrame], Reading]:
        """Return what the file holds, not yet converted, and what will be noticed.

        Args:
            file: The part.
            first_row: How many rows the parts before it have.
            columns: The columns wanted, as they are written; None for all.
        """
        ...


@dataclass(frozen=True, eq=False)
class PartPlaces:
    """Where the parts of a table are.

    Args:
        labels: The parts in order.
        starts: Number of the first row of each.
    """

    labels: Sequence[str]
    starts: Sequence[int]

    def located(self, issue: ConversionIssue) -> ConversionIssue:
        """Return the issue with the parts that its rows are in."""
        numbers = dict.fromkeys(bisect_right(self.starts, row) - 1 for row in issue.rows)
        if not numbers:
            return issue
        listed = ", ".join(f"{self.labels[n]!r} (from row {self.starts[n]})" for n in numbers)
        word = "Part" if len(numbers) == 1 else "Parts"
        return replace(issue, reason=f"{issue.reason} {word}: {listed}.")


@dataclass(frozen=True, eq=False)
class PartedTable:
    """A table that was put together.

    Args:
        frame: All rows.
        issues: What was noticed.
        lost: Columns that cannot be converted again without some of the rows.
        places: Which rows are of which part.
        notes: How the parts were read, where that had to be found out.
    """

    frame: pl.DataFrame
    issues: Sequence[ConversionIssue]
    lost: AbstractSet[str]
    places: PartPlaces
    notes: Sequence[ValidationMessage]


class PartSlices:
    """A table in several files, slice after slice.

    Args:
        read: Reads one of them.
        files: The parts in order.
        table: Name of the table.
        evolution: What becomes of columns that are not as declared.
        first_row: How many rows of the table come before them.
    """

    def __init__(
        self,
        read: SlicePart,
        files: Sequence[FilePart],
        table: str,
        evolution: Evolution,
        first_row: int = 0,
    ) -> None:
        self._read = read
        self._evolution = evolution
        self._first_row = first_row
        self._files = files
        self._table = table
        self._readings: list[Reading] = []

    @property
    def issues(self) -> list[ConversionIssue]:
        """What was noticed when all columns were read."""
        return [issue for reading in self._readings for issue in reading.issues]

    @property
    def notes(self) -> list[ValidationMessage]:
        """How the parts were read then, where that had to be found out."""
        return [note for reading in self._readings for note in reading.notes]

    @property
    def lost(self) -> frozenset[str]:
        """The columns that cannot be converted again without some rows of a part."""
        return frozenset(column for reading in self._readings for _, column in reading.pieces)

    @property
    def places(self) -> PartPlaces:
        """Which rows are of which part."""
        starts = [reading.first_row for reading in self._readings]
        return PartPlaces([file.label for file in self._files], starts)

    def read(self, columns: AbstractSet[str] | None = None) -> Iterator[pl.DataFrame]:
        """Yield the slices of the parts in order, each with the columns of the first.

        Args:
            columns: The columns wanted, as they are written; None for all.

        Raises:
            FileContentError: Parts have different columns.
        """
        first: Part | None = None
        readings: list[Reading] = []
        rows = self._first_row
        for file in self._files:
            # Without a column a slice has no height: where only keys are wanted, all are read.
            of_file = ((columns or frozenset()) - file.keys.keys()) or None
            frames, reading = self._read(file.file, rows, of_file)
            readings.append(reading)
            for given in frames:
                frame = _with_keys(given, file, self._table)
                frame = self._evolution.part_of(frame, reading, columns)
                part = Part(file.label, frame, reading)
                first = first or part
                check_columns([first.columns, part.columns], self._table)
                rows += frame.height
                file.file.limits.check_shape(self._table, rows, frame.width)
                # Without a column, a selection has no rows.
                yield _selected(frame, first.frame.columns)
        if columns is None:
            self._readings = readings


def read_table(
    read: ReadParts,
    files: Sequence[FilePart],
    table: str,
    schema: type[Schema],
    evolution: Evolution,
    phase: Phase,
    *,
    can_give_text: bool,
    may_lack_columns: bool,
) -> PartedTable:
    """Read the parts of a table and put them together, not yet converted.

    Args:
        read: Reads them.
        files: The parts in order.
        table: Name of the table.
        schema: What declares it.
        evolution: What becomes of columns that are not as declared.
        phase: Told of the rows of each part once it is read.
        can_give_text: Whether their content is text: columns that differ are read as text then.
        may_lack_columns: Whether a column that a part lacks is null there, and no mistake.

    Raises:
        FileContentError: Parts have different columns, or columns that do not go together.
    """
    parts = _read(read, files, table, frozenset(), evolution, phase)
    if may_lack_columns:
        parts = _filled(parts, files[0].file.limits, table, schema)
    else:
        check_columns([part.columns for part in parts], table)
    names = parts[0].frame.columns
    differing = _differing(parts)
    # A part that lacks a column has nothing to read as text.
    as_text = frozenset(n for n in differing if len(_dtypes(parts, n).keys() - {pl.Null()}) > 1)
    if can_give_text and as_text:
        # Their rows are told of once.
        parts = _read(read, files, table, as_text, evolution, NO_PHASE)
        differing = _differing(parts)
    issues = [issue for part in parts for issue in part.reading.issues]
    # The pieces of a part are not those of the whole.
    lost = {column for part in parts for _, column in part.reading.pieces}
    unified: dict[str, pl.Series] = {}
    for name in differing:
        values = _unified(parts, name, table, schema, issues)
        if values is None:
            lost.add(name)
            values = _as_text(parts, name)  # the conversion that follows says what is wrong with it
        unified[name] = values
    # Without a copy: the chunks of each part follow each other.
    same = [name for name in names if name not in unified]
    whole = pl.concat([_selected(part.frame, same) for part in parts], rechunk=False)
    frame = whole
    if unified or not names:
        frame = side_by_side(unified[n] if n in unified else whole[n] for n in names)
    places = places_of(files, [part.frame.height for part in parts])
    notes = [note for part in parts for note in part.reading.notes]
    return PartedTable(frame, issues, lost, places, notes)


def places_of(files: Iterable[FilePart], heights: Iterable[int]) -> PartPlaces:
    """Return where parts are that have so many rows."""
    starts = list(accumulate(heights, initial=0))
    return PartPlaces([file.label for file in files], starts)


def _read(
    read: ReadParts,
    files: Sequence[FilePart],
    table: str,
    as_text: frozenset[str],
    evolution: Evolution,
    phase: Phase,
) -> list[Part]:
    parts: list[Part] = []
    first_row = width = 0
    for file, (given, reading) in zip(files, read(files, as_text), strict=True):
        frame = evolution.part_of(_with_keys(given, file, table), reading)
        first_row += frame.height
        # Each part keeps the limits by itself; that all of them do is known part by part.
        width = max(width, frame.width)
        file.file.limits.check_shape(table, first_row, width)
        phase.advance(frame.height)
        parts.append(Part(file.label, frame, reading))
    return parts


def _with_keys(frame: pl.DataFrame, file: FilePart, table: str) -> pl.DataFrame:
    for key in file.keys:
        if key in frame.columns:
            msg = (
                f"File {table!r}, part {file.label!r}: the column {key!r} is in the file "
                f"and in the name of its folder. Rename one of them."
            )
            raise FileContentError(msg)
    if not file.keys:
        return frame
    return frame.with_columns(
        pl.Series(key, [value], pl.String).new_from_index(0, frame.height)
        for key, value in file.keys.items()
    )


def _selected(frame: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    # A selection is a query of its own, even of all columns.
    return frame if frame.columns == names else frame.select(names)


# --- columns --------------------------------------------------------------------------------


def check_columns(parts: Sequence[PartColumns], table: str) -> None:
    """Make sure that all parts of a table have the same columns.

    Raises:
        FileContentError: They do not.
    """
    first = parts[0]
    expected = set(first.names)
    for part in parts[1:]:
        columns = set(part.names)
        if columns == expected:
            continue
        missing = ", ".join(repr(n) for n in first.names if n not in columns)
        more = ", ".join(repr(name) for name in part.names if name not in expected)
        differences = [f"lacks {missing}"] if missing else []
        differences += [f"has {more} besides"] if more else []
        msg = (
            f"File {table!r}: part {part.label!r} {' and '.join(differences)}, compared "
            f"with part {first.label!r}. All parts of a table need the same columns."
        )
        raise FileContentError(msg)


def all_columns(
    parts: Iterable[PartColumns], declared: Container[str], is_null: Callable[[str], bool]
) -> list[str]:
    """Return the columns of a table whose parts may lack some.

    A member that is null throughout a part, and an object in another, has the columns of the
    object only.

    Args:
        parts: The columns of each part.
        declared: Columns that are there in any case.
        is_null: Tells whether a column is null throughout all parts.
    """
    found = dict.fromkeys(name for part in parts for name in part.names)
    objects = {name[:end] for name in found for end in _ends_of_objects(name)}
    return [name for name in found if name not in objects or name in declared or not is_null(name)]


def _filled(
    parts: Sequence[Part], limits: ReadLimits, table: str, schema: type[Schema]
) -> list[Part]:
    """Give every part the columns of all parts, null where it has none."""
    columns = [part.columns for part in parts]
    names = all_columns(columns, schema.datatypes(), lambda name: _is_null(parts, name))
    limits.check_shape(table, sum(part.frame.height for part in parts), len(names))
    nothing = pl.Series([None], dtype=pl.Null)
    return [
        replace(
            part,
            frame=part.frame.with_columns(
                nothing.alias(name).new_from_index(0, part.frame.height)
                for name in names
                if name not in part.frame.columns
            ).select(names),
        )
        for part in parts
    ]


def _is_null(parts: Iterable[Part], name: str) -> bool:
    return all(part.frame.schema.get(name, pl.Null) == pl.Null for part in parts)


def _differing(parts: Sequence[Part]) -> list[str]:
    """Return the columns that have another dtype in another part."""
    # Polars makes a schema anew each time.
    first, *others = (part.frame.schema for part in parts)
    return [name for name, dtype in first.items() if any(it[name] != dtype for it in others)]


def _dtypes(parts: Iterable[Part], name: str) -> dict[PolarsDataType, Part]:
    """Return the first part of each dtype that a column has."""
    found: dict[PolarsDataType, Part] = {}
    for part in parts:
        found.setdefault(part.frame.schema[name], part)
    return found


def _unified(
    parts: Sequence[Part],
    name: str,
    table: str,
    schema: type[Schema],
    issues: list[ConversionIssue],
) -> pl.Series | None:
    """Return a column that has different dtypes in different parts, None if that cannot be.

    Args:
        parts: The parts.
        name: Name of the column.
        table: Name of the table.
        schema: What declares it.
        issues: List to append what is said about the values.

    Raises:
        FileContentError: Nothing says what the column is.
    """
    found = _dtypes(parts, name)
    if (dtype := _common(list(found))) is not None:
        return pl.concat([part.frame[name].cast(dtype) for part in parts])
    target = schema.datatypes().get(name)
    if target is None:
        listed = " and ".join(f"{d} in {part.label!r}" for d, part in found.items())
        msg = (
            f"File {table!r}: the column {name!r} is {listed}. Declare it in schema "
            f"{schema.__name__!r}, or write all parts alike."
        )
        raise FileContentError(msg)
    pieces = [_piece(parts, name, dtype) for dtype in found]
    values = convert_pieces(pieces, column_type_of(target), table, issues)
    return values.alias(name) if isinstance(values, pl.Series) else None


def _as_text(parts: Iterable[Part], name: str) -> pl.Series:
    texts = [
        DataTypeConverter.convert_dtypes(part.frame.select(name), {name: DataType.STRING})
        for part in parts
    ]
    return pl.concat([text.to_series().cast(pl.String) for text in texts])


def _piece(parts: Iterable[Part], name: str, dtype: PolarsDataType) -> pl.Series:
    """Return the whole column, null in the parts that have another dtype."""
    return pl.concat(
        [
            values
            if values.dtype == dtype
            else pl.Series(name, [None], dtype).new_from_index(0, len(values))
            for values in (part.frame[name] for part in parts)
        ]
    )


def _ends_of_objects(name: str) -> list[int]:
    """Return where the names of the objects end that a member named after its path is in."""
    return [position for position, letter in enumerate(name) if letter == "."]


def _common(dtypes: list[PolarsDataType]) -> PolarsDataType | None:
    """Return a dtype that holds all values of some dtypes, or None."""
    known = [dtype for dtype in dtypes if dtype != pl.Null]
    if len(known) == 1:
        return known[0]
    for family in ("is_signed_integer", "is_unsigned_integer", "is_float"):
        if all(getattr(dtype, family)() for dtype in known):
            return max(known, key=_bits)
    return None


def _bits(dtype: PolarsDataType) -> int:
    return int("".join(letter for letter in str(dtype) if letter.isdigit()))
