"""Flags, environment, files: which counts, and what is refused."""

from __future__ import annotations

import pytest


def test_flags_count_more_than_the_environment_and_that_more_than_the_file(
    run, tmp_path, source, sqlite, files
):
    del files
    manager = sqlite.manager()
    manager.add_data_source(source("a"))
    manager.close()
    below = tmp_path / "here" / "below"
    below.mkdir(parents=True)
    (tmp_path / "algomancy.toml").write_text(
        'store = "sqlite:///data.db"\nsession = "s"\nschemas = "schemas.py"\n'
    )
    listed = run("ls", "--json", cwd=below).json
    assert [one["name"] for one in listed["datasets"]] == ["a"]
    assert run("check", "../../orders.csv", "../../customers.csv", cwd=below).code == 0
    assert run("ls", "--json", cwd=below, ALGOMANCY_SESSION="other").json["session"] == "other"
    flags = ("--session", "third")
    assert run("ls", *flags, "--json", ALGOMANCY_SESSION="other").json["session"] == "third"
    (below / "pyproject.toml").write_text('[tool.algomancy]\nstore = "sqlite:///gone.db"\n')
    gone = run("ls", cwd=below)
    assert gone.code == 2
    assert "There is no database file" in gone.err
    assert "below/gone.db" in gone.err
    (below / "pyproject.toml").write_text("[tool.other]\nx = 1\n")
    assert run("ls", cwd=below).code == 0


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("algomancy.toml", 'sore = "x"', "has the unknown key 'sore'. Is 'store' meant?"),
        ("algomancy.toml", "store = 1", "store in"),
        ("algomancy.toml", "store = ", "cannot be read: Invalid value"),
        ("algomancy.toml", 'password = "x"', "a password is not kept in a file"),
        ("pyproject.toml", '[tool.algomancy]\nzzz = "x"', "unknown key 'tool.algomancy.zzz'"),
        ("pyproject.toml", '[tool.algomancy]\nzzz = "x"', "Known keys: store, session, schemas"),
    ],
)
def test_a_wrong_file_is_an_error_that_names_what_is_wrong(run, tmp_path, name, content, said):
    (tmp_path / name).write_text(content)
    done = run("ls", "--store", "x")
    assert done.code == 2
    assert said in done.err
    assert name in done.err


def test_limits_of_reading_come_from_flag_environment_and_file(run, tmp_path, files):
    del files
    check = ("check", "customers.csv", "orders.csv", "--schemas", "schemas.py")
    tight, loose = "columns=1", "off"
    assert run(*check).code == 0
    refused = run(*check, "--read-limits", tight)
    assert refused.code == 1
    assert "the limit 'columns' is 1." in refused.err + refused.out
    assert run(*check, ALGOMANCY_READ_LIMITS=tight).code == 1
    assert run(*check, "--read-limits", loose, ALGOMANCY_READ_LIMITS=tight).code == 0
    (tmp_path / "algomancy.toml").write_text(f'read_limits = "{tight}"\n')
    assert run(*check).code == 1
    assert run("infer", "customers.csv").code == 1
    assert run("infer", "customers.csv", "--read-limits", loose).code == 0
    loaded = ("load", "d", *check[1:], "--store", "sqlite:///data.db")
    assert run(*loaded).code == 1
    assert run(*loaded, "--read-limits", loose).code == 0
    wrong = run(*check, "--read-limits", "rows=5")
    assert wrong.code == 2
    assert "'rows=5' (--read-limits) are no limits: 'rows=5' is no limit." in wrong.err


def test_a_memory_limit_comes_from_flag_environment_and_file(run, tmp_path, files):
    del files
    check = ("check", "customers.csv", "orders.csv", "--schemas", "schemas.py")
    load = ("load", "d", *check[1:], "--store", "sqlite:///data.db")
    assert run(*check, "--memory-limit", "1GiB").code == 0
    assert run(*load, ALGOMANCY_MEMORY_LIMIT="300MiB").code == 0
    (tmp_path / "algomancy.toml").write_text('memory_limit = "1MiB"\n')
    assert run(*load, "--memory-limit", "256MiB").code == 0
    refused = run(*check)
    assert refused.code == 2
    assert "is no memory limit: memory_limit must be at least '256MiB'" in refused.err


def test_keys_in_a_database_come_from_flag_environment_and_file(run, tmp_path, files):
    del files
    load = ("load", "d", "customers.csv", "orders.csv", "--schemas", "schemas.py")
    load += ("--store", "sqlite:///data.db")

    def indexes():
        query = "SELECT count(*) AS n FROM pragma_index_list('ds__default__d__orders')"
        asked = run("query", query, "--in-database", "--json", "--store", "sqlite:///data.db")
        return asked.json["rows"][0]["n"]

    found = []
    for flags, environment in (
        ((), {}),
        (("--keys", "index"), {}),
        ((), {"ALGOMANCY_KEYS": "constraints"}),
        (("--keys", "none"), {"ALGOMANCY_KEYS": "index"}),
    ):
        assert run(*load, *flags, **environment).code == 0
        found.append(indexes())
    assert found == [0, 2, 2, 0]
    (tmp_path / "algomancy.toml").write_text('keys = "all"\n')
    wrong = run(*load)
    assert wrong.code == 2
    assert "must be index, constraints or none." in wrong.err
