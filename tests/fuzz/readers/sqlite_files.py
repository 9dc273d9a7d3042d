"""The file of a SQLite database."""

from pathlib import Path
from tempfile import mkdtemp

import polars as pl

from algomancy_data import DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager
from algomancy_data.errors import AlgomancyDataError
from algomancy_data.testing.comparison import assert_identical

TABLE = pl.DataFrame(
    {
        "whole": [*range(60)],
        "float": [0.5, float("nan"), None] * 20,
        "text": ["a", "a longer text: ß", None] * 20,
        "day": pl.Series(range(60)).cast(pl.Date),
        "moment": pl.Series(range(60)).cast(pl.Datetime("us")),
        "list": [[1], [], None] * 20,
        "kind": pl.Series(["a", None, "b"] * 20, dtype=pl.Enum(["a", "b"])),
        "money": pl.Series(["1.50", None, "2.25"] * 20).cast(pl.Decimal(9, 2)),
        "bytes": [b"\0", b"", None] * 20,
    }
)
HOME = Path(mkdtemp(prefix="fuzz-sqlite-"))


def opened(path):
    url = f"sqlite:///{path}?page_size=1024&journal_mode=delete"
    manager = DatabaseDataManager(SimpleETLFactory, [], url, "s", DataSource, verify_on_load=True)
    try:
        manager.startup()
    except BaseException:
        manager.close()
        raise
    return manager


def seeds():
    manager = opened(HOME / "seed.db")
    source = DataSource("master_data", name="d")
    source.add_table("t", TABLE)
    manager.add_data_source(source)
    manager.close()
    return [(HOME / "seed.db").read_bytes()]


def read(data, home):
    path = home / "mutated.db"
    for old in home.glob("mutated.db*"):
        old.unlink()
    path.write_bytes(data)
    manager = opened(path)
    try:
        try:
            damages = manager.verify()
        except AlgomancyDataError:
            damages = None
        kept = manager.get_data("d")
        if kept is not None:
            assert_identical(kept.get_table("t"), TABLE)
        elif damages == []:
            assert "d" not in manager.get_data_keys()
    finally:
        manager.close()
