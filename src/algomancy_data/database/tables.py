"""The data tables: create, fill, copy, read and drop them inside a transaction of the caller's."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl
import sqlalchemy as sa

from algomancy_data.database.codec import ForeignValueError
from algomancy_data.database.layout import TableLayout
from algomancy_data.database.naming import (
    TableOwner,
    ascii_table_name,
    hashed_table_name,
    table_name,
)
from algomancy_data.database.reading import PartReader, Readers
from algomancy_data.database.table_keys import KeysInSQL
from algomancy_data.database.table_storage import quoted, table_named
from algomancy_data.database.table_sums import (
    TableComparison,
    TableSums,
    texts_to_sum,
    values_to_sum,
)
from algomancy_data.errors import SchemaDriftError, StoreError
from algomancy_data.frames.arrow import check_values
from algomancy_data.frames.mapped import in_memory
from algomancy_data.metrics import NO_PHASE

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence

    from algomancy_data.database.layout import ColumnLayout
    from algomancy_data.database.table_keys import TableKey
    from algomancy_data.database.table_storage import TableStorage
    from algomancy_data.frames.mapped import Gather
    from algomancy_data.metrics import Phase


class TablePlace(NamedTuple):
    """Where a table goes that has keys, or that others refer to.

    Args:
        keys: Its keys.
        dataset: How the tables of the dataset lie in the database, by their logical names: those
            that the table refers to are among them.
        physical: Its name in the database, which nothing has; None for one that is free.
    """

    keys: tuple[TableKey, ...] = ()
    dataset: Mapping[str, TableLayout] = MappingProxyType({})
    physical: str | None = None


class PreparedTable:
    """A frame that is ready to be written: whatever it holds can be kept exactly.

    Args:
        storage: How the database keeps frames.
        name: Logical name of the table.
        frame: Its data.

    Raises:
        UnstorableError: The database cannot keep a column, or so many, exactly.
    """

    def __init__(self, storage: TableStorage, name: str, frame: pl.DataFrame) -> None:
        self.name = name
        check_values(frame, name)
        self.columns: tuple[ColumnLayout, ...] = storage.codec.plan(frame, name)
        self.frame = frame
        self._storage = storage

    def write(
        self,
        connection: sa.Connection,
        session: str,
        dataset: str,
        phase: Phase,
        place: TablePlace | None = None,
    ) -> TableLayout:
        """Create the table and fill it; return how it lies in the database.

        The rows go in on the connection's own transaction, in order. Keys that can be made when
        there are rows are not made yet.
        """
        owner = TableOwner(session, dataset, self.name)
        layout, table = create_table(connection, self._storage, owner, self.columns, place)
        sums = TableSums(len(self.columns))
        write_rows(connection, self._storage, table, self.frame, self.columns, sums, phase)
        return replace(layout, height=self.frame.height, sums=sums.to_texts())


def create_table(
    connection: sa.Connection,
    storage: TableStorage,
    owner: TableOwner,
    columns: tuple[ColumnLayout, ...],
    place: TablePlace | None = None,
) -> tuple[TableLayout, sa.TableClause]:
    """Create a table; return how it lies in the database, without rows, and the table."""
    place = place or TablePlace()
    physical = place.physical or _free_name(connection, storage, *owner)
    layout = TableLayout(owner.table, physical, 0, columns, keys=place.keys)
    keys = _keys_in_sql(layout, place.dataset)
    declared = storage.columns_of(layout)
    storage.create(connection, physical, declared, owner, keys)
    return layout, storage.target(physical, declared)


def _keys_in_sql(layout: TableLayout, dataset: Mapping[str, TableLayout]) -> KeysInSQL | None:
    """Return the keys of a table that is new in a dataset; None if it has none."""
    return KeysInSQL(layout, {**dataset, layout.name: layout}) if layout.keys else None


def write_rows(
    connection: sa.Connection,
    storage: TableStorage,
    table: sa.TableClause,
    frame: pl.DataFrame,
    columns: Sequence[ColumnLayout],
    sums: TableSums,
    phase: Phase,
) -> None:
    """Write rows behind those that a table has, in order, and add them to its check sums."""
    if columns and frame.height:
        batches = frame.iter_slices(storage.rows_per_write(frame))
        encode = RowEncoder(storage, columns, sums)
        write_batches(connection, storage, table, batches, encode, phase.advance)
    else:
        phase.advance(frame.height)


class RowEncoder:
    """Makes of rows what goes into a table, and adds them to its check sums.

    Args:
        storage: How the database keeps frames.
        columns: How the columns lie in the table.
        sums: The check sums.
    """

    def __init__(
        self, storage: TableStorage, columns: Sequence[ColumnLayout], sums: TableSums
    ) -> None:
        self._storage = storage
        self._columns = columns
        self._sums = sums

    def __call__(self, rows: pl.DataFrame) -> list[Any]:
        """Return the next rows as the database takes them."""
        stored = self._storage.codec.encode(rows, self._columns)
        # Once for the sums and the driver. Some drivers crash when they bind Arrow's views.
        table = stored.to_arrow(compat_level=pl.CompatLevel.oldest()).combine_chunks()
        values = values_to_sum(rows, stored, self._columns)
        del stored  # the rows are in memory often enough
        self._sums.add(values, texts_to_sum(table, self._columns))
        return self._storage.bulk.arranged(table)


def write_batches(
    connection: sa.Connection,
    storage: TableStorage,
    table: sa.TableClause,
    batches: Iterable[pl.DataFrame],
    encode: Callable[[pl.DataFrame], list[Any]],
    advance: Callable[[int], object],
) -> None:
    """Write rows behind those that a table has, in order.

    Args:
        connection: A connection in a transaction.
        storage: How the database keeps frames.
        table: The table.
        batches: The rows, so many at a time as the database takes; at least one.
        encode: Makes of them what goes into the table, in another thread.
        advance: Told how many are written.
    """
    with closing(_encoded_ahead(batches, encode, advance)) as parts:
        storage.bulk.ingest(connection, table, parts)


def copy_table(
    connection: sa.Connection,
    storage: TableStorage,
    source: TableLayout,
    owner: TableOwner,
    dataset: str,
    copied: Mapping[str, TableLayout],
) -> TableLayout:
    """Copy a table inside the database, in order; return how the copy lies there.

    Keys that can be made when there are rows are not made yet.

    Args:
        connection: A connection in a transaction.
        storage: How the database keeps frames.
        source: How the table lies in the database.
        owner: What the table holds.
        dataset: Of which dataset of the same session the copy is.
        copied: Tables of the copy by their logical names: those that it refers to are among them.

    Raises:
        SchemaDriftError: The source is gone or another one, or somebody changed its columns.
    """
    # In the order in which somebody may have made the source again: SQLite copies by place.
    found = check_drift(connection, storage, source, owner)
    session = owner.session
    physical = _free_name(connection, storage, session, dataset, source.name)
    layout = replace(source, physical=physical, children=())
    originals = [table_named(relation, found) for relation in source.relations]
    own = TableOwner(session, dataset, source.name)
    storage.copy(connection, originals, physical, found, own, _keys_in_sql(layout, copied))
    return layout


def read_batches(
    connection: sa.Connection,
    storage: TableStorage,
    layout: TableLayout,
    owner: TableOwner,
    *,
    columns: Sequence[ColumnLayout] | None = None,
    predicate: pl.Expr | None = None,
    head: int | None = None,
    readers: Readers | None = None,
    verify: bool = False,
) -> Generator[pl.DataFrame]:
    """Yield the rows of a table in the order in which they were written, some at a time.

    Args:
        connection: A connection in a transaction.
        storage: How the database keeps frames.
        layout: How the table lies in the database.
        owner: What the table holds.
        columns: The columns to read; None for all.
        predicate: A Polars expression of these columns that is true for the rows to yield, and
            looks at each row by itself; None for all.
        head: Only the first so many rows are looked at; None for all.
        readers: Further connections to read a large table with.
        verify: Whether to compare the check sums of the columns, unless ``head`` is given.

    Raises:
        SchemaDriftError: The table is gone or another one, or somebody changed its columns, their
            types, or a value to one that its column cannot have.
        DamagedStoreError: It has other rows or values than were written; if ``verify`` is set,
            when all rows have been read.
    """
    check_drift(connection, storage, layout, owner)
    needed = layout.columns if columns is None else columns
    if not needed:
        yield pl.DataFrame(height=layout.height if head is None else min(head, layout.height))
        return
    compares = verify and head is None and layout.sums is not None
    is_pushed = head is None and not compares
    reader = PartReader(storage, layout, needed, predicate if is_pushed else None)

    def read_part(
        own: sa.Connection, places: range, most: int | None = None
    ) -> tuple[pl.DataFrame, pl.DataFrame | None]:
        frame, stored = reader.read(own, places, most)
        values = values_to_sum(frame, stored, needed) if compares else None
        return frame if predicate is None else frame.filter(predicate), values

    whole = None
    is_small = layout.height < min(Readers.fewest_rows, reader.most_rows)
    if storage.anywhere is not None and is_small and head is None and predicate is None:
        # One row more than there should be tells that somebody added rows, and where is asked.
        whole = read_part(connection, storage.anywhere, layout.height + 1)
        whole = whole if whole[0].height == layout.height else None
    extents = storage.extents(connection, layout) if whole is None else []
    if head is not None:
        yield from _first_rows(reader, connection, extents, head, predicate)
        return
    if whole is not None:
        read = (one for one in [whole])
    elif readers is None or layout.height < readers.fewest_rows:
        read = (read_part(connection, part) for part in reader.parts(extents))
    else:
        share = -(-layout.height // readers.connections)
        read = readers.read(connection, read_part, reader.parts(extents, share))
    comparison = TableComparison(layout, needed) if compares else None
    seen = 0
    with closing(read):
        for frame, values in read:
            seen += frame.height
            if comparison is not None and values is not None:
                comparison.add(values)
            yield frame
    for problem in [] if comparison is None else comparison.problems():
        raise reader.damage(problem)
    if verify and predicate is None and seen != layout.height:
        raise reader.damage(f"it has {seen:,} rows instead of {layout.height:,}")


def _first_rows(
    reader: PartReader,
    connection: sa.Connection,
    extents: Sequence[range],
    head: int,
    predicate: pl.Expr | None,
) -> Generator[pl.DataFrame]:
    """Yield the first rows of a table, those of them that a predicate takes."""
    parts = extents if head <= reader.most_rows else reader.parts(extents)
    for part in parts:
        frame, _ = reader.read(connection, part, head)
        head -= frame.height
        yield frame if predicate is None else frame.filter(predicate)
        if head <= 0:
            return


def read_table(
    connection: sa.Connection,
    storage: TableStorage,
    layout: TableLayout,
    owner: TableOwner,
    readers: Readers | None = None,
    phase: Phase = NO_PHASE,
    gather: Gather = in_memory,
    *,
    verify: bool = False,
) -> pl.DataFrame:
    """Return the frame that lies in a table: see :func:`read_batches`."""
    rows = read_batches(connection, storage, layout, owner, readers=readers, verify=verify)

    def told() -> Iterator[pl.DataFrame]:
        for batch in rows:
            phase.advance(batch.height)
            yield batch

    return gather(told())


def value_problems(
    connection: sa.Connection, storage: TableStorage, layout: TableLayout
) -> Generator[str]:
    """Read a table, and yield what is wrong with each column that is not as it was written.

    No more than a part of the rows is in memory at a time. A column with a value that cannot be
    read is left out, and the others are read again.
    """
    columns = list(layout.columns) if layout.height else []
    extents = storage.extents(connection, layout)
    while columns:
        reader = PartReader(storage, layout, columns)
        comparison = None if layout.sums is None else TableComparison(layout, columns)
        try:
            for part in reader.parts(extents):
                frame, stored = reader.read(connection, part)
                if comparison is not None:
                    comparison.add(values_to_sum(frame, stored, columns))
        except ForeignValueError as error:
            yield error.problem
            columns.remove(error.column)
            continue
        if comparison is not None:
            yield from comparison.problems()
        return


def count_rows(connection: sa.Connection, storage: TableStorage, layout: TableLayout) -> int:
    """Return the number of rows that a table has now."""
    table = storage.table_of(layout)
    return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def drop_table(connection: sa.Connection, physical: str, children: Iterable[str] = ()) -> None:
    """Drop a table with its children, unless it is gone."""
    for name in (*children, physical):
        table = sa.Table(quoted(name), sa.MetaData())
        connection.execute(sa.schema.DropTable(table, if_exists=True))


def check_drift(
    connection: sa.Connection, storage: TableStorage, layout: TableLayout, owner: TableOwner
) -> dict[str, str]:
    """Make sure that a table is the one that was created, and has the columns that were.

    Returns:
        The columns with their types, in the order in which they lie in the table.

    Raises:
        SchemaDriftError: It is gone or another one, or has other columns.
    """
    expected = storage.columns_of(layout)
    if storage.is_as_created(connection, layout, owner):
        return expected
    children = {child.physical for child in layout.children}
    found, said, inheriting = storage.look_at(connection, layout.physical)
    is_owned = owner.owns(layout.physical, said)
    # In whatever order: columns are read by name.
    if found == expected and is_owned and children == set(inheriting):
        return found
    if not found:
        what = "is gone"
    elif not is_owned:
        what = "is another one: it does not say that it holds that"
    else:
        differences = [
            *(f"column {name!r} is missing" for name in expected.keys() - found.keys()),
            *(f"column {name!r} was added" for name in found.keys() - expected.keys()),
            *(
                f"column {name!r} is {found[name] or 'untyped'} instead of {expected[name]}"
                for name in expected.keys() & found.keys()
                if found[name] != expected[name]
            ),
            *(f"table {name!r} with some of its rows is gone" for name in children - {*inheriting}),
            *(f"table {name!r} inherits from it" for name in set(inheriting) - children),
        ]
        what = "was altered: " + "; ".join(sorted(differences))
    change = f"Table {layout.physical!r}, which holds {layout.name!r}, {what}"
    raise SchemaDriftError.from_change(change)


def _encoded_ahead(
    batches: Iterable[pl.DataFrame],
    encode: Callable[[pl.DataFrame], list[Any]],
    advance: Callable[[int], object],
) -> Generator[Any]:
    """Yield the rows as they go into the table; the next ones are made while some are written."""
    coming = iter(batches)
    rows, following = next(coming), next(coming, None)
    if following is None:
        yield from encode(rows)
        advance(rows.height)  # whoever asks for more has written these
        return
    with ThreadPoolExecutor(1, "algomancy-data-encoder") as pool:
        encoded, height = pool.submit(encode, rows), rows.height
        while following is not None:
            ready = encoded.result()
            encoded = pool.submit(encode, following)
            yield from ready
            del ready
            advance(height)
            height = following.height
            following = next(coming, None)
        yield from encoded.result()
        advance(height)


def free_names(
    connection: sa.Connection,
    storage: TableStorage,
    session: str,
    wanted: Mapping[str, Iterable[str]],
) -> dict[str, dict[str, str]]:
    """Return the names that tables of several datasets get where nothing has them; by one query.

    Args:
        connection: A connection in a transaction.
        storage: How the database keeps frames.
        session: The session.
        wanted: The logical names of each dataset's tables.
    """
    limit = connection.dialect.max_identifier_length
    names = {
        dataset: {table: table_name(session, dataset, table, limit) for table in tables}
        for dataset, tables in wanted.items()
    }
    every = [name for of_dataset in names.values() for name in of_dataset.values()]
    alike = Counter(map(str.casefold, every))  # of which one may take the name of another
    taken = storage.taken(connection, every) if every else set[str]()
    return {
        dataset: {
            table: name
            for table, name in of_dataset.items()
            if name.isascii() and alike[name.casefold()] == 1 and name not in taken
        }
        for dataset, of_dataset in names.items()
    }


def _free_name(
    connection: sa.Connection, storage: TableStorage, session: str, dataset: str, table: str
) -> str:
    """Return the table's name, or the one with a hash if case makes the plain one taken."""
    limit = connection.dialect.max_identifier_length
    for naming in (table_name, hashed_table_name, ascii_table_name):
        name = naming(session, dataset, table, limit)
        if storage.can_name(connection, name) and not storage.taken(connection, [name]):
            return name
    msg = (
        f"The database already has a table for {table!r} of dataset {dataset!r} that the "
        f"catalogue does not know, and it is not overwritten. Rename or drop it."
    )
    raise StoreError(msg)
