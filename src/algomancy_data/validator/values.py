"""Are the values of single columns there, and different from each other?"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Unpack

from algomancy_data.messages import ValidationSeverity
from algomancy_data.relations.keys import rows_where
from algomancy_data.validator.base import FrameCheck
from algomancy_data.validator.duplicates import columns_with_duplicates, duplicate_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from algomancy_data.components import KnownAs


class ValueCheck(FrameCheck):
    """Checks on single columns.

    Args:
        severity: Severity of every message.
    """

    def __init__(
        self,
        severity: ValidationSeverity = ValidationSeverity.ERROR,
        **known_as: Unpack[KnownAs],
    ) -> None:
        super().__init__(**known_as)
        self.severity = severity

    def report_missing(self, table: str, frame: pl.DataFrame, columns: Sequence[str]) -> None:
        """Report each null in the columns (NULL_VALUE)."""
        for column in columns:
            if frame[column].null_count():
                rows = rows_where(frame[column].is_null())
                values = frame.select(column)
                problem = "Value is missing"
                self.report_rows(
                    self.severity, problem, rows, values, table=table, code="NULL_VALUE"
                )

    def report_duplicates(self, table: str, frame: pl.DataFrame, columns: Sequence[str]) -> None:
        """Report each value, other than null, that occurs again in its column (DUPLICATE_VALUE)."""
        comparable = [
            column
            for column in columns
            if self.can_compare(frame.select(column), table, self.severity)
        ]
        for column in columns_with_duplicates(frame, comparable, self._key_limits):
            values = frame.select(column)
            problem = "Value is not unique"
            self.report_rows(
                self.severity,
                problem,
                duplicate_rows(values, self._key_limits),
                values,
                table=table,
                code="DUPLICATE_VALUE",
            )


class _NamedColumnsCheck(ValueCheck):
    """A check on columns that are named one by one.

    Args:
        table: Logical name of the table.
        columns: Names of the columns; each is checked by itself.
        severity: Severity of every message.
    """

    def __init__(
        self,
        table: str,
        columns: Sequence[str],
        severity: ValidationSeverity = ValidationSeverity.ERROR,
        **known_as: Unpack[KnownAs],
    ) -> None:
        super().__init__(severity, **known_as)
        self.table = table
        self.columns = [columns] if isinstance(columns, str) else list(columns)

    def check(self, tables: dict[str, pl.DataFrame]) -> None:
        """Report what is wrong with the columns, or that they are not there."""
        frame = self.find_table(tables, self.table, self.severity)
        if frame is None:
            return
        present = [
            column
            for column in dict.fromkeys(self.columns)
            if self.has_column(frame, self.table, column, self.severity)
        ]
        self.check_columns(frame, present)

    @abstractmethod
    def check_columns(self, frame: pl.DataFrame, columns: Sequence[str]) -> None:
        """Report what is wrong with columns that are there."""


class UniqueValueValidator(_NamedColumnsCheck):
    """Reports values that occur more than once in a column; nulls are not compared.

    Codes: DUPLICATE_VALUE for every row with such a value, TABLE_NOT_FOUND, COLUMN_NOT_FOUND, and
    NOT_COMPARABLE for a column of Python objects.

    Args:
        table: Logical name of the table.
        columns: Names of the columns; each is checked by itself.
        severity: Severity of every message.

    Example:
        >>> import polars as pl
        >>> from algomancy_data import UniqueValueValidator
        >>> airports = pl.DataFrame({"faa": ["EWR", "JFK", "EWR"]})
        >>> messages = UniqueValueValidator("airports", ["faa"]).validate({"airports": airports})
        >>> [message.row for message in messages]
        [0, 2]
    """

    def check_columns(self, frame: pl.DataFrame, columns: Sequence[str]) -> None:
        """Report the duplicates of each column."""
        self.report_duplicates(self.table, frame, columns)


class MissingValueValidator(_NamedColumnsCheck):
    """Reports nulls; NaN is a value.

    Codes: NULL_VALUE for each cell, TABLE_NOT_FOUND, COLUMN_NOT_FOUND.

    Args:
        table: Logical name of the table.
        columns: Names of the columns; each is checked by itself.
        severity: Severity of every message.

    Example:
        >>> import polars as pl
        >>> from algomancy_data import MissingValueValidator
        >>> airports = pl.DataFrame({"faa": ["EWR", None]})
        >>> print(*MissingValueValidator("airports", ["faa"]).validate({"airports": airports}))
        ERROR: Value is missing: faa=None [table=airports, column=faa, row=1, code=NULL_VALUE]
    """

    def check_columns(self, frame: pl.DataFrame, columns: Sequence[str]) -> None:
        """Report the nulls of each column."""
        self.report_missing(self.table, frame, columns)
