"""The table of a dataset in a folder, mapped into memory."""

import warnings
from pathlib import Path
from tempfile import mkdtemp

import polars as pl

from algomancy_data import DataSource, SimpleETLFactory, StatefulDataManager
from algomancy_data.testing.comparison import assert_identical

TABLE = pl.DataFrame(
    {
        "whole": [1, 2, None],
        "text": ["a", "a text of more than twelve bytes", None],
        "list": [[1], [], None],
        "record": [{"a": 1.5, "b": ["x"]}, None, {"a": None, "b": None}],
        "kind": pl.Series(["a", None, "b"], dtype=pl.Enum(["a", "b"])),
        "category": pl.Series(["a", None, "b"], dtype=pl.Categorical),
        "pair": pl.Series([[1, 2], None, [3, 4]], dtype=pl.Array(pl.Int8, 2)),
        "truth": [True, None, False],
    }
)
ROOT = Path(mkdtemp(prefix="fuzz-folder-"))


def open_folder():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        manager = StatefulDataManager(SimpleETLFactory, [], ROOT, "json", DataSource)
    manager.startup()
    return manager


def table_file():
    (path,) = ROOT.glob(".algomancy-data/*/0.arrow")
    return path


def seeds():
    source = DataSource("master_data", name="d")
    source.add_table("t", TABLE)
    open_folder().add_data_source(source)
    return [table_file().read_bytes()]


def read(data, home):
    del home
    table_file().write_bytes(data)
    manager = open_folder()
    damages = manager.verify()
    kept = manager.get_data("d")
    if kept is None:
        assert manager.startup_errors
        return
    assert_identical(kept.get_table("t"), TABLE)
    assert not damages
