"""Rows that are added and deleted, beside a plain list of rows."""

from __future__ import annotations

from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from algomancy_data import (
    Column,
    DataSource,
    DataType,
    Schema,
    SimpleETLFactory,
    StatefulDataManager,
    StatelessDataManager,
)
from algomancy_data.database import DatabaseDataManager
from algomancy_data.errors import AdditionError, StoredKeyError
from algomancy_data.testing import assert_identical

pytestmark = pytest.mark.filterwarnings("ignore:StatefulDataManager:DeprecationWarning")

COLUMNS = {"id": pl.Int64(), "code": pl.String(), "value": pl.Float64()}
KEYS = st.integers(0, 12)
ROWS = st.lists(
    st.tuples(
        KEYS,
        st.one_of(st.none(), st.text("ab", max_size=2)),
        st.one_of(st.none(), st.sampled_from([0.5, float("nan"), -0.0, float("inf")])),
    ),
    max_size=6,
)


class Things(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "csv", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)
    CODE = Column("code", DataType.STRING, unique=True, nullable=True)
    VALUE = Column("value", DataType.FLOAT, nullable=True)


def frame_of(rows):
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


def source_of(rows):
    source = DataSource("master_data", name="d")
    source.add_table("t", frame_of(rows))
    return source


class Model(RuleBasedStateMachine):
    """Does everything to a manager and to a list of rows."""

    def __init__(self):
        super().__init__()
        self.place = TemporaryDirectory()
        self.manager = self.open()
        self.rows = []
        self.manager.add_data_source(source_of(self.rows))

    def open(self):
        raise NotImplementedError

    @rule(rows=ROWS)
    def replace(self, rows):
        self.manager.add_data_source(source_of(rows))
        self.rows = rows

    @rule(rows=ROWS)
    def append(self, rows):
        ids, codes = self.keys_of(self.rows)
        new_ids, new_codes = self.keys_of(rows)
        if ids & new_ids or codes & new_codes:
            with pytest.raises(StoredKeyError):
                self.manager.add_data_source(source_of(rows), mode="append")
            return
        self.manager.add_data_source(source_of(rows), mode="append")
        self.rows = self.rows + rows

    @rule(rows=ROWS)
    def upsert(self, rows):
        new_ids, new_codes = self.keys_of(rows)
        kept = [row for row in self.rows if row[0] not in new_ids]
        gone = [row[0] for row in self.rows if row[0] in new_ids]
        shared = len(set(gone)) < len(gone)  # one row would take the place of several
        if len(new_ids) < len(rows) or shared or self.keys_of(kept)[1] & new_codes:
            with pytest.raises(AdditionError):
                self.manager.add_data_source(source_of(rows), mode="upsert")
            return
        self.manager.add_data_source(source_of(rows), mode="upsert")
        (*_, load) = self.manager.describe("d").provenance.loads
        replaced = len(self.rows) - len(kept)
        assert load.replaced == ({"t": replaced} if replaced else {})
        assert load.added == {"t": len(rows) - replaced}
        self.rows = kept + rows

    @rule(ids=st.sets(KEYS))
    def delete(self, ids):
        kept = [row for row in self.rows if row[0] not in ids]
        deleted = self.manager.delete_rows("d", "t", pl.col("id").is_in(ids))
        assert deleted == len(self.rows) - len(kept)
        self.rows = kept

    @rule()
    def derive(self):
        if "e" in self.manager.get_data_keys():
            self.manager.delete_data("e")
        self.manager.derive_data("d", "e")
        assert_identical(self.manager.get_table("e", "t"), frame_of(self.rows))

    @invariant()
    def both_are_the_same(self):
        assert_identical(self.manager.get_table("d", "t"), frame_of(self.rows))
        assert self.manager.describe("d").tables["t"].rows == len(self.rows)
        assert self.manager.verify() == []

    @staticmethod
    def keys_of(rows):
        return {row[0] for row in rows}, {row[1] for row in rows} - {None}

    def teardown(self):
        self.manager.close()
        self.place.cleanup()


class InMemory(Model):
    def open(self):
        return started(StatelessDataManager(SimpleETLFactory, [Things], "json", DataSource))


class InFolder(Model):
    def open(self):
        folder = self.place.name
        return started(StatefulDataManager(SimpleETLFactory, [Things], folder, "json", DataSource))


class InSQLite(Model):
    def open(self):
        url = f"sqlite:///{self.place.name}/data.db"
        return started(DatabaseDataManager(SimpleETLFactory, [Things], url, "s", DataSource))


def started(manager):
    manager.startup()
    return manager


@pytest.mark.parametrize("model", [InMemory, InFolder, InSQLite])
def test_one_row_takes_the_place_of_one_and_never_of_several(model):
    stores = model()
    stores.append([(0, None, None), (0, None, None), (1, None, None)])
    with pytest.raises(AdditionError, match=r"\(id\): 2 stored rows share theirs.*id=0"):
        stores.manager.add_data_source(source_of([(0, None, None)]), mode="upsert")
    stores.both_are_the_same()
    stores.upsert([(1, None, None)])
    stores.both_are_the_same()
    stores.teardown()


@pytest.mark.parametrize(
    "model", [InMemory, InFolder, pytest.param(InSQLite, marks=pytest.mark.long)]
)
def test_a_dataset_is_what_a_list_of_rows_is(model):
    run_state_machine_as_test(
        model,
        settings=settings(
            max_examples=25,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
