"""What a folder's writer does where the disk fails, or a file system lacks something."""

from __future__ import annotations

import errno
import os

import pytest

from algomancy_data.errors import ScratchError
from algomancy_data.folder.reader import LOCK, PRIVATE
from algomancy_data.folder.writer import FolderWriter

pytestmark = pytest.mark.filterwarnings("ignore:StatefulDataManager:DeprecationWarning")


def test_what_is_removed_together_is_all_there_if_one_cannot_be(open_manager, folder, source):
    open_manager().add_data_source(source("a"))
    writer = FolderWriter(folder)
    with pytest.raises(FileNotFoundError):
        writer.remove(folder / "a.json", folder / "b.json")
    manager = open_manager()
    assert manager.get_data("a").get_table("t").height == 3
    assert manager.leftovers() == manager.verify() == []


def test_a_stray_file_is_removed_even_if_somebody_else_does_so_meanwhile(
    open_manager, folder, source, monkeypatch
):
    open_manager().add_data_source(source("a"))
    for name in ("gone", "stray"):
        (folder / PRIVATE / name).write_text("")
    seen = list(os.scandir(folder / PRIVATE))
    (folder / PRIVATE / "gone").unlink()
    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", lambda _: seen)
        FolderWriter(folder).clear_leftovers()
    assert not {"gone", "stray"} & {path.name for path in (folder / PRIVATE).iterdir()}
    assert (folder / PRIVATE / LOCK).exists()
    assert open_manager().verify() == []


def test_what_scratch_files_lack_is_not_said_of_the_folder(folder):
    failure = ScratchError.from_failure("/scratch", "TMPDIR", OSError(errno.ENOSPC, "full"))
    with pytest.raises(ScratchError) as error, FolderWriter(folder).writing("saving"):
        raise failure
    assert error.value is failure


def test_a_file_system_without_hard_links_gets_copies(open_manager, folder, source, monkeypatch):
    open_manager().add_data_source(source("a"))

    def no_links(*_, **__):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", no_links)
        open_manager().derive_data("a", "copy")
    inodes = {path.stat().st_ino for path in (folder / PRIVATE).rglob("*.arrow")}
    assert len(inodes) == 2
    open_manager().delete_data("a")
    manager = open_manager()
    assert manager.verify() == []
    assert manager.get_data("copy").get_table("t").rows() == [(1, "a"), (2, None), (3, "b")]
