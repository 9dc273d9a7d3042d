"""Drops rows whose relations to other tables are broken, and counts children."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from algomancy_data.frames.lazy import kept_rows
from algomancy_data.frames.pandas_frames import in_polars
from algomancy_data.frames.values import python_rows
from algomancy_data.messages import ValidationMessage, ValidationSeverity
from algomancy_data.relations import merge_relations, resolve_relations_from_schemas
from algomancy_data.relations.cascade import CascadeDrop, CascadeOutcome, find_drops
from algomancy_data.relations.keys import count_keys, dtype_conflict, is_comparable
from algomancy_data.relations.stored import known_in, with_stored_parents
from algomancy_data.schema.table_names import schema_classes, schema_table_map
from algomancy_data.transformer.base import Transformer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import polars as pl

    from algomancy_data.components import NameOrLogger
    from algomancy_data.relations import Relation
    from algomancy_data.relations.cascade import ChildCounts
    from algomancy_data.relations.stored import StoredKeys
    from algomancy_data.schema.table_names import Schemas


class CascadeDropTransformer(Transformer):
    """Drops orphans, and parents without the children they need, until there are none.

    Three rules, over all relations, again and again until nothing changes:

    - a child whose complete key no parent has is dropped (CASCADE_ORPHAN_DROP);
    - with ``parent_requires_child``, a parent to which no child refers is dropped
      (CASCADE_REQUIRED_CHILD_DROP);
    - with ``track_partial_loss`` and a snapshot, a parent that has children, but fewer than at
      the time of the snapshot, is dropped (CASCADE_PARTIAL_LOSS_DROP).

    Each table, rule and relation that drops rows gives one ERROR with their number. A relation
    whose tables are not both there is passed over; one that lacks a key column drops nothing and
    gives a WARNING (CASCADE_RULE_SKIPPED), unless the column is declared optional. Keys of types
    that have no value in common give a WARNING as well (FK_DTYPE_MISMATCH), and are never equal.
    Rows that are added to a dataset may refer to stored ones, and stored ones to them.

    Args:
        schemas: Schema classes, in a list or as the values of a mapping.
        extra_relations: Further relations; one with the child columns of a declared relation
            takes its place.
        snapshot: The snapshot, which must run earlier in the same sequence.
        name: Name for the log.
        logger: See :class:`Transformer`.

    Attributes:
        relations: Those that are followed; may be set between runs.
        snapshot: As above; may be set between runs.
        stored: The keys of the dataset that the rows of a run are added to; None if they are not.
        drops: Which rows the last run dropped, by which rule of which relation.

    Warns:
        DeprecationWarning: A schema uses the legacy ``_DATATYPES``.

    Raises:
        SchemaError: A schema is declared wrongly.

    Example:
        >>> import polars as pl
        >>> from algomancy_data import CascadeDropTransformer, Relation
        >>> cascade = CascadeDropTransformer(
        ...     extra_relations=[Relation("flights", ("carrier",), "airlines", ("carrier",))]
        ... )
        >>> tables = {
        ...     "airlines": pl.DataFrame({"carrier": ["AA"]}),
        ...     "flights": pl.DataFrame({"carrier": ["AA", "ZZ", None]}),
        ... }
        >>> cascade.transform(tables)
        >>> tables["flights"]["carrier"].to_list()
        ['AA', None]
        >>> print(cascade.messages[0].message)
        1 row(s) dropped from 'flights' by CASCADE_ORPHAN_DROP on relation \
