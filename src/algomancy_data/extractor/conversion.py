"""Conversion to the declared types: exact, or reported and left alone.

A column is converted as a whole, or in pieces of different dtypes, each by its own rules: cells of
a workbook differ in kind, and parts of a table in dtype. Neither may go through text, which would
change numbers and dates.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

import polars as pl

from algomancy_data.display.words import counted
from algomancy_data.engine_failures import engine_failures
from algomancy_data.errors import FileContentError
from algomancy_data.frames.tabular import to_frame
from algomancy_data.frames.values import python_values
from algomancy_data.messages import MOST_EXAMPLES, ValidationMessage, ValidationSeverity
from algomancy_data.schema.kinds import DeclaredType, column_type_of, declared_as
from algomancy_data.schema.types import Outcome, TextConventions
from algomancy_data.schema.types.stack import MOST_TOGETHER, parts_of, stacked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.frames.tabular import Tabular
    from algomancy_data.schema.types import ColumnType

_LONGEST_EXAMPLE: Final = 60
# From how many rows on it pays to convert columns side by side.
_LONG: Final = 100_000
# So many columns of one type and few values are read as one.
_MANY: Final = 8
_DEFAULT_CONVENTIONS: Final = TextConventions()


@dataclass(slots=True)
class ConversionIssue:
    """A column that could not be converted, or whose values are ambiguous.

    Args:
        table: Logical name of the table.
        column: Name of the column.
        target_type: The declared type.
        reason: What is wrong, with the first values and their row numbers.
        severity: ERROR: the column was left as it is. WARNING: it was converted with a guess
            that the reason names.
        count: How many values are concerned.
        rows: Row numbers from 0 of the first of them.
        problem: What is wrong with each of them, without its value.
        failing: Row numbers of all of them (any integer dtype) if each row has a problem of its
            own; None if the column has one, or the values were read with a guess.
        while_reading: It was found while the file was read, before any conversion.

    Example:
        >>> from algomancy_data import DataType
        >>> print(ConversionIssue("flights", "delay", DataType.INTEGER, "'x' is no number."))
        Table 'flights', column 'delay' as INTEGER: 'x' is no number.
    """

    table: str | None
    column: str
    target_type: DeclaredType
    reason: str
    severity: ValidationSeverity = ValidationSeverity.ERROR
    count: int = 0
    rows: tuple[int, ...] = ()
    problem: str = ""
    failing: pl.Series | None = field(default=None, repr=False, compare=False)
    while_reading: bool = False

    @property
    def code(self) -> str:
        """Code of the message that the issue becomes."""
        failed = self.severity is ValidationSeverity.ERROR
        return "CONVERSION_FAILED" if failed else "CONVERSION_AMBIGUOUS"

    def to_message(self) -> ValidationMessage:
        """Return the issue as one of the findings of an ETL."""
        return ValidationMessage(
            self.severity,
            self.reason,
            table=self.table,
            column=self.column,
            code=self.code,
            count=max(self.count, 1),
        )

    def __str__(self) -> str:
        """Return where it is, the declared type and the reason."""
        place = f"Column {self.column!r}"
        if self.table is not None:
            place = f"Table {self.table!r}, column {self.column!r}"
        return f"{place} as {column_type_of(self.target_type).name}: {self.reason}"


class DataTypeConverter:
    """Converts the columns of a frame to their declared types: exactly, or not at all."""

    @staticmethod
    def convert_dtypes(
        df: Tabular,
        schema_types: Mapping[str, DeclaredType | ColumnType],
        issues: list[ConversionIssue] | None = None,
        table_name: str | None = None,
        *,
        conventions: TextConventions = _DEFAULT_CONVENTIONS,
        row_numbers: pl.Series | None = None,
    ) -> pl.DataFrame:
        """Return the frame with each declared column in its declared type.

        A column with a value that cannot be converted stays as it is, whole, and yields one
        issue; so does a column that was converted with a guess, as a WARNING. Declared columns
        that are absent are ignored, columns that are not declared are left alone.

        Args:
            df: Polars frame, or what becomes one, with columns of any dtype; never changed.
            schema_types: Declared type by column name.
            issues: List to append the issues to.
            table_name: Name of the table in the issues.
            conventions: How the text columns are written.
            row_numbers: Number of each row in the issues; None counts from 0.

        Raises:
            NotImplementedError: A declared type is none that a column can have.

        Example:
            >>> from algomancy_data import DataType
            >>> frame = pl.DataFrame({"a": ["1,5", "2"], "b": ["x", "7"]})
            >>> issues = []
            >>> DataTypeConverter.convert_dtypes(
            ...     frame, {"a": DataType.FLOAT, "b": DataType.INTEGER}, issues, "t"
            ... ).rows()
            [(1.5, 'x'), (2.0, '7')]
            >>> issues[0].reason
            "1 value is not a whole number of at most 64 bits: 'x' (row 0)."
        """
        frame = to_frame(df, table_name or "table")
        # Polars' own Schema takes five times as long to come by.
        schema = dict(zip(frame.columns, frame.dtypes, strict=True))
        targets: dict[str, ColumnType] = {}
        for name, declared in schema_types.items():
            try:
                targets[name] = column_type_of(declared)
            except ValueError as error:
                msg = f"Column {name!r} has the type {declared!r}, which is no type of columns."
                raise NotImplementedError(msg) from error
        work = {
            name: target
            for name, target in targets.items()
            if name in schema and not target.accepts(schema[name])
        }

        if not work:
            return frame.clone()
        place = "" if table_name is None else f" of table {table_name!r}"

        def convert(name: str) -> Outcome:
            doing = f"Converting column {name!r}{place} to {work[name].name}"
            with engine_failures(FileContentError, doing):
                return work[name].convert(frame[name], conventions)

        together = _read_together(frame, work, conventions, place)
        alone = [name for name in work if name not in together]
        if len(alone) > 1 and frame.height >= _LONG:
            with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
                found = dict(zip(alone, pool.map(convert, alone), strict=True))
        else:
            found = {name: convert(name) for name in alone}
        outcomes = together | found
        converted: list[pl.Series] = []
        for name, target in work.items():
            outcome = outcomes[name]
            issue = conversion_issue(frame[name], target, outcome, table_name, row_numbers)
            if issue is not None and issues is not None:
                issues.append(issue)
            if outcome.refused is None:
                converted.append(outcome.values.alias(name))
        return frame.with_columns(converted)


def _read_together(
    frame: pl.DataFrame,
    work: Mapping[str, ColumnType],
    conventions: TextConventions,
    place: str,
) -> dict[str, Outcome]:
    """Return the outcomes of short text columns, read together if they have one type.

    A column with a value that cannot be converted is left out: it is to be looked at alone.
    """
    if len(work) < _MANY or frame.height * _MANY > MOST_TOGETHER:
        return {}
    of_type: dict[str, list[pl.Series]] = {}
    for name, target in work.items():
        column = frame[name]
        if column.dtype == pl.String and column.null_count() < len(column):
            of_type.setdefault(target.name, []).append(column)
    found: dict[str, Outcome] = {}
    for columns in of_type.values():
        target = work[columns[0].name]
        for positions in parts_of(columns):
            if len(positions) < _MANY:
                continue
            stack, texts = stacked(columns[at] for at in positions)
            with engine_failures(FileContentError, f"Converting columns{place} to {target.name}"):
                outcomes = target.from_stack(texts, stack, conventions)
            found |= {
                columns[at].name: outcome
                for at, outcome in zip(positions, outcomes, strict=True)
                if outcome.refused is None
            }
    return found


def conversion_issue(
    given: pl.Series,
    target: ColumnType,
    outcome: Outcome,
    table_name: str | None,
    row_numbers: pl.Series | None = None,
) -> ConversionIssue | None:
    """Describe refused or guessed values, with the first of them and their rows.

    Args:
        given: The column before its conversion.
        target: The declared type.
        outcome: What became of it.
        table_name: Name of the table.
        row_numbers: Number of each row; None counts from 0.
    """
    concerned = outcome.guessed if outcome.refused is None else outcome.refused
    if concerned is None:
        return None
    positions = concerned.arg_true()
    numbers = positions if row_numbers is None else row_numbers.gather(positions)
    count = len(positions)
    rows: list[int] = numbers.head(MOST_EXAMPLES).to_list()
    examples = _examples(given.gather(positions.head(MOST_EXAMPLES)))
    shown = ", ".join(f"{example} (row {row})" for row, example in zip(rows, examples, strict=True))
    subject = counted(count, "value is", "values are")
    advice = "" if outcome.advice is None else f" {outcome.advice.text}"
    reason = f"{subject} {outcome.reason}: {shown}.{advice}"
    guess = outcome.refused is None
    severity = ValidationSeverity.WARNING if guess else ValidationSeverity.ERROR
    return ConversionIssue(
        table_name,
        given.name,
        declared_as(target),
        reason,
        severity,
        count,
        tuple(rows),
        f"Value is {outcome.reason}",
        None if guess or not outcome.by_value else numbers,
    )


def _examples(values: pl.Series) -> list[str]:
    """Return values as messages show them."""
    texts = (
        repr(value[:_LONGEST_EXAMPLE] if isinstance(value, str | bytes) else value)
        for value in python_values(values)
    )
    return [
        text if len(text) <= _LONGEST_EXAMPLE else f"{text[: _LONGEST_EXAMPLE - 1]}…"
        for text in texts
    ]


# --- columns in pieces -----------------------------------------------------------------------


def convert_pieces(
    pieces: Iterable[pl.Series],
    target: ColumnType,
    table: str,
    issues: list[ConversionIssue],
    row_numbers: pl.Series | None = None,
) -> pl.Series | list[ConversionIssue]:
    """Convert pieces of a column to its declared type and put them together.

    Args:
        pieces: Columns of one name and one length; in each row, at most one has a value.
        target: The declared type.
        table: Name of the table in the issues.
        issues: List to append the warnings to, if all pieces convert.
        row_numbers: Number of each row in the issues; None counts from 0.

    Returns:
        The column; or why not: what is wrong with the pieces, nothing if they do not become one
        dtype.
    """
    found: list[ConversionIssue] = []
    converted = [convert_piece(piece, target, table, found, row_numbers) for piece in pieces]
    errors = [issue for issue in found if issue.severity is ValidationSeverity.ERROR]
    if errors:
        return errors
    alike = in_one_dtype(converted)
    if alike is None:
        return []
    issues += found
    name = alike[0].name
    return pl.select(pl.coalesce(pl.lit(piece) for piece in alike).alias(name)).to_series()


def convert_piece(
    piece: pl.Series,
    target: ColumnType,
    table: str,
    issues: list[ConversionIssue],
    row_numbers: pl.Series | None = None,
) -> pl.Series:
    """Convert one column; a time of day is the interval since midnight."""
    if piece.dtype == pl.Time and isinstance(target.dtype, pl.Duration):
        lengths = piece.cast(pl.Duration("ns"))
        rounded = lengths.cast(pl.Duration("us"))
        return rounded if rounded.cast(lengths.dtype).equals(lengths) else lengths
    frame = piece.to_frame()
    converted = DataTypeConverter.convert_dtypes(
        frame, {piece.name: target}, issues, table, row_numbers=row_numbers
    )
    return converted.to_series()


def in_one_dtype(pieces: list[pl.Series]) -> list[pl.Series] | None:
    """Return the pieces in a dtype that holds all their values, or None."""
    dtypes = {piece.dtype for piece in pieces}
    if len(dtypes) == 1:
        return pieces
    if all(isinstance(dtype, pl.Categorical | pl.Enum) for dtype in dtypes):
        return [piece.cast(pl.String).cast(pl.Categorical) for piece in pieces]
    for unit in ("us", "ns"):
        wanted = _with_unit(pieces[0].dtype, unit)
        if wanted is None or any(_with_unit(dtype, unit) != wanted for dtype in dtypes):
            return None
        cast = [piece.cast(wanted, strict=False) for piece in pieces]
        back = [new.cast(old.dtype) for new, old in zip(cast, pieces, strict=True)]
        if all(new.equals(old) for new, old in zip(back, pieces, strict=True)):
            return cast
    return None


def _with_unit(dtype: PolarsDataType, unit: Literal["us", "ns"]) -> PolarsDataType | None:
    if isinstance(dtype, pl.Datetime):
        return pl.Datetime(unit, dtype.time_zone)
    return pl.Duration(unit) if isinstance(dtype, pl.Duration) else None


# --- columns anew, once rows that kept them from converting are out --------------------------


@dataclass(frozen=True, eq=False)
class Reconversion:
    """Converts columns again without bad rows.

    Args:
        table: Logical name of the table.
        types: Declared type by column name.
        conventions: How text is written.
        pieces: What columns of mixed cells are made of; each is converted by its own rules.
        lost: Columns that cannot be converted again.
    """

    table: str
    types: Mapping[str, ColumnType]
    conventions: TextConventions
    pieces: Mapping[str, list[pl.Series]] = field(default_factory=dict[str, list[pl.Series]])
    lost: AbstractSet[str] = frozenset()

    def convert(
        self, frame: pl.DataFrame, columns: AbstractSet[str], kept: pl.Series, rows: pl.Series
    ) -> tuple[pl.DataFrame, list[ConversionIssue]]:
        """Return the frame with the columns in their declared types, and the remaining issues.

        Args:
            frame: The rows that are left.
            columns: Names of the columns.
            kept: Which of the extracted rows they are.
            rows: Their numbers.
        """
        issues: list[ConversionIssue] = []
        whole: dict[str, ColumnType] = {}
        for name in sorted(columns & self.types.keys()):
            if name not in self.pieces:
                whole[name] = self.types[name]
                continue
            pieces = [piece.filter(kept) for piece in self.pieces[name]]
            values = convert_pieces(pieces, self.types[name], self.table, issues, rows)
            if isinstance(values, pl.Series):
                frame = frame.with_columns(values)
            else:
                issues += values or [self._unlike(name)]
        converted = DataTypeConverter.convert_dtypes(
            frame, whole, issues, self.table, conventions=self.conventions, row_numbers=rows
        )
        return converted, issues

    def _unlike(self, name: str) -> ConversionIssue:
        reason = "Its cells are of kinds that do not go together."
        return ConversionIssue(self.table, name, declared_as(self.types[name]), reason)
