"""Arrow files and streams from outside: what Polars does not know, and lengths that lie."""

from __future__ import annotations

import base64
import struct
from decimal import Decimal
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from algomancy_data import ArrowFile, ArrowSingleExtractor, Column, DataType, ReadLimits, Schema
from algomancy_data.errors import FileContentError, ReadLimitError
from algomancy_data.frames.arrow_layout import ArrowLayoutError, arrow_layout


class Table(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "arrow", "single"
    NONE = Column("?", DataType.STRING, optional=True)


def written(*arrays: Any, stream: bool = False, **options: Any) -> bytes:
    sink = pa.BufferOutputStream()
    batch = pa.record_batch(list(arrays), names=[*"cdefg"[: len(arrays)]])
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    with new(sink, batch.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_batch(batch)
    return sink.getvalue().to_pybytes()


def extracted(content: bytes, limits: ReadLimits | None = None) -> pl.DataFrame:
    uri = "data:;base64," + base64.b64encode(content).decode()
    file = ArrowFile("t", content=uri, read_limits=limits)
    return ArrowSingleExtractor(file, Table).extract()["t"]


def changed(content: bytes, old: bytes, new: bytes) -> bytes:
    assert content.count(old) == 1
    assert len(old) == len(new)
    return content.replace(old, new)


def longs(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}q", *numbers)


def ints(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}i", *numbers)


# --- types that Polars does not know ----------------------------------------------------------


@pytest.mark.parametrize(
    ("array", "values", "dtype"),
    [
        (pa.array([Decimal(5), None], pa.decimal256(50, 2)), [Decimal(5), None], pl.Decimal(38, 2)),
        (pa.array([Decimal(500)], pa.decimal128(5, -2)), [Decimal(500)], pl.Decimal(38, 0)),
        (pa.array([Decimal(5)], pa.decimal32(5, 2)), [Decimal(5)], pl.Decimal(5, 2)),
        (
            pa.array([[1, 2], None, [3], []], pa.list_view(pa.int8())),
            [[1, 2], None, [3], []],
            pl.List(pl.Int8),
        ),
        (pa.array([[], None], pa.large_list_view(pa.int8())), [[], None], pl.List(pl.Int8)),
        (pa.array([[], None], pa.list_(pa.int8(), 0)), [[], None], pl.List(pl.Int8)),
        (pa.RunEndEncodedArray.from_arrays([2, 3], ["a", None]), ["a", "a", None], pl.String()),
        (
            pa.array([[("a", 1), ("a", 2)]], pa.map_(pa.string(), pa.int8())),
            [[{"key": "a", "value": 1}, {"key": "a", "value": 2}]],
            None,
        ),
        (
            pa.array([1, None], pa.timestamp("s")),
            [pl.datetime(1970, 1, 1, 0, 0, 1), None],
            pl.Datetime("ms"),
        ),
        (
            pa.array([0], pa.timestamp("us", "+05:30")),
            [pl.datetime(1970, 1, 1, time_zone="UTC")],
            pl.Datetime("us", "UTC"),
        ),
        (pa.ExtensionArray.from_storage(pa.json_(), pa.array(["{}"])), ["{}"], pl.String()),
        (
            pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"u" * 16], pa.binary(16))),
            [b"u" * 16],
            pl.Binary(),
        ),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_polars_does_not_know_is_read_exactly(array, values, dtype, stream):
    column = extracted(written(array, stream=stream))["c"]
    values = [pl.select(v).item() if isinstance(v, pl.Expr) else v for v in values]
    assert column.to_list() == values
    assert dtype in {None, column.dtype}


UNION = pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array("ab")])


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (pa.array([(1, 2, 3)], pa.month_day_nano_interval()), "uses calendar intervals"),
        (UNION, "uses a union of several types, which cannot be read. Rewrite it with a column"),
        (pa.array([0], pa.timestamp("s", "Not/AZone")), "uses the unknown time zone 'Not/AZone'"),
        (pa.array([2**62], pa.timestamp("s")), "uses the Arrow type timestamp with values that"),
        (pa.array([2**62], pa.duration("s")), "uses the Arrow type duration with values that"),
        (
            pa.array([Decimal(10) ** 40], pa.decimal256(50, 2)),
            "uses the Arrow type decimal256 with",
        ),
        (pa.array([[[1]]], pa.list_(pa.list_view(pa.int8()))), "uses list views inside other"),
    ],
)
def test_what_nothing_reads_is_refused_by_name(array, says):
    with pytest.raises(FileContentError) as caught:
        extracted(written(array))
    assert f"File 't': column 'c' {says}" in str(caught.value)


def test_columns_of_one_name_are_refused():
    batch = pa.record_batch([[1], [2]], names=["c", "c"])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)
    with pytest.raises(FileContentError, match="more than one column 'c'"):
        extracted(sink.getvalue().to_pybytes())


