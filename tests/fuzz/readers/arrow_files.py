"""Arrow files and streams: what the batches say of themselves, and the values in them."""

import pyarrow as pa
from arrow_tables import another_file
from readers.parquet_files import TABLE, Orders, read_silently


class ArrowOrders(Orders):
    _EXTENSION = "arrow"


def seeds():
    coded = TABLE.set_column(2, "note", TABLE["note"].dictionary_encode())
    return [
        _written(TABLE, pa.ipc.new_file),
        _written(TABLE, pa.ipc.new_stream, compression="lz4"),
        _written(coded, pa.ipc.new_file, compression="zstd"),
    ]


def _written(table, new, **options):
    sink = pa.BufferOutputStream()
    with new(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, max_chunksize=20)
    return sink.getvalue().to_pybytes()


def _any_written(table, random):
    """Return the file or stream of a table, in one of the ways that writers have."""
    new = random.choice((pa.ipc.new_file, pa.ipc.new_stream))
    return _written(table, new, compression=random.choice((None, "lz4", "zstd")))


CHANGES = (another_file(_any_written),)


def read(data, home):
    read_silently(home / "orders.arrow", ArrowOrders, data)
