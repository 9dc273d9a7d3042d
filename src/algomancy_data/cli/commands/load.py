"""From files to datasets: ``infer`` writes their schemas, ``check`` tries, ``load`` keeps."""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import typer

from algomancy_data.cli.command import Command, command
from algomancy_data.cli.progress import shown_progress
from algomancy_data.cli.running import DONE, REFUSED
from algomancy_data.datamanager import StatelessDataManager
from algomancy_data.datasource import tables_of
from algomancy_data.display.grid import Grid
from algomancy_data.display.words import counted
from algomancy_data.errors import CommandLineError, ValidationError
from algomancy_data.etl import RunSettings
from algomancy_data.etl.factory import pipeline_of
from algomancy_data.etl.limits import limited_files
from algomancy_data.etl.settings import INHERIT
from algomancy_data.executors.hands import AUTO
from algomancy_data.file.locations import exists, has_parts
from algomancy_data.findings import findings_by_rule
from algomancy_data.folder.raw import raw_files
from algomancy_data.inference import infer_schemas
from algomancy_data.inference.schemas import logical_name
from algomancy_data.memory import MemoryBudget
from algomancy_data.messages import ValidationSeverity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import polars as pl

    from algomancy_data.cli.declarations import Declarations
    from algomancy_data.datamanager.additions import LoadMode
    from algomancy_data.etl import ETLResult
    from algomancy_data.file import File

# A name has nothing in it that a path or an address has before its first "=".
_NAMED: Final = re.compile(r"(?P<name>[^=/\\:?*]+)=(?P<path>.+)", re.DOTALL)
_REPORTS: Final = (".html", ".json")


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


Files: TypeAlias = Annotated[
    list[str],
    typer.Argument(
        metavar="FILES",
        help="Files, name=FILE for those not named like their table, name=PATTERN for tables in "
        "parts, or a directory of files.",
    ),
]
HaltOn: TypeAlias = Annotated[
    Severity, typer.Option("--halt-on", help="Refuse data with findings of this severity or worse.")
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


@command("read_limits")
def infer(
    command: Command,
    files: Files,
    file_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="Format of the files whose names end in none, such as csv for orders.txt.",
            show_default=False,
        ),
    ] = None,
    separator: Annotated[
        str | None,
        typer.Option(
            "--separator",
            metavar="CHARACTER",
            help="What separates the fields of CSV files; \\t is a tab. Else it is found out.",
            show_default=False,
        ),
    ] = None,
    enums: Annotated[
        bool,
        typer.Option("--enums", help="Declare texts that are a few words as exactly those."),
    ] = False,
) -> None:
    """Write a module of schemas under which the files load: types, keys, references.

    The module goes to standard output, a line per table to standard error.

    Example: `algomancy-data infer data/*.csv > schemas.py`
    """
    output = command.output
    found = infer_schemas(
        _by_name(_named_paths(files)),
        read_limits=command.settings.read_limits,
        file_format=file_format,
        separator="\t" if separator == r"\t" else separator,
        enums=enums,
    )
    lines = str(found).splitlines()
    for line in lines:
        output.note(line)
    text = found.to_module()
    if output.as_json:
        output.result({"module": text, "tables": lines})
    else:
        output.write(text)


@command("schemas", "factory", "read_limits", "memory_limit")
def check(
    command: Command, files: Files, halt_on: HaltOn = Severity.ERROR, report: Report = None
) -> None:
    """Check files against their schemas; nothing is kept.

    The whole ETL runs, so what passes here is what `load` would take.

    Example: `algomancy-data check data/*.csv --schemas schemas.py --report report.html`
    """
    check_report(report)
    command.settings.require("schemas")
    declared = command.declarations
    by_name = {schema.file_name(): schema for schema in declared.schemas}
    memory = MemoryBudget.of(declared.memory_limit)
    limited = limited_files(_input_files(files, declared), by_name, None, budget=memory)
    pipeline = pipeline_of(
        declared.factory, "check", limited, by_name, command.output.logger
    ).within(RunSettings(halt_on.level, memory=memory))
    with shown_progress(command.output):
        result = pipeline.run()
    if report is not None:
        tables = None if result.raised else pipeline.extraction_sequence.data
        _write_report(report, result, tables, "Check of " + ", ".join(files))
    command.output.result(
        _document(result),
        *_shown(result),
        "The data can be loaded." if result.is_success else "The data is refused.",
        exit_code=DONE if result.is_success else REFUSED,
    )


