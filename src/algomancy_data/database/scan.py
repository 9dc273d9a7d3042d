"""A stored table as a LazyFrame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import polars as pl
from polars.io.plugins import register_io_source

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from algomancy_data.database.layout import ColumnLayout, TableLayout


class Batches(Protocol):
    """Yields rows of a table, in order and some at a time."""

    def __call__(
        self, columns: Sequence[ColumnLayout], predicate: pl.Expr | None, head: int | None, /
    ) -> Generator[pl.DataFrame]:
        """Yield those of the first ``head`` rows that a predicate takes, with some columns."""
        ...


def lazy_table(layout: TableLayout, batches: Batches, *, is_eager: bool) -> pl.LazyFrame:
    """Return a table as a LazyFrame.

    Polars hands over those predicates that look at each row by itself, and applies the others.

    Args:
        layout: How the table lies in the database.
        batches: Reads it.
        is_eager: All rows are read before the first is handed over.
    """
    if not layout.columns:
        return pl.LazyFrame(height=layout.height)
    by_name = {column.name: column for column in layout.columns}

    def source(
        with_columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,  # the size of our parts is what the database reads best
    ) -> Iterator[pl.DataFrame]:
        del batch_size
        wanted = list(by_name) if with_columns is None else with_columns
        of_predicate = [] if predicate is None else predicate.meta.root_names()
        needed = dict.fromkeys([*wanted, *of_predicate])
        read = batches([by_name[name] for name in needed], predicate, n_rows)
        # Not by select, for which some names are patterns.
        taken = (batch if len(needed) == len(wanted) else batch[wanted] for batch in read)
        return iter(list(taken)) if is_eager else taken

    return register_io_source(
        source, schema={name: column.dtype for name, column in by_name.items()}, is_pure=True
    )
