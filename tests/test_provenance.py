"""What an ETL notes about where its data comes from."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import subprocess
import sys
import threading
from datetime import UTC, datetime

import polars as pl
import pytest

from algomancy_data import (
    Column,
    CSVFile,
    DataSource,
    DataType,
    Schema,
    SimpleETLFactory,
    StatefulDataManager,
    StatelessDataManager,
)
from algomancy_data.database import DatabaseDataManager
from algomancy_data.datamanager.runs import InputDigests
from algomancy_data.provenance import Provenance, TableSize, messages_from_list
from algomancy_data.schema.fingerprint import schema_fingerprint

TEXT = b"id;name\n1;a\n2;b\n"


class Things(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "things", "csv", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)
    NAME = Column("name", DataType.STRING)


@pytest.fixture
def manager():
    return StatelessDataManager(SimpleETLFactory, [Things], "json", DataSource)


def ingested(manager, file):
    result = manager.etl_data({"things": file}, "d")
    assert result.is_success, result.messages
    return manager.get_data("d").provenance


@pytest.mark.filterwarnings("ignore:StatefulDataManager:DeprecationWarning")
@pytest.mark.parametrize("store", ["memory", "folder", "sqlite"])
def test_what_somebody_adds_is_said_to_be_kept_when_and_how_large(store, manager, tmp_path):
    def again():
        if store == "folder":
            return StatefulDataManager(SimpleETLFactory, [], tmp_path)
        url = f"sqlite:///{tmp_path / 'data.db'}"
        return manager if store == "memory" else DatabaseDataManager(SimpleETLFactory, [], url, "s")

    source = DataSource("master_data", name="d")
    source.add_table("t", {"x": [1, 2]})
    for rows in (2, 3):
        source.tables = {"t": pl.DataFrame({"x": range(rows)})}
        with again() as first:
            first.set_data("d", source)
        with again() as second:
            kept = second.require_data("d").provenance
        assert kept == source.provenance
        assert kept.tables == {"t": TableSize(rows, 8 * rows)}
        assert kept.made_at is not None


@pytest.mark.parametrize("stored", [TEXT, gzip.compress(TEXT)], ids=["plain", "compressed"])
def test_a_file_is_known_by_the_hash_that_other_tools_print(manager, tmp_path, stored):
    path = tmp_path / "things.csv"
    path.write_bytes(stored)
    (file,) = ingested(manager, CSVFile("things", path=path)).files
    printed = subprocess.run(["sha256sum", str(path)], capture_output=True, text=True, check=True)
    assert file.sha256 == printed.stdout.split()[0]
    assert (file.name, file.extension, file.size) == ("things", "csv", len(stored))
    assert file.location == str(path)


def test_each_part_of_a_table_is_known(manager, tmp_path):
    texts = {"part-2.csv": TEXT, "part-10.csv": b"id;name\n3;c\n"}
    for name, text in texts.items():
        (tmp_path / name).write_bytes(text)
    files = ingested(manager, CSVFile("things", path=tmp_path)).files
    assert [file.name for file in files] == ["things", "things"]
    assert [file.location for file in files] == [str(tmp_path / name) for name in texts]
    assert [file.sha256 for file in files] == [
        hashlib.sha256(text).hexdigest() for text in texts.values()
    ]


def test_an_upload_is_known_by_its_bytes(manager):
    content = f"data:text/csv;base64,{base64.b64encode(TEXT).decode()}"
    (file,) = ingested(manager, CSVFile("things", content=content)).files
    assert (file.sha256, file.size) == (hashlib.sha256(TEXT).hexdigest(), len(TEXT))
    assert file.location is None


def test_an_etl_notes_what_was_done(manager, tmp_path):
    path = tmp_path / "things.csv"
    path.write_bytes(TEXT)
    before = datetime.now(UTC)
    provenance = ingested(manager, CSVFile("things", path=path))
    assert before <= provenance.made_at <= datetime.now(UTC)
    assert provenance.library.startswith("algomancy-data ")
    assert provenance.schemas == {"things": schema_fingerprint(Things)}
    assert [phase.phase for phase in provenance.phases] == [
        *("extract", "validate", "transform", "load")
    ]
    assert provenance.seconds == sum(phase.seconds for phase in provenance.phases)
    assert provenance.tables["things"].rows == 2


def test_a_file_that_cannot_be_read_fails_in_the_extraction(manager, tmp_path):
    path = tmp_path / "things.csv"
    path.write_bytes(TEXT)
    file = CSVFile("things", path=path)
    path.unlink()
    assert manager.etl_data({"things": file}, "d").is_failure


def test_what_a_later_version_noted_is_left_out():
    document = json.loads(json.dumps(Provenance().to_dict())) | {"colour": "green"}
    document["files"] = [{"name": "t", "extension": "csv", "owner": "me"}]
    assert Provenance.from_dict(document).files[0].name == "t"
    (message,) = messages_from_list([{"severity": "ERROR", "message": "x", "later": 1}])
    assert str(message) == "ERROR: x"
    assert Provenance.from_dict({}).files == ()


def test_where_no_descriptor_is_left_the_version_is_left_out():
    program = """
import os, resource
import algomancy_data.provenance as provenance
lowest = os.dup(0)
resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, lowest))
os.close(lowest)
print(provenance.Provenance().library)
"""
    assert subprocess.check_output([sys.executable, "-c", program]) == b"algomancy-data\n"


@pytest.mark.parametrize("length", [0, 1, 2**18, 2**18 + 1, 2**20])
def test_a_file_is_known_by_its_bytes_however_many(manager, tmp_path, length):
    path = tmp_path / "things.csv"
    path.write_bytes(b"id;name\n1;" + b"x" * length + b"\n")
    stored = path.read_bytes()
    (file,) = ingested(manager, CSVFile("things", path=path)).files
    assert (file.sha256, file.size) == (hashlib.sha256(stored).hexdigest(), len(stored))


def test_small_files_take_no_thread_and_stand_in_order_among_large_ones(tmp_path, monkeypatch):
    begun, start = [], threading.Thread.start

    def noted(thread):
        begun.append(thread.name)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", noted)
    files = {}
    for name, length in {"a": 10, "b": 2**19, "c": 0, "d": 2**17}.items():
        path = tmp_path / f"{name}.csv"
        path.write_bytes(b"x" * length)
        files[name] = CSVFile(name, path=path)
    with InputDigests({name: file for name, file in files.items() if name != "b"}) as inputs:
        assert [file.size for file in inputs.result()] == [10, 0, 2**17]
    assert begun == []
    with InputDigests(files) as inputs:
        found = {file.name: (file.size, file.sha256) for file in inputs.result()}
    assert len(begun) == 1
    contents = {name: (tmp_path / f"{name}.csv").read_bytes() for name in files}
    assert list(found.items()) == [
        (name, (len(content), hashlib.sha256(content).hexdigest()))
        for name, content in contents.items()
    ]
