"""The store that keeps datasets in a SQL database."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from algomancy_data.database.backend import backend_for, shown
from algomancy_data.database.datasets import Datasets
from algomancy_data.database.early import EarlyWrite
from algomancy_data.database.engines import begun, store_engine, store_errors
from algomancy_data.database.jobs import DatabaseHistory
from algomancy_data.database.models import create_missing, create_or_check, datasets_table
from algomancy_data.database.naming import DatasetOwner
from algomancy_data.database.own_tables import drop_with_rows
from algomancy_data.database.protocols import SqlTableLayout
from algomancy_data.database.query import run_query
from algomancy_data.database.reading import Selection, lazy_table
from algomancy_data.database.table_parts import PartsWriter
from algomancy_data.database.tables_view import TABLES_VIEW, make_view, must_be_made
from algomancy_data.database.transactions import Transactions
from algomancy_data.database.verification import drop_leftovers, find_damage, find_leftovers
from algomancy_data.display.words import counted
from algomancy_data.errors import (
    ArgumentError,
    DamagedStoreError,
    DatasetNotFoundError,
    StoreError,
    UnknownClassificationError,
)
from algomancy_data.executors.workers import at_most
from algomancy_data.frames.mapped import Gather, in_memory, mapped_frame
from algomancy_data.metrics import NO_PHASE
from algomancy_data.store import Added, Copied, Damage, Loaded, Store, check_name

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping, Sequence
    from contextlib import ExitStack

    import polars as pl

    from algomancy_data.database.catalogue import Occupant
    from algomancy_data.database.datasets import PreparedDataset
    from algomancy_data.database.key_plan import WantedKeys
    from algomancy_data.datasource import BASEDATASOURCE, BaseDataSource
    from algomancy_data.executors.workers import Workers
    from algomancy_data.metrics import Phase
    from algomancy_data.metrics.phases import RowSink
    from algomancy_data.store import Addition, DatasetInfo, Leftover, Saved

# One on which a load is written, and one that shows meanwhile that it goes on.
_OWN_CONNECTIONS: Final = 2
_NAMELESS: Final = "A row of the session has a name that is no text."


class DatabaseStore(Store):
    """Keeps the datasets of a session in a database: each frame is a table that anyone can query.

    A dataset is written, replaced and deleted in one transaction, its tables and its row of the
    catalogue ``algomancy_datasets`` together. Several stores, in one or several processes, may
    work on one database.

    Args:
        engine: A URL such as ``sqlite:///data.db`` or ``postgresql://host/name``, or an engine.
            One on another driver than ADBC's works as well, slowly, with a warning.
        session_id: Whose datasets these are; a store sees no others.
        verify_on_load: Compare the check sums of what is read: of whole tables, and of the columns
            that a scan reads, unless it reads the first rows only.
        overlap: Write rows of large tables while later ones are still read and checked, in a
            transaction that has its locks for as long.
        keys: The keys that the database is told of, in tables that are written; None for none.
        max_connections: How many connections this process and its workers may have together, if
            not as many as the server has left for them.

    Raises:
        ArgumentError: So many connections are not enough.
        StoreError: It is no URL, or one of another database.
        DatasetNameError: No session can have that name.

    Example:
        >>> from algomancy_data import DataSource
        >>> from algomancy_data.database import DatabaseStore
        >>> store = DatabaseStore("sqlite://", "demo")
        >>> store.open()
        >>> source = DataSource("master_data", name="a")
        >>> source.add_table("t", {"x": [1, 2]})
        >>> _ = store.save("a", source)
        >>> store.describe("a").rows, store.load("a", DataSource).data.get_table("t")["x"].to_list()
        (2, [1, 2])
        >>> store.close()
    """

    def __init__(
        self,
        engine: sa.Engine | sa.URL | str,
        session_id: str,
        *,
        verify_on_load: bool = False,
        overlap: bool = True,
        keys: WantedKeys | None = None,
        max_connections: int | None = None,
    ) -> None:
        check_name(session_id, "session")
        if max_connections is not None and max_connections < _OWN_CONNECTIONS:
            possible = f"a number from {_OWN_CONNECTIONS} on, or None for as many as are free"
            raise ArgumentError.from_given("max_connections", max_connections, possible)
        self._max_connections = max_connections
        self._engine = store_engine(engine)
        # Where workers find the database; an engine of the caller's may have more to it than a URL.
        self._url = None if isinstance(engine, sa.Engine) else self._engine.url
        self._storage = backend_for(self._engine).table_storage()
        self._session_id = session_id
        self._verify_on_load = verify_on_load
        self._datasets = Datasets(
            self._engine, self._storage, session_id, verify=verify_on_load, keys=keys
        )
        tables = () if keys is None else keys.tables.values()
        self._has_constraints = any(key.is_constraint for some in tables for key in some)
        self._catalogue = self._datasets.catalogue
        self._transactions = Transactions(self._engine, self._storage, session_id)
        self.overlap = overlap

    @property
    def engine(self) -> sa.Engine:
        """The engine through which everything goes."""
        return self._engine

    def _share_memory(self, in_memory_bytes: int) -> None:
        self._storage.in_memory_bytes = in_memory_bytes

    def open(self, *, phase: Phase = NO_PHASE) -> None:  # noqa: ARG002  no data is read
        """Create the catalogue in a new database, or check that of an old one.

        Raises:
            SchemaDriftError: The catalogue was made by another version; the message says what
                to do (also a ``RuntimeError``).
            StoreError: The database cannot be reached.
        """
        try:
            with store_errors(self._engine, "opening it"):
                is_complete = create_or_check(self._engine, self._storage)
                drop_with_rows(self._engine)
        except StoreError as error:
            self._transactions.not_opened = f"The manager could not be started: {error}"
            raise
        self._transactions.not_opened = None
        self._make_view(and_tables=not is_complete)
        self._logger.log(f"Opened {shown(self._engine.url)}, session {self._session_id!r}.")
        with self._transactions.reading("opening it") as connection:
            remark = self._storage.remark(connection)
        if remark is not None:
            self._logger.warning(f"{shown(self._engine.url)}: {remark}")

    def _make_view(self, *, and_tables: bool) -> None:
        doing = f"making the view {TABLES_VIEW!r}"
        try:
            if and_tables:
                with (
                    self._transactions.lock,
                    store_errors(self._engine, "making the table of jobs"),
                ):
                    create_missing(self._engine, self._storage)
            with self._transactions.reading(doing) as connection:
                is_missing = must_be_made(connection)
            if is_missing:
                with self._transactions.writing(doing, "") as connection:
                    make_view(connection)
        except StoreError as error:  # such as one that may only be read
            self._logger.log(str(error))

    def room_for_others(self) -> int | None:
        """Return how many other processes can still connect; None for any number.

        Raises:
            StoreError: The database fails.
        """
        with self._transactions.reading("asking how many connections there may be") as connection:
            free = self._storage.free_connections(connection)
        if free is None:
            return None
        room = free - (_OWN_CONNECTIONS - 1)  # this process has the other one
        if self._max_connections is not None:
            room = min(room, self._max_connections - _OWN_CONNECTIONS)
        return max(room, 1)

    def close(self) -> None:
        """Close all connections; the store opens new ones when it is used again."""
        self._storage.finish()
        self._engine.dispose()

    @cached_property
    def history(self) -> DatabaseHistory:
        """The session's attempts at jobs."""
        return DatabaseHistory(self._session_id, self._transactions)

    @property
    def location(self) -> str:
        """The database, without its password, and the session."""
        return f"{shown(self._engine.url)}, session {self._session_id!r}"

    # --- what there is ----------------------------------------------------------------------

    def names(self) -> list[str]:
        """Return the names of the session's datasets, in order of creation."""
        with self._transactions.reading("listing the datasets") as connection:
            return self._catalogue.names(connection)

    def version(self, name: str) -> str | None:
        """Return the present version of a dataset, or None if there is none of that name."""
        with self._transactions.reading(f"looking at dataset {name!r}") as connection:
            return self._catalogue.version(connection, name)

    def describe(self, name: str) -> DatasetInfo:
        """Return what the catalogue says about a dataset, without reading its tables.

        Raises:
            DatasetNotFoundError: There is none of that name.
            StoreError: Its row of the catalogue is damaged, or the database fails.
        """
        with self._transactions.reading(f"looking at dataset {name!r}") as connection:
            return self._catalogue.require(connection, name).info

    def describe_all(self, newest: int | None = None) -> list[DatasetInfo]:
        """Return what the catalogue says about the datasets, in order of creation.

        Where the catalogue's row of a dataset is damaged, its metadata says so.

        Args:
            newest: Only the last so many; None for all.
        """
        with self._transactions.reading("listing the datasets") as connection:
            return self._catalogue.infos(connection, newest)

    # --- reading and writing ----------------------------------------------------------------

    def load(
        self, name: str, cls: type[BASEDATASOURCE], *, phase: Phase = NO_PHASE
    ) -> Loaded[BASEDATASOURCE]:
        """Read a dataset.

        Raises:
            DatasetNotFoundError: There is none of that name.
            UnknownClassificationError: It is of a type that this version does not know.
            SchemaDriftError: Its tables were changed by hand.
            TypeError: It is kept as tables, and the class takes none.
            StoreError: It is damaged, or the database fails.
        """
        return self._loaded(name, cls, phase, None)

    def load_mapped(
        self, name: str, cls: type[BASEDATASOURCE], *, phase: Phase = NO_PHASE
    ) -> Loaded[BASEDATASOURCE]:
        """Read a dataset into scratch files, and map its tables from them.

        Raises:
            ScratchError: There is no room for the files. :meth:`load` lists the other errors.
        """
        gather = partial(mapped_frame, in_memory_bytes=self.memory.in_memory_bytes)
        return self._loaded(name, cls, phase, gather)

    def _loaded(
        self, name: str, cls: type[BASEDATASOURCE], phase: Phase, gather: Gather | None
    ) -> Loaded[BASEDATASOURCE]:
        with self._transactions.reading(f"reading dataset {name!r}", name) as connection:
            entry = self._catalogue.require(connection, name)
            if entry.info.problem:
                raise UnknownClassificationError(f"{name!r}: {entry.info.problem}")
            if gather is None or not entry.has_frames:
                self.memory.check(f"Dataset {name!r}", entry.info.bytes)
            data = self._datasets.load(connection, entry, cls, phase, gather or in_memory)
        if self._verify_on_load:
            self._warn_of_unverified(name, entry.without_sums)
        return Loaded(data, entry.info.version)

    def scan(
        self, name: str, table: str, cls: type[BaseDataSource], *, phase: Phase = NO_PHASE
    ) -> pl.LazyFrame:
        """Return a table as a LazyFrame, whose queries read only the columns and rows they need.

        Rows are read in order, in batches, in one transaction for each table of a query. If the
        dataset is written meanwhile, the query fails: it never mixes two states.

        Raises:
            DatasetNotFoundError: There is no such dataset.
            TableNotFoundError: It has no such table (also a ``KeyError``).
        """
        doing = f"reading table {table!r} of dataset {name!r}"
        with self._transactions.reading(doing, name) as connection:
            entry = self._catalogue.require(connection, name)
        if entry.tables is None:
            return super().scan(name, table, cls, phase=phase)
        layout = entry.table(table)

        def batches(selection: Selection) -> Generator[pl.DataFrame]:
            with self._transactions.reading(
                doing, name, alone=self._transactions.share_connection
            ) as connection:
                self._datasets.require_same(connection, entry)
                yield from self._datasets.read_batches(connection, entry, layout, selection)

        return lazy_table(layout, batches, is_eager=self._transactions.share_connection)

    def query(self, sql: str, datasets: Sequence[str] | None = None) -> pl.DataFrame:
        """Run a query in the database: see :meth:`DatabaseDataManager.query`.

        Raises:
            DatasetNotFoundError: There is no such dataset.
            DamagedStoreError: The catalogue's row of a dataset that is named is damaged.
            StoreError: The database does not understand the query, or fails.
        """
        with self._transactions.reading("running the query") as connection:
            if datasets is not None:
                return run_query(connection, self._datasets.own.of(connection, datasets), sql)
            tables, damaged = self._datasets.own.all(connection)
            return run_query(connection, tables, sql, damaged)

    @contextmanager
    def overlapping(self, name: str, workers: Workers | None = None) -> Generator[RowSink | None]:
        """Write rows of large tables as soon as they are converted, if ``overlap`` is set.

        Others see the old dataset until :meth:`save` commits the same transaction.
        """
        owner = DatasetOwner(self._session_id, name)
        may_overlap = (
            self.overlap and self._storage.overlaps and not self._transactions.share_connection
        )
        # Constraints are not made before the rows were looked at.
        may_overlap &= self._storage.constrains_later or not self._has_constraints
        if workers is not None and self._storage.table_parts is not None:
            may_overlap &= self._url is None  # others write after the checks, all at once
        early = None
        with self._transactions.lock:
            if (
                may_overlap
                and self._transactions.early is None
                and self._transactions.not_opened is None
            ):
                early = EarlyWrite(owner, self._storage, partial(self._begin_early, name))
                self._transactions.early = early
        if early is None:
            yield None
            return
        try:
            yield early
        finally:
            self._transactions.early = None
            early.give_up()

    def _begin_early(self, name: str, stack: ExitStack) -> tuple[sa.Connection, Occupant]:
        connection = stack.enter_context(begun(self._transactions.writing_engine))
        stack.enter_context(self._storage.large_write(connection))
        self._storage.begin_writing(connection, self._session_id, name)
        return connection, self._datasets.own.drop(connection, name)

    def save(self, name: str, data: BaseDataSource, *, phase: Phase = NO_PHASE) -> Saved:
        """Write a dataset and its row of the catalogue in one transaction.

        Raises:
            UnstorableError: It holds something that cannot be kept exactly.
            StoreError: The database fails.
        """
        early = self._transactions.early
        if early is not None and early.was_given_rows and early.is_of(name):
            saved = self._save_early(early, name, data, phase)
            if saved is not None:
                return saved
        # Everything that can be refused is refused before the transaction begins.
        prepared = self._datasets.prepare(name, data, phase)
        with (
            self._helped(prepared, phase) as ready,
            self._transactions.writing(
                f"writing dataset {name!r}", name, prepared.bytes
            ) as connection,
        ):
            entry = self._datasets.write(connection, ready, phase)
            self.history.write_finished(connection, entry.info.ds_id)
        return prepared.saved(entry)

    def save_all(
        self, datasets: Mapping[str, BaseDataSource], *, phase: Phase = NO_PHASE
    ) -> dict[str, Saved]:
        """Write several datasets and their rows of the catalogue in one transaction.

        Raises:
            UnstorableError: One holds something that cannot be kept exactly.
            StoreError: The database fails.
        """
        prepared = self._datasets.prepare_all(datasets, phase)
        phase.handles([frame for one in prepared for frame in one.frames])
        size = sum(one.bytes for one in prepared)
        doing = f"writing {counted(len(prepared), 'dataset')}"
        with self._transactions.writing(doing, datasets, size) as connection:
            entries = self._datasets.write_all(connection, prepared, phase)
            for entry in entries:
                self.history.write_finished(connection, entry.info.ds_id)
        return {
            entry.info.name: one.saved(entry) for entry, one in zip(entries, prepared, strict=True)
        }

    @contextmanager
    def _helped(self, prepared: PreparedDataset, phase: Phase) -> Generator[PreparedDataset]:
        """Have workers write the rows of large tables, if there are any workers."""
        url, workers = self._url, phase.workers
        parts = None if url is None or workers is None else self._storage.table_parts
        if parts is None or url is None or workers is None or not (tables := prepared.divisible()):
            yield prepared
            return
        self._transactions.require_open()
        self._transactions.give_up_early()
        owner = DatasetOwner(self._session_id, prepared.entry.info.name)
        workers = at_most(workers, self.room_for_others())
        writer = PartsWriter(
            self._transactions.writing_engine, url, self._storage, parts, owner, workers
        )
        with writer.written(tables, phase) as content:
            yield replace(prepared, content=content)

    def _save_early(
        self, early: EarlyWrite, name: str, data: BaseDataSource, phase: Phase
    ) -> Saved | None:
        """Write the rest of a dataset and commit; return None if nothing was written early."""
        tables = self._datasets.tables_of(data) if isinstance(data, SqlTableLayout) else {}
        phase.handles(tables.values())
        doing = f"writing dataset {name!r}"
        with store_errors(self._engine, doing), early.committing(phase) as begun_early:
            if begun_early is None:
                return None
            connection, occupant = begun_early
            written = early.written(connection, tables)
            prepared = self._datasets.prepare(name, data, phase, written)
            with self._transactions.lock:
                entry = self._datasets.write(connection, prepared, phase, occupant)
                self.history.write_finished(connection, entry.info.ds_id)
                connection.commit()
        return prepared.saved(entry)

    def add(
        self, name: str, data: BaseDataSource, addition: Addition, *, phase: Phase = NO_PHASE
    ) -> Added:
        """Add the rows of a DataSource to a dataset in one transaction.

        Only these rows are written, behind the others, unless a table gets a new column or its
        columns change form. The first addition also creates an index of each key, for lookups.

        Raises:
            AdditionError: The rows do not fit, or have a key that is stored.
            UnstorableError: They hold something that cannot be kept exactly.
            StoreError: The database fails.
        """
        frames = self._datasets.tables_of(data) if isinstance(data, SqlTableLayout) else {}
        size = sum(int(frame.estimated_size()) for frame in frames.values())
        with self._transactions.writing(
            f"adding rows to dataset {name!r}", name, size
        ) as connection:
            entry = self._catalogue.entry(connection, name)
            self._datasets.require_references(connection, entry, addition)
            if entry is None:
                load = addition.first(frames)
                prepared = self._datasets.prepare(name, data, phase)
                entry = self._datasets.write(connection, prepared, phase)
                notes = prepared.keys.notes
            else:
                entry, load, notes = self._datasets.add(connection, entry, data, addition, phase)
            self.history.write_finished(connection, entry.info.ds_id)
        return Added(entry.info.version, entry.info.provenance, load, notes=tuple(notes))

    def delete_rows(
        self,
        name: str,
        table: str,
        predicate: pl.Expr,
        cls: type[BaseDataSource],
        *,
        phase: Phase = NO_PHASE,
    ) -> int:
        """Delete rows of a table in one transaction.

        Raises:
            DatasetNotFoundError: There is no such dataset.
            TableNotFoundError: It has no such table (also a ``KeyError``).
            ColumnNotFoundError: The table has no column of a name in the predicate.
            StoreError: The table is damaged, or the database fails.
        """
        with self._transactions.writing(f"deleting rows of dataset {name!r}", name) as connection:
            entry = self._catalogue.require(connection, name)
            if entry.tables is not None:
                return self._datasets.delete_rows(connection, entry, table, predicate, phase)
        return super().delete_rows(name, table, predicate, cls, phase=phase)

    def known_keys(
        self,
        name: str,
        table: str,
        key: Sequence[str],
        keys: pl.DataFrame,
        cls: type[BaseDataSource],
    ) -> pl.Series:
        """Return which of some keys a table has, using an index if there is one.

        Raises:
            DatasetNotFoundError: There is no such dataset.
            TableNotFoundError: It has no such table (also a ``KeyError``).
        """
        doing = f"reading table {table!r} of dataset {name!r}"
        with self._transactions.reading(doing, name) as connection:
            entry = self._catalogue.require(connection, name)
            if entry.tables is not None:
                growing = self._datasets.growing(connection, entry)
                return growing.known(entry.table(table).name, key, keys)
        return super().known_keys(name, table, key, keys, cls)

    def copy(
        self,
        name: str,
        copy: str,
        ds_id: str,
        cls: type[BASEDATASOURCE],
        *,
        phase: Phase = NO_PHASE,
    ) -> Copied:
        """Copy the tables of a dataset inside the database.

        Raises:
            DatasetNotFoundError: There is no dataset of that name.
            DatasetExistsError: There is one of the copy's name.
            StoreError: The database fails.
        """
        with self._transactions.writing(f"deriving dataset {copy!r}", copy) as connection:
            self._storage.hold(connection, self._session_id, name)
            source = self._catalogue.require(connection, name)
            if source.tables is not None:
                entry = self._datasets.copy(connection, source, copy, ds_id, phase)
                return Copied(entry.info.version, entry.info.provenance, ds_id, source.info.version)
        return super().copy(name, copy, ds_id, cls, phase=phase)  # another class wrote it

    def drop(self, name: str) -> None:
        """Drop the tables of a dataset and its row of the catalogue in one transaction."""
        with self._transactions.writing(f"deleting dataset {name!r}", name) as connection:
            self._datasets.own.drop(connection, name)
            self._catalogue.remove(connection, name)

    # --- integrity --------------------------------------------------------------------------

    def verify(self, name: str) -> list[Damage]:
        """Count the rows of each table, compare its columns, and the check sums of its values.

        Raises:
            StoreError: The database fails, or cannot read the dataset.
        """
        with self._transactions.reading(f"verifying dataset {name!r}", name) as connection:
            found = find_damage(connection, self._storage, self._catalogue, self._session_id, name)
        self._warn_of_unverified(name, found.unverified)
        return found.damages

    def verify_all(self) -> list[Damage]:
        """Verify all datasets; SQLite also checks the whole file."""
        damages: list[Damage] = []
        place = shown(self._engine.url)
        with (
            _noting(damages, "", place),
            self._transactions.reading("checking the file") as connection,
        ):
            problems = self._storage.self_check(connection)
            nameless = self._catalogue.nameless(connection)
            damages += (Damage("", place, problem) for problem in problems)
            damages += [Damage("", datasets_table.name, _NAMELESS)] * nameless
        for name in self.names():
            with _noting(damages, name, place):
                damages += self.verify(name)
        return damages

    def leftovers(self) -> list[Leftover]:
        """Return tables and payloads of the session that no row of the catalogue names.

        The comment that a table got when it was created proves whose it is.
        """
        with self._transactions.reading("looking for leftovers") as connection:
            return find_leftovers(connection, self._storage, self._session_id)

    def clear_leftovers(self) -> list[Leftover]:
        """Drop those that provably belong to the session; return them."""
        with self._transactions.writing("dropping leftovers", "") as connection:
            return drop_leftovers(connection, self._storage, self._session_id)

    def _warn_of_unverified(self, name: str, unverified: Iterable[str]) -> None:
        for what in unverified:
            self._logger.warning(
                f"Of dataset {name!r}, {what} was not verified: it was written before there were "
                f"check sums. Write the dataset again."
            )


@contextmanager
def _noting(damages: list[Damage], dataset: str, path: str) -> Generator[None]:
    """Note damage that makes a dataset unreadable, and go on with the others."""
    try:
        yield
    except DamagedStoreError as error:
        damages.append(Damage(dataset, path, str(error)))
    except DatasetNotFoundError:  # it was deleted meanwhile
        if not dataset:
            raise
