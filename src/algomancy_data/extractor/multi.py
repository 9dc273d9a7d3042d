"""Files that hold several tables."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING

from algomancy_data.components import is_own
from algomancy_data.errors import SchemaKindError, UndeclaredTableError
from algomancy_data.extractor.base import Extractor
from algomancy_data.extractor.conversion import DataTypeConverter
from algomancy_data.extractor.evolution import Evolution
from algomancy_data.extractor.extracted import reading_failures, within_limits
from algomancy_data.frames.tabular import to_frame
from algomancy_data.schema.kinds import column_types
from algomancy_data.schema.table_names import group_name, table_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from algomancy_data.components import NameOrLogger
    from algomancy_data.extractor.conversion import ConversionIssue
    from algomancy_data.file import File
    from algomancy_data.frames.tabular import Tabular
    from algomancy_data.schema import Schema


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

    @cached_property
    def _is_ours(self) -> bool:
        return not is_own(self._extract_files)

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
        with self._failures():
            return self._extract()

    def _extract(self) -> dict[str, pl.DataFrame]:
        groups = {g: column_types(types) for g, types in self.schema.datatype_groups().items()}
        frames: dict[str, pl.DataFrame] = {}
        issues: list[ConversionIssue] = []
        if self._is_ours:
            self._check_whole()
        with self._system_errors():
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
