"""The bad rows of a table: separated from the good ones, and prepared for their return."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from algomancy_data.errors import QuarantineError
from algomancy_data.extractor.conversion import ConversionIssue, in_one_dtype
from algomancy_data.extractor.extracted import ExtractedTable, SeparatedTable, reading_failures
from algomancy_data.frames.lazy import kept_rows
from algomancy_data.memory import IN_MEMORY_BYTES
from algomancy_data.messages import MOST_EXAMPLES, ValidationSeverity
from algomancy_data.schema.kinds import declared_as
from algomancy_data.schema.types.string import text_from_any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.quarantine.settings import Quarantine
    from algomancy_data.schema.types import ColumnType, TextConventions

_NUMBER: Final = pl.get_index_type()


def separate(
    table: ExtractedTable,
    settings: Quarantine,
    numbers: pl.Series | None = None,
    in_memory_bytes: int = IN_MEMORY_BYTES,
) -> SeparatedTable:
    """Take out rows with issues, and convert the columns without them.

    Without the bad rows, a column of which some values did not convert does. What stood behind a
    bad value may be the next one, so this goes on until nothing is found.

    Args:
        table: What was extracted.
        settings: Which issues take their rows out.
        numbers: Number of each row in the issues, ascending; None counts from 0.
        in_memory_bytes: Up to which size the rows that are left are made in memory.

    Raises:
        FileContentError: The conversion takes more memory than there is.
    """
    if table.separated is not None:
        return table.separated
    with reading_failures(table.file):
        return _separate(table, settings, numbers, in_memory_bytes)


def _separate(
    table: ExtractedTable, settings: Quarantine, numbers: pl.Series | None, in_memory_bytes: int
) -> SeparatedTable:
    frame, again = table.frame, table.again
    taken: list[ConversionIssue] = []
    left: list[ConversionIssue] = []
    mixed: set[str] = set()
    for issue in table.issues:
        by_conversion = not issue.while_reading
        is_taken = issue.failing is not None and settings.takes(issue.severity, issue.code)
        if again is None or not is_taken or (by_conversion and issue.column in again.lost):
            left.append(issue)
        elif by_conversion and issue.column in again.pieces:
            mixed.add(issue.column)  # what is wrong with it, the pieces say
        else:
            taken.append(issue)
    if again is None or not (taken or mixed):
        return SeparatedTable(frame, frame.height, frame.__getitem__, left=left)
    stuck = {issue.column for issue in left if issue.severity is ValidationSeverity.ERROR}
    columns = ({issue.column for issue in taken} | mixed) - stuck
    kept = pl.repeat(value=True, n=frame.height, dtype=pl.Boolean, eager=True)
    new = list(taken)
    while True:
        for issue in new:
            if issue.failing is not None:
                failing = issue.failing if numbers is None else numbers.search_sorted(issue.failing)
                kept = kept.scatter(failing, values=False)
        rows = kept.arg_true() if numbers is None else numbers.filter(kept)
        good = kept_rows(frame, kept, in_memory_bytes)
        rest, found = again.convert(good, columns, kept, rows)
        new = [
            issue
            for issue in found
            if issue.failing is not None and settings.takes(issue.severity, issue.code)
        ]
        taken += new
        if not new:
            break
    left += found
    return SeparatedTable(rest, frame.height, frame.__getitem__, rows, taken, left)


class QuarantinedRows:
    """The quarantined rows of a table.

    Args:
        table: Logical name of the table.
        good: Its good rows.
        quarantined: The others, as they were loaded; None if there are none.
        settings: How the columns of the quarantine are named.

    Attributes:
        row: Name of the column with the row numbers.

    Raises:
        QuarantineError: The two do not fit together.
    """

    def __init__(
        self,
        table: str,
        good: pl.DataFrame,
        quarantined: pl.DataFrame | None,
        settings: Quarantine,
    ) -> None:
        self._table = table
        self._settings = settings
        self.row = settings.row
        if quarantined is None:
            quarantined = good.clear().with_columns(
                pl.Series(settings.row, [], _NUMBER),
                pl.Series(settings.reasons, [], pl.List(pl.String)),
                pl.Series(settings.messages, [], pl.List(pl.String)),
            )
        expected = {*good.columns, *settings.columns}
        if set(quarantined.columns) != expected:
            msg = (
                f"The table {settings.table(table)!r} is not the quarantine of {table!r}: it must "
                f"have the columns {', '.join(map(repr, sorted(expected)))}."
            )
            raise QuarantineError(msg)
        self._frame = quarantined.with_columns(pl.col(self.row).cast(_NUMBER)).sort(self.row)
        self._columns = good.columns
        self._height = good.height + quarantined.height
        numbers = self._frame[self.row]
        if numbers.is_duplicated().any() or (numbers >= self._height).any():
            msg = (
                f"The quarantine of table {table!r} has row numbers that do not fit: rows were "
                f"added to the table or to its quarantine, or taken away. Load the file again "
                f"with etl_data()."
            )
            raise QuarantineError(msg)

    @property
    def height(self) -> int:
        """Number of rows."""
        return self._frame.height

    @property
    def did_not_convert(self) -> pl.Series:
        """Which rows have a value that did not convert to its column's type."""
        is_conversion = pl.element().str.starts_with("CONVERSION_")
        return self._frame[self._settings.reasons].list.eval(is_conversion).list.any()

    def good_numbers(self) -> pl.Series:
        """Return the numbers of the rows that are not in quarantine."""
        free = pl.repeat(value=True, n=self._height, dtype=pl.Boolean, eager=True)
        return free.scatter(self._frame[self.row], values=False).arg_true().cast(_NUMBER)

    def is_among(self, mended: pl.DataFrame | None) -> pl.Series:
        """Return which of the rows were mended."""
        rows = pl.Series([], dtype=_NUMBER) if mended is None else mended[self.row]
        return self._frame[self.row].is_in(rows.implode())

    def part(self, mask: pl.Series) -> tuple[pl.DataFrame, pl.Series]:
        """Return some rows as they were extracted, and their numbers."""
        rows = self._frame.filter(mask)
        return rows.select(self._columns), rows[self.row]

    def reasons_of(self, rows: pl.Series) -> pl.DataFrame | None:
        """Return why rows are in quarantine, one row per reason."""
        if rows.is_empty():
            return None
        settings = self._settings
        return (
            self._frame.filter(pl.col(self.row).is_in(rows.implode()))
            .select(
                pl.col(self.row).alias("row"),
                pl.col(settings.reasons).alias("code"),
                pl.col(settings.messages).alias("message"),
            )
            .explode("code", "message")
        )

    def mended(self, given: pl.DataFrame) -> pl.DataFrame:
        """Return mended rows with all columns, and their numbers, in order.

        Raises:
            QuarantineError: They do not say which rows they are, or are none of the quarantine.
        """
        where = f"Mended rows of table {self._table!r}"
        if self.row not in given.columns:
            msg = f"{where} need the column {self.row!r}: which rows of the quarantine they are."
            raise QuarantineError(msg)
        known = {*self._columns, *self._settings.columns}
        unknown = [name for name in given.columns if name not in known]
        if unknown:
            msg = f"{where} have the column {unknown[0]!r}, which the table has not."
            raise QuarantineError(msg)
        rows = given[self.row].cast(_NUMBER, strict=False)
        strangers = rows.is_null() | ~rows.is_in(self._frame[self.row].implode())
        if strangers.any():
            value = given[self.row].filter(strangers)[0]
            msg = f"{where}: there is no row {value} in quarantine."
            raise QuarantineError(msg)
        if rows.is_duplicated().any():
            msg = f"{where}: row {rows.filter(rows.is_duplicated())[0]} is there more than once."
            raise QuarantineError(msg)
        values = given.with_columns(rows).sort(self.row)
        values = values.drop(self._settings.columns[1:], strict=False)
        before = self._frame.filter(self.is_among(values)).select(*self._columns, self.row)
        return before.with_columns(values.get_columns())


