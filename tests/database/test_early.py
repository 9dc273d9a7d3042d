"""Rows that are written while others are read: the same table, or nothing at all."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from algomancy_data import (
    Column,
    DataSource,
    DataType,
    ReadLimits,
    Schema,
    SimpleETLFactory,
    ValidationSeverity,
    Validator,
)
from algomancy_data.database import DatabaseDataManager, early
from algomancy_data.database.backend import backend_for
from algomancy_data.database.naming import DatasetOwner
from algomancy_data.database.postgresql.bulk import PostgreSQLBulk
from algomancy_data.database.sqlite.bulk import SQLiteBulk
from algomancy_data.errors import StoreError
from algomancy_data.metrics import NO_PHASE
from algomancy_data.testing import assert_identical

WRITER = "algomancy-data-writer"
IN_SLICES = ReadLimits(in_memory_bytes=4000)  # of 500 bytes
AS_A_WHOLE = ReadLimits(in_memory_bytes=64_000)  # a sixteenth of which is not small
ROWS = 200


class Parents(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "parents", "csv", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)


class Rows(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "rows", "csv", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)
    PARENT = Column("parent", DataType.INTEGER, foreign_key=("parents", "id"))
    VALUE = Column("value", DataType.FLOAT)
    TEXT = Column("text", DataType.STRING)
    AT = Column("at", DataType.DATETIME)
    LASTS = Column("lasts", DataType.INTERVAL)
    KIND = Column("kind", DataType.CATEGORICAL)
    PAID = Column("paid", DataType.BOOLEAN)


class CheckedETLFactory(SimpleETLFactory):
    check_foreign_keys = True
    check_constraints = True


GOOD = ["7", "1", "1.5", "x", "2024-05-01 10:00:00", "00:00:01", "a", "true"]


def write_files(
    folder: Path, late: dict[str, list[str]], rows: int = ROWS
) -> list[tuple[str, str]]:
    """Write the files of both tables, some values of the last rows being others."""
    names = list(Rows.columns())
    lines = []
    for number in range(rows):
        fields = [str(number), *GOOD[1:]]
        for name, values in late.items():
            place = number - (rows - len(values))
            if place >= 0:
                fields[names.index(name)] = values[place]
        lines.append(";".join(fields))
    (folder / "rows.csv").write_text(";".join(names) + "\n" + "\n".join(lines) + "\n")
    (folder / "parents.csv").write_text("id\n1\n2\n")
    return [(name, str(folder / f"{name}.csv")) for name in ("rows", "parents")]


class Listener:
    """Does something when a phase is under way."""

    def __init__(self, act: Any, phase: str = "extract", rows: int = ROWS // 2) -> None:
        self._act, self._phase, self._rows = act, phase, rows

    def phase_started(self, phase: str) -> None:
        del phase

    def phase_finished(self, metrics: Any) -> None:
        del metrics

    def progressed(self, phase: str, done_rows: int, total_rows: int | None) -> None:
        del total_rows
        if phase == self._phase and done_rows >= self._rows and self._act is not None:
            act, self._act = self._act, None
            act()


@pytest.fixture(autouse=True)
def few_rows_per_write(monkeypatch):
    for bulk in (SQLiteBulk, PostgreSQLBulk):
        monkeypatch.setattr(bulk, "rows_per_write", 30)


@pytest.fixture
def won(monkeypatch) -> list[str]:
    """Names of tables that were written early, as they are used."""
    names: list[str] = []
    write = early.WrittenTable.write

    def note(self, *arguments):
        names.append(self.name)
        return write(self, *arguments)

    monkeypatch.setattr(early.WrittenTable, "write", note)
    return names


@pytest.fixture
def new_manager(url):
    """Make managers on the database of each dialect."""
    managers = []

    def make(factory=CheckedETLFactory, **options) -> DatabaseDataManager[Any]:
        schemas = [Rows, Parents]
        manager = DatabaseDataManager(factory, schemas, url, "s", DataSource, **options)
        managers.append(manager)
        manager.startup()
        return manager

    yield make
    for manager in managers:
        manager.close()


def load(manager, items, limits=IN_SLICES, **options):
    files = manager.prepare_files(file_items_with_path=items)
    return manager.etl_data(files, "d", read_limits=limits, **options)


def stored(manager: DatabaseDataManager[Any]) -> tuple[Any, ...]:
    """Return what the catalogue says of the tables, and all rows as they lie in them."""
    with manager.engine.connect() as connection:
        layouts = connection.exec_driver_sql("SELECT sub_tables FROM algomancy_datasets").all()
        views = "SELECT sql_name FROM algomancy_tables ORDER BY 1"
        order = "rowid" if connection.dialect.name == "sqlite" else "ctid"
        rows = [
            connection.exec_driver_sql(f'SELECT * FROM "{name}" ORDER BY {order}').all()
            for name in connection.exec_driver_sql(views).scalars().all()
        ]
    return layouts, repr(rows)  # by which NaN is NaN


AWKWARD = {
    "nothing": {},
    "numbers with NaN": {"value": ["nan"]},
    "a negative zero": {"value": ["-0.0", "1"]},
    "nulls": {"value": [""] * 100, "at": [""] * 100, "text": [""] * 100},
    "a decimal comma": {"value": ["1,5"]},
    "a whole number with separators": {"id": ["1,000,001"]},
    "a far date": {"at": ["0001-01-01 00:00:00"]},
    "nanoseconds": {"at": ["2024-05-01 10:00:00.123456789"], "lasts": ["00:00:01.000000001"]},
    "a text with NUL": {"text": ["a\0b"]},
    "a text that is no number": {"value": ["much"]},
    "other categories": {"kind": [f"k{number}" for number in range(300)]},
}
WINS = ("nothing", "nulls", "other categories")
QUICK = ("nothing", "a negative zero", "a decimal comma", "a text with NUL")


@pytest.mark.parametrize(
    "late", [pytest.param(one, marks=[] if one in QUICK else pytest.mark.long) for one in AWKWARD]
)
def test_what_comes_late_gives_the_table_that_is_written_at_once(new_manager, tmp_path, won, late):
    items = write_files(tmp_path, AWKWARD[late])
    plain, overlapping = new_manager(overlap=False), new_manager()
    expected = load(plain, items)
    assert won == []
    at_once = stored(plain)
    found = load(overlapping, items)
    assert [str(one) for one in found.messages] == [str(one) for one in expected.messages]
    assert stored(overlapping) == at_once
    if late in WINS:
        assert won == ["rows"]
    frames = new_manager().get_data("d").tables
    assert_identical(frames["rows"], expected.datasource.get_table("rows"))
    assert overlapping.verify() == []


@pytest.mark.parametrize(
    "late", [pytest.param(one, marks=[] if one in QUICK else pytest.mark.long) for one in AWKWARD]
)
def test_a_table_that_is_made_in_memory_is_written_early_whatever_is_in_it(
    new_manager, tmp_path, won, late
):
    items = write_files(tmp_path, AWKWARD[late])
    plain, overlapping = new_manager(overlap=False), new_manager()
    expected = load(plain, items, AS_A_WHOLE)
    at_once = stored(plain)
    found = load(overlapping, items, AS_A_WHOLE)
    assert [str(one) for one in found.messages] == [str(one) for one in expected.messages]
    assert won == ["rows"]
    assert stored(overlapping) == at_once
    frames = new_manager().get_data("d").tables
    assert_identical(frames["rows"], expected.datasource.get_table("rows"))
    assert overlapping.verify() == []


VALUES = {
    "value": ["1", "-0.0", "nan", "inf", "", "1e300", "1.234", "1,5", "x"],
    "text": ["", "a", "a\0b", "é" * 40, "1"],
    "at": [
        "2024-05-01",
        "2024-05-01 10:00:00.123456789",
        "",
        "0001-01-01",
        "9999-12-31",
        "01/02/2024",
    ],
    "lasts": ["00:00:01", "00:00:00.000000001", "", "P1D", "x"],
    "kind": ["a", "b", "", "c"],
    "paid": ["true", "false", "", "1", "yes"],
    "id": ["1", "9223372036854775807", "9223372036854775808", "", "1,000", "x"],
}


@pytest.mark.long
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=10)
@given(
    st.fixed_dictionaries(
        {name: st.lists(st.sampled_from(some), max_size=50) for name, some in VALUES.items()}
    ),
    st.integers(8, 4000),
    st.booleans(),
)
def test_whatever_comes_late_gives_the_same_table(new_manager, tmp_path, late, at_once, is_first):
    rows = 50 if is_first else 120
    items = write_files(tmp_path, late, rows)
    limits = ReadLimits(in_memory_bytes=at_once)
    plain, overlapping = new_manager(overlap=False), new_manager()
    expected = load(plain, items, limits)
    before = stored(plain)
    found = load(overlapping, items, limits)
    assert [str(one) for one in found.messages] == [str(one) for one in expected.messages]
    assert stored(overlapping) == before
    assert overlapping.verify() == []
    for manager in (plain, overlapping):
        manager.close()


def writers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == WRITER]


def test_rows_are_written_while_others_are_read(new_manager, tmp_path, won):
    seen = []
    manager = new_manager(progress=Listener(lambda: seen.append(len(writers()))))
    result = load(manager, write_files(tmp_path, {}))
    assert result.is_success
    assert seen == [1]
    assert won == ["rows"]
    for thread in writers():
        thread.join(60)
    assert not writers()
    persist = result.metrics[-1]
    assert (persist.phase, persist.rows) == ("persist", ROWS + 2)


def test_all_rows_are_told_of_in_the_phase_that_keeps_them(new_manager, tmp_path):
    told = []

    class Told(Listener):
        def progressed(self, phase, done_rows, total_rows):
            if phase == "persist":
                told.append((done_rows, total_rows))

    load(new_manager(progress=Told(None)), write_files(tmp_path, {}))
    assert told[-1] == (ROWS + 2, ROWS + 2)


def aside(validator: type[Validator]) -> type[SimpleETLFactory]:
    """Return a factory with one more check, which is nobody's of this package."""

    class Factory(CheckedETLFactory):
        @classmethod
        def create_validation_sequence(cls, schemas, logger=None):
            sequence = super().create_validation_sequence(schemas, logger)
            sequence.add_validator(validator())
            return sequence

    return Factory


