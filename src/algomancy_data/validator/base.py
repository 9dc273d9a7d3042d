"""The validator's interface, and what the package's own validators share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from algomancy_data.components import Component, NameOrLogger
from algomancy_data.frames.tabular import to_frames
from algomancy_data.frames.values import python_rows
from algomancy_data.memory import IN_MEMORY_BYTES
from algomancy_data.messages import ValidationMessage, ValidationSeverity
from algomancy_data.relations.keys import is_comparable
from algomancy_data.relations.partitions import KeyLimits
from algomancy_data.validator.failures import SAMPLE_ROWS, RowFailures, failing_rows, show_row

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from algomancy_data.frames.tabular import Tabular


class Validator(Component, ABC):
    """Looks at the tables of a dataset and says what is wrong with them.

    Subclass it with a :meth:`validate` that calls :meth:`add_message` (or :meth:`report_rows`)
    and returns :attr:`messages`. A :class:`ValidationSequence` empties the messages before each
    run. It may ask for pandas frames as a :class:`~algomancy_data.Transformer` does.

    Args:
        name: What it is called in the log.
        logger: The framework's logger, one of the standard library, or None for the standard
            library's ``algomancy_data``. The two may change places: a text is the name.

    Attributes:
        name: As it was given, or that of its class.
        logger: As it was given.
        message_limit: How many bad rows one check reports singly before it sums up the rest;
            None reports every row.
        in_memory_bytes: Up to which size the package's own checks look at keys as a whole; beyond,
            they do it in slices.

    Example:
        >>> import polars as pl
        >>> from algomancy_data import ValidationSeverity, Validator
        >>> class NoNegativeDistance(Validator):
        ...     def validate(self, data):
        ...         rows = (data["flights"]["distance"] < 0).arg_true()
        ...         self.report_rows(
        ...             ValidationSeverity.ERROR,
        ...             "Distance is negative",
        ...             rows,
        ...             data["flights"].select("distance"),
        ...             table="flights",
        ...             code="NEGATIVE_DISTANCE",
        ...         )
        ...         return self.messages
        >>> flights = pl.DataFrame({"distance": [229, -1]})
        >>> print(*NoNegativeDistance().validate({"flights": flights}))
        ERROR: Distance is negative: distance=-1 \
