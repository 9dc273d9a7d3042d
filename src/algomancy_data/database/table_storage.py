"""What the store asks of a kind of database."""

from __future__ import annotations

import hashlib
import re
from abc import ABC, abstractmethod
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple, Protocol

import sqlalchemy as sa

from algomancy_data.database import nested
from algomancy_data.database.naming import NO_COLUMNS
from algomancy_data.memory import IN_MEMORY_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager

    import polars as pl

    from algomancy_data.database.layout import ColumnLayout, TableLayout
    from algomancy_data.database.naming import TableOwner
    from algomancy_data.database.row_access import RowAccess
    from algomancy_data.database.table_keys import KeysFound, KeysInSQL, Reference
    from algomancy_data.database.table_parts import TableParts


class Codec(Protocol):
    """Frames as a database holds them exactly, and back; a module of ``codec`` is one."""

    def plan(self, frame: pl.DataFrame, table: str) -> tuple[ColumnLayout, ...]:
        """Return how each column of the frame lies in a table, or refuse it."""
        ...

    def encode(self, frame: pl.DataFrame, columns: Sequence[ColumnLayout]) -> pl.DataFrame:
        """Return the frame as it goes into the table."""
        ...

    def decode(
        self, stored: pl.DataFrame, columns: Sequence[ColumnLayout], table: str
    ) -> pl.DataFrame:
        """Return the frame that ``encode`` was given."""
        ...


class BulkAccess(Protocol):
    """Moves rows between frames and tables, on the connection's own transaction."""

    rows_per_write: ClassVar[int]
    """So many rows at a time are encoded and written, and between them one can interrupt."""

    takes_text: ClassVar[bool]
    """Whether a query may be a text, and a table its names: nobody need say the columns' types."""

    def arranged(self, rows: Any) -> list[Any]:
        """Return encoded rows as :meth:`ingest` takes them; may be called in another thread.

        Args:
            rows: An Arrow table of one chunk.
        """
        ...

    def ingest(
        self, connection: sa.Connection, table: sa.TableClause, parts: Iterable[Any]
    ) -> None:
        """Append rows to a table, in order; columns go by name."""
        ...

    def fetch(
        self, connection: sa.Connection, query: sa.Select[Any] | str, most_rows: int
    ) -> pl.DataFrame:
        """Return the rows of a query, at most so many, in types that suit all of them."""
        ...


# What is written at a time is there several times: as a frame, encoded, and as the next one.
_WRITES_IN_MEMORY: Final = 16

PLAIN_TEXT: Final = re.compile(r"[\w .,;@+/()#-]*", re.ASCII)
"""Texts that are safe between quotes in any SQL."""


def integer_literal(value: Any) -> sa.ColumnElement[Any]:
    """Return a whole number as SQL has it."""
    return sa.literal(int(value), sa.BigInteger())


class Counterpart(NamedTuple):
    """A column in SQL, and literals that it equals where the values do in Polars.

    Args:
        column: The column, or what to compare instead.
        literals: The values to compare it with.
        keeps_order: Whether it is also greater and less where it is in Polars.
        besides: What is true for rows whose order is another one, if there can be any.
    """

    column: sa.ColumnElement[Any]
    literals: list[sa.ColumnElement[Any]]
    keeps_order: bool = False
    besides: sa.ColumnElement[bool] | None = None


class TableFound(NamedTuple):
    """What a database says about a table.

    Args:
        columns: The declared type of each column, in order.
        owner: Whose it says that it is; None if it does not say.
        children: Tables whose rows are among its own.
    """

    columns: dict[str, str]
    owner: TableOwner | None = None
    children: tuple[str, ...] = ()


