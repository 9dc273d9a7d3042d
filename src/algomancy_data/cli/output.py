"""What a command writes: its result to standard output, everything else to standard error."""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from algomancy_data.logs import StandardLogger
from algomancy_data.masking import mask

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from rich.console import RenderableType

    from algomancy_data.datamanager import DatasetSummary

# Where there is no terminal, nothing is to be cut or broken.
_UNLIMITED: Final = 100_000
_UNITS: Final = ("B", "kB", "MB", "GB", "TB")
_THOUSAND: Final = 1_000

UNKNOWN: Final = "?"
"""What is shown in place of something that nobody can know."""


class Output:
    """The two streams of a command.

    Args:
        command: Its name.
        as_json: Whether the result is for a machine.
        verbose: Whether what happens inside is to be shown.
    """

    def __init__(self, command: str, *, as_json: bool = False, verbose: bool = False) -> None:
        self.command = command
        self.as_json = as_json
        self.verbose = verbose
        self.exit_code = 0
        self.errors = _console(sys.stderr)
        self.logger = StandardLogger(logging.getLogger("algomancy_data"))

    def result(
        self, document: Mapping[str, Any], *shown: RenderableType, exit_code: int = 0
    ) -> None:
        """Write the result: the document for a machine, or what is shown to a person."""
        self.exit_code = exit_code
        if self.as_json:
            self.document({**document, "exit_code": exit_code})
            return
        console = _console(sys.stdout)
        with console.capture() as captured:
            for part in shown:
                console.print(part)
        # Tables fill their last column with spaces.
        self.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))

    def document(self, document: Mapping[str, Any]) -> None:
        """Write the JSON document."""
        content = {"command": self.command, **document}
        self.write(json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n")

    def write(self, text: str) -> None:
        """Write to standard output; that nobody reads on is no error."""
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except BrokenPipeError:
            # Python writes what is left when it ends, and would say so.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def note(self, text: str, style: str = "") -> None:
        """Write a line to standard error."""
        try:
            self.errors.print(mask(text), style=style, markup=False, soft_wrap=True)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())

    def warning(self, text: str) -> None:
        """Write a warning to standard error."""
        self.note(f"warning: {text}", "yellow")

    def problems(self, summaries: Iterable[DatasetSummary]) -> None:
        """Write a warning about each dataset that cannot be read."""
        for one in summaries:
            if one.problem:
                self.warning(f"{one.name!r}: {one.problem}")

    def error(self, text: str) -> None:
        """Write an error to standard error."""
        self.note(f"error: {text}", "red")


def table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Iterable[str] = ()
) -> Table:
    """Return a table of texts; those in the columns ``right`` are put to the right."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    numbers = set(right)
    for column in columns:
        made.add_column(column, justify="right" if column in numbers else "left")
    for row in rows:
        made.add_row(*(_cell(value) for value in row))
    return made


def plain(text: str) -> Text:
    """Return a text in which nothing is taken for markup, and nothing breaks the line."""
    return Text(_printable(text))


def count(number: int, what: str) -> str:
    """Return a number with its noun.

    Example:
        >>> count(1, "dataset"), count(2_000, "row")
        ('1 dataset', '2,000 rows')
    """
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def size(number: int | None) -> str:
    """Return a number of bytes as people read it.

    Example:
        >>> size(999), size(73_400_320), size(None)
        ('999 B', '73.4 MB', '?')
    """
    if number is None:
        return UNKNOWN
    power = min(len(_UNITS) - 1, (len(str(number)) - 1) // 3)
    return f"{number / _THOUSAND**power:.1f} {_UNITS[power]}" if power else f"{number} B"


def moment(time: datetime | None) -> str:
    """Return a time as people read it."""
    return UNKNOWN if time is None else f"{time:%Y-%m-%d %H:%M}"


def _cell(value: object) -> str:
    """Return the text of a cell, of which nothing is taken for markup."""
    text = f"{value:,}" if isinstance(value, int) else str(value)
    return escape(_printable(text))


def _printable(text: str) -> str:
    """Return the text with escapes for what would move the cursor, or worse."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def _console(stream: Any) -> Console:
    width = None if stream.isatty() else _UNLIMITED
    return Console(file=stream, width=width, highlight=False, emoji=False)
