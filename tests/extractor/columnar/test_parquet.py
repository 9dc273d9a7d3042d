"""Parquet files byte by byte: what no library writes, but another program may have written."""

from __future__ import annotations

import base64
import struct
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal
from pyarrow import parquet

from algomancy_data import (
    Column,
    DataSource,
    DataType,
    ParquetFile,
    ParquetSingleExtractor,
    ReadLimits,
    Schema,
    SimpleETLFactory,
)
from algomancy_data.database import DatabaseDataManager
from algomancy_data.errors import FileContentError, ReadLimitError
from algomancy_data.frames.values import python_values
from algomancy_data.inference import infer_schemas

FAULTS = Path(__file__).parents[2] / "data" / "columnar"
INT32, INT64, INT96, BYTES, FIXED = 1, 2, 3, 6, 7
REQUIRED, OPTIONAL, REPEATED = range(3)
MOST = 2**31 - 1
ENTRY = pa.struct([("key", pa.string()), ("value", pa.int32())])
# The levels of as many rows without a value, as a run.
ALL_NULL = b"\x06\0\0\0\xfe\xff\xff\xff\x0f\0"


class Fields(dict[int, Any]):
    """A Thrift struct: values by the number of their field."""


class Long(int):
    """An i64; a plain int is an i32."""


@dataclass
class Node:
    """A node of the schema; one with a physical type has the bytes of a page."""

    name: str = "c"
    repetition: int = REQUIRED
    physical: int | None = None
    data: bytes = b""  # levels and values
    values: int = 0
    children: list[Node] = field(default_factory=list)
    length: int | None = None
    converted: int | None = None
    logical: Fields | None = None
    digits: tuple[int, int] = (None, None)  # scale and precision
    encoding: int = 0
    codec: int = 0
    head: dict[int, Any] = field(default_factory=dict)  # of the page, instead of what is true
    details: dict[int, Any] = field(default_factory=dict)  # of the values in it
    column: dict[int, Any] = field(default_factory=dict)  # of the column in the footer


def file_of(rows: int, *nodes: Node) -> bytes:
    out = bytearray(b"PAR1")
    schema = [Fields({4: "schema", 5: len(nodes)})]
    columns: list[Fields] = []

    def add(node: Node, path: list[str]) -> None:
        path = [*path, node.name]
        described = {
            1: node.physical,
            2: node.length,
            3: node.repetition,
            4: node.name,
            5: len(node.children) or None,
            6: node.converted,
            10: node.logical,
            **dict(zip((7, 8), node.digits, strict=True)),
        }
        schema.append(Fields(described))
        for child in node.children:
            add(child, path)
        if node.physical is None:
            return
        start, size = len(out), len(node.data)
        details = Fields({1: node.values, 2: node.encoding, 3: 3, 4: 3} | node.details)
        out.extend(encoded(Fields({1: 0, 2: size, 3: size, 5: details} | node.head)) + node.data)
        length = Long(len(out) - start)
        meta = {1: node.physical, 2: [0, 3], 3: path, 4: node.codec, 5: Long(node.values)}
        meta |= {6: length, 7: length, 9: Long(start)} | node.column
        columns.append(Fields({2: Long(start), 3: Fields(meta)}))

    for node in nodes:
        add(node, [])
    group = Fields({1: columns, 2: Long(len(out) - 4), 3: Long(rows)})
    footer = encoded(Fields({1: 1, 2: schema, 3: Long(rows), 4: [group]}))
    return bytes(out) + footer + struct.pack("<I", len(footer)) + b"PAR1"


def encoded(value: Any) -> bytes:
    match value:
        case bool():
            return b""
        case int():
            return varint(value << 1 if value >= 0 else ~(value << 1))
        case str():
            return varint(len(value)) + value.encode()
        case list():
            head = bytes([min(len(value), 15) << 4 | kind_of(value[0])])
            return b"".join([head, *map(encoded, value)])
        case Fields():
            out, last = b"", 0
            for number, item in sorted(value.items()):
                if item is not None:
                    short = number - last < 16
                    head = bytes([((number - last) << 4 if short else 0) | kind_of(item)])
                    out += head + (b"" if short else encoded(number)) + encoded(item)
                    last = number
            return out + b"\0"
    raise TypeError(value)


def kind_of(value: Any) -> int:
    match value:
        case bool():
            return 1 if value else 2
        case Long():
            return 6
        case int():
            return 5
    return {str: 8, list: 9, Fields: 12}[type(value)]


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def levels(*numbers: int) -> bytes:
    runs = b"".join(bytes([2, number]) for number in numbers)
    return struct.pack("<I", len(runs)) + runs


