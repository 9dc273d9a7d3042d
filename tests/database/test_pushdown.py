"""The database leaves out rows that a predicate does not take, and no others."""

from __future__ import annotations

import datetime as dt
import math
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from algomancy_data.database import reading
from algomancy_data.database.backend import backend_for
from algomancy_data.errors import ArgumentError, StoreError

if TYPE_CHECKING:
    from polars.datatypes import DataType as PolarsDataType

pytestmark = pytest.mark.filterwarnings("ignore::algomancy_data.errors.PortablePathWarning")

DRIVERS = ["sqlite", "sqlite+pysqlite", "postgresql", "postgresql+psycopg"]
TEXTS = ["", "a", "A", "b'; DROP TABLE ds__s__d__t; --", '"', "\\", "\\'", "%s", "%(x_1)s", ":x"]
TEXTS += ["é", "e\u0301", "😀", "\uffff", "a ", "$1", "?", "{}", "a\nb", "10", "0x10", "x" * 200]
NUL_TEXTS = [*TEXTS, "\0", "a\0b"]
FLOATS = [math.nan, math.inf, -math.inf, 0.0, -0.0, 0.1, 0.5, -1.5, 1e300, 5e-324, 3.0, 2.0**53]
LOW, HIGH = -(2**63), 2**63 - 1
INTEGERS = [0, 1, -1, 127, 128, -128, 255, 2**31, 2**53, 2**53 + 1, HIGH, LOW, 2**24 + 1]
DAYS = [0, 18_262, -719_163, 2_932_896, 2_932_897, -800_000, -1]
MICROSECONDS = [day * 86_400_000_000 + part for day in DAYS for part in (0, 1, 500_000)]
VALUES: dict[PolarsDataType, list[Any]] = {
    pl.Int8(): [n for n in INTEGERS if -128 <= n < 128],
    pl.Int32(): [n for n in INTEGERS if -(2**31) <= n < 2**31],
    pl.Int64(): INTEGERS,
    pl.UInt8(): [n for n in INTEGERS if 0 <= n < 256],
    pl.UInt64(): [n for n in INTEGERS if n >= 0],
    pl.Int128(): INTEGERS,
    pl.UInt128(): [*(n for n in INTEGERS if n >= 0), 2**64, 2**128 - 1],
    pl.Float32(): [n for n in FLOATS if not math.isfinite(n) or abs(n) < 3e38],
    pl.Float64(): FLOATS,
    pl.Boolean(): [True, False],
    pl.String(): TEXTS,
    pl.Categorical(): TEXTS,
    pl.Enum(NUL_TEXTS): NUL_TEXTS,
    pl.Binary(): [b"", b"\0", b"a", b"a\0", b"'", b"\\", b"\xff", b"\xff\0"],
    pl.Date(): DAYS,
    pl.Time(): [0, 1, 1_000, 86_399_999_999_999],
    **{pl.Datetime("us", zone): MICROSECONDS for zone in (None, "UTC", "Europe/Amsterdam")},
    pl.Datetime("ms"): [one // 1000 for one in MICROSECONDS],
    pl.Datetime("ns"): [0, 1, 1_000, 1_577_836_800_000_000_000, -1],
    pl.Duration("us"): MICROSECONDS,
    pl.Decimal(10, 2): [0, 150, -1, 10**9],
    pl.List(pl.Int8()): [[], [1], [None]],
    pl.Null(): [None],
}
HEIGHT = 30
PHYSICAL = {pl.Date: pl.Int32(), pl.Categorical: pl.String(), pl.Enum: pl.String()}


def series(values: list[Any], dtype: PolarsDataType) -> pl.Series:
    """Return values of a dtype; temporals and decimals are given as numbers."""
    if isinstance(dtype, pl.Decimal):
        return (pl.Series(values, dtype=pl.Int64()).cast(pl.Decimal(38, 0)) / 100).cast(dtype)
    physical = pl.Int64() if dtype.is_temporal() else dtype
    return pl.Series(values, dtype=PHYSICAL.get(dtype.base_type(), physical)).cast(dtype)


def own_literals(dtype: PolarsDataType) -> list[Any]:
    """Return what a column of a dtype can be compared with."""
    if isinstance(dtype, pl.String | pl.Categorical | pl.Enum):
        return [pl.lit(text) for text in NUL_TEXTS]
    if dtype.is_integer() or dtype.is_float():
        typed = [pl.lit(n, dtype) for n in VALUES[dtype]]
        return [*typed, *INTEGERS, *FLOATS, 2**63, 1.5, pl.lit(1, pl.Int8), pl.lit(2**53, pl.Int64)]
    if isinstance(dtype, pl.Boolean | pl.Binary):
        return VALUES[dtype]
    if dtype.is_nested() or dtype == pl.Null():
        return [pl.lit(None)]
    typed = [pl.lit(one, dtype) for one in near(dtype).to_list()]
    moment = dt.datetime(1970, 1, 1, 0, 0, 0, 1)
    return [*typed, moment] if dtype in {pl.Datetime("ms"), pl.Datetime("ns")} else typed


def near(dtype: PolarsDataType) -> pl.Series:
    """Return the values that Python has as well: of the years 1 to 9999."""
    values = series(VALUES[dtype], dtype)
    if isinstance(dtype, pl.Date | pl.Datetime):
        return values.filter(values.dt.year().is_between(1, 9999))
    return values


def lists(dtype: PolarsDataType) -> list[Any]:
    """Return what columns of a dtype are looked for in."""
    values = near(dtype)
    some = [values[start : start + 3] for start in range(0, len(values), 2)]
    if isinstance(dtype, pl.Categorical | pl.Enum):
        some = [one.cast(pl.String) for one in some]
    some = [one.to_list() for one in some[:1]] + [one.implode() for one in some]
    return [*some, [], [None], [1, 2, None], ["a", "é", None], [0.5, 0.0], [math.nan]]


OPERATORS = ["eq", "ne", "lt", "le", "gt", "ge", "eq_missing"]
OWN_LITERALS = {dtype: own_literals(dtype) for dtype in VALUES}
OTHERS = [pl.lit(None), pl.lit("10"), 1, 0.5, dt.date(2020, 1, 1), dt.datetime(1970, 1, 1)]
LISTS = {dtype: lists(dtype) for dtype in VALUES}


def comparisons(name: str, dtype: PolarsDataType) -> st.SearchStrategy[pl.Expr]:
    of = pl.col(name)
    own = st.sampled_from(OWN_LITERALS[dtype])
    simple = st.builds(lambda op, value: getattr(of, op)(value), st.sampled_from(OPERATORS), own)
    closed = st.sampled_from(["both", "left", "right", "none"])
    several = st.sampled_from(LISTS[dtype])
    return st.one_of(
        simple,
        simple,
        simple,
        st.builds(of.is_between, own, own, closed),
        st.builds(lambda some, nulls: of.is_in(some, nulls_equal=nulls), several, st.booleans()),
        st.sampled_from([of.is_null(), of.is_not_null(), of]),
    )


def doubtful_comparisons(name: str) -> st.SearchStrategy[pl.Expr]:
    of, other = pl.col(name), st.sampled_from(OTHERS)
    return st.builds(of.is_between, other, other) | st.builds(
        lambda op, value: getattr(of, op)(value), st.sampled_from(OPERATORS), other
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[pl.DataFrame, list[pl.Expr]]:
    """Draw a frame with most values of some dtypes, and predicates."""
    columns, leaves = [], []
    for name in ("x", "y", "%(z)s"):
        dtype = draw(st.sampled_from(list(VALUES)))
        texts = draw(st.sampled_from([TEXTS, NUL_TEXTS]))
        values = [*(texts if dtype == pl.String() else VALUES[dtype]), None]
        without = draw(st.sets(st.sampled_from(range(len(values))), max_size=len(values) - 1))
        rows = [value for number, value in enumerate(values) if number not in without]
        columns.append(series((rows * HEIGHT)[:HEIGHT], dtype).alias(name))
        leaves += draw(st.lists(comparisons(name, dtype), min_size=3, max_size=3))
    pick = st.sampled_from(leaves)
    for _ in range(3):
        one, other, third = draw(pick), draw(pick), draw(pick)
        joined = [one & other, one | other, ~one, ~(one & other), ~(one & ~other | third)]
        leaves.append(draw(st.sampled_from(joined)))
    doubtful = draw(doubtful_comparisons("x"))
    return pl.DataFrame(columns), [*leaves, doubtful, doubtful & draw(pick)]


@pytest.fixture(
    params=[
        pytest.param(driver, marks=[pytest.mark.long] if "+" in driver else [])
        for driver in DRIVERS
    ]
)
def store(request, new_manager, tmp_path):
    """A manager on a database of its own."""
    if request.param.startswith("sqlite"):
        return new_manager(f"{request.param}:///{tmp_path / 'data.db'}")
    url = request.getfixturevalue("empty_postgresql")
    scheme = request.param
    engine = (
        url if scheme == "postgresql" else sa.create_engine(url.replace("postgresql", scheme, 1))
    )
    return new_manager(engine)


def outcome(take: Any, *arguments: Any) -> pl.DataFrame | str:
    try:
        return take(*arguments)
    except (pl.exceptions.PolarsError, ArgumentError):
        return "an error"  # of several in a predicate, it may be another one


@settings(
    max_examples=settings.default.max_examples // 2,  # of 14 predicates each
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(case=cases())
def test_any_predicate_takes_what_it_takes_of_the_frame(store, dataset, case):
    frame, predicates = case
    try:
        store.set_data("d", dataset("d", {"t": frame}))
    except StoreError:  # dates far away, whose texts PostgreSQL reads from no other driver
        assert store.engine.dialect.driver == "psycopg"
        return
    for predicate in predicates:
        expected = outcome(frame.filter, predicate)
        found = outcome(store.get_table, "d", "t", None, predicate)
        if isinstance(expected, pl.DataFrame) and isinstance(found, pl.DataFrame):
            assert_frame_equal(found, expected)
        else:
            assert found == expected


PLAIN = pl.DataFrame(
    {
        "i": range(100),
        "f": [math.nan, 0.0001, None, 7.5] * 25,
        "b": [True, False, None, True] * 25,
        "s": [f"{n % 10}" for n in range(100)],
        "d": [dt.date(2020, 1, 1) + dt.timedelta(n) for n in range(100)],
        "t": [dt.datetime(2020, 1, 1, n % 24) for n in range(100)],
        "z": [dt.datetime(2020, 1, 1, n % 24, tzinfo=dt.UTC) for n in range(100)],
        "y": [bytes([n]) for n in range(100)],
    }
)
i, f, s = pl.col("i"), pl.col("f"), pl.col("s")

SELECTIVE = [
    (i == 3, 1),
    ((i >= 90) & (s != "1"), 9),
    (i.is_between(10, 20, closed="none"), 9),
    (~(i > 4), 5),
    (~((i < 90) | (s == "5")), 9),
    ((i < 3) | (s == "9"), 13),
    (s.is_in(["1", "é", "'"]), 10),
    (~s.is_in(["1", None]), 90),
    (f.is_null(), 50),
    (f > 5, 50),
    (f <= 0.0001, 25),
    (f.is_in([7.5, 0.5]), 25),
    (pl.col("b"), 50),
    (~pl.col("b"), 25),
    (pl.col("b").is_not_null(), 75),
    (pl.col("d") < dt.date(2020, 1, 11), 10),
    (pl.col("t") == dt.datetime(2020, 1, 1, 5), 4),
    (pl.col("z") >= dt.datetime(2020, 1, 1, 23, tzinfo=dt.UTC), 4),
    (pl.col("y") > b"\x60", 3),
    ((s.str.to_lowercase() == "1") & (i < 50), 50),
]


@pytest.fixture
def fetched(store, monkeypatch):
    """How many rows came out of the database, read by read."""
    heights = []
    kind = type(backend_for(store.engine).table_storage().bulk)
    fetch = kind.fetch

    def spy(self, connection, query, most_rows):
        found = fetch(self, connection, query, most_rows)
        heights.append(found.height)
        return found

    monkeypatch.setattr(kind, "fetch", spy)
    return heights


def test_the_database_leaves_rows_out(store, dataset, fetched):
    store.add_data_source(dataset("d", {"t": PLAIN}))
    for predicate, most in SELECTIVE:
        fetched.clear()
        found = store.get_table("d", "t", predicate=predicate)
        assert_frame_equal(found, PLAIN.filter(predicate))
        assert found.height <= sum(fetched) <= most, str(predicate)


def test_the_database_leaves_nothing_out_that_may_count(store, dataset, fetched):
    store.add_data_source(dataset("d", {"t": PLAIN}))
    for predicate in (
        (i < 50) & (i == i.max()),
        (i < 50) & (s.cast(pl.Int8) > 3),
        (i < 50) | (i + 1 > 99),
        i > 1.5,
        s > "3",
        pl.col("t") > dt.date(2020, 1, 1),
        pl.col("t").cast(pl.Datetime("ms")) == dt.datetime(2020, 1, 1),
        i.is_in(list(range(600))),
        f.eq(math.nan),
    ):
        fetched.clear()
        found = store.get_table("d", "t", predicate=predicate)
        assert_frame_equal(found, PLAIN.filter(predicate))
        assert sum(fetched) == PLAIN.height, str(predicate)


def test_bounds_of_two_dtypes_are_compared_as_polars_does(store, dataset):
    frame = pl.DataFrame({"i": INTEGERS}, schema={"i": pl.Int64()})
    store.add_data_source(dataset("d", {"t": frame}))
    for predicate in (
        i.is_between(1.5, 2**53),
        i.is_between(pl.lit(1, pl.Int8), 2**53),
        i.is_between(pl.lit(1, pl.UInt64), pl.lit(2**53, pl.Int64)),
        i.is_between(pl.lit(1, pl.UInt64), HIGH - 1),
    ):
        found = store.get_table("d", "t", predicate=predicate)
        assert_frame_equal(found, frame.filter(predicate))


def test_the_first_rows_are_those_of_the_table(store, dataset):
    store.add_data_source(dataset("d", {"t": PLAIN}))
    found = store.get_table("d", "t", ["i"], s == "3", head=20)
    assert found["i"].to_list() == [3, 13]


def test_a_predicate_that_fails_for_a_value_fails(store, dataset):
    store.add_data_source(dataset("d", {"t": pl.DataFrame({"i": [1, 2], "s": ["1", "x"]})}))
    with pytest.raises(pl.exceptions.InvalidOperationError):
        store.get_table("d", "t", predicate=(i == 1) & (s.cast(pl.Int8) == 1))


def test_a_number_too_large_for_the_dtype_of_a_comparison_fails_as_in_the_frame(store, dataset):
    frame = pl.DataFrame({"i": [1, 2**128 - 1]}, schema={"i": pl.UInt128})
    store.add_data_source(dataset("d", {"t": frame}))
    predicate = i.is_between(1, 1) & i.is_between(-5, 2)
    for take in (frame.filter, lambda wanted: store.get_table("d", "t", predicate=wanted)):
        with pytest.raises(pl.exceptions.InvalidOperationError, match="from `u128`"):
            take(predicate)


@pytest.mark.parametrize("dtype", [pl.UInt64(), pl.UInt128(), pl.Int128()], ids=str)
def test_numbers_beyond_64_bits_are_found(store, dataset, dtype):
    numbers = [2**63 - 1, 2**63, 2**64 - 1, 0, None]
    frame = pl.DataFrame({"i": numbers}, schema={"i": dtype})
    store.add_data_source(dataset("d", {"t": frame}))
    for predicate in (i == 2**63, i >= 2**63, i == pl.lit(2**64 - 1, dtype), i.is_in([2**63, 0])):
        found = store.get_table("d", "t", predicate=predicate)
        assert_frame_equal(found, frame.filter(predicate))


def test_parts_that_several_connections_read_come_back_in_order(store, dataset, monkeypatch):
    monkeypatch.setattr(reading, "ROWS_PER_READ", 7)
    monkeypatch.setattr(reading.Readers, "fewest_rows", 2)
    frame = pl.concat([PLAIN] * 20)
    store.add_data_source(dataset("d", {"t": frame}))
    for predicate in (s == "3", i < 0, s.is_in(["1", "5"]) & (f > 1)):
        found = store.get_table("d", "t", ["i", "y"], predicate)
        assert_frame_equal(found, frame.filter(predicate)[["i", "y"]])


INJECTIONS = [
    *("'", "''", "' OR 1=1 --", "'; DROP TABLE ds__s__d__t; --", "\\", "\\'", "\\'; DROP TABLE x"),
    *("%s", "%(x_1)s", "%%", ":x", ":x_1", "?", "$1", "$$", "__[POSTCOMPILE_x_1]", "\0", "a\0' --"),
    *('"', "/*", "--", "E'\\''", "\u02bc", "\uff07", "a\r\n;", "{0}", "0x27", "char(39)"),
]


def test_texts_are_never_read_as_sql(store, dataset):
    frame = pl.DataFrame({"s": INJECTIONS, "i": range(len(INJECTIONS))})
    clean = frame.filter(~s.str.contains("\0", literal=True))
    store.add_data_source(dataset("d", {"t": frame, "clean": clean}))
    for table, rows in {"t": frame, "clean": clean}.items():
        for text in INJECTIONS:
            for predicate in (s == text, s != text, s.is_in([text, "x"]), ~s.is_in([text])):
                found = store.get_table("d", table, predicate=predicate)
                assert_frame_equal(found, rows.filter(predicate))
    assert store.verify() == []


def take_backslashes(setting, connection, *_):
    with closing(connection.cursor()) as cursor:
        cursor.execute(f"SET standard_conforming_strings = {setting}")
    connection.commit()


@pytest.mark.parametrize("store", [one for one in DRIVERS if "postgres" in one], indirect=True)
def test_texts_are_found_whatever_the_server_makes_of_backslashes(store, dataset, request):
    for event, setting in (("checkout", "off"), ("checkin", "on")):  # other tests get them, too
        listener = partial(take_backslashes, setting)
        sa.event.listen(store.engine, event, listener)
        request.addfinalizer(partial(sa.event.remove, store.engine, event, listener))
    with store.engine.connect() as connection:
        query = "SELECT '\\\\', current_setting('standard_conforming_strings')"
        assert connection.exec_driver_sql(query).one() == ("\\", "off")
    frame = pl.DataFrame({"s": INJECTIONS, "y": [text.encode() for text in INJECTIONS]})
    frame = frame.filter(~s.str.contains("\0", literal=True))
    store.add_data_source(dataset("d", {"t": frame}))
    for text in INJECTIONS:
        for predicate in (s == text, pl.col("y") == text.encode()):
            found = store.get_table("d", "t", predicate=predicate)
            assert_frame_equal(found, frame.filter(predicate))


def test_many_conditions_are_no_error(store, dataset):
    store.add_data_source(dataset("d", {"t": PLAIN}))
    several = pl.any_horizontal(i == n for n in range(0, 3000, 7))
    chain = i == 0
    for n in range(7, 1400, 7):
        chain |= i == n
    for predicate in (several, chain, ~chain, i.is_in(range(0, 100_000, 7))):
        found = store.get_table("d", "t", predicate=predicate)
        assert_frame_equal(found, PLAIN.filter(predicate))