class Finds(Validator):
    def validate(self, data):
        del data
        return []


@pytest.mark.parametrize(
    ("options", "limits"),
    [
        ({"overlap": False}, IN_SLICES),
        ({"quarantine": True}, IN_SLICES),
        ({"factory": aside(Finds)}, IN_SLICES),
        ({}, ReadLimits()),
    ],
    ids=["switched off", "quarantine", "a check of a user's own", "small files"],
)
def test_nothing_is_written_early(new_manager, tmp_path, won, options, limits):
    seen = []
    manager = new_manager(
        progress=Listener(lambda: seen.append(len(writers())), "persist"), **options
    )
    assert load(manager, write_files(tmp_path, {}), limits).is_success
    assert seen == [0]
    assert won == []


@pytest.fixture
def full(new_manager, tmp_path):
    """Return the manager of a dataset, and what is stored of it."""
    manager = new_manager()
    load(manager, write_files(tmp_path, {}, 10))
    return manager, stored(manager)


def other_writes(manager: DatabaseDataManager[Any]) -> None:
    """Write to the database on a connection of its own, which waits for nobody."""
    with sa.create_engine(manager.engine.url).begin() as connection:
        connection.exec_driver_sql("CREATE TABLE other (x integer)")
        connection.exec_driver_sql("DROP TABLE other")