def longs(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}q", *numbers)


def texts(*values: bytes) -> bytes:
    return b"".join(struct.pack("<I", len(value)) + value for value in values)


def plain(**how: Any) -> bytes:
    data = levels(1, 1, 1) + longs(1, 2, 3)
    return file_of(3, Node("c", OPTIONAL, INT64, data, 3, **how))


def int96(*moments: tuple[int, int]) -> bytes:
    """Return Julian days and nanoseconds of the day as a column of moments."""
    data = b"".join(struct.pack("<qI", nanoseconds, day) for day, nanoseconds in moments)
    return file_of(len(moments), Node("c", REQUIRED, INT96, data, len(moments)))


def one(physical: int, data: bytes, **how: Any) -> bytes:
    return file_of(1, Node("c", REQUIRED, physical, data, 1, **how))


def schema_of(**columns: DataType) -> type[Schema]:
    members = {f"COLUMN_{i}": Column(*item) for i, item in enumerate(columns.items())}
    settings = {"_FILENAME": "t", "_EXTENSION": "parquet", "_SCHEMA_TYPE": "single"}
    return type(
        "Table",
        (Schema,),
        settings | (members or {"NONE": Column("?", DataType.STRING, optional=True)}),
    )


def extracted(content: bytes, limits: ReadLimits | None = None, **columns: DataType):
    uri = "data:;base64," + base64.b64encode(content).decode()
    file = ParquetFile("t", content=uri, read_limits=limits)
    return ParquetSingleExtractor(file, schema_of(**columns)).extract()["t"]


def written(array: Any, **how: Any) -> bytes:
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.table({"c": array}), sink, **how)
    return sink.getvalue().to_pybytes()


def test_the_writer_here_writes_parquet():
    assert extracted(plain())["c"].to_list() == [1, 2, 3]
    assert parquet.read_table(pa.BufferReader(plain()))["c"].to_pylist() == [1, 2, 3]


# --- values that Polars changes ---------------------------------------------------------------

NOON = 43_200_000_000_000
NEW_YEAR_2020, NEW_YEAR_1500, YEARS_END_9999 = 2_458_850, 2_268_924, 5_373_484


@pytest.mark.parametrize(
    ("moments", "values", "unit"),
    [
        ([(NEW_YEAR_2020, 1)], ["2020-01-01 00:00:00.000000001"], "ns"),
        ([(YEARS_END_9999, 0)], ["9999-12-31 00:00:00"], "us"),
        ([(YEARS_END_9999, 0), (NEW_YEAR_1500, NOON)], None, "us"),
        ([(YEARS_END_9999 + 1, 1_000)], ["+10000-01-01 00:00:00.000001"], "us"),
    ],
)
def test_moments_of_twelve_bytes_are_exact(moments, values, unit):
    column = extracted(int96(*moments))["c"]
    assert column.dtype == pl.Datetime(unit)
    read = list(map(str, python_values(column)))
    assert read == (values or ["9999-12-31 00:00:00", "1500-01-01 12:00:00"])


def test_moments_that_no_unit_of_time_holds_are_refused():
    moments = [(YEARS_END_9999, 0), (NEW_YEAR_2020, 1)]
    with pytest.raises(FileContentError, match="column 'c' uses INT96 times with nanoseconds and"):
        extracted(int96(*moments))


def test_moments_in_lists_are_exact_or_refused():
    near = pa.array([[0, None], None], pa.list_(pa.timestamp("ns")))
    column = extracted(written(near, use_deprecated_int96_timestamps=True))["c"]
    assert column.to_list() == near.to_pylist()
    far = pa.array([[253_402_214_400_000_000]], pa.list_(pa.timestamp("us")))
    with pytest.raises(FileContentError, match="column 'c' uses nested INT96 times"):
        extracted(written(far, use_deprecated_int96_timestamps=True))


def test_repeated_keys_of_a_map_are_all_read():
    maps = pa.array([[("a", 1), ("a", 2)], None, []], pa.map_(pa.string(), pa.int64()))
    expected = [[{"key": "a", "value": 1}, {"key": "a", "value": 2}], None, []]
    assert extracted(written(maps))["c"].to_list() == expected
    texts = extracted(written(maps), c=DataType.STRING)["c"]
    assert texts.to_list() == ['[{"key":"a","value":1},{"key":"a","value":2}]', None, "[]"]