class TableStorage(ABC):
    """How a kind of database keeps frames.

    Args:
        bulk: How rows get there and back.

    Attributes:
        in_memory_bytes: Up to which size a table is made in memory; rows that are written and read
            at a time take a share of it.
    """

    integer: ClassVar[str]
    """The declared type of a whole number, as :meth:`look_at` gives it back."""

    read_isolation: ClassVar[str]
    """Isolation level of a transaction that reads."""

    write_isolation: ClassVar[str]
    """Isolation level of a transaction that writes."""

    anywhere: ClassVar[range | None] = None
    """What stands for all places that a table can have, if it can be asked for all its rows."""

    overlaps: ClassVar[bool] = True
    """Whether rows can be written while Python is busy with others."""

    constrains_later: ClassVar[bool]
    """Whether constraints can be made when there are rows; else they are part of a new table."""

    def __init__(self, bulk: BulkAccess) -> None:
        self.bulk = bulk
        self.in_memory_bytes = IN_MEMORY_BYTES

    def rows_per_write(self, frame: pl.DataFrame) -> int:
        """Return how many rows of a frame are encoded and written at a time."""
        most = self.bulk.rows_per_write
        if self.in_memory_bytes >= IN_MEMORY_BYTES:
            return most
        at_once = self.in_memory_bytes // _WRITES_IN_MEMORY
        return max(min(most, frame.height * at_once // max(int(frame.estimated_size()), 1)), 1)

    @property
    @abstractmethod
    def codec(self) -> Codec:
        """The codec of this kind of database."""

    @property
    def row_access(self) -> RowAccess | None:
        """Single rows; None if rows that are added can come to lie before others."""
        return None

    @property
    def table_parts(self) -> TableParts | None:
        """What is known of tables in parts, which many can write; None if one has to."""
        return None

    def free_connections(self, connection: sa.Connection) -> int | None:
        """Return how many more connections a server can spare; None where there is no limit."""
        del connection
        return None

    @abstractmethod
    def begin_reading(self, connection: sa.Connection, session: str, dataset: str) -> None:
        """Make sure that the transaction sees one state of a dataset; before anything else."""

    @abstractmethod
    def hold(self, connection: sa.Connection, session: str, dataset: str) -> None:
        """Keep others from changing a dataset until the transaction ends, or wait for them."""

    @abstractmethod
    def help_reading(self, connection: sa.Connection) -> None:
        """Get a further connection ready to read beside one that began; it must not wait."""

    @abstractmethod
    def begin_writing(self, connection: sa.Connection, session: str, *datasets: str) -> None:
        """Make sure that the transaction alone changes some datasets; before anything else."""

    def large_write(self, connection: sa.Connection) -> AbstractContextManager[None]:
        """Surround a transaction that writes much."""
        del connection  # most databases need nothing
        return nullcontext()

    def filling_constrained(self, connection: sa.Connection) -> AbstractContextManager[None]:
        """Surround the filling of tables whose constraints are said before there are rows."""
        del connection  # most databases make them afterwards
        return nullcontext()

    def finish(self) -> None:  # noqa: B027  most databases have nothing to wait for
        """Wait for what goes on in the background."""

    @abstractmethod
    def reader_engine(self, engine: sa.Engine) -> sa.Engine | None:
        """Return an engine for further connections that read, or None if there can be none."""

    def can_name(self, connection: sa.Connection, physical: str) -> bool:
        """Tell whether the database has all characters of a table's name."""
        del connection, physical  # most databases have all of Unicode
        return True

    def taken(self, connection: sa.Connection, names: Sequence[str]) -> set[str]:
        """Return those of some names that a table or view has."""
        return {name for name in names if connection.dialect.has_table(connection, name)}

    @abstractmethod
    def create(
        self,
        connection: sa.Connection,
        physical: str,
        columns: Mapping[str, str],
        owner: TableOwner,
        keys: KeysInSQL | None = None,
    ) -> None:
        """Create a table that says whose it is.

        Args:
            connection: A connection in a transaction.
            physical: Its name.
            columns: The declared type of each column.
            owner: What it holds.
            keys: Its keys, where they have to be said before there are rows.
        """

    @abstractmethod
    def owners(self, connection: sa.Connection) -> dict[str, TableOwner | None]:
        """Return the owner of each table whose name begins like those of this package."""

    @abstractmethod
    def owners_of(
        self, connection: sa.Connection, names: Iterable[str]
    ) -> dict[str, TableOwner | None]:
        """Return the owner of each of some tables, without those that are gone."""

    def remark(self, connection: sa.Connection) -> str | None:
        """Return what users should know about how the database is opened, if there is anything."""
        del connection

    def self_check(self, connection: sa.Connection) -> list[str]:
        """Return what the database itself finds wrong with its files, if it can look."""
        del connection
        return []

    def foreign_value(
        self, connection: sa.Connection, table: sa.Table, column: ColumnLayout
    ) -> tuple[str, int] | None:
        """Return the first value of a type that its column was not written with, and its row.

        Only a database whose columns take values of any type has such.

        Args:
            connection: A connection in a transaction.
            table: The table.
            column: How the values should lie in it.
        """
        del connection, table, column

    def children(self, connection: sa.Connection, physical: str) -> list[str]:
        """Return the tables whose rows are among those of a table."""
        del connection, physical  # most databases have no such
        return []

    def is_as_created(
        self, connection: sa.Connection, layout: TableLayout, owner: TableOwner
    ) -> bool:
        """Tell whether a table surely is as it was created; if not, :meth:`look_at` says how."""
        del connection, layout, owner  # most databases find a table at once
        return False

    @abstractmethod
    def look_at(self, connection: sa.Connection, physical: str) -> TableFound:
        """Return what the database says about a table; no columns if it is gone."""

    @abstractmethod
    def extents(self, connection: sa.Connection, layout: TableLayout) -> list[range]:
        """Return the places of a table's rows, in the order in which they were written.

        They are those of the table and of each of its children, greater from one to the next. Each
        may have places without rows, and is never empty.
        """

    def relation(self, layout: TableLayout, place: int) -> str:
        """Return which table, the one or a child of it, has a place."""
        del place  # most databases need no children
        return layout.physical

    @abstractmethod
    def from_text(self, table: str, places: range) -> str:
        """Return what stands behind FROM in a query of a table's rows at places, in their order.

        Args:
            table: The table that has these places, or the child; quoted.
            places: The places.
        """

    @abstractmethod
    def at(self, query: sa.Select[Any], table: sa.TableClause, places: range) -> sa.Select[Any]:
        """Return a query of one table limited to its rows at these places, in their order."""

    @abstractmethod
    def counterpart(
        self, column: sa.Column[Any], layout: ColumnLayout, encoded: list[Any]
    ) -> Counterpart | None:
        """Return how a column compares with literals, or None if not as in Polars.

        Args:
            column: The column of the table.
            layout: How the values lie in it.
            encoded: The literals, as the codec encodes such values.
        """

    @abstractmethod
    def copy(
        self,
        connection: sa.Connection,
        originals: Sequence[sa.TableClause],
        physical: str,
        columns: Mapping[str, str],
        owner: TableOwner,
        keys: KeysInSQL | None = None,
    ) -> None:
        """Create a table, as :meth:`create` does, with the rows of others that have its columns.

        The rows come in order. There are several originals only if the first has children.
        """

    # --- keys -------------------------------------------------------------------------------

    @abstractmethod
    def is_exact_key(self, column: ColumnLayout) -> bool:
        """Tell whether values of a column are equal in SQL exactly where they are in Polars."""

    def index_problem(self, columns: Sequence[ColumnLayout], values: pl.DataFrame) -> str | None:
        """Return why there can be no index of some columns, or None.

        Args:
            columns: How the columns lie in the table.
            values: Their values.
        """
        del values  # most databases have room for any value
        odd = [one.name for one in columns if one.storage in nested.WORDS]
        return f"values of column {odd[0]!r} are nested" if odd else None

    @abstractmethod
    def add_keys(self, connection: sa.Connection, keys: KeysInSQL) -> None:
        """Make the indexes of a table that has its rows, and its constraints but for references."""

    @abstractmethod
    def add_references(self, connection: sa.Connection, keys: KeysInSQL) -> None:
        """Make the constraints by which other tables, which have their keys, have the values.

        Nothing is done about those that are there.
        """

    @abstractmethod
    def defer_references(self, connection: sa.Connection) -> None:
        """Let rows refer to some that are missing until the transaction ends."""

    @abstractmethod
    def drop_references(self, connection: sa.Connection, tables: Iterable[str]) -> None:
        """Drop the constraints of this package that keep tables, by name, from being dropped."""

    @abstractmethod
    def keys_found(self, connection: sa.Connection, layout: TableLayout) -> KeysFound:
        """Return what the database says of a table's keys."""

    # --- tables -----------------------------------------------------------------------------

    def columns_of(self, layout: TableLayout) -> dict[str, str]:
        """Return the declared type of each column that a table has."""
        return layout.physical_columns() or {NO_COLUMNS: self.integer}

    def target(self, physical: str, columns: Mapping[str, str]) -> sa.TableClause:
        """Return a table of columns, with their declared types, as rows go into it."""
        if not self.bulk.takes_text:
            return self.table(physical, columns)
        # A tenth of the time that a table takes to be made with all that SQLAlchemy knows of one.
        return table_named(physical, columns)

    def table_of(self, layout: TableLayout, physical: str | None = None) -> sa.Table:
        """Return a table as SQLAlchemy knows one.

        Args:
            layout: How it lies in the database.
            physical: Name of one with the same columns; None for the table itself.
        """
        return self.table(physical or layout.physical, self.columns_of(layout))

    def table(self, physical: str, columns: Mapping[str, str]) -> sa.Table:
        """Return a table whose columns have the declared types that the codec names.

        Columns have their numbers for keys, since a name may be anything.
        """
        return sa.Table(
            quoted(physical),
            sa.MetaData(),
            *(
                sa.Column(quoted(name), DeclaredType(word), key=f"c{number}")
                for number, (name, word) in enumerate(columns.items())
            ),
        )


class DeclaredType(sa.types.UserDefinedType[Any]):
    """A column's type as a codec names it, such as ``numeric(10,2)``, or none at all.

    Args:
        name: The word for it in the database's SQL; may be empty in SQLite.
    """

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **options: Any) -> str:
        """Return the word."""
        del options  # none concerns a plain word
        return self.name


def quoted(name: str) -> sa.sql.quoted_name:
    """Return a name that is always quoted, whatever it is."""
    return sa.sql.quoted_name(name, quote=True)


def table_named(physical: str, columns: Iterable[str]) -> sa.TableClause:
    """Return a table of which no more than the names is known."""
    return sa.table(quoted(physical), *map(sa.column, map(quoted, columns)))


INDEX_PREFIX: Final = "algomancy_key_"
REFERENCE_PREFIX: Final = "algomancy_reference_"


def index_name(layout: TableLayout, columns: Sequence[ColumnLayout]) -> str:
    """Return a name that no other index has: databases have them all in one space."""
    return _name(INDEX_PREFIX, layout, (column.physical for column in columns))


def reference_name(layout: TableLayout, reference: Reference) -> str:
    """Return a name that no other constraint has by which a table refers to one."""
    return _name(REFERENCE_PREFIX, layout, reference.columns)


def _name(prefix: str, layout: TableLayout, columns: Iterable[str]) -> str:
    exact = "\0".join([layout.physical, *columns]).encode()
    return f"{prefix}{hashlib.sha256(exact).hexdigest()[:32]}"
