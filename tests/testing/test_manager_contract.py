"""Every store keeps the contract."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from algomancy_data import (
    DataManager,
    DataSource,
    SimpleETLFactory,
    StatefulDataManager,
    StatelessDataManager,
)
from algomancy_data.database import DatabaseDataManager
from algomancy_data.store import MemoryStore
from algomancy_data.testing import DataManagerContract
from algomancy_data.testing.model.machine import StoreMachine
from algomancy_data.testing.model.model_contract import ModelContract


class TestMemory(DataManagerContract):
    keeps_data = False

    def manager(self, place, session="s"):
        return StatelessDataManager(SimpleETLFactory, [], "json", DataSource)


@pytest.mark.filterwarnings("ignore:StatefulDataManager:DeprecationWarning")
class TestFolder(DataManagerContract):
    has_transactions = False

    def manager(self, place, session="s"):
        return StatefulDataManager(SimpleETLFactory, [], place, "json", DataSource)


class DatabaseContract(DataManagerContract):
    def manager(self, place, session="s"):
        return DatabaseDataManager(SimpleETLFactory, [], place, session, DataSource)

    def test_sessions_see_only_their_own(self, opened):
        names = ["a-b", "a_b", "A_B", "a__b", "x" * 300, "'", "%", "🦆"]
        for session in names:
            source = DataSource("master_data", name="d")
            source.add_table("t", {"session": [session]})
            opened(session).add_data_source(source)
        read = [opened(session).get_data("d").get_table("t").item() for session in names]
        assert read == names
        opened("a_b").delete_data("d")
        assert opened("a-b").get_data_keys() == ["d"]


class TestSQLiteFile(DatabaseContract):
    @pytest.fixture
    def place(self, tmp_path):
        return f"sqlite:///{tmp_path / 'data.db'}"


class TestSQLiteMemory(DatabaseContract):
    is_shared = False

    @pytest.fixture
    def place(self):
        engine = sa.create_engine("sqlite+adbc://")
        yield engine
        engine.dispose()

    @pytest.fixture
    def opened(self, place, managers):
        def opened(session="s"):
            manager = self.manager(place, session)
            manager.startup()
            managers.append(manager)
            return manager

        return opened


class TestPostgreSQL(DatabaseContract):
    @pytest.fixture
    def place(self, empty_postgresql):
        return empty_postgresql


@pytest.mark.filterwarnings("ignore::algomancy_data.errors.PortablePathWarning")
class TestOtherDriverOnSQLite(DatabaseContract):
    @pytest.fixture
    def place(self, tmp_path):
        return f"sqlite+pysqlite:///{tmp_path / 'data.db'}"


@pytest.mark.long  # the other driver is among the first tests, and so is the database
@pytest.mark.filterwarnings("ignore::algomancy_data.errors.PortablePathWarning")
class TestOtherDriverOnSQLiteMemory(TestSQLiteMemory):
    @pytest.fixture
    def place(self):
        engine = sa.create_engine("sqlite+pysqlite://", poolclass=sa.StaticPool)
        yield engine
        engine.dispose()


@pytest.mark.long  # the other driver is among the first tests, and so is the database
@pytest.mark.filterwarnings("ignore::algomancy_data.errors.PortablePathWarning")
class TestOtherDriverOnPostgreSQL(TestPostgreSQL):
    def manager(self, place, session="s"):
        engine = sa.create_engine(place.replace("postgresql://", "postgresql+psycopg://"))
        return DatabaseDataManager(SimpleETLFactory, [], engine, session, DataSource)

    @pytest.mark.long  # rows of Python objects
    def test_many_rows_come_back_in_order(self, opened):
        super().test_many_rows_come_back_in_order(opened)

    @pytest.mark.long
    def test_many_rows_are_appended_in_order(self, opened):
        super().test_many_rows_are_appended_in_order(opened)


# --- the model, at length -----------------------------------------------------------------------


class AtLength(ModelContract):
    model_examples = 10


@pytest.mark.long  # what the others do twice
@pytest.mark.filterwarnings("ignore:StatefulDataManager:DeprecationWarning")
class TestFolderAtLength(AtLength):
    has_transactions = False
    manager = TestFolder.manager

    @pytest.fixture
    def place(self, tmp_path):
        return tmp_path


@pytest.mark.long
class TestSQLiteFileAtLength(AtLength):
    manager = DatabaseContract.manager

    @pytest.fixture
    def place(self, tmp_path):
        return f"sqlite:///{tmp_path / 'data.db'}"


@pytest.mark.long
class TestPostgreSQLAtLength(AtLength):
    manager = DatabaseContract.manager

    @pytest.fixture
    def place(self, empty_postgresql):
        return empty_postgresql


class LosesRows(MemoryStore):
    """Forgets the last row of tables that were deleted from."""

    def delete_rows(self, name, table, predicate, cls, **options):
        count = super().delete_rows(name, table, predicate, cls, **options)
        if count:
            tables = self.load(name, cls).data.tables
            tables[table] = tables[table].head(-1)
        return count


class OfLosesRows(ModelContract):
    keeps_data = False

    def manager(self, place, session="s"):
        return DataManager(SimpleETLFactory, [], "own", DataSource, store=LosesRows())


def test_a_store_that_loses_rows_is_found_out():
    contract = OfLosesRows()
    first = settings(
        max_examples=300, phases=[Phase.generate], deadline=None, database=None, derandomize=True
    )
    with pytest.raises(AssertionError):
        run_state_machine_as_test(lambda: StoreMachine(contract, None, None), settings=first)
