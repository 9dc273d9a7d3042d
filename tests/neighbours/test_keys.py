"""Other programs see the keys that schemas declare, where the database is told of them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from urllib.request import urlopen

import polars as pl
import pytest

from algomancy_data import Column, DataSource, DataType, Schema, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager

TABLE = "ds__keyed__d__readings"


class Stations(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "stations", "csv", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)


class Readings(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "readings", "csv", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)
    OF = Column("of", DataType.INTEGER, foreign_key=("stations", "id"))
    VALUE = Column("value", DataType.FLOAT, nullable=True)


def keep(url):
    manager = DatabaseDataManager(
        SimpleETLFactory, [Stations, Readings], url, "keyed", DataSource, keys="constraints"
    )
    manager.startup()
    source = DataSource("master_data", name="d")
    source.add_table("readings", pl.DataFrame({"id": [2, 1], "of": [7, 7], "value": [0.5, None]}))
    source.add_table("stations", pl.DataFrame({"id": [7]}))
    manager.add_data_source(source)
    manager.close()


def test_psql_describes_them(new_database, prompts):
    url = new_database("keyed")
    keep(url)
    command = [str(prompts / "psql"), "-X", url, "-c", rf"\d {TABLE}"]
    described = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert re.search(r'"algomancy_key_\w+" PRIMARY KEY, btree \(id\)', described)
    assert re.search(r'"algomancy_key_\w+" btree \(of\)', described)
    assert "FOREIGN KEY (of) REFERENCES ds__keyed__d__stations(id)" in described
    assert re.search(r"of +\| bigint +\| +\| not null", described)
    assert re.search(r"value +\| double precision +\| +\| +\|", described)


def test_ibis_knows_what_cannot_be_null(tmp_path, read_by):
    keep(f"sqlite:///{tmp_path}/data.db")
    read = read_by("ibis_columns", f"{tmp_path}/data.db", TABLE)
    assert {name: dtype for name, (dtype, _) in read.items()} == {
        "id": "!int64",
        "of": "!int64",
        "value": "float64",
    }


@pytest.mark.long
def test_datasette_links_a_row_to_the_one_that_it_refers_to(tmp_path):
    keep(f"sqlite:///{tmp_path}/data.db")
    command = [sys.executable, "-m", "datasette", "serve", f"{tmp_path}/data.db", "--port", "0"]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    try:
        address = None
        while address is None:
            line = process.stderr.readline()
            assert line, "datasette ended"
            address = re.search(r"http://127\.0\.0\.1:\d+", line)
        page = f"{address.group()}/data/{TABLE}"
        with urlopen(f"{page}.json?_extra=primary_keys", timeout=60) as answer:  # noqa: S310  http
            assert json.load(answer)["primary_keys"] == ["id"]
        with urlopen(page, timeout=60) as answer:  # noqa: S310  http
            assert 'href="/data/ds__keyed__d__stations/7"' in answer.read().decode()
    finally:
        process.terminate()
        process.wait(60)
        process.stderr.close()
