"""What the program can do: its commands, and the help that lists them.

No other library is imported for it, so that it is there at once.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

DISTRIBUTION: Final = "algomancy-data"
HELP_OPTIONS: Final = ("--help", "-h")
SUMMARY: Final = """\
Files into validated datasets in a database or a folder, and what one does
there.

Exit codes: 0 done, 1 data refused, 2 used wrongly, 3 try again later, 4
store fails.
"""
COMMANDS: Final = {
    "infer": ("load", "Write schemas for files."),
    "check": ("load", "Check files against their schemas; nothing is kept."),
    "load": ("load", "Load files into a dataset."),
    "replay": ("replay", "Bring rows in quarantine, mended, to their places."),
    "batch": ("batch", "Load many datasets, each exactly once."),
    "jobs": ("batch", "Show which jobs were tried, and what became of them."),
    "ls": ("listing", "List the datasets of a store."),
    "show": ("look", "Show the tables of a dataset."),
    "query": ("look", "Run SQL over the tables of datasets."),
    "derive": ("change", "Keep a copy of a dataset under another name."),
    "rm": ("change", "Delete datasets for good."),
    "export": ("change", "Write a dataset as Parquet, Arrow or CSV files."),
    "copy": ("copy", "Copy datasets to another store or session."),
    "migrate": ("copy", "Copy the datasets of a folder into a database."),
    "verify": ("change", "Compare a store with what was written to it."),
    "bench": ("bench", "Measure the main job on this machine."),
}
"""The module of each command, in which a function has its name, and what it does in a line."""

# The description that an installation has, and what it says first.
_DESCRIBED: Final = "algomancy_data-"
_VERSION: Final = "Version: "
_COMPLETED: Final = "_ALGOMANCY_DATA_COMPLETE"
_OPTIONS: Final = """\
Options:
  --version             Show the version.
  --install-completion  Install completion for the current shell.
  --show-completion     Show completion for the current shell, to copy it or
                        customize the installation.
  -h, --help            Show this message and exit.
"""


def answer(arguments: Sequence[str]) -> str | None:
    """Return what a command line asks for that is about no command; None for all others.

    That is the list of commands, also for an empty line, or the version.
    """
    if _COMPLETED in os.environ:  # a shell asks what could come next
        return None
    match [*arguments]:
        case [] | ["--help" | "-h"]:
            return overview()
        case ["--version"]:
            return version_line()
        case _:
            return None


def version_line() -> str:
    """Return the line that says which version is installed."""
    return f"{DISTRIBUTION} {_described_version() or _found_version()}\n"


def _described_version() -> str | None:
    """Return the version in the first description of the package on the path of imports.

    None if there is none in a folder: then it is for those who know other places.
    """
    for folder in sys.path:
        with suppress(OSError), os.scandir(folder or ".") as entries:
            for entry in entries:
                if entry.name.startswith(_DESCRIBED) and entry.name.endswith(".dist-info"):
                    return _version_in(f"{entry.path}/METADATA")
    return None


def _version_in(metadata: str) -> str | None:
    with open(metadata, encoding="utf-8") as lines:  # noqa: PTH123  pathlib takes as long as this
        return next(
            (line[len(_VERSION) :].strip() for line in lines if line.startswith(_VERSION)), None
        )


def _found_version() -> str:
    from importlib.metadata import version  # noqa: PLC0415  it takes longer than all the rest

    return version(DISTRIBUTION)


def overview() -> str:
    """Return the help that lists the commands, as Typer formats it for 80 columns."""
    summary = "".join(f"  {line}".rstrip() + "\n" for line in SUMMARY.splitlines())
    longest = max(map(len, COMMANDS))
    listed = "".join(f"  {name:<{longest}}  {line}\n" for name, (_, line) in COMMANDS.items())
    usage = f"Usage: {DISTRIBUTION} [OPTIONS] COMMAND [ARGS]...\n"
    return f"{usage}\n{summary}\n{_OPTIONS}\nCommands:\n{listed}"
