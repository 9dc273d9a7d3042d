"""JSON documents with several tables."""

from reading import read_everywhere
from structures import change_json

from algomancy_data import Column, ColumnGroup, DataType, Schema

CHANGES = (change_json,)


class Shop(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "shop", "json", "multi"
    ORDERS = ColumnGroup(
        "orders",
        [Column("id", DataType.INTEGER, primary_key=True), Column("by", DataType.STRING)],
        source_path=(),
    )
    ITEMS = ColumnGroup(
        "items",
        [Column("sku", DataType.STRING), Column("price", DataType.FLOAT)],
        source_path=("items",),
    )


def seeds():
    orders = ", ".join(
        f'{{"id": {n}, "by": "b{n}", "items": [{{"sku": "s", "price": {n}.5}}, {{"sku": null, '
        f'"price": 1}}]}}'
        for n in range(15)
    )
    return [f'{{"orders": [{orders}]}}'.encode()]


def read(data, home):
    read_everywhere(home / "shop.json", Shop, data)
