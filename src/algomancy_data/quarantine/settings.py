"""What goes into quarantine, and how it is named."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Self

from algomancy_data.errors import QuarantineError
from algomancy_data.messages import ValidationSeverity

if TYPE_CHECKING:
    from collections.abc import Collection

    import polars as pl

    from algomancy_data.relations.stored import StoredKeys


@dataclass(frozen=True)
class Quarantine:
    """Which rows an ETL puts aside instead of failing or loading them.

    Args:
        minimum: The least severity of a finding that puts its rows into quarantine.
        codes: The codes of findings that do; None for all.
        orphans: Rows whose declared foreign key is not among the good rows go as well, and the
            rows that refer to these, and so on.
        keep_first: Of rows with one key the first stays, if nothing else is wrong with it.
            Otherwise all of them go.
        max_share: The largest part of a table that may go, from 0 to 1. If more would, the ETL
            fails: something else than single rows is wrong.
        suffix: What the name of a table gets to become that of its quarantine.
        prefix: What stands before the names of the columns ``row``, ``reasons`` and ``messages``.

    Raises:
        QuarantineError: There is no suffix, or ``max_share`` is no part.

    Example:
        >>> settings = Quarantine(codes={"CONVERSION_FAILED"})
        >>> settings.takes(ValidationSeverity.ERROR, "PK_DUPLICATE")
        False
        >>> settings.row, settings.table("orders")
        ('_row', 'orders_quarantine')
    """

    minimum: ValidationSeverity = ValidationSeverity.ERROR
    codes: Collection[str] | None = None
    orphans: bool = True
    keep_first: bool = False
    max_share: float = 1.0
    suffix: str = "_quarantine"
    prefix: str = "_"

    def __post_init__(self) -> None:
        """Refuse invalid settings."""
        if not self.suffix:
            msg = "A quarantine needs a suffix, or its tables would have the names of the others."
            raise QuarantineError(msg)
        if not 0 <= self.max_share <= 1:
            msg = f"max_share must be a part of the rows, from 0 to 1, not {self.max_share}."
            raise QuarantineError(msg)

    @classmethod
    def of(cls, given: Self | bool | None) -> Self | None:  # noqa: FBT001  what callers may say
        """Return the given settings; True means the defaults."""
        if isinstance(given, bool):
            return cls() if given else None
        return given

    def takes(self, severity: ValidationSeverity, code: str | None) -> bool:
        """Tell whether a finding puts its rows into quarantine."""
        return severity >= self.minimum and (self.codes is None or code in self.codes)

    def table(self, name: str) -> str:
        """Return the name of a table's quarantine."""
        return f"{name}{self.suffix}"

    def table_beside(self, name: str, frame: pl.DataFrame, stored: StoredKeys | None) -> str:
        """Return the name of a table's quarantine in a dataset that rows are added to.

        A column is text where a value of it did not convert, and else of its declared type, so
        that the rows of one load may not fit behind those of another: they get the next free
        table, such as ``orders_quarantine_2``.

        Args:
            name: Name of the table.
            frame: Its bad rows.
            stored: What the dataset has; None if there is none.
        """
        first = self.table(name)
        tables = (first if number == 1 else f"{first}_{number}" for number in count(1))
        return next(table for table in tables if _takes(stored, table, frame))

    @property
    def row(self) -> str:
        """Name of the column with the row numbers."""
        return f"{self.prefix}row"

    @property
    def reasons(self) -> str:
        """Name of the column with the codes."""
        return f"{self.prefix}reasons"

    @property
    def messages(self) -> str:
        """Name of the column with what is wrong, in words."""
        return f"{self.prefix}messages"

    @property
    def columns(self) -> tuple[str, str, str]:
        """Names of the columns that a quarantine adds to those of its table."""
        return self.row, self.reasons, self.messages


def _takes(stored: StoredKeys | None, table: str, frame: pl.DataFrame) -> bool:
    """Tell whether a table takes more rows as they are; one that is not there does."""
    columns = {} if stored is None else stored.columns(table)
    return all(frame.schema.get(name) == dtype for name, dtype in columns.items())
