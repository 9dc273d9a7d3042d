"""The format that docs/folder-format.md describes: data written by each version is read forever."""

from __future__ import annotations

import datetime as dt
import json
import math
import shutil
import zlib
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from algomancy_data import BaseDataSource, DataClassification, DataSource
from algomancy_data.errors import SchemaDriftError
from algomancy_data.testing import assert_identical

pytestmark = pytest.mark.filterwarnings("ignore:StatefulDataManager:DeprecationWarning")

VERSION_1 = Path(__file__).parents[1] / "data" / "folder-v1"
VERSION_2 = VERSION_1.with_name("folder-v2")
MOMENT = dt.datetime(2024, 2, 29, 23, 59, 59, 999_999)
FRAMES = {
    "numbers": pl.DataFrame(
        {
            "i8": pl.Series([-128, 127, None], dtype=pl.Int8),
            "u64": pl.Series([0, 2**64 - 1, None], dtype=pl.UInt64),
            "f32": pl.Series([0.1, -0.0, None], dtype=pl.Float32),
            "f64": [math.nan, -math.inf, None],
            "dec": pl.Series(["-0.01", "99999999.99", None]).cast(pl.Decimal(10, 2)),
            "b": [True, False, None],
        }
    ),
    "wide numbers": pl.DataFrame({"i128": pl.Series([-(2**127), None], dtype=pl.Int128)}),
    "texts": pl.DataFrame(
        {
            "s": ["", "a\0b", "\U0001f986 longer than twelve bytes", None],
            "bytes": [b"", b"\0\xff", b"longer than twelve bytes", None],
            "c": pl.Series(["b", "a", "b", None], dtype=pl.Categorical()),
            "e": pl.Series(["b", "a", "b", None], dtype=pl.Enum(["unused", "a", "b"])),
        }
    ),
    "times": pl.DataFrame({"naive": [MOMENT, None]}).with_columns(
        zoned=pl.col("naive").dt.replace_time_zone("Europe/Amsterdam"),
        ns=pl.col("naive").cast(pl.Datetime("ns")),
        date=pl.col("naive").dt.date(),
        time=pl.col("naive").dt.time(),
        duration=pl.col("naive") - pl.datetime(1970, 1, 1),
    ),
    "nested": pl.DataFrame(
        {
            "l": [[1.5, math.nan, None], [], None],
            "s": [{"a": MOMENT, "b": b"x"}, None, None],
            "a": pl.Series([[1, 2], None, [3, 4]], dtype=pl.Array(pl.Int8, 2)),
            "none": pl.Series([[], None, []], dtype=pl.Array(pl.Int8, 0)),
        }
    ),
    "no rows": pl.DataFrame(schema={"a": pl.Int8, "b": pl.Null}),
    "no columns": pl.DataFrame(height=3),
}
GROWN = pl.DataFrame(
    {
        "i": [1, 2, 3, None, 5],
        "c": pl.Series(["b", None, "a", "b", "c"], dtype=pl.Categorical()),
        "note": [None, None, None, None, "new"],
    }
)


class Text(BaseDataSource):
    """A DataSource that only its class understands."""

    text = ""

    def to_json(self):
        return json.dumps({"name": self.name, "id": self.id, "text": self.text})

    @classmethod
    def from_json(cls, json_string):
        values = json.loads(json_string)
        made = cls("derived_data", name=values["name"], ds_id=values["id"])
        made.text = values["text"]
        return made


class Network(Text):
    """A DataSource with frames in it."""

    edges = pl.DataFrame()

    def to_payload(self):
        return {"name": self.name, "id": self.id, "directed": True}, {"edges": self.edges}

    @classmethod
    def from_payload(cls, metadata, tables):
        made = cls("master_data", name=metadata["name"], ds_id=metadata["id"])
        made.edges = tables["edges"]
        return made


@pytest.fixture
def version_1(folder):
    shutil.copytree(VERSION_1, folder)
    return folder


