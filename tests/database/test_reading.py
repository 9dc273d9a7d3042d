"""A stored table as a LazyFrame: its queries read what they need, of one state."""

from __future__ import annotations

import os
import threading
import time

import polars as pl
import psycopg
import pytest
from polars.testing import assert_frame_equal
from pyarrow import parquet
from sqlalchemy import create_engine

from algomancy_data import DataSource
from algomancy_data.database import reading
from algomancy_data.errors import DamagedStoreError, DatasetChangedError, StoreError

FRAME = pl.DataFrame(
    {
        "id": range(1_000),
        "part": [number % 7 for number in range(1_000)],
        "text": [f"row {number}" for number in range(1_000)],
        "none": [None, 1.5] * 500,
    }
)


@pytest.fixture(params=["sqlite", "postgresql"])
def manager(request, new_manager, path, monkeypatch):
    """A manager that reads the table in many parts, on several connections."""
    monkeypatch.setattr(reading, "ROWS_PER_READ", 60)
    monkeypatch.setattr(reading.Readers, "fewest_rows", 100)
    url = f"sqlite:///{path}"
    return new_manager(
        url if request.param == "sqlite" else request.getfixturevalue("empty_postgresql")
    )


@pytest.fixture
def lazy(manager, dataset):
    manager.add_data_source(dataset("d", {"t": FRAME}))
    return manager.scan_table("d", "t")


QUERIES = {
    "all": lambda table: table,
    "rows": lambda table: table.filter(pl.col("part") == 3, pl.col("id") > 500),
    "columns": lambda table: table.select("text", "part"),
    "both": lambda table: table.filter(pl.col("none").is_null()).select(pl.col("id") * 2),
    "first": lambda table: table.head(130),
    "first of some": lambda table: table.head(500).filter(pl.col("part") == 1).head(3),
    "last": lambda table: table.tail(3),
    "slice": lambda table: table.slice(55, 10),
    "nothing": lambda table: table.filter(pl.col("id") < 0),
    "count": lambda table: table.select(pl.len()),
    "groups": lambda table: table.group_by("part").agg(pl.sum("id")).sort("part"),
    "sort": lambda table: table.sort("text", descending=True).head(5),
    "other rows": lambda table: table.filter(pl.col("id") == pl.col("id").max()),
    "function": lambda table: table.filter(
        pl.col("id").map_elements(lambda number: number % 100 == 0, return_dtype=pl.Boolean)
    ),
}


@pytest.mark.filterwarnings("ignore::polars.exceptions.PolarsInefficientMapWarning")
@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
@pytest.mark.parametrize("query", QUERIES)
def test_a_query_gives_what_it_gives_of_the_frame(lazy, query, engine) -> None:
    found = QUERIES[query](lazy).collect(engine=engine)
    assert_frame_equal(found, QUERIES[query](FRAME.lazy()).collect())


def test_a_table_goes_to_a_file_without_being_in_memory(lazy, tmp_path) -> None:
    lazy.filter(pl.col("part") != 0).sink_parquet(tmp_path / "t.parquet")
    read = parquet.read_table(tmp_path / "t.parquet")
    assert read.column("id").to_pylist() == FRAME.filter(pl.col("part") != 0)["id"].to_list()


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_several_tables_go_into_one_query(manager, dataset, engine) -> None:
    names = pl.DataFrame({"part": range(7), "name": list("abcdefg")})
    manager.add_data_source(dataset("d", {"t": FRAME, "names": names}))
    lazy = manager.scan_table("d", "t").join(manager.scan_table("d", "names"), on="part")
    by_name = lazy.group_by("name").agg(pl.len()).sort("name").collect(engine=engine)
    assert by_name["len"].to_list() == [143] * 6 + [142]


def test_a_dataset_that_was_written_meanwhile_is_not_mixed_with_what_it_was(
    manager, dataset, lazy
) -> None:
    manager.set_data("d", dataset("d", {"t": FRAME.reverse()}))
    with pytest.raises(DatasetChangedError, match="Call scan_table again"):
        lazy.collect()
    assert_frame_equal(manager.scan_table("d", "t").collect(), FRAME.reverse())
    manager.delete_data("d")
    with pytest.raises(DatasetChangedError):
        lazy.collect()


@pytest.mark.parametrize("manager", ["sqlite"], indirect=True)
def test_a_query_that_has_begun_sees_the_state_in_which_it_began(
    manager, new_manager, dataset, lazy, path
) -> None:
    batches = lazy.collect_batches(chunk_size=60)
    first = next(batches)
    new_manager(f"sqlite:///{path}").set_data("d", dataset("d", {"t": FRAME.reverse()}))
    assert_frame_equal(pl.concat([first, *batches]), FRAME)


