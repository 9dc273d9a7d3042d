"""Orders and customers: the same rows for the same seed, on every machine and Polars release.

A column is arithmetic on the row number: a multiplicative hash is enough to keep branch prediction,
dictionary encoding and compression from finding a pattern.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

import polars as pl

from algomancy_data import Column, CSVDialect, DataType, FileExtension, Schema, SchemaType

if TYPE_CHECKING:
    from pathlib import Path

CSV_DATETIME: Final = "%Y-%m-%d %H:%M:%S"
CUSTOMER_SHARE: Final = 10
STATUSES: Final = ("new", "picked", "packed", "shipped", "delivered", "returned")
COUNTRIES: Final = ("NL", "BE", "DE", "FR", "LU")
_EPOCH: Final = datetime(2020, 1, 1)  # noqa: DTZ001  the frames are naive, as most CSV files are
_FOUR_YEARS_OF_SECONDS: Final = 4 * 365 * 86_400
_CODE_LETTERS: Final = 26
# The 31-bit primes keep `row * multiplier` far below 2^63 for any number of rows in question.
_MULTIPLIERS: Final = (1_103_515_245, 1_664_525_003, 1_013_904_223, 69_069_001)
_MODULUS: Final = 2_147_483_647


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


def orders(rows: int, seed: int = 0) -> pl.DataFrame:
    """Return ``rows`` × 8; 5 % of the discounts are null."""
    return (
        _rows(rows)
        .select(
            order_id=pl.col("row") + 1,
            customer_id=_below(max(rows // CUSTOMER_SHARE, 1), seed, 0) + 1,
            code=_code(seed),
            status=_choice(STATUSES, seed, 1),
            amount=_below(1_000_000, seed, 2) / 100,
            discount=pl.when(_below(20, seed, 3) > 0).then(_below(500, seed, 4) / 1000),
            created=_moment(seed, 5),
            express=_below(4, seed, 6) == 0,
        )
        .collect()
    )


def customers(rows: int, seed: int = 0) -> pl.DataFrame:
    """Return ``rows`` × 5."""
    return (
        _rows(rows)
        .select(
            customer_id=pl.col("row") + 1,
            name=pl.format("Customer {}", _below(1_000_000, seed, 7)),
            country=_choice(COUNTRIES, seed, 8),
            credit=_below(10_000_000, seed, 9) / 100,
            since=_moment(seed, 10),
        )
        .collect()
    )


def frames(rows: int, seed: int = 0) -> dict[str, pl.DataFrame]:
    """Return orders, and the customers that they refer to."""
    return {
        "orders": orders(rows, seed),
        "customers": customers(max(rows // CUSTOMER_SHARE, 1), seed),
    }


def write_csv(tables: dict[str, pl.DataFrame], folder: Path) -> dict[str, Path]:
    """Write ``<folder>/<name>.csv`` per table and return the paths."""
    paths = {name: folder / f"{name}.csv" for name in tables}
    for name, path in paths.items():
        tables[name].write_csv(path, separator=";", datetime_format=CSV_DATETIME)
    return paths


def _rows(rows: int) -> pl.LazyFrame:
    return pl.LazyFrame({"row": pl.int_range(rows, dtype=pl.Int64, eager=True)})


def _hash(seed: int, column: int) -> pl.Expr:
    """Return a number below 2^31 per row; other ones for each seed and column."""
    value = pl.col("row") + 1 + 7_919 * column + 104_729 * seed
    for multiplier in _MULTIPLIERS:
        value = (value * multiplier + column + 1) % _MODULUS
        value ^= value // 65_536
    return value


def _below(limit: int, seed: int, column: int) -> pl.Expr:
    return _hash(seed, column) % limit


def _choice(words: tuple[str, ...], seed: int, column: int) -> pl.Expr:
    number = _below(len(words), seed, column)
    return number.replace_strict(dict(enumerate(words)), return_dtype=pl.String)


def _code(seed: int) -> pl.Expr:
    """Return two letters and six digits."""
    letters = [
        _below(_CODE_LETTERS, seed, column).replace_strict(
            {number: chr(ord("A") + number) for number in range(_CODE_LETTERS)},
            return_dtype=pl.String,
        )
        for column in (11, 12)
    ]
    digits = _below(1_000_000, seed, 13).cast(pl.String).str.zfill(6)
    return pl.concat_str(*letters, digits)


def _moment(seed: int, column: int) -> pl.Expr:
    seconds = _below(_FOUR_YEARS_OF_SECONDS, seed, column)
    return pl.lit(_EPOCH) + pl.duration(seconds=seconds, time_unit="us")
