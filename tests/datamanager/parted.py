"""Two tables in parts, which refer to each other, and who keeps them: also for other processes."""

from __future__ import annotations

import warnings

from algomancy_data import (
    Column,
    DataSource,
    DataType,
    Schema,
    SimpleETLFactory,
    StatefulDataManager,
    StatelessDataManager,
    ValidationSeverity,
)
from algomancy_data.database import DatabaseDataManager


class Customers(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "customers", "csv", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)
    NAME = Column("name", DataType.STRING)


class Orders(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "orders", "csv", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)
    CUSTOMER = Column("customer", DataType.INTEGER, foreign_key=("customers", "id"))
    AMOUNT = Column("amount", DataType.FLOAT, nullable=True)
    DAY = Column("day", DataType.DATETIME, nullable=True)


def manager(store, **settings):
    settings.setdefault("halt_on", ValidationSeverity.CRITICAL)
    given = [SimpleETLFactory, [Customers, Orders], store]
    if store == "memory":
        made = StatelessDataManager(*given[:2], "json", DataSource, **settings)
    elif "://" in store:
        made = DatabaseDataManager(*given, "s", DataSource, **settings)
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            made = StatefulDataManager(*given, "json", DataSource, **settings)
    made.startup()
    return made


def write(folder, customers, orders, separator=";"):
    """Write parts; each is a list of rows as they are written, but for another separator."""
    for table, header, parts in (
        ("customers", "id;name", customers),
        ("orders", "id;customer;amount;day", orders),
    ):
        (folder / table).mkdir(parents=True)
        for number, rows in enumerate(parts):
            text = "\n".join([header, *rows])
            text = text.replace(";", separator)
            (folder / table / f"part-{number}.csv").write_text(text + "\n")
