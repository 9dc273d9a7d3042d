"""The table of jobs: made where it is missing, checked where it is there, readable by all."""

from __future__ import annotations

import polars as pl
import pytest
from sqlalchemy import exc

from algomancy_data.database.models import jobs_table
from algomancy_data.errors import DamagedStoreError, SchemaDriftError
from algomancy_data.store import Attempt, Outcome

ATTEMPT = Attempt("b", "key", "d", "replace", "host/1")


@pytest.fixture
def old(new_manager, dataset, path, outside):
    """A database as an earlier version left it, without the table."""
    manager = new_manager()
    manager.add_data_source(dataset("d", tables={"t": pl.DataFrame({"x": [1]})}))
    manager.close()
    outside(path, "DROP TABLE algomancy_jobs")
    return path


def test_an_old_database_gets_the_table(old, new_manager, outside):
    manager = new_manager()
    assert manager.store.history.attempts() == []
    manager.store.history.begin(ATTEMPT)
    manager.close()
    assert outside(old, "SELECT job, number, outcome FROM algomancy_jobs") == [
        ["key", 1, "running"]
    ]
    assert outside(old, "SELECT name FROM sqlite_master WHERE name = 'algomancy_jobs_done'")


def test_a_table_of_another_form_is_drift(old, new_manager, outside):
    outside(old, "CREATE TABLE algomancy_jobs (session_id TEXT, job TEXT)")
    said = "'algomancy_jobs'.*column 'number' is missing; column 'batch' is missing; "
    with pytest.raises(SchemaDriftError, match=said):
        new_manager()


def test_two_attempts_of_one_batch_cannot_both_be_done(manager):
    for _ in range(2):
        manager.store.history.begin(ATTEMPT)
    with pytest.raises(exc.IntegrityError), manager.engine.begin() as connection:
        connection.execute(jobs_table.update().values(outcome="done"))


def test_sessions_see_their_own_jobs(new_manager):
    new_manager().store.history.begin(ATTEMPT)
    assert new_manager(session="other").store.history.attempts() == []


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("details = '{'", "it is no JSON"),
        ("details = '[]'", r"'details' is \[\] instead of an object"),
        ("number = 'x'", "'number' is 'x' instead of a whole number"),
        ("started_at = 'inf'", "'inf'"),
        ("finished_at = 5", "'5'"),
        ("worker = x'ff'", "'worker'"),
    ],
)
def test_a_damaged_row_is_named(new_manager, path, outside, damage, said):
    manager = new_manager()
    manager.store.history.begin(ATTEMPT)
    manager.close()
    outside(path, f"UPDATE algomancy_jobs SET {damage}")
    with pytest.raises(DamagedStoreError, match=f"'algomancy_jobs' is damaged: .*{said}"):
        new_manager().store.history.attempts()


def test_outcomes_are_words_of_the_table(new_manager):
    history = new_manager().store.history
    for outcome in Outcome:
        history.end(history.begin(ATTEMPT).ended(outcome))
        if outcome == Outcome.DONE:
            break
    assert [one.outcome for one in history.attempts()] == [Outcome.RUNNING, Outcome.DONE]
    assert jobs_table.c.outcome.type.python_type is str