@pytest.mark.parametrize("limits", [IN_SLICES, AS_A_WHOLE], ids=["in slices", "as a whole"])
@pytest.mark.parametrize("late", [{"id": ["1"]}, {"parent": ["3"]}], ids=["key", "foreign key"])
def test_a_check_that_fails_leaves_the_old_dataset(full, new_manager, tmp_path, won, late, limits):
    _, before = full
    won.clear()
    manager = new_manager()
    halt_on = ValidationSeverity.ERROR
    result = load(manager, write_files(tmp_path, late), limits, halt_on=halt_on)
    assert not result.is_success
    assert won == []
    assert stored(manager) == before
    assert manager.leftovers() == []
    other_writes(manager)


@pytest.mark.parametrize(
    ("phase", "limits"),
    [("extract", IN_SLICES), ("extract", AS_A_WHOLE), ("persist", IN_SLICES)],
    ids=["extract in slices", "extract as a whole", "persist"],
)
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interruption_leaves_the_old_dataset(full, new_manager, tmp_path, phase, limits, error):
    _, before = full

    def fail() -> None:
        raise error

    manager = new_manager(progress=Listener(fail, phase, 1))
    with pytest.raises(error):
        load(manager, write_files(tmp_path, {}), limits)
    for thread in writers():
        thread.join(60)
    assert not writers()
    assert stored(manager) == before
    other_writes(manager)
    assert load(new_manager(), write_files(tmp_path, {})).is_success