def test_tables_of_version_1_are_read_identical(open_manager, version_1):
    manager = open_manager()
    assert manager.startup_errors == []
    assert manager.get_data_keys() == ["example", "text", "network"]
    assert manager.verify() == []
    read = manager.get_data("example")
    assert read.id == "00000000-0000-0000-0000-000000000001"
    assert (read.name, read.ds_type) == ("Example", DataClassification.DUMMY_DATA)
    assert read.creation_datetime == MOMENT
    assert read.provenance is not None
    assert read.provenance.files[0].sha256 == "ab" * 32
    assert read.provenance.made_at == MOMENT.replace(tzinfo=dt.UTC)
    assert list(map(str, read.validation_messages)) == [
        "ERROR: null key [table=numbers, column=i8, row=2, code=PK_NULL]"
    ]
    assert read.list_tables() == list(FRAMES)
    for name, frame in FRAMES.items():
        assert_identical(read.get_table(name), frame)


def test_classes_of_version_1_are_read_by_what_they_hand_out(open_manager, version_1):
    text = open_manager(Text).get_data("text")
    assert (text.id, text.text) == ("2", "anything \U0001f986")
    network = open_manager(Network).get_data("network")
    assert network.id == "3"
    assert_identical(network.edges, pl.DataFrame({"from": [1, 2], "to": [2, 3]}))


def test_another_program_reads_it_with_an_arrow_library_and_a_json_parser(version_1):
    document = json.loads((version_1 / "example.json").read_text())
    assert (document["format"], document["format_version"]) == ("algomancy-data folder", 1)
    home = version_1 / ".algomancy-data" / document["directory"]
    for table in document["tables"]:
        path = home / table["file"]
        content = path.read_bytes()
        assert len(content) == table["bytes"]
        assert [zlib.crc32(content)] == table["crc32"]
        if table["name"] != "wide numbers":  # which of the libraries only Polars reads so far
            read = pa.ipc.open_file(path).read_all()
            assert read.num_rows == table["rows"] or not table["schema"]
            assert read.column_names == [name for name, _ in table["schema"]]


def test_what_is_written_today_has_the_same_form(open_manager, folder, version_1, tmp_path):
    made = DataSource("dummy_data", name="Example", ds_id="x", creation_datetime=MOMENT)
    made.tables = FRAMES
    open_manager(path=tmp_path / "today").set_data("example", made)
    now = json.loads((tmp_path / "today" / "example.json").read_text())
    then = json.loads((version_1 / "example.json").read_text())
    assert list(now) == list(then)
    assert now["format_version"] == then["format_version"]
    assert list(now["metadata"]) == list(then["metadata"])
    for new, old in zip(now["tables"], then["tables"], strict=True):
        assert list(new) == list(old)
        assert [new[key] for key in ("name", "rows", "file", "schema")] == [
            old[key] for key in ("name", "rows", "file", "schema")
        ]


def test_tables_of_version_2_are_read_part_by_part(open_manager, folder):
    shutil.copytree(VERSION_2, folder)
    read = open_manager().get_data("grown").get_table("t")
    assert_identical(read, GROWN)
    assert open_manager().verify() == []
    document = json.loads((folder / "grown.json").read_text())
    home = folder / ".algomancy-data" / document["directory"]
    (table,) = document["tables"]
    assert document["format_version"] == 2
    assert [(part["rows"], part["columns"]) for part in table["parts"]] == [(4, 2), (1, 3)]
    parts = [pa.ipc.open_file(home / part["file"]).read_all() for part in table["parts"]]
    assert [part.column_names for part in parts] == [["i", "c"], ["i", "c", "note"]]


def test_rows_that_are_added_today_have_the_form_of_version_2(open_manager, folder):
    manager = open_manager()
    for rows in (GROWN.select("i", "c").head(4), GROWN.tail(1)):
        source = DataSource("master_data", name="grown")
        source.add_table("t", rows)
        manager.add_data_source(source, mode="append")
    now = json.loads((folder / "grown.json").read_text())
    then = json.loads((VERSION_2 / "grown.json").read_text())
    assert list(now) == list(then)
    assert now["tables"] == then["tables"]


def test_a_later_version_is_refused_and_not_guessed_at(open_manager, version_1):
    path = version_1 / "text.json"
    path.write_text(path.read_text().replace('"format_version": 1', '"format_version": 3'))
    manager = open_manager()
    ((place, error),) = manager.startup_errors
    assert place == str(path)
    assert isinstance(error, SchemaDriftError)
    assert "later version" in str(error)
    assert manager.get_data_keys() == ["example", "network"]
