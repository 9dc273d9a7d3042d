"""The program and its commands.

Only the command that is run is imported, so help and completion are instant.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from algomancy_data.cli import opening
from algomancy_data.cli.overview import COMMANDS, DISTRIBUTION, HELP_OPTIONS, SUMMARY, version_line

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMPLETED: Final = ("COMP_WORDS", "_TYPER_COMPLETE_ARGS")


def run(arguments: Sequence[str]) -> int:
    """Run a command line; return its exit code."""
    meant = _meant(arguments)
    try:
        if meant is not None and not {*HELP_OPTIONS}.intersection(arguments):
            opening.show(f"{DISTRIBUTION} {meant} …")
        program = build(meant)
        return program(arguments, prog_name=DISTRIBUTION, standalone_mode=False) or 0
    except (typer.TyperException, KeyboardInterrupt) as error:
        from algomancy_data.cli.running import fail  # noqa: PLC0415  help has no need of it

        return fail(error, arguments, meant or "")
    finally:
        opening.clear()


def build(meant: str | None) -> typer.Typer:
    """Return the program.

    Args:
        meant: The command to run; the others have only a name and a line of help.
    """
    program = typer.Typer(
        name=DISTRIBUTION,
        help=SUMMARY,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        # The list of commands is plain: to format it would take longer than all the rest.
        rich_markup_mode="markdown" if meant else None,
        context_settings={"help_option_names": list(HELP_OPTIONS)},
    )
    program.callback()(_options)
    for name, (module, line) in COMMANDS.items():
        if name == meant:
            imported = importlib.import_module(f"algomancy_data.cli.commands.{module}")
            program.command(name, short_help=line)(getattr(imported, name))
        else:
            program.command(name, help=line)(_not_meant)
    return program


def _meant(arguments: Sequence[str]) -> str | None:
    words = [*arguments]
    for variable in _COMPLETED:  # a shell asks what could come next
        words += os.environ.get(variable, "").split()[1:]
    return next((word for word in words if word in COMMANDS), None)


def _print_version(wanted: bool) -> None:  # noqa: FBT001  Typer calls it
    if wanted:
        sys.stdout.write(version_line())
        raise typer.Exit


def _options(
    version: Annotated[  # noqa: FBT002  its callback does what is to be done
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Take the options that come before a command."""


def _not_meant() -> None:
    """A stand-in for a command of which only name and help are needed."""
