"""The manager that keeps DataSources in a SQL database."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from algomancy_data.database.cache import DataSourceCache
from algomancy_data.database.catalogue import create_or_check
from algomancy_data.database.datasets import Datasets
from algomancy_data.database.deletions import drop_with_rows
from algomancy_data.database.engines import begun, store_engine
from algomancy_data.database.failures import describe, store_errors
from algomancy_data.database.models import datasets_table
from algomancy_data.database.query import run_query
from algomancy_data.database.storage import storage_for
from algomancy_data.database.tables_view import TABLES_VIEW, make_view, must_be_made
from algomancy_data.database.verification import drop_leftovers, find_damage, find_leftovers
from algomancy_data.datamanager import DataManager
from algomancy_data.datamanager.names import check_name
from algomancy_data.datasource import BASEDATASOURCE, DataClassification, DataSource
from algomancy_data.errors import DamagedStoreError, StoreError
from algomancy_data.etl.settings import INHERIT, MessageLimit, QuarantineSetting
from algomancy_data.integrity import Damage
from algomancy_data.metrics import phase_under_way

if TYPE_CHECKING:
    import logging
    from collections.abc import Generator, Iterable, Sequence

    import polars as pl
    import sqlalchemy as sa

    from algomancy_data.datamanager.inspection import DatasetSummary
    from algomancy_data.etl import ETLFactory
    from algomancy_data.integrity import Leftover
    from algomancy_data.logs import Logger
    from algomancy_data.messages import ValidationSeverity
    from algomancy_data.metrics import ProgressListener
    from algomancy_data.schema import ReadLimits, Schema

_LARGE_WRITE: Final = 16 * 1024 * 1024
_NAMELESS: Final = "A row of the session has a name that is no text."


class DatabaseDataManager(DataManager[BASEDATASOURCE]):
    """Keeps DataSources in a database: each frame becomes a table that anyone can query.

    A dataset is written, replaced and deleted in one transaction, its tables and its row of the
    catalogue ``algomancy_datasets`` together. It is read on first access and cached. Several
    managers, in one or several processes, may work on one database.

    Args:
        etl_factory: Class that puts the ETL pipelines together.
        schemas: What the files hold.
        engine: A URL such as ``sqlite:///data.db`` or ``postgresql://host/name``, or an engine.
            One on another driver than ADBC's works as well, slowly, with a warning.
        session_id: Whose datasets these are; a manager sees no others.
        data_object_type: Class of the DataSources.
        datasource_cache_size: Number of DataSources to keep in memory, the least recently used
            goes first. None keeps all.
        datasource_cache_bytes: Memory that they may take together. None sets no limit.
        logger: Told what happens.
        halt_on: Severity from which a finding makes an ETL fail.
        message_limit: Messages per check that an ETL reports one by one.
        progress: Told when a phase of an ETL, and what else is done to the store, begins and ends.
        quarantine: Which rows an ETL puts aside.
        read_limits: How much each file may become in memory.
        verify_on_load: Compare the check sums of what is read: of whole tables, and of the columns
            that :meth:`get_table` reads, unless it is asked for the ``head``.

    Raises:
        StoreError: It is no URL, or one of another database.

    Example:
        >>> import polars as pl
        >>> from algomancy_data import DataClassification, DataSource, SimpleETLFactory
        >>> from algomancy_data.database import DatabaseDataManager
        >>> manager = DatabaseDataManager(SimpleETLFactory, [], "sqlite://", "demo", DataSource)
        >>> manager.startup()
        >>> source = DataSource(DataClassification.MASTER_DATA, name="a")
        >>> source.add_table("t", pl.DataFrame({"x": [1.5, float("nan"), None]}))
        >>> manager.add_data_source(source)
        >>> manager.get_data_keys()
        ['a']
        >>> with manager.engine.connect() as connection:
        ...     connection.exec_driver_sql("SELECT sum(x) FROM ds__demo__a__t").scalar()
        1.5
        >>> manager.close()
    """

    def __init__(
        self,
        etl_factory: type[ETLFactory],
        schemas: Iterable[type[Schema]],
        engine: sa.Engine | sa.URL | str,
        session_id: str,
        data_object_type: type[BASEDATASOURCE],
        datasource_cache_size: int | None = None,
        logger: Logger | logging.Logger | None = None,
        *,
        halt_on: ValidationSeverity | None = None,
        message_limit: MessageLimit = INHERIT,
        progress: ProgressListener | None = None,
        datasource_cache_bytes: int | None = None,
        quarantine: QuarantineSetting = INHERIT,
        read_limits: ReadLimits | None = None,
        verify_on_load: bool = False,
    ) -> None:
        super().__init__(
            etl_factory,
            schemas,
            "database",
            data_object_type,
            logger,
            halt_on=halt_on,
            message_limit=message_limit,
            progress=progress,
            quarantine=quarantine,
            read_limits=read_limits,
        )
        check_name(session_id, "session")
        self._engine = store_engine(engine)
        self._storage = storage_for(self._engine)
        self._read_engine, self._write_engine = (
            self._engine.execution_options(isolation_level=level)
            for level in (self._storage.read_isolation, self._storage.write_isolation)
        )
        self._session_id = session_id
        self._verify_on_load = verify_on_load
        self._datasets = Datasets(self._engine, self._storage, session_id, verify=verify_on_load)
        self._catalogue = self._datasets.catalogue
        self._cache: DataSourceCache[BASEDATASOURCE] = DataSourceCache(
            datasource_cache_size, datasource_cache_bytes
        )
        self._data = self._cache
        self._not_started: str | None = "The manager has not been started: call startup() first."

    @property
    def engine(self) -> sa.Engine:
        """The engine through which everything goes."""
        return self._engine

    def startup(self) -> None:
        """Create the catalogue in a new database, or check that of an old one.

        No data is read: that happens when a dataset is first asked for.

        Raises:
            SchemaDriftError: The catalogue was made by another version; the message says what
                to do (also a ``RuntimeError``).
            StoreError: The database cannot be reached.
        """
        try:
            with self._measuring("startup"), store_errors(self._engine, "opening it"):
                create_or_check(self._engine, self._storage)
                drop_with_rows(self._engine)
        except StoreError as error:
            self._not_started = f"The manager could not be started: {error}"
            raise
        self._not_started = None
        self._make_view()
        self.log(f"Opened {describe(self._engine)}, session {self._session_id!r}.")
        with self._reading("opening it") as connection:
            remark = self._storage.remark(connection)
        if remark is not None:
            self._logger.warning(f"{describe(self._engine)}: {remark}")

    def _make_view(self) -> None:
        doing = f"making the view {TABLES_VIEW!r}"
        try:
            with self._reading(doing) as connection:
                is_missing = must_be_made(connection)
            if is_missing:
                with self._writing(doing, "") as connection:
                    make_view(connection)
        except StoreError as error:  # such as one that may only be read
            self.log(str(error))

    def close(self) -> None:
        """Close all connections; the manager opens new ones when it is used again."""
        self._storage.finish()
        self._engine.dispose()

    def get_data_keys(self) -> list[str]:
        """Return the names of the session's datasets, in order of creation."""
        with self._reading("listing the datasets") as connection:
            return self._catalogue.names(connection)

    def summaries(self, newest: int | None = None) -> list[DatasetSummary]:
        """Return what the catalogue says about the datasets, in order of creation.

        Args:
            newest: Only so many, those that were created last; None for all.

        Of a dataset whose row of the catalogue is damaged, the summary has the ``problem``.
        """
        with self._reading("listing the datasets") as connection:
            return self._catalogue.summaries(connection, newest)

    def get_data(self, data_key: str) -> BASEDATASOURCE | None:
        """Return a dataset, or None if there is none of that name.

        It is read on first access, and again when another manager replaced it.

        Raises:
            SchemaDriftError: Somebody changed its tables by hand.
            TypeError: It is kept as tables, and the manager's class takes none.
            StoreError: The database fails.
        """
        doing = f"reading dataset {data_key!r}"
        with self._lock:
            if data_key in self._cache:
                with self._reading(doing) as connection:
                    current = self._catalogue.version(connection, data_key)
                cached = self._cache.use(data_key, current)
                if cached is not None:
                    return cached
                self._cache.forget(data_key)
        with self._reading(doing, data_key) as connection:
            entry = self._catalogue.entry(connection, data_key)
            if entry is None:
                return None
            if entry.problem:
                self._logger.error(f"{data_key!r}: {entry.problem}")
                return None
            with self._measuring("read", data_key) as phase:
                phase.total_rows = entry.rows
                data = self._datasets.load(connection, entry, self._data_object_type)
                phase.gives(data.tables.values() if isinstance(data, DataSource) else ())
            self._cache.keep(data_key, data, entry.version)
            if self._verify_on_load:
                self._warn_of_unverified(data_key, entry.without_sums)
            return data

    def get_table(
        self,
        data_key: str,
        table: str,
        columns: Sequence[str] | None = None,
        predicate: pl.Expr | None = None,
        *,
        head: int | None = None,
    ) -> pl.DataFrame:
        """Return a table of a dataset, or a part of it, without reading the rest.

        Args:
            data_key: Name of the dataset.
            table: Name of the table.
            columns: Names of the columns to return, in this order; None for all.
            predicate: A Polars expression that is true for the rows to return; None for all. It
                takes the rows that ``filter`` takes of the whole table. One that may look at more
                than one row, such as ``pl.col("x") == pl.col("x").max()``, needs memory for all
                rows of the columns.
            head: Only the first so many of the table's rows are looked at; None for all.

        Raises:
            DatasetNotFoundError: There is no such dataset.
            TableNotFoundError: It has no such table (also a ``KeyError``).
            ColumnNotFoundError: The table has no column of a name that was asked for.

        Example:
            >>> import polars as pl
            >>> from algomancy_data import DataClassification, DataSource, SimpleETLFactory
            >>> manager = DatabaseDataManager(SimpleETLFactory, [], "sqlite://", "s", DataSource)
            >>> manager.startup()
            >>> source = DataSource(DataClassification.MASTER_DATA, name="a")
            >>> source.add_table("t", pl.DataFrame({"x": [1, 2, 3], "y": ["u", "v", "w"]}))
            >>> manager.add_data_source(source)
            >>> manager.get_table("a", "t", columns=["y"], predicate=pl.col("x") > 2).rows()
            [('w',)]
            >>> manager.close()
        """
        doing = f"reading table {table!r} of dataset {data_key!r}"
        with (
            self._measuring("read", data_key) as phase,
            self._reading(doing, data_key) as connection,
        ):
            entry = self._datasets.require(connection, data_key)
            frame = self._datasets.read_table(connection, entry, table, columns, predicate, head)
            phase.rows = frame.height
            phase.gives([frame])
            return frame

    def query(self, sql: str, datasets: Sequence[str] | None = None) -> pl.DataFrame:
        """Return the result of a query that the database runs itself.

        Tables have their logical names, and values are as the database stores them: SQLite has,
        for instance, dates as texts. The query can change nothing.

        Args:
            sql: A SELECT statement.
            datasets: Whose tables can be named; None for all of the session. Where two have a
                table of one name, it is written as ``"dataset.table"``.

        Raises:
            DatasetNotFoundError: There is no such dataset.
            DamagedStoreError: The catalogue's row of a dataset that was named is damaged; without
                names, of one whose table the query seems to name. Others are queried all the same.
            StoreError: The database does not understand the query, or fails.

        Example:
            >>> from algomancy_data import DataSource, SimpleETLFactory
            >>> manager = DatabaseDataManager(SimpleETLFactory, [], "sqlite://", "s", DataSource)
            >>> manager.startup()
            >>> source = DataSource("master_data", name="a")
            >>> source.add_table("t", {"x": [1, 2, 3]})
            >>> manager.add_data_source(source)
            >>> manager.query("SELECT sum(x) AS total FROM t").item()
            6
            >>> manager.close()
        """
        with self._reading("running the query") as connection:
            if datasets is not None:
                return run_query(connection, self._datasets.own_tables(connection, datasets), sql)
            tables, damaged = self._datasets.all_own_tables(connection)
            return run_query(connection, tables, sql, damaged)

    def summarize(self, data_key: str) -> DatasetSummary:
        """Return what the catalogue says about a dataset; nothing else is read.

        Raises:
            DatasetNotFoundError: There is none of that name.
        """
        with self._reading(f"looking at dataset {data_key!r}") as connection:
            return self._datasets.require(connection, data_key).summary()

    def verify(self, data_key: str | None = None) -> list[Damage]:
        """Compare a dataset, or all of the session, with what the catalogue says was written.

        Everything is read: the rows of each table are counted, its columns compared, and the
        check sums of its values, or of the payload. A damaged value is named by table, column and
        row. SQLite also checks the whole file, if all datasets are meant. The log says which
        tables have no check sums because an earlier version wrote them.

        Returns:
            What is not as it was written; nothing is a good sign.

        Raises:
            DatasetNotFoundError: There is none of that name.
            StoreError: The database fails, or cannot read the dataset that was named.
        """
        damages: list[Damage] = []
        if data_key is None:
            with (
                _noting(damages, "", describe(self._engine)),
                self._reading("checking the file") as connection,
            ):
                problems = self._storage.self_check(connection)
                nameless = self._catalogue.nameless(connection)
                damages += (Damage("", describe(self._engine), problem) for problem in problems)
                damages += [Damage("", datasets_table.name, _NAMELESS)] * nameless
        for name in self._names(data_key):
            with (
                nullcontext() if data_key else _noting(damages, name, describe(self._engine)),
                self._reading(f"verifying dataset {name!r}", name) as connection,
            ):
                found = find_damage(
                    connection, self._storage, self._catalogue, self._session_id, name
                )
                damages += found.damages
                self._warn_of_unverified(name, found.unverified)
        return damages

    def leftovers(self) -> list[Leftover]:
        """Return tables and payloads of the session that no row of the catalogue names.

        A table is proven to be the session's by the mark that it got when it was created.

        Raises:
            StoreError: The database fails.
        """
        with self._reading("looking for leftovers") as connection:
            return find_leftovers(connection, self._storage, self._session_id)

    def clear_leftovers(self) -> list[Leftover]:
        """Drop those that are proven to be the session's; return them.

        Raises:
            StoreError: The database fails; nothing is dropped.
        """
        with self._writing("dropping leftovers", "") as connection:
            dropped = drop_leftovers(connection, self._storage, self._session_id)
        for one in dropped:
            self.log(f"Dropped {one.path!r}: {one.what}.")
        return dropped

    def refresh(self) -> None:
        """Forget all DataSources in memory, so that each is read again when it is asked for."""
        with self._lock:
            self._cache.forget_all()

    def derive_data(self, existing_key: str, derived_key: str) -> None:
        """Keep a copy of a dataset under another name, classified as derived data.

        The tables are copied inside the database, unless the DataSource was changed in memory or
        its class has a say in what a derived one is.

        Raises:
            DatasetNotFoundError: There is no ``existing_key`` (also an ``AssertionError``).
            DatasetExistsError: There is a ``derived_key`` (also an ``AssertionError``).
        """
        check_name(derived_key)
        with self._lock:
            is_copied = self._can_copy(existing_key)
            if is_copied:
                with self._measuring("derive", derived_key):
                    is_copied = self._copy(existing_key, derived_key)
            if not is_copied:
                super().derive_data(existing_key, derived_key)
                return
        self.log(f"Derived {derived_key!r} from {existing_key!r}.")

    def _can_copy(self, data_key: str) -> bool:
        is_plain = all(
            getattr(self._data_object_type, hook, None) is getattr(DataSource, hook)
            for hook in ("derive", "_post_derive", "_duplicate", "to_json", "to_sql_tables")
        )
        return is_plain and (data_key not in self._cache or self._cache.is_unchanged(data_key))

    def _copy(self, existing_key: str, derived_key: str) -> bool:
        """Copy a dataset inside the database, and tell whether that could be done."""
        with self._writing(f"deriving dataset {derived_key!r}", derived_key) as connection:
            self._storage.hold(connection, self._session_id, existing_key)
            source = self._datasets.require(connection, existing_key)
            if source.tables is None:  # another class wrote it
                return False
            cached = self._cache.use(existing_key, source.version)
            derived = None if cached is None else cached.derive(derived_key)
            ds_id = str(uuid4()) if derived is None else derived.id
            entry = self._datasets.copy(connection, source, derived_key, ds_id)
        if derived is not None:
            derived.provenance = entry.provenance
            self._cache.keep(derived_key, derived, entry.version)
        return True

    def _keep(self, data_key: str, data: BASEDATASOURCE) -> None:
        # Everything that can be refused is refused before the transaction begins.
        prepared = self._datasets.prepare(data_key, data)
        prepared.describe(phase_under_way())
        doing, size = f"writing dataset {data_key!r}", prepared.bytes
        with self._writing(doing, data_key, size) as connection:
            entry = self._datasets.write(connection, prepared)
        data.provenance = entry.provenance
        self._cache.keep(data_key, data, entry.version)

    def _has(self, data_key: str) -> bool:
        with self._reading(f"looking at dataset {data_key!r}") as connection:
            return self._catalogue.version(connection, data_key) is not None

    def _discard(self, data_key: str) -> None:
        with self._writing(f"deleting dataset {data_key!r}", data_key) as connection:
            self._datasets.drop_content(connection, data_key)
            self._catalogue.remove(connection, data_key)
        self._cache.forget(data_key)

    def _place(self) -> str:
        return f"{describe(self._engine)}, session {self._session_id!r}"

    def _is_master_data(self, data_key: str) -> bool:
        with self._reading(f"looking at dataset {data_key!r}") as connection:
            entry = self._datasets.require(connection, data_key)
        return entry.ds_type == DataClassification.MASTER_DATA

    @contextmanager
    def _reading(self, doing: str, data_key: str | None = None) -> Generator[sa.Connection]:
        """One transaction that sees one state of a dataset, if one is named.

        The lock is for databases in memory, whose one connection all threads share.
        """
        self._require_startup()
        with (
            self._lock,
            store_errors(self._engine, doing),
            begun(self._read_engine) as connection,
        ):
            if data_key is not None:
                self._storage.begin_reading(connection, self._session_id, data_key)
            yield connection

    @contextmanager
    def _writing(self, doing: str, data_key: str, size: int = 0) -> Generator[sa.Connection]:
        """One transaction that alone changes a dataset, by so many bytes or more."""
        self._require_startup()
        is_large = size >= _LARGE_WRITE
        with (
            self._lock,
            store_errors(self._engine, doing),
            begun(self._write_engine) as connection,
            self._storage.large_write(connection) if is_large else nullcontext(),
        ):
            self._storage.begin_writing(connection, self._session_id, data_key)
            yield connection
            connection.commit()

    def _warn_of_unverified(self, data_key: str, unverified: Iterable[str]) -> None:
        for what in unverified:
            self._logger.warning(
                f"Of dataset {data_key!r}, {what} was not verified: it was written before there "
                f"were check sums. Write the dataset again."
            )

    def _require_startup(self) -> None:
        if self._not_started is not None:
            raise StoreError(self._not_started)


@contextmanager
def _noting(damages: list[Damage], dataset: str, path: str) -> Generator[None]:
    """Note damage that keeps a dataset from being looked at, and let the others be."""
    try:
        yield
    except DamagedStoreError as error:
        damages.append(Damage(dataset, path, str(error)))
