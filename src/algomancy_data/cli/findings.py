"""The findings of a run: as text, as a document, and as a report."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import typer

from algomancy_data.cli.extras import require_extra
from algomancy_data.cli.running import DONE, REFUSED, exit_code
from algomancy_data.display.grid import Grid
from algomancy_data.display.words import counted
from algomancy_data.errors import TEMPORARY, CommandLineError
from algomancy_data.findings import findings_by_rule
from algomancy_data.messages import ValidationSeverity

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from algomancy_data.etl import ETLResult

_PAGE: Final = ".html"
_REPORTS: Final = (_PAGE, ".json")
# Findings that rows are the reason for, although they name a column only.
_OF_ROWS: Final = frozenset({"CONVERSION_FAILED", "DTYPE_MISMATCH"})


class Severity(StrEnum):
    """A severity as it is written on the command line."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"

    @property
    def level(self) -> ValidationSeverity:
        """The severity itself."""
        return ValidationSeverity(self.value.upper())


HaltOn: TypeAlias = Annotated[
    Severity,
    typer.Option(
        "--halt-on",
        metavar="SEVERITY",
        help="Refuse data with findings of this severity or worse: "
        f"{', '.join(list(Severity)[:-1])} or {list(Severity)[-1]}.",
    ),
]
SetAside: TypeAlias = Annotated[
    bool,
    typer.Option("--quarantine", help="Load the good rows, and set the bad ones aside in tables."),
]
Report: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--report",
        metavar="FILE",
        help="Also write the findings as a page (.html) or as data (.json).",
        show_default=False,
    ),
]


def check_report(path: Path | None) -> None:
    """Refuse a report that cannot be written, before anything else is done.

    Raises:
        CommandLineError: Its format is unknown, or there is no such folder.
        MissingExtraError: What writes pages is not installed.
    """
    if path is None:
        return
    if path.suffix not in _REPORTS:
        msg = f"--report {str(path)!r} must end in {' or '.join(_REPORTS)}."
        raise CommandLineError(msg)
    if not path.parent.is_dir():
        msg = f"--report {str(path)!r}: there is no folder {str(path.parent)!r}. Make it first."
        raise CommandLineError(msg)
    if path.is_dir():
        msg = f"--report {str(path)!r} is a folder. Name a file."
        raise CommandLineError(msg)
    if path.suffix == _PAGE:
        require_extra("report", f"--report {path}")


def write_report(
    path: Path, result: ETLResult, tables: Mapping[str, pl.DataFrame] | None, title: str
) -> None:
    """Write the report, with whole rows if the validated tables are known.

    Raises:
        CommandLineError: It cannot be written.
    """
    found = result.validation_result
    if path.suffix == _PAGE and found is not None:
        write_text(path, found.to_html(tables, title=title))
    else:
        write_text(path, json.dumps(document_of(result), indent=2, ensure_ascii=False))


def write_text(path: Path, text: str) -> None:
    """Write a report.

    Raises:
        CommandLineError: It cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        msg = f"The report cannot be written: {error}."
        raise CommandLineError(msg) from error


def code_of(result: ETLResult) -> int:
    """Return the exit code of a run."""
    if result.is_success:
        return DONE
    raised = result.raised
    if isinstance(raised, (*TEMPORARY, FileNotFoundError)):
        return exit_code(raised)
    return REFUSED


def document_of(result: ETLResult) -> dict[str, Any]:
    """Return the JSON document's members about the findings."""
    return {
        "status": result.status,
        "findings": [
            {
                "severity": str(rule.severity),
                "code": rule.code,
                "table": rule.table,
                "column": rule.column,
                "count": rule.count,
                "messages": [message.to_dict() for message in rule.messages],
            }
            for rule in findings_by_rule(result.messages)
        ],
        "phases": [phase.to_dict() for phase in result.metrics],
    }


def shown_findings(result: ETLResult) -> list[Grid | str]:
    """Return a line per rule, with its first message."""
    rules = findings_by_rule(
        message for message in result.messages if message.severity != ValidationSeverity.INFO
    )
    if not rules:
        return ["Nothing was found to be wrong."]
    rows = [
        (
            rule.severity,
            rule.code or "",
            rule.table or "",
            rule.column or "",
            rule.count,
            rule.messages[0].message,
        )
        for rule in sorted(rules, key=lambda rule: -rule.severity.rank)
    ]
    columns = ("severity", "code", "table", "column", "count", "first")
    total = sum(rule.count for rule in rules)
    return [Grid.from_rows(columns, rows), "", f"{counted(total, 'finding')} in all."]


def advice(result: ETLResult, halt_on: Severity, *, has_quarantine: bool) -> str:
    """Return advice on refused data, if any would help.

    Args:
        result: The run.
        halt_on: What was said of the severity from which findings refuse data.
        has_quarantine: Whether bad rows are set aside already.
    """
    if isinstance(result.raised, TEMPORARY):
        return "Try again later."
    if result.raised is not None:
        return "Mend the files."
    bad = [one for one in result.messages if one.severity.rank >= halt_on.level.rank]
    of_rows = _OF_ROWS | {message.code for message in bad if message.row is not None}
    ways = ["mend the files"]
    if not has_quarantine and all(message.code in of_rows for message in bad):
        ways.append("set bad rows aside with --quarantine")
    worst = max(message.severity.rank for message in bad) if bad else halt_on.level.rank
    higher = [one for one in Severity if one.level.rank > worst]
    if higher:
        ways.append(f"accept the findings with --halt-on {higher[0]}")
    *others, last = ways
    text = f"{', '.join(others)}{',' if len(others) > 1 else ''} or {last}" if others else last
    return f"{text[0].upper()}{text[1:]}."
