"""The datasets of a session: written, read, copied and dropped in the caller's transactions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from algomancy_data.database.backend import backend_for
from algomancy_data.database.catalogue import Catalogue, Occupant
from algomancy_data.database.engines import store_errors
from algomancy_data.database.entry import Entry
from algomancy_data.database.growing_dataset import GrowingDataset
from algomancy_data.database.key_plan import KeyedRows, SettledKeys, WantedKeys, settled_keys
from algomancy_data.database.keyed_tables import copy_tables, write_tables
from algomancy_data.database.naming import DatasetOwner, TableOwner
from algomancy_data.database.own_tables import OwnTables
from algomancy_data.database.payload import PreparedPayload, read_payload
from algomancy_data.database.protocols import SqlTableLayout, handed_back
from algomancy_data.database.reading import Readers, Selection
from algomancy_data.database.table_sums import sums_together
from algomancy_data.database.tables import (
    PreparedTable,
    StoredTable,
    free_names,
    read_batches,
    read_table,
)
from algomancy_data.errors import (
    AdditionError,
    DatasetChangedError,
    DatasetExistsError,
)
from algomancy_data.frames.tabular import to_frames
from algomancy_data.relations.keys import everywhere
from algomancy_data.store import DatasetInfo, Saved, TableInfo, check_name
from algomancy_data.store.deletion import deletion
from algomancy_data.store.info import kept_provenance

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Mapping, Sequence

    import polars as pl
    import sqlalchemy as sa

    from algomancy_data.database.early import WrittenTable
    from algomancy_data.database.layout import TableLayout
    from algomancy_data.database.table_parts import TableInParts
    from algomancy_data.database.table_storage import TableStorage
    from algomancy_data.datasource import BASEDATASOURCE, BaseDataSource
    from algomancy_data.frames.mapped import Gather
    from algomancy_data.messages import ValidationMessage
    from algomancy_data.metrics import Phase
    from algomancy_data.provenance import Load
    from algomancy_data.store import Addition


@dataclass(frozen=True)
class PreparedDataset:
    """A dataset that is ready to be written: everything in it can be kept exactly.

    Args:
        entry: Its row of the catalogue, but for where the data lies.
        content: Its tables or its payload.
        keys: What the database is told of keys.
    """

    entry: Entry
    content: Sequence[PreparedTable | WrittenTable | TableInParts] | PreparedPayload
    keys: SettledKeys

    @property
    def bytes(self) -> int:
        """Memory that the frames take."""
        return self.entry.info.bytes or 0

    @property
    def frames(self) -> Collection[pl.DataFrame]:
        """Its tables."""
        if isinstance(self.content, PreparedPayload):
            return self.content.frames.values()
        return [table.frame for table in self.content]

    def divisible(self) -> list[PreparedTable]:
        """Return those unwritten tables whose rows may be written as several parts."""
        content = self.content
        # Neither a constraint nor an index looks at the rows of several tables.
        if isinstance(content, PreparedPayload) or self.keys.tables:
            return []
        return [table for table in content if isinstance(table, PreparedTable)]

    def saved(self, entry: Entry) -> Saved:
        """Return what ``Store.save`` returns, once the dataset is written with that entry."""
        return Saved(entry.info.version, entry.info.provenance, notes=tuple(self.keys.notes))


class Datasets:
    """The datasets of one session.

    Args:
        engine: The engine through which everything goes.
        storage: How its database keeps frames.
        session_id: The session.
        verify: Whether to compare the check sums of what is read.
        keys: The keys that the database is told of, if tables are written.
    """

    def __init__(
        self,
        engine: sa.Engine,
        storage: TableStorage,
        session_id: str,
        *,
        verify: bool,
        keys: WantedKeys | None = None,
    ) -> None:
        self._engine = engine
        self._storage = storage
        self._session_id = session_id
        self._verify = verify
        self._wanted = keys or WantedKeys()
        self.catalogue = Catalogue(session_id, backend_for(engine))
        self.own = OwnTables(storage, self.catalogue, session_id)

    def prepare(
        self,
        name: str,
        data: BaseDataSource,
        phase: Phase,
        written: Mapping[str, WrittenTable] = MappingProxyType({}),
    ) -> PreparedDataset:
        """Prepare a dataset for writing, without a connection.

        Args:
            name: Its name.
            data: The DataSource.
            phase: Told of the frames.
            written: Those of its tables that are written already.

        Raises:
            UnstorableError: It holds something that cannot be kept exactly.
            DatasetNameError: No table can have a name that one of its tables has.
        """
        content = (
            self._prepared_tables(data, written)
            if isinstance(data, SqlTableLayout)
            else PreparedPayload(name, data)
        )
        frames = (
            content.frames
            if isinstance(content, PreparedPayload)
            else {table.name: table.frame for table in content}
        )
        if frames or not isinstance(content, PreparedPayload):  # the rows of a text are unknown
            phase.handles(frames.values())
        provenance = kept_provenance(data, frames, phase.sizes)
        tables = {
            table: TableInfo(size.rows, size.bytes, frames[table].schema)
            for table, size in provenance.tables.items()
        }
        info = DatasetInfo.of(name, data, tables, uuid4().hex)
        keys = SettledKeys({}, [])
        if self._wanted.tables and not isinstance(content, PreparedPayload):
            keys = settled_keys(self._storage, {one.name: self._keyed(one) for one in content})
        return PreparedDataset(Entry(replace(info, provenance=provenance)), content, keys)

    def prepare_all(
        self, datasets: Mapping[str, BaseDataSource], phase: Phase
    ) -> list[PreparedDataset]:
        """Prepare several datasets; see :meth:`prepare`."""
        prepared = [self.prepare(name, data, phase) for name, data in datasets.items()]
        contents = (one.content for one in prepared if not isinstance(one.content, PreparedPayload))
        small = [
            table
            for table in chain.from_iterable(contents)
            if isinstance(table, PreparedTable) and table.can_be_summed
        ]
        for table, sums in zip(small, sums_together([one.frame for one in small]), strict=True):
            table.sums = sums
        return prepared

    def _keyed(self, table: PreparedTable | WrittenTable) -> KeyedRows:
        return KeyedRows(self._wanted.of_table(table.name), table.columns, table.frame)

    def write(
        self,
        connection: sa.Connection,
        prepared: PreparedDataset,
        phase: Phase,
        occupant: Occupant | None = None,
    ) -> Entry:
        """Write a dataset, replacing one of the same name; return its entry.

        Args:
            connection: A connection in a transaction.
            prepared: The dataset.
            phase: Told of the rows.
            occupant: What had its name, if already dropped.
        """
        written = self._write_content(connection, prepared, phase, occupant)
        self.catalogue.save(connection, [written])
        return written[0]

    def _write_content(
        self,
        connection: sa.Connection,
        prepared: PreparedDataset,
        phase: Phase,
        occupant: Occupant | None = None,
        names: Mapping[str, str] = MappingProxyType({}),
    ) -> tuple[Entry, Occupant]:
        """Write a dataset's tables or payload; return its entry, and what had its name before.

        Args:
            connection: A connection in a transaction.
            prepared: The dataset.
            phase: Told of the rows.
            occupant: What had its name, if that is dropped already.
            names: Names in the database that its tables can have, as far as they are known.
        """
        entry, content = prepared.entry, prepared.content
        info = entry.info
        occupant = occupant or self.own.drop(connection, info.name)
        if isinstance(content, PreparedPayload):
            stored = content.write(connection, self._session_id, info.version, phase)
            entry = replace(entry, payload=stored.payload, payload_layout=stored.payload_layout)
        else:
            tables = {table.name: table for table in content}
            owner, keys = self._owner(entry), prepared.keys.tables
            layouts = write_tables(
                connection, self._storage, owner, tables, keys, phase, names=names
            )
            entry = replace(entry, tables=tuple(layouts.values()))
        return entry, occupant

    def write_all(
        self, connection: sa.Connection, prepared: Iterable[PreparedDataset], phase: Phase
    ) -> list[Entry]:
        """Write several datasets; see :meth:`write`."""
        datasets = {one.entry.info.name: one for one in prepared}
        new = self.catalogue.free(connection, list(datasets))
        # Of all: one that is replaced may take a name that differs from a new one's in case alone.
        wanted = {
            name: [table.name for table in one.content]
            for name, one in datasets.items()
            if not isinstance(one.content, PreparedPayload)
        }
        names = free_names(connection, self._storage, self._session_id, wanted)
        written = [
            self._write_content(connection, one, phase, new.get(name), names.get(name, {}))
            for name, one in datasets.items()
        ]
        self.catalogue.save(connection, written)
        return [entry for entry, _ in written]

    def require_references(
        self, connection: sa.Connection, entry: Entry | None, addition: Addition
    ) -> None:
        """Make sure that the rows that an addition refers to are still there.

        Raises:
            AdditionError: It was deleted or replaced since the rows were checked.
        """

        def known(table: str, key: Sequence[str], keys: pl.DataFrame) -> pl.Series:
            if entry is None or table not in {one.name for one in entry.tables or ()}:
                return everywhere(keys.height, value=False)
            return self.growing(connection, entry).known(table, key, keys)

        addition.require_references(None if entry is None else entry.info, known)

    def add(
        self,
        connection: sa.Connection,
        entry: Entry,
        data: BaseDataSource,
        addition: Addition,
        phase: Phase,
    ) -> tuple[Entry, Load, list[ValidationMessage]]:
        """Add rows to a dataset; return its entry, what was added, and messages about its keys.

        Raises:
            AdditionError: The rows do not fit, have a key that is stored, or are no tables.
        """
        if entry.tables is None or not isinstance(data, SqlTableLayout):
            raise AdditionError.from_payload(entry.info.name)
        frames = self.tables_of(data)
        phase.handles(frames.values())
        growing = self.growing(connection, entry)
        replaced = growing.add(frames, addition, phase)
        load = addition.load({name: frame.height for name, frame in frames.items()}, replaced)
        info = entry.info.grown(frames, load, data.validation_messages, uuid4().hex)
        grown = replace(entry, info=info, tables=growing.tables)
        self.catalogue.save(connection, [(grown, self.catalogue.occupant(connection, info.name))])
        return grown, load, growing.notes

    def delete_rows(
        self, connection: sa.Connection, entry: Entry, table: str, predicate: pl.Expr, phase: Phase
    ) -> int:
        """Delete rows of a table of a dataset; return how many they are.

        Raises:
            TableNotFoundError: The dataset has no such table.
            ColumnNotFoundError: The table has no column of a name in the predicate.
            AdditionError: Rows of other tables refer to them, by a constraint.
        """
        growing = self.growing(connection, entry)
        count = growing.delete(entry.table(table).name, predicate, phase)
        if count:
            info = entry.info.grown({}, deletion(table, count), (), uuid4().hex)
            shrunk = replace(entry, info=info, tables=growing.tables)
            self.catalogue.save(
                connection, [(shrunk, self.catalogue.occupant(connection, info.name))]
            )
        return count

    def growing(self, connection: sa.Connection, entry: Entry) -> GrowingDataset:
        """Return the tables of a dataset, to add rows to or to look keys up in."""
        owner, tables = self._owner(entry), entry.tables or ()
        return GrowingDataset(connection, self._storage, owner, tables, self._wanted)

    def copy(
        self, connection: sa.Connection, source: Entry, name: str, ds_id: str, phase: Phase
    ) -> Entry:
        """Copy a dataset of tables inside the database; return the copy's entry.

        Raises:
            DatasetExistsError: There is a dataset of that name (also an ``AssertionError``).
        """
        occupant = self.catalogue.occupant(connection, name)
        if occupant.is_there:
            raise DatasetExistsError.from_name(name)
        phase.total_rows = source.rows
        owner, tables = self._owner(source), source.tables or ()
        copies = copy_tables(connection, self._storage, owner, tables, name, phase.advance)
        entry = replace(source, info=source.info.derived(name, ds_id, uuid4().hex), tables=copies)
        self.catalogue.save(connection, [(entry, occupant)])
        return entry

    def load(
        self,
        connection: sa.Connection,
        entry: Entry,
        cls: type[BASEDATASOURCE],
        phase: Phase,
        gather: Gather,
    ) -> BASEDATASOURCE:
        """Return the DataSource of an entry, with frames gathered from batches.

        Raises:
            ValueError: This version does not know its type.
            SchemaDriftError: Its tables were changed by hand.
            TypeError: It is kept as tables, and the class takes none.
        """
        info = entry.info
        phase.total_rows = entry.rows
        if entry.tables is None:
            data = read_payload(
                connection,
                self._session_id,
                info.name,
                info.version,
                entry.payload,
                entry.payload_layout,
                cls,
                gather,
                phase,
            )
        else:
            data = info.empty(cls)
            tables = self._read_tables(connection, entry, phase, gather)
            phase.gives(tables.values())
            _fill(data, tables)
        info.tell(data)
        return data

    def read_batches(
        self,
        connection: sa.Connection,
        entry: Entry,
        layout: TableLayout,
        selection: Selection,
    ) -> Generator[pl.DataFrame]:
        """Yield rows of a table of a dataset, see :func:`read_batches`."""
        readers = self._readers(entry) if selection.head is None else None
        table = self._stored(entry, layout)
        return read_batches(connection, table, selection, readers, verify=self._verify)

    def require_same(self, connection: sa.Connection, entry: Entry) -> None:
        """Make sure that a dataset is still the one of an entry.

        Raises:
            DatasetChangedError: It was written or deleted since.
        """
        if self.catalogue.version(connection, entry.info.name) != entry.info.version:
            raise DatasetChangedError.from_name(entry.info.name)

    def _read_tables(
        self, connection: sa.Connection, entry: Entry, phase: Phase, gather: Gather
    ) -> dict[str, pl.DataFrame]:
        readers = self._readers(entry)
        tables: dict[str, pl.DataFrame] = {}
        for layout in entry.tables or ():
            doing = f"reading table {layout.name!r} of dataset {entry.info.name!r}"
            with store_errors(self._engine, doing):
                tables[layout.name] = read_table(
                    connection,
                    self._stored(entry, layout),
                    readers,
                    phase,
                    gather,
                    verify=self._verify,
                )
        return tables

    def _stored(self, entry: Entry, layout: TableLayout) -> StoredTable:
        return StoredTable(self._storage, layout, TableOwner(*self._owner(entry), layout.name))

    def _owner(self, entry: Entry) -> DatasetOwner:
        return DatasetOwner(self._session_id, entry.info.name)

    def _readers(self, entry: Entry) -> Readers | None:
        is_large = any(one.height >= Readers.fewest_rows for one in entry.tables or ())
        engine = self._storage.reader_engine(self._engine) if is_large else None
        if engine is None:
            return None

        def has_same_state(other: sa.Connection) -> bool:
            self._storage.help_reading(other)
            return self.catalogue.version(other, entry.info.name) == entry.info.version

        return Readers(engine, has_same_state)

    def _prepared_tables(
        self, data: SqlTableLayout, written: Mapping[str, WrittenTable]
    ) -> list[PreparedTable | WrittenTable]:
        return [
            written[name] if name in written else PreparedTable(self._storage, name, frame)
            for name, frame in self.tables_of(data).items()
        ]

    @staticmethod
    def tables_of(data: SqlTableLayout) -> dict[str, pl.DataFrame]:
        """Return the tables of a DataSource by name.

        Raises:
            DatasetNameError: No table can have a name that one of them has.
            FrameError: One is no table.
        """
        tables: dict[str, Any] = data.to_sql_tables()
        for name in tables:
            check_name(name, "table")
        return to_frames(tables)


def _fill(data: BaseDataSource, tables: Mapping[str, pl.DataFrame]) -> None:
    if not isinstance(data, SqlTableLayout):
        msg = (
            f"Dataset {data.name!r} is kept as tables, but {type(data).__name__} does not "
            f"implement SqlTableLayout (to_sql_tables and from_sql_tables)."
        )
        raise TypeError(msg)
    data.from_sql_tables(handed_back(type(data), dict(tables)))
