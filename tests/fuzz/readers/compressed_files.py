"""Compressed CSV files: gzip, zstd and zip, whatever their name."""

import gzip

import pyarrow as pa
from readers.csv_files import Orders
from reading import read_everywhere
from structures import change_csv, repacked, zipped

CHANGES = (repacked(change_csv),)


def seeds():
    text = b"id;day;amount;paid;note;took\n" + b"1;2024-01-01;1,5;yes;n;\n" * 50
    return [gzip.compress(text, mtime=0), bytes(pa.compress(text, "zstd")), *map(_zip, (8, 12, 14))]


def _zip(method):
    return zipped(b"id;day\n1;\n" * 20, method)


def read(data, home):
    read_everywhere(home / "orders.csv", Orders, data)
