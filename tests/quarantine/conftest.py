"""A small shop: customers, their orders, and the lines of these."""

from __future__ import annotations

import base64

import pytest

from algomancy_data import (
    Column,
    DataSource,
    DataType,
    Schema,
    SimpleETLFactory,
    StatelessDataManager,
)


class Customers(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "customers", "csv", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)
    NAME = Column("name", DataType.STRING)


class Orders(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "orders", "csv", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)
    CUSTOMER = Column("customer", DataType.INTEGER, foreign_key=("customers", "id"))
    DAY = Column("day", DataType.DATETIME)
    NOTE = Column("note", DataType.STRING)


class Lines(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "lines", "csv", "single"
    ORDER = Column("order", DataType.INTEGER, foreign_key=("orders", "id"))
    PRICE = Column("price", DataType.FLOAT)
    NOTE = Column("note", DataType.STRING)


SCHEMAS = [Customers, Orders, Lines]


class Shop:
    """A manager that takes its files as text."""

    SCHEMAS = SCHEMAS

    def __init__(self, manager=None, factory=SimpleETLFactory, schemas=SCHEMAS):
        self.manager = manager or StatelessDataManager(factory, schemas, "json", DataSource)

    def load(self, name="shop", **given):
        settings = {key: given.pop(key) for key in ("quarantine", "halt_on") if key in given}
        items = [
            (table, "csv", f"data:text/csv;base64,{base64.b64encode(text.encode()).decode()}")
            for table, text in given.items()
        ]
        files = self.manager.prepare_files(file_items_with_content=items)
        return self.manager.etl_data(files, name, **({"quarantine": True} | settings))


@pytest.fixture(scope="session")
def open_shop():
    """Open shops, each with a manager of its own unless one is given."""
    return Shop


@pytest.fixture
def shop():
    return Shop()
