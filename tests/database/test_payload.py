"""What is kept as a payload comes back identical, or is refused before anything is written."""

from __future__ import annotations

import json
import math
import struct
import subprocess
import sys
import zlib
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from polars.testing.parametric import dataframes

from algomancy_data import BaseDataSource, DataClassification
from algomancy_data.database import payload as payloads
from algomancy_data.database import payload_chunks
from algomancy_data.database.models import metadata, payload_chunks_table
from algomancy_data.database.payload import StoredPayload
from algomancy_data.errors import (
    DamagedStoreError,
    FrameError,
    SchemaDriftError,
    SerializationError,
    StoreError,
    UnstorableError,
)
from algomancy_data.frames.mapped import in_memory, mapped_frame
from algomancy_data.testing.samples import makeable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from algomancy_data.frames.mapped import Gather

MASTER = DataClassification.MASTER_DATA
MIB = 1024 * 1024
FROM_SCRATCH = partial(mapped_frame, in_memory_bytes=1)


class Texts(BaseDataSource):
    """Has nothing but its JSON, which is any text."""

    text: Any = "{}"

    def to_json(self) -> str:
        return self.text

    @classmethod
    def from_json(cls, json_string: str) -> Texts:
        return texts(json_string)


class Model(BaseDataSource):
    """Has frames that are nobody else's business, and something beside them."""

    settings: Any
    frames: Any

    def to_json(self) -> str:
        columns = {name: frame.to_dict(as_series=False) for name, frame in self.frames.items()}
        return json.dumps([self.settings, columns])

    @classmethod
    def from_json(cls, json_string: str) -> Model:
        settings, columns = json.loads(json_string)
        return model(settings, {name: pl.DataFrame(column) for name, column in columns.items()})

    def to_payload(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return self.settings, self.frames

    @classmethod
    def from_payload(cls, metadata: dict[str, Any], tables: dict[str, pl.DataFrame]) -> Model:
        return model(metadata, tables)


class Confused(Model):
    """Understands nothing of what it wrote."""

    @classmethod
    def from_json(cls, json_string: str) -> Model:
        raise LookupError(json_string[:5])

    @classmethod
    def from_payload(cls, metadata: dict[str, Any], tables: dict[str, pl.DataFrame]) -> Model:
        raise LookupError(*tables)


def texts(text: Any) -> Texts:
    source = Texts(MASTER, name="d")
    source.text = text
    return source


def model(settings: Any, frames: Any) -> Model:
    source = Model(MASTER, name="d")
    source.settings, source.frames = settings, frames
    return source


class Store:
    """Datasets of session "s" in a database, each call in a transaction of its own."""

    def __init__(self, url: str) -> None:
        self.engine = sa.create_engine(url)
        self.rows: dict[str, tuple[str, StoredPayload]] = {}  # what the catalogue would have
        metadata.create_all(self.engine)

    def write(self, data: BaseDataSource, name: str = "d") -> StoredPayload:
        version = f"version {len(self.rows)}"
        with self.engine.begin() as connection:
            payloads.delete_payload(connection, "s", name)
            stored = payloads.PreparedPayload(name, data).write(connection, "s", version)
        self.rows[name] = version, stored
        return stored

    def read(self, cls: type[Any], name: str = "d", gather: Gather = in_memory) -> Any:
        version, stored = self.rows[name]
        with self.engine.connect() as connection:
            return payloads.read_payload(
                connection, "s", name, version, stored.payload, stored.payload_layout, cls, gather
            )

    def trip(self, data: BaseDataSource) -> Any:
        self.write(data)
        return self.read(type(data))

    def frame_trip(self, frame: pl.DataFrame) -> pl.DataFrame:
        return self.trip(model({}, {"t": frame})).frames["t"]

    def chunks(self) -> list[tuple[str, str, int, int]]:
        columns = payload_chunks_table.c
        query = sa.select(
            columns.name, columns.part, columns.ordinal, sa.func.length(columns.chunk)
        ).order_by(*payload_chunks_table.primary_key)
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(query)]


@pytest.fixture
def url(path: Path) -> str:
    """A new database, which another process can look at."""
    return f"sqlite+adbc:///{path}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store(url)
    yield store
    store.engine.dispose()


