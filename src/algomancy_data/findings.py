"""Findings by rule: the number of findings of each check on each column."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from algomancy_data.display.grid import Grid
from algomancy_data.display.words import counted
from algomancy_data.messages import ValidationSeverity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from algomancy_data.messages import ValidationMessage

_WORDS: Final = {
    "CRITICAL": "critical error",
    "ERROR": "error",
    "WARNING": "warning",
    "INFO": "note",
}
_WORST_FIRST: Final = tuple(reversed(ValidationSeverity))


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
        """Name of the declared rule, or the foreign key in question."""
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


def count_by_severity(messages: Iterable[ValidationMessage]) -> dict[str, int]:
    """Return the exact number of findings by severity, the worst first.

    Example:
        >>> from algomancy_data import ValidationMessage, ValidationSeverity
        >>> count_by_severity([ValidationMessage(ValidationSeverity.ERROR, "?", count=7)])
        {'ERROR': 7}
    """
    counts: Counter[ValidationSeverity] = Counter()
    for message in messages:
        counts[message.severity] += message.count
    return {str(severity): counts[severity] for severity in _WORST_FIRST if counts[severity]}


def counts_text(counts: Mapping[str, int]) -> str:
    """Return numbers per severity in words.

    Example:
        >>> counts_text({"ERROR": 7, "INFO": 1}), counts_text({})
        ('7 ERROR, 1 INFO', 'no messages')
    """
    return ", ".join(f"{count:,} {name}" for name, count in counts.items()) or "no messages"


def counts_in_words(counts: Mapping[str, int]) -> str:
    """Return numbers per severity as people say them; nothing if there are none.

    Example:
        >>> counts_in_words({"ERROR": 7, "INFO": 1})
        '7 errors, 1 note'
    """
    return ", ".join(counted(count, _WORDS[name]) for name, count in counts.items())


def findings_grid(messages: Iterable[ValidationMessage]) -> Grid:
    """Return a row per rule, the worst first, up to the number shown of an object."""
    rules = sorted(findings_by_rule(messages), key=lambda rule: -rule.severity.rank)
    names = ("severity", "code", "table", "column", "key")
    return Grid.from_first_rows(
        (*names, "findings", "first message"),
        (
            (*(getattr(rule, name) for name in names), rule.count, rule.messages[0].message)
            for rule in rules
        ),
        len(rules),
        "more rule",
    )
