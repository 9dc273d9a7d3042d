"""What every extractor shares."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from contextlib import nullcontext
from functools import cached_property, partial
from typing import TYPE_CHECKING, ClassVar, Final, Self

import polars as pl
from polars.exceptions import PolarsError

from algomancy_data.components import Component, NameOrLogger
from algomancy_data.engine_failures import engine_failures
from algomancy_data.errors import FileContentError, SchemaKindError, UndeclaredTableError
from algomancy_data.executors.sharing import ReturnedLog, lent_hands
from algomancy_data.extractor.conversion import ConversionIssue, DataTypeConverter, Reconversion
from algomancy_data.extractor.evolution import Evolution, ShapedSlices
from algomancy_data.extractor.extracted import Extracted, ExtractedTable, Reading
from algomancy_data.extractor.parts import PartSlices, read_table
from algomancy_data.extractor.shared_parts import PartConverter, convert_shared, shared_reader
from algomancy_data.extractor.slices import UnlikeSlicesError, read_slices
from algomancy_data.file import File
from algomancy_data.file.locations import reading
from algomancy_data.frames.tabular import to_frame, to_frames
from algomancy_data.logs import KeptLog, as_logger, tell
from algomancy_data.metrics import NO_PHASE
from algomancy_data.schema.kinds import column_types
from algomancy_data.schema.read_limits import DEFAULT_LIMITS
from algomancy_data.schema.table_names import group_name, table_name
from algomancy_data.schema.types import TextConventions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from contextlib import AbstractContextManager

    from algomancy_data.executors.hands import Hands
    from algomancy_data.extractor.parts import ReadParts
    from algomancy_data.extractor.slices import Slices
    from algomancy_data.file import FilePart
    from algomancy_data.frames.tabular import Tabular
    from algomancy_data.messages import ValidationMessage
    from algomancy_data.metrics import Phase
    from algomancy_data.schema import Schema
    from algomancy_data.schema.types import ColumnType

# How many times larger than a compressed file its content usually is, at most.
_MOST_PACKED: Final = 20


class Extractor(Component, ABC):
    """Turns one file into frames with the declared types.

    Args:
        file: Where the content comes from.
        schema: What the file holds.
        logger: Where warnings go; the standard library's logger if None.
        name: What it is called in the log. The two may change places: a text is the name.

    Attributes:
        conversion_issues: The columns that could not be converted, or only with a guess; filled
            by :meth:`extract`.
    """

    def __init__(
        self,
        file: File,
        schema: type[Schema],
        logger: NameOrLogger = None,
        name: NameOrLogger = None,
    ) -> None:
        super().__init__(logger, name)
        # Whatever has a name and content will do, for an extractor of a user's own.
        is_ours = isinstance(file, File)  # pyright: ignore[reportUnnecessaryIsInstance]
        self.file = file.within(schema.read_limits()) if is_ours else file
        self.schema = schema
        self.conversion_issues: list[ConversionIssue] = []
        self._reading = Reading(file.name)
        self._phase = NO_PHASE
        # How the columns of each table are converted anew.
        self._again: dict[str, Reconversion] = {}

    @cached_property
    def _conventions(self) -> TextConventions:
        """How text columns are written: as the schema's dialect says, whatever the format."""
        return TextConventions.from_dialect(self.schema.csv_dialect())

    @abstractmethod
    def extract(self) -> dict[str, pl.DataFrame]:
        """Return the frames by logical table name."""

    def extraction(self, phase: Phase = NO_PHASE) -> Extracted:
        """Extract, and return the tables together with what was found in them.

        Args:
            phase: Told of the rows while they are read, as far as the file has parts.

        Raises:
            FileContentError: The file is not what its format or schema says.
            FileNotFoundError: The file is gone.
        """
        self._again = {}
        self._phase = phase  # for `extract`, which users override
        try:
            frames = to_frames(self.extract())  # a user's own may be of another library
        finally:
            self._phase = NO_PHASE
        tables: dict[str, ExtractedTable] = {}
        for name, frame in frames.items():
            issues = [issue for issue in self.conversion_issues if issue.table == name]
            again = self._again.get(name)
            if again is None and issues:
                again = Reconversion(name, self._declared(name), self._conventions)
            tables[name] = ExtractedTable(frame, issues, again, self.schema, self.file.name)
        return Extracted(tables, tuple(self.conversion_issues), self._reading.notes)

    def _declared(self, table: str) -> dict[str, ColumnType]:
        """Return the declared types of a table, none if it is not declared."""
        if self.schema.is_single():
            return column_types(self.schema.datatypes())
        groups = self.schema.datatype_groups()
        return column_types(groups.get(group_name(table, self.file.name), {}))

    def _can_convert_again(
        self, table: str, types: Mapping[str, ColumnType], lost: AbstractSet[str] = frozenset()
    ) -> None:
        """Note how the columns of a table are converted without some of their rows.

        Args:
            table: Its logical name.
            types: Declared type by column.
            lost: Columns that cannot be.
        """
        pieces = {
            column: pieces
            for (name, column), pieces in self._reading.pieces.items()
            if name == table and column not in lost
        }
        self._again[table] = Reconversion(table, types, self._conventions, pieces, lost)

    def _failures(self, method: Callable[[], object]) -> AbstractContextManager[None]:
        """Turn what brings down our own reading into an error; that of a user's own is theirs."""
        return reading_failures(self.file.name) if _is_of_this_package(method) else nullcontext()

    def _system_errors(self, method: Callable[[], object]) -> AbstractContextManager[None]:
        """Make errors of the system those of the file, unless code of a user's own meets them."""
        is_own = all(_is_of_this_package(each) for each in (method, type(self.file)))
        return reading(self.file.name) if is_own else nullcontext()

    def _check_whole(self) -> None:
        """Refuse a file that surely does not fit into memory, before it is read as a whole.

        Raises:
            ReadLimitError: It does not.
        """
        size = self.file.stored_bytes() or 0
        self.file.limits.check_memory(self.file.name, size, size)

    def _start(self) -> None:
        """Forget what an earlier extraction found."""
        self.conversion_issues.clear()
        self._reading = Reading(self.file.name)

    def _report(self, issues: list[ConversionIssue]) -> None:
        """Keep the issues and log them."""
        logger = as_logger(self.logger)
        for issue in issues:
            logger.warning(str(issue))
        self.conversion_issues.extend(issues)


