"""Orders, and the customers that they refer to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from algomancy_data.schema import Column, CSVDialect, DataType, FileExtension, Schema, SchemaType
from algomancy_data.testing.workloads.numbers import Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CUSTOMER_SHARE: Final = 10
STATUSES: Final = ("new", "picked", "packed", "shipped", "delivered", "returned")
COUNTRIES: Final = ("NL", "BE", "DE", "FR", "LU")
_ROWS_AT_ONCE: Final = 250_000


class Orders(Schema):
    """The large table."""

    _FILENAME = "orders"
    _EXTENSION = FileExtension.CSV
    _SCHEMA_TYPE = SchemaType.SINGLE
    _CSV = CSVDialect(separator=";")
    ORDER_ID = Column("order_id", DataType.INTEGER, primary_key=True)
    CUSTOMER_ID = Column("customer_id", DataType.INTEGER)
    CODE = Column("code", DataType.STRING)
    STATUS = Column("status", DataType.STRING)
    AMOUNT = Column("amount", DataType.FLOAT)
    DISCOUNT = Column("discount", DataType.FLOAT, nullable=True)
    CREATED = Column("created", DataType.DATETIME)
    EXPRESS = Column("express", DataType.BOOLEAN)


class Customers(Schema):
    """The table that orders refer to."""

    _FILENAME = "customers"
    _EXTENSION = FileExtension.CSV
    _SCHEMA_TYPE = SchemaType.SINGLE
    _CSV = CSVDialect(separator=";")
    CUSTOMER_ID = Column("customer_id", DataType.INTEGER, primary_key=True)
    NAME = Column("name", DataType.STRING)
    COUNTRY = Column("country", DataType.STRING)
    CREDIT = Column("credit", DataType.FLOAT)
    SINCE = Column("since", DataType.DATETIME)


SCHEMAS: Final[list[type[Schema]]] = [Orders, Customers]


def schemas_for(extension: FileExtension) -> list[type[Schema]]:
    """Return the schemas of both tables in files of another format."""
    return [
        type(schema.__name__, (schema,), {"_EXTENSION": FileExtension(extension)})
        for schema in SCHEMAS
    ]


def orders(rows: int, seed: int = 0, places: range | None = None) -> pl.DataFrame:
    """Return ``rows`` × 8; 5 % of the discounts are null.

    Args:
        rows: Rows of the whole table.
        seed: Other values for each.
        places: Which of the rows to return, without the others; None for all.

    Example:
        >>> orders(1_000_000, places=range(7, 9)).select("order_id", "code").rows()
        [(8, 'TM908917'), (9, 'XY115944')]
    """
    within = Rows(range(rows) if places is None else places, seed)
    discount = within.fraction(500, 4, of=1_000)
    nothing = pl.Series([None], dtype=pl.Float64).new_from_index(0, discount.len())
    return pl.DataFrame(
        {
            "order_id": within.number + 1,
            "customer_id": within.below(max(rows // CUSTOMER_SHARE, 1), 0) + 1,
            "code": within.code(11),
            "status": within.choice(STATUSES, 1),
            "amount": within.fraction(1_000_000, 2, of=100),
            "discount": nothing.zip_with(within.flag(20, 3), discount),
            "created": within.moment(5),
            "express": within.flag(4, 6),
        }
    )


def customers(rows: int, seed: int = 0, places: range | None = None) -> pl.DataFrame:
    """Return ``rows`` × 5; the arguments are those of :func:`orders`."""
    within = Rows(range(rows) if places is None else places, seed)
    return pl.DataFrame(
        {
            "customer_id": within.number + 1,
            "name": within.text("Customer ", 1_000_000, 7),
            "country": within.choice(COUNTRIES, 8),
            "credit": within.fraction(10_000_000, 9, of=100),
            "since": within.moment(10),
        }
    )


def frames(rows: int, seed: int = 0) -> dict[str, pl.DataFrame]:
    """Return orders, and a tenth as many customers, to whom the orders refer.

    Example:
        >>> {name: frame.shape for name, frame in frames(1_000).items()}
        {'orders': (1000, 8), 'customers': (100, 5)}
    """
    return {
        "orders": orders(rows, seed),
        "customers": customers(max(rows // CUSTOMER_SHARE, 1), seed),
    }


def slices(
    rows: int, seed: int = 0, rows_at_once: int = _ROWS_AT_ONCE
) -> dict[str, Iterator[pl.DataFrame]]:
    """Return what :func:`frames` does, each table as slices that are made as they are taken.

    Args:
        rows: Number of orders.
        seed: Other values for each.
        rows_at_once: Rows of a slice, which alone are in memory.

    Example:
        >>> [frame.height for frame in slices(25, rows_at_once=10)["orders"]]
        [10, 10, 5]
    """
    return {
        "orders": _slices(orders, rows, seed, rows_at_once),
        "customers": _slices(customers, max(rows // CUSTOMER_SHARE, 1), seed, rows_at_once),
    }


def datasets(count: int, rows: int, seed: int = 0) -> Iterator[tuple[str, dict[str, pl.DataFrame]]]:
    """Yield the names of many small datasets, and :func:`frames` of a seed of its own for each.

    Example:
        >>> [(name, frames["orders"].height) for name, frames in datasets(2, 1_000)]
        [('shop-0', 1000), ('shop-1', 1000)]
    """
    for number in range(count):
        yield f"shop-{number}", frames(rows, seed + number)


def _slices(
    table: Callable[[int, int, range], pl.DataFrame], rows: int, seed: int, rows_at_once: int
) -> Iterator[pl.DataFrame]:
    # An empty table has columns, too.
    for start in range(0, max(rows, 1), rows_at_once):
        yield table(rows, seed, range(start, min(start + rows_at_once, rows)))