flights.carrier->airlines.carrier
        >>> cascade.drops[0].rows().to_list()
        [1]
    """

    stored: StoredKeys | None = None

    _unnamed = "Cascade drop transformer"

    def __init__(
        self,
        schemas: Schemas | None = None,
        extra_relations: Sequence[Relation] | None = None,
        snapshot: CascadeSnapshot | None = None,
        name: NameOrLogger = "Cascade drop transformer",
        logger: NameOrLogger = None,
    ) -> None:
        super().__init__(None if name == self._unnamed else name, logger)
        classes = schema_classes(schemas or [])
        declared = resolve_relations_from_schemas(classes)
        self.relations = merge_relations(declared, extra_relations or [])
        self.snapshot = snapshot
        self._may_be_absent = {
            (table, column.name)
            for table, schema in schema_table_map(classes).items()
            for column in schema.columns().values()
            if column.optional
        }
        self.drops: list[CascadeDrop] = []

    @in_polars
    def transform(self, data: dict[str, pl.DataFrame]) -> None:
        """Replace each table that loses rows; the order of the others is kept."""
        outcome = self.find_drops(data)
        self.drops = outcome.drops
        for table, kept in outcome.kept.items():
            data[table] = kept_rows(data[table], kept, self.in_memory_bytes)

    def find_drops(self, data: Mapping[str, pl.DataFrame]) -> CascadeOutcome:
        """Return which rows :meth:`transform` would drop, and set the messages.

        Args:
            data: The frames by logical table name.
        """
        self.messages = []
        counts = {} if self.snapshot is None else self.snapshot.child_counts
        data = with_stored_parents(data, self.relations, self.stored)
        relations = [relation for relation in self.relations if self._is_usable(relation, data)]
        for relation in relations:
            if relation.track_partial_loss and relation.key not in counts:
                self._warn_uncounted(relation)
        elsewhere = known_in(self.stored)
        outcome = find_drops(data, relations, counts, self.in_memory_bytes, elsewhere)
        self._explain_mismatches(outcome.drops, data)
        for drop in outcome.drops:
            text = (
                f"{drop.count} row(s) dropped from '{drop.table}' by {drop.rule} "
                f"on relation {drop.relation}"
            )
            self._report(
                ValidationSeverity.ERROR,
                text,
                drop.relation,
                drop.table,
                drop.columns,
                drop.rule,
                drop.count,
            )
        return outcome

    def _is_usable(self, relation: Relation, data: Mapping[str, pl.DataFrame]) -> bool:
        sides = (
            (relation.child_table, relation.child_cols),
            (relation.parent_table, relation.parent_cols),
        )
        absent = [table for table, _ in sides if table not in data]
        if absent:
            # Not a message: RequiredColumnsValidator reports tables that are absent.
            self._logger.log(f"Relation {relation} is passed over: no table {absent[0]!r}.")
            return False
        for table, columns in sides:
            missing = [name for name in columns if name not in data[table].columns]
            if missing:
                if not all((table, name) in self._may_be_absent for name in missing):
                    self._skip(relation, table, missing, f"{table!r} has no column {missing[0]!r}")
                return False
            for name, dtype in data[table].select(columns).schema.items():
                if not is_comparable(dtype):
                    self._skip(relation, table, columns, f"{name!r} holds Python objects")
                    return False
        return True

    def _skip(self, relation: Relation, table: str, columns: Iterable[str], reason: str) -> None:
        text = f"Relation {relation} was not applied: {reason}."
        self._report(
            ValidationSeverity.WARNING, text, relation, table, columns, "CASCADE_RULE_SKIPPED"
        )

    def _warn_uncounted(self, relation: Relation) -> None:
        text = f"Partial losses on relation {relation} were not looked for: "
        if self.snapshot is None:
            self._logger.log(f"{text}no snapshot was given.")
            return
        text += "the snapshot did not count it. Run it earlier, with the same relations."
        self._report(
            ValidationSeverity.WARNING,
            text,
            relation,
            relation.parent_table,
            relation.parent_cols,
            "CASCADE_RULE_SKIPPED",
        )

    def _explain_mismatches(
        self, drops: Iterable[CascadeDrop], data: Mapping[str, pl.DataFrame]
    ) -> None:
        for relation in dict.fromkeys(drop.relation for drop in drops):
            child = data[relation.child_table].select(relation.child_cols)
            parent = data[relation.parent_table].select(relation.parent_cols)
            conflict = dtype_conflict(child, parent)
            if conflict is not None:
                text = f"Keys of relation {relation} cannot be equal: {conflict}."
                self._report(
                    ValidationSeverity.WARNING,
                    text,
                    relation,
                    relation.child_table,
                    relation.child_cols,
                    "FK_DTYPE_MISMATCH",
                )

    def _report(
        self,
        severity: ValidationSeverity,
        text: str,
        relation: Relation,
        table: str,
        columns: Iterable[str],
        code: str,
        count: int = 1,
    ) -> None:
        column = ",".join(columns)
        message = ValidationMessage(
            severity, text, table, column, code=str(code), key=str(relation), count=count
        )
        self.messages.append(message)
        self._logger.warning(str(message))


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

    _unnamed = "Cascade snapshot transformer"

    def __init__(
        self,
        schemas: Schemas | None = None,
        extra_relations: Sequence[Relation] | None = None,
        logger: NameOrLogger = None,
        name: NameOrLogger = None,
    ) -> None:
        super().__init__(logger, name)
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
