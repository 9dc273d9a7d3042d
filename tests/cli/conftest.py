"""The command as its users have it: a process, real files, real databases."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest

from algomancy_data import DataSource, SimpleETLFactory, StatefulDataManager
from algomancy_data.database import DatabaseDataManager


@dataclass
class Done:
    """What a process left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


def clean_environment(**variables):
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ALGOMANCY_", "PG", "COV_", "COVERAGE"))
    }
    return kept | {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"} | variables


@pytest.fixture
def environment():
    return clean_environment()


@pytest.fixture(scope="session")
def server():
    """Run command lines in processes that are forked from one which has imported everything."""
    process = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("process_server.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    )

    def ask(request):
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        return int(process.stdout.readline())

    yield ask
    process.stdin.close()
    process.stdout.close()
    assert process.wait() == 0


@pytest.fixture
def run(server, tmp_path, tmp_path_factory, environment):
    """Run the command in the temporary folder; it must never show a traceback."""
    streams = tmp_path_factory.mktemp("streams")

    def run(*arguments, stdin="", allow_traceback=False, cwd=tmp_path, **variables):
        files = [streams / name for name in ("in", "out", "err")]
        files[0].write_text(stdin)
        code = server(
            {
                "arguments": [*map(str, arguments)],
                "folder": str(cwd),
                "environment": environment | variables,
                "files": [*map(str, files)],
            }
        )
        done = Done(code, *(path.read_text(encoding="utf-8") for path in files[1:]))
        assert done.code != 99, done.err
        if not allow_traceback:
            assert "Traceback" not in done.err, done.err
        return done

    return run


@dataclass
class Store:
    """A database with a session that nobody else uses."""

    url: str
    session: str

    @property
    def flags(self):
        return ("--store", self.url, "--session", self.session)

    def manager(self, cls=DataSource):
        manager = DatabaseDataManager(SimpleETLFactory, [], self.url, self.session, cls)
        manager.startup()
        return manager


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, tmp_path):
    session = f"s{uuid.uuid4().hex}"
    if request.param == "sqlite":
        return Store(f"sqlite:///{tmp_path / 'data.db'}", session)
    return Store(request.getfixturevalue("postgresql"), session)


@pytest.fixture
def sqlite(tmp_path):
    return Store(f"sqlite:///{tmp_path / 'data.db'}", "s")


@pytest.fixture
def folder(tmp_path):
    """Return a manager of a new folder."""
    with pytest.warns(DeprecationWarning, match="StatefulDataManager"):
        manager = StatefulDataManager(SimpleETLFactory, [], tmp_path / "folder", "json", DataSource)
    manager.startup()
    return manager


SCHEMAS = """
from algomancy_data import Column, DataType, FileExtension, Schema, SchemaType


class Shop(Schema):
    _EXTENSION, _SCHEMA_TYPE = FileExtension.CSV, SchemaType.SINGLE


class Orders(Shop):
    _FILENAME = "orders"
    ORDER_ID = Column("order_id", DataType.INTEGER, primary_key=True)
    CUSTOMER = Column("customer_id", DataType.INTEGER, foreign_key=("customers", "customer_id"))
    AMOUNT = Column("amount", DataType.FLOAT)


class Customers(Shop):
    _FILENAME = "customers"
    CUSTOMER_ID = Column("customer_id", DataType.INTEGER, primary_key=True)
    NAME = Column("name", DataType.STRING)
"""
GOOD = "order_id;customer_id;amount\n1;1;9.5\n2;1;3\n3;2;0.25\n"
BAD = "order_id;customer_id;amount\n1;1;9.5\n2;1;\n2;2;x\n4;9;1\n"


@pytest.fixture(scope="session")
def schemas_text():
    """The module of schemas."""
    return SCHEMAS


@pytest.fixture
def files(tmp_path):
    """Write schemas and files, and return the arguments that name them."""
    (tmp_path / "schemas.py").write_text(SCHEMAS)
    (tmp_path / "customers.csv").write_text("customer_id;name\n1;Ann\n2;Bob\n")
    (tmp_path / "orders.csv").write_text(GOOD)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "orders.csv").write_text(BAD)
    return ("orders.csv", "customers.csv", "--schemas", "schemas.py")


@pytest.fixture
def bad_files(files):
    return ("bad", *files[1:])
