"""What pages say before their values: at what would break down Polars, pyarrow looks instead."""

from __future__ import annotations

import base64
import io
import re
from random import Random

import polars as pl
import pyarrow as pa
import pytest
from polars.exceptions import PanicException
from polars.testing import assert_frame_equal
from pyarrow import parquet

from algomancy_data import Column, DataType, ParquetFile, ParquetSingleExtractor, Schema
from algomancy_data.errors import FileContentError
from algomancy_data.extractor.columnar.parquet_layout import parquet_layout
from algomancy_data.extractor.columnar.parquet_pages import parquet_pages


class Numbers(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "parquet", "single"
    A = Column("a", DataType.INTEGER)


def written(table, **options):
    sink = pa.BufferOutputStream()
    options = {"compression": "none", "use_dictionary": False, "write_statistics": False} | options
    parquet.write_table(table, sink, **options)
    return sink.getvalue().to_pybytes()


def are_sure(content):
    return parquet_pages(content, parquet_layout(content)).are_sure


def extracted(content):
    encoded = base64.b64encode(content).decode()
    file = ParquetFile("t", content="data:application/octet-stream;base64," + encoded)
    return ParquetSingleExtractor(file, Numbers).extract()["t"]


# 50 levels of 1, as a run, behind their length.
LEVELS = b"\x02\0\0\0\x64\x01"


@pytest.mark.parametrize(
    "levels",
    [
        pytest.param(b"\0\0\0\0\x64\x01", id="of no bytes"),
        pytest.param(b"\x02\0\0\0\0\x01", id="none in a run"),
        pytest.param(b"\x02\0\0\0\x62\x01", id="one too few"),
        pytest.param(b"\x02\0\0\0\x64\x02", id="a level that there is not"),
        pytest.param(b"\x02\0\0\0\x0f\x01", id="groups that go on behind them"),
        pytest.param(b"\xff\xff\0\0\x64\x01", id="longer than the page"),
        pytest.param(b"\x01\0\0\0\xff\x01", id="a length that does not end"),
    ],
)
def test_levels_that_cannot_be_are_not_shown_to_polars(levels, capfd):
    content = written(pa.table({"a": range(50)}))
    assert are_sure(content)
    damaged = content.replace(LEVELS, levels, 1)
    assert damaged != content
    assert not are_sure(damaged)
    with pytest.raises(FileContentError, match="may be damaged"):
        extracted(damaged)
    assert capfd.readouterr().err == ""


def test_polars_would_panic_at_levels_that_cannot_be(capfd):
    content = written(pa.table({"a": range(50)})).replace(LEVELS, b"\0\0\0\0\x64\x01", 1)
    with pytest.raises(PanicException):
        pl.read_parquet(content)
    assert "panicked" in capfd.readouterr().err


def test_levels_of_pages_of_version_2_are_looked_at_though_values_are_packed(capfd):
    values = [None if number % 3 else f"text {number % 5}" for number in range(500)]
    content = written(
        pa.table({"a": values}), data_page_version="2.0", compression="snappy", use_dictionary=True
    )
    assert are_sure(content)
    levels = b"\x7f" + bytes.fromhex("499224")
    assert levels in content
    damaged = content.replace(levels, b"\xff\x7f" + levels[2:], 1)
    assert not are_sure(damaged)
    with pytest.raises(FileContentError, match="may be damaged"):
        extracted(damaged)
    assert capfd.readouterr().err == ""


def test_numbers_of_a_dictionary_that_would_be_too_wide_are_not_shown_to_polars(capfd):
    content = written(pa.table({"a": [1, 2] * 25}), use_dictionary=True)
    damaged = content.replace(LEVELS + b"\x01", LEVELS + b"\xe0", 1)
    assert damaged != content
    assert are_sure(content)
    assert not are_sure(damaged)
    with pytest.raises(FileContentError, match="may be damaged"):
        extracted(damaged)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("compression", ["none", "snappy"])
def test_levels_that_are_no_runs_are_not_shown_to_polars(compression):
    content = written(pa.table({"a": range(50)}), compression=compression)
    as_once = content.replace(b"\x15\x06\x15\x06", b"\x15\x08\x15\x06", 1)
    assert as_once != content
    assert not are_sure(as_once)
    # Some writers say that of levels that there are none of.
    of_no_lists = content.replace(b"\x15\x06\x15\x06", b"\x15\x06\x15\x08", 1)
    assert are_sure(of_no_lists)
    assert_frame_equal(extracted(of_no_lists), pl.DataFrame({"a": range(50)}))


@pytest.mark.parametrize("schema", [b"", b"QQ==", b"/////w=="], ids=["none", "a byte", "a word"])
def test_an_arrow_schema_that_is_none_is_not_shown_to_polars(schema, capfd):
    content = written(pa.table({"a": range(50)}))
    length = int.from_bytes(content[-8:-4], "little")
    body, footer = content[: -8 - length], content[-8 - length : -8]
    found = re.search(rb"ARROW:schema\x18([\x80-\xff][\x01-\x7f])", footer)
    size = (found[1][0] & 0x7F) | found[1][1] << 7
    described = b"ARROW:schema\x18" + bytes([len(schema)]) + schema
    footer = footer[: found.start()] + described + footer[found.end() + size :]
    damaged = body + footer + len(footer).to_bytes(4, "little") + b"PAR1"
    try:
        frame = extracted(damaged)
    except FileContentError as error:
        assert "may be damaged" in str(error)  # noqa: PT017  either is right, but nothing else
    else:
        assert_frame_equal(frame, pl.DataFrame({"a": range(50)}))
    assert capfd.readouterr().err == ""


def rows(kind, random, count):
    """Return values with nulls, and lists, in runs of all lengths."""
    values = []
    while len(values) < count:
        length = random.choice((1, 1, 3, 8, 9, 64, 504, 505, 3000))
        odds = random.choice((0.0, 1.0, 0.5, 0.01))
        values += [None if random.random() < odds else kind(random) for _ in range(length)]
    return values[:count]


KINDS = {
    "numbers": lambda random: random.randrange(1000),
    "texts": lambda random: f"text {random.randrange(9)}",
    "truths": lambda random: random.random() < 0.5,
    "lists": lambda random: [None] * random.randrange(3) + [random.randrange(9)],
    "records": lambda random: {"b": random.choice((None, 1)), "c": {"d": random.choice((None, 2))}},
    "lists of lists": lambda random: [[1] * random.randrange(3)] * random.randrange(3),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"use_dictionary": True, "row_group_size": 700},
        {"data_page_version": "2.0"},
        {"data_page_version": "2.0", "compression": "zstd"},
        {"data_page_size": 1000, "write_batch_size": 50},
    ],
    ids=["plain", "groups", "version 2", "packed", "pages"],
)
def test_files_of_pyarrow_are_read_by_polars(kind, options):
    random = Random(kind)  # noqa: S311  to be repeatable
    for count in (0, 1, 7, 8, 9, 504, 20_000):
        content = written(pa.table({"a": rows(KINDS[kind], random, count)}), **options)
        assert are_sure(content)


@pytest.mark.parametrize("kind", KINDS)
def test_files_of_polars_are_read_by_polars(kind):
    random = Random(kind)  # noqa: S311  to be repeatable
    for count in (1, 7, 8, 9, 504, 20_000):
        frame = pl.DataFrame({"a": rows(KINDS[kind], random, count)})
        sink = io.BytesIO()
        frame.write_parquet(sink, compression="uncompressed", data_page_size=10_000)
        assert are_sure(sink.getvalue())
