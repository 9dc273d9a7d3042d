"""CSV files."""

from reading import read_everywhere
from structures import change_csv

from algomancy_data import Column, DataType, Schema

CHANGES = (change_csv,)


class Orders(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "orders", "csv", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)
    DAY = Column("day", DataType.DATETIME)
    AMOUNT = Column("amount", DataType.FLOAT)
    PAID = Column("paid", DataType.BOOLEAN)
    NOTE = Column("note", DataType.STRING)
    TOOK = Column("took", DataType.INTERVAL)


def seeds():
    rows = "".join(
        f'{n};2024-01-{n:02};{n},25;{n % 2 == 0};"say ""{n}""; then";00:0{n % 6}:01\n'
        for n in range(1, 25)
    )
    header = "id;day;amount;paid;note;took\n"
    short = 'id;day;amount;paid;note;took\r\n1;;;;"a\r\nb";\r\n2;01/02/2024;1e3;yes;;1 day\r\n'
    return [(header + rows).encode(), short.encode(), ("sep=;\n" + header + rows[:200]).encode()]


def read(data, home):
    read_everywhere(home / "orders.csv", Orders, data)
