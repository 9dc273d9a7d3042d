"""The manager that keeps DataSources in a SQL database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from algomancy_data.database.key_plan import WantedKeys
from algomancy_data.database.store import DatabaseStore
from algomancy_data.datamanager import DataManager
from algomancy_data.datasource import BASEDATASOURCE, DataSource
from algomancy_data.schema.table_names import schema_classes

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterable, Sequence

    import polars as pl
    import sqlalchemy as sa

    from algomancy_data.database.key_plan import KeyForm
    from algomancy_data.etl import ETLFactory
    from algomancy_data.etl.settings import ManagerSettings
    from algomancy_data.logs import Logger
    from algomancy_data.schema import Schema


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
        verify_on_load: Compare the check sums of what is read: of whole tables, and of the columns
            that a scan reads, unless it reads the first rows only.
        overlap: Write rows of large tables while later ones are still read and checked, in a
            transaction that has its locks for as long; False keeps them for the write alone.
        keys: What the database is told of the keys that the schemas declare, in tables that are
            written: ``"index"`` for an index of each primary key, unique column and foreign key;
            ``"constraints"`` for PRIMARY KEY, NOT NULL, UNIQUE and FOREIGN KEY where the rows keep
            them, and an index and a line in the log where not; None for nothing. A schema's
            ``_SQL_KEYS`` counts more.
        max_connections: How many connections to a server this process may have together with the
            workers of a batch or a load, if not as many as the server has left, but for a tenth
            that stays for others. Means nothing for a file.
        **settings: ``halt_on``, ``message_limit``, ``progress``, ``quarantine``, ``read_limits``
            and ``memory_limit``, as for :class:`~algomancy_data.DataManager`.

    Raises:
        ArgumentError: So few connections are not enough.
        ValueError: ``keys`` is none of these.
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
        data_object_type: type[BASEDATASOURCE] = DataSource,
        datasource_cache_size: int | None = None,
        logger: Logger | logging.Logger | None = None,
        *,
        datasource_cache_bytes: int | None = None,
        verify_on_load: bool = False,
        overlap: bool = True,
        keys: KeyForm | None = None,
        max_connections: int | None = None,
        **settings: Unpack[ManagerSettings],
    ) -> None:
        schemas = schema_classes(schemas)
        self._database = DatabaseStore(
            engine,
            session_id,
            verify_on_load=verify_on_load,
            overlap=overlap,
            keys=WantedKeys.of(schemas, keys),
            max_connections=max_connections,
        )
        super().__init__(
            etl_factory,
            schemas,
            "database",
            data_object_type,
            logger,
            store=self._database,
            datasource_cache_size=datasource_cache_size,
            datasource_cache_bytes=datasource_cache_bytes,
            **settings,
        )

    @property
    def engine(self) -> sa.Engine:
        """The engine through which everything goes."""
        return self._database.engine

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
        return self._database.query(sql, datasets)
