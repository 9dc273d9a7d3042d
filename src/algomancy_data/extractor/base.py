"""What every extractor shares."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import nullcontext
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from algomancy_data.errors import SchemaKindError, UndeclaredTableError
from algomancy_data.extractor.conversion import (
    ConversionIssue,
    DataTypeConverter,
    TextConventions,
)
from algomancy_data.extractor.failures import reading_failures
from algomancy_data.extractor.limits import within_limits
from algomancy_data.extractor.parts import PartedTable
from algomancy_data.extractor.separation import Reconversion, SeparatedTable, separate
from algomancy_data.file import File
from algomancy_data.frames import to_frame
from algomancy_data.locations import reading
from algomancy_data.logs import as_logger

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    import polars as pl

    from algomancy_data.frames import Tabular
    from algomancy_data.logs import Logger
    from algomancy_data.schema import DataType, Schema


class Extractor(ABC):
    """Turns one file into frames with the declared types.

    Args:
        file: Where the content comes from.
        schema: What the file holds.
        logger: Where warnings go; the standard library's logger if None.

    Attributes:
        conversion_issues: The columns that could not be converted, or only with a guess; filled
            by :meth:`extract`.
    """

    def __init__(
        self, file: File, schema: type[Schema], logger: Logger | logging.Logger | None = None
    ) -> None:
        # Whatever has a name and content will do, for an extractor of a user's own.
        is_ours = isinstance(file, File)  # pyright: ignore[reportUnnecessaryIsInstance]
        self.file = file.within(schema.read_limits()) if is_ours else file
        self.schema = schema
        self.logger = logger
        self.conversion_issues: list[ConversionIssue] = []
        # What was noticed while the content was read, before any conversion.
        self._noted: list[ConversionIssue] = []
        # Columns that did not convert and whose texts do not say all: the typed pieces that they
        # are made of, by table and column; and columns that cannot be read again at all.
        self._pieces: dict[tuple[str, str], list[pl.Series]] = {}
        self.not_from_text: set[str] = set()

    @cached_property
    def _conventions(self) -> TextConventions:
        """How text columns are written: as the schema's dialect says, whatever the format."""
        return TextConventions.from_dialect(self.schema.csv_dialect())

    @abstractmethod
    def extract(self) -> dict[str, pl.DataFrame]:
        """Return the frames by logical table name."""

    def keep_pieces(self, pieces: Mapping[tuple[str, str], list[pl.Series]]) -> None:
        """Keep what columns that did not convert are made of, for :meth:`separate`."""
        self._pieces |= pieces

    def separate(
        self, table: str, frame: pl.DataFrame, takes: Callable[[ConversionIssue], bool]
    ) -> SeparatedTable:
        """Part the rows that could not be read as declared from those that can.

        Without the bad rows, a column of which some values did not convert does.

        Args:
            table: Logical name of a table that :meth:`extract` returned.
            frame: The table.
            takes: Tells whether the rows of an issue are to be taken out.
        """
        with reading_failures(self.file):
            return self._separate(table, frame, takes)

    def _separate(
        self, table: str, frame: pl.DataFrame, takes: Callable[[ConversionIssue], bool]
    ) -> SeparatedTable:
        issues = [issue for issue in self.conversion_issues if issue.table == table]
        mixed = {column for name, column in self._pieces if name == table}
        again = Reconversion(
            table,
            self._declared(table),
            self._conventions,
            {column: self._pieces[table, column] for column in mixed - self.not_from_text},
        )
        return separate(frame, issues, takes, again, self.not_from_text)

    def _declared(self, table: str) -> dict[str, DataType]:
        """Return the declared types of a table."""
        if self.schema.is_single():
            return self.schema.datatypes()
        return self.schema.datatype_groups()[table.removeprefix(f"{self.file.name}.")]

    def _failures(self, method: Callable[[], object]) -> AbstractContextManager[None]:
        """Turn what brings down our own reading into an error; that of a user's own is theirs."""
        return reading_failures(self.file) if _is_of_this_package(method) else nullcontext()

    def _reading(self, method: Callable[[], object]) -> AbstractContextManager[None]:
        """Make errors of the system those of the file, unless code of a user's own meets them."""
        is_own = all(_is_of_this_package(each) for each in (method, type(self.file)))
        return reading(self.file.name) if is_own else nullcontext()

    def _start(self) -> None:
        """Forget what an earlier extraction found."""
        self.conversion_issues.clear()
        self._noted.clear()
        self._pieces.clear()
        self.not_from_text.clear()

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

    # Set while a part of a table is read: the table's name, the rows before it, and the columns
    # that must come as text since they do in another part.
    _table: str | None = None
    _first_row: int = 0
    _as_text: frozenset[str] = frozenset()

    can_give_text: ClassVar[bool] = False
    """Whether the content is text, so that any column can be read as it is written."""

    may_lack_columns: ClassVar[bool] = False
    """Whether a part may lack a column that others have, which is null there."""

    @abstractmethod
    def _extract_file(self) -> Tabular:
        """Return the table; its columns are converted to the declared types afterwards.

        A Polars frame, or anything else that :func:`~algomancy_data.frames.to_frame` takes.
        """

    def _extracted(self) -> pl.DataFrame:
        with self._reading(self._extract_file):
            table = self._extract_file()
        return within_limits(to_frame(table, self._table or self.file.name), self.file)

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
        if parts is None:
            frame, issues = self._converted(self._extracted())
            self._report([*self._noted, *issues])
        else:
            table = PartedTable(self, parts)
            frame, issues = self._converted(table.frame())
            # Their pieces are those of single parts.
            self.not_from_text |= {column for _, column in self._pieces}
            self._report([table.located(issue) for issue in (*table.issues, *issues)])
        return {self.file.name: frame}

    def read_part(
        self, file: File, table: str, first_row: int, as_text: frozenset[str]
    ) -> tuple[pl.DataFrame, list[ConversionIssue]]:
        """Turn into the extractor of a part, and return what the part holds, not yet converted.

        Args:
            file: The part.
            table: Name of the table that it belongs to.
            first_row: How many rows the parts before it have.
            as_text: Columns to return as text, if the content is text.
        """
        self.file, self._table, self._first_row = file, table, first_row
        self._as_text = as_text
        self._noted = []
        return self._extracted(), self._noted

    def _converted(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[ConversionIssue]]:
        issues: list[ConversionIssue] = []
        with reading_failures(self.file):
            frame = DataTypeConverter.convert_dtypes(
                frame,
                self.schema.datatypes(),
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
    """

    def __init__(
        self, files: File, schema: type[Schema], logger: Logger | logging.Logger | None = None
    ) -> None:
        super().__init__(files, schema, logger)

    def get_extraction_key(self, name: str) -> str:
        """Return the logical name of a column group's table: ``<file>.<group>``."""
        return f"{self.file.name}.{name}"

    def get_schema_name(self, extraction_key: str) -> str:
        """Return the name of the column group of a table: what stands behind ``<file>.``."""
        return extraction_key.removeprefix(self.get_extraction_key(""))

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
        groups = self.schema.datatype_groups()
        frames: dict[str, pl.DataFrame] = {}
        issues: list[ConversionIssue] = []
        with self._reading(self._extract_files):
            tables = self._extract_files()
        for group, table in tables.items():
            if group not in groups:
                raise UndeclaredTableError.from_declared(
                    self.file.name, group, self.schema.__name__, groups
                )
            name = self.get_extraction_key(group)
            with reading_failures(self.file):
                frames[name] = DataTypeConverter.convert_dtypes(
                    within_limits(to_frame(table, name), self.file),
                    groups[group],
                    issues,
                    name,
                    conventions=self._conventions,
                )
        self._report([*self._noted, *issues])
        return frames
