"""What the package's own validators share: a fresh start, frames, and common findings."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from algomancy_data.frames.tabular import to_frames
from algomancy_data.relations.keys import is_comparable
from algomancy_data.validator.base import Validator

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from algomancy_data.frames.tabular import Tabular
    from algomancy_data.messages import ValidationMessage, ValidationSeverity


class FrameCheck(Validator):
    """A validator that starts fresh on every call and takes anything tabular."""

    def validate(self, data: Mapping[str, Tabular]) -> list[ValidationMessage]:
        """Return what is wrong with the tables.

        Args:
            data: Anything tabular by logical table name.

        Raises:
            FrameError: A table cannot be turned into a frame.
        """
        self.reset()
        self.check(to_frames(data))
        return self.messages

    @abstractmethod
    def check(self, tables: dict[str, pl.DataFrame]) -> None:
        """Report what is wrong with the tables."""

    def find_table(
        self,
        tables: dict[str, pl.DataFrame],
        table: str,
        severity: ValidationSeverity,
        key: str | None = None,
    ) -> pl.DataFrame | None:
        """Return the table, or report that there is none (TABLE_NOT_FOUND)."""
        if table not in tables:
            text = f"Table {table!r} is not in the data."
            self.add_message(severity, text, table, code="TABLE_NOT_FOUND", key=key)
        return tables.get(table)

    def has_column(
        self,
        frame: pl.DataFrame,
        table: str,
        column: str,
        severity: ValidationSeverity,
        key: str | None = None,
    ) -> bool:
        """Tell whether the table has the column, or report that it has not (COLUMN_NOT_FOUND)."""
        if column in frame.columns:
            return True
        text = f"Column {column!r} is not in table {table!r}."
        self.add_message(severity, text, table, column, code="COLUMN_NOT_FOUND", key=key)
        return False

    def can_compare(self, values: pl.DataFrame, table: str, severity: ValidationSeverity) -> bool:
        """Tell whether the values can be compared, or report that not (NOT_COMPARABLE)."""
        if all(is_comparable(dtype) for dtype in values.dtypes):
            return True
        column = ",".join(values.columns)
        text = (
            f"{column!r} holds Python objects, which cannot be compared: "
            f"whether it is unique was not checked."
        )
        self.add_message(severity, text, table, column, code="NOT_COMPARABLE")
        return False


class DefaultValidator(FrameCheck):
    """Accepts everything; stands where a sequence needs a validator and there is none to ask.

    Example:
        >>> from algomancy_data import DefaultValidator
        >>> print(*DefaultValidator().validate({}))
        INFO: No checks were asked for.
    """

    def check(self, tables: dict[str, pl.DataFrame]) -> None:  # noqa: ARG002  nothing to look at
        """Report that nothing is checked, as INFO."""
        self.flush_buffer("No checks were asked for.")
