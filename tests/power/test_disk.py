"""A disk after a power failure: what was synced, and any part of what was not."""

from __future__ import annotations

import random

import pytest

from tests.power.disk import Disk, read_tree, write_tree
from tests.power.recording import CREATE, LINK, MKDIR, REMOVE, RENAME, SYNC, WRITE, Call

OLD, NEW = b"old", b"newer"


@pytest.fixture
def survivors(tmp_path):
    """Return what may be left of a directory with the file "f" after some calls."""
    write_tree({"f": OLD}, tmp_path / "disk")

    def survivors(*calls, most=1000):
        disk = Disk(tmp_path / "disk")
        for call in calls:
            disk.apply(call)
        return list(disk.after_power_failure(random.Random(1), most))  # noqa: S311  no secrets

    return survivors


def test_what_was_synced_is_there(survivors):
    made = Call(CREATE, "g"), Call(WRITE, "g", data=NEW)
    assert survivors(*made, Call(SYNC, "g"), Call(SYNC)) == [{"f": OLD, "g": NEW}]


def test_a_name_that_was_not_synced_may_be_missing_though_the_content_was(survivors):
    found = survivors(Call(CREATE, "g"), Call(WRITE, "g", data=NEW), Call(SYNC, "g"))
    assert found == [{"f": OLD}, {"f": OLD, "g": NEW}]


def test_a_content_that_was_not_synced_may_be_missing_cut_short_or_zeros(survivors):
    found = survivors(Call(CREATE, "g"), Call(WRITE, "g", data=NEW), Call(SYNC))
    contents = {tree["g"] for tree in found}
    assert {b"", bytes(len(NEW)), NEW} < contents
    assert all(NEW.startswith(one.rstrip(b"\0")) for one in contents)


def test_what_was_synced_of_a_file_stays_when_more_is_added(survivors):
    for tree in survivors(Call(WRITE, "f", offset=3, data=NEW)):
        assert tree["f"].startswith(OLD)


def test_both_names_of_a_rename_are_uncertain_each_for_itself(survivors):
    found = survivors(Call(RENAME, "f", "g"))
    assert found == [{"f": OLD}, {"f": OLD, "g": OLD}, {}, {"g": OLD}]
    assert survivors(Call(RENAME, "f", "g"), Call(SYNC)) == [{"g": OLD}]


def test_a_directory_is_never_in_two_places(survivors):
    made = Call(MKDIR, "a"), Call(MKDIR, "b"), Call(MKDIR, "a/c"), Call(SYNC, "a"), Call(SYNC)
    found = survivors(*made, Call(RENAME, "a/c", "b/c"))
    assert [sorted(path for path in tree if path.endswith("c")) for tree in found] == [
        ["a/c"],
        [],
        ["b/c"],
    ]


def test_a_link_shares_what_was_synced(survivors):
    calls = Call(LINK, "f", "g"), Call(WRITE, "g", data=NEW), Call(SYNC, "f"), Call(REMOVE, "f")
    assert survivors(*calls, Call(SYNC)) == [{"g": NEW}]


def test_of_many_possibilities_some_are_tried_the_extremes_among_them(survivors):
    made = [Call(CREATE, f"g{number}") for number in range(12)]
    found = survivors(*made, most=100)
    assert len(found) == 100
    assert {len(tree) for tree in found[:2]} == {1, 13}
    assert all(tree["f"] == OLD for tree in found)
    assert len({frozenset(tree) for tree in found}) > 40
    assert len(survivors(*made[:6])) == 64


def test_a_tree_that_is_written_is_read_the_same(tmp_path):
    tree = {"d": None, "d/e": None, "d/f": OLD, "g": b""}
    write_tree(tree, tmp_path / "disk")
    assert read_tree(tmp_path / "disk") == Disk(tmp_path / "disk").now() == tree
