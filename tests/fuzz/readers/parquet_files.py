"""Parquet files: what the footer and the pages say of themselves, and the values in them."""

import datetime as dt
import os

import pyarrow as pa
from arrow_tables import another_file
from pyarrow import parquet
from reading import read_everywhere

from algomancy_data import Column, DataType, Schema


class Orders(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "orders", "parquet", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)
    DAY = Column("day", DataType.DATETIME)
    NOTE = Column("note", DataType.STRING)


TABLE = pa.table(
    {
        "id": range(50),
        "day": [dt.datetime(2024, 1, 1) + dt.timedelta(n) for n in range(50)],
        "note": [None if n % 7 == 0 else f"note {n}" for n in range(50)],
        "items": [[n, None] if n % 3 else [] for n in range(50)],
    }
)


FLAT = TABLE.select(["id", "day", "note"])  # that is read without pyarrow


def seeds():
    deltas = {"id": "DELTA_BINARY_PACKED", "note": "DELTA_BYTE_ARRAY"}
    return [
        _written(compression="zstd"),
        _written(compression="none", row_group_size=20),
        _written(compression="snappy", write_page_checksum=True, data_page_version="2.0"),
        _written(use_dictionary=False, column_encoding=deltas, compression="none"),
        _written(FLAT, row_group_size=20, write_page_checksum=True),
        _written(FLAT, use_dictionary=False, compression="none"),
        _written(FLAT, store_schema=False, data_page_version="2.0"),
    ]


def _any_written(table, random):
    """Return the file of a table, in one of the ways that writers have."""
    return _written(
        table,
        compression=random.choice(("none", "snappy", "zstd", "brotli", "lz4", "gzip")),
        version=random.choice(("1.0", "2.4", "2.6")),
        data_page_version=random.choice(("1.0", "2.0")),
        use_dictionary=random.choice((True, False)),
        store_schema=random.choice((True, False)),
        use_deprecated_int96_timestamps=random.choice((True, False)),
    )


CHANGES = (another_file(_any_written),)


def _written(table=TABLE, **options):
    sink = pa.BufferOutputStream()
    parquet.write_table(table, sink, **options)
    return sink.getvalue().to_pybytes()


def read(data, home):
    read_silently(home / "orders.parquet", Orders, data)


def read_silently(path, schema, data):
    """Read a file; Polars says on standard error that it panicked, also where that is caught."""
    kept, silence = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 2)
    try:
        read_everywhere(path, schema, data)
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(silence)