@command("store", "session", "schemas", "factory", "read_limits", "memory_limit", "keys")
def load(
    command: Command,
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="Its name in the store.")],
    files: Files,
    halt_on: HaltOn = Severity.ERROR,
    quarantine: SetAside = False,
    append: Annotated[
        bool, typer.Option("--append", help="Add the rows behind those of the dataset.")
    ] = False,
    upsert: Annotated[
        bool,
        typer.Option(
            "--upsert",
            help="Add the rows; those with a stored primary key replace the stored ones.",
        ),
    ] = False,
    skip_repeated: Annotated[
        bool,
        typer.Option(
            "--skip-repeated", help="With --append, leave files out that the dataset has already."
        ),
    ] = False,
    overlap: Annotated[
        bool,
        typer.Option(
            "--overlap/--no-overlap",
            help="Write rows of large files to a database while others are read and checked.",
        ),
    ] = True,
    workers: Annotated[
        str | None,
        typer.Option(
            "--workers",
            metavar="N|auto",
            help="Let so many processes read tables that come in parts; auto: as many as there "
            "are cores and memory for.",
            show_default=False,
        ),
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(
            "--dask",
            metavar="ADDRESS",
            help="Let a Dask cluster do so: the address of its scheduler, tcp://host:8786.",
            show_default=False,
        ),
    ] = None,
    report: Report = None,
) -> None:
    """Load files into a dataset, in place of what has its name.

    It is replaced, or gets rows, in one step, or stays as it is: when the data is refused, when
    something fails, and after Ctrl-C.

    Example: `algomancy-data load flights data/*.csv --schemas schemas.py -s sqlite:///data.db`
    """
    check_report(report)
    mode = _mode(append=append, upsert=upsert, skips=skip_repeated)
    if workers is not None and dask is not None:
        msg = "--workers and --dask contradict each other: give one of them."
        raise CommandLineError(msg)
    address = command.address
    command.settings.require("schemas")
    prepared = _input_files(files, command.declarations)
    with command.opened(may_create=True) as manager, shown_progress(command.output):
        manager.store.overlap = overlap
        result = manager.etl_data(
            prepared,
            dataset,
            mode=mode,
            repeated="skip" if skip_repeated else "refuse",
            halt_on=halt_on.level,
            quarantine=True if quarantine else INHERIT,
            executor=dask if workers is None else _processes(workers),
        )
    if report is not None:
        _write_report(report, result, None, f"Loading {dataset}")
    tables = tables_of(result.datasource)
    rows = {name: frame.height for name, frame in tables.items()}
    quarantined = {name: frame.height for name, frame in result.quarantine.items() if frame.height}
    if result.is_success:
        summary = _summary(dataset, result, rows, mode)
        if quarantined:
            summary += f" In quarantine: {counted(sum(quarantined.values()), 'row')}."
    else:
        summary = (
            f"Refused: {dataset!r} is as it was. Mend the files, set bad rows aside with "
            f"--quarantine, or accept the findings with --halt-on critical."
        )
    command.output.result(
        {
            **address.to_dict(),
            "dataset": dataset,
            "tables": rows,
            "quarantined": quarantined,
            **({} if mode == "replace" else _added(result)),
            **_document(result),
        },
        *_shown(result),
        summary,
        exit_code=DONE if result.is_success else REFUSED,
    )


def _processes(workers: str) -> int | str:
    """Return what the command line says of processes, as an executor."""
    if workers == AUTO:
        return AUTO
    if workers.isdecimal() and int(workers):
        return int(workers)
    msg = f"--workers is a number from 1 on, or {AUTO}, not {workers!r}."
    raise CommandLineError(msg)


def _mode(*, append: bool, upsert: bool, skips: bool) -> LoadMode:
    """Return what becomes of the dataset that has the name.

    Raises:
        CommandLineError: The options contradict each other.
    """
    if append and upsert:
        msg = "--append and --upsert contradict each other: give one of them."
        raise CommandLineError(msg)
    if skips and not append:
        msg = "--skip-repeated goes with --append: otherwise, a file may be loaded again."
        raise CommandLineError(msg)
    if append:
        return "append"
    return "upsert" if upsert else "replace"


def _added(result: ETLResult) -> dict[str, Any]:
    """Return what the JSON document says of rows that were added."""
    load = result.load
    return {
        "added": {} if load is None else dict(load.added),
        "replaced": {} if load is None else dict(load.replaced),
        "skipped": list(result.skipped),
    }


