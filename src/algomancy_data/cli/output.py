"""What a command writes: its result to standard output, everything else to standard error."""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console

from algomancy_data.cli import opening
from algomancy_data.display.terminal_table import grid_table, plain
from algomancy_data.display.words import size_text, time_text
from algomancy_data.logs import StandardLogger
from algomancy_data.masking import mask

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from algomancy_data.datamanager import DatasetInfo
    from algomancy_data.display.grid import Grid

# Without a terminal, nothing is cut or wrapped.
_UNLIMITED: Final = 100_000

# Commands whose result is what they are run for.
_ASKING: Final = ("bench", "infer", "jobs", "ls", "query", "show")

UNKNOWN: Final = "?"
"""Shown in place of a value that is unknown."""


class Output:
    """The two streams of a command.

    Args:
        command: Its name.
        as_json: Whether the result is for a machine.
        quiet: Whether to leave out what tells only that all goes well.
        verbose: Whether to show the log.
    """

    def __init__(
        self, command: str, *, as_json: bool = False, quiet: bool = False, verbose: bool = False
    ) -> None:
        self.command = command
        self.as_json = as_json
        self.quiet = quiet
        self.verbose = verbose
        self.exit_code = 0
        self.errors = _console(sys.stderr)
        self.logger = StandardLogger(logging.getLogger("algomancy_data"))

    def result(self, document: Mapping[str, Any], *shown: Grid | str, exit_code: int = 0) -> None:
        """Write the result: the document for a machine, or tables and lines for a person."""
        self.exit_code = exit_code
        if self.as_json:
            self.document({**document, "exit_code": exit_code})
            return
        if self.quiet and not exit_code and self.command not in _ASKING:
            return
        console = _console(sys.stdout)
        with console.capture() as captured:
            for part in shown:
                console.print(plain(part) if isinstance(part, str) else grid_table(part))
        # Tables fill their last column with spaces.
        self.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))

    def document(self, document: Mapping[str, Any]) -> None:
        """Write the JSON document."""
        content = {"command": self.command, **document}
        self.write(json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n")

    def write(self, text: str) -> None:
        """Write to standard output; it is no error if the reader has stopped reading."""
        opening.clear()
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except BrokenPipeError:
            # Python writes what is left when it ends, and would say so.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def note(self, text: str) -> None:
        """Write a line on progress to standard error, unless that is not wanted."""
        if not self.quiet:
            self.say(text)

    def say(self, text: str, style: str = "") -> None:
        """Write a line to standard error."""
        opening.clear()
        try:
            self.errors.print(mask(text), style=style, markup=False, soft_wrap=True)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())

    def warning(self, text: str) -> None:
        """Write a warning to standard error."""
        self.say(f"warning: {text}", "yellow")

    def problems(self, infos: Iterable[DatasetInfo]) -> None:
        """Write a warning about each dataset that cannot be read."""
        for one in infos:
            if one.problem:
                self.warning(f"{one.name!r}: {one.problem}")

    def error(self, text: str) -> None:
        """Write an error to standard error."""
        self.say(f"error: {text}", "red")


def size(number: int | None) -> str:
    """Return a number of bytes as people read it."""
    return UNKNOWN if number is None else size_text(number)


def moment(time: datetime | None) -> str:
    """Return a time as people read it."""
    return UNKNOWN if time is None else time_text(time)


def _console(stream: Any) -> Console:
    width = None if stream.isatty() else _UNLIMITED
    return Console(file=stream, width=width, highlight=False, emoji=False)