@pytest.fixture(scope="module")
def quick_store() -> Iterator[Store]:
    """A database in memory for all examples of a property."""
    store = Store("sqlite+adbc://")
    yield store
    store.engine.dispose()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks, batches and rows so small that all are exceeded."""
    monkeypatch.setattr(payload_chunks, "CHUNK_BYTES", 100)
    monkeypatch.setattr(payload_chunks, "_BATCH_BYTES", 500)
    monkeypatch.setattr(payload_chunks, "_BATCH_TO_OVERHEAD", 0)
    monkeypatch.setattr(payloads, "_LARGEST_IN_ROW", 10)
    monkeypatch.setattr(payloads, "_CHARACTERS_AT_ONCE", 7)


def assert_identical(read: pl.DataFrame, written: pl.DataFrame) -> None:
    assert read.schema == written.schema
    assert read.shape == written.shape
    assert_frame_equal(read, written, check_exact=True)
    assert float_bits(read) == float_bits(written)


def float_bits(frame: pl.DataFrame) -> list[bytes]:
    """Return what tells -0.0 from 0.0, and one NaN from another."""
    floats = frame.select(pl.selectors.float()).get_columns()
    return [struct.pack("d", value) for column in floats for value in column.drop_nulls()]


def column(values: list[Any], dtype: Any) -> pl.DataFrame:
    return pl.DataFrame({"x": pl.Series(values, dtype=dtype)})


NO_ITEMS = pl.Array(pl.Int8, 0)
NANS = [bytes.fromhex(bits) for bits in ("7ff8000000000001", "fff8000000000000")]
FRAMES = {
    "Int128": column([2**127 - 1, -(2**127), None], pl.Int128),
    "UInt128": column([2**128 - 1, 0, None], pl.UInt128),
    "UInt64": column([2**64 - 1, 0, None], pl.UInt64),
    "Float16": column([math.nan, math.inf, -0.0, None], pl.Float16),
    "NaNs with bits in them": column(NANS, pl.Binary).select(
        pl.col("x").bin.reinterpret(dtype=pl.Float64, endianness="big")
    ),
    "Decimal": column([Decimal("-1.50"), None, Decimal(10) ** 35], pl.Decimal(38, 2)),
    "Enum without a value": column([None], pl.Enum([])),
    "nested Enum": column([{"a": ["y", None]}, None], pl.Struct({"a": pl.List(pl.Enum("xyz"))})),
    "nested Categorical": column([["b", "a"], None, []], pl.List(pl.Categorical)),
    "nested 128-bit integers": column([[[2**100]], None], pl.List(pl.Array(pl.Int128, 1))),
    "arrays without items": column([[], None], NO_ITEMS),
    "nested arrays without items": column(
        [{"a": [[[], None], []], "b": [[], []]}, None],
        pl.Struct({"a": pl.List(pl.List(NO_ITEMS)), "b": pl.Array(NO_ITEMS, 2)}),
    ),
    "no arrays of arrays": column([[], None], pl.Array(pl.Array(pl.String, 2), 0)),
    "structs without fields": column([{}, None], pl.Struct([])),
    "nested nulls": column([[None], [], None], pl.List(pl.Null)),
    "no rows": pl.DataFrame(schema={"c": pl.Categorical, "e": pl.Enum("ab"), "a": NO_ITEMS}),
    "no columns": pl.DataFrame(),
    "no columns but rows": pl.DataFrame(height=5),
    "awkward names": pl.DataFrame({"": [1], "a\0b": [2], "😀": [3], "é" * 300: [4]}),
    "chunks": pl.concat([column(["a", None], pl.Categorical)] * 5, rechunk=False),
    "a slice": column([f"text {n}" for n in range(100)], pl.String).slice(33, 17),
}


DTYPES = [
    *(pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.Int128),
    *(pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64, pl.UInt128),
    *(pl.Float16, pl.Float32, pl.Float64, pl.Decimal, pl.Boolean, pl.Null),
    *(pl.String, pl.Binary, pl.Categorical, pl.Enum),
    *(pl.Date, pl.Time, pl.Datetime, pl.Duration),
    *(pl.List, pl.Array, pl.Struct),
]


@pytest.mark.parametrize("case", FRAMES)
def test_a_frame_comes_back_identical(store, case):
    assert_identical(store.frame_trip(FRAMES[case]), FRAMES[case])


@given(
    frame=makeable(
        dataframes(max_cols=5, max_size=20, allow_time_zones=True, allowed_dtypes=DTYPES)
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_frame_comes_back_identical_from_many_chunks(quick_store, small, frame):
    assert_identical(quick_store.frame_trip(frame), frame)
    assert_identical(quick_store.read(Model, gather=FROM_SCRATCH).frames["t"], frame)


@pytest.mark.parametrize("case", FRAMES)
def test_a_frame_comes_back_identical_from_a_scratch_file(store, small, case):
    frame = FRAMES[case]
    store.write(model({}, {"t": frame}))
    assert_identical(store.read(Model, gather=FROM_SCRATCH).frames["t"], frame)


def test_rows_of_very_different_sizes_make_batches_of_similar_size(store, monkeypatch):
    monkeypatch.setattr(payload_chunks, "_BATCH_BYTES", 10_000)
    frame = column(["x"] * 5_000 + ["y" * 9_000] * 5, pl.String)
    assert_identical(store.frame_trip(frame), frame)
    (part,) = json.loads(store.rows["d"][1].payload_layout)["parts"]
    assert max(part["segments"]) < 20_000
    assert sum(part["segments"]) < 2 * frame.estimated_size()


def test_the_categories_of_an_enum_are_not_repeated_in_every_small_batch(store, monkeypatch):
    monkeypatch.setattr(payload_chunks, "_BATCH_BYTES", 1_000)
    frame = column(["value 7"] * 400_000, pl.Enum([f"value {n}" for n in range(5_000)]))
    assert_identical(store.frame_trip(frame), frame)
    (part,) = json.loads(store.rows["d"][1].payload_layout)["parts"]
    assert sum(part["segments"]) < 2 * frame.estimated_size()


def test_frames_settings_and_their_order_come_back(store):
    settings = {"a": [1, None, {"b": 0.1}], "": "NUL \0, 😀, \ud800", "big": 10**40, "n": True}
    names = ["z", "a", "\0", "\ud800", "table-0", "x" * 5_000]
    frames = {name: pl.DataFrame({"x": [number]}) for number, name in enumerate(names)}
    read = store.trip(model(settings, frames))
    assert read.settings == settings
    assert list(read.frames) == names
    assert [frame.item() for frame in read.frames.values()] == list(range(len(names)))


def test_a_large_description_goes_into_chunks(store):
    settings = {"many": list(range(300_000))}
    read = store.trip(model(settings, {"t": pl.DataFrame({"x": [1]})}))
    assert (read.settings, read.frames["t"].item()) == (settings, 1)
    assert store.rows["d"][1].payload is None
    assert {part for _, part, _, _ in store.chunks()} == {"text", "table-0"}


def test_anything_tabular_is_a_frame(store):
    read = store.trip(model({}, {"t": pa.table({"x": [1]}), "l": pl.LazyFrame({"y": [2]})}))
    assert [frame.item() for frame in read.frames.values()] == [1, 2]


def test_the_chunks_are_a_stream_that_any_arrow_library_reads(store, small, outside, path):
    frame = pl.DataFrame(
        {"s": [f"text {n}" for n in range(99)], "c": pl.Series(["a", "b", None] * 33)}
    ).cast({"c": pl.Categorical})
    store.write(model({}, {"t": frame}))
    store.engine.dispose()
    rows = outside(
        path, "SELECT chunk FROM algomancy_payload_chunks WHERE part = 'table-0' ORDER BY ordinal"
    )
    assert len(rows) > 10
    stream = b"".join(bytes.fromhex(chunk.removeprefix("hex:")) for (chunk,) in rows)
    assert_frame_equal(pl.DataFrame(pa.ipc.open_stream(stream)), frame)


ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(text=ANY_TEXT)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_comes_back_identical_from_many_chunks(quick_store, small, text):
    assert quick_store.trip(texts(text)).text == text


@pytest.mark.parametrize(
    ("text", "in_row"),
    [
        ("", True),
        ("x" * MIB, True),
        ("x" * MIB + "y", False),
        ("é" * (MIB // 2 + 1), False),
        ("NUL \0", False),  # PostgreSQL has no such text
        ("😀" * (3 * MIB), False),
    ],
    ids=["empty", "the largest", "one more", "by its bytes", "NUL", "12 MiB"],
)
def test_a_small_text_is_in_the_row_and_a_large_one_in_chunks(store, text, in_row):
    assert store.trip(texts(text)).text == text
    stored = store.rows["d"][1]
    layout = json.loads(stored.payload_layout)
    assert (stored.payload == text, layout["parts"] == []) == (in_row, in_row)
    assert layout.get("text_crc32") == (zlib.crc32(text.encode()) if in_row else None)
    assert bool(store.chunks()) != in_row
    assert all(length <= payload_chunks.CHUNK_BYTES for *_, length in store.chunks())


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (texts("x" * 5 * MIB + "\ud800"), rf"'d'.*Texts\.to_json.*'\\ud800', at pos.*{5 * MIB}"),
        (texts(b"{}"), r"'d'.*Texts\.to_json\(\).*bytes"),
        (model({}, {"t": column([object()], pl.Object)}), r"'x' of table 't' is Object"),
        (model({"a": math.nan}, {}), r"'d'.*Model\.to_payload.*JSON cannot hold"),
        (model({"a": {1, 2}}, {}), "set is not JSON"),
        (model({"a": (1, 2)}, {}), "do not come back"),
        (model({1: 2}, {}), "do not come back"),
    ],
    ids=["surrogate", "bytes", "Object", "NaN", "set", "tuple", "number as key"],
)
def test_what_cannot_be_kept_exactly_is_refused(store, data, match):
    with pytest.raises(UnstorableError, match=match):
        store.write(data)
    assert store.chunks() == []


def test_what_is_no_frame_is_refused(store):
    with pytest.raises(FrameError, match="'t'"):
        store.write(model({}, {"t": "text"}))


@pytest.mark.parametrize("source", [texts("x" * 2 * MIB), model({}, {"t": FRAMES["a slice"]})])
def test_a_derived_dataset_is_kept_beside_the_first(store, source):
    store.write(source)
    store.write(source.derive("e"), "e")
    assert store.read(type(source)).to_json() == source.to_json()
    assert store.read(type(source), "e").to_json() == source.to_json()


def test_a_smaller_payload_replaces_all_of_a_larger_one(store):
    large = {name: pl.DataFrame({"x": range(1_000_000)}) for name in "ab"}
    store.write(texts("x" * 3 * MIB), "other")
    others = store.chunks()
    store.write(model({}, large))
    assert len(store.chunks()) > len(others) + 2
    assert store.trip(model({}, {"t": pl.DataFrame({"x": [1]})})).frames["t"].item() == 1
    assert [row[:3] for row in store.chunks() if row[0] == "d"] == [("d", "table-0", 0)]
    store.write(texts("small"))
    assert store.chunks() == others


def test_deleting_leaves_other_datasets_and_sessions(store):
    for name in ("d", "d%", "D"):
        store.write(texts("x" * 3 * MIB), name)
    with store.engine.begin() as connection:
        payloads.PreparedPayload("d", texts("x" * 3 * MIB)).write(connection, "S", "v")
        payloads.delete_payload(connection, "s", "d")
        payloads.delete_payload(connection, "s", "unknown")
    assert {row[0] for row in store.chunks()} == {"d", "d%", "D"}
    assert store.read(Texts, "D").text == "x" * 3 * MIB
    with pytest.raises(StoreError, match=r"'d' is damaged: chunk 0 is missing"):
        store.read(Texts)


def test_a_rolled_back_payload_leaves_nothing(store, outside, path):
    count = "SELECT count(*) FROM algomancy_payload_chunks"
    source = model({}, {"t": pl.DataFrame({"x": range(1_000_000)})})
    with store.engine.connect() as connection:
        with connection.begin() as transaction:
            payloads.PreparedPayload("d", source).write(connection, "s", "v")
            assert outside(path, count) == [[0]]
            transaction.rollback()
        assert outside(path, count) == [[0]]
    store.engine.dispose()
    assert outside(path, count, "PRAGMA integrity_check") == [["ok"]]


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (lambda _: None, "chunk 1 is missing"),
        (lambda chunk: chunk[1:], "the check sum of chunk 1"),
        (lambda _: b"", "the check sum of chunk 1"),
        (lambda chunk: chunk[:50] + bytes([chunk[50] ^ 1]) + chunk[51:], "the check sum of chunk"),
        (lambda chunk: chunk[::-1], "the check sum of chunk 1"),
    ],
    ids=["gone", "shorter", "empty", "one bit", "in another order"],
)
def test_a_damaged_chunk_is_noticed(store, small, damage, what):
    store.write(model({}, {"t": pl.DataFrame({"x": range(1_000)})}))
    columns = payload_chunks_table.c
    one = (columns.part == "table-0") & (columns.ordinal == 1)
    with store.engine.begin() as connection:
        chunk = damage(connection.scalar(sa.select(columns.chunk).where(one)))
        connection.execute(
            sa.delete(payload_chunks_table).where(one)
            if chunk is None
            else sa.update(payload_chunks_table).where(one).values(chunk=chunk)
        )
    with pytest.raises(StoreError, match=rf"'d' is damaged: {what}.*\('table-0'"):
        store.read(Model)


def test_chunks_of_another_writing_are_not_read(store, small):
    store.write(model({}, {"t": pl.DataFrame({"x": range(1_000)})}))
    _, stored = store.rows["d"]
    store.rows["d"] = "another version", stored
    with pytest.raises(StoreError, match="chunk 0 is missing"):
        store.read(Model)


def changed(stored: StoredPayload, **changes: Any) -> StoredPayload:
    return StoredPayload(**{**vars(stored), **changes})


def without_sum(layout: dict[str, Any]) -> None:
    layout["parts"][0]["crc32"].pop()


def without_segment(layout: dict[str, Any]) -> None:
    layout["parts"][0]["segments"].pop(1)


def without_bytes(layout: dict[str, Any]) -> None:
    layout["parts"][-1].update(segments=[], crc32=[])


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        (without_sum, StoreError, "bytes are missing"),
        (without_segment, StoreError, "there are bytes behind its end"),
        (without_bytes, StoreError, "0 rows instead of 1,000"),
        (lambda layout: layout.update(parts=[]), StoreError, "does not say where"),
        (lambda layout: layout.pop("kind"), StoreError, "does not describe it"),
        (lambda layout: layout.update(format=2), SchemaDriftError, "later version"),
    ],
    ids=["a sum gone", "a segment gone", "no bytes", "no parts", "no kind", "later"],
)
def test_a_damaged_layout_is_noticed(store, small, change, error, match):
    store.write(model({}, {"t": pl.DataFrame({"x": range(1_000)})}))
    version, stored = store.rows["d"]
    layout = json.loads(stored.payload_layout)
    change(layout)
    store.rows["d"] = version, changed(stored, payload_layout=json.dumps(layout))
    with pytest.raises(error, match=match):
        store.read(Model)


@pytest.mark.parametrize(
    ("old", "new", "error", "match"),
    [
        ("Int64", "Float64", SchemaDriftError, r"'t' have another schema.*Int64.*Float64"),
        ('"x"', '"y"', SchemaDriftError, "another schema"),
        ('"rows": 3', '"rows": 4', StoreError, "3 rows instead of 4"),
        ("tables", "table", StoreError, "does not describe Arrow data"),
        ("{", "", StoreError, "does not describe Arrow data"),
        ("Int64", "Int65", StoreError, "does not describe Arrow data"),
    ],
)
def test_a_description_that_does_not_fit_is_noticed(store, old, new, error, match):
    stored = store.write(model({}, {"t": pl.DataFrame({"x": [1, 2, 3]})}))
    version, _ = store.rows["d"]
    text, layout = stored.payload.replace(old, new), json.loads(stored.payload_layout)
    store.rows["d"] = version, changed(stored, payload=text)
    with pytest.raises(DamagedStoreError, match="the check sum of the text"):
        store.read(Model)
    layout["text_crc32"] = zlib.crc32(text.encode())
    store.rows["d"] = version, changed(stored, payload=text, payload_layout=json.dumps(layout))
    with pytest.raises(error, match=match):
        store.read(Model)


def test_arrow_data_that_this_polars_cannot_read_are_noticed(store, monkeypatch):
    def fail(stream: bytes) -> None:
        raise pl.exceptions.ComputeError(f"{len(stream) > 100}")

    store.write(model({}, {"t": pl.DataFrame({"x": [1]})}))
    monkeypatch.setattr(pl, "read_ipc_stream", fail)
    with pytest.raises(SchemaDriftError, match="'t' cannot be read by this Polars: True"):
        store.read(Model)


@pytest.mark.parametrize(
    "data", [texts("a short text: ü"), model({"a": 1}, {})], ids=["json", "frames"]
)
def test_a_text_in_the_row_that_was_changed_is_noticed(store, data):
    stored = store.write(data)
    version, _ = store.rows["d"]
    store.rows["d"] = version, changed(stored, payload=f"{stored.payload} ")
    with pytest.raises(
        DamagedStoreError, match=r"'d' is damaged: the check sum of the text.*'text'"
    ):
        store.read(type(data))


def test_a_class_that_does_not_understand_its_payload_is_named(store):
    store.write(texts("some text"))
    with pytest.raises(
        SerializationError, match=r"'d'.*Confused\.from_json\(\).*LookupError: some"
    ):
        store.read(Confused)
    store.write(model({}, {"t": pl.DataFrame()}))
    with pytest.raises(
        SerializationError, match=r"'d'.*Confused\.from_payload\(\).*LookupError: t"
    ):
        store.read(Confused)
    with pytest.raises(TypeError, match=r"'d'.*Texts.*ArrowPayloadLayout"):
        store.read(Texts)


# Writes a payload of as many MiB to a database, or reads and compares it, and says what it took.
LARGE = """
import json, re, sys, time
from pathlib import Path
import polars as pl
import sqlalchemy as sa
from algomancy_data import BaseDataSource, DataClassification
from algomancy_data.database.models import metadata
from algomancy_data.database.payload import PreparedPayload, read_payload

