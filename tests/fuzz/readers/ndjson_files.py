"""Files with one JSON record per line."""

from reading import read_everywhere
from structures import change_json

from algomancy_data import Column, DataType, Schema

CHANGES = (change_json,)


class Orders(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "orders", "ndjson", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)
    NOTE = Column("note", DataType.STRING, optional=True)


def seeds():
    record = b'{"id": %d, "note": "n%d", "of": {"x": [1, 2]}}\n'
    return [b"".join(record % (number, number) for number in range(30))]


def read(data, home):
    read_everywhere(home / "orders.ndjson", Orders, data)
