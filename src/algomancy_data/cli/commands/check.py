"""``algomancy-data check``: would these files be loaded, and what is wrong with them."""

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
from algomancy_data.etl import RunSettings


def check(
    files: Annotated[list[str], typer.Argument(metavar="FILES", help=options.FILES)],
    schemas: options.Schemas = None,
    factory: options.Factory = None,
    halt_on: HaltOn = Severity.ERROR,
    read_limits: options.ReadLimits = None,
    report: Report = None,
    as_json: options.AsJson = False,
    verbose: options.Verbose = False,
) -> None:
    """Check files against their schemas; nothing is kept.

    The whole ETL runs, so what passes here is what `load` would take.

    Example: `algomancy-data check data/*.csv --schemas schemas.py --report report.html`
    """
    with running("check", as_json=as_json, verbose=verbose) as output:
        check_report(report)
        settings = Settings({"schemas": schemas, "factory": factory, "read_limits": read_limits})
        made = making(settings, needs_schemas=True)
        by_name = {schema.file_name(): schema for schema in made.schemas}
        pipeline = made.factory.build_pipeline(
            "check", input_files(files, made), by_name, output.logger
        ).within(RunSettings(halt_on.level))
        with shown_progress(output):
            result = pipeline.run()
        if report is not None:
            tables = None if result.raised else pipeline.extraction_sequence.data
            write_report(report, result, tables, "Check of " + ", ".join(files))
        verdict = "The data can be loaded." if result.is_success else "The data is refused."
        output.result(
            document(result),
            *shown(result),
            verdict,
            exit_code=DONE if result.is_success else REFUSED,
        )