def test_a_query_that_stops_early_lets_go_of_the_table(manager, dataset, lazy) -> None:
    batches = lazy.collect_batches(chunk_size=60)
    next(batches)
    del batches
    assert lazy.head(1).collect().height == 1
    manager.delete_data("d")
    manager.add_data_source(dataset("d", {"t": FRAME}))


def test_a_streaming_query_that_has_enough_rows_lets_go_of_the_database(
    manager, lazy, path, outside
) -> None:
    url = manager.store.engine.url.set(drivername="postgresql")

    def is_free() -> bool:
        if url.host is None and not url.query:
            [[is_busy, *_]] = outside(path, "PRAGMA wal_checkpoint(TRUNCATE)")
            return not is_busy
        with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
            query = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'"
            return connection.execute(query).fetchone() == (0,)

    for _ in range(5):
        query = lazy.head(500).filter(pl.col("part") == 1).head(3)
        assert query.collect(engine="streaming")["id"].to_list() == [1, 8, 15]
        deadline = time.monotonic() + 60
        while not is_free():
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_threads_scan_side_by_side(lazy) -> None:
    found: list[pl.DataFrame] = []
    threads = [
        threading.Thread(target=lambda: found.append(lazy.collect(engine="streaming")))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for frame in found:
        assert_frame_equal(frame, FRAME)


@pytest.mark.parametrize("manager", ["sqlite"], indirect=True)
def test_a_value_that_was_changed_is_noticed_when_all_rows_have_been_read(
    manager, new_manager, lazy, path, outside
) -> None:
    del lazy
    manager.close()
    outside(path, "UPDATE ds__s__d__t SET id = 7 WHERE id = 900")
    careful = new_manager(f"sqlite:///{path}", verify_on_load=True)
    with pytest.raises(DamagedStoreError, match="'id' has other values"):
        careful.scan_table("d", "t").select("id").collect()
    assert careful.scan_table("d", "t").select("text").collect().height == FRAME.height


READ = {
    "dataset": lambda manager, _: (manager.refresh(), manager.get_data("d")),
    "table": lambda manager, _: manager.get_table("d", "t"),
    "scan": lambda _, lazy: lazy.collect(engine="in-memory"),
    "batches": lambda _, lazy: [batch.height for batch in lazy.collect_batches()],
    "another dataset": lambda _, lazy: DataSource("master_data", name="e").add_table("t", lazy),
}
CUT = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND state = 'active' AND query LIKE 'COPY%'
"""


@pytest.mark.parametrize("reading_it", READ)
def test_a_connection_that_is_cut_is_said_with_the_table(
    new_manager, dataset, empty_postgresql, reading_it
) -> None:
    manager = new_manager(empty_postgresql)
    frame = pl.select(id=pl.int_range(300_000)).with_columns(text=pl.col("id").cast(pl.String))
    manager.add_data_source(dataset("d", {"t": frame}))
    lazy = manager.scan_table("d", "t")
    has_ended = threading.Event()

    def cut() -> None:
        with psycopg.connect(empty_postgresql, autocommit=True) as connection:
            while not has_ended.wait(0.001):
                connection.execute(CUT)

    def read_until_it_is_cut() -> None:
        for _ in range(100):
            READ[reading_it](manager, lazy)

    cutter = threading.Thread(target=cut)
    cutter.start()
    try:
        with pytest.raises(StoreError, match="while reading table 't' of dataset 'd': ") as caught:
            read_until_it_is_cut()
    finally:
        has_ended.set()
        cutter.join()
    assert str(caught.value).count("failed while") == 1
    assert_frame_equal(lazy.collect(), frame)


@pytest.mark.parametrize("reading_it", READ)
def test_a_file_that_was_cut_off_is_said_with_the_table(
    new_manager, dataset, path, reading_it
) -> None:
    manager = new_manager()
    frame = pl.select(id=pl.int_range(300_000)).with_columns(text=pl.col("id").cast(pl.String))
    manager.add_data_source(dataset("d", {"t": frame}))
    lazy = manager.scan_table("d", "t")
    manager.close()
    os.truncate(path, path.stat().st_size * 2 // 3)
    with pytest.raises(DamagedStoreError, match=r"dataset 'd'|holds 't', is"):
        READ[reading_it](manager, lazy)


@pytest.mark.parametrize(
    ("height", "fewest", "rows"),
    [(60_000, 40_000, 30_000), (1_000_000, 40_000, 40_000), (6_400_000, 40_000, 200_000)],
)
def test_what_is_read_at_once_is_little_beside_the_table(height, fewest, rows) -> None:
    readers = reading.Readers(create_engine("sqlite://"), lambda _: True)
    readers.connections = 2
    assert readers.rows_per_read(height, fewest) == rows
