"""Data tables: created, filled, copied, read and dropped in the caller's transaction."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import polars as pl
import sqlalchemy as sa

from algomancy_data.database import nested
from algomancy_data.database.codec import ForeignValueError
from algomancy_data.database.layout import TableLayout
from algomancy_data.database.naming import (
    TableOwner,
    ascii_table_name,
    hashed_table_name,
    table_name,
)
from algomancy_data.database.reading import EVERYTHING, PartReader, Readers, Selection
from algomancy_data.database.table_keys import KeysInSQL
from algomancy_data.database.table_storage import NameTakenError, quoted, table_named
from algomancy_data.database.table_sums import (
    MOST_ROWS_TOGETHER,
    TableComparison,
    TableSums,
    texts_to_sum,
    values_to_sum,
)
from algomancy_data.display.words import counted
from algomancy_data.errors import SchemaDriftError, StoreError
from algomancy_data.frames.arrow import check_values
from algomancy_data.frames.mapped import in_memory
from algomancy_data.metrics import NO_PHASE

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence

    from algomancy_data.database.layout import ColumnLayout
    from algomancy_data.database.naming import DatasetOwner
    from algomancy_data.database.table_keys import TableKey
    from algomancy_data.database.table_storage import TableStorage
    from algomancy_data.frames.mapped import Gather
    from algomancy_data.metrics import Phase


_Part = TypeVar("_Part")


class TablePlace(NamedTuple):
    """Where to create a table that has keys, or that others refer to.

    Args:
        keys: Its keys.
        dataset: Layouts of the dataset's tables by logical name, at least of those that the table
            refers to.
        physical: A free name in the database; None to look for one.
    """

    keys: tuple[TableKey, ...] = ()
    dataset: Mapping[str, TableLayout] = MappingProxyType({})
    physical: str | None = None


class StoredTable(NamedTuple):
    """A table in the database.

    Args:
        storage: How the database keeps frames.
        layout: Its layout there.
        owner: What it holds.
    """

    storage: TableStorage
    layout: TableLayout
    owner: TableOwner


class PreparedTable:
    """A frame that is ready to be written: everything in it can be kept exactly.

    Args:
        storage: How the database keeps frames.
        name: Logical name of the table.
        frame: Its data.

    Attributes:
        sums: Its check sums; None to make them while it is written.

    Raises:
        UnstorableError: The database cannot keep a column, or so many, exactly.
    """

    def __init__(self, storage: TableStorage, name: str, frame: pl.DataFrame) -> None:
        self.name = name
        check_values(frame, name)
        self.columns: tuple[ColumnLayout, ...] = storage.codec.plan(frame, name)
        self.frame = frame
        self.sums: tuple[str, ...] | None = None
        self._storage = storage

    @property
    def can_be_summed(self) -> bool:
        """Whether it is small, and its check sums can be made before it is encoded."""
        is_small = 0 < self.frame.height <= MOST_ROWS_TOGETHER
        return is_small and not any(column.storage in nested.WORDS for column in self.columns)

    def write(
        self,
        connection: sa.Connection,
        owner: DatasetOwner,
        phase: Phase,
        place: TablePlace | None = None,
    ) -> TableLayout:
        """Create and fill the table; return its layout.

        The rows are written in order, in the connection's own transaction. Keys that can be added
        to a filled table are not made yet.
        """
        layout, table = create_table(
            connection, self._storage, TableOwner(*owner, self.name), self.columns, place
        )
        sums = TableSums(len(self.columns)) if self.sums is None else None
        write_rows(
            connection, table, self.frame, RowEncoder(self._storage, self.columns, sums), phase
        )
        made = self.sums if sums is None else sums.to_texts()
        return replace(layout, height=self.frame.height, sums=made)


def create_table(
    connection: sa.Connection,
    storage: TableStorage,
    owner: TableOwner,
    columns: tuple[ColumnLayout, ...],
    place: TablePlace | None = None,
) -> tuple[TableLayout, sa.TableClause]:
    """Create a table; return its layout, without rows, and the table."""
    place = place or TablePlace()
    free = _free_names(connection, storage, owner, may_be_taken=storage.create_tells_taken)
    for physical in free if place.physical is None else [place.physical]:
        layout = TableLayout(owner.table, physical, 0, columns, keys=place.keys)
        keys = _keys_in_sql(layout, place.dataset)
        declared = storage.columns_of(layout)
        try:
            storage.create(connection, physical, declared, owner, keys)
        except NameTakenError:
            continue
        return layout, storage.target(physical, declared)
    raise _no_name_free(owner)


def _keys_in_sql(layout: TableLayout, dataset: Mapping[str, TableLayout]) -> KeysInSQL | None:
    """Return the keys of a table that is new in a dataset, or None if it has none."""
    return KeysInSQL(layout, {**dataset, layout.name: layout}) if layout.keys else None


def write_rows(
    connection: sa.Connection,
    table: sa.TableClause,
    frame: pl.DataFrame,
    encoder: RowEncoder,
    phase: Phase,
) -> None:
    """Append rows to a table, in order."""
    if encoder.columns and frame.height:
        storage = encoder.storage
        batches = frame.iter_slices(storage.rows_per_write(frame))
        write_batches(connection, storage, table, batches, encoder, phase.advance)
    else:
        phase.advance(frame.height)


class RowEncoder:
    """Encodes rows for a table, and adds them to its check sums.

    Args:
        storage: How the database keeps frames.
        columns: Layouts of the columns.
        sums: The check sums; None if they are made already.
    """

    def __init__(
        self, storage: TableStorage, columns: Sequence[ColumnLayout], sums: TableSums | None
    ) -> None:
        self.storage = storage
        self.columns = columns
        self._sums = sums

    def __call__(self, rows: pl.DataFrame) -> list[Any]:
        """Return the next rows as the database takes them."""
        stored = self.storage.codec.encode(rows, self.columns)
        # Once for the sums and the driver. Some drivers crash when they bind Arrow's views.
        table = stored.to_arrow(compat_level=pl.CompatLevel.oldest()).combine_chunks()
        if self._sums is not None:
            values = values_to_sum(rows, stored, self.columns)
            del stored  # the rows are in memory often enough
            self._sums.add(values, texts_to_sum(table, self.columns))
        return self.storage.bulk.arranged(table)


def write_batches(
    connection: sa.Connection,
    storage: TableStorage,
    table: sa.TableClause,
    batches: Iterable[pl.DataFrame],
    encode: Callable[[pl.DataFrame], list[Any]],
    advance: Callable[[int], object],
) -> None:
    """Append rows to a table, in order.

    Args:
        connection: A connection in a transaction.
        storage: How the database keeps frames.
        table: The table.
        batches: The rows, in batches of the size that the database takes; at least one.
        encode: Encodes a batch, in another thread.
        advance: Called with the number of rows written.
    """
    with closing(_encoded_ahead(batches, encode, advance)) as parts:
        storage.bulk.ingest(connection, table, parts)


def copy_table(
    connection: sa.Connection,
    source: StoredTable,
    dataset: str,
    copied: Mapping[str, TableLayout],
) -> TableLayout:
    """Copy a table inside the database, in order; return the copy's layout.

    Keys that can be added to a filled table are not made yet.

    Args:
        connection: A connection in a transaction.
        source: The table.
        dataset: Name of the dataset of the same session that the copy belongs to.
        copied: Layouts of the copy's tables by logical name, at least of those that it refers to.

    Raises:
        SchemaDriftError: The source is gone or another one, or its columns were changed.
    """
    # In the order of the source's present columns, as SQLite copies by position.
    found = check_drift(connection, source)
    storage, original, owner = source
    own = owner._replace(dataset=dataset)
    physical = next(_free_names(connection, storage, own), None)
    if physical is None:
        raise _no_name_free(own)
    layout = replace(original, physical=physical, children=())
    originals = [table_named(relation, found) for relation in original.relations]
    storage.copy(connection, originals, physical, found, own, _keys_in_sql(layout, copied))
    return layout


def read_batches(
    connection: sa.Connection,
    table: StoredTable,
    selection: Selection = EVERYTHING,
    readers: Readers | None = None,
    *,
    verify: bool = False,
) -> Generator[pl.DataFrame]:
    """Yield the rows of a table in the order in which they were written, some at a time.

    Args:
        connection: A connection in a transaction.
        table: The table.
        selection: What of it to read.
        readers: Further connections to read a large table with.
        verify: Whether to compare the check sums of the columns, unless only the first rows are
            read.

    Raises:
        SchemaDriftError: The table is gone or another one, or its columns were changed, their
            types, or a value to one that its column cannot have.
        DamagedStoreError: It has other rows or values than were written; if ``verify`` is set,
            when all rows have been read.
    """
    check_drift(connection, table)
    storage, layout, _ = table
    columns, predicate, head = selection
    columns = layout.columns if columns is None else columns
    if not columns:
        yield pl.DataFrame(height=layout.height if head is None else min(head, layout.height))
        return
    if head is not None:
        reader = PartReader(storage, layout, columns)
        yield from _first_rows(connection, table, reader, head, predicate)
        return
    comparison = TableComparison(layout, columns) if verify and layout.sums is not None else None
    # Check sums are of all rows.
    reader = PartReader(storage, layout, columns, predicate if comparison is None else None)

    def read_part(
        own: sa.Connection, places: range, most: int | None = None
    ) -> tuple[pl.DataFrame, pl.DataFrame | None]:
        frame, stored = reader.read(own, places, most)
        values = None if comparison is None else values_to_sum(frame, stored, columns)
        return frame if predicate is None else frame.filter(predicate), values

    is_small = layout.height < min(Readers.fewest_rows, reader.most_rows)
    whole = None
    if storage.anywhere is not None and is_small and predicate is None:
        # One row more than there should be tells that somebody added rows, and where is asked.
        whole = read_part(connection, storage.anywhere, layout.height + 1)
    if whole is not None and whole[0].height == layout.height:
        read = (one for one in [whole])
    else:
        read = _read_parts(connection, table, reader, read_part, readers)
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
        raise reader.damage(f"it has {counted(seen, 'row')} instead of {layout.height:,}")


def _read_parts(
    connection: sa.Connection,
    table: StoredTable,
    reader: PartReader,
    read_part: Callable[[sa.Connection, range], _Part],
    readers: Readers | None,
) -> Generator[_Part]:
    """Yield what is read of each part of a table, over several connections if it is large."""
    storage, layout, _ = table
    extents = storage.extents(connection, layout)
    if readers is None or layout.height < readers.fewest_rows:
        yield from (read_part(connection, part) for part in reader.parts(extents))
    else:
        most = readers.rows_per_read(layout.height, storage.fewest_rows_per_read)
        parts = reader.parts(extents, most)
        yield from readers.read(connection, read_part, parts)


def _first_rows(
    connection: sa.Connection,
    table: StoredTable,
    reader: PartReader,
    head: int,
    predicate: pl.Expr | None,
) -> Generator[pl.DataFrame]:
    """Yield the first rows of a table, those of them that a predicate takes."""
    extents = table.storage.extents(connection, table.layout)
    for part in extents if head <= reader.most_rows else reader.parts(extents):
        frame, _ = reader.read(connection, part, head)
        head -= frame.height
        yield frame if predicate is None else frame.filter(predicate)
        if head <= 0:
            return


def read_table(
    connection: sa.Connection,
    table: StoredTable,
    readers: Readers | None = None,
    phase: Phase = NO_PHASE,
    gather: Gather = in_memory,
    *,
    verify: bool = False,
) -> pl.DataFrame:
    """Return the frame that lies in a table: see :func:`read_batches`."""
    rows = read_batches(connection, table, readers=readers, verify=verify)

    def told() -> Iterator[pl.DataFrame]:
        for batch in rows:
            phase.advance(batch.height)
            yield batch

    return gather(told())


def value_problems(
    connection: sa.Connection, storage: TableStorage, layout: TableLayout
) -> Generator[str]:
    """Read a table, and yield what is wrong with each column that is not as it was written.

    Rows are read in parts, one at a time. If a column has a value that cannot be read, the others
    are read again without it.
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


