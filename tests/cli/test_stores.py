"""Stores by their names: which is meant, and what is there."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest


@pytest.mark.parametrize(
    ("store", "code", "said"),
    [
        ("sqlite:///gone.db", 2, "There is no database file 'gone.db'."),
        ("gone", 2, "There is no folder 'gone'."),
        ("postgresql://nobody@127.0.0.1:1/x", 3, "Check that the server is running"),
        ("sqlite:///text.db", 2, "The file is something else: choose another."),
    ],
)
def test_a_store_that_cannot_be_read_is_not_made(run, tmp_path, store, code, said):
    (tmp_path / "text.db").write_text("This is no database. " * 100)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    done = run("ls", "--store", store, "--json")
    assert done.code == code
    assert said in done.err
    assert said in done.json["error"]["message"]
    assert done.json["exit_code"] == code
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_database_of_something_else_has_no_datasets(run, tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    done = run("ls", "--store", "sqlite:///other.db")
    assert done.code == 2
    assert "has no datasets: it has no table 'algomancy_datasets'" in done.err
    with contextlib.closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
    assert tables == [("theirs",)]


def test_a_store_that_is_a_file_says_what_was_meant(run, sqlite, tmp_path):
    sqlite.manager().close()
    assert "write it as sqlite:///data.db" in run("ls", "--store", "data.db").err
    (tmp_path / "x.txt").touch()
    done = run("ls", "--store", "x.txt")
    assert done.code == 2
    assert "'x.txt' is a file. A store is a database or a folder." in done.err
