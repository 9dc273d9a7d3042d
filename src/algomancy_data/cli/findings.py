"""What an ETL found in the data: on the terminal, as JSON, as a page."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import typer

from algomancy_data.cli.output import table
from algomancy_data.display.words import counted
from algomancy_data.errors import CommandLineError
from algomancy_data.findings import findings_by_rule
from algomancy_data.messages import ValidationSeverity

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl
    from rich.console import RenderableType

    from algomancy_data.etl import ETLResult

_FORMATS: Final = (".html", ".json")


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
    Severity, typer.Option("--halt-on", help="Refuse data with findings of this severity or worse.")
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
    """Refuse a report that could not be written, before anything else is done.

    Raises:
        CommandLineError: Its format is unknown, or there is no such folder.
    """
    if path is None:
        return
    if path.suffix not in _FORMATS:
        msg = f"--report {str(path)!r} must end in {' or '.join(_FORMATS)}."
        raise CommandLineError(msg)
    if not path.parent.is_dir():
        msg = f"--report {str(path)!r}: there is no folder {str(path.parent)!r}."
        raise CommandLineError(msg)


def write_report(
    path: Path, result: ETLResult, tables: Mapping[str, pl.DataFrame] | None, title: str
) -> None:
    """Write the report.

    Args:
        path: Its file.
        result: Of the ETL.
        tables: What was validated, if it is known, for whole rows in the page.
        title: Heading of the page.

    Raises:
        CommandLineError: It cannot be written.
        MissingExtraError: The extra ``report`` is not installed.
    """
    found = result.validation_result
    if path.suffix == ".json" or found is None:
        text = json.dumps(document(result), indent=2, ensure_ascii=False)
    else:
        text = found.to_html(tables, title=title)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        msg = f"The report cannot be written: {error}."
        raise CommandLineError(msg) from error


def document(result: ETLResult) -> dict[str, Any]:
    """Return what the JSON documents say about the findings."""
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


def shown(result: ETLResult) -> list[RenderableType]:
    """Return what a person is shown: a line per rule, with its first message."""
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
    return [table(columns, rows, right=["count"]), "", f"{counted(total, 'finding')} in all."]
