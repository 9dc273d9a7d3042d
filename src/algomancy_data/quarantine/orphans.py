"""Rows that refer to a row which is not there, through any number of others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from algomancy_data.relations import resolve_relations_from_schemas
from algomancy_data.relations.cascade import CascadeDrop, find_drops
from algomancy_data.relations.keys import dtype_conflict, is_comparable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import polars as pl

    from algomancy_data.relations import Relation
    from algomancy_data.schema import Schema


def find_orphans(
    tables: Mapping[str, pl.DataFrame],
    good: Callable[[str, Iterable[str]], pl.DataFrame],
    schemas: Iterable[type[Schema]],
) -> list[CascadeDrop]:
    """Return the rows whose key is not among those of the table they refer to, by relation.

    A relation whose tables or columns are not there, or whose keys cannot be compared, says
    nothing about single rows.

    Args:
        tables: The tables by logical name, with good rows and bad ones.
        good: Returns some columns of the good rows of a table.
        schemas: What declares the relations.
    """
    relations = [
        # A parent that lost its children is not bad itself.
        replace(relation, parent_requires_child=False, track_partial_loss=False)
        for relation in resolve_relations_from_schemas(list(dict.fromkeys(schemas)))
    ]
    usable = [relation for relation in relations if _is_usable(relation, tables)]
    keys: dict[str, dict[str, None]] = {}
    for relation in usable:
        for table, columns in (
            (relation.child_table, relation.child_cols),
            (relation.parent_table, relation.parent_cols),
        ):
            keys.setdefault(table, {}).update(dict.fromkeys(columns))
    kept = {table: good(table, list(names)) for table, names in keys.items()}
    return find_drops(kept, usable).drops


def _is_usable(relation: Relation, tables: Mapping[str, pl.DataFrame]) -> bool:
    child, parent = tables.get(relation.child_table), tables.get(relation.parent_table)
    if child is None or parent is None:
        return False
    if not set(relation.child_cols) <= set(child.columns):
        return False
    if not set(relation.parent_cols) <= set(parent.columns):
        return False
    keys, others = child.select(relation.child_cols), parent.select(relation.parent_cols)
    comparable = all(is_comparable(dtype) for dtype in (*keys.dtypes, *others.dtypes))
    return comparable and dtype_conflict(keys, others) is None
