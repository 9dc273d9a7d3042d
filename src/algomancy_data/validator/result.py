"""What a validation found."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import polars as pl

from algomancy_data.messages import ValidationMessage, ValidationSeverity

if TYPE_CHECKING:
    from collections.abc import Iterator

_COLUMNS: Final = {
    "severity": pl.String,
    "message": pl.String,
    "table": pl.String,
    "column": pl.String,
    "row": pl.Int64,
    "code": pl.String,
}


@dataclass
class ValidationResult:
    """The messages of a validation, and whether the data may be used.

    It is true if the data may be used, iterates over the messages and has their number as length.

    Args:
        is_valid: No message is as bad as ``halt_on``.
        messages: What was found, in order.
        halt_on: The least severity that makes data invalid.
        counts_by_severity: Number of messages per severity that occurs; counted if not given.

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
        """Number of messages per code, in order of appearance; those without a code left out."""
        return dict(Counter(message.code for message in self.messages if message.code is not None))

    def messages_by_severity(self, severity: ValidationSeverity) -> list[ValidationMessage]:
        """Return the messages of exactly that severity."""
        return [message for message in self.messages if message.severity == severity]

    def messages_at_least(self, severity: ValidationSeverity) -> list[ValidationMessage]:
        """Return the messages of that severity and worse ones."""
        return [message for message in self.messages if message.severity.rank >= severity.rank]

    def as_dataframe(self) -> pl.DataFrame:
        """Return a row per message.

        Returns:
            Columns ``severity``, ``message``, ``table``, ``column``, ``code`` (String) and
            ``row`` (Int64), in the order of a message's fields, also without messages.
        """
        records = [message.to_dict() for message in self.messages]
        return pl.DataFrame(
            {name: [record[name] for record in records] for name in _COLUMNS}, schema=_COLUMNS
        )

    def __bool__(self) -> bool:
        """Tell whether the data may be used."""
        return self.is_valid

    def __iter__(self) -> Iterator[ValidationMessage]:
        """Iterate over the messages."""
        return iter(self.messages)

    def __len__(self) -> int:
        """Return the number of messages."""
        return len(self.messages)
