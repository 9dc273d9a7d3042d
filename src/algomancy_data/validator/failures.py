"""All rows that failed, as columns of row numbers, made into a frame on request."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from reprlib import Repr
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from algomancy_data.frames.values import ValueText, python_rows
from algomancy_data.messages import ValidationMessage, ValidationSeverity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


_LONGEST: Final = 80
_SHORT: Final = Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = _LONGEST


def show_row(columns: Sequence[str], values: Sequence[Any]) -> str:
    """Return the cells of a row with their columns' names.

    Example:
        >>> show_row(["carrier", "day"], ["AA", 5])
        "carrier='AA', day=5"
    """
    return ", ".join(
        f"{column}={show_value(value)}" for column, value in zip(columns, values, strict=True)
    )


def show_value(value: Any) -> str:
    """Return a cell as text, cut in the middle if it is long.

    Example:
        >>> show_value("AA"), show_value(dt.date(2013, 1, 1))
        ("'AA'", '2013-01-01')
    """
    if isinstance(value, dt.date | dt.time | dt.timedelta | Decimal | ValueText):
        return str(value)
    return _SHORT.repr(value)


SAMPLE_ROWS: Final = 5

_TEXT: Final = pl.Categorical()
_SCHEMA: Final = pl.Schema(
    {
        "table": _TEXT,
        "row": pl.get_index_type(),
        "code": _TEXT,
        "column": _TEXT,
        "key": _TEXT,
        "severity": pl.Enum([str(severity) for severity in ValidationSeverity]),
        "message": pl.String(),
    }
)
_REASON: Final = ["table", "row", "code", "column", "key", "severity"]


@dataclass(frozen=True, slots=True, eq=False)
class RowFailures:
    """The rows of a table that failed a check.

    Args:
        severity: How bad it is.
        problem: What is wrong with each of the rows, without its values.
        table: Logical name of the table.
        code: Stable code of the kind of finding.
        key: Name of the declared rule, or the foreign key in question.
        rows: All row numbers, from 0 (any integer dtype).
        columns: The columns in question.
        sample: What these hold in the first of the rows. As Python values, since a slice of a
            frame keeps the texts of the whole column in memory.
    """

    severity: ValidationSeverity
    problem: str
    table: str
    code: str | None
    key: str | None
    rows: pl.Series
    columns: pl.Schema
    sample: list[tuple[Any, ...]]

    @property
    def column(self) -> str:
        """Name of the column, or names joined with ``","``."""
        return ",".join(self.columns)

    def came_from(self, frame: pl.DataFrame) -> bool:
        """Tell whether a frame may be the one that was checked, by the values of a sample.

        Args:
            frame: The table, which may have been changed since.
        """
        rows, columns = self.rows.head(len(self.sample)), list(self.columns)
        if not set(columns).issubset(frame.columns) or (rows >= frame.height).any():
            return False
        given = frame.select(columns)[rows]
        # As text: Python objects cannot be compared by Polars.
        return [show_row(columns, row) for row in python_rows(given)] == [
            show_row(columns, row) for row in self.sample
        ]


def failing_rows(
    failures: Iterable[RowFailures], messages: Iterable[ValidationMessage] = ()
) -> pl.DataFrame:
    """Return a row for each failing row and reason.

    Args:
        failures: What checks found by the column.
        messages: What was found otherwise; those that name a table and a row count, unless
            ``failures`` have the same reason for that row.

    Returns:
        ``table``, ``code``, ``column`` and ``key`` (Categorical), ``row`` (UInt32 or UInt64),
        ``severity`` (an Enum that orders INFO, WARNING, ERROR, CRITICAL) and ``message``
        (String); in the order of the failures, then of the messages. A row with several reasons
        is there several times.
    """
    parts = [_frame_of(failure) for failure in failures if len(failure.rows)]
    by_column = pl.concat([pl.DataFrame(schema=_SCHEMA), *parts])
    single = _frame_of_messages(messages)
    if by_column.is_empty() or single.is_empty():
        return by_column if single.is_empty() else single
    # Most messages are the first of the failures: few are left to append.
    return by_column.vstack(single.join(by_column, on=_REASON, how="anti", nulls_equal=True))


def _frame_of(failure: RowFailures) -> pl.DataFrame:
    return pl.select(
        pl.lit(failure.table, _TEXT).alias("table"),
        failure.rows.cast(_SCHEMA["row"]).alias("row"),
        pl.lit(failure.code, _TEXT).alias("code"),
        pl.lit(failure.column, _TEXT).alias("column"),
        pl.lit(failure.key, _TEXT).alias("key"),
        pl.lit(str(failure.severity), _SCHEMA["severity"]).alias("severity"),
        pl.lit(failure.problem, pl.String).alias("message"),
    )


def _frame_of_messages(messages: Iterable[ValidationMessage]) -> pl.DataFrame:
    placed = [m for m in messages if m.table is not None and m.row is not None and m.row >= 0]
    columns = {
        name: [str(value) if name == "severity" else value for value in values]
        for name in _SCHEMA
        for values in [[getattr(message, name) for message in placed]]
    }
    frame = pl.DataFrame(columns, schema=_SCHEMA)
    return frame.unique(_REASON, keep="first", maintain_order=True)
