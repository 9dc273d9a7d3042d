"""Uploads: files as the data URIs that browsers make of them."""

import base64

from readers.csv_files import Orders
from reading import CheckedETLFactory
from structures import change_csv

from algomancy_data import DataSource, StatelessDataManager

TEXT = b"id;day;amount;paid;note;took\n" + b"1;2024-01-01;1,5;yes;n;\n" * 5
EXTENSIONS = ("csv", "json", "xlsx", "parquet", "arrow", "ndjson")
HEADS = (
    *("data:text/csv;base64,", "data:;base64,", "data:,", "data:text/csv;charset=utf-16;base64,"),
    *("DATA:text/csv;BASE64,", "data:text/csv;base64;x=1,", "data:text/csv", "base64,", ",", ""),
    *("data:application/vnd.ms-excel;base64,", "file:///etc/passwd,", "data:text/csv;base64,,"),
)


def change_head(data, random, _seeds):
    _, _, text = bytes(data).rpartition(b",")
    data[:] = random.choice(HEADS).encode() + text


def change_text(data, random, seeds):
    """Change what is encoded."""
    head, comma, text = bytes(data).rpartition(b",")
    try:
        inside = bytearray(base64.b64decode(text, validate=True))
    except ValueError:
        return
    change_csv(inside, random, seeds)
    encode = random.choice((base64.b64encode, base64.b64encode, base64.urlsafe_b64encode))
    data[:] = head + comma + encode(inside)


CHANGES = (change_head, change_text)


def seeds():
    encoded = base64.b64encode(TEXT)
    return [b"data:text/csv;base64," + encoded, b"data:application/octet-stream;base64," + encoded]


def read(data, home):
    del home
    manager = StatelessDataManager(CheckedETLFactory, [Orders], "json", DataSource)
    uri = data.decode("utf-8", "surrogateescape")
    files = manager.prepare_files([("orders", "csv", uri)])
    result = manager.etl_data(files, "d")
    if result.raised is not None:
        raise result.raised
