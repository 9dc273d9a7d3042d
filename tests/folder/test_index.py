"""What a folder's manager knows of datasets that others change meanwhile."""

from __future__ import annotations

import os

import polars as pl
import pytest

from algomancy_data.folder import reader

pytestmark = pytest.mark.filterwarnings("ignore:StatefulDataManager:DeprecationWarning")


def test_a_file_that_is_as_it_was_is_not_opened_again(open_manager, folder, source, monkeypatch):
    monkeypatch.setattr(reader, "_SETTLED", -(10**18))  # as if all was written long ago
    for name in "abc":
        open_manager().add_data_source(source(name))
    opened = []
    read = reader.FolderReader.read

    def noted(self, path, before=None):
        opened.append(path.name)
        return read(self, path, before)

    manager = open_manager()
    infos = manager.describe_all()
    monkeypatch.setattr(reader.FolderReader, "read", noted)
    assert manager.describe_all() == infos
    assert manager.get_data_keys() == ["a", "b", "c"]
    assert opened == []
    other = open_manager()
    other.add_data_source(source("b", t=pl.DataFrame({"x": [1]})))
    opened.clear()
    assert [info.rows for info in manager.describe_all()] == [3, 1, 3]
    assert opened == ["b.json"]


def test_a_change_that_leaves_length_and_time_of_a_new_file_is_seen(open_manager, folder, source):
    manager = open_manager()
    manager.add_data_source(source("a"))
    (before,) = manager.describe_all()
    path = folder / "a.json"
    times, content = path.stat(), path.read_bytes()
    damaged = content.replace(b'"key": "a"', b'"key": "b"')
    assert len(damaged) == len(content) != damaged
    path.write_bytes(damaged)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert before.problem == ""
    (now,) = manager.describe_all()
    assert "check sum" in now.problem
    path.write_bytes(content)
    assert [info.problem for info in manager.describe_all()] == [""]


def test_what_others_deleted_is_a_new_dataset_when_it_is_kept_again(open_manager, source):
    one, other = open_manager(), open_manager()
    one.add_data_source(source("a"))
    other.delete_data("a")
    other.add_data_source(source("b"))
    one.add_data_source(source("a"))
    assert [manager.get_data_keys() for manager in (one, other)] == [["b", "a"]] * 2


def test_a_dataset_whose_metadata_is_damaged_keeps_its_place_when_it_is_replaced(
    open_manager, folder, source
):
    manager = open_manager()
    for name in "ab":
        manager.add_data_source(source(name))
    (folder / "a.json").write_text("{")
    manager.add_data_source(source("a"))
    assert manager.get_data_keys() == ["a", "b"]
