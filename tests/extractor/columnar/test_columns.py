"""Texts that a file has once and a table a million times: counted as often as they are there."""

from __future__ import annotations

import base64
import io
import subprocess
import sys

import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet

from algomancy_data import (
    ArrowFile,
    ArrowSingleExtractor,
    Column,
    DataType,
    ParquetFile,
    ParquetSingleExtractor,
    ReadLimits,
    Schema,
)
from algomancy_data.errors import ReadLimitError

ROWS, SIZE = 400, 500_000  # above what is always allowed, and 400 times what a file has
TEXTS = pa.DictionaryArray.from_arrays(pa.array([0] * ROWS, pa.int32()), pa.array(["é" * SIZE]))
# Beside these, Polars is not asked.
DELTAS = pa.array(range(ROWS))


class Texts(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "parquet", "single"
    A = Column("a", DataType.STRING)


class ArrowTexts(Texts):
    _EXTENSION = "arrow"


def by_parquet(table, **options):
    sink = io.BytesIO()
    parquet.write_table(table, sink, **options)
    return sink.getvalue()


def by_arrow(column):
    table = pa.table({"a": column})
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def views():
    sink = io.BytesIO()
    pl.Series("a", ["é" * SIZE]).new_from_index(0, ROWS).to_frame().write_ipc(sink)
    return sink.getvalue()


FILES = {
    "parquet": lambda: by_parquet(pa.table({"a": TEXTS})),
    "parquet, without Arrow's types": lambda: by_parquet(
        pa.table({"a": TEXTS}), store_schema=False
    ),
    "parquet, by pyarrow": lambda: by_parquet(
        pa.table({"a": TEXTS, "n": DELTAS}),
        store_schema=False,
        use_dictionary=["a"],
        column_encoding={"n": "DELTA_BINARY_PACKED"},
    ),
    "arrow": lambda: by_arrow(TEXTS),
    "arrow, in lists": lambda: by_arrow(
        pa.ListArray.from_arrays(pa.array(range(ROWS + 1), pa.int32()), TEXTS)
    ),
    "arrow, in records": lambda: by_arrow(pa.StructArray.from_arrays([TEXTS], ["b"])),
    "arrow, in views": views,
}


def extractor(kind, limits):
    encoded = base64.b64encode(FILES[kind]()).decode()
    content = "data:application/octet-stream;base64," + encoded
    if kind.startswith("parquet"):
        return ParquetSingleExtractor(ParquetFile("t", content=content, read_limits=limits), Texts)
    return ArrowSingleExtractor(ArrowFile("t", content=content, read_limits=limits), ArrowTexts)


@pytest.mark.parametrize("kind", FILES)
def test_texts_that_become_far_more_than_their_file_are_refused(kind):
    with pytest.raises(ReadLimitError, match=r"takes in memory at least 400,\d\d\d,\d\d\d bytes"):
        extractor(kind, None).extract()


@pytest.mark.parametrize("kind", ["parquet", "parquet, by pyarrow", "arrow", "arrow, in views"])
def test_texts_that_may_become_more_are_read(kind):
    column = extractor(kind, ReadLimits(ratio=None)).extract()["t"]["a"]
    assert column.str.len_bytes().to_list() == [2 * SIZE] * ROWS


def test_texts_by_number_are_what_pyarrow_reads():
    """Nulls, empty texts, several groups of rows, and a dictionary that became too large."""
    texts = [None, "", "a", "ß"] * 50 + [f"text {number}" * 30 for number in range(300)]
    raw = [None if text is None else text.encode() for text in texts]
    table = pa.table({"a": texts, "b": raw, "n": range(len(texts))})
    content = by_parquet(
        table,
        row_group_size=120,
        use_dictionary=["a", "b"],
        dictionary_pagesize_limit=2000,
        column_encoding={"n": "DELTA_BINARY_PACKED"},
    )
    encoded = base64.b64encode(content).decode()
    file = ParquetFile("t", content="data:application/octet-stream;base64," + encoded)
    found = ParquetSingleExtractor(file, Texts).extract()["t"]
    assert found.to_dict(as_series=False) == parquet.read_table(io.BytesIO(content)).to_pydict()


PROGRAM = """
import pathlib, re, sys
sys.path.insert(0, sys.argv[1])
import test_columns as files
from algomancy_data.errors import ReadLimitError
files.TEXTS = files.pa.DictionaryArray.from_arrays(
    files.pa.array([0] * 10_000, files.pa.int32()), files.pa.array(["x" * files.SIZE])
)
files.DELTAS = files.pa.array(range(10_000))
extractor = files.extractor(sys.argv[2], None)
try:
    extractor.extract()
except ReadLimitError:
    status = pathlib.Path("/proc/self/status").read_text()
    print(int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) >> 20)
"""


@pytest.mark.parametrize("kind", ["parquet, by pyarrow", "arrow"])
def test_gigabytes_of_one_text_take_no_memory(kind, request):
    command = [sys.executable, "-c", PROGRAM, str(request.path.parent), kind]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "0\n"
