"""Rows that are added and deleted, beside a plain list of rows; also by killed processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from tempfile import TemporaryDirectory
from uuid import uuid4

import polars as pl
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from algomancy_data import (
    Column,
    CSVFile,
    DataSource,
    DataType,
    Schema,
    SimpleETLFactory,
    StatefulDataManager,
    StatelessDataManager,
    Transformer,
)
from algomancy_data.database import DatabaseDataManager
from algomancy_data.errors import AdditionError, StoredKeyError
from algomancy_data.testing import assert_identical
from algomancy_data.transformer import TransformationSequence

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


class RefusedError(Exception):
    """A list of rows does not take a step."""


def keys_of(rows):
    return {row[0] for row in rows}, {row[1] for row in rows} - {None}


def appended(stored, rows):
    ids, codes = keys_of(stored)
    new_ids, new_codes = keys_of(rows)
    if ids & new_ids or codes & new_codes:
        raise RefusedError
    return stored + rows


def upserted(stored, rows):
    new_ids, new_codes = keys_of(rows)
    kept = [row for row in stored if row[0] not in new_ids]
    gone = [row[0] for row in stored if row[0] in new_ids]
    shared = len(set(gone)) < len(gone)  # one row would take the place of several
    if len(new_ids) < len(rows) or shared or keys_of(kept)[1] & new_codes:
        raise RefusedError
    return kept + rows


def without(stored, ids):
    return [row for row in stored if row[0] not in ids]


# What each step makes of a list of rows, and how a manager takes it.
STEPS = {
    "replace": (
        lambda _, rows: rows,
        lambda manager, rows: manager.add_data_source(source_of(rows)),
    ),
    "append": (
        appended,
        lambda manager, rows: manager.add_data_source(source_of(rows), mode="append"),
    ),
    "upsert": (
        upserted,
        lambda manager, rows: manager.add_data_source(source_of(rows), mode="upsert"),
    ),
    "delete": (
        without,
        lambda manager, ids: manager.delete_rows("d", "t", pl.col("id").is_in(ids)),
    ),
    "derive": (lambda stored, _: stored, lambda manager, name: manager.derive_data("d", name)),
}
GIVEN = st.one_of(
    st.tuples(st.sampled_from(["replace", "append", "upsert"]), ROWS),
    st.tuples(st.just("delete"), st.lists(KEYS)),
    st.tuples(st.just("derive"), st.just("e")),
)


class Model(RuleBasedStateMachine):
    """Does everything to a manager and to a list of rows."""

    kind = ""
    place = ""

    def __init__(self, others=None):
        super().__init__()
        self.others = others
        self.setup()
        self.manager = self.open()
        self.rows = []
        self.manager.add_data_source(source_of(self.rows))

    def setup(self):
        pass

    def open(self):
        return opened(self.kind, self.place)

    @rule(rows=ROWS)
    def replace(self, rows):
        self.step("replace", rows)

    @rule(rows=ROWS)
    def append(self, rows):
        self.step("append", rows)

    @rule(rows=ROWS)
    def upsert(self, rows):
        before = len(self.rows)
        if not self.step("upsert", rows):
            return
        (*_, load) = self.manager.describe("d").provenance.loads
        replaced = before + len(rows) - len(self.rows)
        assert load.replaced == ({"t": replaced} if replaced else {})
        assert load.added == {"t": len(rows) - replaced}

    @rule(ids=st.lists(KEYS))
    def delete(self, ids):
        before = len(self.rows)
        assert self.step("delete", ids) == [before - len(self.rows)]

    @rule()
    def derive(self):
        if "e" in self.manager.get_data_keys():
            self.manager.delete_data("e")
        self.step("derive", "e")
        assert_identical(self.manager.get_table("e", "t"), frame_of(self.rows))

    @rule()
    def restart(self):
        if self.others is not None:
            self.manager.close()
            self.manager = self.open()

    @precondition(lambda self: self.others is not None)
    @rule(given=GIVEN, moment=st.integers(0, 1000))
    def kill_another(self, given, moment):
        """Have another process take a step, which is killed in the middle of it."""
        step, what = given
        derives = step == "derive"
        if derives and "e" in self.manager.get_data_keys():
            self.manager.delete_data("e")
        said = self.others.take(self.kind, self.place, step, what, moment)
        model, _ = STEPS[step]
        try:
            after = model(self.rows, what)
        except RefusedError:
            assert said in {"refused", "killed"}
            return
        assert said in {"done", "killed"}
        if derives:
            there = "e" in self.manager.get_data_keys()
            assert there or said == "killed"
            if there:
                assert_identical(self.manager.get_table("e", "t"), frame_of(after))
        else:
            found = self.manager.get_table("d", "t")
            if said == "done" or not found.equals(frame_of(self.rows)):
                self.rows = after

    def step(self, name, what):
        """Take a step with both; return what the manager gave, or nothing if it refused."""
        model, real = STEPS[name]
        try:
            after = model(self.rows, what)
        except RefusedError:
            with pytest.raises(StoredKeyError if name == "append" else AdditionError):
                real(self.manager, what)
            return []
        given = [real(self.manager, what)]
        self.rows = after
        return given

    @invariant()
    def both_are_the_same(self):
        assert_identical(self.manager.get_table("d", "t"), frame_of(self.rows))
        assert self.manager.describe("d").tables["t"].rows == len(self.rows)
        assert self.manager.verify() == []

    def teardown(self):
        self.manager.close()


class InMemory(Model):
    kind = "memory"


class InFolder(Model):
    kind = "folder"

    def setup(self):
        self.directory = TemporaryDirectory()
        self.place = self.directory.name

    def teardown(self):
        super().teardown()
        self.directory.cleanup()


class InSQLite(InFolder):
    kind = "database"

    def setup(self):
        super().setup()
        self.place = f"sqlite:///{self.directory.name}/data.db"


class InPostgreSQL(Model):
    kind = "database"

    def __init__(self, others=None, url=""):
        self.url = url
        super().__init__(others)

    def setup(self):
        self.place = f"{self.url}#{uuid4()}"  # a session of its own

    def teardown(self):
        for name in self.manager.get_data_keys():
            self.manager.delete_data(name)
        assert self.manager.store.leftovers() == []
        super().teardown()


def opened(kind, place):
    match kind:
        case "memory":
            manager = StatelessDataManager(SimpleETLFactory, [Things], "json", DataSource)
        case "folder":
            manager = StatefulDataManager(SimpleETLFactory, [Things], place, "json", DataSource)
        case _:
            url, _, session = place.partition("#")
            manager = DatabaseDataManager(
                SimpleETLFactory, [Things], url, session or "s", DataSource
            )
    manager.startup()
    return manager


# --- other processes ----------------------------------------------------------------------------

START = "import runpy, sys; runpy.run_path(sys.argv[1])['serve']()"


def serve():
    """Take each step that a line of input asks for, in a process of its own."""
    tell("started")
    for line in sys.stdin:
        kind, place, step, what, calls = json.loads(line)
        come, go = os.pipe()
        child = os.fork()
        if not child:
            os.write(go, json.dumps(take_step(kind, place, step, what, calls)).encode())
            os._exit(0)
        os.close(go)
        _, status = os.wait()
        said = os.read(come, 100).decode()
        os.close(come)
        tell(said if status == 0 else json.dumps("killed"))


def tell(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def take_step(kind, place, step, what, calls):
    """Take a step; the process is killed after so many calls of functions."""
    manager = opened(kind, place)
    seen = 0

    def count(_frame, event, _argument):
        nonlocal seen
        if event in {"call", "c_call"}:
            seen += 1
            if seen == calls:
                os.kill(os.getpid(), 9)

    threading.setprofile(count)
    sys.setprofile(count)
    try:
        STEPS[step][1](manager, what)
    except AdditionError:
        said = "refused"
    else:
        said = "done"
    finally:
        sys.setprofile(None)
    return said


class Others:
    """Other processes, which are killed in the middle of a step."""

    def __init__(self):
        self.server = subprocess.Popen(
            [sys.executable, "-c", START, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.server.stdout.readline() == "started\n"

    def take(self, kind, place, step, what, moment):
        """Return how a step went: done, refused or killed."""
        asked = [kind, place, step, what, moment * MOST_CALLS[kind] // 1000 + 1]
        self.server.stdin.write(json.dumps(asked) + "\n")
        self.server.stdin.flush()
        return json.loads(self.server.stdout.readline())

    def close(self):
        self.server.stdin.close()
        assert self.server.wait(60) == 0
        self.server.stdout.close()


MOST_CALLS = {"folder": 3_000, "database": 15_000}  # of the longest step


@pytest.fixture
def others():
    server = Others()
    yield server
    server.close()


@pytest.fixture(scope="session")
def url(new_database):
    return new_database("additions")


@pytest.fixture
def models(request):
    """Return what makes a model of a kind of store."""

    def models(model, others=None):
        if model is not InPostgreSQL:
            return lambda: model(others)
        return lambda: InPostgreSQL(others, request.getfixturevalue("url"))

    return models


KINDS = [InMemory, InFolder, InSQLite, InPostgreSQL]


@pytest.mark.parametrize("model", KINDS)
def test_one_row_takes_the_place_of_one_and_never_of_several(models, model):
    stores = models(model)()
    stores.append([(0, None, None), (0, None, None), (1, None, None)])
    with pytest.raises(AdditionError, match=r"\(id\): 2 stored rows share theirs.*id=0"):
        stores.manager.add_data_source(source_of([(0, None, None)]), mode="upsert")
    stores.both_are_the_same()
    stores.upsert([(1, None, None)])
    stores.both_are_the_same()
    stores.teardown()


class Parts(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "parts", "csv", "single"
    THING = Column("thing", DataType.INTEGER, foreign_key=("t", "id"))


def test_rows_are_refused_whose_parents_go_after_they_were_checked(tmp_path):
    class Deleting(Transformer):
        def transform(self, data):
            assert manager.delete_rows("d", "t", pl.col("id") == 2) == 1

    class Factory(SimpleETLFactory):
        check_foreign_keys = True

        @classmethod
        def create_transformation_sequence(cls, schemas, logger=None):
            return TransformationSequence([Deleting("delete")])

    path = tmp_path / "parts.csv"
    path.write_text("thing\n1\n2\n")
    url = f"sqlite:///{tmp_path}/data.db"
    for manager in (
        StatelessDataManager(Factory, [Parts], "json", DataSource),
        StatefulDataManager(Factory, [Parts], str(tmp_path / "folder"), "json", DataSource),
        DatabaseDataManager(Factory, [Parts], url, "s", DataSource),
    ):
        manager.startup()
        manager.add_data_source(source_of([(1, None, None), (2, None, None)]))
        with pytest.raises(AdditionError, match=r"1 keys \(id\) of table 't'.*thing=2"):
            manager.etl_data({"parts": CSVFile("parts", path=str(path))}, "d", mode="append")
        assert list(manager.describe("d").tables) == ["t"]
        manager.close()


def run(make, examples, steps):
    run_state_machine_as_test(
        make,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )


def test_a_dataset_in_memory_is_what_a_list_of_rows_is(models):
    run(models(InMemory), 25, 12)


@pytest.mark.long
@pytest.mark.parametrize(("model", "examples"), [(InFolder, 20), (InSQLite, 12), (InPostgreSQL, 8)])
def test_a_kept_dataset_is_what_a_list_of_rows_is_whoever_is_killed(
    models, others, model, examples
):
    run(models(model, others), examples, 12)
