"""Findings about data: what validators, extractors and transformers report."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


class ValidationSeverity(StrEnum):
    """How bad a finding is; members compare by :attr:`rank`."""

    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"

    @property
    def rank(self) -> int:
        """Position from 0 (INFO) to 3 (CRITICAL).

        Example:
            >>> ValidationSeverity.ERROR.rank > ValidationSeverity.WARNING.rank
            True
        """
        return _RANKS[self]


_RANKS: Final = {severity: rank for rank, severity in enumerate(ValidationSeverity)}
_ESCAPES: Final = str.maketrans({"\n": "\\n", "\r": "\\r", "\t": "\\t"})


@dataclass(slots=True)
class ValidationMessage:
    """One finding.

    Args:
        severity: How bad it is.
        message: What was found; line breaks and tabs are escaped, so that it stays one line.
        table: Logical name of the table, if the finding is about one.
        column: Name of the column, or names joined with ``","``.
        row: Row number from 0 in the extracted frame.
        code: Stable code of the kind of finding, such as ``"PK_DUPLICATE"``.

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

    def __post_init__(self) -> None:
        """Keep the message on one line."""
        self.message = self.clean(self.message)

    @staticmethod
    def clean(message: str) -> str:
        """Return the text with line breaks and tabs escaped."""
        return message.translate(_ESCAPES)

    def to_dict(self) -> dict[str, Any]:
        """Return the six fields, the severity as text."""
        return {
            "severity": str(self.severity),
            "message": self.message,
            "table": self.table,
            "column": self.column,
            "row": self.row,
            "code": self.code,
        }

    def __str__(self) -> str:
        """Return ``SEVERITY: message [where]``, without brackets when nothing says where."""
        where = ", ".join(
            f"{name}={value}"
            for name in ("table", "column", "row", "code")
            if (value := getattr(self, name)) is not None
        )
        return f"{self.severity}: {self.message}" + (f" [{where}]" if where else "")
