"""Whatever code or files hand over, public calls take it or refuse it by the package's errors."""

import base64
import datetime as dt
import gzip
import io
import json
import logging
import re
import tempfile
import warnings
import zipfile
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sqlalchemy as sa
import xlsxwriter
from hypothesis import example, given, settings
from hypothesis import strategies as st
from polars.testing.parametric import dataframes
from pyarrow import parquet

from algomancy_data import (
    Column,
    DataSource,
    DataType,
    ForeignKeyValidator,
    MissingValueValidator,
    Quarantine,
    ReadLimits,
    Schema,
    SimpleETLFactory,
    StatefulDataManager,
    StatelessDataManager,
    UniqueValueValidator,
    ValidationSequence,
)
from algomancy_data.database import DatabaseDataManager
from algomancy_data.errors import AlgomancyDataError
from algomancy_data.inference import infer_schemas

# Words of Rust, Polars and pyarrow in which no message of the package speaks.
FORBIDDEN = re.compile(
    r"panicked|unwrap\(|Option::|Err\(|RUST_|\.rs\b|\.cc\b|pyo3|polars_|arrow::|ComputeError|"
    r"SchemaError|ShapeError|InvalidOperation|ArrowInvalid|ArrowNotImpl|Traceback|dtype: unknown"
)
NAMES = st.sampled_from(
    ["a", "", '"', "'", "a\0b", "a.b", "\ud800", "€" * 70, "A", "ROW_ID", "%s", ":x"]
)
NUMBERS = st.sampled_from(
    [0, -1, 2**31, 2**63 - 1, 2**63, 2**64, 2**127, 2**128, 10**400, -(2**200)]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    NUMBERS,
    st.floats(),
    st.sampled_from(["", "\0", "\ud800", "x" * 10_000, "9999-12-31", "é"]),
    st.sampled_from([b"", b"\xff\0", bytearray(b"x"), memoryview(b"x")]),
    st.sampled_from([dt.date.min, dt.date.max, dt.datetime.min, dt.datetime.max, dt.timedelta.max]),
    st.sampled_from(
        [dt.time.max, dt.datetime(2024, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=3)))]
    ),
    st.sampled_from(
        [Decimal("1e6000"), Decimal("NaN"), Decimal(10) ** 38, Fraction(1, 3), 1j, object]
    ),
    st.sampled_from([np.int8(1), np.float16(2), np.datetime64("NaT"), np.str_("x"), pd.NaT, pd.NA]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=6,
)
COLUMNS = st.dictionaries(NAMES, st.lists(VALUES, min_size=2, max_size=2), max_size=3)
ROWS = st.lists(st.dictionaries(NAMES, VALUES, max_size=3), max_size=3)


def nested_endlessly():
    values = []
    values.append(values)
    return values


