"""The short form of a result in a notebook: plain HTML, made without further packages."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from algomancy_data.validator.rules import RuleFindings

_MOST_RULES: Final = 20
_LONGEST: Final = 120


def glance_at(is_valid: bool, halt_on: str, rules: Sequence[RuleFindings]) -> str:  # noqa: FBT001  what it is about
    """Return the verdict and a table of the first rules, as a piece of HTML.

    Args:
        is_valid: The verdict.
        halt_on: The least severity that makes data invalid.
        rules: What was found.
    """
    verdict = "Validation passed" if is_valid else "Validation failed"
    parts = [f"<p><b>{verdict}</b> (halts on {escape(halt_on)})</p>"]
    if rules:
        names = ("severity", "code", "table", "column", "key")
        head = "".join(f"<th>{name}</th>" for name in (*names, "findings"))
        parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>")
        for rule in rules[:_MOST_RULES]:
            cells = "".join(f"<td>{_cell(getattr(rule, name))}</td>" for name in names)
            parts.append(f'<tr>{cells}<td style="text-align: right">{rule.count:,}</td></tr>')
        parts.append("</tbody></table>")
    if (rest := len(rules) - _MOST_RULES) > 0:
        parts.append(f"<p>… and {rest:,} more rules; <code>summary()</code> has them all.</p>")
    return "\n".join(parts)


def _cell(text: str | None) -> str:
    if text is None:
        return ""
    return escape(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")
