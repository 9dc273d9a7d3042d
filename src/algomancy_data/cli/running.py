"""How a command ends: its exit code, and what it says when it fails."""

from __future__ import annotations

import logging
import sys
import traceback
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import typer

from algomancy_data import errors
from algomancy_data.cli import INTERRUPTED, INTERRUPTED_MESSAGE
from algomancy_data.cli.output import Output
from algomancy_data.components import note_of
from algomancy_data.engine_failures import engine_failures, foreign_trace
from algomancy_data.masking import mask

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

DONE: Final = 0
REFUSED: Final = 1
USED_WRONGLY: Final = 2
TRY_AGAIN: Final = 3
STORE_FAILED: Final = 4
DEFECT: Final = 70

# The first one that fits counts.
_EXIT_CODES: Final[tuple[tuple[tuple[type[BaseException], ...], int], ...]] = (
    (errors.TEMPORARY, TRY_AGAIN),
    ((errors.UnstorableError, errors.AdditionError), REFUSED),
    ((errors.StoreNotFoundError,), USED_WRONGLY),
    ((errors.StoreError,), STORE_FAILED),
    ((errors.TableNotFoundError, errors.ColumnNotFoundError), USED_WRONGLY),
    (
        (
            errors.EngineError,
            errors.FileContentError,
            errors.FrameError,
            errors.SerializationError,
            errors.ValidationError,
        ),
        REFUSED,
    ),
    ((errors.AlgomancyDataError, typer.TyperException, OSError), USED_WRONGLY),
    ((KeyboardInterrupt,), INTERRUPTED),
)
_JSON: Final = "--json"


@contextmanager
def running(command: str, *, as_json: bool, quiet: bool, verbose: bool) -> Generator[Output]:
    """Run a command; an error becomes a line and an exit code.

    Raises:
        typer.Exit: Always, with the exit code.
    """
    output = Output(command, as_json=as_json, quiet=quiet, verbose=verbose)
    try:
        failures = engine_failures(errors.EngineError, f"The command {command!r}")
        with _reports_to(output), failures:
            yield output
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  it gets an exit code
        raise typer.Exit(_report(output, error)) from None
    raise typer.Exit(output.exit_code)


def fail(error: BaseException, arguments: Sequence[str], command: str) -> int:
    """Report what went wrong before a command began; return the exit code.

    Args:
        error: What was raised.
        arguments: The command line.
        command: The command that it is about; empty if none is known.
    """
    output = Output(command, as_json=_JSON in arguments)
    if isinstance(error, typer.TyperException) and not error.format_message().strip():
        return USED_WRONGLY  # it has shown the help
    return _report(output, error, command)


def exit_code(error: BaseException) -> int:
    """Return the exit code for what a command raised."""
    if note_of(error) is not None and not isinstance(error, errors.AlgomancyDataError):
        return DEFECT
    return next((code for kinds, code in _EXIT_CODES if isinstance(error, kinds)), DEFECT)


def _report(output: Output, error: BaseException, command: str = "") -> int:
    code = exit_code(error)
    message = mask(_message(error, code, command))
    note = note_of(error)
    if output.verbose and code != INTERRUPTED:
        output.say("".join(traceback.format_exception(error)).rstrip())
    elif note is not None:
        output.say("".join(_own_traceback(error)).rstrip())
    if code == INTERRUPTED:
        output.say(message)
    else:
        output.error(message)
    if output.as_json:
        kind = type(error).__name__
        output.document({"error": {"type": kind, "message": message}, "exit_code": code})
    return code


def _message(error: BaseException, code: int, command: str) -> str:
    if code == INTERRUPTED:
        return INTERRUPTED_MESSAGE
    if isinstance(error, typer.TyperException):
        said = " ".join(error.format_message().replace("Value error, ", "").split())
        stop = "" if said.endswith((".", "?", ")")) else "."
        return f"{said}{stop} See: {' '.join(filter(None, ('algomancy-data', command, '--help')))}"
    note = note_of(error)
    if note is not None:
        return f"{type(error).__name__}: {error}\n{note}"
    if code == DEFECT:
        return (
            f"{type(error).__name__}: {error}\nThis is a defect, of this program or of a module "
            f"that it was given. Run the command again with --verbose to see where."
        )
    return str(error)


def _own_traceback(error: BaseException) -> list[str]:
    """Return the lines of a traceback from where a user's code begins."""
    own = foreign_trace(error.__traceback__)
    if own is None:
        return []
    shown = traceback.TracebackException(type(error), error, own)
    return [line for line in shown.format() if line != f"{note_of(error)}\n"]


class _Handler(logging.Handler):
    """Writes the library's log as lines.

    Args:
        output: Where they go.
    """

    def __init__(self, output: Output) -> None:
        super().__init__()
        self._output = output

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        self._output.say(f"{record.levelname.lower()}: {self.format(record)}", "dim")


@contextmanager
def _reports_to(output: Output) -> Generator[None]:
    """Send the library's log and Python's warnings to an output, a line each."""
    seen = set[str]()

    def show(message: Warning | str, *_: object) -> None:
        text = " ".join(str(message).split())
        if text not in seen:
            seen.add(text)
            output.warning(text)

    log = logging.getLogger("algomancy_data")
    handler, before = _Handler(output), log.level
    if output.verbose:
        log.addHandler(handler)
        log.setLevel(logging.INFO)
    try:
        with warnings.catch_warnings():
            if not sys.warnoptions:
                warnings.simplefilter("default")
            warnings.showwarning = show
            yield
    finally:
        log.removeHandler(handler)
        log.setLevel(before)
