"""Python's sqlite3 on a file that a manager has open is noticed."""

from __future__ import annotations

import sqlite3
import warnings
from contextlib import closing

import polars as pl
import pytest

from algomancy_data.errors import SecondLibraryWarning


@pytest.mark.parametrize("name", ["as it is", "as a URI", "through a link"])
def test_opening_the_file_of_a_manager_with_another_library_warns(
    new_manager, dataset, path, tmp_path, name
):
    manager = new_manager()
    manager.add_data_source(dataset(tables={"t": pl.DataFrame({"x": [1]})}))
    target = {"as it is": str(path), "as a URI": f"file:{path}?mode=ro"}.get(name)
    if target is None:
        target = str(tmp_path / "link")
        (tmp_path / "link").symlink_to(path)
    with (
        pytest.warns(SecondLibraryWarning, match=r"close\(\) the manager first"),
        closing(sqlite3.connect(target, uri=name == "as a URI")),
    ):
        pass


def test_after_close_nothing_is_wrong_with_it(new_manager, dataset, path):
    manager = new_manager()
    manager.add_data_source(dataset(tables={"t": pl.DataFrame({"x": [1]})}))
    manager.close()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute('SELECT x FROM "ds__s__d__t"').fetchall() == [(1,)]


def test_other_files_are_nobodys_business(new_manager, tmp_path):
    new_manager()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for other in (":memory:", tmp_path / "other.db"):
            sqlite3.connect(other).close()
