"""What Polars, Arrow and Python raise when they cannot go on, in words of ours.

Memory that ends, data that is nested too deeply, numbers beyond any type and panics of Rust have
exceptions that no caller expects; some are not even an ``Exception``. They become errors of the
package where they come out of its own code. Those of a user's code, a transformer's for instance,
are the user's: they propagate unchanged.
"""

from __future__ import annotations

import sys
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import FrameType, TracebackType

    import polars as pl

    from algomancy_data.errors import AlgomancyDataError

_OURS: Final = __name__.partition(".")[0]
# Code that runs on behalf of its caller.
_LIBRARIES: Final = frozenset(
    {
        *sys.stdlib_module_names,
        *("polars", "pyarrow", "pandas", "numpy", "fastexcel", "fsspec"),
        *("sqlalchemy", "typer", "rich"),
        *("adbc_driver_manager", "adbc_driver_postgresql", "adbc_driver_sqlite"),
    }
)
_NO_THREAD: Final = "can't start new thread"  # Python has no class for it
_PANIC: Final = "PanicException"  # each library made with PyO3 has a class of that name


@contextmanager
def engine_failures(
    error: type[AlgomancyDataError], doing: str, also: tuple[type[Exception], ...] = ()
) -> Generator[None]:
    """Turn an engine's failure in a block into an error that says what was being done.

    Args:
        error: Class of the error.
        doing: What is done, with the names of file, table and column: "Reading file 'x'".
        also: Exceptions that say here as well that the data cannot be processed.

    Raises:
        AlgomancyDataError: Of that class.
        KeyboardInterrupt: Ctrl-C was pressed, and what ended the work for it failed.

    Example:
        >>> from algomancy_data.errors import FileContentError
        >>> def read_days():
        ...     with engine_failures(FileContentError, "Reading column 'day' of file 'orders'"):
        ...         raise OverflowError  # in code of the package
    """
    try:
        yield
    except BaseException as failure:
        raise_engine_failure(failure, error, doing, also)
        raise


@contextmanager
def interrupted_once() -> Generator[None]:
    """Let one Ctrl-C interrupt a block once, so that what cleans up behind it is not interrupted.

    Polars raises KeyboardInterrupt for the signal, and Python once more, as soon as it calls
    something: with this, at the end of the block.

    Example:
        >>> import polars as pl
        >>> with interrupted_once():
        ...     text = pl.DataFrame({"a": [1]}).write_csv()
    """
    yield


def failing_column(frame: pl.DataFrame, do: Callable[[pl.DataFrame], object]) -> pl.Series | None:
    """Return the first column with which Polars fails although it is alone; None if none does.

    Args:
        frame: The columns.
        do: What Polars cannot do with all of them.
    """
    from polars.exceptions import PanicException, PolarsError  # noqa: PLC0415  something failed

    for column in frame.get_columns():
        try:
            do(column.to_frame())
        except (PolarsError, PanicException):
            return column
    return None


def raise_engine_failure(
    failure: BaseException,
    error: type[AlgomancyDataError],
    doing: str,
    also: tuple[type[Exception], ...] = (),
) -> None:
    """Raise the error that :func:`engine_failures` makes of an exception, if any.

    Args:
        failure: The exception.
        error: See above.
        doing: See above.
        also: See above.
    """
    reason = _reason(failure, also)
    if reason is None or not _is_ours(failure.__traceback__):
        return
    if any(isinstance(earlier, KeyboardInterrupt) for earlier in _contexts(failure)):
        raise KeyboardInterrupt from failure
    msg = f"{doing} failed: {reason}"
    raise error(msg) from failure


def reason_of(failure: BaseException) -> str:
    """Return the text for an exception: our own words for a panic, else its own.

    Example:
        >>> reason_of(ValueError("no such day"))
        'no such day'
    """
    return _reason(failure, ()) or str(failure)


def _reason(failure: BaseException, also: tuple[type[Exception], ...]) -> str | None:
    """Return the reason for an engine's failure; None for other exceptions."""
    if isinstance(failure, MemoryError):
        return "there is not enough memory for it. Give the process more, or take less data."
    if isinstance(failure, RuntimeError) and str(failure) == _NO_THREAD:
        return "there is no memory for one more thread. Give the process more."
    if isinstance(failure, RecursionError):
        return "it is nested too deeply. Take out some of the levels."
    if isinstance(failure, OverflowError):
        return "it has a number or date that is too large. Leave it out, or make it a text."
    if isinstance(failure, also) or type(failure).__name__ == _PANIC:
        return "it has what cannot be processed, or is damaged. Look for unusual names and values."
    return None


def foreign_trace(trace: TracebackType | None) -> TracebackType | None:
    """Return a traceback from where a user's code begins; None if there is none."""
    while trace is not None and _caller(trace.tb_frame) in {_OURS, *_LIBRARIES}:
        trace = trace.tb_next
    return trace


def _is_ours(trace: TracebackType | None) -> bool:
    """Tell whether the package itself called what failed, not a user's code."""
    callers = [
        caller
        for frame, _ in traceback.walk_tb(trace)
        if (caller := _caller(frame)) not in _LIBRARIES
    ]
    return bool(callers) and callers[-1] == _OURS


def _caller(frame: FrameType) -> str:
    """Return the package that a frame of the stack belongs to."""
    return str(frame.f_globals.get("__name__")).partition(".")[0]


def _contexts(failure: BaseException) -> Generator[BaseException]:
    while (earlier := failure.__context__) is not None:
        yield earlier
        failure = earlier
