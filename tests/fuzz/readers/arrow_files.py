"""Arrow files and streams: what the batches say of themselves, and the values in them."""

import pyarrow as pa
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


def read(data, home):
    read_silently(home / "orders.arrow", ArrowOrders, data)
