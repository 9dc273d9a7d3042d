"""Texts that a file has once and a table a million times: counted as often as they are there."""

from __future__ import annotations

import base64
import io
import subprocess
import sys

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from polars.testing.parametric import dataframes
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
from algomancy_data.extractor.columnar.columns import check_repeated
from algomancy_data.extractor.columnar.parquet_layout import parquet_layout
from algomancy_data.extractor.columnar.parquet_pages import parquet_pages
from algomancy_data.frames.arrow_layout import arrow_layout

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


FRAMES = dataframes(
    max_cols=4,
    max_size=40,
    allowed_dtypes=[
        *(pl.String, pl.Binary, pl.Categorical, pl.Int8, pl.Int64, pl.Float32, pl.Boolean),
        *(pl.Date, pl.Datetime, pl.Time, pl.Duration, pl.Decimal, pl.List, pl.Struct),
    ],
)
REPEATED = pl.DataFrame({"a": ["a text of more than 12 bytes"] * 30, "b": [b"short"] * 30})


def by_polars(frame, compression):
    sink = io.BytesIO()
    frame.write_ipc(sink, compression=compression)
    return sink.getvalue()


def as_offsets(frame, _):
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=7)
    return sink.getvalue()


def as_pages(frame, compression):
    sink = io.BytesIO()
    frame.write_parquet(sink, compression=compression, row_group_size=16)
    return sink.getvalue()


def as_pages_by_pyarrow(frame, compression):
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    name = compression.removeprefix("un").removesuffix("compressed")
    return by_parquet(table, compression=name or "none", dictionary_pagesize_limit=100)


def known_texts(content):
    if not content.startswith(b"PAR1"):
        return arrow_layout(content).texts
    layout = parquet_layout(content)
    pages = parquet_pages(content, layout)
    return pages.texts if layout.is_plain and pages.are_sure else [None] * layout.columns


def read(content):
    if content.startswith(b"PAR1"):
        return pl.read_parquet(content)
    return pl.read_ipc(content) if content.startswith(b"ARROW1") else pl.read_ipc_stream(content)


@pytest.mark.parametrize("write", [by_polars, as_offsets, as_pages, as_pages_by_pyarrow])
@given(frame=FRAMES, compression=st.sampled_from(["zstd", "uncompressed"]))
@example(frame=REPEATED, compression="uncompressed")
@example(
    frame=REPEATED.with_columns(pl.all().cast(pl.String).cast(pl.Categorical)), compression="zstd"
)
def test_no_file_has_longer_texts_than_its_layout_allows(write, frame, compression):
    if not frame.width or "\0" in "".join(frame.columns):
        return
    content = write(frame, compression)
    known, found = known_texts(content), read(content)
    if len(known) != found.width:
        return  # nested columns, whose parts are counted singly
    for values, most in zip(found, known, strict=True):
        if most is not None:
            texts = values.cast(pl.String) if values.dtype == pl.Categorical else values
            is_text = texts.dtype in {pl.String, pl.Binary}
            assert most >= (texts.cast(pl.Binary).bin.size().sum() if is_text else 0)
            assert most + 17 * len(values) >= values.estimated_size()


def test_texts_are_counted_where_their_layout_allows_too_many():
    """A bound that is too high only costs a look at the values."""
    frame = pl.Series("a", ["é" * SIZE]).new_from_index(0, ROWS).to_frame()
    for texts in ([None], [10**12], None):
        with pytest.raises(
            ReadLimitError, match=r"takes in memory at least 400,\d\d\d,\d\d\d bytes"
        ):
            check_repeated("t", frame, ReadLimits(), 10**6, texts)
        check_repeated("t", frame, ReadLimits(ratio=None), 10**6, texts)
    check_repeated("t", frame, ReadLimits(), 10**7, [10**12])


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