def test_dictionaries_that_grow_are_read():
    sink = pa.BufferOutputStream()
    schema = pa.schema({"c": pa.dictionary(pa.int8(), pa.string())})
    options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
    with pa.ipc.new_stream(sink, schema, options=options) as writer:
        for words in (["a"], ["a", "b"]):
            column = pa.array(words).dictionary_encode().cast(schema.field(0).type)
            writer.write_batch(pa.record_batch([column], schema=schema))
    assert extracted(sink.getvalue().to_pybytes())["c"].to_list() == ["a", "a", "b"]


# --- values that are none ---------------------------------------------------------------------

TEXTS = pa.array(["abcdefg", "hijklmnopq"])
VIEWS = pa.array(["abcdefghijklmnopqrstuvwxyz"], pa.string_view())
KEYS = pa.DictionaryArray.from_arrays(pa.array([1, 0, 1, 1, 0, 0, 1, 1], pa.int8()), ["a", "b"])


@pytest.mark.parametrize(
    ("array", "old", "new"),
    [
        (TEXTS, b"abcdefghijklmnopq", b"abcde\xffghijklmnopq"),
        (TEXTS, b"abcdefghijklmnopq", "abcdefñjjklmnopq".encode()),
        (TEXTS, ints(0, 7, 17), ints(0, 20, 17)),
        (TEXTS, ints(0, 7, 17), ints(0, 7, 5_000)),
        (TEXTS, ints(0, 7, 17), ints(-5, 7, 17)),
        (VIEWS, ints(26) + b"abcd" + ints(0, 0), ints(2_600) + b"abcd" + ints(0, 0)),
        (VIEWS, ints(26) + b"abcd" + ints(0, 0), ints(26) + b"abcd" + ints(7, 0)),
        (KEYS, bytes([1, 0, 1, 1, 0, 0, 1, 1]), bytes([1, 0, 1, 77, 0, 0, 1, 1])),
        (pa.array([86_399_999], pa.time32("ms")), ints(86_399_999), ints(86_400_000)),
        (pa.array([12345], pa.decimal128(5)), longs(12345, 0), longs(123_456, 0)),
    ],
)
def test_values_that_their_type_has_not_are_refused(array, old, new):
    content = written(array)
    assert extracted(content)["c"].null_count() == 0
    with pytest.raises(
        FileContentError, match=r"File 't' (cannot be read as Arrow; it )?may be dam"
    ):
        extracted(changed(content, old, new))


def test_nested_decimals_are_looked_at():
    content = written(
        pa.array([[{"a": Decimal(12345)}]], pa.list_(pa.struct({"a": pa.decimal128(5)})))
    )
    assert extracted(content)["c"].to_list() == [[{"a": Decimal(12345)}]]
    with pytest.raises(FileContentError, match="Column 'c' has a decimal of more than 5 digits"):
        extracted(changed(content, longs(12345, 0), longs(123_456, 0)))


# --- lengths that lie -------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("codec", [None, "lz4", "zstd"])
@pytest.mark.parametrize("lie", [2**60, 2**40, 2**31, -5])
def test_every_length_that_lies_is_refused_before_memory_is_taken(stream, codec, lie):
    array = pa.array(range(1000, 1077), pa.int64())
    content = written(array, TEXTS.take(pa.array([0] * 77)), stream=stream, compression=codec)
    layout = arrow_layout(content)
    assert (layout.rows, layout.nulls) == (77, (0, 0))
    refused = 0
    for at in range(0, len(content) - 8, 8):
        given = content[:at] + longs(lie) + content[at + 8 :]
        try:
            extracted(given)
        except FileContentError as error:
            refused += 1
            shown = str(error)
            assert not any(word in shown for word in ("unwrap", "Err(", "polars", "flatbuf"))
    assert refused > 10


@pytest.mark.parametrize("stream", [False, True])
def test_a_file_that_was_cut_off_is_refused(stream):
    content = written(pa.array(range(100)), stream=stream)
    for end in range(8, len(content) - 8, 16):
        with pytest.raises(FileContentError, match=r"may be damaged|neither an Arrow"):
            extracted(content[:end])


def test_a_packed_buffer_cannot_unpack_to_more_than_its_codec_packs():
    content = written(pa.array([0] * 1_000_000, pa.int64()), compression="lz4")
    assert arrow_layout(content).unpacked_bytes == 8_000_000
    with pytest.raises(ArrowLayoutError, match="packed buffers would unpack from"):
        arrow_layout(changed(content, longs(8_000_000), longs(80_000_000_000)))


def test_limits_are_settable():
    content = written(pa.array([0] * 18_000_000, pa.int64()), compression="zstd")
    with pytest.raises(ReadLimitError, match="unpacks to 144,000,000 bytes"):
        extracted(content)
    with pytest.raises(ReadLimitError, match="× 1 cells"):
        extracted(content, ReadLimits(ratio=None, cells=1))
