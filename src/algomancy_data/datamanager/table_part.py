"""A part of a table: some columns, and the rows that match a predicate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
from polars import selectors

from algomancy_data.errors import ArgumentError, ColumnNotFoundError
from algomancy_data.frames.predicates import check_condition, expression_tree, is_well_typed

if TYPE_CHECKING:
    from collections.abc import Sequence


def part_of(
    lazy: pl.LazyFrame,
    table: str,
    columns: Sequence[str] | None,
    predicate: pl.Expr | None,
    head: int | None,
) -> pl.DataFrame:
    """Return some columns of the rows that match a predicate.

    Args:
        lazy: The table.
        table: Its name, for errors.
        columns: Names of the columns, in this order; None for all.
        predicate: What is true for the rows; None for all.
        head: Only the first so many rows are looked at; None for all.

    Raises:
        ColumnNotFoundError: The table has no column of a name that was asked for.
        ArgumentError: The columns are no list of names, the predicate is no condition, or ``head``
            is negative.
    """
    if isinstance(columns, str):
        raise ArgumentError.from_given(
            "columns", columns, f"a list of names, such as [{columns!r}]"
        )
    if head is not None and head < 0:
        raise ArgumentError.from_given("head", head, "a number of rows, from 0 on")
    known = lazy.collect_schema()
    wanted = list(known) if columns is None else list(columns)
    of_predicate = [] if predicate is None else predicate.meta.root_names()
    for name in (*wanted, *of_predicate):
        if name not in known:
            raise ColumnNotFoundError.from_available(table, name, known)
    if len({*wanted}) < len(wanted):
        raise ArgumentError.from_given("columns", wanted, "names that are there once each")
    if predicate is not None:
        check_condition(predicate, known)
    if head is not None:
        lazy = lazy.head(head)
    if predicate is None or is_well_typed(expression_tree(predicate), known):
        lazy = lazy if predicate is None else lazy.filter(predicate)
        if not wanted:
            return pl.DataFrame(height=lazy.select(pl.len()).collect().item())
        frame = _selected(lazy, wanted)
    else:
        # It looks at other rows, or fails for a row wherever that is, as it does for a frame.
        frame = _selected(lazy, _needed(known, [*wanted, *of_predicate], predicate))
        # In one piece: Polars applies some expressions to each piece of a frame.
        frame = frame.rechunk().filter(predicate)
    return frame[wanted] if wanted else pl.DataFrame(height=frame.height)


def _selected(lazy: pl.LazyFrame, names: Sequence[str]) -> pl.DataFrame:
    # Some names are patterns to a plain select.
    return lazy.select(selectors.by_name(*names)).collect()


def _needed(known: pl.Schema, named: Sequence[str], predicate: pl.Expr) -> list[str]:
    if predicate.meta.has_multiple_outputs():
        return list(known)  # such as ``pl.all()``, which depends on the columns
    # Without a name it may count the rows.
    return list(dict.fromkeys(named)) or list(known)[:1]
