"""What is said about a column that did not convert, or only with a guess."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from algomancy_data.messages import ValidationMessage, ValidationSeverity

if TYPE_CHECKING:
    import polars as pl

    from algomancy_data.schema import DataType


@dataclass(slots=True)
class ConversionIssue:
    """A column that could not be converted, or whose values could be read in two ways.

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
    target_type: DataType
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
        return f"{place} as {self.target_type.name}: {self.reason}"