COLUMNS = 16
doing, url, mib, *stored = json.load(sys.stdin)
rows = mib * 1024 * 1024 // (8 * COLUMNS)

def column(number):
    values = pl.int_range(rows, eager=True).alias(f"c{number}")
    return values.cast(pl.String) if number == 0 else values * number

class Large(BaseDataSource):
    def to_json(self): ...
    @classmethod
    def from_json(cls, text): ...
    def to_payload(self):
        return {}, {"t": self.frame}
    @classmethod
    def from_payload(cls, metadata, tables):
        data = cls(DataClassification.MASTER_DATA)
        (data.frame,) = tables.values()
        return data

def peak():
    # getrusage would count the process that started this one as well.
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) * 1024

engine = sa.create_engine(url)
metadata.create_all(engine)
before = peak()
if doing == "write":
    data = Large(DataClassification.MASTER_DATA)
    data.frame = pl.DataFrame([column(number) for number in range(COLUMNS)])
    start = time.perf_counter()
    with engine.begin() as connection:
        row = vars(PreparedPayload("d", data).write(connection, "s", "v"))
else:
    start = time.perf_counter()
    with engine.connect() as connection:
        data = read_payload(connection, "s", "d", "v", *stored, Large)
    row = {}
seconds, used = time.perf_counter() - start, peak() - before
if doing == "read":
    assert data.frame.width == COLUMNS
    assert all(data.frame[f"c{number}"].equals(column(number)) for number in range(COLUMNS))
