"""``algomancy-data load``: files through the ETL into a store."""

from __future__ import annotations

from typing import Annotated

import typer

from algomancy_data.cli import options
from algomancy_data.cli.declarations import making
from algomancy_data.cli.findings import (
    HaltOn,
    Report,
    Severity,
    check_report,
    document,
    shown,
    write_report,
)
from algomancy_data.cli.inputs import input_files
from algomancy_data.cli.progress import shown_progress
from algomancy_data.cli.running import DONE, REFUSED, running
from algomancy_data.cli.settings import Settings
from algomancy_data.cli.stores import Place, opened
from algomancy_data.datasource import BaseDataSource, DataSource
from algomancy_data.display.words import counted
from algomancy_data.etl.settings import INHERIT


def load(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="Its name in the store.")],
    files: Annotated[list[str], typer.Argument(metavar="FILES", help=options.FILES)],
    store: options.Store = None,
    session: options.Session = None,
    schemas: options.Schemas = None,
    factory: options.Factory = None,
    halt_on: HaltOn = Severity.ERROR,
    quarantine: Annotated[
        bool,
        typer.Option(
            "--quarantine", help="Load the good rows, and set the bad ones aside in tables."
        ),
    ] = False,
    read_limits: options.ReadLimits = None,
    report: Report = None,
    as_json: options.AsJson = False,
    verbose: options.Verbose = False,
) -> None:
    """Load files into a dataset, in place of what has its name.

    It is replaced in one step, or stays as it is: when the data is refused, when something fails,
    and after Ctrl-C.

    Example: `algomancy-data load flights data/*.csv --schemas schemas.py -s sqlite:///data.db`
    """
    with running("load", as_json=as_json, verbose=verbose) as output:
        check_report(report)
        settings = Settings(
            {
                "store": store,
                "session": session,
                "schemas": schemas,
                "factory": factory,
                "read_limits": read_limits,
            }
        )
        place = Place(settings.require("store"), settings.session)
        made = making(settings, needs_schemas=True)
        prepared = input_files(files, made)
        with (
            opened(place, output, made, may_create=True) as manager,
            shown_progress(output),
        ):
            result = manager.etl_data(
                prepared,
                dataset,
                halt_on=halt_on.level,
                quarantine=True if quarantine else INHERIT,
            )
        if report is not None:
            write_report(report, result, None, f"Loading {dataset}")
        aside = {name: frame.height for name, frame in result.quarantine.items() if frame.height}
        rows = {} if result.datasource is None else _rows(result.datasource)
        summary = (
            f"Loaded {dataset!r}: {counted(len(rows), 'table')}, "
            f"{counted(sum(rows.values()), 'row')}."
            if result.is_success
            else f"Refused: {dataset!r} is as it was. Mend the files, set bad rows aside with "
            f"--quarantine, or accept the findings with --halt-on critical."
        )
        if aside and result.is_success:
            summary += f" In quarantine: {counted(sum(aside.values()), 'row')}."
        output.result(
            {
                **place.describe(),
                "dataset": dataset,
                "tables": rows,
                "quarantined": aside,
                **document(result),
            },
            *shown(result),
            summary,
            exit_code=DONE if result.is_success else REFUSED,
        )


def _rows(source: BaseDataSource) -> dict[str, int]:
    tables = source.tables if isinstance(source, DataSource) else {}
    return {name: frame.height for name, frame in tables.items()}
