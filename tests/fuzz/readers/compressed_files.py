"""Compressed CSV files: gzip, zstd and zip, whatever their name."""

import gzip
import io
import zipfile

import pyarrow as pa
from readers.csv_files import Orders
from reading import read_everywhere


def seeds():
    text = b"id;day;amount;paid;note;took\n" + b"1;2024-01-01;1,5;yes;n;\n" * 50
    return [gzip.compress(text, mtime=0), bytes(pa.compress(text, "zstd")), *map(_zip, (8, 12, 14))]


def _zip(method):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr(zipfile.ZipInfo("orders.csv"), b"id;day\n1;\n" * 20, method)
    return stream.getvalue()


def read(data, home):
    read_everywhere(home / "orders.csv", Orders, data)
