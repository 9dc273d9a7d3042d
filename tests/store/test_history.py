"""Every store keeps what became of jobs, and a job that is done together with its dataset."""

from __future__ import annotations

import stat
import uuid
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from algomancy_data import DataSource
from algomancy_data.database import DatabaseStore
from algomancy_data.errors import (
    DamagedStoreError,
    JobDoneError,
    SerializationError,
    UnstorableError,
)
from algomancy_data.folder import FolderStore
from algomancy_data.metrics import PhaseMetrics
from algomancy_data.provenance import InputFile
from algomancy_data.store import Addition, Attempt, MemoryStore, Outcome

BEGUN = Attempt(
    "night 1", "key", "d", "replace", "host/1", files=(InputFile("t", "csv", "t.csv", 3, "ab"),)
)


@pytest.fixture(params=["memory", "folder", "sqlite", "postgresql"])
def open_store(request, tmp_path):
    """Open the one store again and again, as other processes would."""
    opened = []
    kind, session = request.param, f"s{uuid.uuid4().hex}"
    memory = MemoryStore()

    def open_one():
        match kind:
            case "memory":
                return memory
            case "folder":
                store = FolderStore(tmp_path / "folder", DataSource)
            case "sqlite":
                store = DatabaseStore(f"sqlite:///{tmp_path / 'data.db'}", session)
            case _:
                store = DatabaseStore(request.getfixturevalue("postgresql"), session)
        store.open()
        opened.append(store)
        return store

    yield open_one
    for store in opened:
        store.close()


def source(rows=1):
    made = DataSource("master_data", name="d")
    made.add_table("t", pl.DataFrame({"x": range(rows)}))
    return made


def done(attempt, **what):
    return attempt.ended(
        Outcome.DONE,
        rows={"t": 1},
        findings={"ERROR": 2},
        phases=(PhaseMetrics("extract", 0.5, 1),),
        **what,
    )


def test_an_attempt_is_kept_from_its_beginning_to_its_end(open_store):
    history = open_store().history
    assert history.attempts() == []
    first = history.begin(BEGUN)
    assert (first.number, first.outcome) == (1, Outcome.RUNNING)
    assert open_store().history.attempts() == [first]
    refused = first.ended(Outcome.REFUSED, error="no number", findings={"ERROR": 1})
    history.end(refused)
    second = history.begin(replace(BEGUN, batch="night 2"))
    other = history.begin(replace(BEGUN, job="other key"))
    assert (second.number, other.number) == (2, 1)
    found = open_store().history
    assert found.attempts() == [refused, second, other]
    assert found.attempts(job="key") == [refused, second]
    assert found.attempts(batch="night 1") == [refused, other]
    assert found.attempts(batch="night 1", job="key") == [refused]
    assert found.attempts(job="key")[0].seconds == refused.seconds


def test_a_job_is_done_together_with_its_dataset(open_store):
    store = open_store()
    attempt = store.history.begin(BEGUN)
    data = source()
    finished = done(attempt, dataset_id=data.id)
    with store.history.finishing(finished):
        store.save("d", data)
    again = open_store()
    assert again.names() == ["d"]
    assert again.history.attempts() == [finished]
    assert again.history.attempts()[0].dataset_id == again.describe("d").ds_id
    again.history.end(attempt.ended(Outcome.LOST))  # too late
    assert again.history.attempts() == [finished]


def test_rows_that_are_added_say_so_in_the_same_transaction(open_store):
    store = open_store()
    for number in (1, 2):
        attempt = store.history.begin(replace(BEGUN, mode="append", job=f"key {number}"))
        with store.history.finishing(done(attempt, dataset_id=source().id)):
            store.add("d", source(number), Addition())
    again = open_store()
    assert again.describe("d").rows == 3
    assert [one.outcome for one in again.history.attempts()] == [Outcome.DONE] * 2
    if again.history.is_shared:  # the store knows which dataset the rows are in
        assert {one.dataset_id for one in again.history.attempts()} == {again.describe("d").ds_id}