def join(pieces: Sequence[pl.Series]) -> pl.Series | None:
    """Return one column of a dtype that holds all values exactly, or None.

    The first piece has the say: the others are brought to its dtype, unless a finer unit of time
    is needed. Pieces without a value go with everything.

    Example:
        >>> join([pl.Series([1, 2]), pl.Series([3.0])]).to_list()
        [1, 2, 3]
        >>> join([pl.Series([1, 2]), pl.Series(["x"])]) is None
        True
    """
    wanted = pieces[0].dtype
    whole = [_empty_as(piece, wanted) for piece in pieces]
    if len({piece.dtype for piece in whole}) > 1:
        alike = in_one_dtype(whole) or [_exactly(piece, wanted) for piece in whole]
        whole = [piece for piece in alike if piece is not None]
    return pl.concat(whole) if len(whole) == len(pieces) else None


def as_text(values: pl.Series, conventions: TextConventions) -> pl.Series:
    """Return values as text that reads back as the same values.

    Raises:
        QuarantineError: They have no such form.
    """
    outcome = text_from_any(values)
    if outcome.refused is not None:
        msg = f"Column {values.name!r} cannot go into quarantine: it is {outcome.reason}."
        raise QuarantineError(msg)
    has_fraction = values.dtype.is_float() or values.dtype.is_decimal()
    if has_fraction and conventions.decimal_mark == ",":
        return outcome.values.str.replace(".", ",", literal=True)
    return outcome.values


