"""Relations of rows that are added to a dataset: what they belong to may be stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import polars as pl

from algomancy_data.relations.keys import everywhere

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.relations.cascade import KnownElsewhere
    from algomancy_data.relations.declared import Relation


class StoredKeys(Protocol):
    """The keys of the dataset that rows are added to."""

    def columns(self, table: str) -> Mapping[str, PolarsDataType]:
        """Return the columns of a table; none if the dataset does not have it."""
        ...

    def known(self, table: str, key: Sequence[str], keys: pl.DataFrame) -> pl.Series:
        """Return which of some keys a table has (Boolean), never an incomplete one.

        Args:
            table: Name of the table.
            key: Columns of the table.
            keys: The keys, in as many columns.
        """
        ...

    def referred(self, table: str, key: Sequence[str], keys: pl.DataFrame) -> pl.Series:
        """Return the same for keys that rows refer to: those that are known must remain so."""
        ...


def known_in(stored: StoredKeys | None) -> KnownElsewhere | None:
    """Return what tells a cascade of the rows of a dataset; None if there is none.

    Args:
        stored: The keys of the dataset.
    """
    if stored is None:
        return None

    def known(table: str, columns: Sequence[str], keys: pl.DataFrame) -> pl.Series:
        if not {*columns} <= {*stored.columns(table)}:
            return everywhere(keys.height, value=False)
        return stored.referred(table, columns, keys)

    return known


def with_stored_parents(
    tables: Mapping[str, pl.DataFrame], relations: Iterable[Relation], stored: StoredKeys | None
) -> dict[str, pl.DataFrame]:
    """Return tables, and without rows those that they refer to and the dataset has beside them.

    Args:
        tables: The tables of which rows are added.
        relations: What refers to what.
        stored: The keys of the dataset; None if there is none.
    """
    beside = (
        {}
        if stored is None
        else {
            one.parent_table: pl.DataFrame(schema=columns)
            for one in relations
            if one.child_table in tables
            and one.parent_table not in tables
            and (columns := stored.columns(one.parent_table))
        }
    )
    return {**tables, **beside}