@pytest.mark.parametrize("times", [1, 100])
def test_an_error_of_the_database_is_that_of_the_whole_write(
    full, new_manager, tmp_path, monkeypatch, won, times
):
    _, before = full
    won.clear()
    manager = new_manager()
    bulk = type(manager.store._storage.bulk)
    ingest, failures = bulk.ingest, []

    def fail(self, connection, table, parts):
        parts = iter(parts)
        ingest(self, connection, table, [next(parts)])
        if len(failures) < times:
            failures.append(table)
            connection.exec_driver_sql("SELECT 1 FROM nowhere")
        ingest(self, connection, table, parts)

    monkeypatch.setattr(bulk, "ingest", fail)
    items = write_files(tmp_path, {})
    if times == 1:
        assert load(manager, items).is_success
        monkeypatch.undo()
        assert manager.verify() == []
    else:
        with pytest.raises(StoreError, match=r"failed while writing dataset 'd': .*nowhere"):
            load(manager, items)
        monkeypatch.undo()
        assert stored(manager) == before
    assert won == []
    other_writes(manager)


def test_a_write_of_the_same_manager_need_not_wait(new_manager, tmp_path, won):
    other = DataSource("master_data", name="other")
    other.add_table("t", {"x": [1]})
    manager = new_manager(progress=Listener(lambda: manager.add_data_source(other)))
    assert load(manager, write_files(tmp_path, {})).is_success
    assert manager.get_data_keys() == ["other", "d"]
    assert won == []
    assert manager.verify() == []


def test_the_dataset_can_be_read_while_it_is_replaced(full, new_manager, tmp_path):
    del full
    heights = []

    def read() -> None:
        manager.refresh()
        heights.append(manager.get_data("d").get_table("rows").height)

    manager = new_manager(progress=Listener(read))
    assert load(manager, write_files(tmp_path, {})).is_success
    assert heights == [10]
    assert manager.get_table("d", "rows").height == ROWS


def test_a_lock_of_somebody_else_is_not_waited_for(full, new_manager, tmp_path, monkeypatch, won):
    monkeypatch.setattr(early, "_PATIENCE", 0.1)
    manager, _ = full
    won.clear()
    store = manager.store
    held = store._transactions.writing("testing", "d")
    held.__enter__()
    listener = Listener(lambda: held.__exit__(None, None, None), rows=ROWS)
    assert load(new_manager(progress=listener), write_files(tmp_path, {})).is_success
    assert won == []
    assert new_manager().get_table("d", "rows").height == ROWS


# Stops in the middle, when rows are written, and waits for its end.
LOADER = """
import sys, time
sys.path.insert(0, sys.argv[1])
import test_early
from algomancy_data import DataSource
from algomancy_data.database import DatabaseDataManager
for bulk in (test_early.SQLiteBulk, test_early.PostgreSQLBulk):
    bulk.rows_per_write = 30

def stop():
    while not manager.store._transactions.early._rows_written:
        time.sleep(0.01)
    print("written", flush=True)
    time.sleep(600)

schemas = [test_early.Rows, test_early.Parents]
manager = DatabaseDataManager(
    test_early.CheckedETLFactory, schemas, sys.argv[2], "s", DataSource,
    progress=test_early.Listener(stop, rows=test_early.ROWS),
)
manager.startup()
test_early.load(manager, [("rows", sys.argv[3]), ("parents", sys.argv[4])])
"""


@pytest.mark.long
def test_a_process_that_is_killed_in_the_middle_leaves_the_old_dataset(full, tmp_path, url):
    manager, before = full
    manager.close()
    paths = [path for _, path in write_files(tmp_path, {})]
    place = url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", LOADER, str(Path(__file__).parent), place, *paths]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        process.kill()
    assert stored(manager) == before
    assert manager.verify() == []
    assert manager.leftovers() == []
    other_writes(manager)


def test_a_write_that_was_given_up_before_its_thread_began_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(threading.Thread, "start", lambda thread: None)  # the system is busy
    storage = backend_for(sa.create_engine("sqlite://")).table_storage()
    write = early.EarlyWrite(DatasetOwner("s", "d"), storage, list)
    write.take("t", pl.DataFrame({"x": [1]}))
    write.give_up()
    write.end("t", pl.DataFrame({"x": [1]}))
    with write.committing(NO_PHASE) as begun:
        assert begun is None
