"""Load CSV files into a database with dlt, in this process: its state is global, and it logs.

Started with a JSON of ``destination`` (``sqlite`` or ``postgresql``), ``url``, ``folder`` (for the
files of dlt itself) and ``tables``: ``[name, path, {column: Arrow type}]`` each. Says ``ready``
when all is imported, waits for a line, loads, and says ``done``.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "CRITICAL"

import dlt
import pyarrow as pa
from pyarrow import csv

if TYPE_CHECKING:
    from collections.abc import Iterator

# As many bytes of CSV at a time as give batches that dlt writes to Parquet as they are.
BLOCK = 1 << 26


def batches(path: str, types: dict[str, str]) -> Iterator[pa.RecordBatch]:
    columns = {
        column: pa.decimal128(*map(int, kind.split()[1:])) if kind.startswith("decimal") else kind
        for column, kind in types.items()
    }
    yield from csv.open_csv(
        path,
        read_options=csv.ReadOptions(block_size=BLOCK),
        convert_options=csv.ConvertOptions(column_types=columns),
    )


def main() -> None:
    asked = json.loads(sys.argv[1])
    if asked["destination"] == "sqlite":
        # In several threads, its writers find the file locked by each other, and some give up.
        os.environ["LOAD__WORKERS"] = "1"
        # The file itself; every other dataset would be a file of its own beside it.
        destination, dataset = dlt.destinations.sqlalchemy(asked["url"]), "main"
    else:
        destination, dataset = dlt.destinations.postgres(asked["url"]), "public"
    pipeline = dlt.pipeline(
        "bench", pipelines_dir=asked["folder"], destination=destination, dataset_name=dataset
    )
    resources = [
        dlt.resource(batches(path, types), name=name) for name, path, types in asked["tables"]
    ]
    print("ready", flush=True)  # noqa: T201  the other side of the pipe waits for it
    sys.stdin.readline()
    pipeline.run(resources, loader_file_format="parquet").raise_on_failed_jobs()
    print("done", flush=True)  # noqa: T201  as above


if __name__ == "__main__":
    main()
