from __future__ import annotations

import polars as pl
import pytest

from algomancy_data import DataSource, SimpleETLFactory, StatefulDataManager, StatelessDataManager
from algomancy_data.database import DatabaseDataManager
from algomancy_data.testing.workloads import SCHEMAS

STORES = ("memory", "folder", "sqlite", "postgresql")


class Listener:
    """Hears everything, and keeps it in order."""

    def __init__(self):
        self.heard = []

    def phase_started(self, phase):
        self.heard.append(("started", phase))

    def phase_finished(self, metrics):
        self.heard.append(("finished", metrics.phase, metrics.rows))

    def progressed(self, phase, done_rows, total_rows):
        self.heard.append(("progressed", phase, done_rows, total_rows))

    def steps(self, phase):
        return [one[2:] for one in self.heard if one[:2] == ("progressed", phase)]


@pytest.fixture
def listener():
    return Listener()


@pytest.fixture(params=STORES)
def store(request):
    return request.param


@pytest.fixture
def open_manager(request, tmp_path, store):
    """Return managers, not started, on one place of the store."""
    managers = []
    if store == "postgresql":
        place = request.getfixturevalue("empty_postgresql")
    else:
        place = f"sqlite:///{tmp_path / 'store.db'}"

    def open_manager(**settings):
        if store == "memory":
            return StatelessDataManager(SimpleETLFactory, SCHEMAS, "json", DataSource, **settings)
        if store == "folder":
            with pytest.warns(DeprecationWarning, match="StatefulDataManager"):
                return StatefulDataManager(
                    SimpleETLFactory, SCHEMAS, tmp_path / "store", "json", DataSource, **settings
                )
        manager = DatabaseDataManager(SimpleETLFactory, SCHEMAS, place, "s", DataSource, **settings)
        managers.append(manager)
        return manager

    yield open_manager
    for manager in managers:
        manager.close()


@pytest.fixture
def source():
    """Return two tables of 5 rows together."""
    source = DataSource("master_data", name="a")
    source.add_table("numbers", pl.DataFrame({"x": [1, 2, 3]}))
    source.add_table("texts", pl.DataFrame({"t": ["u", None]}))
    return source
