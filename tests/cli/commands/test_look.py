"""What is in a store is listed, shown and queried."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest


@pytest.fixture
def filled(store, source):
    """A store with two datasets, and one of another session."""
    manager = store.manager()
    frame = pl.DataFrame({"x": range(100), "s": ["a[b]", None, "\x1b[31mred", "ü"] * 25})
    manager.add_data_source(source("a", t=frame, u=pl.DataFrame({"y": [[1.5, None]]})))
    manager.add_data_source(source("b c", t=frame.head(3)))
    manager.close()
    return store


def test_datasets_are_listed_of_one_session_or_of_all(run, filled):
    listed = run("ls", *filled.flags)
    assert listed.out.splitlines()[0].split() == [
        *("dataset", "type", "created", "tables", "rows", "size")
    ]
    assert [line.split()[0] for line in listed.out.splitlines()[1:]] == ["a", "b"]
    found = run("ls", "--store", filled.url, "--all-sessions", "--json").json["datasets"]
    mine = [one for one in found if one["session"] == filled.session]
    assert [(one["name"], one["rows"]) for one in mine] == [("a", 101), ("b c", 3)]
    empty = run("ls", "--store", filled.url, "--session", "nobody")
    assert (empty.code, empty.out) == (0, "No datasets.\n")
    assert f"'{filled.session}'" in empty.err


def test_a_dataset_is_shown_with_its_first_rows(run, filled):
    shown = run("show", "a", *filled.flags, "--sample", "3")
    assert "t: 100 rows" in shown.out
    assert "x       Int64" in shown.out
    assert "a[b]" in shown.out
    assert "\\x1b[31mred" in shown.out
    assert "\x1b" not in shown.out
    assert "[1.5, null]" in shown.out
    tables = run("show", "a", "--table", "t", *filled.flags, "--json").json["tables"]
    assert tables["t"]["columns"] == {"x": "Int64", "s": "String"}
    assert len(tables["t"]["sample"]) == 5
    assert tables["t"]["sample"][2] == {"x": 2, "s": "\x1b[31mred"}


@pytest.fixture
def damaged(request, store, source):
    """A store with a sound dataset, and two whose rows of the catalogue are damaged.

    It has a database of its own: beside a damaged row, no table of any session is proven to be
    left over.
    """
    if store.url.startswith("postgresql"):
        store = replace(store, url=request.getfixturevalue("new_database")(store.session))
    manager = store.manager()
    for name, table in (("a", "t"), ("b", "u"), ("c", "v")):
        manager.add_data_source(source(name, **{table: pl.DataFrame({"x": [1, 2]})}))
    with manager.engine.begin() as connection:
        for name, column in (("b", "provenance"), ("c", "sub_tables")):
            connection.exec_driver_sql(
                f"UPDATE algomancy_datasets SET {column} = '[' "
                f"WHERE name = '{name}' AND session_id = '{store.session}'"
            )
    manager.close()
    return store


def test_a_dataset_whose_row_is_damaged_is_listed_as_such(run, damaged):
    listed = run("ls", *damaged.flags)
    assert listed.code == 0
    head, *lines = [line.split() for line in listed.out.splitlines()]
    assert head[-1] == "state"
    assert [line[0] for line in lines] == ["a", "b", "c"]
    assert [line[-1] == "damaged" for line in lines] == [False, True, True]
    assert lines[2][-4:-1] == ["?", "?", "?"]
    assert "warning: 'b': The catalogue's row of dataset 'b' is damaged: its 'provenance'" in (
        listed.err
    )
    document = run("ls", *damaged.flags, "--json").json
    assert document["exit_code"] == 0
    first, second, third = document["datasets"]
    assert (first["problem"], first["rows"]) == (None, 2)
    assert "'provenance' cannot be read" in second["problem"]
    assert (second["rows"], second["bytes"], second["type"]) == (2, None, "master_data")
    assert "'sub_tables' cannot be read" in third["problem"]
    assert third["rows"] is third["bytes"] is third["tables"] is None


def test_a_dataset_of_a_folder_whose_metadata_is_damaged_is_listed_as_such(
    run, folder, source, tmp_path
):
    for name in ("a", "b"):
        folder.add_data_source(source(name, t=pl.DataFrame({"x": [1]})))
    with (tmp_path / "folder" / "a.json").open("ab") as file:
        file.write(b"x")
    listed = run("ls", "--store", tmp_path / "folder")
    assert listed.code == 0
    assert [line.split()[0] for line in listed.out.splitlines()] == ["dataset", "b", "a"]
    assert listed.out.endswith("damaged\n")
    assert listed.err.count("The file 'a.json' is damaged") == 1
    _, damaged = run("ls", "--store", tmp_path / "folder", "--json").json["datasets"]
    assert "The file 'a.json' is damaged" in damaged["problem"]
    assert damaged["rows"] is damaged["tables"] is None


@pytest.mark.parametrize("way", [(), ("--in-database",)])
def test_the_sound_datasets_beside_a_damaged_one_are_queried(run, damaged, way):
    done = run("query", "SELECT count(*) AS n FROM t", *way, *damaged.flags, "--json")
    assert (done.code, done.json["rows"]) == (0, [{"n": 2}]), done.err
    assert done.err.count("warning: ") == 2
    one = run("query", "SELECT count(*) AS n FROM t", "-d", "a", *way, *damaged.flags)
    assert (one.code, one.err) == (0, "")
    for table, dataset in (("u", "b"), ('"b.u"', "b"), ('"c.v"', "c")):
        refused = run("query", f"SELECT * FROM {table}", *way, *damaged.flags, "--json")
        assert refused.code == 4, refused.err
        assert f"row of dataset '{dataset}' is damaged" in refused.json["error"]["message"]
    gone = run("query", "SELECT * FROM v", *way, *damaged.flags)
    assert gone.code != 0
    assert "row of dataset 'c' is damaged" in gone.err


def test_queries_run_in_polars_or_in_the_database(run, filled, tmp_path):
    sql = 'SELECT count(*) AS n, sum(x) AS total FROM "a.t"'
    shown = run("query", sql, *filled.flags)
    assert [line.split() for line in shown.out.splitlines()] == [["n", "total"], ["100", "4950"]]
    # PostgreSQL's sum of a bigint is a numeric.
    whole = sql.replace("sum(x)", "CAST(sum(x) AS bigint)")
    assert run("query", whole, *filled.flags, "--in-database", "--json").json["rows"] == [
        {"n": 100, "total": 4950}
    ]
    one = run("query", "SELECT x FROM t LIMIT 2", "-d", "a", *filled.flags, "--json").json
    assert (one["columns"], one["rows"]) == ({"x": "Int64"}, [{"x": 0}, {"x": 1}])
    many = run("query", "SELECT x FROM t", "-d", "a", "-n", "2", *filled.flags)
    assert many.out.splitlines()[-1].startswith("… and 98 rows more")
    assert run("query", 'SELECT * FROM "a.t"', "-o", "t.parquet", *filled.flags).code == 0
    assert pl.read_parquet(tmp_path / "t.parquet").height == 100
    again = run("query", "SELECT 1", "-o", "t.parquet", *filled.flags)
    assert (again.code, again.out) == (2, "")


def test_dates_that_python_has_not_are_shown_and_queried(run, store, source):
    far = pl.Series([2_933_297], dtype=pl.Int32).cast(pl.Date)
    frame = pl.DataFrame({"day": far, "at": far.cast(pl.Datetime("us")), "all": far.implode()})
    manager = store.manager()
    manager.add_data_source(source(t=frame))
    manager.close()
    for command in (["show", "d"], ["query", "SELECT * FROM t"]):
        done = run(*command, *store.flags)
        assert (done.code, done.out.count("+10001-02-04")) == (0, 3), done.err
        assert "+10001-02-04" in run(*command, *store.flags, "--json").out
    in_database = run("query", "SELECT * FROM t", "--in-database", *store.flags)
    assert in_database.code == 0, in_database.err


def test_a_result_takes_the_place_of_a_file_on_request_only(run, filled, tmp_path):
    (tmp_path / "x.csv").write_text("theirs")
    ask = ("query", "SELECT 1 AS one", "-o", "x.csv", *filled.flags)
    refused = run(*ask)
    assert (refused.code, (tmp_path / "x.csv").read_text()) == (2, "theirs")
    assert "'x.csv' is there already. Give another name, or --overwrite." in refused.err
    assert run(*ask, "--overwrite").code == 0
    assert (tmp_path / "x.csv").read_text() == "one\n1\n"
    assert not list(tmp_path.glob(".*~"))
