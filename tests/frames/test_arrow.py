"""What Arrow files cannot hold is refused before anything is written."""

from __future__ import annotations

import polars as pl
import pytest

from algomancy_data import DataSource
from algomancy_data.errors import UnstorableError
from algomancy_data.folder import FolderStore


def nested(levels: int) -> DataSource:
    value: object = 1
    for _ in range(levels):
        value = [value]
    source = DataSource("master_data", name="d")
    source.add_table("t", pl.DataFrame({"x": pl.Series([value])}))
    return source


def test_what_a_folder_keeps_it_gives_back_however_deep(tmp_path) -> None:
    FolderStore(tmp_path, DataSource).save("d", nested(63))
    store = FolderStore(tmp_path, DataSource)
    store.open()
    assert store.load("d", DataSource).data.get_table("t").equals(nested(63).get_table("t"))


def test_what_is_deeper_than_arrow_reads_is_refused_and_nothing_is_written(tmp_path) -> None:
    store = FolderStore(tmp_path, DataSource)
    store.save("d", nested(1))
    with pytest.raises(UnstorableError, match="'x' of table 't' is nested more than 63 levels"):
        store.save("d", nested(64))
    assert store.load("d", DataSource).data.get_table("t").equals(nested(1).get_table("t"))
