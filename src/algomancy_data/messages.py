"""Findings about data: what validators, extractors and transformers report."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

MOST_EXAMPLES: Final = 5
"""How many rows or values a finding shows, however many there are."""


class ValidationSeverity(StrEnum):
    """The severity of a finding: INFO < WARNING < ERROR < CRITICAL.

    Example:
        >>> max(ValidationSeverity.ERROR, ValidationSeverity.CRITICAL).value
        'CRITICAL'
    """

    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"

    rank: int
    """Position from 0 (INFO) to 3 (CRITICAL)."""

    def __init__(self, value: str) -> None:
        del value  # it is the text already
        self.rank = len(type(self).__members__)  # those that came before

    # A str would compare by its letters: "CRITICAL" < "ERROR" < "INFO" < "WARNING".

    def __lt__(self, other: str, /) -> bool:
        """Tell whether this is less severe."""
        return self.rank < _RANKS[other] if other in _RANKS else NotImplemented

    def __le__(self, other: str, /) -> bool:
        """Tell whether this is at most as severe."""
        return self.rank <= _RANKS[other] if other in _RANKS else NotImplemented

    def __gt__(self, other: str, /) -> bool:
        """Tell whether this is more severe."""
        return self.rank > _RANKS[other] if other in _RANKS else NotImplemented

    def __ge__(self, other: str, /) -> bool:
        """Tell whether this is at least as severe."""
        return self.rank >= _RANKS[other] if other in _RANKS else NotImplemented


_RANKS: Final[dict[str, int]] = {severity: rank for rank, severity in enumerate(ValidationSeverity)}
_ESCAPES: Final = str.maketrans({"\n": "\\n", "\r": "\\r", "\t": "\\t"})


@dataclass(slots=True)
class ValidationMessage:
    """A finding, or the sum of several.

    Messages are equal if severity, text, table, column, row and code are; ``key`` and ``count``
    say nothing that these do not.

    Args:
        severity: How bad it is.
        message: What was found; line breaks and tabs are escaped, so that it stays one line.
        table: Logical name of the table, if the finding is about one.
        column: Name of the column, or names joined with ``","``.
        row: Row number from 0 in the extracted frame.
        code: Stable code of the kind of finding, such as ``"PK_DUPLICATE"``.
        key: For a declared rule, its name; for one across tables, the foreign key in question, such
            as ``"flights.carrier->airlines.carrier"``.
        count: How many findings the message stands for: more than one where it sums them up. The
            counts of a rule's messages add up to the exact number of its findings.

    Example:
        >>> print(ValidationMessage(ValidationSeverity.ERROR, "null key", table="t", row=3))
        ERROR: null key [table=t, row=3]
    """

    severity: ValidationSeverity
    message: str
    table: str | None = None
    column: str | None = None
    row: int | None = None
    code: str | None = None
    key: str | None = field(default=None, kw_only=True, compare=False)
    count: int = field(default=1, kw_only=True, compare=False)

    def __post_init__(self) -> None:
        """Keep the message on one line, and take the severity as text too.

        Raises:
            ValueError: There is no such severity.
        """
        if type(self.severity) is not ValidationSeverity:
            self.severity = ValidationSeverity(self.severity)
        self.message = self.clean(self.message)

    @staticmethod
    def clean(message: str) -> str:
        """Return the text with line breaks and tabs escaped."""
        return message.translate(_ESCAPES)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, the severity as text; ``key`` and ``count`` where they say more."""
        fields: dict[str, Any] = {
            "severity": str(self.severity),
            "message": self.message,
            "table": self.table,
            "column": self.column,
            "row": self.row,
            "code": self.code,
        }
        if self.key is not None:
            fields["key"] = self.key
        if self.count != 1:
            fields["count"] = self.count
        return fields

    def __str__(self) -> str:
        """Return ``SEVERITY: message [where]``, without brackets when nothing says where."""
        where = ", ".join(
            f"{name}={value}"
            for name in ("table", "column", "row", "code", "key")
            if (value := getattr(self, name)) is not None
        )
        return f"{self.severity}: {self.message}" + (f" [{where}]" if where else "")