def _summary(dataset: str, result: ETLResult, rows: Mapping[str, int], mode: LoadMode) -> str:
    """Return what a person is told of a load that succeeded."""
    if mode == "replace":
        total = counted(sum(rows.values()), "row")
        return f"Loaded {dataset!r}: {counted(len(rows), 'table')}, {total}."
    added = _added(result)
    parts = [f"{counted(sum(added['added'].values()), 'row')} more"]
    if mode == "upsert":
        parts.append(f"{counted(sum(added['replaced'].values()), 'row')} replaced")
    if result.skipped:
        parts.append(f"{counted(len(result.skipped), 'file')} skipped")
    return f"Added to {dataset!r}: {', '.join(parts)}."


def _input_files(given: Iterable[str], declared: Declarations) -> dict[str, File]:
    """Return the files by their logical names.

    Raises:
        CommandLineError: A file has no schema.
        ETLConstructionError: A path leads nowhere, or a name is given twice.
    """
    items = _named_paths(given)
    known = [schema.file_name() for schema in declared.schemas]
    for name, path in items:
        if name in known:
            continue
        if not (exists(path) or has_parts(path)):
            msg = f"There is no file at {path!r}. Check the path."
            raise CommandLineError(msg)
        near = get_close_matches(name, known, 1)
        what = f" Is {near[0]!r} meant?" if near else ""
        msg = (
            f"There is no schema of the name {name!r} for {path!r}: the schemas are about "
            f"{', '.join(known)}.{what} If it is one of these, write it as name={path}."
        )
        raise CommandLineError(msg)
    manager = StatelessDataManager(declared.factory, declared.schemas, "json", declared.data_class)
    files = manager.prepare_files(file_items_with_path=items)
    return {name: file.within(declared.read_limits) for name, file in files.items()}


def _named_paths(given: Iterable[str]) -> list[tuple[str, str]]:
    """Return the logical name and the path of each file.

    Args:
        given: ``name=path``, a path whose name up to the first dot is the logical one, or a
            directory of such files. Behind ``name=``, a directory or pattern is one table in
            parts.

    Raises:
        CommandLineError: A directory has something else in it than files.
    """
    items: list[tuple[str, str]] = []
    for text in given:
        named = _NAMED.fullmatch(text)
        if named is not None:
            items.append((named["name"], named["path"]))
        elif Path(text).is_dir():
            items += _files_in(text)
        else:
            items.append((logical_name(text), text))
    return items


def _files_in(directory: str) -> list[tuple[str, str]]:
    try:
        return raw_files(Path(directory))
    except ValidationError as error:
        msg = f"{error} If its files are parts of one table, write it as name={directory}."
        raise CommandLineError(msg) from error


def _by_name(items: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return paths by their logical names.

    Raises:
        CommandLineError: Two files have one name.
    """
    paths: dict[str, str] = {}
    for name, path in items:
        if name in paths:
            msg = (
                f"{paths[name]!r} and {path!r} are both named {name!r}. Write one of them as "
                f"another_name={path}."
            )
            raise CommandLineError(msg)
        paths[name] = path
    return paths


def check_report(path: Path | None) -> None:
    """Refuse a report that could not be written, before anything else is done.

    Raises:
        CommandLineError: Its format is unknown, or there is no such folder.
    """
    if path is None:
        return
    if path.suffix not in _REPORTS:
        msg = f"--report {str(path)!r} must end in {' or '.join(_REPORTS)}."
        raise CommandLineError(msg)
    if not path.parent.is_dir():
        msg = f"--report {str(path)!r}: there is no folder {str(path.parent)!r}."
        raise CommandLineError(msg)


def _write_report(
    path: Path, result: ETLResult, tables: Mapping[str, pl.DataFrame] | None, title: str
) -> None:
    """Write the report, with whole rows if the validated tables are known.

    Raises:
        CommandLineError: It cannot be written.
        MissingExtraError: The extra ``report`` is not installed.
    """
    found = result.validation_result
    if path.suffix == ".json" or found is None:
        text = json.dumps(_document(result), indent=2, ensure_ascii=False)
    else:
        text = found.to_html(tables, title=title)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        msg = f"The report cannot be written: {error}."
        raise CommandLineError(msg) from error


def _document(result: ETLResult) -> dict[str, Any]:
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


def _shown(result: ETLResult) -> list[Grid | str]:
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
    return [Grid.from_rows(columns, rows), "", f"{counted(total, 'finding')} in all."]
