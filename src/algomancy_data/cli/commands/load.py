"""From files to datasets: ``infer`` writes their schemas, ``check`` tries, ``load`` keeps."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
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
    Only,
    Rows,
    Seed,
    check_dataset_name,
    input_files,
    named_paths,
    paths_by_name,
    sample_of,
)
from algomancy_data.cli.progress import shown_progress
from algomancy_data.datamanager import StatelessDataManager
from algomancy_data.datasource import tables_of
from algomancy_data.display.words import counted
from algomancy_data.errors import CommandLineError, StoreNotFoundError
from algomancy_data.etl import RunSettings
from algomancy_data.etl.factory import pipeline_for
from algomancy_data.etl.settings import INHERIT
from algomancy_data.executors.workers import AUTO
from algomancy_data.file.locations import file_name
from algomancy_data.inference import infer_schemas
from algomancy_data.memory import MemoryBudget

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from algomancy_data.datamanager import DataManager
    from algomancy_data.datamanager.additions import LoadMode
    from algomancy_data.etl import ETLResult
    from algomancy_data.provenance import Sample


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
    command: Command,
    files: Files,
    halt_on: HaltOn = Severity.ERROR,
    report: Report = None,
    only: Only = None,
    rows: Rows = None,
    random: Seed = None,
) -> None:
    """Check files against their schemas; nothing is kept.

    The whole ETL runs, so what passes here is what `load` would take. With --only or --rows, that
    is so for these tables and rows.

    Example: `algomancy-data check data/*.csv --schemas schemas.py --report report.html`
    """
    check_report(report)
    command.settings.require("schemas")
    declared = command.declarations
    by_name = {schema.file_name(): schema for schema in declared.schemas}
    memory = MemoryBudget.of(declared.memory_limit)
    settings = RunSettings(
        halt_on.level, memory=memory, only=only or None, sample=sample_of(rows, random)
    )
    given = input_files(files, declared, only)
    pipeline = pipeline_for(
        declared.factory, "check", given, by_name, command.output.logger, settings
    )
    with shown_progress(command.output):
        result = pipeline.run()
    if report is not None:
        tables = None if result.raised else pipeline.extraction_sequence.data
        write_report(report, result, tables, "Check of " + ", ".join(files))
    command.output.result(
        document_of(result),
        *shown_findings(result),
        _verdict(result, settings.sample),
        exit_code=code_of(result),
    )


@command("store", "session", "schemas", "factory", "read_limits", "memory_limit", "keys")
def load(  # noqa: PLR0913, PLR0917  an option each
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
    only: Only = None,
    rows: Rows = None,
    random: Seed = None,
    if_changed: Annotated[
        bool,
        typer.Option(
            "--if-changed",
            help="Do nothing if the dataset was made of these very files and schemas.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Do all but to keep what comes out.")
    ] = False,
) -> None:
    """Load files into a dataset, in place of what has its name.

    It is replaced, or gets rows, in one step, or stays as it is: when the data is refused, when
    something fails, and after Ctrl-C.

    Example: `algomancy-data load flights data/*.csv --schemas schemas.py -s sqlite:///data.db`
    """
    check_report(report)
    mode = _mode(append=append, upsert=upsert, skips=skip_repeated)
    sample = sample_of(rows, random)
    _check_whole(mode, sample, quarantine=quarantine, if_changed=if_changed)
    if workers is not None and dask is not None:
        msg = "--workers and --dask contradict each other: give one of them."
        raise CommandLineError(msg)
    if dask is not None:
        require_extra("dask", "--dask")
    check_dataset_name(dataset)
    address = command.address
    command.settings.require("schemas")
    prepared, wanted = input_files(files, command.declarations, only), only or None
    opening = _tried(command) if dry_run else command.opened(may_create=True)
    with opening as manager, shown_progress(command.output):
        if if_changed and manager.is_unchanged(prepared, dataset, only=wanted, sample=sample):
            command.output.result(
                {**address.to_dict(), "dataset": dataset, "status": "unchanged"},
                f"Unchanged: {dataset!r} was made of these files and schemas.",
            )
            return
        manager.store.overlap = overlap
        result = manager.etl_data(
            prepared,
            dataset,
            mode=mode,
            repeated="skip" if skip_repeated else "refuse",
            halt_on=halt_on.level,
            quarantine=True if quarantine else INHERIT,
            executor=dask if workers is None else _processes(workers),
            only=wanted,
            sample=sample,
            dry_run=dry_run,
        )
    if report is not None:
        write_report(report, result, None, f"Loading {dataset}")
    counts = {name: frame.height for name, frame in tables_of(result.datasource).items()}
    quarantined = {name: frame.height for name, frame in result.quarantine.items() if frame.height}
    if result.is_failure:
        what = advice(result, halt_on, has_quarantine=quarantine)
        summary = f"Refused: {dataset!r} is as it was. {what}"
    else:
        tried = f"Tried: {_size(counts)}. {dataset!r} is as it was."
        summary = tried if dry_run else _summary(dataset, result, counts, mode)
        if quarantined:
            summary += f" In quarantine: {counted(sum(quarantined.values()), 'row')}."
        if sample is not None:
            summary += f" It is a sample: {sample}, and what they refer to."
    command.output.result(
        {
            **address.to_dict(),
            "dataset": dataset,
            "tables": counts,
            "sample": sample and sample.to_dict(),
            "dry_run": dry_run,
            "quarantined": quarantined,
            **({} if mode == "replace" else _added(result)),
            **document_of(result),
        },
        *shown_findings(result),
        summary,
        exit_code=code_of(result),
    )


def _verdict(result: ETLResult, sample: Sample | None) -> str:
    """Return the verdict on checked data."""
    if result.is_failure:
        return "The data is refused."
    if sample is None:
        return "The data can be loaded."
    return f"As far as a sample shows, the data can be loaded: {sample}, and what they refer to."


def _processes(workers: str) -> int | str:
    """Return the value of ``--workers`` as an executor."""
    if workers == AUTO:
        return AUTO
    if workers.isdecimal() and int(workers):
        return int(workers)
    msg = f"--workers is a number from 1 on, or {AUTO}, not {workers!r}."
    raise CommandLineError(msg)


@contextmanager
def _tried(command: Command) -> Generator[DataManager[Any]]:
    """Open the store for a dry run, or one in memory if it does not exist."""
    with ExitStack() as stack:
        try:
            manager = stack.enter_context(command.opened())
        except StoreNotFoundError:
            declared = command.declarations
            manager = StatelessDataManager(
                declared.factory,
                declared.schemas,
                "json",
                declared.data_class,
                read_limits=declared.read_limits,
                memory_limit=declared.memory_limit,
            )
        yield manager


def _check_whole(
    mode: LoadMode, sample: Sample | None, *, quarantine: bool, if_changed: bool
) -> None:
    """Refuse combinations that only work with whole datasets.

    Raises:
        CommandLineError: The options contradict each other.
    """
    if sample is not None and (mode != "replace" or quarantine):
        other = "--quarantine" if quarantine else f"--{mode}"
        msg = f"--rows and {other} contradict each other: a sample takes the place of a dataset."
        raise CommandLineError(msg)
    if if_changed and mode != "replace":
        msg = f"--if-changed and --{mode} contradict each other. To add new files: --skip-repeated."
        raise CommandLineError(msg)


def _mode(*, append: bool, upsert: bool, skips: bool) -> LoadMode:
    """Return how the rows are loaded.

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
    """Return the JSON document's members about added rows."""
    load = result.load
    return {
        "added": {} if load is None else dict(load.added),
        "replaced": {} if load is None else dict(load.replaced),
        "skipped": list(result.skipped),
    }


def _summary(dataset: str, result: ETLResult, rows: Mapping[str, int], mode: LoadMode) -> str:
    """Return the summary of a successful load."""
    if mode == "replace":
        return f"Loaded {dataset!r}: {_size(rows)}."
    added = _added(result)
    parts = [f"{counted(sum(added['added'].values()), 'row')} more"]
    if mode == "upsert":
        parts.append(f"{counted(sum(added['replaced'].values()), 'row')} replaced")
    if result.skipped:
        parts.append(f"{counted(len(result.skipped), 'file')} skipped")
    return f"Added to {dataset!r}: {', '.join(parts)}."


def _size(rows: Mapping[str, int]) -> str:
    """Return how many tables and rows there are."""
    return f"{counted(len(rows), 'table')}, {counted(sum(rows.values()), 'row')}"