def _is_of_this_package(code: object) -> bool:
    return str(getattr(code, "__module__", "")).startswith("algomancy_data.")


class SingleExtractor(Extractor):
    """Extracts the one table of a SINGLE schema: override :meth:`_extract_file`."""

    can_give_text: ClassVar[bool] = False
    """Whether the content is text, so that any column can be read as it is written."""

    may_lack_columns: ClassVar[bool] = False
    """Whether a part may lack a column that others have, which is null there."""

    unpacks_to: ClassVar[int] = 1
    """About how many times larger than the file its table is in memory."""

    @cached_property
    def _types(self) -> dict[str, ColumnType]:
        """Declared type by column."""
        return column_types(self.schema.datatypes())

    @cached_property
    def _evolution(self) -> Evolution:
        """What becomes of columns that are not as declared."""
        return Evolution.of(self.schema)

    @property
    def _as_text(self) -> frozenset[str]:
        """Columns that must come as text, since they do in another part of the table."""
        return self._reading.as_text

    @abstractmethod
    def _extract_file(self) -> Tabular:
        """Return the table; its columns are converted to the declared types afterwards.

        A Polars frame, or anything else that :func:`~algomancy_data.frames.to_frame` takes.
        """

    def _slices(self) -> Slices | None:
        """Return the table of a file in slices, not yet converted; None where it takes a whole."""
        return None

    def _extracted(self) -> pl.DataFrame:
        with self._system_errors(self._extract_file):
            table = self._extract_file()
        frame = to_frame(table, self._reading.table)
        # What a user's own makes of the content may be longer.
        is_as_read = _is_of_this_package(self._extract_file)
        longest = self._reading.unpacked_bytes if is_as_read else None
        return within_limits(frame, self.file, longest)

    def extract(self) -> dict[str, pl.DataFrame]:
        """Return ``{file.name: frame}``, with the declared columns in their declared types.

        A file that is a directory or pattern of parts gives one frame, the parts in the order of
        their names.

        Raises:
            FileContentError: The file is not what its format or schema says, or its parts have
                different columns.
            FileNotFoundError: The file is gone.
        """
        self._start()
        with self._failures(self._extract_file):
            return self._extract()

    def _extract(self) -> dict[str, pl.DataFrame]:
        is_ours = isinstance(self.file, File)  # pyright: ignore[reportUnnecessaryIsInstance]
        parts = self.file.parts() if is_ours else None
        lost: AbstractSet[str] = frozenset()
        hands = None if parts is None else self._helpers(parts)
        if parts is not None and hands is not None:
            frame, lost = self._shared(hands, parts)
        else:
            frame = self._from_slices(parts)
            if frame is None:
                frame, lost = self._at_once(parts)
        name = self.file.name
        self._can_convert_again(name, self._types, lost)
        return {name: frame}

    def _at_once(self, parts: Sequence[FilePart] | None) -> tuple[pl.DataFrame, AbstractSet[str]]:
        """Return the table, and the columns that cannot be converted again without some rows."""
        if parts is None:
            frame = self._extracted()
            if self.schema.extra_columns() != "keep" or self.schema.missing_columns() != "error":
                frame = self._evolution.part_of(frame, self._reading)
            frame, issues = self._converted(frame)
            self._report([*self._reading.issues, *issues])
            return frame, frozenset()
        return self._put_together(self._read_parts, parts)

    def _put_together(
        self, read: ReadParts, parts: Sequence[FilePart]
    ) -> tuple[pl.DataFrame, AbstractSet[str]]:
        """Return the same of parts that somebody reads."""
        table = read_table(
            read,
            parts,
            self.file.name,
            self.schema,
            self._evolution,
            self._phase,
            can_give_text=self.can_give_text,
            may_lack_columns=self.may_lack_columns,
        )
        frame, issues = self._converted(table.frame)
        self._note(table.notes)
        self._report([table.places.located(issue) for issue in (*table.issues, *issues)])
        return frame, table.lost

    def _from_slices(self, parts: Sequence[FilePart] | None) -> pl.DataFrame | None:
        """Return the table of a large file or of many parts, mapped; None of any other."""
        if not _is_of_this_package(self._extract_file) or not self._is_large(self.file):
            return None
        slices: Slices | None = None
        if parts is None:
            with self._system_errors(self._slices):
                found = self._slices()
            slices = found and ShapedSlices(found, self._evolution, self._reading)
        else:
            slices = self._sliced_parts(parts)
        if slices is None:
            self._check_whole()
            return None
        try:
            with self._system_errors(self._slices):
                frame, issues = read_slices(
                    slices,
                    self.file.name,
                    self._types,
                    self._conventions,
                    self._phase,
                    lambda part: within_limits(part, self.file),
                )
        except UnlikeSlicesError:
            self._check_whole()
            self._reading = Reading(self.file.name)
            return None
        if isinstance(slices, PartSlices):
            issues = [slices.places.located(issue) for issue in (*slices.issues, *issues)]
            self._note(slices.notes)
        self._report([*self._reading.issues, *issues])
        return frame

    def _sliced_parts(self, parts: Sequence[FilePart]) -> PartSlices | None:
        """Return the parts of a table in slices; None where they are taken at once."""
        if self.may_lack_columns:
            return None
        return PartSlices(self._slices_of_part, parts, self.file.name, self._evolution)

    def _helpers(self, parts: Sequence[FilePart]) -> Hands | None:
        """Return who helps to read so many parts, if anybody should."""
        hands = lent_hands()
        is_ours = _is_of_this_package(self._extract_file)
        if hands is None or not is_ours or len(parts) == 1:
            return None
        size = self.file.stored_bytes()
        return None if size is not None and size < hands.least_bytes else hands

    def _shared(
        self, hands: Hands, parts: Sequence[FilePart]
    ) -> tuple[pl.DataFrame, AbstractSet[str]]:
        """Return the table as workers read its parts, and the same as :meth:`_at_once`."""
        reader = copy.copy(self)  # which can be pickled
        reader.logger, reader._phase = ReturnedLog(), NO_PHASE  # noqa: SLF001  it is ours
        logger = as_logger(self.logger)
        name, is_large = self.file.name, self._is_large(self.file)
        converter = PartConverter(
            reader._slices_of_part,  # noqa: SLF001  as above
            name,
            self._types,
            self._conventions,
            self._evolution,
            partial(within_limits, file=self.file),
            self.may_lack_columns,
        )
        kept, before = KeptLog(), self._phase.done_rows
        try:
            with self._system_errors(self._slices):
                table = convert_shared(
                    hands, converter, parts, self._phase, kept, is_large=is_large
                )
        except UnlikeSlicesError:
            self._phase.advance(before - self._phase.done_rows)
        else:
            tell(logger, kept.lines)
            self._note(table.notes)
            self._report([table.places.located(issue) for issue in table.issues])
            return table.frame, table.lost
        if is_large:
            self._check_whole()
        read = shared_reader(hands, reader._read_part, name, logger)  # noqa: SLF001  as above
        with self._system_errors(self._extract_file):
            return self._put_together(read, parts)

    def _is_large(self, file: File) -> bool:
        """Tell whether a table may be too large to be made in memory."""
        most = getattr(file, "limits", DEFAULT_LIMITS).in_memory_bytes
        size = (file.stored_bytes() or 0) * self.unpacks_to
        if most is None or size * _MOST_PACKED <= most:
            return False
        return size > most or file.is_compressed()

    def _slices_of_part(
        self, file: File, first_row: int, columns: AbstractSet[str] | None
    ) -> tuple[Iterable[pl.DataFrame], Reading]:
        reader = self._for_part(file, first_row, frozenset(columns or ()))
        slices = reader._slices() if self._is_large(file) else None  # noqa: SLF001  it is ours
        frames = [reader._extracted()] if slices is None else slices.read(columns)  # noqa: SLF001
        return frames, reader._reading  # noqa: SLF001

    def _read_parts(
        self, files: Sequence[FilePart], as_text: frozenset[str]
    ) -> Iterator[tuple[pl.DataFrame, Reading]]:
        first_row = 0
        for file in files:
            frame, reading = self._read_part(file.file, first_row, as_text)
            first_row += frame.height
            yield frame, reading

    def _note(self, notes: Iterable[ValidationMessage]) -> None:
        """Keep what was noted about parts, each thing once."""
        for note in notes:
            self._reading.note(note)

    def _read_part(
        self, file: File, first_row: int, as_text: frozenset[str]
    ) -> tuple[pl.DataFrame, Reading]:
        reader = self._for_part(file, first_row, as_text)
        return reader._extracted(), reader._reading  # noqa: SLF001  it is ours

    def _for_part(self, file: File, first_row: int, as_text: frozenset[str]) -> Self:
        # `_extract_file`, which users override, takes the file from its extractor: each part has
        # one of its own.
        reader = copy.copy(self)
        reader.file = file
        reader._reading = Reading(self.file.name, first_row, as_text)  # noqa: SLF001  it is ours
        return reader

    def _converted(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[ConversionIssue]]:
        issues: list[ConversionIssue] = []
        with reading_failures(self.file.name):
            frame = DataTypeConverter.convert_dtypes(
                frame,
                self._types,
                issues,
                self.file.name,
                conventions=self._conventions,
            )
        return frame, issues


