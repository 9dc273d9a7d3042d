"""Each job is done exactly once, whatever happens to the others, and to those who do it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import urlsplit

import psycopg
import pytest

from algomancy_data.batch import Job, Outcome, run_batch
from algomancy_data.errors import BatchError, ExecutorError

STORES = ["sqlite", "folder", "postgresql"]


def amounts(manager, dataset):
    return manager().get_table(dataset, "sales")["amount"].to_list()


@pytest.mark.parametrize("store", STORES, indirect=True)
def test_jobs_are_done_once_and_others_go_on(run, store, deliver):
    jobs = [
        deliver("delft", 1.5, 2.5),
        deliver("delft", 3.5, first=3, mode="append"),
        deliver("leiden", "x"),
        deliver("gouda", 4.5),
    ]
    first = run(*jobs)
    assert first.counts == {"done": 3, "refused": 1}, [job.error for job in first.jobs]
    assert [job.rows for job in first.jobs] == [2, 1, 0, 1]
    assert "'x'" in first.jobs[2].error
    assert (first.exit_code, first.rows) == (1, 4)
    assert amounts(store, "delft") == [1.5, 2.5, 3.5]
    before = store().describe("delft").version
    second = run(*jobs)
    assert second.counts == {"skipped": 3, "refused": 1}
    assert store().describe("delft").version == before
    history = store().store.history.attempts()
    assert sorted((one.dataset, str(one.outcome)) for one in history) == [
        ("delft", "done"),
        ("delft", "done"),
        ("gouda", "done"),
        ("leiden", "refused"),
        ("leiden", "refused"),
    ]
    assert all(one.finished_at is not None and one.files[0].sha256 for one in history)


def test_no_more_jobs_at_a_time_than_there_are_connections_for(
    run, deliver, empty_postgresql, monkeypatch
):
    url = urlsplit(empty_postgresql)
    role = url._replace(netloc="few@" + url.netloc.partition("@")[2]).geturl()
    with psycopg.connect(empty_postgresql, autocommit=True) as connection:
        connection.execute("CREATE ROLE few LOGIN CONNECTION LIMIT 4")
        connection.execute("GRANT ALL ON SCHEMA public TO few")
    monkeypatch.setenv("NIGHT_STORE", role)
    monkeypatch.setenv("NIGHT_PAUSE", "0.05")
    jobs = [deliver(f"d{number}", number) for number in range(6)]
    assert run(*jobs, workers=6).counts == {"done": 6}
    with psycopg.connect(empty_postgresql, autocommit=True) as connection:
        spans = connection.execute("SELECT started_at, finished_at FROM algomancy_jobs").fetchall()
        connection.execute("DROP OWNED BY few")
        connection.execute("DROP ROLE few")
    together = [sum(begin <= at < end for begin, end in spans) for at, _ in spans]
    assert (len(spans), max(together)) == (6, 2)


def test_a_dataset_that_was_replaced_or_deleted_is_loaded_again(run, store, deliver):
    old, new = deliver("delft", 1), deliver("delft", 2)
    more = deliver("delft", 3, first=2, mode="append")
    assert run(old, more).done == 2
    assert run(new).done == 1
    assert amounts(store, "delft") == [2]
    assert run(old, more).done == 2  # the delivery of the day before comes back
    assert amounts(store, "delft") == [1, 3]
    store().delete_data("delft")
    assert run(old).done == 1


def test_within_a_batch_a_job_is_never_done_twice(run, store, deliver):
    old, new = deliver("delft", 1), deliver("delft", 2)
    first = run(old, new, batch="night")
    assert first.done == 2
    again = run(old, new, batch="night")  # as a second coordinator, or Dask, would
    assert again.counts == {"done": 2}
    assert amounts(store, "delft") == [2]
    assert len(store().store.history.attempts()) == 2


def test_a_job_that_is_given_twice_is_done_once(run, store, deliver):
    job = deliver("delft", 1, 2)
    result = run(job, job, deliver("gouda", 3), job)
    assert [one.outcome for one in result.jobs] == ["done", "skipped", "done", "skipped"]
    assert sum(one.rows for one in result.jobs) == 3
    assert len(store().store.history.attempts()) == 2


def test_another_version_of_a_job_is_another_job(run, deliver):
    job = deliver("delft", 1)
    assert run(job).done == 1
    assert run(job).skipped == 1
    assert run(replace(job, version="2")).done == 1
    assert run(replace(job, mode="upsert")).done == 1


def test_what_lies_elsewhere_but_is_the_same_is_not_loaded_again(run, deliver):
    assert run(deliver("delft", 1)).done == 1
    assert run(deliver("delft", 1)).skipped == 1


def test_what_is_away_for_a_moment_is_tried_again(run, night, deliver, store):
    result = run(deliver("delft", night.BE_AWAY))
    assert (result.done, result.jobs[0].attempts) == (1, 2)
    outcomes = [str(one.outcome) for one in store().store.history.attempts()]
    assert outcomes == ["failed", "done"]


def test_what_raises_has_failed_and_says_why(run, night, deliver):
    result = run(deliver("delft", night.BREAK), deliver("gouda", 1))
    assert result.counts == {"done": 1, "failed": 1}
    error = result.jobs[0].error
    assert error.startswith("ZeroDivisionError: by hand. Raised by transform() of the transformer")
    assert error.endswith("night.py:37), which had 'sales'.")
    assert result.exit_code == 4
    assert not result.jobs[0].is_temporary


def test_a_file_that_is_not_there_is_refused(run, tmp_path):
    result = run(Job("delft", {"sales": tmp_path / "none.csv"}))
    assert result.refused == 1
    assert "there is no file" in result.jobs[0].error


def test_a_file_that_the_dataset_has_is_refused_or_skipped(run, store, deliver):
    job = deliver("delft", 1, mode="append")
    manager = store()
    files = manager.prepare_files(file_items_with_path=job.paths)
    assert manager.etl_data(files, "delft").is_success
    refused = run(job)
    assert refused.refused == 1
    assert "was loaded into data 'delft'" in refused.jobs[0].error
    skipped = run(replace(job, repeated="skip"))
    assert (skipped.done, skipped.rows) == (1, 0), skipped.jobs
    assert run(replace(job, repeated="skip")).skipped == 1
    assert amounts(store, "delft") == [1]


@pytest.mark.parametrize("mode", ["replace", "upsert"])
def test_no_job_follows_one_that_was_to_replace_rows_and_did_not(run, store, night, deliver, mode):
    away = deliver("delft", night.BE_AWAY, mode=mode)
    more = deliver("delft", 5, first=2, mode="append")
    first = run(away, more, tries=1)
    assert first.counts == {"failed": 2}
    assert first.jobs[1].error.startswith("Not tried: an earlier job")
    assert run(away, more, resume=True, retry_failed=True).done == 2
    assert amounts(store, "delft") == [night.BE_AWAY, 5]


def test_rows_are_added_although_others_were_refused(run, store, deliver):
    bad, good = deliver("delft", "x", mode="append"), deliver("delft", 1, mode="append")
    assert run(bad, good).counts == {"done": 1, "refused": 1}
    assert amounts(store, "delft") == [1]


def test_resume_goes_on_and_retry_failed_tries_again(run, deliver, store):
    bad, good = deliver("leiden", "x"), deliver("gouda", 1)
    first = run(bad)
    resumed = run(bad, good, resume=True)
    assert resumed.batch == first.batch
    assert resumed.counts == {"done": 1, "refused": 1}
    assert len(store().store.history.attempts()) == 2
    assert run(bad, good, resume=True, retry_failed=True).refused == 1
    assert len(store().store.history.attempts()) == 3


@pytest.mark.parametrize("store", ["memory"], indirect=True)
def test_a_store_in_memory_is_for_threads_only(run, night, deliver):
    assert run(deliver("delft", 1)).done == 1
    with pytest.raises(BatchError, match="not one that several processes share"):
        run_batch([deliver("delft", 1)], night.make_manager)


def test_no_jobs_are_a_batch(run):
    result = run()
    assert (result.counts, result.exit_code) == ({}, 0)


@pytest.mark.parametrize(
    ("options", "said"),
    [({"executor": 7}, "is no executor"), ({"workers": 0, "executor": None}, "1 or more")],
)
def test_what_cannot_do_jobs_is_refused(run, deliver, options, said):
    with pytest.raises(ExecutorError, match=said):
        run(deliver("delft", 1), **options)


def test_progress_is_told_of_each_job(run, deliver):
    class Listener:
        def __init__(self):
            self.heard = []

        def job_finished(self, result, finished, total):
            self.heard.append((result.job.dataset, finished, total))

    listener = Listener()
    run(deliver("delft", 1), deliver("delft", 2), progress=listener)
    assert listener.heard == [("delft", 1, 2), ("delft", 2, 2)]


def test_attempts_that_are_left_running_are_known(run, store, deliver):
    history = store().store.history
    run(deliver("delft", 1), batch="night")
    attempt = replace(history.attempts()[0], job="other")
    history.begin(replace(attempt, outcome=Outcome.RUNNING, finished_at=None))
    run(deliver("gouda", 1), batch="night", resume=True)
    assert {str(one.outcome) for one in history.attempts()} == {"done", "stopped"}


@pytest.mark.parametrize("store", ["sqlite", "folder"], indirect=True)
def test_two_coordinators_of_one_batch_do_no_harm(run, store, deliver):
    jobs = [
        deliver(f"d{number % 3}", number, first=number, mode="append") for number in range(1, 13)
    ]
    with ThreadPoolExecutor(2) as coordinators:
        both = list(coordinators.map(lambda _: run(*jobs, batch="night"), range(2)))
    assert [result.counts for result in both] == [{"done": 12}] * 2
    assert [amounts(store, f"d{place}") for place in range(3)] == [
        [3, 6, 9, 12],
        [1, 4, 7, 10],
        [2, 5, 8, 11],
    ]
    outcomes = [one.outcome for one in store().store.history.attempts()]
    assert outcomes.count(Outcome.DONE) == 12
    assert Outcome.RUNNING not in outcomes
