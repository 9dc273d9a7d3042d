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
    """Turns frames into what a database holds exactly, and back; a ``codec`` module is one."""

    def plan(self, frame: pl.DataFrame, table: str) -> tuple[ColumnLayout, ...]:
        """Return the layout of each column of the frame, or refuse it."""
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
    """How many rows are encoded and written at a time; Ctrl-C takes effect between them."""

    takes_text: ClassVar[bool]
    """Whether queries may be plain text, and tables mere names without column types."""

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


class NameTakenError(Exception):
    """A table cannot have a name, since a table or view has it."""


# What is written at a time is there several times: as a frame, encoded, and as the next one.
_WRITES_IN_MEMORY: Final = 16

PLAIN_TEXT: Final = re.compile(r"[\w .,;@+/()#-]*", re.ASCII)
"""Texts that are safe between quotes in any SQL."""


def integer_literal(value: Any) -> sa.ColumnElement[Any]:
    """Return a whole number as SQL has it."""
    return sa.literal(int(value), sa.BigInteger())


class Counterpart(NamedTuple):
    """A column in SQL, and the literals that it equals exactly where the values do in Polars.

    Args:
        column: The column, or what to compare instead.
        literals: The values to compare it with.
        keeps_order: Whether ``<`` and ``>`` also agree with Polars.
        besides: A condition that holds for rows whose order disagrees, if there can be any.
    """

    column: sa.ColumnElement[Any]
    literals: list[sa.ColumnElement[Any]]
    keeps_order: bool = False
    besides: sa.ColumnElement[bool] | None = None


class TableFound(NamedTuple):
    """What a database says about a table.

    Args:
        columns: The declared type of each column, in order.
        owner: The owner that its comment names, if any.
        children: Its children.
    """

    columns: dict[str, str]
    owner: TableOwner | None = None
    children: tuple[str, ...] = ()


