"""Rows as Python objects, on the engine's own connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, cast
from uuid import uuid4

import polars as pl
import sqlalchemy as sa
from polars.exceptions import PolarsError

from algomancy_data.database.naming import free_column_name
from algomancy_data.database.postgresql.names import as_value, comment_on
from algomancy_data.database.table_storage import DeclaredType, quoted
from algomancy_data.errors import SchemaDriftError
from algomancy_data.frames.side_by_side import side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_HEX: Final = "\\x"
_ROWS_PER_WRITE: Final = 50_000
_ORDER: Final = "order"


class RowBulk:
    """SQLite's values are Python's: integers, floats, texts and bytes."""

    rows_per_write: ClassVar[int] = _ROWS_PER_WRITE
    takes_text: ClassVar[bool] = False

    def arranged(self, rows: Any) -> list[pl.DataFrame]:
        """Return the rows as a frame."""
        return [pl.DataFrame(rows)]

    def ingest(
        self, connection: sa.Connection, table: sa.TableClause, parts: Iterable[pl.DataFrame]
    ) -> None:
        """Append rows to a table, in order; columns go by name."""
        _insert(connection, sa.insert(table), table, parts)

    def fetch(
        self, connection: sa.Connection, query: sa.Select[Any] | str, most_rows: int
    ) -> pl.DataFrame:
        """Return the rows of a query, in types that suit all of them."""
        del most_rows  # all are looked at, however many
        names, columns = _fetched(connection, cast("sa.Select[Any]", query))
        return side_by_side(
            _series(name, values) for name, values in zip(names, columns, strict=True)
        )


class TextBulk:
    """PostgreSQL's values travel as text, and the server casts them."""

    rows_per_write: ClassVar[int] = _ROWS_PER_WRITE
    takes_text: ClassVar[bool] = False

    def arranged(self, rows: Any) -> list[pl.DataFrame]:
        """Return the rows as a frame."""
        return [pl.DataFrame(rows)]

    def ingest(
        self, connection: sa.Connection, table: sa.TableClause, parts: Iterable[pl.DataFrame]
    ) -> None:
        """Fill a new table, in order; columns go by name.

        Inserted rows also go where earlier blocks have some room left, a short row behind a long
        one. So they are numbered, and the table is made of them in one statement, which goes
        through the blocks in order.
        """
        names = [str(column.name) for column in table.columns]
        staged = sa.Table(
            quoted(f"algomancy_order_{uuid4().hex}"),
            sa.MetaData(),
            *(sa.Column(quoted(str(one.name)), one.type, key=one.key) for one in table.columns),
            sa.Column(quoted(free_column_name("n", names)), sa.BigInteger(), key=_ORDER),
        )
        staged.create(connection, checkfirst=False)
        values = {
            column.key: sa.cast(sa.bindparam(column.key, type_=sa.Text()), column.type)
            for column in staged.columns
        }
        texts = (part.select(_as_text(column) for column in part) for part in _numbered(parts))
        _insert(connection, sa.insert(staged).values(values), staged, texts)
        order = staged.c[_ORDER]
        rows = sa.select(*(one for one in staged.columns if one is not order)).order_by(order)
        name = connection.dialect.identifier_preparer.format_table(table)
        about = sa.text("SELECT obj_description(to_regclass(:name), 'pg_class')")
        comment = connection.scalar(about, {"name": as_value(str(table.name))})
        connection.exec_driver_sql(f"DROP TABLE {name}")
        connection.exec_driver_sql(f"CREATE TABLE {name} AS {rows.compile(connection)}")
        if comment is not None:
            connection.exec_driver_sql(comment_on(name, comment))
        staged.drop(connection, checkfirst=False)

    def fetch(
        self, connection: sa.Connection, query: sa.Select[Any] | str, most_rows: int
    ) -> pl.DataFrame:
        """Return the rows of a query, in types that suit all of them."""
        del most_rows  # all are looked at, however many
        query = cast("sa.Select[Any]", query)  # it takes no text
        columns = list(query.selected_columns)
        words = [column.type.name for column in columns if isinstance(column.type, DeclaredType)]
        texts = query.with_only_columns(*(_text_of(column) for column in columns))
        _, values = _fetched(connection, texts)
        names = [str(getattr(column, "name", "")) for column in columns]
        try:
            return pl.DataFrame(
                [
                    _parsed(pl.Series(name, cells, dtype=pl.String()), word)
                    for name, cells, word in zip(names, values, words, strict=True)
                ]
            )
        except PolarsError as error:
            change = f"A table holds values that this driver's text does not give exactly: {error}"
            raise SchemaDriftError.from_change(change) from error


