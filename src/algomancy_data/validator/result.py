"""What a validation found, and the data that passed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import polars as pl

from algomancy_data.display.objects import Display, Displayed
from algomancy_data.errors import MissingExtraError
from algomancy_data.findings import (
    count_by_severity,
    counts_in_words,
    findings_by_rule,
    findings_grid,
)
from algomancy_data.messages import ValidationMessage, ValidationSeverity
from algomancy_data.validator.failures import RowFailures, failing_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from algomancy_data.frames.tabular import Tabular

_COLUMNS: Final = {
    "severity": pl.String,
    "message": pl.String,
    "table": pl.String,
    "column": pl.String,
    "row": pl.Int64,
    "code": pl.String,
    "key": pl.String,
    "count": pl.Int64,
}
_SUMMARY: Final = ("severity", "code", "table", "column", "key", "count")


@dataclass
class ValidationResult(Displayed):
    """The messages of a validation, and whether the data may be used.

    It is true if the data may be used, iterates over the messages and has their number as length.

    Args:
        is_valid: No message is as bad as ``halt_on``.
        messages: What was found, in order.
        halt_on: The least severity that makes data invalid.
        counts_by_severity: Number of messages per severity that occurs; counted if not given.
        row_failures: The rows that checks found bad by the column, all of them.

    Example:
        >>> from algomancy_data import ValidationMessage, ValidationResult, ValidationSeverity
        >>> found = [ValidationMessage(ValidationSeverity.WARNING, "odd", code="ODD")]
        >>> result = ValidationResult(True, found)
        >>> bool(result), len(result), result.counts_by_code
        (True, 1, {'ODD': 1})
    """

    is_valid: bool
    messages: list[ValidationMessage] = field(default_factory=list)
    halt_on: ValidationSeverity = ValidationSeverity.CRITICAL
    counts_by_severity: dict[str, int] = field(default_factory=dict)
    row_failures: list[RowFailures] = field(
        default_factory=list, kw_only=True, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        """Count the messages."""
        if not self.counts_by_severity:
            counts = Counter(message.severity for message in self.messages)
            self.counts_by_severity = {
                str(severity): counts[severity]
                for severity in ValidationSeverity
                if counts[severity]
            }

    @property
    def counts_by_code(self) -> dict[str, int]:
        """Number of messages per code, in order of appearance; those without one are left out."""
        return dict(Counter(message.code for message in self.messages if message.code is not None))

    def messages_by_severity(self, severity: ValidationSeverity) -> list[ValidationMessage]:
        """Return the messages of exactly that severity."""
        return [message for message in self.messages if message.severity == severity]

    def messages_at_least(self, severity: ValidationSeverity) -> list[ValidationMessage]:
        """Return the messages of at least that severity."""
        return [message for message in self.messages if message.severity.rank >= severity.rank]

    def as_dataframe(self) -> pl.DataFrame:
        """Return a row per message.

        Returns:
            Columns ``severity``, ``message``, ``table``, ``column``, ``code``, ``key`` (String),
            ``row`` and ``count`` (Int64), in the order of a message's fields, also without
            messages.
        """
        columns = {name: [getattr(message, name) for message in self.messages] for name in _COLUMNS}
        columns["severity"] = [str(severity) for severity in columns["severity"]]
        return pl.DataFrame(columns, schema=_COLUMNS)

    def summary(self) -> pl.DataFrame:
        """Return a row per rule with the exact number of its findings.

        The limit on messages does not limit the counts.

        Returns:
            Columns ``severity``, ``code``, ``table``, ``column``, ``key`` (String) and ``count``
            (Int64), in order of first appearance.

        Example:
            >>> import polars as pl
            >>> from algomancy_data import MissingValueValidator, ValidationSequence
            >>> sequence = ValidationSequence([MissingValueValidator("t", ["a"])], message_limit=1)
            >>> result = sequence.run_validation({"t": pl.DataFrame({"a": [None, None, None]})})
            >>> len(result), result.summary()["count"].to_list()
            (2, [3])
        """
        rules = findings_by_rule(self.messages)
        columns = {name: [getattr(rule, name) for rule in rules] for name in _SUMMARY}
        columns["severity"] = [str(severity) for severity in columns["severity"]]
        return pl.DataFrame(columns, schema={name: _COLUMNS[name] for name in _SUMMARY})

    def failing_rows(self) -> pl.DataFrame:
        """Return every row that failed a check, with its reasons, regardless of the message limit.

        Checks keep the numbers of their bad rows as columns; the frame is made when asked for.

        Returns:
            A row per bad row and reason, with ``table``, ``code``, ``column`` and ``key``
            (Categorical), ``row`` (UInt32: the number from 0 in the validated frame),
            ``severity`` (Enum, so that ``pl.col("severity") >= "ERROR"`` works) and ``message``
            (String: what is wrong, as a rule without the values).

        Example:
            >>> import polars as pl
            >>> from algomancy_data import UniqueValueValidator, ValidationSequence
            >>> tables = {"t": pl.DataFrame({"a": [1, 2, 1]})}
            >>> result = ValidationSequence([UniqueValueValidator("t", "a")]).run_validation(tables)
            >>> tables["t"][result.failing_rows()["row"].unique()]["a"].to_list()
            [1, 1]
        """
        return failing_rows(self.row_failures, self.messages)

    def to_html(
        self, tables: Mapping[str, Tabular] | None = None, *, title: str = "Validation report"
    ) -> str:
        """Return a report for a browser: one self-contained page.

        For each table it shows how many findings of which severity there are, and for each rule
        the exact number of findings and the first rows concerned. What is shown is bounded: a
        page stays readable, and small, however much was found.

        Args:
            tables: The frames that were validated, by logical name. With them the report shows
                whole rows, otherwise the columns in question.
            title: Heading of the page.

        Raises:
            MissingExtraError: The extra ``algomancy-data[report]`` is not installed.
            FrameError: A table cannot be turned into a frame.

        Example:
            >>> from pathlib import Path
            >>> page = ValidationResult(is_valid=True).to_html()
            >>> _ = Path("report.html").write_text(page, encoding="utf-8")  # doctest: +SKIP
        """
        try:
            from algomancy_data.validator.report.page import render  # noqa: PLC0415  needs the extra
        except ImportError as error:
            if error.name != "great_tables":
                raise
            raise MissingExtraError.from_extra("ValidationResult.to_html()", "report") from error
        return render(self, tables or {}, title)

    def _display(self) -> Display:
        verdict = "Validation passed" if self.is_valid else "Validation failed"
        found = counts_in_words(count_by_severity(self.messages))
        title = f"{verdict} with {found}" if found else f"{verdict} without findings"
        facts = (f"fails at {self.halt_on} or worse",)
        return Display(title, facts, (findings_grid(self.messages),))

    def __bool__(self) -> bool:
        """Tell whether the data may be used."""
        return self.is_valid

    def __iter__(self) -> Iterator[ValidationMessage]:
        """Iterate over the messages."""
        return iter(self.messages)

    def __len__(self) -> int:
        """Return the number of messages."""
        return len(self.messages)


@dataclass(frozen=True, eq=False)
class Checked:
    """The data after validation, and what was found.

    Args:
        tables: The tables, or their good rows, in order.
        messages: All that was found, with row numbers of the extracted tables.
        failures: All rows that checks found bad, likewise.
        still_open: Those of the messages that no quarantine settles.
        quarantine: The bad rows by table as they were extracted, with row number and reasons;
            only tables that have some.
    """

    tables: dict[str, pl.DataFrame]
    messages: Sequence[ValidationMessage]
    failures: Sequence[RowFailures]
    still_open: Sequence[ValidationMessage]
    quarantine: Mapping[str, pl.DataFrame] = field(default_factory=dict[str, "pl.DataFrame"])

    def noting(self, notes: Sequence[ValidationMessage]) -> Checked:
        """Return the same, preceded by notes on how the files were read."""
        messages, still_open = [*notes, *self.messages], [*notes, *self.still_open]
        return replace(self, messages=messages, still_open=still_open)
