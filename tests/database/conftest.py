"""Managers on a file, a look at that file from another process, engines, columns of any dtype.

Python's ``sqlite3`` is another SQLite library than ADBC's, and two of them must never have one
file open in one process. So whoever looks at a file beside a manager does it in another process.
"""

from __future__ import annotations

import decimal
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import strategies as st
from psycopg import sql

from algomancy_data import DataClassification, DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from polars.datatypes import DataType as PolarsDataType

LOOK = """
import json, sqlite3, sys
path, statements = json.load(sys.stdin)
connection = sqlite3.connect(path, timeout=5)
with connection:
    for statement in statements:
        rows = connection.execute(statement).fetchall()
connection.close()
print(json.dumps(rows, default=lambda blob: "hex:" + blob.hex()))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that does not exist yet."""
    return tmp_path / "data.db"


@pytest.fixture(scope="session")
def outside() -> Callable[..., list[list[Any]]]:
    """Run statements on a file in another process; returns the rows of the last one."""

    def run(path: Path, *statements: str) -> list[list[Any]]:
        done = subprocess.run(
            [sys.executable, "-c", LOOK],
            input=json.dumps([str(path), statements]),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture
def new_manager(path: Path) -> Iterator[Callable[..., DatabaseDataManager[Any]]]:
    """Make started managers on the file, or on another database."""
    managers: list[DatabaseDataManager[Any]] = []

    def make(
        engine: Any = None, session: str = "s", cls: type[Any] = DataSource, **options: Any
    ) -> DatabaseDataManager[Any]:
        manager = DatabaseDataManager(
            SimpleETLFactory,
            [],
            f"sqlite:///{path}" if engine is None else engine,
            session,
            cls,
            **options,
        )
        managers.append(manager)
        manager.startup()
        return manager

    yield make
    for manager in managers:
        manager.close()


@pytest.fixture
def manager(new_manager: Callable[..., DatabaseDataManager[Any]]) -> DatabaseDataManager[Any]:
    return new_manager()


@pytest.fixture(scope="session")
def dataset() -> Callable[..., DataSource]:
    """Make a DataSource from frames."""

    def make(
        name: str = "d",
        tables: dict[str, pl.DataFrame] | None = None,
        cls: type[DataSource] = DataSource,
        ds_type: DataClassification = DataClassification.MASTER_DATA,
    ) -> DataSource:
        source = cls(ds_type, name=name)
        source.tables = tables or {}
        return source

    return make


GUARDED = "guarded"
_PATIENCE = 10  # seconds to wait for a lock: a test that never ends says nothing
# A database for each test would be cleaner, but takes a hundred times as long as most tests do.
_EMPTYING = (
    f"SET lock_timeout = '{_PATIENCE}s'",
    """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type ~ '^client'
    """,
    "DROP SCHEMA public CASCADE",
    "CREATE SCHEMA public",
)


@pytest.fixture(scope="session")
def postgresql_server(postgresql: str) -> sa.URL:
    """Return the server, on which one role has to give a password."""
    (access,) = administer(postgresql, "SHOW hba_file")
    rules = Path(access)
    rules.write_text(f"local all {GUARDED} scram-sha-256\n{rules.read_text()}")
    administer(postgresql, "SELECT pg_reload_conf()")
    return sa.make_url(postgresql).set(drivername="postgresql+adbc", password=None)


def administer(url: str, *statements: str) -> tuple[Any, ...]:
    """Execute statements outside of a transaction; return what the last one gives first."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(sql.SQL(statement))
        return cursor.fetchone() or () if cursor.description else ()


@pytest.fixture(scope="session")
def emptied_postgresql(
    postgresql_server: sa.URL, new_database: Callable[[str], str]
) -> tuple[sa.URL, str]:
    """Return a database of these tests, as a URL of the dialect's and of libpq's."""
    native = new_database("dialects")
    return postgresql_server.set(database="dialects"), native


@pytest.fixture
def postgresql_url(emptied_postgresql: tuple[sa.URL, str]) -> Iterator[sa.URL]:
    """Return a PostgreSQL database that is empty, and that nobody else is connected to."""
    url, native = emptied_postgresql
    yield url.update_query_dict({"options": f"-c lock_timeout={_PATIENCE}s"})
    administer(native, *_EMPTYING)


@pytest.fixture(params=["postgresql", "sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> sa.URL:
    """Return a fresh database of each dialect."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgresql_url")
    query = {"busy_timeout": str(_PATIENCE)}
    return sa.URL.create("sqlite+adbc", database=str(tmp_path / "data.db"), query=query)


