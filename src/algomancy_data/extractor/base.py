"""What every extractor shares."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from contextlib import nullcontext
from functools import cached_property, partial
from typing import TYPE_CHECKING, ClassVar, Final, Self

from algomancy_data.components import Component, NameOrLogger, is_own
from algomancy_data.executors.sharing import ReturnedLog
from algomancy_data.extractor.conversion import ConversionIssue, DataTypeConverter, Reconversion
from algomancy_data.extractor.evolution import Evolution, ShapedSlices
from algomancy_data.extractor.extracted import (
    Extracted,
    ExtractedTable,
    Reading,
    reading_failures,
    within_limits,
)
from algomancy_data.extractor.parts import PartSlices, read_table
from algomancy_data.extractor.parts_ahead import PartsAhead
from algomancy_data.extractor.shared_parts import PartConverter, convert_shared, shared_reader
from algomancy_data.extractor.slices import UnlikeSlicesError, read_slices
from algomancy_data.file import File
from algomancy_data.file.locations import reading
from algomancy_data.frames.tabular import to_frame, to_frames
from algomancy_data.logs import KeptLog, as_logger, tell
from algomancy_data.metrics import NO_PHASE
from algomancy_data.schema.kinds import column_types
from algomancy_data.schema.read_limits import DEFAULT_LIMITS
from algomancy_data.schema.table_names import group_name
from algomancy_data.schema.types import TextConventions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from contextlib import AbstractContextManager

    import polars as pl

    from algomancy_data.executors.workers import Workers
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
# Of what is made in memory, the size from which on a table is written while others are read.
_SMALL_SHARE: Final = 16


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
            phase: Told of the rows while they are read, as far as the file has parts; says who
                helps to read these, and who takes rows as they are made.

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
        """Note how to convert the columns of a table again without some rows.

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

    @cached_property
    def _is_ours(self) -> bool:
        """Whether this package's own code reads the file, not a user's."""
        return not is_own(self.extract)

    def _failures(self) -> AbstractContextManager[None]:
        """Turn failures of our own reading into errors; those of a user's code stay theirs."""
        return reading_failures(self.file.name) if self._is_ours else nullcontext()

    def _system_errors(self) -> AbstractContextManager[None]:
        """Turn errors of the system into errors about the file, except in a user's code."""
        is_ours = self._is_ours and not is_own(type(self.file))
        return reading(self.file.name) if is_ours else nullcontext()

    def stored_bytes(self) -> int | None:
        """Return the stored size of the file, looked up once per extraction."""
        if self._reading.stored_bytes is None:
            self._reading.stored_bytes = self.file.stored_bytes()
        return self._reading.stored_bytes

    def _check_whole(self) -> None:
        """Refuse a file that certainly does not fit into memory, before it is read as a whole.

        Raises:
            ReadLimitError: It does not.
        """
        size = self.stored_bytes() or 0
        self.file.limits.check_memory(self.file.name, size, size)

    def _start(self) -> None:
        """Reset what an earlier extraction found."""
        self.conversion_issues.clear()
        self._reading = Reading(self.file.name)

    def _report(self, issues: list[ConversionIssue]) -> None:
        """Keep the issues and log them."""
        logger = as_logger(self.logger)
        for issue in issues:
            logger.warning(str(issue))
        self.conversion_issues.extend(issues)