def check_drift(connection: sa.Connection, table: StoredTable) -> dict[str, str]:
    """Make sure that a table is the one that was created, with the same columns.

    Returns:
        The columns with their types, in the order in which they lie in the table.

    Raises:
        SchemaDriftError: It is gone or another one, or has other columns.
    """
    storage, layout, owner = table
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
    """Yield encoded rows; the next batch is encoded while one is written."""
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
    """Return those plain names of several datasets' tables that are free, by one query.

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


def _free_names(
    connection: sa.Connection,
    storage: TableStorage,
    owner: TableOwner,
    *,
    may_be_taken: bool = False,
) -> Generator[str]:
    """Yield the table's plain name, and those with a hash for when that is taken in another case.

    Args:
        connection: A connection in a transaction.
        storage: How the database keeps frames.
        owner: What the table holds.
        may_be_taken: Whether the caller finds out which of them are taken.
    """
    limit = connection.dialect.max_identifier_length
    for naming in (table_name, hashed_table_name, ascii_table_name):
        name = naming(*owner, limit)
        is_possible = storage.can_name(connection, name)
        if is_possible and (may_be_taken or not storage.taken(connection, [name])):
            yield name


def _no_name_free(owner: TableOwner) -> StoreError:
    return StoreError(
        f"The database already has a table for {owner.table!r} of dataset {owner.dataset!r} that "
        f"the catalogue does not know, and it is not overwritten. Rename or drop it."
    )