ODD = {
    "union": lambda: pa.UnionArray.from_sparse(pa.array([0, 0], pa.int8()), [pa.array([1, 2])]),
    "run ends": lambda: pa.RunEndEncodedArray.from_arrays(
        pa.array([2], pa.int32()), pa.array(["x"])
    ),
    "list view": lambda: pa.array([[1], None], pa.list_view(pa.int8())),
    "nested view": lambda: pa.array([[[1]], None], pa.list_(pa.list_view(pa.int8()))),
    "interval": lambda: pa.array([(1, 2, 3), None], pa.month_day_nano_interval()),
    "decimal256": lambda: pa.array([Decimal(10) ** 60, None], pa.decimal256(76, 2)),
    "negative scale": lambda: pa.array([Decimal(100), None], pa.decimal128(5, -2)),
    "far seconds": lambda: pa.array([2**62, None], pa.timestamp("s")),
    "far days": lambda: pa.array([2**62 // 86_400_000 * 86_400_000, None], pa.date64()),
    "map": lambda: pa.array([[("k", 1), ("k", 2)], None], pa.map_(pa.string(), pa.int8())),
    "dictionary": lambda: pa.array(["x", None]).dictionary_encode(),
    "half": lambda: pa.array([np.float16(1), None], pa.float16()),
    "zone": lambda: pa.array([0, None], pa.timestamp("ns", "Mars/X")),
    "no lists": lambda: pa.array([[], None], pa.list_(pa.int8(), 0)),
    "object": lambda: pl.Series([object(), None], dtype=pl.Object),
    "int128": lambda: pl.Series([2**100, None], dtype=pl.Int128),
    "far year": lambda: pl.Series([2**31 - 1, None], dtype=pl.Int32).cast(pl.Date),
    "far moment": lambda: pl.Series([2**63 - 1, None]).cast(pl.Datetime("ms", "Europe/Paris")),
    "far span": lambda: pl.Series([2**63 - 1, -(2**63)]).cast(pl.Duration("ms")),
    "far in lists": lambda: pl.Series([[2**31 - 1], None], dtype=pl.List(pl.Int32)).cast(
        pl.List(pl.Date)
    ),
    "enum": lambda: pl.Series(["x", None], dtype=pl.Enum(["x", "", "\0"])),
    "array": lambda: pl.Series([[[1]], None], dtype=pl.Array(pl.Array(pl.Int8, 1), 1)),
    "empty struct": lambda: pl.Series([{}, None], dtype=pl.Struct({})),
    "null": lambda: pl.Series([None, None]),
    "decimal": lambda: pl.Series([Decimal(10) ** 37, None], dtype=pl.Decimal(38, 0)),
    "pandas": lambda: pd.Series([1, "x"], dtype=object),
    "pandas period": lambda: pd.Series(pd.period_range("2024", periods=2, freq="D")),
    "pandas sparse": lambda: pd.Series(pd.arrays.SparseArray([0, 1])),
    "numpy void": lambda: np.zeros(2, dtype=[("a", "i4"), ("b", "f4")]),
    "numpy long": lambda: np.zeros(2, dtype=np.longdouble),
    "numpy complex": lambda: np.zeros(2, dtype=complex),
    "numpy matrix": lambda: np.zeros((2, 2, 2)),
    "endless": nested_endlessly,
}


@st.composite
def odd_tables(draw):
    make, name = ODD[draw(st.sampled_from(sorted(ODD)))], draw(NAMES)
    values = make()
    if isinstance(values, pa.Array) and draw(st.booleans()):
        try:
            return pa.table({name: values})
        except UnicodeEncodeError:
            return {name: values}
    return {name: values}


TABLES = st.one_of(
    COLUMNS,
    ROWS,
    odd_tables(),
    dataframes(max_cols=2, max_size=3),
    st.lists(VALUES, max_size=2),
    VALUES,
)


@pytest.fixture(autouse=True, scope="module")
def silence():
    """Log nothing: names that are no text cannot go from a process of pytest-xdist to another."""
    logger = logging.getLogger("algomancy_data")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    yield
    logger.setLevel(before)


class CheckedETLFactory(SimpleETLFactory):
    check_constraints = True


KINDS = ["memory", "folder", "database"]


@pytest.fixture(scope="module", params=KINDS)
def manager(request, tmp_path_factory):
    with manager_of(request.param, tmp_path_factory.mktemp("kept")) as one:
        yield one


@pytest.fixture(scope="module")
def managers(tmp_path_factory):
    """One of each kind, by its name."""
    with ExitStack() as stack:
        opened = (manager_of(kind, tmp_path_factory.mktemp("kept")) for kind in KINDS)
        yield dict(zip(KINDS, map(stack.enter_context, opened), strict=True))


@contextmanager
def manager_of(kind, folder):
    engine = sa.create_engine("sqlite+adbc://")
    given = (CheckedETLFactory, SCHEMAS)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "StatefulDataManager", DeprecationWarning)
        one = {
            "memory": lambda: StatelessDataManager(*given, "json", DataSource),
            "folder": lambda: StatefulDataManager(*given, folder, "json", DataSource),
            "database": lambda: DatabaseDataManager(*given, engine, "s", DataSource),
        }[kind]()
    one.startup()
    yield one
    one.close()
    engine.dispose()


def attempt(call, *arguments):
    """Return what a call returns, or None if it refuses by an error of the package."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return call(*arguments)
        except AlgomancyDataError as error:
            said = str(error)
    assert not FORBIDDEN.search(said), said
    return None


@settings(deadline=None)
@given(table=TABLES, name=NAMES)
@example(table={"a": Decimal("NaN")}, name="a")
@example(table={"a": 2**128}, name="a")
def test_tables_of_any_kind_are_taken_or_refused(manager, table, name):
    source = DataSource("master_data", name="d")
    attempt(source.add_table, name, table)
    if name not in source.tables:
        return
    frame = source.get_table(name)
    column = next(iter(frame.columns), "a")
    checks = ValidationSequence(
        [
            UniqueValueValidator(name, [column]),
            MissingValueValidator(name, [column]),
            ForeignKeyValidator(name, column, name, column),
        ]
    )
    attempt(checks.run_validation, source.tables)
    text = attempt(source.to_json)
    if text is not None:
        attempt(DataSource.from_json, text)
    attempt(manager.delete_data, "d")
    attempt(manager.delete_data, "e")
    attempt(manager.add_data_source, source)
    attempt(manager.derive_data, "d", "e")
    attempt(manager.refresh)
    attempt(lambda: manager.get_table("d", name))
    attempt(lambda: manager.scan_table("d", name).collect())
    if isinstance(manager, DatabaseDataManager):
        attempt(manager.query, 'SELECT count(*) FROM "d.a"')
    if isinstance(manager, StatefulDataManager):
        attempt(manager.store_data_source_as_json, "d")
        attempt(manager.store_data, "raw", source.tables)
        attempt(manager.delete_data, "raw")
    attempt(manager.verify)


# --- files ------------------------------------------------------------------------------------

ROWS_OF_FILES = [
    {"id": 1, "day": "2024-05-01", "amount": 1.5, "paid": True, "note": "ä, b", "took": "01:00:00"},
    {"id": 2, "day": None, "amount": -1e300, "paid": False, "note": None, "took": None},
]
CSV = 'id;day;amount;paid;note;took\n1;2024-05-01;1,5;yes;"a""\nb";01:00:00\n2;;1e3;;;\n'


def written(write, *arguments, **options):
    sink = io.BytesIO()
    write(*arguments, sink, **options)
    return sink.getvalue()


def workbook(sink):
    with xlsxwriter.Workbook(sink) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, list(ROWS_OF_FILES[0]))
        for number, row in enumerate(ROWS_OF_FILES, 1):
            sheet.write_row(number, 0, list(row.values()))


def zipped(sink):
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("t.csv", CSV)


TABLE = pa.Table.from_pylist(ROWS_OF_FILES)
NESTED = TABLE.append_column("items", pa.array([[1, None], []]))
CONTENTS = {
    ".csv": [CSV.encode(), CSV.replace(";", ",").encode("utf-16")],
    ".csv.gz": [gzip.compress(CSV.encode(), mtime=0)],
    ".csv.zip": [written(zipped)],
    ".json": [
        json.dumps(ROWS_OF_FILES).encode(),
        json.dumps({"a": {"b": ROWS_OF_FILES}}).encode(),
    ],
    ".ndjson": ["\n".join(map(json.dumps, ROWS_OF_FILES)).encode()],
    ".xlsx": [written(workbook)],
    ".parquet": [
        written(parquet.write_table, NESTED),
        written(parquet.write_table, TABLE, compression="none", data_page_version="2.0"),
    ],
    ".arrow": [
        written(pl.DataFrame(NESTED).write_ipc),
        written(pl.DataFrame(TABLE).write_ipc_stream, compression="zstd"),
    ],
}


def schema_of(suffix):
    """Return a schema of files with a suffix; its name is that without its dots."""
    words = {"_FILENAME": suffix.replace(".", ""), "_EXTENSION": suffix.split(".")[1]}
    columns = {
        "ID": Column("id", DataType.INTEGER, primary_key=True),
        "DAY": Column("day", DataType.DATETIME),
        "AMOUNT": Column("amount", DataType.FLOAT),
        "PAID": Column("paid", DataType.BOOLEAN),
        "NOTE": Column("note", DataType.STRING),
        "TOOK": Column("took", DataType.INTERVAL),
    }
    return type("Files", (Schema,), words | {"_SCHEMA_TYPE": "single"} | columns)


SCHEMAS = [schema_of(suffix) for suffix in CONTENTS]
PIECES = st.one_of(
    st.binary(max_size=8),
    st.sampled_from([b"", b"\0", b"\xff" * 8, b'"', b";", b"\n" * 9, b"[" * 3000, b"9" * 400]),
    st.sampled_from([b"1e999", b"\xed\xa0\x80", b"\\ud800", b"0001-01-01", b"9999-12-31", b"<"]),
)
EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 9), PIECES), max_size=3)


@st.composite
def file_contents(draw):
    """Return a suffix, and what is nearly a file of that or, now and then, of another format."""
    suffix, other = draw(st.sampled_from(sorted(CONTENTS))), draw(st.sampled_from(sorted(CONTENTS)))
    content = draw(st.sampled_from(CONTENTS[other if draw(st.integers(0, 7)) == 0 else suffix]))
    for place, length, piece in draw(EDITS):
        at = round(place * len(content))
        content = content[:at] + piece + content[at + length :]
    return suffix, content


LIMITS = st.sampled_from(
    [None, ReadLimits(), ReadLimits(cells=9, text_bytes=3), ReadLimits(columns=3, unpacked_bytes=9)]
)
SETTINGS = st.fixed_dictionaries(
    {"quarantine": st.sampled_from([None, Quarantine()]), "read_limits": LIMITS}
)


def hand_in(manager, home, suffix, content, options):
    """Give a file to all public calls that take one: by its path, as an upload, in a folder."""
    name = suffix.replace(".", "")
    folder = home / "raw"
    folder.mkdir()
    path = folder / (name + suffix)
    path.write_bytes(content)
    for sample in (None, 8):
        inferred = attempt(
            lambda size=sample: infer_schemas(
                path, sample_bytes=size, read_limits=options["read_limits"]
            )
        )
        if inferred is not None:
            attempt(inferred.to_module)
            attempt(inferred.__str__)
    upload = "data:application/octet-stream;base64," + base64.b64encode(content).decode()
    found = [
        attempt(manager.prepare_files, None, [(name, str(path))]),
        attempt(manager.prepare_files, None, [(name, str(folder))]),
        attempt(manager.prepare_files, [(name, suffix.split(".")[1], upload)]),
    ]
    for files in filter(None, found):
        for file in files.values():
            attempt(lambda one=file: one.content)
        result = attempt(lambda these=files: manager.etl_data(these, "d", **options))
        if result is None:
            continue
        assert result.raised is None or isinstance(result.raised, AlgomancyDataError)
        said = f"{result.raised} {' '.join(map(str, result.messages))}"
        assert not FORBIDDEN.search(said), said
        attempt(manager.replay_data, "d")
        attempt(manager.get_data, "d")
        attempt(manager.delete_data, "d")
    if isinstance(manager, StatefulDataManager):
        attempt(manager.load_data_from_dir, "raw", home)
        attempt(manager.load_data_from_file, path.name, folder)
        for one in manager.get_data_keys():
            attempt(manager.get_data, one)
            attempt(manager.delete_data, one)


@settings(deadline=None, max_examples=10)
@given(file=file_contents(), options=SETTINGS)
def test_files_of_any_content_are_taken_or_refused(manager, file, options):
    with tempfile.TemporaryDirectory() as home:
        hand_in(manager, Path(home), *file, options)


@pytest.mark.long
@settings(deadline=None, max_examples=400)
@given(kind=st.sampled_from(KINDS), file=file_contents(), options=SETTINGS)
def test_many_files_of_any_content_are_taken_or_refused(managers, kind, file, options):
    with tempfile.TemporaryDirectory() as home:
        hand_in(managers[kind], Path(home), *file, options)


@pytest.mark.parametrize("suffix", CONTENTS)
def test_whole_files_are_taken_by_all_calls(manager, tmp_path, suffix):
    """So the tests above do not only see refusals."""
    path = tmp_path / f"t{suffix}"
    path.write_bytes(CONTENTS[suffix][0])
    assert infer_schemas(path).schemas
    files = manager.prepare_files(None, [(suffix.replace(".", ""), str(path))])
    result = manager.etl_data(files, "d")
    assert result.is_success, (result.raised, result.messages)
    assert result.datasource.get_table(suffix.replace(".", ""))["id"].to_list() == [1, 2]
    manager.delete_data("d")
