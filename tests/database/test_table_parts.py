"""Tables whose rows several workers write: nothing to be seen before the commit, all after it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import polars as pl
import psycopg
import pytest

from algomancy_data import Column, DataSource, DataType, Schema, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager
from algomancy_data.errors import ExecutorError, StoreError
from algomancy_data.executors.sharing import workers_of
from algomancy_data.metrics import PhaseRecorder
from algomancy_data.testing import assert_identical

ROWS = 120_000  # two blocks of check sums, and a part of a third


@pytest.fixture
def opened(empty_postgresql):
    """Make managers of one session."""
    made = []

    def opened(**settings):
        made.append(
            DatabaseDataManager(SimpleETLFactory, [], empty_postgresql, "s", DataSource, **settings)
        )
        made[-1].startup()
        return made[-1]

    yield opened
    for one in made:
        one.close()


@pytest.fixture
def relations(empty_postgresql):
    """Return the tables that there are, but for those of the package itself."""

    def relations():
        with psycopg.connect(empty_postgresql) as connection:
            names = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            )
            return {name for (name,) in names} - {
                "algomancy_datasets",
                "algomancy_jobs",
                "algomancy_payload_chunks",
            }

    return relations


def frame_of(rows=ROWS, first=0):
    numbers = pl.int_range(first, first + rows, eager=True)
    return pl.DataFrame({"n": numbers}).with_columns(
        x=pl.when(pl.col("n") % 7 == 0).then(float("nan")).otherwise(pl.col("n") / 3),
        t=pl.when(pl.col("n") % 11 > 0).then(pl.format("text {}", "n")),
        c=(pl.col("n") % 3).cast(pl.String).cast(pl.Categorical),
        d=pl.datetime(2024, 1, 1) + pl.duration(minutes="n"),
    )


def source_of(*frames, name="d"):
    source = DataSource("master_data", name=name)
    source.tables = {f"t{number}": frame for number, frame in enumerate(frames)}
    return source


def save(manager, source, executor):
    """Keep a DataSource as an ETL with an executor does."""
    with workers_of(executor) as workers, PhaseRecorder().phase("persist") as phase:
        phase.workers = workers
        manager.store.save(source.name, source, phase=phase)


def test_rows_lie_in_parts_and_are_those_of_a_table_in_one_piece(opened, relations, elsewhere):
    manager, frame, small = opened(), frame_of(), frame_of(10)
    calls = elsewhere.calls
    save(manager, source_of(frame, small), elsewhere)
    assert elsewhere.calls == calls + 3
    parts = {name for name in relations() if name.startswith("algomancy_rows_")}
    assert len(parts) == 3
    other = opened(verify_on_load=True)
    assert_identical(other.get_data("d").get_table("t0"), frame)
    assert_identical(other.get_data("d").get_table("t1"), small)
    assert_identical(other.scan_table("d", "t0").collect(), frame)
    assert_identical(
        other.scan_table("d", "t0").filter(pl.col("n") > ROWS - 3).collect(), frame.tail(2)
    )
    assert other.scan_table("d", "t0").head(3).collect()["n"].to_list() == [0, 1, 2]
    assert other.query('SELECT count(*) FROM "t0"', datasets=["d"]).item() == ROWS
    manager.add_data_source(source_of(frame, small, name="whole"))
    entries = {name: manager.store.describe(name) for name in ("d", "whole")}
    assert entries["d"].tables == entries["whole"].tables
    assert sums(manager, "d") == sums(manager, "whole")
    assert manager.verify() == []
    assert manager.leftovers() == []


def sums(manager, name):
    with manager.engine.connect() as connection:
        text = connection.exec_driver_sql(
            f"SELECT sub_tables FROM algomancy_datasets WHERE name = '{name}'"
        ).scalar()

    return [table["sums"] for table in json.loads(text)]


def test_what_can_be_done_with_a_table_can_be_done_with_one_in_parts(opened, relations, elsewhere):
    manager, frame = opened(), frame_of()
    save(manager, source_of(frame), elsewhere)
    more = frame_of(1_000, ROWS)
    manager.add_data_source(source_of(more), mode="append")
    together = pl.concat([frame, more])
    assert_identical(manager.scan_table("d", "t0").collect(), together)
    assert manager.verify() == []
    assert manager.delete_rows("d", "t0", pl.col("n") % 50_000 == 49_999) == 2
    left = together.filter(pl.col("n") % 50_000 != 49_999)
    assert_identical(manager.scan_table("d", "t0").collect(), left)
    assert manager.verify() == []
    manager.derive_data("d", "copy")
    assert_identical(manager.scan_table("copy", "t0").collect(), left)
    save(manager, source_of(frame), elsewhere)
    assert_identical(manager.scan_table("d", "t0").collect(), frame)
    assert manager.verify() == []
    assert manager.leftovers() == []
    for name in ("d", "copy"):
        manager.delete_data(name)
    assert relations() == set()


def test_nobody_sees_rows_before_the_commit(opened, relations, elsewhere):
    manager, watcher = opened(), opened()
    manager.add_data_source(source_of(frame_of(5)))
    seen = []

    class Watching(type(elsewhere)):
        def submit(self, do, /, *given, **named):
            future = super().submit(do, *given, **named)
            rows = watcher.scan_table("d", "t0").collect().height
            parts = {name for name in relations() if name.startswith("algomancy_rows_")}
            seen.append((rows, len(parts), watcher.leftovers(), watcher.clear_leftovers()))
            return future

    save(manager, source_of(frame_of()), Watching())
    assert seen == [(5, number, [], []) for number in (1, 2, 3)]
    assert watcher.scan_table("d", "t0").collect().height == ROWS


@pytest.mark.parametrize("last", [1, 3])
def test_a_write_that_fails_leaves_the_old_dataset_and_nothing_else(
    opened, relations, elsewhere, last
):
    manager = opened()
    manager.add_data_source(source_of(frame_of(5)))
    before = relations()

    class Failing(type(elsewhere)):
        def submit(self, do, /, *given, **named):
            future = super().submit(do, *given, **named)
            if self.calls == last:
                raise ZeroDivisionError
            return future

    with suppress(ZeroDivisionError, ExecutorError):
        save(manager, source_of(frame_of()), Failing())
    assert relations() == before
    assert_identical(manager.scan_table("d", "t0").collect(), frame_of(5))
    assert (manager.leftovers(), manager.verify()) == ([], [])


def test_parts_of_a_program_that_was_killed_are_leftovers(opened, relations, empty_postgresql):
    manager = opened()
    manager.add_data_source(source_of(frame_of(5)))
    part = f"algomancy_rows_{'ab' * 8}_{'0' * 12}"
    with psycopg.connect(empty_postgresql) as connection:
        connection.execute(f"CREATE TABLE {part} (n bigint)")
        connection.execute(f'COMMENT ON TABLE {part} IS \'algomancy-data:["s", "d", "t0"]\'')
    (found,) = manager.leftovers()
    assert (found.path, found.is_proven) == (part, True)
    assert "rows of table 't0' of dataset 'd'" in found.what
    assert manager.clear_leftovers() == [found]
    assert part not in relations()
    assert manager.leftovers() == []


def test_a_worker_whose_program_has_ended_commits_nothing(opened, relations, elsewhere):
    manager, late = opened(), []

    class Late(type(elsewhere)):
        def submit(self, do, /, *given, **named):
            task = given[1]
            late.append((do, given, task.place, task.place.read_bytes()))
            raise ZeroDivisionError

    with suppress(ZeroDivisionError, ExecutorError):
        save(manager, source_of(frame_of()), Late())
    ((do, given, place, content),) = late
    place.parent.mkdir()
    place.write_bytes(content)
    ended = do(*given)
    place.unlink()
    place.parent.rmdir()
    error = ended.result.error
    assert isinstance(error, StoreError)
    assert "has ended" in str(error)
    assert relations() == set()


def test_threads_may_help(opened):
    manager, frame = opened(), frame_of()
    with ThreadPoolExecutor(3) as executor:
        save(manager, source_of(frame, frame_of(ROWS, 7)), executor)
    assert_identical(manager.scan_table("d", "t0").collect(), frame)
    assert manager.verify() == []


def test_a_table_without_rows_needs_no_help(opened):
    manager = opened()
    with ThreadPoolExecutor(1) as executor:
        save(manager, source_of(frame_of(0), frame_of(3)), executor)
    assert_identical(manager.get_table("d", "t0"), frame_of(0))
    assert_identical(manager.get_table("d", "t1"), frame_of(3))


def test_no_more_write_at_a_time_than_there_may_be_connections(opened):
    manager, frame, at_once = opened(max_connections=4), frame_of(7 * 50_000), []

    class Counting(ThreadPoolExecutor):
        def submit(self, do, /, *given, **named):
            self.futures = [*getattr(self, "futures", []), super().submit(do, *given, **named)]
            at_once.append(sum(not future.done() for future in self.futures))
            return self.futures[-1]

    with Counting(4) as executor:
        save(manager, source_of(frame), executor)
    assert (len(at_once), max(at_once)) == (7, 2)
    assert_identical(manager.scan_table("d", "t0").collect(), frame)


def test_what_no_file_gives_back_exactly_is_written_here(opened, relations, elsewhere):
    manager = opened()
    frame = pl.DataFrame({"n": pl.int_range(ROWS, eager=True)}).cast(pl.Int128)
    save(manager, source_of(frame), elsewhere)
    assert_identical(manager.scan_table("d", "t0").collect(), frame)
    assert len(relations()) == 1


class Numbers(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t0", "csv", "single"
    N = Column("n", DataType.INTEGER, primary_key=True)


@pytest.mark.parametrize("keys", ["index", "constraints"])
def test_keys_that_the_database_is_told_of_are_those_of_one_table(
    empty_postgresql, relations, elsewhere, keys
):
    manager = DatabaseDataManager(
        SimpleETLFactory, [Numbers], empty_postgresql, "s", DataSource, keys=keys
    )
    manager.startup()
    frame = pl.DataFrame({"n": pl.int_range(ROWS, eager=True)})
    save(manager, source_of(frame), elsewhere)
    assert_identical(manager.scan_table("d", "t0").collect(), frame)
    assert manager.verify() == []
    manager.close()
    assert len(relations()) == 1