def _empty_as(values: pl.Series, dtype: PolarsDataType) -> pl.Series:
    if values.null_count() < len(values) or values.dtype == dtype:
        return values
    return pl.Series(values.name, [None], dtype).new_from_index(0, len(values))


def _exactly(values: pl.Series, dtype: PolarsDataType) -> pl.Series | None:
    """Return numbers in another numeric dtype, or None if one would change."""
    if values.dtype == dtype:
        return values
    if not (values.dtype.is_numeric() and dtype.is_numeric()):
        return None
    cast = values.cast(dtype, strict=False)
    same = cast.cast(values.dtype, strict=False).eq_missing(values).all()
    return cast if same else None


def doubtful_values(
    frame: pl.DataFrame,
    types: Mapping[str, ColumnType],
    conventions: TextConventions,
    table: str,
    numbers: pl.Series,
) -> list[ConversionIssue]:
    """Return an issue for each column with ambiguous texts.

    Args:
        frame: Some rows of a table.
        types: Declared type by column name.
        conventions: How text is written, as far as the schema says it.
        table: Logical name of the table.
        numbers: Number of each row.
    """
    issues: list[ConversionIssue] = []
    for name, target in types.items():
        if name not in frame.columns or frame.schema[name] != pl.String:
            continue
        texts = conventions.strip(frame[name])
        doubtful = target.doubtful(texts, conventions)
        if doubtful is None or not doubtful.any():
            continue
        failing = numbers.filter(doubtful)
        values = texts.filter(doubtful).head(MOST_EXAMPLES)
        first = failing.head(MOST_EXAMPLES).to_list()
        shown = ", ".join(
            f"{value!r} (row {row})" for row, value in zip(first, values, strict=True)
        )
        issue = ConversionIssue(
            table,
            name,
            declared_as(target),
            f"{len(failing)} value(s) can be read in two ways, and the column that decided it is "
            f"not here: {shown}. Give numbers, dates and times as such or in ISO 8601, or declare "
            f"decimal_mark or day_first in the schema's CSVDialect.",
            count=len(failing),
            rows=tuple(first),
            problem="Value can be read in two ways",
            failing=failing,
        )
        issues.append(issue)
    return issues