class SingleExtractor(Extractor):
    """Extracts the one table of a SINGLE schema: override :meth:`_extract_file`."""

    can_give_text: ClassVar[bool] = False
    """Whether the content is text, so that any column can be read as it is written."""

    may_lack_columns: ClassVar[bool] = False
    """Whether a part may lack a column that others have, which is null there."""

    reads_ahead: ClassVar[bool] = False
    """Whether parts may be read in other threads, where nothing may be logged."""

    unpacks_to: ClassVar[int] = 1
    """About how many times larger than the file its table is in memory."""

    @cached_property
    def _is_ours(self) -> bool:
        return not is_own(self._extract_file)

    @cached_property
    def _types(self) -> dict[str, ColumnType]:
        """Declared type by column."""
        return column_types(self.schema.datatypes())

    @cached_property
    def _evolution(self) -> Evolution:
        """How columns that are not as declared are handled."""
        return Evolution.of(self.schema)

    @property
    def _as_text(self) -> frozenset[str]:
        """Columns to read as text, because another part of the table has them as text."""
        return self._reading.as_text

    @abstractmethod
    def _extract_file(self) -> Tabular:
        """Return the table; its columns are converted to the declared types afterwards.

        A Polars frame, or anything else that :func:`~algomancy_data.frames.to_frame` takes.
        """

    def _slices(self) -> Slices | None:
        """Return the unconverted table in slices; None if it can only be read as a whole."""
        return None

    def _read_together(
        self,
        parts: Sequence[FilePart],  # noqa: ARG002  for formats that can
    ) -> list[tuple[pl.DataFrame, Reading]] | None:
        """Return what several small files hold; None if they are to be read one by one."""
        return None

    def _extracted(self) -> pl.DataFrame:
        with self._system_errors():
            table = self._extract_file()
        frame = to_frame(table, self._reading.table)
        # What a user's own makes of the content may be longer.
        longest = self._reading.unpacked_bytes if self._is_ours else None
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
        with self._failures():
            return self._extract()

    def _extract(self) -> dict[str, pl.DataFrame]:
        is_ours = isinstance(self.file, File)  # pyright: ignore[reportUnnecessaryIsInstance]
        parts = self.file.parts() if is_ours else None
        lost: AbstractSet[str] = frozenset()
        workers = None if parts is None else self._workers_for(parts)
        if parts is not None and workers is not None:
            frame, lost = self._shared(workers, parts)
        else:
            frame = self._from_slices(parts)
            if frame is None:
                frame, lost = self._at_once(parts)
                self._hand_over(frame)
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
        if not self._may_read_ahead(parts):
            return self._put_together(self._read_parts, parts)
        together = self._read_together(parts)
        if together is not None:
            return self._put_together(lambda files, as_text: together, parts)  # noqa: ARG005  ReadParts
        with PartsAhead(self._read_part) as read:
            return self._put_together(read, parts)

    def _may_read_ahead(self, parts: Sequence[FilePart]) -> bool:
        """Tell whether only this package's code reads several parts, all of them small."""
        return (
            len(parts) > 1
            and self.reads_ahead
            and self._is_ours
            and not is_own(type(self.file))
            and self.stored_bytes() is not None
            and not self._is_large()
        )

    def _hand_over(self, frame: pl.DataFrame) -> None:
        """Give the table to the phase's sink, if there is one and the table is not small."""
        sink, most = self._phase.sink, self._most_in_memory
        if sink is None or not self._is_ours or most is None:
            return
        if self._content_bytes() * _SMALL_SHARE >= most:
            sink.take_whole(self.file.name, frame)

    def _put_together(
        self, read: ReadParts, parts: Sequence[FilePart]
    ) -> tuple[pl.DataFrame, AbstractSet[str]]:
        """Return the same of parts that were read elsewhere."""
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
        """Return the mapped table of a large file or of many parts; None for any other."""
        if not self._is_ours or not self._is_large():
            return None
        slices: Slices | None = None
        if parts is None:
            with self._system_errors():
                found = self._slices()
            slices = found and ShapedSlices(found, self._evolution, self._reading)
        else:
            slices = self._sliced_parts(parts)
        if slices is None:
            self._check_whole()
            return None
        try:
            with self._system_errors():
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
        """Return the parts of a table in slices; None if they are read at once."""
        if self.may_lack_columns:
            return None
        return PartSlices(self._slices_of_part, parts, self.file.name, self._evolution)

    def _workers_for(self, parts: Sequence[FilePart]) -> Workers | None:
        """Return the workers that help to read that many parts, if any."""
        workers = self._phase.workers
        if workers is None or not self._is_ours or len(parts) == 1:
            return None
        size = self.stored_bytes()
        return None if size is not None and size < workers.least_bytes else workers

    def _shared(
        self, workers: Workers, parts: Sequence[FilePart]
    ) -> tuple[pl.DataFrame, AbstractSet[str]]:
        """Return what :meth:`_at_once` does, with parts read by workers."""
        reader = copy.copy(self)  # which can be pickled
        reader.logger, reader._phase = ReturnedLog(), NO_PHASE  # noqa: SLF001  it is ours
        logger = as_logger(self.logger)
        name, is_large = self.file.name, self._is_large()
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
            with self._system_errors():
                table = convert_shared(
                    workers, converter, parts, self._phase, kept, is_large=is_large
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
        read = shared_reader(workers, reader._read_part, name, logger)  # noqa: SLF001  as above
        with self._system_errors():
            return self._put_together(read, parts)

    def _is_large(self) -> bool:
        """Tell whether the table may be too large for memory."""
        most, size = self._most_in_memory, self._content_bytes()
        if most is None or size * _MOST_PACKED <= most:
            return False
        return size > most or self.file.is_compressed()

    @property
    def _most_in_memory(self) -> int | None:
        """Up to how many bytes a table is made in memory; None without a limit."""
        return getattr(self.file, "limits", DEFAULT_LIMITS).in_memory_bytes

    def _content_bytes(self) -> int:
        """Return about how many bytes the content takes, as far as its stored size tells."""
        return (self.stored_bytes() or 0) * self.unpacks_to

    def _slices_of_part(
        self, file: File, first_row: int, columns: AbstractSet[str] | None
    ) -> tuple[Iterable[pl.DataFrame], Reading]:
        reader = self._for_part(file, first_row, frozenset(columns or ()))
        slices = reader._slices() if reader._is_large() else None  # noqa: SLF001  it is ours
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
        """Keep notes about parts, each once."""
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
