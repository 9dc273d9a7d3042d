"""What a recording hears of what is done to each store."""

from __future__ import annotations

import asyncio
import contextvars
import json
import threading

import pytest

from algomancy_data import (
    CSVFile,
    DataSource,
    Metrics,
    SimpleETLFactory,
    StatelessDataManager,
    recording,
)
from algomancy_data.datamanager import export_dataset, migrate
from algomancy_data.metrics import PhaseRecorder
from algomancy_data.store import Store
from algomancy_data.testing.workloads import frames, write_csv

BYTES = 3 * 8  # of the numbers


def phases(record):
    return [(one.phase, one.dataset, one.rows) for one in record.metrics]


def test_every_write_and_read_of_a_store_is_recorded_once(open_manager, store, source):
    with recording() as record:
        manager = open_manager()
        manager.startup()
        manager.add_data_source(source)
        manager.derive_data("a", "b")
        manager.refresh()
        manager.get_data("a")
        manager.get_data("a")
        manager.delete_data("b")
    reads = [] if store == "memory" else [("read", "a", 5)]  # memory has nothing to read
    assert phases(record) == [
        ("startup", None, 0),
        ("persist", "a", 5),
        ("derive", "b", 5),
        *reads,
        ("delete", "b", 0),
    ]


def test_bytes_are_those_of_the_frames_and_of_the_files(open_manager, store, source, tmp_path):
    size = sum(frame.estimated_size() for frame in source.tables.values())
    manager = open_manager()
    manager.startup()
    with recording() as record:
        manager.add_data_source(source)
        manager.refresh()
        manager.get_data("a")
    by_phase = record.metrics.by_phase()
    persist = by_phase["persist"]
    assert persist.bytes_in == size
    assert [one.bytes_out for one in record.metrics if one.phase == "read"] in ([], [size])
    if store != "folder":
        assert persist.bytes_out is None  # a database does not say cheaply
        return
    files = [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    sizes = {path.name: path.stat().st_size for path in files}
    assert persist.bytes_out == sizes["a.json"] + sizes["0.arrow"] + sizes["1.arrow"]
    assert by_phase["read"].bytes_in == sizes["0.arrow"] + sizes["1.arrow"]


@pytest.mark.parametrize("store", ["sqlite", "postgresql"], indirect=True)
def test_a_part_of_a_table_is_a_read_of_its_own(open_manager, source):
    manager = open_manager()
    manager.startup()
    manager.add_data_source(source)
    with recording() as record:
        manager.get_table("a", "numbers", ["x"])
    (read,) = record.metrics
    assert (read.phase, read.dataset, read.rows, read.bytes_out) == ("read", "a", 3, BYTES)


def test_an_etl_is_recorded_with_the_metrics_of_its_result(open_manager, tmp_path):
    manager = open_manager()
    manager.startup()
    tables = frames(100)
    paths = write_csv(tables, tmp_path)
    files = manager.prepare_files(file_items_with_path=[(n, str(p)) for n, p in paths.items()])
    with recording() as record:
        result = manager.etl_data(files, "d")
    assert result.is_success, result.messages
    assert record.metrics == result.metrics
    assert [one.phase for one in result.metrics] == [
        *("extract", "validate", "transform", "load", "persist")
    ]
    size = sum(frame.estimated_size() for frame in result.datasource.tables.values())
    extract, *others = result.metrics
    assert extract.bytes_in == sum(path.stat().st_size for path in paths.values())
    assert extract.bytes_out == size
    assert [one.bytes_in for one in others] == [size] * 4
    assert {(one.rows, one.dataset) for one in result.metrics} == {(110, "d")}
    document = json.loads(json.dumps(result.metrics.to_dict()))
    assert Metrics.from_dict(document) == result.metrics
    assert manager.get_data("d").provenance.phases == result.metrics[:4]


@pytest.mark.parametrize("store", ["folder", "sqlite", "postgresql"], indirect=True)
def test_a_migration_is_recorded_as_the_reads_and_writes_that_it_is_made_of(open_manager, source):
    old = open_manager()
    old.startup()
    old.add_data_source(source)
    old.refresh()
    new = StatelessDataManager(SimpleETLFactory, [], "json", DataSource)
    with recording() as record:
        assert migrate(old, new).copied == ("a",)
    assert phases(record) == [("read", "a", 5), ("persist", "a", 5)]


@pytest.mark.parametrize("target", ["a", "a.zip"])
def test_an_export_is_recorded_with_the_bytes_that_it_wrote(source, tmp_path, target):
    with recording() as record:
        path = export_dataset(source, tmp_path / target)
    (export,) = record.metrics
    written = [path] if path.is_file() else list(path.iterdir())
    assert export.bytes_out == sum(file.stat().st_size for file in written)
    assert (export.phase, export.dataset, export.rows) == ("export", "a", 5)


@pytest.mark.parametrize("store", ["memory"], indirect=True)
class TestBlocks:
    @pytest.fixture
    def manager(self, open_manager):
        return open_manager()

    def test_what_fails_is_not_recorded(self, manager):
        with recording() as record:
            with pytest.raises(AssertionError):
                manager.delete_data("missing")
            with pytest.raises(AssertionError):
                manager.derive_data("missing", "b")
        assert record.metrics == ()

    def test_a_recording_inside_another_one_is_part_of_it(self, manager, source):
        with recording() as outer:
            with recording() as inner:
                manager.add_data_source(source)
            manager.delete_data("a")
        assert [one.phase for one in inner.metrics] == ["persist"]
        assert [one.phase for one in outer.metrics] == ["persist", "delete"]

    def test_what_comes_after_the_block_is_not_recorded(self, manager, source):
        with pytest.raises(ZeroDivisionError), recording() as record:
            raise ZeroDivisionError
        manager.add_data_source(source)
        assert record.metrics == ()

    def test_threads_record_each_for_themselves(self, manager, source):
        others = []

        def work(number):
            with recording() as record:
                manager.set_data(str(number), source)
            others.append([one.dataset for one in record.metrics])

        with recording() as record:
            threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
            # Later Pythons may hand a thread the context of the one that starts it.
            started = [contextvars.Context().run(thread.start) for thread in threads]
            for thread in threads:
                thread.join()
        assert started == [None] * 8
        assert sorted(others) == [[str(number)] for number in range(8)]
        assert record.metrics == ()

    def test_a_thread_that_runs_in_a_copy_of_the_context_is_recorded(self, manager, source):
        with recording() as record:
            context = contextvars.copy_context()
            thread = threading.Thread(target=context.run, args=(manager.add_data_source, source))
            thread.start()
            thread.join()
        assert phases(record) == [("persist", "a", 5)]

    def test_work_of_an_asyncio_task_is_recorded(self, manager, source):
        async def work():
            with recording() as record:
                await asyncio.to_thread(manager.add_data_source, source)
            return record

        assert phases(asyncio.run(work())) == [("persist", "a", 5)]


@pytest.mark.parametrize("store", ["folder"], indirect=True)
def test_the_etl_of_raw_files_is_part_of_the_startup(open_manager, tmp_path, listener):
    (tmp_path / "store" / "raw").mkdir(parents=True)
    write_csv(frames(100), tmp_path / "store" / "raw")
    manager = open_manager(progress=listener)
    with recording() as record:
        manager.startup()
    assert manager.get_data_keys() == ["raw"]
    assert phases(record) == [("startup", None, 110)]
    assert listener.heard == [
        ("started", "startup"),
        ("progressed", "startup", 110, None),
        ("finished", "startup", 110),
    ]


@pytest.mark.parametrize("store", ["folder"], indirect=True)
def test_a_file_of_the_pandas_package_is_a_read(open_manager, source, tmp_path):
    (tmp_path / "store").mkdir()
    path = tmp_path / "store" / "old.json"
    path.write_text(source.to_json())
    manager = open_manager()
    with recording() as record:
        manager.load_data_from_file("old.json")
    (read,) = record.metrics
    assert (read.phase, read.rows, read.bytes_in) == ("read", 5, path.stat().st_size)


@pytest.mark.parametrize("store", ["folder"], indirect=True)
def test_a_startup_counts_the_rows_of_every_file_that_it_reads(open_manager, source, tmp_path):
    (tmp_path / "store").mkdir()
    for name in ("a", "b"):
        (tmp_path / "store" / f"{name}.json").write_text(source.derive(name).to_json())
    manager = open_manager()
    with recording() as record:
        manager.startup()
    assert manager.get_data_keys() == ["a", "b"]
    assert phases(record) == [("startup", None, 10)]


def test_a_copy_that_is_read_and_written_counts_what_is_written(open_manager, source, listener):
    """As a store does it that cannot copy inside itself."""
    manager = open_manager()
    manager.startup()
    manager.add_data_source(source)
    with PhaseRecorder(listener).phase("derive") as phase:
        Store.copy(manager.store, "a", "b", "id", DataSource, phase=phase)
    told = [one for one in listener.heard if one[0] == "progressed"]
    assert all(done <= total == 5 for _, _, done, total in told)
    assert listener.heard[-1] == ("finished", "derive", 5)


def test_a_file_that_cannot_be_measured_makes_the_sum_unknown(tmp_path):
    paths = write_csv(frames(10), tmp_path)
    file = CSVFile("orders", path=paths["orders"])
    assert file.stored_bytes() == paths["orders"].stat().st_size
    paths["orders"].unlink()
    assert file.stored_bytes() is None
    assert CSVFile("orders", path="s3://bucket/orders.csv").stored_bytes() is None
