"""A dataset that rows are added to or deleted from, with the keys between its tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from algomancy_data.database.growing_table import GrowingTable
from algomancy_data.database.key_plan import KeyedRows, SettledKeys, settled_keys
from algomancy_data.database.keyed_tables import count_orphans, write_tables
from algomancy_data.database.naming import TableOwner
from algomancy_data.database.table_keys import KeysInSQL, constrained_keys, parents_first
from algomancy_data.database.tables import PreparedTable
from algomancy_data.errors import AdditionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import polars as pl
    import sqlalchemy as sa

    from algomancy_data.database.key_plan import WantedKeys
    from algomancy_data.database.layout import TableLayout
    from algomancy_data.database.naming import DatasetOwner
    from algomancy_data.database.table_keys import TableKey
    from algomancy_data.database.table_storage import TableStorage
    from algomancy_data.messages import ValidationMessage
    from algomancy_data.metrics import Phase
    from algomancy_data.store import Addition


class GrowingDataset:
    """A dataset whose tables change in the course of a transaction.

    Args:
        connection: A connection in a transaction.
        storage: How the database keeps frames.
        owner: The dataset.
        tables: Layouts of its tables.
        wanted: The keys that the database is told of for new tables.

    Attributes:
        notes: Why added rows left keys as mere indexes, or without any.
    """

    def __init__(
        self,
        connection: sa.Connection,
        storage: TableStorage,
        owner: DatasetOwner,
        tables: Iterable[TableLayout],
        wanted: WantedKeys,
    ) -> None:
        self._connection = connection
        self._storage = storage
        self._owner = owner
        self._layouts = {layout.name: layout for layout in tables}
        self._wanted = wanted
        self.notes: list[ValidationMessage] = []

    @property
    def tables(self) -> tuple[TableLayout, ...]:
        """The present layouts of its tables."""
        return tuple(self._layouts.values())

    def table(self, name: str) -> GrowingTable:
        """Return one of its tables.

        Raises:
            SchemaDriftError: The table is gone or another one, or its columns were changed.
        """
        owner = TableOwner(*self._owner, name)
        layouts = self._layouts
        return GrowingTable(self._connection, self._storage, layouts[name], owner, layouts)

    def known(self, table: str, key: Sequence[str], keys: pl.DataFrame) -> pl.Series:
        """Return which of some keys a table has (Boolean), never an incomplete one."""
        return self.table(table).known(key, keys)

    def add(
        self, frames: Mapping[str, pl.DataFrame], addition: Addition, phase: Phase
    ) -> dict[str, int]:
        """Add rows; return how many rows they replaced, by table.

        Args:
            frames: The rows by table; missing tables are created.
            addition: How they are added.
            phase: Told of the progress.

        Raises:
            AdditionError: The rows do not fit, or have a key that is stored.
            UnstorableError: The database cannot keep a column exactly.
            DamagedStoreError: What has to be read is not what was written.
        """
        keys = self._grown_keys(frames)
        addition = addition.with_keys({one.name: constrained_keys(one) for one in self.tables})
        self._defer_references()
        self._loosen(keys.tables)
        replaced: dict[str, int] = {}
        new: dict[str, PreparedTable] = {}
        for name, frame in frames.items():
            if name not in self._layouts:
                addition.key_of_upsert(name, frame)
                new[name] = PreparedTable(self._storage, name, frame)
                continue
            table = self.table(name)
            if count := table.add(frame, addition, phase):
                replaced[name] = count
            self._layouts[name] = table.layout
            for parent, key in addition.keys.parents.get(name, ()):
                if parent in self._layouts:  # for the next time that references to it are checked
                    self.table(parent).index(key)
        if new:
            self._layouts |= write_tables(
                self._connection,
                self._storage,
                self._owner,
                new,
                keys.tables,
                phase,
                self._layouts,
            )
        if addition.mode == "upsert":
            for name in frames:
                self._require_parents(name)
        self._add_references()
        return replaced

    def delete(self, table: str, predicate: pl.Expr, phase: Phase) -> int:
        """Delete the rows of a table that match a predicate; return their number.

        Raises:
            ColumnNotFoundError: The table has no column of a name in the predicate.
            AdditionError: Rows of other tables refer to them, by a constraint.
            DamagedStoreError: What has to be read is not what was written.
        """
        self._defer_references()
        growing = self.table(table)
        count = growing.delete(predicate, phase)
        if count:
            self._layouts[table] = growing.layout
            self._require_parents(table)
            self._add_references()
        return count

    def _grown_keys(self, frames: Mapping[str, pl.DataFrame]) -> SettledKeys:
        """Return the keys that all tables can keep with the added rows."""
        wanted = {name: self._wanted.of_table(name) for name in frames if name not in self._layouts}
        if not any(wanted.values()) and not any(layout.keys for layout in self.tables):
            return SettledKeys({}, [])
        plan = self._storage.codec.plan
        tables = {
            name: KeyedRows(
                layout.keys,
                plan(frames[name], name) if name in frames else layout.columns,
                frames.get(name),
                layout,
            )
            for name, layout in self._layouts.items()
        }
        for name, keys in wanted.items():
            tables[name] = KeyedRows(keys, plan(frames[name], name), frames[name])
        settled = settled_keys(self._storage, tables, self.known)
        self.notes += settled.notes
        return settled

    def _defer_references(self) -> None:
        if any(layout.has_constraints for layout in self.tables):
            self._storage.defer_references(self._connection)

    def _loosen(self, keys: Mapping[str, tuple[TableKey, ...]]) -> None:
        """Rewrite tables that cannot keep their keys, referring tables first."""
        for name in reversed(parents_first({one.name: one.keys for one in self.tables})):
            if keys.get(name, ()) != self._layouts[name].keys:
                table = self.table(name)
                table.change_keys(keys.get(name, ()))
                self._layouts[name] = table.layout

    def _require_parents(self, parent: str) -> None:
        """Make sure that no foreign key constraint on a table is violated.

        Raises:
            AdditionError: Rows of another table refer to missing ones.
        """
        for layout in self.tables:
            for reference in KeysInSQL(layout, self._layouts).references():
                if reference.parent.name == parent:
                    count = count_orphans(self._connection, self._storage, layout, reference)
                    if count:
                        raise AdditionError.from_orphans(parent, layout.name, reference.key, count)

    def _add_references(self) -> None:
        for layout in self.tables:
            if layout.keys:
                self._storage.add_references(self._connection, KeysInSQL(layout, self._layouts))