def test_a_dataset_that_is_not_written_is_not_done(open_store):
    store = open_store()
    attempt = store.history.begin(BEGUN)
    bad = DataSource("master_data", name="d")
    bad.tables = {"t": pl.DataFrame({"x": [object()]})}
    if store.history.is_shared:
        with pytest.raises(UnstorableError), store.history.finishing(done(attempt)):
            store.save("d", bad)
    else:
        with pytest.raises(RuntimeError), store.history.finishing(done(attempt)):
            raise RuntimeError
    assert open_store().names() == []
    assert open_store().history.attempts() == [attempt]
    store.save("d", source())  # and what comes after has nothing to do with it
    assert open_store().history.attempts() == [attempt]


def test_of_two_that_do_a_job_at_once_the_second_changes_nothing(open_store):
    one, two = open_store(), open_store()
    first, second = one.history.begin(BEGUN), two.history.begin(replace(BEGUN, worker="host/2"))
    with one.history.finishing(done(first)):
        one.save("d", source(1))
    version = one.version("d")
    with pytest.raises(JobDoneError, match="done by host/1"), two.history.finishing(done(second)):
        two.save("d", source(2))
    assert open_store().describe("d").rows == 1
    assert open_store().version("d") == version
    third = one.history.begin(replace(BEGUN, batch="night 2", done_before=1))
    with one.history.finishing(done(third)):
        one.save("d", source(3))
    assert open_store().describe("d").rows == 3


@pytest.mark.parametrize(
    "change",
    [{"outcome": "odd"}, {"started_at": "noon"}, {"number": -1}, {"rows": {"t": "x"}}, {"job": 7}],
    ids=str,
)
def test_what_is_no_attempt_is_refused(change):
    with pytest.raises(SerializationError):
        Attempt.from_dict({**BEGUN.to_dict(), **change})


@pytest.fixture
def folder(tmp_path):
    def open_one():
        store = FolderStore(tmp_path, DataSource)
        store.open()
        return store

    return open_one


def journal(folder):
    return Path(folder.location.removeprefix("in ").strip("'")) / "algomancy_jobs.jsonl"


@pytest.mark.parametrize("appeared", [True, False])
def test_a_crash_beside_the_moment_a_version_appears_is_settled(folder, appeared):
    store = folder()
    attempt = store.history.begin(BEGUN)
    finished = done(attempt)
    with store.history.finishing(finished):
        store.save("d", source(1))
    lines = journal(store).read_bytes().splitlines(keepends=True)
    assert len(lines) == 3  # begun, about to appear, appeared
    if not appeared:
        lines[1] = lines[1].replace(store.version("d").split()[0].encode(), b"another")
    journal(store).write_bytes(b"".join(lines[:2]))
    if appeared:
        assert folder().history.attempts()[0].outcome == Outcome.DONE
        assert len(journal(store).read_bytes().splitlines()) == 3
    else:  # whoever writes next settles it, before the evidence is gone
        folder().save("d", source(2))
        assert folder().history.attempts()[0].outcome == Outcome.LOST


@pytest.mark.parametrize("left", [b'{"batch": "night', bytes(9), bytes(9) + b'ht 1"}\n'])
def test_a_line_that_a_crash_left_in_part_is_as_if_it_had_not_been_written(folder, left):
    store = folder()
    first = store.history.begin(BEGUN)
    with journal(store).open("ab") as stream:
        stream.write(left)
    assert folder().history.attempts() == [first]
    second = folder().history.begin(BEGUN)
    assert folder().history.attempts() == [first, second]
    assert store.names() == []
    assert store.startup_errors == []


@pytest.mark.parametrize("damage", [b"{}\n", bytes(9) + b"\n{}\n"])
def test_a_line_that_is_no_attempt_is_damage_that_says_what_to_do(folder, damage):
    store = folder()
    store.history.begin(BEGUN)
    assert stat.S_IMODE(journal(store).stat().st_mode) & 0o111 == 0
    with journal(store).open("ab") as stream:
        stream.write(damage)
    with pytest.raises(DamagedStoreError, match="delete it: then it is not known which jobs were"):
        folder().history.attempts()
