"""JSON documents with one table."""

from reading import read_everywhere
from structures import change_json

from algomancy_data import Column, DataType, Schema

CHANGES = (change_json,)


class Orders(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "orders", "json", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)
    DAY = Column("day", DataType.DATETIME)
    AMOUNT = Column("amount", DataType.FLOAT)
    CITY = Column("place.city", DataType.STRING, optional=True)


def seeds():
    records = ",\n".join(
        f'{{"id": {n}, "day": "2024-01-{n:02}T10:00:00", "amount": {n}.5, "tags": ["a", {n}], '
        f'"place": {{"city": "K\\u00f6ln", "at": [{n}.25, null]}}}}'
        for n in range(1, 20)
    )
    return [
        f"[{records}]".encode(),
        f'{{"count": 19, "orders": [{records}]}}'.encode(),
        b'[{"id": 9007199254740993, "day": null, "amount": 1e400}, {"amount": "1,5", "x": true}]',
    ]


def read(data, home):
    read_everywhere(home / "orders.json", Orders, data)