def _numbered(parts: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Yield parts with the number of each row as the last column."""
    rows = 0
    for part in parts:
        numbers = pl.int_range(rows, rows + part.height, dtype=pl.Int64(), eager=True)
        yield pl.DataFrame([*part, numbers.alias(free_column_name(_ORDER, part.columns))])
        rows += part.height


def _insert(
    connection: sa.Connection,
    statement: sa.Insert,
    table: sa.TableClause,
    parts: Iterable[pl.DataFrame],
) -> None:
    keys = list(table.columns.keys())
    for part in parts:
        rows = [dict(zip(keys, row, strict=True)) for row in part.iter_rows()]
        connection.execute(statement, rows)


def _fetched(
    connection: sa.Connection, query: sa.Select[Any]
) -> tuple[list[str], list[Sequence[Any]]]:
    """Return the names of a query's columns and their values."""
    result = connection.execute(query)
    names = [str(getattr(column, "name", "")) for column in query.selected_columns]
    rows = result.fetchall()
    return names, list(zip(*rows, strict=True)) if rows else [()] * len(names)


def _series(name: str, values: Sequence[Any]) -> pl.Series:
    """Return SQLite's values as the driver over ADBC returns them."""
    kinds = {type(value) for value in values if value is not None}
    for allowed, dtype in (
        ({int}, pl.Int64()),
        ({int, float}, pl.Float64()),
        ({str}, pl.String()),
        ({bytes}, pl.Binary()),
    ):
        if kinds <= allowed:
            return pl.Series(name, values, dtype=dtype, strict=False)
    change = f"Column {name!r} holds values of several types, which nobody wrote there"
    raise SchemaDriftError.from_change(change)


def _as_text(column: pl.Series) -> pl.Series:
    """Return the texts that PostgreSQL reads as the same values."""
    match column.dtype:
        case pl.Binary():
            texts = column.bin.encode("hex")
            return (pl.Series([_HEX]) + texts).alias(column.name)
        case pl.Datetime(time_zone=zone):
            suffix = "" if zone is None else "+00"
            return column.dt.to_string(f"%Y-%m-%d %H:%M:%S%.6f{suffix}")
        case pl.Date():
            return column.dt.to_string("%Y-%m-%d")
        case pl.Time():
            return column.dt.to_string("%H:%M:%S%.6f")
        case _:
            return column.cast(pl.String)


def _text_of(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    if isinstance(column.type, DeclaredType) and column.type.name == "bytea":
        return sa.func.encode(column, "hex")
    return sa.cast(column, sa.Text())


def _parsed(texts: pl.Series, word: str) -> pl.Series:
    """Return PostgreSQL's texts as the values of the driver over ADBC."""
    parse = _PARSERS.get(word.partition("(")[0])
    return texts if parse is None else parse(texts)


_PARSERS: Final[dict[str, Callable[[pl.Series], pl.Series]]] = {
    "smallint": lambda texts: texts.cast(pl.Int16()),
    "integer": lambda texts: texts.cast(pl.Int32()),
    "bigint": lambda texts: texts.cast(pl.Int64()),
    "real": lambda texts: texts.cast(pl.Float32()),
    "double precision": lambda texts: texts.cast(pl.Float64()),
    "boolean": lambda texts: texts == "true",
    "bytea": lambda texts: texts.str.decode("hex"),
    "date": lambda texts: texts.str.to_date("%Y-%m-%d"),
    "timestamp without time zone": lambda texts: texts.str.to_datetime(
        "%Y-%m-%d %H:%M:%S%.f", time_unit="us"
    ),
    "timestamp with time zone": lambda texts: (
        texts.str.strip_suffix("+00")
        .str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us")
        .dt.replace_time_zone("UTC")
    ),
    "time without time zone": lambda texts: texts.str.to_time("%H:%M:%S%.f"),
}
