"""A kind of database is added by one registration, and what nobody registered is refused."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import registry

from algomancy_data import DataSource
from algomancy_data.database import DatabaseStore, backend
from algomancy_data.database.sqlite.dialect import SQLiteADBCDialect
from algomancy_data.errors import StoreError
from algomancy_data.testing import DataManagerContract


@pytest.fixture(autouse=True)
def _registrations_of_its_own():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backend, "_registered", dict(backend._registered))
        yield


@pytest.fixture
def toy(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent)
    for name in [name for name in sys.modules if name.partition(".")[0] == "toy"]:
        monkeypatch.delitem(sys.modules, name)
    return importlib.import_module("toy")


@pytest.mark.long  # its tables are those of the other drivers, which are among the first tests
@pytest.mark.usefixtures("toy")
class TestToy(DataManagerContract):
    @pytest.fixture
    def place(self, tmp_path):
        return f"toy:///{tmp_path / 'data.toy'}"

    def store(self, place, session="s"):
        importlib.import_module("toy")  # in another process
        return DatabaseStore(place, session)


@pytest.mark.usefixtures("toy")
def test_a_database_that_was_registered_is_used_in_its_own_way(tmp_path):
    store = DatabaseStore(f"toy:///{tmp_path / 'data.toy'}", "s")
    store.open()
    source = DataSource("master_data", name="d")
    source.tables = {"t": pl.DataFrame({"n": [1, 2, 3]}), "empty": pl.DataFrame()}
    store.save("d", source)
    large = store.scan("d", "t", DataSource).filter(pl.col("n") > 1)
    assert large.collect()["n"].to_list() == [2, 3]
    with store.engine.connect() as connection:
        declared = sa.text("SELECT sql FROM sqlite_schema WHERE name LIKE '%empty%'")
        assert "WHOLE" in connection.scalar(declared)
    assert store.engine.url.drivername == "toy+plain"
    store.close()


@pytest.mark.usefixtures("toy")
def test_messages_name_what_was_registered():
    with pytest.raises(StoreError) as refusal:
        DatabaseStore("mysql://host/data", "s")
    assert str(refusal.value) == (
        "Datasets are kept in SQLite, PostgreSQL or Toy, but mysql://host/data is another "
        "database. Write sqlite:///data.db, postgresql://host/name or toy:///data.toy."
    )


def test_what_nobody_registered_is_refused():
    with pytest.raises(StoreError, match="but toy:///x"):
        DatabaseStore("toy:///x.toy", "s")


class _Unknown(SQLiteADBCDialect):
    name = "unknown"
    supports_statement_cache = True


def test_an_adbc_driver_of_a_database_that_is_not_known_is_not_taken_for_another():
    registry.impls["unknown.adbc"] = lambda: _Unknown
    engine = sa.create_engine("unknown+adbc://")
    for use in (backend.backend_for, lambda given: DatabaseStore(given, "s")):
        with pytest.raises(StoreError, match=r"SQLite or PostgreSQL, but unknown\+adbc:// is anot"):
            use(engine)
    engine.dispose()
    del registry.impls["unknown.adbc"]


@pytest.mark.usefixtures("toy")
def test_a_driver_that_a_database_is_not_reached_by_is_named():
    with pytest.raises(StoreError) as refusal:
        DatabaseStore("toy+fancy:///x.toy", "s")
    assert str(refusal.value) == "Toy is reached by toy+plain, but not by toy+fancy:///x.toy."