@pytest.mark.parametrize("before", [[], ["id"]])
def test_groups_that_are_repeated_without_a_word_are_lists(before):
    number = Node(
        "number", REQUIRED, INT64, levels(0, 0, 1, 0) + levels(0, 2, 2, 1) + longs(7, 8), 4
    )
    kind = Node(
        "kind", OPTIONAL, BYTES, levels(0, 0, 1, 0) + levels(0, 3, 2, 1) + texts(b"home"), 4
    )
    kind.converted = 0
    phones = Node("phones", OPTIONAL, children=[Node("phone", REPEATED, children=[number, kind])])
    ids = [Node(name, REQUIRED, INT64, longs(1, 2, 3), 3) for name in before]
    frame = extracted(file_of(3, *ids, phones))
    assert frame.height == 3
    phone = [{"number": 7, "kind": "home"}, {"number": 8, "kind": None}]
    assert frame["phones"].to_list() == [None, {"phone": phone}, {"phone": []}]


def test_a_time_of_day_that_there_is_not_is_refused():
    time = Fields({7: Fields({1: False, 2: Fields({2: Fields()})})})
    assert extracted(one(INT64, longs(86_399_999_999), logical=time))["c"].null_count() == 0
    with pytest.raises(FileContentError, match="may be damaged"):
        extracted(one(INT64, longs(86_400_000_000), logical=time))


def test_seconds_that_milliseconds_do_not_hold_are_refused():
    with pytest.raises(FileContentError, match="column 'c' uses the Arrow type duration with val"):
        extracted(written(pa.array([2**62], pa.duration("s"))))
    assert extracted(written(pa.array([5], pa.duration("s"))))["c"].to_physical().item() == 5_000


@pytest.mark.parametrize(
    ("physical", "data", "how"),
    [
        (INT32, struct.pack("<i", 1_000), {}),
        (INT64, longs(-1_000), {}),
        (FIXED, (10**20).to_bytes(16, "big"), {"length": 16}),
        (BYTES, texts(b"\x03\xe8"), {}),
    ],
)
def test_a_decimal_of_more_digits_than_its_type_has_is_refused(physical, data, how):
    content = one(physical, data, converted=5, digits=(0, 3), **how)
    with pytest.raises(FileContentError, match="Column 'c' has a decimal of more than 3 digits"):
        extracted(content)
    assert extracted(one(physical, data, converted=5, digits=(1, 30), **how))["c"].len() == 1


# --- types that Polars does not know ----------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "values"),
    [
        (one(BYTES, texts(b"wkb"), logical=Fields({17: Fields()})), [b"wkb"]),
        (one(BYTES, texts(b"wkb"), logical=Fields({18: Fields()})), [b"wkb"]),
        (one(INT64, longs(5), logical=Fields({99: Fields()})), [5]),
        (one(BYTES, texts(b"{}"), converted=19), ["{}"]),
        (one(BYTES, texts(b"enum"), converted=4), ["enum"]),
        (written(pa.array([Decimal(5)], pa.decimal256(50, 2))), [Decimal("5.00")]),
        (written(pa.array([[1], None], pa.list_view(pa.int64()))), [[1], None]),
        (
            written(
                pa.array([b"abc"], pa.binary(3)),
                use_dictionary=False,
                column_encoding={"c": "BYTE_STREAM_SPLIT"},
            ),
            [b"abc"],
        ),
    ],
)
def test_what_polars_does_not_know_is_read_as_what_it_is_made_of(content, values):
    assert extracted(content)["c"].to_list() == values


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (one(FIXED, bytes(12), length=12, converted=21), "column 'c' uses calendar intervals"),
        (plain(codec=3), "column 'c' uses LZO compression, which cannot be read. Rewrite it with"),
        (
            written(pa.array([Decimal(10) ** 40], pa.decimal256(50, 2))),
            "column 'c' uses the Arrow type decimal256 with values that are too large",
        ),
        (
            file_of(1, *[Node("c", REQUIRED, INT64, longs(1), 1)] * 2),
            "has more than one column 'c'. Give each a name of its own.",
        ),
    ],
)
def test_what_nothing_reads_is_refused_by_name(content, says):
    with pytest.raises(FileContentError) as caught:
        extracted(content)
    assert says in str(caught.value)


