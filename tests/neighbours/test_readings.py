"""docs/neighbours.md says how each neighbour reads each dtype: here each is asked."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pytest

from algomancy_data import DataSource

PAGE = Path(__file__).parents[2] / "docs" / "neighbours.md"
TABLE = "ds__neighbours__d__t"
ERRORS = ("Error", "Exception", "Invalid")


def cell(kind, value):
    if value is not None and value.endswith(ERRORS):
        return f"`{kind}`: **error**"
    return f"`{kind}`: `{value}`" if value not in {None, "None"} else f"`{kind}`: null"


def assert_on_the_page(header, readings):
    """Compare a table of the page with what each neighbour says about each dtype."""
    lines = [f"| {' | '.join(header)} |", f"|{' --- |' * len(header)}"]
    names = list(readings[0])
    lines += [
        f"| `{name}` | {' | '.join(cell(*reading[name]) for reading in readings)} |"
        for name in names
    ]
    expected = "\n".join(lines)
    assert expected in PAGE.read_text(encoding="utf-8"), f"docs/neighbours.md needs:\n{expected}"


def without_masks(reading):
    return {name: read for name, read in reading.items() if not name.endswith("__is_nan")}


@pytest.mark.long
def test_sqlite_is_read_as_the_page_says(in_sqlite, read_by):
    readings = [
        read_by("sqlite3_columns", in_sqlite, TABLE),
        read_by("duckdb_columns", "sqlite", in_sqlite, TABLE),
        read_by("ibis_columns", in_sqlite, TABLE),
    ]
    assert [reading["Float64 with NaN__is_nan"][1] for reading in readings] == ["1", "1", "True"]
    header = ("Polars", "`sqlite3`", "DuckDB", "ibis on SQLite")
    assert_on_the_page(header, list(map(without_masks, readings)))


def test_postgresql_is_read_as_the_page_says(in_postgresql, read_by, psql):
    described = psql(
        in_postgresql,
        f"SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
        f"WHERE attrelid = '{TABLE}'::regclass AND attnum > 0 ORDER BY attnum",
    )
    types = dict(line.split("\t") for line in described.splitlines())
    values = psql(in_postgresql, f"SET timezone = 'UTC'; SELECT * FROM {TABLE} LIMIT 1")
    shown = dict(zip(types, values.splitlines()[-1].split("\t"), strict=True))
    by_psql = {name: [kind, shown[name] or None] for name, kind in types.items()}
    by_duckdb = read_by("duckdb_columns", "postgres", in_postgresql, TABLE)
    assert_on_the_page(("Polars", "`psql`", "DuckDB"), [by_psql, by_duckdb])


def test_frames_in_memory_are_read_as_the_page_says(every_dtype):
    source = DataSource("master_data", name="d")
    source.add_table("t", every_dtype.drop("Int128"))
    views, frame = source.to_pandas()["t"], source.get_table("t")
    pandas = {name: [str(views[name].dtype), str(views[name][0])] for name in frame.columns}
    numpy = {}
    for name in frame.columns:
        column = frame.select(name).to_pandas()[name]
        numpy[name] = [str(column.dtype), str(column[0])]
    arrow = frame.to_arrow(compat_level=pl.CompatLevel.newest())
    duck = duckdb.connect()
    relation = duck.sql("FROM arrow")
    texts = duck.sql("SELECT COLUMNS(*)::VARCHAR FROM arrow").fetchone()
    by_duckdb = {
        name: [str(kind), text]
        for name, kind, text in zip(relation.columns, relation.types, texts, strict=True)
    }
    assert arrow.num_rows == 2
    header = ("Polars", "`to_pandas()` of a DataSource", "`to_pandas()` of a frame", "DuckDB")
    assert_on_the_page(header, [pandas, numpy, by_duckdb])