engine.dispose()
json.dump({"row": row, "bytes": data.frame.estimated_size(), "seconds": seconds, "used": used},
          sys.stdout)
"""


def run_large(doing: str, url: str, mib: int, *stored: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", LARGE],
        input=json.dumps([doing, url, mib, *stored]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# Without a log, which halves what has to be written to the disk.
NO_LOG = "?journal_mode=delete"


@pytest.fixture
def large_place(request, tmp_path):
    """Where a large payload is kept for one test."""
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql")
        yield url
        engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+adbc"))
        with engine.begin() as connection:
            payloads.delete_payload(connection, "s", "d")
        engine.dispose()
    else:
        yield f"sqlite+adbc:///{tmp_path / 'large.db'}{request.param}"
        for file in tmp_path.iterdir():
            file.unlink()


@pytest.mark.parametrize(
    ("mib", "large_place"),
    [
        pytest.param(200, "", marks=pytest.mark.long),
        # More than a signed number of 32 bits counts.
        pytest.param(2200, NO_LOG, marks=pytest.mark.long),
        pytest.param(2200, "postgresql", marks=pytest.mark.long),
    ],
    indirect=["large_place"],
)
def test_a_large_payload_takes_little_more_memory_than_itself(large_place, mib):
    url = large_place.replace("postgresql://", "postgresql+adbc://")
    written = run_large("write", url, mib)
    read = run_large("read", url, mib, *written["row"].values())
    for result in (written, read):
        assert result["bytes"] > 0.95 * mib * MIB
        assert result["used"] < 2 * result["bytes"]
