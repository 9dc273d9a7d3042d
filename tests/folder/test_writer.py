"""What a folder's writer does where the disk fails, or a file system lacks something."""

from __future__ import annotations

import errno
import os

import pytest

from algomancy_data.errors import ScratchError, StoreBusyError, StoreError
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


def test_what_is_left_over_is_removed_even_if_somebody_else_does_so_meanwhile(
    open_manager, folder, source, monkeypatch
):
    open_manager().add_data_source(source("a"))
    for name in ("gone", "stray"):
        (folder / PRIVATE / name).write_text("")
        (folder / PRIVATE / f"~{name}").mkdir()
    scan = os.scandir
    seen = list(scan(folder / PRIVATE))
    (folder / PRIVATE / "gone").unlink()
    (folder / PRIVATE / "~gone").rmdir()
    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", lambda path: seen if path == folder / PRIVATE else scan(path))
        FolderWriter(folder).clear_leftovers()
    (lock, directory) = sorted((folder / PRIVATE).iterdir(), key=lambda path: path.name != LOCK)
    assert (lock.name, directory.name[:2]) == (LOCK, "a.")
    assert open_manager().verify() == []


def test_a_folder_that_somebody_writes_to_is_busy_and_says_who_does_so(folder):
    second = FolderWriter(folder, lock_timeout=0.02).writing("saving")
    with FolderWriter(folder).writing("saving"), pytest.raises(StoreBusyError) as error, second:
        pass
    assert str(error.value) == (
        f"Another process (id {os.getpid()}) is writing to the folder {str(folder)!r} and did not "
        f"end within 0.02 s. Try again, or give a longer lock_timeout."
    )


def test_a_disk_without_room_for_a_directory_is_what_the_error_is_about(
    open_manager, folder, source, monkeypatch
):
    manager = open_manager()
    manager.add_data_source(source("a"))

    def no_room(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "mkdir", no_room)
        with pytest.raises(StoreError, match="No space left on device"):
            manager.store.save("b", source("b"))
    assert open_manager().get_data_keys() == ["a"]


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
