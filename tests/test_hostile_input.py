"""Whatever code hands over, public calls take it or refuse it by an error of the package."""

import datetime as dt
import logging
import re
import warnings
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import example, given, settings
from hypothesis import strategies as st
from polars.testing.parametric import dataframes

from algomancy_data import (
    DataSource,
    ForeignKeyValidator,
    MissingValueValidator,
    SimpleETLFactory,
    UniqueValueValidator,
    ValidationSequence,
)
from algomancy_data.database import DatabaseDataManager
from algomancy_data.errors import AlgomancyDataError

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


@pytest.fixture(scope="module")
def manager():
    engine = sa.create_engine("sqlite+adbc://")
    manager = DatabaseDataManager(SimpleETLFactory, [], engine, "s", DataSource)
    manager.startup()
    yield manager
    manager.close()
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
    attempt(manager.query, 'SELECT count(*) FROM "d.a"')
    attempt(manager.verify)
