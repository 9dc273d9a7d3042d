"""How to write a benchmark.

A benchmark is a test that takes one of five fixtures, and says what it measures against what::

    def test_persist_to_sqlite(race, tables, tmp_path):
        race(
            "persist to SQLite",
            Way("algomancy-data", persist, before=new_store, check=assert_stored),
            [
                Way("pandas to_sql", to_sql, before=new_file, check=..., remark="bool → integer"),
                Way("polars write_database (adbc)", write_database, before=..., check=...),
            ],
        )

``race`` times our way and its peers in turns, and judges ours by the ratios of times next to each
other: the speed of a machine changes from minute to minute, so no others compare.
``memory`` runs each way in a process of its own and takes its peak, beyond the frames.
``growth`` times one way at sizes from 10⁴ to 10⁷ rows, and judges how far it is from linear.
``count`` judges what does not vary: statements, bytes, calls. It does so in plain tests as well.
``alone`` runs an operation in a process of its own and tells such figures.

Each fixture has its words in its own module: `race`, `memory`, `growth`, `counts`, `alone`.

What is promised, and where a run fails, stands in ``bench/limits.toml`` alone::

    ["orders/customers"."persist to SQLite"]       # workload, operation
    "pandas to_sql" = { faster = 15, gate = 5 }    # the peer's time by ours
    "bare adbc_ingest" = { at_most = 1.15, gate = 1.4 }  # our time by the peer's

The operation of a memory or a growth has that word before it: ``"peak memory: persist to SQLite"``.
Without an entry a ratio is only reported. A ``target`` is the promise, measured on a quiet machine
with the full rows; the ``gate`` leaves room for few rows and for a machine that others use as well.

The same tests run in ``make test`` with 2,000 rows and without clocks: then they check that every
peer does the same work. A way's ``check`` is given what the way returned, once, after its first
turn. A peer that loses something says what in its ``remark``.

A peer that takes ten seconds or more for the full rows is given a tenth of them, the fixture
``fewer``, and ``SLOW`` as its ``share``: its time counts ten times, and the report says so.

Mark what takes more than a few seconds at 100,000 rows with ``pytest.mark.full``: ``make
bench-quick`` leaves it out. The session fixtures ``rows``, ``tables`` (orders and customers) and
``csv_paths`` (the same as files) are in ``bench/conftest.py``, and so is ``database``: with it a
test runs on SQLite and on PostgreSQL.

What is measured goes into pytest-benchmark's JSON, as ``extra_info`` of the test. All kinds share
one shape, which ``bench/report`` reads::

    {
        "kind": "race" | "memory" | "growth" | "count",
        "operation": "persist to SQLite",
        "workload": "orders/customers",
        "rows": 1000000,
        "unit": "s" | "bytes" | "",
        "ours": 0.71,                     # the median; of a growth, at the most rows
        "against": [
            {
                "name": "pandas to_sql",
                "value": 8.9,             # its median
                "ratio": 0.08,            # the median of ours by its
                "range": [0.07, 0.09],    # the least and the largest of the ratios
                "remark": "",
                "target": "≥ 15 × faster",  # "" where nothing is promised
                "met": true,              # null where nothing is promised
            }
        ],
        "points": [[10000, 0.01], …],     # of a growth: rows, seconds
        "phases": {"extract": 0.1, …},    # of an ETL that adds them: seconds
    }
"""

from harness.alone import Alone
from harness.counts import Count
from harness.growth import Growth
from harness.limits import Limits
from harness.memory import Memory
from harness.race import Race
from harness.ways import SLOW, Way

__all__ = ["SLOW", "Alone", "Count", "Growth", "Limits", "Memory", "Race", "Way"]
