"""The prompts that documents use are there on a machine that has none of its own."""

from __future__ import annotations

import os
import sqlite3
import subprocess

STATEMENTS = ["SELECT name, height FROM t", "SELECT count(*), NULL, 'a|b' FROM t"]


def test_the_stand_in_for_sqlite3_prints_what_sqlite3_prints(sqlite3_stand_in, tmp_path):
    connection = sqlite3.connect(tmp_path / "data.db")
    with connection:
        connection.execute("CREATE TABLE t AS SELECT 'Maastricht' AS name, 114.0 AS height")
        connection.execute("INSERT INTO t VALUES (NULL, 0.1)")
    connection.close()
    command = [str(sqlite3_stand_in), str(tmp_path / "data.db"), *STATEMENTS]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "Maastricht|114.0\n|0.1\n2||a|b\n"


def test_psql_is_the_one_of_the_server(prompts, postgresql):
    command = [str(prompts / "psql"), "-XAt", postgresql, "-c", "SHOW server_version_num"]
    server = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    version = subprocess.run(
        ["psql", "--version"],
        env={"PATH": os.pathsep.join([str(prompts), os.environ["PATH"]])},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert version.split()[2].split(".")[0] == server[:2]
