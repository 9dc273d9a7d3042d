"""What no metadata file speaks of is found, and removed only while all of them are clear."""

from __future__ import annotations

import os

import pytest

from algomancy_data.folder.reader import LOCK, PRIVATE

pytestmark = pytest.mark.filterwarnings("ignore:StatefulDataManager:DeprecationWarning")


def test_directories_that_no_dataset_refers_to_are_found_and_removed(open_manager, folder, source):
    manager = open_manager()
    assert manager.leftovers() == []
    assert manager.clear_leftovers() == []
    manager.add_data_source(source("a"))
    assert manager.leftovers() == []
    (folder / PRIVATE / "lost").mkdir()
    (folder / PRIVATE / "lost" / "0-t.arrow").write_text("rows")
    (one,) = manager.leftovers()
    assert (one.path, one.is_proven) == (str(folder / PRIVATE / "lost"), True)
    assert manager.clear_leftovers() == [one]
    assert manager.leftovers() == manager.verify() == []
    assert manager.get_data("a") is not None


def test_nothing_is_removed_while_a_metadata_file_cannot_be_understood(
    open_manager, folder, source
):
    manager = open_manager()
    manager.add_data_source(source("a"))
    manager.add_data_source(source("b"))
    metadata = (folder / "b.json").read_text()
    (folder / "b.json").write_text(metadata[:-20])
    (one,) = open_manager().leftovers()
    assert not one.is_proven
    assert open_manager().clear_leftovers() == []
    (folder / "b.json").write_text(metadata)
    assert open_manager().get_data("b").get_table("t").height == 3


def test_the_file_of_the_lock_stays_and_says_who_wrote_last(open_manager, folder, source):
    manager = open_manager()
    manager.add_data_source(source("a"))
    assert (folder / PRIVATE / LOCK).read_text().rstrip() == str(os.getpid())
    assert manager.leftovers() == []