[table=flights, column=distance, row=1, code=NEGATIVE_DISTANCE]
    """

    message_limit: int | None = 100
    in_memory_bytes: int = IN_MEMORY_BYTES

    def __init__(self, name: NameOrLogger = None, logger: NameOrLogger = None) -> None:
        super().__init__(name, logger)
        self._messages: list[ValidationMessage] = []
        self._buffer: list[ValidationMessage] = []
        self._failures: list[RowFailures] = []

    @abstractmethod
    def validate(self, data: dict[str, pl.DataFrame]) -> list[ValidationMessage]:
        """Return what is wrong with the tables.

        Args:
            data: The frames by logical table name.
        """

    @property
    def messages(self) -> list[ValidationMessage]:
        """The messages of the last run, including buffered ones."""
        self.flush_buffer()
        return list(self._messages)

    @property
    def row_failures(self) -> list[RowFailures]:
        """All rows that :meth:`report_rows` was given in the last run."""
        return list(self._failures)

    def failing_rows(self) -> pl.DataFrame:
        """Return all rows that failed in the last run, each with its reasons.

        Unlike the messages they have no limit.

        Returns:
            Columns ``table``, ``row``, ``code``, ``column``, ``key``, ``severity`` and
            ``message``; see :meth:`ValidationResult.failing_rows`.

        Example:
            >>> import polars as pl
            >>> from algomancy_data import MissingValueValidator
            >>> check = MissingValueValidator("t", ["a"])
            >>> check.message_limit = 0
            >>> _ = check.validate({"t": pl.DataFrame({"a": [1, None, None]})})
            >>> check.failing_rows()["row"].to_list()
            [1, 2]
        """
        return failing_rows(self._failures, self.messages)

    def reset(self) -> None:
        """Forget all messages and failing rows, for a fresh run."""
        self._messages = []
        self._buffer = []
        self._failures = []

    def add_message(
        self,
        severity: ValidationSeverity,
        message: str,
        table: str | None = None,
        column: str | None = None,
        row: int | None = None,
        code: str | None = None,
        *,
        key: str | None = None,
        count: int = 1,
    ) -> None:
        """Report one finding; the arguments are those of :class:`ValidationMessage`."""
        severity = ValidationSeverity(severity)  # a validator of a user's own may give any text
        self._messages.append(
            ValidationMessage(severity, message, table, column, row, code, key=key, count=count)
        )

    def buffer_message(
        self,
        severity: ValidationSeverity,
        message: str,
        table: str | None = None,
        column: str | None = None,
        row: int | None = None,
        code: str | None = None,
        *,
        key: str | None = None,
        count: int = 1,
    ) -> None:
        """Keep one finding until :meth:`flush_buffer`."""
        self._buffer.append(
            ValidationMessage(severity, message, table, column, row, code, key=key, count=count)
        )

    def flush_buffer(self, success_message: str | None = None) -> None:
        """Report what the buffer holds.

        Args:
            success_message: Reported as INFO if the buffer is empty.
        """
        if not self._buffer and success_message is not None:
            self.add_message(ValidationSeverity.INFO, success_message)
        self._messages += self._buffer
        self._buffer = []

    def report_rows(
        self,
        severity: ValidationSeverity,
        problem: str,
        rows: pl.Series,
        values: pl.DataFrame,
        *,
        table: str,
        code: str,
        key: str | None = None,
    ) -> None:
        """Report bad rows: one message each up to the limit, then one with the total.

        All of the row numbers are kept for :meth:`failing_rows`.

        Args:
            severity: Severity of each message.
            problem: What is wrong with each of the rows, as the start of a sentence.
            rows: Their numbers from 0 (any integer dtype), in the order of reporting.
            values: The columns in question, all rows of the table; shown with each message, and
                named in its ``column``.
            table: Logical name of the table.
            code: Code of each message.
            key: For a declared rule, its name; for one across tables, the foreign key in question.

        Raises:
            ValueError: ``message_limit`` is negative.
        """
        limit = checked_message_limit(self.message_limit)
        if rows.is_empty():
            return
        shown = rows if limit is None else rows.head(limit)
        column = ",".join(values.columns)
        for row, cells in zip(shown.to_list(), python_rows(values[shown]), strict=True):
            where = show_row(values.columns, cells)
            self.add_message(severity, f"{problem}: {where}", table, column, row, code, key=key)
        if len(rows) > len(shown):
            total = f"{len(rows):,} rows in all; the first {len(shown):,} are reported."
            self.add_message(
                severity,
                f"{problem}: {total}",
                table,
                column,
                code=code,
                key=key,
                count=len(rows) - len(shown),
            )
        sample = list(python_rows(values[rows.head(SAMPLE_ROWS)]))
        self._failures.append(
            RowFailures(severity, problem, table, code, key, rows, values.schema, sample)
        )


def checked_message_limit(limit: int | None) -> int | None:
    """Return the limit.

    Raises:
        ValueError: It is negative.
    """
    if limit is not None and limit < 0:
        msg = f"message_limit must be 0 or more, or None for no limit, not {limit}."
        raise ValueError(msg)
    return limit


class FrameCheck(Validator):
    """A validator that starts fresh on every call and takes anything tabular."""

    @property
    def _key_limits(self) -> KeyLimits:
        """From which size on keys are read in slices."""
        return KeyLimits.of(self.in_memory_bytes)

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
        """Tell whether the table has the column; if not, report it (COLUMN_NOT_FOUND)."""
        if column in frame.columns:
            return True
        text = f"Column {column!r} is not in table {table!r}."
        self.add_message(severity, text, table, column, code="COLUMN_NOT_FOUND", key=key)
        return False

    def can_compare(self, values: pl.DataFrame, table: str, severity: ValidationSeverity) -> bool:
        """Tell whether the values can be compared; if not, report it (NOT_COMPARABLE)."""
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
    """Accepts everything: a placeholder for a sequence without validators.

    Example:
        >>> from algomancy_data import DefaultValidator
        >>> print(*DefaultValidator().validate({}))
        INFO: No checks were asked for.
    """

    def check(self, tables: dict[str, pl.DataFrame]) -> None:  # noqa: ARG002  nothing to look at
        """Report that nothing is checked, as INFO."""
        self.flush_buffer("No checks were asked for.")
