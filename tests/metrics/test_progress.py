"""How far a long phase is, as a listener hears it."""

from __future__ import annotations

import base64
import gzip
import subprocess
import sys
import threading

import polars as pl
import pytest

from algomancy_data import CSVFile, DataSource, recording
from algomancy_data.database.postgresql.bulk import PostgreSQLBulk
from algomancy_data.database.sqlite.bulk import SQLiteBulk
from algomancy_data.errors import AlgomancyDataError
from algomancy_data.testing.workloads import frames, orders, write_csv

ROWS = 120_000


class TwoMethods:
    """A listener as those of earlier versions are."""

    def __init__(self):
        self.heard = []

    def phase_started(self, phase):
        self.heard.append(phase)

    def phase_finished(self, metrics):
        self.heard.append(metrics)


@pytest.fixture
def large():
    source = DataSource("master_data", name="a")
    source.add_table("t", pl.DataFrame({"x": range(ROWS)}))
    source.add_table("none", pl.DataFrame(height=7))
    return source


def test_a_persist_and_a_read_tell_of_their_rows(open_manager, store, listener, large, monkeypatch):
    for kind in (PostgreSQLBulk, SQLiteBulk):
        monkeypatch.setattr(kind, "rows_per_write", 50_000)
    manager = open_manager(progress=listener)
    manager.startup()
    manager.add_data_source(large)
    manager.refresh()
    manager.get_data("a")
    total = ROWS + 7
    batches = [50_000, 100_000, ROWS, total]
    expected = {"memory": [], "folder": [ROWS, total]}.get(store, batches)
    assert listener.steps("persist") == [(done, total) for done in expected]
    read = listener.steps("read")
    done = [step[0] for step in read]
    assert done == sorted(set(done))
    assert read[-1:] == ([] if store == "memory" else [(total, total)])


def test_a_copy_in_the_store_tells_of_its_tables(open_manager, store, listener, large):
    manager = open_manager(progress=listener)
    manager.startup()
    manager.add_data_source(large)
    manager.derive_data("a", "b")
    assert ("finished", "derive", ROWS + 7) in listener.heard
    copied = store in {"sqlite", "postgresql"}  # the others share what there is
    assert [step[0] for step in listener.steps("derive")] == [ROWS, ROWS + 7] * copied


@pytest.mark.parametrize("store", ["memory"], indirect=True)  # it is the same for all
def test_an_extraction_tells_of_each_file_and_part(open_manager, listener, tmp_path):
    tables = frames(1_000)
    paths = write_csv({"customers": tables["customers"]}, tmp_path)
    parts = tmp_path / "orders"
    parts.mkdir()
    for number, part in enumerate(tables["orders"].iter_slices(400)):
        write_csv({f"part-{number}": part}, parts)
    files = {
        "orders": CSVFile("orders", path=parts),
        "customers": CSVFile("customers", path=paths["customers"]),
    }
    result = open_manager(progress=listener).etl_data(files, "d")
    assert result.is_success, result.messages
    assert listener.steps("extract") == [(n, None) for n in (400, 800, 1_000, 1_100)]


def test_a_listener_with_the_two_methods_of_old_works_as_it_did(open_manager, source):
    listener = TwoMethods()
    manager = open_manager(progress=listener)
    manager.startup()
    manager.add_data_source(source)
    assert listener.heard[0] == "startup"
    assert [getattr(one, "phase", one) for one in listener.heard[2:]] == ["persist", "persist"]


def test_a_recording_tells_its_listener_of_every_manager(open_manager, listener, source):
    manager = open_manager()
    with recording(progress=listener):
        manager.startup()
        manager.add_data_source(source)
    assert [one[:2] for one in listener.heard if one[0] != "progressed"] == [
        *(("started", "startup"), ("finished", "startup")),
        *(("started", "persist"), ("finished", "persist")),
    ]


def test_a_listener_of_manager_and_recording_hears_things_once(open_manager, listener, source):
    manager = open_manager(progress=listener)
    with recording(progress=listener):
        manager.startup()
    assert listener.heard == [("started", "startup"), ("finished", "startup", 0)]


class CancelledByUserError(Exception):
    pass


class Cancelling(TwoMethods):
    def progressed(self, phase, done_rows, total_rows):
        if phase == "persist" and done_rows > 0:
            raise CancelledByUserError


@pytest.mark.parametrize("store", ["folder", "sqlite", "postgresql"], indirect=True)
def test_a_listener_that_raises_ends_the_write_and_the_store_is_as_it_was(
    open_manager, large, source
):
    manager = open_manager()
    manager.startup()
    manager.add_data_source(source)
    with pytest.raises(CancelledByUserError), recording(progress=Cancelling()):
        manager.set_data("a", large)
    other = open_manager()
    other.startup()
    assert other.get_data("a").list_tables() == ["numbers", "texts"]
    assert manager.get_data("a").list_tables() == ["numbers", "texts"]
    manager.set_data("a", large)
    assert manager.get_data("a").list_tables() == ["t", "none"]


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_listener_hears_in_the_thread_of_the_call_though_others_read(
    open_manager, large, listener
):
    threads = set()

    class Where(type(listener)):
        def progressed(self, phase, done_rows, total_rows):
            threads.add(threading.get_ident())
            super().progressed(phase, done_rows, total_rows)

    large.add_table("more", pl.DataFrame({"x": range(600_000)}))
    heard = Where()
    manager = open_manager(progress=heard)
    manager.startup()
    manager.add_data_source(large)
    manager.refresh()
    manager.get_data("a")
    assert threads == {threading.get_ident()}
    assert heard.steps("read")[-1] == (ROWS + 7 + 600_000,) * 2


def test_the_size_of_a_compressed_upload_is_that_of_what_was_sent(tmp_path):
    for rows in range(1, 8):  # every padding
        path = write_csv({"orders": orders(rows)}, tmp_path)["orders"]
        stored = gzip.compress(path.read_bytes(), mtime=0)
        content = f"data:text/csv;base64,{base64.b64encode(stored).decode()}"
        assert CSVFile("orders", content=content).stored_bytes() == len(stored)


def test_the_peak_is_that_of_the_process_and_not_of_the_one_that_started_it():
    """A large parent's peak stays in what getrusage tells its child."""
    child = (
        "from algomancy_data.metrics import peak_memory; import resource; "
        "print(peak_memory(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024);"
        "data = bytearray(200_000_000); data[::4096] = bytes(len(data[::4096])); "
        "print(peak_memory())"
    )
    parent = (
        "import subprocess, sys; data = bytearray(250_000_000); "
        "data[::4096] = bytes(len(data[::4096])); "
        f"subprocess.run([sys.executable, '-c', {child!r}], check=True)"
    )
    done = subprocess.run(
        [sys.executable, "-c", parent], capture_output=True, text=True, check=True
    )
    own, inherited, large = map(int, done.stdout.split())
    assert own < 200_000_000 < inherited
    assert large > own + 150_000_000


def test_an_error_of_the_package_is_what_an_unfinished_phase_leaves(open_manager, listener):
    manager = open_manager(progress=listener)
    manager.startup()
    with pytest.raises(AlgomancyDataError):
        manager.delete_data("missing")
    assert listener.heard[2:] == [("started", "delete")]
