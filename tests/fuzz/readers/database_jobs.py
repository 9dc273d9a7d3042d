"""Values of the history of jobs in a database: a column of a row, and what it holds instead."""

import json
from random import Random

import polars as pl
from readers.folder_jobs import take_attempts, use
from structures import change_member

from algomancy_data import DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager
from algomancy_data.testing.comparison import assert_identical

TABLE = pl.DataFrame({"x": [1, None]})
COLUMNS = (
    *("batch", "dataset", "mode", "number", "outcome", "worker", "started_at", "finished_at"),
    *("dataset_id", "details"),
)
TEXTS = (
    *("", "null", "5", "-1", "1.5", "inf", "NaN", "{}", "[]", "[null]", "9" * 5000, "[" * 9999),
    *(
        "0001-01-01 00:00:00",
        "9999-12-31 23:59:59.999999",
        "2026-02-30",
        "done",
        "lost",
        "a" * 9999,
    ),
    *("2026-01-01T00:00+14:00", "20260101", "2026-01-01 24:00", "\0", "ß€😀"),
)


def opened():
    manager = DatabaseDataManager(SimpleETLFactory, [], "sqlite://", "s", DataSource)
    manager.startup()
    source = DataSource("master_data", name="d")
    source.add_table("t", TABLE)
    manager.add_data_source(source)
    take_attempts(manager.store.history)
    return manager


MANAGER = opened()
with MANAGER.engine.connect() as first:
    RIGHT = [
        dict(row)
        for row in first.exec_driver_sql(
            "SELECT * FROM algomancy_jobs ORDER BY started_at"
        ).mappings()
    ]


def change_text(data, random, _seeds):
    """Put another text into the column, or another member into the details."""
    column, _, text = bytes(data).partition(b"\n")
    new = random.choice(TEXTS)
    if column == b"details" and random.random() < 0.8:
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            document = {}
        if isinstance(document, dict):
            change_member(document, random)
            new = json.dumps(document)
    data[:] = column + b"\n" + new.encode()


CHANGES = (change_text,)


def seeds():
    return [f"{column}\n{RIGHT[0][column]}".encode() for column in COLUMNS]


def read(data, home):
    del home
    column, _, text = data.partition(b"\n")
    column = column.decode("utf-8", "replace")
    if column not in COLUMNS:
        column = Random(column).choice(COLUMNS)  # noqa: S311  to be repeatable
    with MANAGER.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM algomancy_jobs")
        for row in RIGHT:
            names, marks = ", ".join(row), ", ".join("?" * len(row))
            connection.exec_driver_sql(
                f"INSERT INTO algomancy_jobs ({names}) VALUES ({marks})", tuple(row.values())
            )
        connection.exec_driver_sql(
            f"UPDATE OR IGNORE algomancy_jobs SET {column} = CAST(? AS TEXT) WHERE job = 'first'",
            (text,),
        )
    try:
        use(MANAGER.store.history)
    finally:
        MANAGER.refresh()
        assert_identical(MANAGER.get_table("d", "t"), TABLE)
