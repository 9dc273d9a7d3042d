"""Rows that somebody takes while the rest of their table is still being made.

A sink is asked for by context, as a recording is: between whoever sets it and whoever makes the
rows are methods that users override, and which know nothing of it.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Generator

    import polars as pl


class RowSink(Protocol):
    """Takes the rows of tables, one table after the other."""

    def take(self, table: str, rows: pl.DataFrame) -> None:
        """Take the next rows of a table, in the dtypes of its first ones; may wait."""
        ...

    def end(self, table: str, frame: pl.DataFrame) -> None:
        """Know that a table has all its rows, and which frame they are."""
        ...

    def drop(self, table: str) -> None:
        """Forget the rows of a table: they will be others."""
        ...


_current: ContextVar[RowSink | None] = ContextVar("algomancy_data.sink", default=None)


@contextmanager
def feeding(sink: RowSink) -> Generator[None]:
    """Give the rows of large tables that are made in a block to a sink as well."""
    token = _current.set(sink)
    try:
        yield
    finally:
        _current.reset(token)


def current_sink() -> RowSink | None:
    """Return the sink of the innermost block, if this is in one.

    Example:
        >>> current_sink() is None
        True
    """
    return _current.get()