# --- lengths that lie -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        plain(details={1: MOST}),
        plain(details={1: -1}),
        plain(details={1: 2}),
        plain(column={5: Long(2**40)}),
        plain(column={7: Long(2**60)}),
        plain(column={9: Long(2**60)}),
        plain(column={9: Long(-8)}),
        plain(head={3: MOST}),
        plain(head={2: -5, 3: -5}),
        plain(head={2: 1 << 26}, codec=1),
        plain(head={4: 1}),
        plain(encoding=33),
        plain(codec=33),
        file_of(2**40, Node("c", REQUIRED, INT64, longs(1), 1)),
        file_of(-1, Node("c", REQUIRED, INT64, longs(1), 1)),
        file_of(MOST, Node("c", OPTIONAL, INT64, ALL_NULL, MOST)),
        one(BYTES, struct.pack("<I", 2**31) + b"abc", converted=0),
        one(BYTES, texts(b"\xff\xfe"), converted=0),
        one(FIXED, b"abc", length=MOST),
        one(FIXED, b"", length=0),
        one(INT64, varint(128) + varint(4) + varint(2**62) + bytes(40), encoding=5),
        one(INT64, b"\x20\x02\0\0\0\0", encoding=8),
    ],
)
def test_lengths_that_lie_are_refused(content):
    with pytest.raises(FileContentError) as caught:
        extracted(content)
    said = str(caught.value)
    assert isinstance(caught.value, ReadLimitError) or "may be damaged" in said
    assert not any(word in said for word in ("unwrap", "Thrift", "thrift", "Err(", "Arrow "))


@pytest.mark.parametrize("encoding", ["DELTA_BINARY_PACKED", "DELTA_BYTE_ARRAY"])
def test_damaged_deltas_show_no_panic_on_standard_error(encoding, capfd):
    values = ["a", "ab"] * 50 if encoding == "DELTA_BYTE_ARRAY" else [*range(100)]
    how = {"use_dictionary": False, "column_encoding": {"c": encoding}, "compression": "none"}
    content = written(pa.array(values), **how)
    assert extracted(content)["c"].to_list() == values
    refused = 0
    for at in range(20, 60):
        damaged = bytearray(content)
        damaged[at] ^= 0xFF
        try:
            extracted(bytes(damaged))
        except FileContentError:
            refused += 1
    assert refused > 5
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("codec", [2, 6])
def test_a_page_that_unpacks_to_more_than_allowed_is_refused_before(codec):
    with pytest.raises(ReadLimitError, match="unpacks to"):
        extracted(plain(head={2: MOST}, codec=codec))


def test_limits_are_settable():
    with pytest.raises(ReadLimitError, match="3 × 1 cells"):
        extracted(plain(), ReadLimits(cells=2))
    assert extracted(plain(), ReadLimits(cells=3)).height == 3


def test_a_page_with_another_check_sum_is_refused():
    content = bytearray(written(pa.array([1, 2, 3]), write_page_checksum=True, compression="none"))
    assert extracted(bytes(content))["c"].to_list() == [1, 2, 3]
    content[content.index(longs(1, 2, 3))] ^= 1
    with pytest.raises(FileContentError, match="column 'c' has a page whose check sum is another"):
        extracted(bytes(content))


def test_no_rows_and_no_columns_are_read():
    assert_frame_equal(
        extracted(written(pa.array([], pa.int8()))), pl.DataFrame({"c": []}, {"c": pl.Int8})
    )
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.table({}), sink)
    assert extracted(sink.getvalue().to_pybytes()).shape == (0, 0)


# --- files of others, all the way -------------------------------------------------------------


@pytest.mark.parametrize("name", ["int96", "map", "year_10001", "binary"])
def test_a_file_goes_through_inference_etl_and_a_store(tmp_path, name):
    path = FAULTS / f"{name}.parquet"
    assert "Column(" in infer_schemas(path).to_module()
    store = (f"sqlite:///{tmp_path / 'd.db'}", "s", DataSource)
    manager = DatabaseDataManager(SimpleETLFactory, [schema_of()], *store)
    manager.startup()
    files = manager.prepare_files(file_items_with_path=[("t", str(path))])
    result = manager.etl_data(files, "d")
    assert result.is_success, result.messages
    manager.close()
    again = DatabaseDataManager(SimpleETLFactory, [], *store)
    again.startup()
    table = again.get_data("d").get_table("t")
    again.close()
    expected = parquet.read_table(path, coerce_int96_timestamp_unit="us")
    for column, values in zip(expected.columns, table, strict=True):
        is_map = pa.types.is_map(column.type)
        theirs = column.cast(pa.list_(ENTRY)) if is_map else column
        assert pl.Series(theirs).equals(values)