class MultiExtractor(Extractor):
    """Extracts the tables of a MULTI schema: override :meth:`_extract_files`.

    Args:
        files: Where the content comes from: one file, whose parameter has its name of old.
        schema: The tables of the file.
        logger: Where warnings go; the standard library's logger if None.
        name: What it is called in the log.
    """

    def __init__(
        self,
        files: File,
        schema: type[Schema],
        logger: NameOrLogger = None,
        name: NameOrLogger = None,
    ) -> None:
        super().__init__(files, schema, logger, name)

    def get_extraction_key(self, name: str) -> str:
        """Return the logical name of a column group's table: ``<file>.<group>``."""
        return table_name(self.file.name, name)

    def get_schema_name(self, extraction_key: str) -> str:
        """Return the name of the column group of a table: what stands behind ``<file>.``."""
        return group_name(extraction_key, self.file.name)

    @abstractmethod
    def _extract_files(self) -> Mapping[str, Tabular]:
        """Return the tables by the name of their column group, converted afterwards.

        Polars frames, or anything else that :func:`~algomancy_data.frames.to_frame` takes.
        """

    def extract(self) -> dict[str, pl.DataFrame]:
        """Return ``{"<file>.<group>": frame}``, with the declared columns in their types.

        Raises:
            SchemaKindError: The schema is SINGLE (also an ``AssertionError``).
            UndeclaredTableError: A table was extracted that the schema does not declare (also a
                ``ValidationError`` and an ``AssertionError``).
            FileContentError: The file is not what its format or schema says.
        """
        if not self.schema.is_multi():
            raise SchemaKindError.from_call(
                self.schema.__name__, "extract", needs="MULTI", other="a SingleExtractor"
            )
        self._start()
        with self._failures(self._extract_files):
            return self._extract()

    def _extract(self) -> dict[str, pl.DataFrame]:
        groups = {g: column_types(types) for g, types in self.schema.datatype_groups().items()}
        frames: dict[str, pl.DataFrame] = {}
        issues: list[ConversionIssue] = []
        if _is_of_this_package(self._extract_files):
            self._check_whole()
        with self._system_errors(self._extract_files):
            tables = self._extract_files()
        for group, table in tables.items():
            if group not in groups:
                raise UndeclaredTableError.from_declared(
                    self.file.name, group, self.schema.__name__, groups
                )
            name = self.get_extraction_key(group)
            evolution = Evolution.of(self.schema.get_subschema(group))
            with reading_failures(self.file.name):
                frame = within_limits(to_frame(table, name), self.file)
                frames[name] = DataTypeConverter.convert_dtypes(
                    evolution.part_of(frame, self._reading, table=name),
                    groups[group],
                    issues,
                    name,
                    conventions=self._conventions,
                )
            self._can_convert_again(name, groups[group])
        self._report([*self._reading.issues, *issues])
        return frames


