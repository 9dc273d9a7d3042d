"""The manager that keeps DataSources in a SQL database."""

from __future__ import annotations

from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from algomancy_data.database.catalogue import Catalogue, Entry, create_or_check
from algomancy_data.database.engines import adbc_engine
from algomancy_data.database.failures import describe, store_errors
from algomancy_data.database.parallel import Readers
from algomancy_data.database.protocols import SqlTableLayout, handed_back
from algomancy_data.database.tables import PreparedTable, drop_table, read_table
from algomancy_data.datamanager import DataManager
from algomancy_data.datamanager.base import INHERIT, MessageLimit
from algomancy_data.datamanager.names import check_name
from algomancy_data.datasource import BASEDATASOURCE, DataClassification
from algomancy_data.errors import DatasetNotFoundError, StoreError
from algomancy_data.frames import to_frame

if TYPE_CHECKING:
    import logging
    from collections.abc import Generator, Iterable

    import polars as pl
    import sqlalchemy as sa

    from algomancy_data.etl import ETLFactory
    from algomancy_data.logs import Logger
    from algomancy_data.messages import ValidationSeverity
    from algomancy_data.metrics import ProgressListener
    from algomancy_data.schema import Schema

_WRITE_LOCK: Final = "IMMEDIATE"


class DatabaseDataManager(DataManager[BASEDATASOURCE]):
    """Keeps DataSources in a database: each frame becomes a table that anyone can query.

    A dataset is written, replaced and deleted in one transaction, its tables and its row of the
    catalogue ``algomancy_datasets`` together. It is read on first access and cached. Several
    managers, in one or several processes, may work on one database.

    Args:
        etl_factory: Class that puts the ETL pipelines together.
        schemas: What the files hold.
        engine: An engine on ``sqlite+adbc``, or a URL such as ``sqlite:///data.db``.
        session_id: Whose datasets these are; a manager sees no others.
        data_object_type: Class of the DataSources.
        datasource_cache_size: Number of DataSources to keep in memory, the least recently used
            goes first. None keeps all.
        logger: Told what happens.
        halt_on: Severity from which a finding makes an ETL fail.
        message_limit: Messages per check that an ETL reports one by one.
        progress: Told when a phase of an ETL begins and ends.

    Raises:
        StoreError: The engine is not on a driver that is supported.

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
        )
        check_name(session_id, "session")
        if datasource_cache_size is not None and datasource_cache_size < 1:
            msg = f"datasource_cache_size must be at least 1, not {datasource_cache_size}."
            raise ValueError(msg)
        self._engine = adbc_engine(engine)
        self._write_engine = self._engine.execution_options(isolation_level=_WRITE_LOCK)
        self._session_id = session_id
        self._cache_size = datasource_cache_size
        self._catalogue = Catalogue(session_id)
        self._data: dict[str, BASEDATASOURCE] = {}  # least recently used first
        self._versions: dict[str, str] = {}
        self._started = False

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
        with store_errors(self._engine, "opening it"):
            create_or_check(self._engine)
        self._started = True
        self.log(f"Opened {describe(self._engine)}, session {self._session_id!r}.")

    def close(self) -> None:
        """Close all connections; the manager opens new ones when it is used again."""
        self._engine.dispose()

    def get_data_keys(self) -> list[str]:
        """Return the names of the session's datasets, in order of creation."""
        with self._reading("listing the datasets") as connection:
            return self._catalogue.names(connection)

    def get_data(self, data_key: str) -> BASEDATASOURCE | None:
        """Return a dataset, or None if there is none of that name.

        It is read on first access, and again when another manager replaced it.

        Raises:
            SchemaDriftError: Somebody changed its tables by hand.
            TypeError: It is kept as tables, and the manager's class takes none.
            StoreError: The database fails.
        """
        with self._reading(f"reading dataset {data_key!r}") as connection:
            current = self._catalogue.version(connection, data_key)
            if current is None:
                self._forget(data_key)
                return None
            if self._versions.get(data_key) == current:
                self._remember(data_key, self._data[data_key], current)
                return self._data[data_key]
            entry = self._catalogue.entry(connection, data_key)
            if entry is None or (data := self._load(connection, entry)) is None:
                return None
            self._remember(data_key, data, entry.version)
            return data

    def _keep(self, data_key: str, data: BASEDATASOURCE) -> None:
        # Everything that can be refused is refused before the transaction begins.
        prepared = _prepare(data) if isinstance(data, SqlTableLayout) else None
        payload = data.to_json() if prepared is None else None
        with self._writing(f"writing dataset {data_key!r}") as connection:
            self._drop_tables(connection, data_key)
            layouts = (
                None
                if prepared is None
                else tuple(
                    table.write(connection, self._session_id, data_key) for table in prepared
                )
            )
            entry = Entry(
                name=data_key,
                ds_id=data.id,
                ds_type=str(data.ds_type),
                creation_datetime=data.creation_datetime,
                tables=layouts,
                payload=payload,
                provenance={"library": f"algomancy-data {version('algomancy-data')}"},
            )
            self._catalogue.save(connection, entry)
        self._remember(data_key, data, entry.version)

    def _discard(self, data_key: str) -> None:
        with self._writing(f"deleting dataset {data_key!r}") as connection:
            self._drop_tables(connection, data_key)
            self._catalogue.remove(connection, data_key)
        self._forget(data_key)

    def _is_master_data(self, data_key: str) -> bool:
        with self._reading(f"looking at dataset {data_key!r}") as connection:
            entry = self._catalogue.entry(connection, data_key)
        if entry is None:
            raise DatasetNotFoundError.from_available(data_key, self.get_data_keys())
        return entry.ds_type == DataClassification.MASTER_DATA

    def _drop_tables(self, connection: sa.Connection, data_key: str) -> None:
        entry = self._catalogue.entry(connection, data_key)
        for layout in (entry.tables or ()) if entry is not None else ():
            drop_table(connection, layout.physical)

    def _load(self, connection: sa.Connection, entry: Entry) -> BASEDATASOURCE | None:
        try:
            ds_type = DataClassification(entry.ds_type)
        except ValueError:
            self._logger.error(f"Dataset {entry.name!r} has the unknown type {entry.ds_type!r}.")
            return None
        if entry.tables is None:
            return self._data_object_type.from_json(entry.payload or "")
        readers = Readers.for_engine(
            self._engine,
            lambda other: self._catalogue.version(other, entry.name) == entry.version,
        )
        tables = {layout.name: read_table(connection, layout, readers) for layout in entry.tables}
        data = self._data_object_type(
            ds_type=ds_type,
            name=entry.name,
            ds_id=entry.ds_id,
            creation_datetime=entry.creation_datetime,
        )
        if not isinstance(data, SqlTableLayout):
            msg = (
                f"Dataset {entry.name!r} is kept as tables, but {type(data).__name__} does not "
                f"implement SqlTableLayout (to_sql_tables and from_sql_tables)."
            )
            raise TypeError(msg)
        data.from_sql_tables(handed_back(type(data), tables))
        return data

    @contextmanager
    def _reading(self, doing: str) -> Generator[sa.Connection]:
        """One snapshot of the database.

        The lock is for databases in memory, whose one connection all threads share.
        """
        self._require_startup()
        with (
            self._lock,
            store_errors(self._engine, doing),
            self._engine.connect() as connection,
        ):
            yield connection

    @contextmanager
    def _writing(self, doing: str) -> Generator[sa.Connection]:
        """One transaction that has the write lock from its beginning."""
        self._require_startup()
        with (
            self._lock,
            store_errors(self._engine, doing),
            self._write_engine.begin() as connection,
        ):
            yield connection

    def _require_startup(self) -> None:
        if not self._started:
            msg = "The manager has not been started: call startup() first."
            raise StoreError(msg)

    def _remember(self, data_key: str, data: BASEDATASOURCE, current: str) -> None:
        self._forget(data_key)  # so that it becomes the last one again
        self._data[data_key] = data
        self._versions[data_key] = current
        while self._cache_size is not None and len(self._data) > self._cache_size:
            self._forget(next(iter(self._data)))

    def _forget(self, data_key: str) -> None:
        self._data.pop(data_key, None)
        self._versions.pop(data_key, None)


def _prepare(data: SqlTableLayout) -> list[PreparedTable]:
    tables: dict[str, Any] = data.to_sql_tables()
    frames: dict[str, pl.DataFrame] = {
        name: to_frame(table, name) for name, table in tables.items()
    }
    for name in frames:
        check_name(name, "table")
    return [PreparedTable(name, frame) for name, frame in frames.items()]