class TableStorage(ABC):
    """How a kind of database keeps frames.

    Args:
        bulk: How rows are written and read.

    Attributes:
        in_memory_bytes: Up to which size a table is made in memory; rows written and read at a time
            take a share of it.
    """

    integer: ClassVar[str]
    """The declared type of a whole number, as :meth:`look_at` returns it."""

    read_isolation: ClassVar[str]
    """Isolation level of a transaction that reads."""

    write_isolation: ClassVar[str]
    """Isolation level of a transaction that writes."""

    anywhere: ClassVar[range | None] = None
    """A range that stands for all places in a table; None if there is no such range."""

    overlaps: ClassVar[bool] = True
    """Whether rows can be written while Python works on others."""

    fewest_rows_per_read: ClassVar[int] = 125_000
    """How many rows of a table are worth a query where several connections read it."""

    create_tells_taken: ClassVar[bool] = False
    """Whether :meth:`create` may be given a name that something has, and does no harm then."""

    constrains_later: ClassVar[bool]
    """Whether constraints can be added to a filled table; else they are part of a new one."""

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
        """Access to single rows; None if added rows may end up before others."""
        return None

    @property
    def table_parts(self) -> TableParts | None:
        """How tables are written in parts by several workers; None if they cannot be."""
        return None

    def free_connections(self, connection: sa.Connection) -> int | None:
        """Return how many more connections a server can spare; None if there is no limit."""
        del connection
        return None

    @abstractmethod
    def begin_reading(self, connection: sa.Connection, session: str, dataset: str) -> None:
        """Make the transaction see one state of a dataset; called before anything else."""

    @abstractmethod
    def hold(self, connection: sa.Connection, session: str, dataset: str) -> None:
        """Keep others from changing a dataset until the transaction ends, or wait for them."""

    @abstractmethod
    def help_reading(self, connection: sa.Connection) -> None:
        """Prepare another connection to read beside one that has begun; it must not wait."""

    @abstractmethod
    def begin_writing(self, connection: sa.Connection, session: str, *datasets: str) -> None:
        """Make the transaction the only one that changes some datasets; called first."""

    def large_write(
        self, connection: sa.Connection, size: int | None = None
    ) -> AbstractContextManager[None]:
        """Surround a transaction that writes a lot.

        Args:
            connection: The connection, before the transaction writes.
            size: About how many bytes it writes, at least; None if that is not known.
        """
        del connection, size  # most databases need nothing
        return nullcontext()

    def filling_constrained(self, connection: sa.Connection) -> AbstractContextManager[None]:
        """Surround the filling of tables that were created with their constraints."""
        del connection  # most databases make them afterwards
        return nullcontext()

    def finish(self) -> None:  # noqa: B027  most databases have nothing to wait for
        """Wait for work in the background."""

    @abstractmethod
    def reader_engine(self, engine: sa.Engine) -> sa.Engine | None:
        """Return an engine for more reading connections, or None if there can be none."""

    def can_name(self, connection: sa.Connection, physical: str) -> bool:
        """Tell whether the database's encoding has all characters of a table's name."""
        del connection, physical  # most databases have all of Unicode
        return True

    def taken(self, connection: sa.Connection, names: Sequence[str]) -> set[str]:
        """Return which of some names are taken by tables or views."""
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
        """Create a table whose comment names its owner.

        Args:
            connection: A connection in a transaction.
            physical: Its name.
            columns: The declared type of each column.
            owner: What it holds.
            keys: Its keys, if they have to be declared before there are rows.

        Raises:
            NameTakenError: Something has the name; only if :attr:`create_tells_taken`.
        """

    @abstractmethod
    def owners(self, connection: sa.Connection) -> dict[str, TableOwner | None]:
        """Return the owner of each table whose name has this package's prefix."""

    @abstractmethod
    def owners_of(
        self, connection: sa.Connection, names: Iterable[str]
    ) -> dict[str, TableOwner | None]:
        """Return the owners of some tables; tables that are gone are left out."""

    def remark(self, connection: sa.Connection) -> str | None:
        """Return what users should know about how the database is opened, if anything."""
        del connection

    def self_check(self, connection: sa.Connection) -> list[str]:
        """Return what the database itself finds wrong with its files, if it can check them."""
        del connection
        return []

    def foreign_value(
        self, connection: sa.Connection, table: sa.Table, column: ColumnLayout
    ) -> tuple[str, int] | None:
        """Return the first value of another type than its column was written with, and its row.

        Only databases whose columns take values of any type have such values.

        Args:
            connection: A connection in a transaction.
            table: The table.
            column: The column's layout.
        """
        del connection, table, column

    def children(self, connection: sa.Connection, physical: str) -> list[str]:
        """Return the children of a table."""
        del connection, physical  # most databases have no such
        return []

    def is_as_created(
        self, connection: sa.Connection, layout: TableLayout, owner: TableOwner
    ) -> bool:
        """Tell whether a table is certainly as it was created; if not, :meth:`look_at` decides."""
        del connection, layout, owner  # most databases find a table at once
        return False

    @abstractmethod
    def look_at(self, connection: sa.Connection, physical: str) -> TableFound:
        """Return what the database says about a table; no columns if it is gone."""

    @abstractmethod
    def extents(self, connection: sa.Connection, layout: TableLayout) -> list[range]:
        """Return the places of a table's rows, in the order in which they were written.

        The places of the table come first, then those of each child, in ascending order. A range
        is never empty, but may contain places without rows.
        """

    def relation(self, layout: TableLayout, place: int) -> str:
        """Return the name of the table, or of the child, that has a place."""
        del place  # most databases need no children
        return layout.physical

    @abstractmethod
    def from_text(self, table: str, places: range) -> str:
        """Return the FROM clause of a query of a table's rows at some places, in order.

        Args:
            table: The table that has these places, or the child; quoted.
            places: The places.
        """

    @abstractmethod
    def at(self, query: sa.Select[Any], table: sa.TableClause, places: range) -> sa.Select[Any]:
        """Return the query, limited to a table's rows at these places, in order."""

    @abstractmethod
    def counterpart(
        self, column: sa.Column[Any], layout: ColumnLayout, encoded: list[Any]
    ) -> Counterpart | None:
        """Return how a column compares with literals; None if not as it does in Polars.

        Args:
            column: The column of the table.
            layout: Its layout.
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
        """Create a table, as :meth:`create` does, with the rows of others with the same columns.

        The rows stay in order. Several originals are a table and its children.
        """

    # --- keys -------------------------------------------------------------------------------

    @abstractmethod
    def is_exact_key(self, column: ColumnLayout) -> bool:
        """Tell whether values of a column are equal in SQL exactly where they are in Polars."""

    def index_problem(self, columns: Sequence[ColumnLayout], values: pl.DataFrame) -> str | None:
        """Return why some columns cannot be indexed, or None.

        Args:
            columns: Layouts of the columns.
            values: Their values.
        """
        del values  # most databases have room for any value
        odd = [one.name for one in columns if one.storage in nested.WORDS]
        return f"values of column {odd[0]!r} are nested" if odd else None

    @abstractmethod
    def add_keys(self, connection: sa.Connection, keys: KeysInSQL) -> None:
        """Add indexes and constraints, except references, to a table that has its rows."""

    @abstractmethod
    def add_references(self, connection: sa.Connection, keys: KeysInSQL) -> None:
        """Add those foreign key constraints that are missing; parents have their keys already."""

    @abstractmethod
    def defer_references(self, connection: sa.Connection) -> None:
        """Let rows refer to missing ones until the transaction ends."""

    @abstractmethod
    def drop_references(self, connection: sa.Connection, tables: Iterable[str]) -> None:
        """Drop this package's constraints that keep tables, given by name, from being dropped."""

    @abstractmethod
    def keys_found(self, connection: sa.Connection, layout: TableLayout) -> KeysFound:
        """Return what the database says of a table's keys."""

    # --- tables -----------------------------------------------------------------------------

    def columns_of(self, layout: TableLayout) -> dict[str, str]:
        """Return the declared type of each column that a table has."""
        return layout.physical_columns() or {NO_COLUMNS: self.integer}

    def target(self, physical: str, columns: Mapping[str, str]) -> sa.TableClause:
        """Return a table to write rows into, of columns with their declared types."""
        if not self.bulk.takes_text:
            return self.table(physical, columns)
        # A tenth of the time that a full SQLAlchemy table takes to build.
        return table_named(physical, columns)

    def table_of(self, layout: TableLayout, physical: str | None = None) -> sa.Table:
        """Return a table for SQLAlchemy.

        Args:
            layout: Its layout.
            physical: Name of another table with the same columns; None for the table itself.
        """
        return self.table(physical or layout.physical, self.columns_of(layout))

    def table(self, physical: str, columns: Mapping[str, str]) -> sa.Table:
        """Return a table whose columns have the declared types that the codec names.

        Column keys are numbers, since a name may be anything.
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
    """Return a name that is always quoted."""
    return sa.sql.quoted_name(name, quote=True)


def table_named(physical: str, columns: Iterable[str]) -> sa.TableClause:
    """Return a table of which only the names are known."""
    return sa.table(quoted(physical), *map(sa.column, map(quoted, columns)))


INDEX_PREFIX: Final = "algomancy_key_"
REFERENCE_PREFIX: Final = "algomancy_reference_"


def index_name(layout: TableLayout, columns: Sequence[ColumnLayout]) -> str:
    """Return a name that no other index has: all indexes share one namespace."""
    return _name(INDEX_PREFIX, layout, (column.physical for column in columns))


def reference_name(layout: TableLayout, reference: Reference) -> str:
    """Return a name that no other foreign key constraint has."""
    return _name(REFERENCE_PREFIX, layout, reference.columns)


def _name(prefix: str, layout: TableLayout, columns: Iterable[str]) -> str:
    exact = "\0".join([layout.physical, *columns]).encode()
    return f"{prefix}{hashlib.sha256(exact).hexdigest()[:32]}"
