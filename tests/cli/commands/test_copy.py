"""Datasets go from one store to another, at the prompt."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl

from algomancy_data.testing import assert_identical

OLD_STYLE = Path(__file__).parents[2] / "data" / "pandas-folder"


def test_a_folder_of_both_styles_goes_into_a_database_and_again(
    run, folder, source, store, tmp_path
):
    shutil.copytree(OLD_STYLE, tmp_path / "folder", dirs_exist_ok=True)
    folder.add_data_source(source("a-b"))
    arguments = ("migrate", "folder", store.url, "--session", store.session)
    first = run(*arguments)
    assert first.code == 0, first.err
    assert "old data  copied" in first.out
    assert "2 datasets copied, 0 already there, 0 failed." in first.out
    assert "warning" not in first.err
    again = run(*arguments, "--json").json
    assert again["already_there"] == ["old data", "a-b"]
    assert (again["copied"], again["failed"], again["exit_code"]) == ([], {}, 0)
    manager = store.manager()
    assert_identical(manager.get_data("a-b").get_table("t"), source().get_table("t"))
    manager.close()
    listed = run("ls", *store.flags, "--json").json["datasets"]
    assert [one["name"] for one in listed] == ["old data", "a-b"]


def test_what_cannot_be_copied_is_named_and_the_others_are_copied(
    run, folder, source, store, tmp_path
):
    for name in ("a", "b"):
        folder.add_data_source(source(name))
    (tmp_path / "folder" / "broken.json").write_text("{")
    manager = store.manager()
    manager.add_data_source(source("a", t=pl.DataFrame({"theirs": [1]})))
    manager.close()
    done = run("migrate", "folder", store.url, "--session", store.session, "--json")
    assert done.code == 1
    assert done.json["copied"] == ["b"]
    assert list(done.json["failed"]) == ["folder/broken.json", "a"]
    assert "already exists" in done.json["failed"]["a"]
    assert "broken.json was skipped" in done.err


def test_used_the_wrong_way_round_it_says_so(run, folder, sqlite):
    done = run("migrate", sqlite.url, "folder")
    assert done.code == 2
    assert done.err == (
        "error: migrate copies a FOLDER into the database at a URL. For other stores: copy.\n"
    )


def test_copied_to_another_session_and_to_a_folder_and_back(run, filled, source):
    there = f"{filled.session}-other"
    done = run("copy", *filled.flags, "--to-session", there, "--json").json
    assert (done["copied"], done["to"]["session"]) == (["a"], there)
    assert run("copy", "a", *filled.flags, "--to-session", there, "--json").json[
        "already_there"
    ] == ["a"]
    assert run("copy", "a", *filled.flags, "--to", "folder").code == 0
    assert run("derive", "a", "b", "--store", "folder").code == 0
    back = run("copy", "b", "--store", "folder", "--to", filled.url, "--to-session", there)
    assert back.code == 0, back.err
    filled.session = there
    manager = filled.manager()
    assert_identical(manager.get_data("b").get_table("t"), source().get_table("t"))
    manager.close()
