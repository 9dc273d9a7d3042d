"""The stores that are tried, and how a process opens one."""

from __future__ import annotations

import warnings
from typing import Any

from algomancy_data import (
    Column,
    DataManager,
    DataSource,
    DataType,
    Schema,
    SimpleETLFactory,
    StatefulDataManager,
)
from algomancy_data.database import DatabaseDataManager


class Customers(Schema):
    """Those that orders refer to."""

    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "customers", "csv", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)
    VERSION = Column("version", DataType.INTEGER)
    NAME = Column("name", DataType.STRING)


class Orders(Schema):
    """The larger table."""

    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "orders", "csv", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)
    CUSTOMER = Column("customer", DataType.INTEGER, foreign_key=("customers", "id"))
    VERSION = Column("version", DataType.INTEGER)
    AMOUNT = Column("amount", DataType.FLOAT)
    DAY = Column("day", DataType.DATETIME)


def open_manager(address: str, session: str = "s", **settings: Any) -> DataManager[DataSource]:
    """Return a started manager: of a database, if the address is a URL, or of a folder."""
    schemas = [Customers, Orders]
    if "://" in address:
        manager: DataManager[DataSource] = DatabaseDataManager(
            SimpleETLFactory, schemas, address, session, DataSource, **settings
        )
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            manager = StatefulDataManager(
                SimpleETLFactory, schemas, address, "json", DataSource, **settings
            )
    manager.startup()
    return manager
