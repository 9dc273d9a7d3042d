"""The history of jobs in a folder: lines of JSON, beside a sound dataset."""

from pathlib import Path
from tempfile import mkdtemp

import polars as pl
from structures import change_json

from algomancy_data import DataSource, SimpleETLFactory, StatefulDataManager
from algomancy_data.errors import AlgomancyDataError
from algomancy_data.metrics import PhaseMetrics
from algomancy_data.provenance import InputFile
from algomancy_data.store import Attempt, Outcome
from algomancy_data.testing.comparison import assert_identical

TABLE = pl.DataFrame({"x": [1, None]})
ROOT = Path(mkdtemp(prefix="fuzz-jobs-"))
JOURNAL = ROOT / "algomancy_jobs.jsonl"
CHANGES = (change_json,)


def opened():
    manager = StatefulDataManager(SimpleETLFactory, [], ROOT, "json", DataSource)
    manager.startup()
    return manager


def attempt(job):
    return Attempt("night", job, "d", "append", "host/1", files=(InputFile("t", "csv", "/t.csv"),))


def take_attempts(history):
    """Have one attempt done and another fail."""
    for job, outcome in (("first", Outcome.DONE), ("second", Outcome.FAILED)):
        begun = history.begin(attempt(job))
        phases = (PhaseMetrics("extract", 0.25, 2),)
        history.end(begun.ended(outcome, rows={"t": 3}, phases=phases, error="none"))


def use(history):
    """Do with a history what can be done."""
    for found in (history.attempts(), history.attempts(batch="night"), history.attempts(job="x")):
        assert all(isinstance(one, Attempt) for one in found)
    begun = history.begin(attempt("third"))
    history.end(begun.ended(Outcome.DONE))
    assert history.attempts(job="third")


def seeds():
    source = DataSource("master_data", name="d")
    source.add_table("t", TABLE)
    manager = opened()
    manager.add_data_source(source)
    take_attempts(manager.store.history)
    return [JOURNAL.read_bytes()]


def read(data, home):
    del home
    JOURNAL.write_bytes(data)
    manager = opened()
    try:
        use(manager.store.history)
    except AlgomancyDataError as error:
        refusal = error
    else:
        refusal = None
    # Whatever the history says, datasets are read; and written, if it does not lie in the way.
    assert_identical(manager.get_table("d", "t"), TABLE)
    assert manager.verify() == []
    if refusal is not None:
        raise refusal