def reading_failures(name: str) -> AbstractContextManager[None]:
    """Turn what ends the reading of a file into an error that names it.

    Args:
        name: Name of the file.

    Raises:
        FileContentError: Memory ended, or something in the file is beyond what can be held.
    """
    return engine_failures(FileContentError, f"Reading file {name!r}", (PolarsError,))


def within_limits(
    frame: pl.DataFrame, file: File, unpacked_bytes: int | None = None
) -> pl.DataFrame:
    """Return a table that keeps the limits.

    Readers look before they take memory, where they can; this holds for whatever reader, those of
    users included.

    Args:
        frame: The table.
        file: Where it is from.
        unpacked_bytes: How many bytes the content has when it is unpacked, if that is known: no
            text is longer, so not even their sum has to be known.

    Raises:
        ReadLimitError: It does not.
    """
    # A file of no class of ours has none of its own.
    limits = getattr(file, "limits", None) or DEFAULT_LIMITS
    limits.check_shape(file.name, frame.height, frame.width)
    longest = limits.text_bytes
    if longest is None or (unpacked_bytes is not None and unpacked_bytes <= longest):
        return frame
    for column in frame.get_columns():
        if column.dtype == pl.String and column.estimated_size() > longest:
            size = column.str.len_bytes().max()
            limits.check_text(file.name, size if isinstance(size, int) else 0, column.name)
    return frame
