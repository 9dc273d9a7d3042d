"""Remembers how many children each parent had."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from algomancy_data.frames.pandas_frames import in_polars
from algomancy_data.frames.values import python_rows
from algomancy_data.relations import merge_relations, resolve_relations_from_schemas
from algomancy_data.relations.keys import count_keys, is_comparable
from algomancy_data.transformer.base import Transformer

if TYPE_CHECKING:
    import logging
    from collections.abc import Sequence

    import polars as pl

    from algomancy_data.logs import Logger
    from algomancy_data.relations import Relation
    from algomancy_data.relations.cascade import ChildCounts
    from algomancy_data.schema.tables import Schemas


class CascadeSnapshot(Transformer):
    """Counts the children of each parent key, for a cascade later in the same sequence.

    Put it where the tables are still whole, and give it to the :class:`CascadeDropTransformer`
    placed after the transformers that drop rows. It changes nothing.

    Args:
        schemas: Schema classes, in a list or as the values of a mapping.
        extra_relations: Further relations; one with the child columns of a declared relation
            takes its place.
        logger: See :class:`Transformer`.

    Attributes:
        relations: Those that are counted: with ``track_partial_loss``.

    Warns:
        DeprecationWarning: A schema uses the legacy ``_DATATYPES``.

    Raises:
        SchemaError: A schema is declared wrongly.

    Example:
        >>> import polars as pl
        >>> from algomancy_data import CascadeSnapshot, Relation
        >>> lines = Relation("lines", ("order",), "orders", ("id",), track_partial_loss=True)
        >>> snapshot = CascadeSnapshot(extra_relations=[lines])
        >>> snapshot.transform({"lines": pl.DataFrame({"order": [1, 1, None]})})
        >>> snapshot.counts_for(lines)
        {(1,): 2}
    """

    def __init__(
        self,
        schemas: Schemas | None = None,
        extra_relations: Sequence[Relation] | None = None,
        logger: Logger | logging.Logger | None = None,
    ) -> None:
        super().__init__("Cascade snapshot transformer", logger)
        declared = resolve_relations_from_schemas(schemas or [])
        self.relations = [
            relation
            for relation in merge_relations(declared, extra_relations or [])
            if relation.track_partial_loss
        ]
        self._counts: ChildCounts = {}

    @in_polars
    def transform(self, data: dict[str, pl.DataFrame]) -> None:
        """Count anew; a relation whose child table or columns are absent is left out."""
        self._counts = {}
        for relation in self.relations:
            child = data.get(relation.child_table)
            if child is None or not set(relation.child_cols) <= set(child.columns):
                continue
            keys = child.select(relation.child_cols)
            if all(is_comparable(dtype) for dtype in keys.dtypes):
                self._counts[relation.key] = count_keys(keys)

    def counts_for(self, relation: Relation) -> dict[tuple[Any, ...], int] | None:
        """Return the number of children of each complete key, or None if it was not counted.

        It was not if the relation is unknown here or has no ``track_partial_loss``, if its child
        table or columns were absent or not comparable, or before the first :meth:`transform`.
        """
        counts = self._counts.get(relation.key)
        return None if counts is None else {tuple(key): n for *key, n in python_rows(counts)}

    @property
    def child_counts(self) -> ChildCounts:
        """The counts as frames, by the key of the relation."""
        return dict(self._counts)
