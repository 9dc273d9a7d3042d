"""A data table that rows are added to or deleted from, in the caller's transaction.

Where a database keeps rows in order when others are appended, only the new rows are written: their
keys are looked up in an index, and the check sums of new blocks are joined to the old ones. In all
other cases, such as a new column, the table is read and rewritten.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from algomancy_data.database.block_sums import BLOCK_ROWS
from algomancy_data.database.key_plan import can_equal
from algomancy_data.database.naming import DatasetOwner
from algomancy_data.database.reading import PartReader, Selection
from algomancy_data.database.table_keys import KeysInSQL
from algomancy_data.database.table_sums import (
    TableComparison,
    TableSums,
    layout_from,
    sums_before,
    values_to_sum,
)
from algomancy_data.database.tables import (
    PreparedTable,
    RowEncoder,
    StoredTable,
    TablePlace,
    check_drift,
    drop_table,
    read_batches,
    read_table,
    write_rows,
)
from algomancy_data.frames.arrow import check_values
from algomancy_data.frames.lazy import gathered
from algomancy_data.metrics import NO_PHASE
from algomancy_data.relations.keys import complete_rows, everywhere
from algomancy_data.store.addition import (
    aligned,
    key_of,
    known_rows,
    refuse_known,
    refuse_shared,
    with_more,
)
from algomancy_data.store.deletion import columns_of, taken_rows, without

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import sqlalchemy as sa

    from algomancy_data.database.layout import ColumnLayout, TableLayout
    from algomancy_data.database.naming import TableOwner
    from algomancy_data.database.row_access import RowAccess
    from algomancy_data.database.table_keys import TableKey
    from algomancy_data.database.table_storage import TableStorage
    from algomancy_data.metrics import Phase
    from algomancy_data.store.addition import Addition


class GrowingTable:
    """A data table that changes in the course of a transaction.

    Args:
        connection: A connection in a transaction.
        storage: How the database keeps frames.
        layout: Layout of the table.
        owner: What it holds.
        dataset: Layouts of all tables of its dataset, by logical name.

    Attributes:
        layout: The present layout of the table.

    Raises:
        SchemaDriftError: The table is gone or another one, or its columns were changed.
    """

    def __init__(
        self,
        connection: sa.Connection,
        storage: TableStorage,
        layout: TableLayout,
        owner: TableOwner,
        dataset: Mapping[str, TableLayout],
    ) -> None:
        self._connection = connection
        self._storage = storage
        self._owner = owner
        self._dataset = dataset
        self._access = storage.row_access
        self.layout = layout
        check_drift(connection, self._table)
        storage.help_reading(connection)

    @property
    def _table(self) -> StoredTable:
        return StoredTable(self._storage, self.layout, self._owner)

    def known(self, key: Sequence[str], keys: pl.DataFrame) -> pl.Series:
        """Return which of some keys the table has (Boolean), never an incomplete one.

        Args:
            key: The columns of the key.
            keys: The keys, in as many columns.

        Raises:
            SchemaDriftError: A value was changed to one that its column cannot have.
        """
        columns = self._columns(key)
        if self._access is not None and self._is_indexed(self._access, columns):
            found = self._find(self._access, columns, keys)
            if found is not None:
                return everywhere(keys.height, value=False).scatter(found["key"], values=True)
        batches = read_batches(self._connection, self._table, Selection(columns))
        return known_rows((key_of(batch, key) for batch in batches), keys)

    def index(self, key: Sequence[str]) -> None:
        """Index a key, where the database can look it up without reading the table.

        Args:
            key: The columns of the key; nothing is done if the table lacks one.
        """
        if not {column.name for column in self.layout.columns}.issuperset(key):
            return
        columns = self._columns(key)
        if self._access is not None and all(map(self._access.is_comparable, columns)):
            self._access.index(self._connection, self.layout, columns)

    def add(self, frame: pl.DataFrame, addition: Addition, phase: Phase) -> int:
        """Append rows; return how many they replaced.

        Args:
            frame: The rows.
            addition: How they are added.
            phase: Told of the progress.

        Raises:
            AdditionError: The rows do not fit, or have a key that is stored.
            UnstorableError: The database cannot keep a column exactly.
            DamagedStoreError: What has to be read is not what was written.
        """
        check_values(frame, self.layout.name)
        schema = {column.name: column.dtype for column in self.layout.columns}
        frame = aligned(frame, schema, self.layout.name)
        if self._access is None or not self._takes(self._access, frame):
            return self._write_anew(frame, addition, phase)
        keys = addition.keys.of_table(self.layout.name, schema)
        upserted_by = addition.key_of_upsert(self.layout.name, frame)
        for key in keys:
            self.index(key)
        replaced = 0
        if upserted_by is not None:
            given = key_of(frame, upserted_by)
            places = self._places_of(self._access, upserted_by, given)
            replaced = len(places)
            if replaced > 1:
                taking = given.filter(self.known(upserted_by, given))
                if replaced > taking.height:
                    self._refuse_shared(upserted_by, taking)
            self._remove(self._access, places)
        for key in keys:
            if key != upserted_by:
                known = self.known(key, key_of(frame, key))
                refuse_known(self.layout.name, frame, key, known)
        self._extend(self._access, frame, phase)
        return replaced

    def delete(self, predicate: pl.Expr, phase: Phase) -> int:
        """Delete the rows that match a predicate; return their number.

        Args:
            predicate: True for these rows.
            phase: Told of the progress.

        Raises:
            ColumnNotFoundError: The table has no column of a name in the predicate.
            DamagedStoreError: What has to be read is not what was written.
        """
        name = self.layout.name
        schema = {column.name: column.dtype for column in self.layout.columns}
        columns = columns_of(predicate, schema, name)
        if self._access is None or not columns or self.layout.sums is None:
            stored = self._stored()
            gone = taken_rows(stored, predicate)
            count = int(gone.sum())
            if count:
                self._replace(without(stored, gone), phase, self.layout.keys)
            return count
        looks_at_each = predicate.meta.is_row_separable()
        pushed = predicate if looks_at_each else None
        reader = PartReader(self._storage, self.layout, self._columns(columns), pushed)
        frames: list[pl.DataFrame] = []
        places: list[pl.Series] = []
        for part in reader.parts(self._storage.extents(self._connection, self.layout)):
            frame, _ = reader.read(self._connection, part)
            table, condition = reader.relation(part)
            here = self._access.places(self._connection, table, part, condition)
            if looks_at_each:
                here = here.filter(taken_rows(frame, predicate))
            else:
                frames.append(frame)
            places.append(here)
        gone = pl.concat(places)
        if not looks_at_each:
            gone = gone.filter(taken_rows(pl.concat(frames), predicate))
        self._remove(self._access, gone)
        return len(gone)

    def change_keys(self, keys: tuple[TableKey, ...]) -> None:
        """Rewrite the table with other keys.

        Raises:
            DamagedStoreError: It is not what was written.
        """
        stored = self._stored()
        self._replace(stored, NO_PHASE, keys)

    def _takes(self, access: RowAccess, frame: pl.DataFrame) -> bool:
        """Tell whether the present columns can hold these rows."""
        if not self.layout.columns or self.layout.sums is None:
            return False
        if self.layout.has_constraints and not access.keeps_constraints:
            return False
        planned = self._storage.codec.plan(frame, self.layout.name)
        return len(planned) == len(self.layout.columns) and all(
            more.storage == have.storage
            and have.sql_type in {more.sql_type, ""}
            and (more.mask is None or have.mask is not None)
            for more, have in zip(planned, self.layout.columns, strict=True)
        )

    def _write_anew(self, frame: pl.DataFrame, addition: Addition, phase: Phase) -> int:
        name = self.layout.name
        stored = self._stored()
        most = self._storage.in_memory_bytes
        together, replaced = with_more(stored, frame, name, addition, most)
        self._replace(together, phase, self.layout.keys)
        return replaced

    def _stored(self) -> pl.DataFrame:
        """Return the whole table, mapped from a scratch file if it is large.

        Raises:
            DamagedStoreError: It is not what was written.
            ScratchError: There is no room for the file.
        """
        return read_table(
            self._connection,
            self._table,
            gather=partial(gathered, in_memory_bytes=self._storage.in_memory_bytes),
            verify=True,
        )

    def _replace(self, frame: pl.DataFrame, phase: Phase, keys: tuple[TableKey, ...]) -> None:
        """Rewrite the table; foreign key constraints on it have to be added again."""
        connection, storage, layout = self._connection, self._storage, self.layout
        prepared = PreparedTable(storage, layout.name, frame)
        children = storage.children(connection, layout.physical)
        if layout.has_constraints:
            storage.drop_references(connection, [layout.physical])
        drop_table(connection, layout.physical, children)
        dataset = DatasetOwner(self._owner.session, self._owner.dataset)
        if not any(one.keys for one in self._dataset.values()):
            self.layout = prepared.write(connection, dataset, phase)
            return
        place = TablePlace(keys, self._dataset, layout.physical)  # by which others refer to it
        self.layout = prepared.write(connection, dataset, phase, place)
        in_sql = KeysInSQL(self.layout, {**self._dataset, layout.name: self.layout})
        storage.add_keys(connection, in_sql)

    def _extend(self, access: RowAccess, frame: pl.DataFrame, phase: Phase) -> None:
        """Append rows, continuing the last block."""
        layout = self.layout
        block, rest = divmod(layout.height, BLOCK_ROWS)
        sums = TableSums(len(layout.columns), sums_before(layout, block))
        if rest:
            begun = layout_from(layout, block)
            comparison = TableComparison(begun, layout.columns)
            reader = PartReader(self._storage, layout, layout.columns)
            last = access.last(self._connection, layout, rest)
            for part in reader.parts(last, height=rest):
                values = values_to_sum(*reader.read(self._connection, part), layout.columns)
                comparison.add(values)
                sums.add(values, {})
            _refuse_damage(reader, comparison)
        table, grown = access.room(self._connection, layout, self._owner, frame.height)
        encoder = RowEncoder(self._storage, layout.columns, sums)
        write_rows(self._connection, table, frame, encoder, phase)
        self.layout = replace(grown, height=layout.height + frame.height, sums=sums.to_texts())

    def _remove(self, access: RowAccess, places: pl.Series) -> None:
        """Remove the rows at some places, and recompute the check sums from the first one on."""
        if not len(places):
            return
        layout = self.layout
        before = access.rows_before(self._connection, layout, places[0])
        block = before // BLOCK_ROWS
        begun = layout_from(layout, block)
        sums = TableSums(len(layout.columns), sums_before(layout, block))
        comparison = TableComparison(begun, layout.columns)
        reader = PartReader(self._storage, layout, layout.columns)
        last = access.last(self._connection, layout, begun.height)
        for part in reader.parts(last, height=begun.height):
            values = values_to_sum(*reader.read(self._connection, part), layout.columns)
            comparison.add(values)
            here = access.places(self._connection, reader.relation(part)[0], part)
            sums.add(values.filter(~here.is_in(places.implode())), {})
        _refuse_damage(reader, comparison)
        left = access.remove(self._connection, layout, places)
        self.layout = replace(left, height=layout.height - len(places), sums=sums.to_texts())

    # --- keys -------------------------------------------------------------------------------

    def _columns(self, key: Sequence[str]) -> list[ColumnLayout]:
        columns = {column.name: column for column in self.layout.columns}
        return [columns[name] for name in key]

    def _is_indexed(self, access: RowAccess, columns: Sequence[ColumnLayout]) -> bool:
        """Tell whether an index of some columns finds the same rows as Polars would."""
        return all(map(access.is_comparable, columns)) and access.has_index(
            self._connection, self.layout, columns
        )

    def _places_of(self, access: RowAccess, key: Sequence[str], keys: pl.DataFrame) -> pl.Series:
        """Return the places of the rows with one of some keys, in order."""
        columns = self._columns(key)
        is_indexed = self._is_indexed(access, columns)
        found = self._find(access, columns, keys) if is_indexed else None
        if found is not None:
            return found["place"].unique().sort()
        reader = PartReader(self._storage, self.layout, columns)
        places: list[pl.Series] = []
        for part in reader.parts(self._storage.extents(self._connection, self.layout)):
            stored, _ = reader.read(self._connection, part)
            here = access.places(self._connection, reader.relation(part)[0], part)
            places.append(here.filter(known_rows([keys], key_of(stored, key))))
        return pl.concat(places)

    def _refuse_shared(self, key: Sequence[str], taking: pl.DataFrame) -> None:
        """Refuse to replace several rows that share a key by one."""
        batches = read_batches(self._connection, self._table, Selection(self._columns(key)))
        stored = pl.concat(
            batch.filter(known_rows([taking], batch)) for batch in (key_of(b, key) for b in batches)
        )
        refuse_shared(self.layout.name, tuple(key), stored)

    def _find(
        self, access: RowAccess, columns: Sequence[ColumnLayout], keys: pl.DataFrame
    ) -> pl.DataFrame | None:
        """Return where the rows with some keys are; None if SQL cannot tell."""
        pairs = list(zip(keys, columns, strict=True))
        if not all(can_equal(values.dtype, column.dtype) for values, column in pairs):
            return None
        asked = pl.DataFrame(
            [  # null if the column cannot have the value
                values.cast(column.dtype, strict=False).alias(column.name)
                for values, column in pairs
            ]
        )
        complete = complete_rows(asked)
        numbers = pl.int_range(keys.height, dtype=pl.Int64(), eager=True)
        if complete is not None:
            asked, numbers = asked.filter(complete), numbers.filter(complete)
        plain = [replace(column, mask=None) for column in columns]
        encoded = self._storage.codec.encode(asked, plain)
        return access.find(self._connection, self.layout, columns, encoded, numbers)


def _refuse_damage(reader: PartReader, comparison: TableComparison) -> None:
    for problem in comparison.problems():
        raise reader.damage(problem)
