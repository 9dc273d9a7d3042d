"""A log is written to disk while it grows, and what fails there is left to SQLite."""

from __future__ import annotations

import os
import threading

import pytest

from algomancy_data.database.sqlite.log_sync import LogSync


@pytest.fixture
def synced(monkeypatch):
    """Inodes of the files that were synced."""
    done = []
    sync = os.fdatasync

    def spy(descriptor):
        sync(descriptor)
        done.append(os.fstat(descriptor).st_ino)

    monkeypatch.setattr(os, "fdatasync", spy)
    return done


@pytest.mark.parametrize(("sizes", "times"), [([], 0), ([99], 0), ([60, 39], 0), ([60, 40], 1)])
def test_it_is_written_as_soon_as_there_is_a_step_more(tmp_path, synced, sizes, times):
    log = tmp_path / "log"
    log.write_bytes(b"rows")
    sync = LogSync(str(log), step=100)
    for size in sizes:
        sync.note(size)
    sync.close()
    assert synced == [log.stat().st_ino] * times


def test_whoever_writes_never_waits_for_it(tmp_path, monkeypatch):
    log = tmp_path / "log"
    log.write_bytes(b"rows")
    go_on, calls = threading.Event(), []

    def slow(descriptor):
        calls.append(descriptor)
        assert go_on.wait(60)

    monkeypatch.setattr(os, "fdatasync", slow)
    sync = LogSync(str(log), step=1)
    for _ in range(5):
        sync.note(1)
    go_on.set()
    sync.close()
    assert len(calls) == 1


def test_what_fails_is_left_to_the_commit(tmp_path, monkeypatch):
    def fail(descriptor):
        raise OSError(descriptor)

    monkeypatch.setattr(os, "fdatasync", fail)
    (tmp_path / "log").write_bytes(b"rows")
    for name in ("log", "none"):
        sync = LogSync(str(tmp_path / name), step=1)
        sync.note(1)
        sync.close()
    assert not [thread for thread in threading.enumerate() if "data-log" in thread.name]
