"""Findings by rule: which check, on which columns, found how many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from algomancy_data.messages import ValidationMessage, ValidationSeverity


@dataclass(slots=True)
class RuleFindings:
    """What one rule found.

    Args:
        messages: Its messages, in order; one at least. All have the same severity, code, table,
            column and key.
        count: The exact number of its findings, those that have no message of their own included.
    """

    messages: list[ValidationMessage]
    count: int = 0

    @property
    def severity(self) -> ValidationSeverity:
        """Severity of each finding."""
        return self.messages[0].severity

    @property
    def code(self) -> str | None:
        """Code of each finding."""
        return self.messages[0].code

    @property
    def table(self) -> str | None:
        """Logical name of the table."""
        return self.messages[0].table

    @property
    def column(self) -> str | None:
        """Name of the column, or names joined with ``","``."""
        return self.messages[0].column

    @property
    def key(self) -> str | None:
        """The foreign key in question."""
        return self.messages[0].key


def findings_by_rule(messages: Iterable[ValidationMessage]) -> list[RuleFindings]:
    """Return the findings of each rule, in order of first appearance.

    Example:
        >>> from algomancy_data import ValidationMessage, ValidationSeverity
        >>> rows = [ValidationMessage(ValidationSeverity.ERROR, "?", "t", row=n) for n in (0, 7)]
        >>> rest = ValidationMessage(ValidationSeverity.ERROR, "and more", "t", count=10)
        >>> [rule.count for rule in findings_by_rule([*rows, rest])]
        [12]
    """
    rules: dict[tuple[str | None, ...], RuleFindings] = {}
    for message in messages:
        where = (str(message.severity), message.code, message.table, message.column, message.key)
        rule = rules.get(where)
        if rule is None:
            rule = rules[where] = RuleFindings([])
        rule.messages.append(message)
        rule.count += message.count
    return list(rules.values())
