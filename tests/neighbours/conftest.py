"""Tables of every dtype in both databases, and programs of others that read them.

DuckDB's SQLite extension and Python's ``sqlite3`` bring SQLite libraries of their own, so whatever
reads a file that a manager of this process may have open does it in another process.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from algomancy_data import DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager

if TYPE_CHECKING:
    from collections.abc import Callable

READERS = Path(__file__).parent / "readers"
MOMENT = dt.datetime(2024, 2, 29, 23, 59, 59, 999_999)
SAMPLES: dict[str, Any] = {
    "Int8": pl.Series([1], dtype=pl.Int8),
    "Int64": [2**60 + 1],
    "UInt64": pl.Series([1], dtype=pl.UInt64),
    "UInt64 beyond 2⁶³-1": pl.Series([2**64 - 1], dtype=pl.UInt64),
    "Int128": pl.Series([2**100], dtype=pl.Int128),
    "Float32": pl.Series([0.5], dtype=pl.Float32),
    "Float64": [0.1],
    "Float64 with NaN": [math.nan],
    "Float64 with -0.0": [-0.0],
    "Boolean": [True],
    "Decimal(10, 2)": pl.Series([Decimal("12.50")], dtype=pl.Decimal(10, 2)),
    "String": ["Zürich"],
    "Categorical": pl.Series(["a"], dtype=pl.Categorical()),
    "Enum": pl.Series(["a"], dtype=pl.Enum(["b", "a"])),
    "Binary": [b"\x00\xff"],
    "Date": [MOMENT.date()],
    'Datetime("ms")': pl.Series([MOMENT], dtype=pl.Datetime("ms")),
    'Datetime("us")': [MOMENT],
    'Datetime("ns")': pl.Series([1_709_251_199_999_999_999]).cast(pl.Datetime("ns")),
    'Datetime("us", "Europe/Zurich")': pl.Series([MOMENT]).dt.replace_time_zone("Europe/Zurich"),
    "Time": [dt.time(6, 30)],
    'Duration("us")': [dt.timedelta(hours=1)],
    "List": [[1, None]],
    "Array": pl.Series([[1, 2]], dtype=pl.Array(pl.Int64, 2)),
    "Struct": [{"a": 1, "day": dt.date(2024, 1, 1)}],
    "Null": pl.Series([None], dtype=pl.Null),
}
"""One value of each dtype, as the documentation shows them; a null stands below each."""


@pytest.fixture(scope="session")
def every_dtype() -> pl.DataFrame:
    """A value and a null in a column per dtype, called as the documentation calls it."""
    columns = [pl.Series(name, values) for name, values in SAMPLES.items()]
    return pl.DataFrame([pl.concat([c, pl.Series(c.name, [None], dtype=c.dtype)]) for c in columns])


def keep(url: str, session: str, tables: dict[str, Any]) -> None:
    """Keep a dataset ``d`` in a database, and close it."""
    manager = DatabaseDataManager(SimpleETLFactory, [], url, session, DataSource)
    manager.startup()
    source = DataSource("master_data", name="d")
    source.tables = tables
    manager.add_data_source(source)
    manager.close()


@pytest.fixture(scope="session")
def in_sqlite(tmp_path_factory: pytest.TempPathFactory, every_dtype: pl.DataFrame) -> str:
    """The path of a file with the table ``ds__neighbours__d__t``."""
    path = tmp_path_factory.mktemp("neighbours") / "data.db"
    keep(f"sqlite:///{path}", "neighbours", {"t": every_dtype})
    return str(path)


@pytest.fixture(scope="session")
def in_postgresql(new_database: Callable[[str], str], every_dtype: pl.DataFrame) -> str:
    """The URL of a database with the table ``ds__neighbours__d__t``."""
    url = new_database("readings")
    keep(url, "neighbours", {"t": every_dtype})
    return url


@pytest.fixture(scope="session")
def read_by() -> Callable[..., Any]:
    """Run one of the programs in ``readers``, and return what it tells in JSON."""

    def run(reader: str, *arguments: str) -> Any:
        done = subprocess.run(
            [sys.executable, str(READERS / f"{reader}.py"), *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture(scope="session")
def psql(prompts: Path) -> Callable[[str, str], str]:
    """Run SQL in ``psql``, and return its output with tabs between the columns."""

    def run(url: str, statements: str) -> str:
        command = [str(prompts / "psql"), "-XAtF\t", url, "-c", statements]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
