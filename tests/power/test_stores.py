"""Whatever a power failure leaves of a store is the old state or the new one, and opens."""

from __future__ import annotations

import pytest

from tests.power.recording import preloaded
from tests.power.trial import PowerTrial, home_in_memory
from tests.soak.fork_server import ForkServer
from tests.soak.model import frame

pytestmark = pytest.mark.long


def operation(kind, version, rows=(0, 0), name="d", **more):
    return {"kind": kind, "name": name, "rows": [*rows, version], "version": version, **more}


# The least that has every case: a first file, a part of its own, parts that are written again.
OPERATIONS = [
    operation("add", 1, (0, 60)),
    operation("add", 2, (0, 50)),
    operation("append", 3, (50, 20)),
    operation("upsert", 4, (60, 20)),
    operation("delete rows", 5, (10, 20)),
    operation("derive", 6, to="d copy"),
    operation("etl upsert", 7, (3, 4)),
    operation("delete", 8),
    {"kind": "batch", "names": ["e", "f"], "rows": [0, 5, 9], "version": 9},
]


@pytest.fixture(scope="module")
def home():
    with home_in_memory() as path:
        yield path


@pytest.fixture(scope="module")
def forks(home):
    with ForkServer(home / "said", preloaded(home)) as forks:
        yield forks


@pytest.fixture
def trial(request, forks, home):
    store = getattr(request, "param", "folder")
    where = home / request.node.name.replace("/", "-")
    return PowerTrial(forks, where, store, seed=1, most=10 if store == "folder" else 3)


def test_what_is_left_of_an_operation_is_the_old_state_or_the_new_one(trial):
    for one in OPERATIONS:
        trial.do(one)
    assert trial.problems == []
    assert trial.tried > trial.calls > 200


@pytest.mark.parametrize("trial", ["SQLite"], indirect=True)
def test_what_is_left_of_a_sqlite_file_is_the_old_state_or_the_new_one(trial):
    for one in OPERATIONS[:2]:
        trial.do(one)
    assert trial.problems == []
    assert trial.tried > trial.calls > 40


def test_what_somebody_left_who_was_killed_is_cleared_when_nothing_refers_to_it_on_the_disk(trial):
    trial.prepare(OPERATIONS[0])
    trial.do_after_kills(OPERATIONS[1], lambda _: None)
    trial.do_after_kills(operation("delete", 3), lambda _: None)
    assert trial.problems == []


def test_a_folder_that_somebody_began_to_make_who_was_killed_lasts(trial):
    trial.do_after_kills(OPERATIONS[0], lambda _: OPERATIONS[1], lambda _: range(1, 7))
    assert trial.problems == []


def test_a_job_is_done_after_a_kill_only_if_its_dataset_is_on_the_disk(trial):
    trial.do_after_kills(OPERATIONS[-1] | {"names": ["e"]}, lambda _: OPERATIONS[0])
    assert trial.problems == []


def test_raw_files_never_come_back_in_place_of_a_dataset_that_is_deleted(trial):
    trial.prepare(OPERATIONS[0])
    raw = trial.root / "home" / "data" / "d"
    raw.mkdir()
    for table in ("customers", "orders"):
        frame(table, [[0, 3, 99]]).write_csv(raw / f"{table}.csv", separator=";")
    trial.do(operation("delete", 2))
    assert trial.problems == []


@pytest.mark.parametrize(
    "operation",
    [operation("add", 2, (0, 9)), operation("derive", 2, to="d copy"), operation("delete", 2)],
)
def test_what_a_failing_disk_made_an_operation_undo_is_the_old_state_or_the_new_one(
    trial, operation
):
    trial.prepare(OPERATIONS[0])
    assert trial.do_failing(operation) > 8
    assert trial.problems == []


def test_every_sync_that_is_forgotten_is_noticed(trial):
    trial.prepare(OPERATIONS[0])
    trial.do(OPERATIONS[1])
    assert trial.problems == []
    assert trial.noticed() == [True] * 6