@pytest.fixture
def new_engine() -> Iterator[Callable[..., sa.Engine]]:
    """Make engines that are disposed of in the end."""
    engines: list[sa.Engine] = []

    def make(url: sa.URL | str, **options: object) -> sa.Engine:
        engines.append(sa.create_engine(url, **options))
        return engines[-1]

    yield make
    for engine in engines:
        engine.dispose()


@pytest.fixture
def engine(url: sa.URL, new_engine: Callable[..., sa.Engine]) -> sa.Engine:
    """Return an engine on a fresh database of each dialect."""
    return new_engine(url)


@pytest.fixture
def postgresql_engine(postgresql_url: sa.URL, new_engine: Callable[..., sa.Engine]) -> sa.Engine:
    """Return an engine on a fresh PostgreSQL database."""
    return new_engine(postgresql_url)


ZONES = (None, "UTC", "Europe/Amsterdam", "America/St_Johns")
UNITS = ("ms", "us", "ns")
DAY = 86_400
# Seconds since 1970 of the first and last moments of 0001 and 9999, and of days of changed clocks.
SECONDS = st.integers(-62_135_596_800, 253_402_300_799) | st.sampled_from(
    [-62_135_596_800, 253_402_300_799, -1, 0, 1_698_541_200, 1_679_792_400]
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5) | st.sampled_from(
    ["", "\0", '"', "\\", "null", "NaN", "\u2028", "\U0010ffff", "\x7f", "1e5", "{}", "*", "^.*$"]
)


def integers(dtype: Any) -> st.SearchStrategy[int]:
    def between() -> st.SearchStrategy[int]:
        low, high = pl.select(dtype.min()).item(), pl.select(dtype.max()).item()
        return st.integers(low, high) | st.sampled_from([low, high])

    # Once it is asked for: a process that has only imported tests has no threads, and can fork.
    return st.deferred(between)


def ticks(unit: str) -> st.SearchStrategy[int]:
    """Whole units since 1970, in the years 0001 to 9999 as far as 64 bits reach."""
    per_second = {"ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    near = st.builds(
        lambda second, part: second * per_second + part, SECONDS, st.integers(0, per_second - 1)
    )
    whole = near.map(lambda tick: tick - tick % per_second)
    return (near | whole).filter(lambda tick: -(2**63) <= tick < 2**63)


def decimals(precision: int, scale: int) -> st.SearchStrategy[decimal.Decimal]:
    high = 10**precision - 1
    digits = st.integers(-high, high) | st.sampled_from([-high, high, 0])
    return digits.map(lambda number: decimal.Decimal(number).scaleb(-scale, decimal.Context(50)))


@st.composite
def leaf_dtypes(draw: st.DrawFn) -> PolarsDataType:
    precision = draw(st.integers(1, 38))
    return draw(
        st.sampled_from(
            [
                *(pl.Int8(), pl.Int16(), pl.Int32(), pl.Int64(), pl.Int128()),
                *(pl.UInt8(), pl.UInt16(), pl.UInt32(), pl.UInt64(), pl.UInt128()),
                *(pl.Float16(), pl.Float32(), pl.Float64(), pl.Boolean(), pl.String(), pl.Binary()),
                *(pl.Date(), pl.Time(), pl.Null(), pl.Categorical()),
                *(pl.Duration(unit) for unit in UNITS),
                *(pl.Datetime(unit, zone) for unit in UNITS for zone in ZONES),
                pl.Enum(["unused", "a", "", "\0b"]),
                pl.Decimal(precision, draw(st.integers(0, precision))),
            ]
        )
    )


