"""From files to datasets: ``infer`` writes their schemas, ``check`` tries, ``load`` keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from algomancy_data.cli.command import Command, command
from algomancy_data.cli.extras import require_extra, require_reader
from algomancy_data.cli.findings import (
    HaltOn,
    Report,
    SetAside,
    Severity,
    advice,
    check_report,
    code_of,
    document_of,
    shown_findings,
    write_report,
)
from algomancy_data.cli.inputs import (
    Files,
    check_dataset_name,
    input_files,
    named_paths,
    paths_by_name,
)
from algomancy_data.cli.progress import shown_progress
from algomancy_data.datasource import tables_of
from algomancy_data.display.words import counted
from algomancy_data.errors import CommandLineError
from algomancy_data.etl import RunSettings
from algomancy_data.etl.factory import pipeline_of
from algomancy_data.etl.limits import limited_files
from algomancy_data.etl.settings import INHERIT
from algomancy_data.executors.hands import AUTO
from algomancy_data.file.locations import file_name
from algomancy_data.inference import infer_schemas
from algomancy_data.memory import MemoryBudget

if TYPE_CHECKING:
    from collections.abc import Mapping

    from algomancy_data.datamanager.additions import LoadMode
    from algomancy_data.etl import ETLResult


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
    output, paths = command.output, paths_by_name(named_paths(files))
    for name, path in paths.items():
        require_reader(name, path, file_format or file_name(path).rpartition(".")[2].lower())
    found = infer_schemas(
        paths,
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
    limited = limited_files(input_files(files, declared), by_name, None, budget=memory)
    pipeline = pipeline_of(
        declared.factory, "check", limited, by_name, command.output.logger
    ).within(RunSettings(halt_on.level, memory=memory))
    with shown_progress(command.output):
        result = pipeline.run()
    if report is not None:
        tables = None if result.raised else pipeline.extraction_sequence.data
        write_report(report, result, tables, "Check of " + ", ".join(files))
    command.output.result(
        document_of(result),
        *shown_findings(result),
        "The data can be loaded." if result.is_success else "The data is refused.",
        exit_code=code_of(result),
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
    if dask is not None:
        require_extra("dask", "--dask")
    check_dataset_name(dataset)
    address = command.address
    command.settings.require("schemas")
    prepared = input_files(files, command.declarations)
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
        write_report(report, result, None, f"Loading {dataset}")
    tables = tables_of(result.datasource)
    rows = {name: frame.height for name, frame in tables.items()}
    quarantined = {name: frame.height for name, frame in result.quarantine.items() if frame.height}
    if result.is_success:
        summary = _summary(dataset, result, rows, mode)
        if quarantined:
            summary += f" In quarantine: {counted(sum(quarantined.values()), 'row')}."
    else:
        what = advice(result, halt_on, has_quarantine=quarantine)
        summary = f"Refused: {dataset!r} is as it was. {what}"
    command.output.result(
        {
            **address.to_dict(),
            "dataset": dataset,
            "tables": rows,
            "quarantined": quarantined,
            **({} if mode == "replace" else _added(result)),
            **document_of(result),
        },
        *shown_findings(result),
        summary,
        exit_code=code_of(result),
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
