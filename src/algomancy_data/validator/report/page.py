"""The page: a verdict, an overview of the tables, and a section for each of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Final

from algomancy_data.display.grid import Grid, GridColumn, Markup, text_html
from algomancy_data.display.page_table import PageTables
from algomancy_data.display.words import counted, left_out
from algomancy_data.findings import RuleFindings, findings_by_rule
from algomancy_data.frames.tabular import to_frames
from algomancy_data.messages import ValidationSeverity
from algomancy_data.validator.report.examples import LONGEST_CELL, examples_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from algomancy_data.frames.tabular import Tabular
    from algomancy_data.validator.failures import RowFailures
    from algomancy_data.validator.result import ValidationResult

# These keep the page small and readable, however much was found.
_MOST_TABLES: Final = 50
_MOST_RULES: Final = 30
_MOST_COLUMNS: Final = 8
_MOST_EXAMPLES: Final = 100
_OPEN_EXAMPLES: Final = 3

_LEAST_SHARE: Final = 0.001

_WORST_FIRST: Final = list(reversed(ValidationSeverity))


@dataclass(slots=True)
class _Part:
    """What was found in one table, or in no particular one."""

    table: str | None
    frame: pl.DataFrame | None
    rules: list[RuleFindings] = field(default_factory=list)

    def count(self, severity: ValidationSeverity | None = None) -> int:
        """Return the number of findings."""
        return sum(rule.count for rule in self.rules if severity in {None, rule.severity})

    @property
    def urgency(self) -> tuple[int, ...]:
        """Sorts the worst part first."""
        return tuple(-self.count(severity) for severity in _WORST_FIRST)


def render(result: ValidationResult, tables: Mapping[str, Tabular], title: str) -> str:
    """Return the report on a result.

    Args:
        result: What was found.
        tables: The frames that were validated, those that are still available.
        title: Heading of the page.

    Raises:
        FrameError: A table cannot be turned into a frame.
    """
    frames = to_frames(tables)
    return _Report(result, frames).page(title)


class _Report:
    def __init__(self, result: ValidationResult, frames: Mapping[str, pl.DataFrame]) -> None:
        self._result = result
        self._grids = PageTables()
        self._examples = 0
        self._failures: dict[tuple[str | None, ...], RowFailures] = {}
        for failure in result.row_failures:
            self._failures.setdefault(_identity(failure), failure)
        parts = {name: _Part(name, frame) for name, frame in frames.items()}
        self._general = _Part(None, None)
        for rule in findings_by_rule(result.messages):
            if rule.table is None:
                self._general.rules.append(rule)
            else:
                parts.setdefault(rule.table, _Part(rule.table, None)).rules.append(rule)
        self._tables = sorted(parts.values(), key=lambda part: part.urgency)
        for part in (*self._tables, self._general):
            part.rules = self._without_repetition(part.rules)
            part.rules.sort(key=lambda rule: (-rule.severity.rank, -rule.count))

    def _without_repetition(self, rules: list[RuleFindings]) -> list[RuleFindings]:
        """Merge findings that repeat for column after column."""
        merged: dict[tuple[str | None, ...], RuleFindings] = {}
        for rule in rules:
            identity = _identity(rule)
            once = rule.count == 1 and rule.messages[0].row is None
            if once and rule.code is not None and identity not in self._failures:
                identity = (str(rule.severity), rule.code)
            if identity in merged:
                merged[identity].messages += rule.messages
                merged[identity].count += rule.count
            else:
                merged[identity] = rule
        return list(merged.values())

    def page(self, title: str) -> str:
        """Return the page."""
        sections = [
            self._section(part, f"table-{number}")
            for number, part in enumerate(self._tables[:_MOST_TABLES], 1)
            if part.rules
        ]
        if self._general.rules:
            sections.append(self._section(self._general, "general"))
        package = files("algomancy_data.validator.report")
        return Template(package.joinpath("report.html").read_text("utf-8")).substitute(
            title=text_html(title),
            style=package.joinpath("report.css").read_text("utf-8"),
            verdict=self._verdict(),
            sections="\n".join([self._overview(), *sections]),
        )

    def _verdict(self) -> str:
        result = self._result
        parts = [*self._tables, self._general]
        counts = {
            severity: sum(part.count(severity) for part in parts) for severity in _WORST_FIRST
        }
        verdict, kind = ("Passed", "passed") if result.is_valid else ("Failed", "failed")
        worst = text_html(str(result.halt_on))
        reason = f"nothing as bad as {worst}" if result.is_valid else f"halts on {worst}"
        chips = "".join(
            f'<li class="{severity.lower()}"><b>{count:,}</b> {severity}</li>'
            for severity, count in counts.items()
            if count
        )
        chips = f'<ul class="counts">{chips}</ul>' if chips else "<p>Nothing was found.</p>"
        return f'<p class="verdict {kind}"><b>{verdict}</b> <span>{reason}</span></p>\n{chips}'

    def _overview(self) -> str:
        if not self._tables:
            return ""
        shown = self._tables[:_MOST_TABLES]
        links = [
            Markup(f'<a href="#table-{number}">{_name(part)}</a>') if part.rules else _name(part)
            for number, part in enumerate(shown, 1)
        ]
        columns = [GridColumn("Table", links)]
        if any(part.frame is not None for part in shown):
            rows = ["" if part.frame is None else f"{part.frame.height:,}" for part in shown]
            columns.append(GridColumn("Rows", rows, to_right=True))
        columns += [
            GridColumn(
                Markup(f'<span class="{severity.lower()}">{severity.title()}</span>'),
                [part.count(severity) for part in shown],
            )
            for severity in _WORST_FIRST
            if any(part.count(severity) for part in shown)
        ]
        grid = self._grids.render(Grid(columns), "overview")
        return f"<h2>Tables</h2>\n{grid}{_left_out(len(self._tables) - len(shown), 'table')}"

    def _section(self, part: _Part, anchor: str) -> str:
        about = [f"{counted(part.count(), 'finding')} by {counted(len(part.rules), 'rule')}"]
        if (frame := part.frame) is not None:
            about.insert(0, f"{counted(frame.height, 'row')} × {counted(frame.width, 'column')}")
        shown = part.rules[:_MOST_RULES]
        return "\n".join(
            [
                f'<section id="{anchor}">',
                f"<h2>{_name(part)}</h2>",
                f'<p class="about">{" · ".join(about)}</p>',
                self._rules(part, shown) + _left_out(len(part.rules) - len(shown), "rule"),
                *(self._details(part, rule) for rule in shown),
                "</section>",
            ]
        )

    def _rules(self, part: _Part, shown: list[RuleFindings]) -> str:
        counts = [Markup(f"{rule.count:,}{self._share_of(rule, part.frame)}") for rule in shown]
        columns = [
            GridColumn("Rule", [self._rule(rule) for rule in shown]),
            GridColumn("Findings", counts, to_right=True),
        ]
        return self._grids.render(Grid(columns), "rules")

    def _share_of(self, rule: RuleFindings, frame: pl.DataFrame | None) -> str:
        failures = self._failures.get(_identity(rule))
        if frame is None or failures is None or not failures.came_from(frame):
            return ""
        return _share(len(failures.rows), frame.height)

    def _rule(self, rule: RuleFindings) -> Markup:
        failures = self._failures.get(_identity(rule))
        text = rule.messages[0].message if failures is None else failures.problem
        tags = [f'<span class="badge {rule.severity.lower()}">{escape(rule.severity)}</span>']
        columns = list(dict.fromkeys(message.column for message in rule.messages))
        where = [("code", rule.code)]
        where += [("column", column) for column in columns[:_MOST_COLUMNS]]
        where.append(("key", rule.key))
        tags += [f'<code class="{kind}">{_short(text)}</code>' for kind, text in where if text]
        if (rest := len(columns) - _MOST_COLUMNS) > 0:
            tags.append(f"<i>and {counted(rest, 'more column')}</i>")
        more = ""
        if failures is None and rule.count > 1:
            more = f" <i>and {rule.count - 1:,} more</i>"
        return Markup(f'<div class="tags">{" ".join(tags)}</div><div>{text_html(text)}{more}</div>')

    def _details(self, part: _Part, rule: RuleFindings) -> str:
        if self._examples >= _MOST_EXAMPLES:
            return ""
        failures = self._failures.get(_identity(rule))
        frame = part.frame
        note = ""
        if failures is not None and frame is not None and not failures.came_from(frame):
            frame = None
            note = '<p class="about">The table given here has other values in these rows.</p>'
        columns = examples_of(rule, failures, frame)
        if not columns:
            return ""
        self._examples += 1
        is_open = " open" if self._examples <= _OPEN_EXAMPLES else ""
        count = len(columns[0].cells)
        what, kind = _short(rule.code or "messages"), "examples messages"
        if failures is not None:
            kind = "examples"
            what = f"{what}, {_short(failures.column)}"
        size = f"{count:,} of {rule.count:,}" if count < rule.count else f"all {count:,}"
        return (
            f"<details{is_open}><summary>{what}: <span>{size}</span></summary>"
            f"{note}{self._grids.render(Grid(columns), kind)}</details>"
        )


def _identity(finding: RuleFindings | RowFailures) -> tuple[str | None, ...]:
    return str(finding.severity), finding.code, finding.table, finding.column, finding.key


def _name(part: _Part) -> Markup:
    return Markup("The dataset as a whole") if part.table is None else _short(part.table)


def _short(text: str) -> Markup:
    return text_html(text, LONGEST_CELL)


def _left_out(count: int, what: str) -> str:
    return f'<p class="about">{left_out(count, f"more {what}")}</p>' if count > 0 else ""


def _share(count: int, height: int) -> str:
    """Return a share of the rows as a bar and a percentage."""
    share = min(count / height, 1.0)
    # Neither a few rows nor all but a few are rounded away.
    percent = f"{min(max(share, _LEAST_SHARE), 1 - _LEAST_SHARE):.1%}"
    if share < _LEAST_SHARE:
        percent = f"&lt; {percent}"
    elif 1 - _LEAST_SHARE < share < 1:
        percent = f"&gt; {percent}"
    elif share == 1:
        percent = "100%"
    bar = f'<span class="bar" style="--share: {share:.4f}"></span>'
    return f'<div class="share">{bar}{percent} of rows</div>'
