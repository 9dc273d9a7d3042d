"""Replay: quarantined rows, mended or not, go back among the good rows.

Row numbers are those of the file. The good rows have the numbers that are not in quarantine, in
order, so each row finds its old place without anything else being stored.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from algomancy_data.datasource import BaseDataSource, DataSource, tables_of
from algomancy_data.errors import QuarantineError
from algomancy_data.extractor import ExtractionSequence, Extractor
from algomancy_data.extractor.conversion import DataTypeConverter, Reconversion
from algomancy_data.extractor.extracted import Extracted, ExtractedTable, SeparatedTable
from algomancy_data.file import File
from algomancy_data.frames.identical import identical_frames
from algomancy_data.frames.side_by_side import side_by_side
from algomancy_data.frames.tabular import to_frame
from algomancy_data.messages import ValidationSeverity
from algomancy_data.metrics import NO_PHASE
from algomancy_data.quarantine.bad_rows import (
    QuarantinedRows,
    as_text,
    doubtful_values,
    join,
    separate,
)
from algomancy_data.quarantine.settings import Quarantine
from algomancy_data.schema.table_names import table_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from algomancy_data.extractor.conversion import ConversionIssue
    from algomancy_data.frames.tabular import Tabular
    from algomancy_data.logs import Logger
    from algomancy_data.metrics import Phase
    from algomancy_data.relations.stored import StoredKeys
    from algomancy_data.schema import Schema


_NUMBER: Final = pl.get_index_type()


# Rows that cannot be read by now stay where they are, whatever is wrong with them.
_ALL: Final = Quarantine(ValidationSeverity.INFO)


def replay_sequence(
    source: BaseDataSource,
    mended: Mapping[str, Tabular | Any],
    settings: Quarantine,
    schemas: Iterable[type[Schema]],
    logger: Logger | None = None,
) -> ExtractionSequence:
    """Return a sequence that extracts a dataset's tables again, with mended rows.

    Args:
        source: The dataset.
        mended: Mended rows by table.
        settings: Those that the dataset was loaded with.
        schemas: What declares the tables.
        logger: Told what happens.

    Raises:
        QuarantineError: The dataset has no quarantine, its tables were changed by transformers,
            or the mended rows do not fit.
    """
    tables = tables_of(source)
    extracted = {} if source.provenance is None else source.provenance.extracted
    in_quarantine = {
        name: tables[table] for name in extracted if (table := settings.table(name)) in tables
    }
    if source.provenance is not None and source.provenance.loads:
        msg = (
            f"Rows of data {source.name!r} were added or deleted, so those in quarantine lost "
            f"their places. Mend them, and add them with etl_data(…, mode='append')."
        )
        raise QuarantineError(msg)
    if not in_quarantine:
        msg = (
            f"Data {source.name!r} has no rows in quarantine: no table whose name ends in "
            f"{settings.suffix!r} came from an ETL with quarantine=…."
        )
        raise QuarantineError(msg)
    unknown = [name for name in mended if name not in in_quarantine]
    if unknown:
        listed = ", ".join(map(repr, in_quarantine))
        msg = f"No rows of table {unknown[0]!r} are in quarantine, only of {listed}."
        raise QuarantineError(msg)
    by_table = _schemas_by_table(schemas)
    extractors: list[Extractor] = []
    for name, columns in extracted.items():
        if columns is None or name not in tables:
            msg = (
                f"Table {name!r} of data {source.name!r} is not what was extracted: transformers "
                f"changed it, so its rows cannot go through the ETL again. Correct the file and "
                f"load it with etl_data()."
            )
            raise QuarantineError(msg)
        if name not in by_table:
            msg = f"No schema declares table {name!r}. Give its schema to the manager."
            raise QuarantineError(msg)
        good = tables[name].select(columns)
        quarantined = in_quarantine.get(name)
        frame = None if name not in mended else to_frame(mended[name], name)
        extractors.append(
            ReplayedTable(name, by_table[name], good, quarantined, frame, settings, logger)
        )
    return ExtractionSequence(extractors, logger)


class ReplayedTable(Extractor):
    """Extracts a table again, with the rows that can be read by now.

    Args:
        table: Logical name of the table.
        schema: What declares it.
        good: Its good rows.
        quarantined: Its other rows; None if there are none.
        mended: Values in their place, by row number; None if nothing was mended.
        settings: How the columns of the quarantine are named.
        logger: Where warnings go.

    Raises:
        QuarantineError: The rows do not fit.
    """

    def __init__(
        self,
        table: str,
        schema: type[Schema],
        good: pl.DataFrame,
        quarantined: pl.DataFrame | None,
        mended: pl.DataFrame | None,
        settings: Quarantine,
        logger: Logger | None = None,
    ) -> None:
        super().__init__(File(schema.file_name(), "frame"), schema, logger)
        self._table = table
        self._good = good
        self._quarantined = QuarantinedRows(table, good, quarantined, settings)
        self._mended = None if mended is None else self._quarantined.mended(mended)

    def extract(self) -> dict[str, pl.DataFrame]:
        """Return the good rows, and others that can be read now, in their old order."""
        return self.extraction().frames

    def extraction(self, phase: Phase = NO_PHASE) -> Extracted:
        """Return the same, separated from the rows that cannot be read."""
        self._start()
        separated = self._put_together()
        phase.advance(separated.frame.height)
        self._report([*separated.taken, *separated.left])
        issues = tuple(self.conversion_issues)
        table = ExtractedTable(
            separated.frame, issues, None, self.schema, self.file.name, separated
        )
        return Extracted({self._table: table}, issues)

    def _put_together(self) -> SeparatedTable:
        quarantined = self._quarantined
        is_mended = quarantined.is_among(self._mended)
        parts = [
            (self._good, quarantined.good_numbers()),
            quarantined.part(~is_mended & quarantined.did_not_convert),
            quarantined.part(~is_mended & ~quarantined.did_not_convert),
        ]
        read = [self._read(*parts[2])]
        if self._mended is not None:
            parts.append((self._mended.drop(quarantined.row), self._mended[quarantined.row]))
            read.append(self._read(*parts[3]))
        frames = [self._good, *(part.frame for part in read)]
        rows = pl.concat([parts[0][1], *(part.rows for part in read if part.rows is not None)])
        order = rows.arg_sort()
        frame = side_by_side(self._together(name, frames) for name in self._good.columns)
        return SeparatedTable(
            frame[order],
            self._good.height + quarantined.height,
            partial(self._original, parts),
            rows.gather(order),
            [issue for part in read for issue in part.taken],
            [issue for part in read for issue in part.left],
            quarantined.reasons_of(parts[1][1]),
        )

    def _read(self, frame: pl.DataFrame, numbers: pl.Series) -> SeparatedTable:
        types, conventions = self._declared(self._table), self._conventions
        doubtful = doubtful_values(frame, types, conventions, self._table, numbers)
        out = pl.Series([], dtype=_NUMBER)
        for issue in doubtful:
            out = out if issue.failing is None else out.append(issue.failing)
        clear = ~numbers.is_in(out.implode())
        frame, numbers = frame.filter(clear), numbers.filter(clear)
        issues: list[ConversionIssue] = []
        frame = DataTypeConverter.convert_dtypes(
            frame, types, issues, self._table, conventions=conventions, row_numbers=numbers
        )
        again = Reconversion(self._table, types, conventions)
        part = separate(ExtractedTable(frame, issues, again, file=self.file.name), _ALL, numbers)
        return replace(
            part,
            rows=numbers if part.rows is None else part.rows,
            taken=[*doubtful, *part.taken],
        )

    def _together(self, name: str, frames: list[pl.DataFrame]) -> pl.Series:
        values = join([frame[name] for frame in frames])
        if values is None:
            dtypes = " and ".join(dict.fromkeys(str(frame.schema[name]) for frame in frames))
            msg = (
                f"Table {self._table!r}: the values of column {name!r} do not go together, they "
                f"are {dtypes}. Give mended values in the dtype of the good ones."
            )
            raise QuarantineError(msg)
        return values

    def _original(
        self, parts: list[tuple[pl.DataFrame, pl.Series]], rows: pl.Series
    ) -> pl.DataFrame:
        """Return rows as they were extracted, or given; as text if there are both."""
        wanted = rows.implode()
        found: list[tuple[pl.DataFrame, pl.Series]] = []
        for frame, numbers in parts:
            among = numbers.is_in(wanted)
            if among.any():
                found.append((frame.filter(among), numbers.filter(among)))
        order = pl.concat([numbers for _, numbers in found]).arg_sort()
        columns: list[pl.Series] = []
        for name in self._good.columns:
            pieces = [frame[name] for frame, _ in found]
            values = join(pieces)
            if values is None:
                values = pl.concat([as_text(piece, self._conventions) for piece in pieces])
            columns.append(values)
        return side_by_side(columns)[order]


def _schemas_by_table(schemas: Iterable[type[Schema]]) -> dict[str, type[Schema]]:
    """Return the schema that declares each table."""
    tables: dict[str, type[Schema]] = {}
    for schema in schemas:
        name = schema.file_name()
        if schema.is_single():
            tables[name] = schema
        else:
            tables |= {table_name(name, group): schema for group in schema.sub_names()}
    return tables


def add_quarantine(
    source: BaseDataSource,
    quarantine: Mapping[str, pl.DataFrame],
    settings: Quarantine,
    logger: Logger,
    stored: StoredKeys | None = None,
) -> None:
    """Add the bad rows to a DataSource, as tables beside the others.

    Raises:
        QuarantineError: It has a table of such a name.
    """
    if not isinstance(source, DataSource):
        if quarantine:
            logger.warning(
                f"Dataset {source.name!r} is no DataSource: its quarantine is in the ETLResult "
                f"only."
            )
        return
    for name, frame in quarantine.items():
        table = settings.table_beside(name, frame, stored)
        if table in source.tables:
            msg = (
                f"The quarantine of table {name!r} would be {table!r}, and there is a table of "
                f"that name. Choose another suffix: Quarantine(suffix=…)."
            )
            raise QuarantineError(msg)
        source.add_table(table, frame)
        logger.log(f"Quarantined {frame.height:,} row(s) of table {name!r}.")


def untouched_columns(
    before: Mapping[str, pl.DataFrame], after: Mapping[str, pl.DataFrame]
) -> dict[str, tuple[str, ...] | None]:
    """Return the columns of each table that no transformer changed; None if rows changed.

    Args:
        before: The tables as they were validated.
        after: The tables as they are loaded.
    """
    return {
        name: tuple(frame.columns) if _is_untouched(frame, after.get(name)) else None
        for name, frame in before.items()
    }


def _is_untouched(before: pl.DataFrame, after: pl.DataFrame | None) -> bool:
    if after is before:
        return True
    if after is None or not set(before.columns) <= set(after.columns):
        return False
    return identical_frames(after[before.columns], before)
