"""``algomancy-data infer``: schemas for files."""

from __future__ import annotations

from typing import Annotated

import typer

from algomancy_data.cli import options
from algomancy_data.cli.inputs import has_names, named_paths
from algomancy_data.cli.running import running
from algomancy_data.cli.settings import Settings
from algomancy_data.inference import infer_schemas


def infer(
    files: Annotated[list[str], typer.Argument(metavar="FILES", help=options.FILES)],
    read_limits: options.ReadLimits = None,
    as_json: options.AsJson = False,
    verbose: options.Verbose = False,
) -> None:
    """Write a module of schemas under which the files load: types, keys, references.

    The module goes to standard output, a line per table to standard error.

    Example: `algomancy-data infer data/*.csv > schemas.py`
    """
    with running("infer", as_json=as_json, verbose=verbose) as output:
        found = infer_schemas(
            dict(named_paths(files)) if has_names(files) else files,
            read_limits=Settings({"read_limits": read_limits}).read_limits,
        )
        for line in str(found).splitlines():
            output.note(line)
        text = found.to_module()
        if as_json:
            output.result({"module": text, "tables": str(found).splitlines()})
        else:
            output.write(text)
