"""The bundled DataSource: a dict of Polars frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, cast

from algomancy_data.datasource.base import BaseDataSource, DataClassification
from algomancy_data.datasource.display import display_of
from algomancy_data.datasource.serialization import document_from_json, document_to_json
from algomancy_data.display.grid import MOST_ROWS
from algomancy_data.display.objects import Displayed
from algomancy_data.display.words import counted
from algomancy_data.engine_failures import engine_failures
from algomancy_data.errors import (
    DatasetNameError,
    MissingExtraError,
    SerializationError,
    TableNotFoundError,
)
from algomancy_data.frames.pandas_frames import check_pandas_holds
from algomancy_data.frames.tabular import to_frame
from algomancy_data.logs import as_logger

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    import polars as pl

    from algomancy_data.display.objects import Display
    from algomancy_data.frames.tabular import Tabular
    from algomancy_data.logs import Logger
    from algomancy_data.messages import ValidationMessage


class Tables(dict[str, "pl.DataFrame"]):
    """Tables by name; each becomes a ``polars.DataFrame`` when it is put in.

    Example:
        >>> import pyarrow as pa
        >>> tables = Tables()
        >>> tables["t"] = pa.table({"a": [1]})
        >>> type(tables["t"]).__name__
        'DataFrame'
    """

    def __init__(
        self,
        tables: Mapping[str, Any] | Iterable[tuple[str, Any]] = (),
        /,
        **named: Any,
    ) -> None:
        super().__init__()
        self.update(tables, **named)

    def __setitem__(self, name: str, table: Tabular | Any) -> None:
        """Convert the table and keep it."""
        if not isinstance(cast("object", name), str):
            msg = f"A table's name must be text, not {name!r}."
            raise DatasetNameError(msg)
        super().__setitem__(name, to_frame(table, name))

    def update(  # pyright: ignore[reportIncompatibleMethodOverride]  takes more than dict.update
        self,
        tables: Mapping[str, Any] | Iterable[tuple[str, Any]] = (),
        /,
        **named: Any,
    ) -> None:
        """Convert and keep several tables."""
        for name, table in dict(tables, **named).items():
            self[name] = table

    def setdefault(self, name: str, table: Tabular | Any = None, /) -> pl.DataFrame:
        """Return the table of that name, after keeping ``table`` if there was none."""
        if name not in self:
            self[name] = table
        return self[name]

    def __ior__(self, tables: Any) -> Self:
        """Convert and keep several tables."""
        self.update(tables)
        return self


class DataSource(Displayed, BaseDataSource):
    """A dataset: named Polars frames.

    Frames are shared, never copied: do not change one in place that others may hold.

    Args:
        ds_type: Where the data comes from.
        name: Name of the dataset.
        validation_messages: What the ETL found in the data.
        ds_id: Identity; a new UUID if not given.
        creation_datetime: When the data was created; now if not given.

    Example:
        >>> import polars as pl
        >>> source = DataSource(DataClassification.MASTER_DATA, name="example")
        >>> source.add_table("t", pl.DataFrame({"a": [1, 2]}))
        >>> source.list_tables(), source.get_table("t").height
        (['t'], 2)
    """

    def __init__(
        self,
        ds_type: DataClassification,
        name: str | None = None,
        validation_messages: list[ValidationMessage] | None = None,
        ds_id: str | None = None,
        creation_datetime: datetime | None = None,
    ) -> None:
        super().__init__(ds_type, name, validation_messages, ds_id, creation_datetime)
        self._tables = Tables()

    @property
    def tables(self) -> Tables:
        """The tables by name, in order; a dict that can be changed and assigned."""
        return self._tables

    @tables.setter
    def tables(self, tables: Mapping[str, Any]) -> None:
        self._tables = tables if isinstance(tables, Tables) else Tables(tables)

    def add_table(
        self, name: str, df: Tabular | Any, logger: Logger | logging.Logger | None = None
    ) -> None:
        """Add or replace a table.

        Args:
            name: Name of the table.
            df: A Polars, pyarrow or pandas frame, or anything else with an Arrow stream. A
                ``polars.LazyFrame`` is collected, into a scratch file if it is larger than memory
                should hold.
            logger: Told about it, if given.

        Raises:
            FrameError: ``df`` is not tabular.
        """
        self._tables[name] = df
        if logger is not None:
            rows = counted(self._tables[name].height, "row")
            as_logger(logger).log(f"Added table {name!r} with {rows}.")

    def get_table(self, name: str) -> pl.DataFrame:
        """Return a table.

        Raises:
            TableNotFoundError: There is none of that name (also a ``KeyError``).
        """
        try:
            return self._tables[name]
        except KeyError:
            raise TableNotFoundError.from_available(name, self._tables) from None

    def scan(self, name: str) -> pl.LazyFrame:
        """Return a table as a LazyFrame, as ``DataManager.scan_table`` does of a stored one.

        Raises:
            TableNotFoundError: There is none of that name (also a ``KeyError``).

        Example:
            >>> import polars as pl
            >>> source = DataSource(DataClassification.MASTER_DATA, name="example")
            >>> source.add_table("t", {"a": [1, 2]})
            >>> source.scan("t").filter(pl.col("a") > 1).collect().rows()
            [(2,)]
        """
        return self.get_table(name).lazy()

    def list_tables(self) -> list[str]:
        """Return the names of the tables, in order."""
        return list(self._tables)

    def to_pandas(self) -> dict[str, Any]:
        """Return the tables as pandas frames, on purpose: everything else here is Polars.

        Columns are in Arrow's types and share the memory of ours where their layout allows it, so
        integers with nulls stay integers, and NaN is not null. For columns in NumPy's types, which
        are less exact, call ``to_pandas()`` of a single frame.

        Returns:
            A ``pandas.DataFrame`` per table, by name.

        Raises:
            MissingExtraError: pandas is not installed.
            FrameError: pandas cannot hold a column: integers of 128 bits, and objects.

        Example:
            >>> source = DataSource(DataClassification.MASTER_DATA, name="example")
            >>> source.add_table("t", {"a": [2**60 + 1, None]})
            >>> source.to_pandas()["t"]["a"].dtype
            int64[pyarrow]
            >>> source.get_table("t").to_pandas()["a"].dtype  # and the last digits are gone
            dtype('float64')
        """
        return pandas_frames(self._tables)

    def to_sql_tables(self) -> dict[str, pl.DataFrame]:
        """Return the frames that a database keeps as tables."""
        return self._tables

    def from_sql_tables(self, tables: Mapping[str, Tabular | Any]) -> None:
        """Take over the frames that a database kept."""
        self.tables = tables

    def to_json(self) -> str:
        """Return the DataSource as JSON: the HTTP API's body and the pandas package's file.

        Raises:
            SerializationError: A column has a dtype that JSON cannot hold exactly.
        """
        metadata = {
            "id": self.id,
            "name": self.name,
            "type": str(self.ds_type),
            "creation_datetime": str(self.creation_datetime),
            "tables": self.list_tables(),
        }
        with engine_failures(SerializationError, f"Writing dataset {self.name!r} as JSON"):
            return document_to_json(metadata, self._tables)

    @classmethod
    def from_json(cls, json_string: str) -> Self:
        """Build a DataSource from JSON of this or of the pandas package.

        A column of the pandas package with values of several kinds is read as text, and a message
        of the DataSource says so (WARNING, ``MIXED_AS_TEXT``).

        Raises:
            SerializationError: The text is no such JSON (also a ``ValueError`` and ``KeyError``).
        """
        with engine_failures(SerializationError, "Reading a dataset from JSON"):
            metadata, tables, messages = document_from_json(json_string)
        source = cls(
            ds_type=metadata.ds_type,
            name=metadata.name,
            ds_id=metadata.ds_id,
            creation_datetime=metadata.creation_datetime,
        )
        source.tables = tables
        source.validation_messages = messages
        return source

    def _duplicate(self) -> Self:
        if not is_made_of_tables(type(self)):
            return super()._duplicate()
        duplicate = type(self)(ds_type=self.ds_type, name=self.name)
        # Clones share all buffers, but a change of one in place does not reach the other.
        duplicate.tables = {name: frame.clone() for name, frame in self._tables.items()}
        return duplicate

    def _display(self) -> Display:
        return display_of(self, self._tables)

    def __repr__(self) -> str:
        """Show name, type and the shape of each table."""
        shown = [
            f"{name} {frame.height:,} × {frame.width}"
            for name, frame in list(self._tables.items())[:MOST_ROWS]
        ]
        if (rest := len(self._tables) - len(shown)) > 0:
            shown.append(f"and {counted(rest, 'more table')}")
        tables = ", ".join(shown) or "no tables"
        return f"<{type(self).__name__} {self.name!r} ({self.ds_type}): {tables}>"


def is_made_of_tables(cls: type[Any]) -> bool:
    """Tell whether a class is a DataSource with no state but its identity and its tables.

    A subclass with a serial form of its own may have other state, which only that form knows.
    """
    return issubclass(cls, DataSource) and _inherits(cls, "to_json", "from_json")


def tables_of(data: BaseDataSource | None) -> Mapping[str, pl.DataFrame]:
    """Return the tables of a DataSource; none of one of another class, which may have none."""
    return data.tables if isinstance(data, DataSource) else {}


def is_plain(cls: type[Any]) -> bool:
    """Tell whether a derived DataSource has the same tables, and nothing else of its own.

    Then a store can copy the tables by itself; the hooks of a subclass must be asked otherwise.

    Example:
        >>> class Mine(DataSource):
        ...     def _post_derive(self):
        ...         self.add_table("derived", {"x": [1]})
        >>> is_plain(DataSource), is_plain(Mine)
        (True, False)
    """
    if cls is DataSource:
        return True
    return is_made_of_tables(cls) and _inherits(
        cls, "derive", "_duplicate", "_post_derive", "to_sql_tables", "from_sql_tables"
    )


def _inherits(cls: type[DataSource], *methods: str) -> bool:
    return all(_function(cls, one) is _function(DataSource, one) for one in methods)


def _function(cls: type[DataSource], method: str) -> object:
    bound = getattr(cls, method)
    return getattr(bound, "__func__", bound)  # that of a classmethod


def pandas_frames(tables: Mapping[str, pl.DataFrame]) -> dict[str, Any]:
    """Return a ``pandas.DataFrame`` per table, with columns in Arrow's types.

    Args:
        tables: The frames by name.

    Raises:
        MissingExtraError: pandas is not installed.
        FrameError: pandas cannot hold a column.
    """
    return {name: _pandas_frame(frame, name) for name, frame in tables.items()}


def _pandas_frame(frame: pl.DataFrame, name: str) -> Any:
    check_pandas_holds(frame, name)
    try:
        return frame.to_pandas(use_pyarrow_extension_array=True)
    except ImportError as error:
        raise MissingExtraError.from_package("DataSource.to_pandas()", "pandas") from error