def nested_dtypes() -> st.SearchStrategy[PolarsDataType]:
    def around(inner: st.SearchStrategy[PolarsDataType]) -> st.SearchStrategy[PolarsDataType]:
        fields = st.dictionaries(TEXTS, inner, max_size=3) | st.dictionaries(
            TEXTS, inner, min_size=1, max_size=3
        )
        return st.one_of(
            inner.map(pl.List),
            st.builds(pl.Array, inner, st.sampled_from([1, 2, 3, 0])),
            fields.map(pl.Struct),
        )

    inside = st.recursive(leaf_dtypes(), around, max_leaves=4)
    return around(inside)


def physical(dtype: PolarsDataType) -> PolarsDataType:
    """Return the dtype of the Python values from which a column of ``dtype`` is cast."""
    match dtype:
        case pl.List():
            return pl.List(physical(dtype.inner))
        case pl.Array():
            return pl.Array(physical(dtype.inner), dtype.size)
        case pl.Struct():
            return pl.Struct({field.name: physical(field.dtype) for field in dtype.fields})
        case pl.Date():
            return pl.Int32()
        case pl.Datetime() | pl.Time() | pl.Duration():
            return pl.Int64()
        case pl.Categorical() | pl.Enum():
            return pl.String()
        case pl.Int128() | pl.UInt128() | pl.UInt64():
            return pl.String()  # Polars guesses that a Python number in a struct has 64 bits
        case pl.Float16():
            return pl.Float32()
        case _:
            return dtype


def values(dtype: PolarsDataType) -> st.SearchStrategy[Any]:
    """Python values of :func:`physical`, or None."""
    present = present_values(dtype)
    return st.one_of(present, present, present, st.none())


def present_values(dtype: PolarsDataType) -> st.SearchStrategy[Any]:
    match dtype:
        case pl.List():
            return st.lists(values(dtype.inner), max_size=3)
        case pl.Array():
            return st.lists(values(dtype.inner), min_size=dtype.size, max_size=dtype.size)
        case pl.Struct():
            return st.fixed_dictionaries({f.name: values(f.dtype) for f in dtype.fields})
        case pl.Decimal():
            return decimals(dtype.precision, dtype.scale)
        case pl.Enum():
            return st.sampled_from(dtype.categories.to_list())
        case pl.Datetime():
            return ticks(dtype.time_unit) | integers(pl.Int64)
        case pl.Int128() | pl.UInt128() | pl.UInt64():
            return integers(dtype).map(str)
        case _ if dtype.is_integer():
            return integers(dtype)
        case _:
            return LEAVES[dtype.base_type()]


def floats(width: int) -> st.SearchStrategy[float]:
    finite = st.floats(width=width, allow_nan=False, allow_infinity=False)
    return finite | st.sampled_from([0.0, -0.0]) | st.floats(width=width)


LEAVES: dict[Any, st.SearchStrategy[Any]] = {
    pl.Boolean: st.booleans(),
    pl.Binary: st.binary(max_size=4),
    pl.String: TEXTS,
    pl.Categorical: TEXTS,
    pl.Date: SECONDS.map(lambda second: second // DAY) | integers(pl.Int32),
    pl.Time: st.integers(0, DAY * 10**9 - 1),
    pl.Duration: integers(pl.Int64),
    pl.Null: st.none(),
    pl.Float16: floats(16),
    pl.Float32: floats(32),
    pl.Float64: floats(64),
}


@st.composite
def columns(draw: st.DrawFn, dtypes: st.SearchStrategy[PolarsDataType]) -> pl.Series:
    dtype = draw(dtypes)
    rows = draw(st.lists(values(dtype), min_size=1, max_size=5))
    column = pl.Series("x", rows, dtype=physical(dtype)).cast(dtype)
    # Slices and chunks have offsets and validity bits that a fresh column has not.
    start = draw(st.sampled_from([0, 0, 0, 1, len(rows)]))
    whole = pl.concat([column, column], rechunk=False) if draw(st.booleans()) else column
    return whole.slice(start)


@pytest.fixture(scope="session")
def nested_columns() -> st.SearchStrategy[pl.Series]:
    """Columns of any nested dtype."""
    return columns(nested_dtypes())


@pytest.fixture(scope="session")
def plain_columns() -> st.SearchStrategy[pl.Series]:
    """Columns of any dtype that is not nested."""
    return columns(leaf_dtypes())
