"""What is known of a dataset is one value, the same from every store."""

from __future__ import annotations

import json
from dataclasses import replace

import polars as pl
import pytest

from algomancy_data import DataSource, ValidationMessage, ValidationSeverity
from algomancy_data.database import DatabaseStore
from algomancy_data.errors import DamagedStoreError
from algomancy_data.folder import FolderStore
from algomancy_data.folder.manifest import signed
from algomancy_data.store import DatasetInfo, MemoryStore, TableInfo

FRAME = pl.DataFrame({"x": [1, 2, 3], "s": ["a", None, "b"]})


@pytest.fixture
def source():
    source = DataSource("master_data", name="its own")
    source.add_table("t", FRAME)
    source.validation_messages = [
        ValidationMessage(ValidationSeverity.ERROR, "null", table="t", count=7),
        ValidationMessage(ValidationSeverity.INFO, "fine"),
    ]
    return source


@pytest.fixture(params=["memory", "folder", "database"])
def store(request, tmp_path):
    made = {
        "memory": MemoryStore,
        "folder": lambda: FolderStore(tmp_path / "data", DataSource),
        "database": lambda: DatabaseStore(f"sqlite:///{tmp_path}/x.db", "s"),
    }[request.param]()
    made.open()
    yield made
    made.close()


def test_every_store_knows_the_same_of_a_dataset(store, source):
    saved = store.save("a", source)
    info = store.describe("a")
    assert store.describe_all() == [info]
    assert info.version == store.version("a") == saved.version
    (size,) = (table.bytes for table in info.tables.values())
    assert size >= 1
    assert replace(info, tables={"t": replace(info.tables["t"], bytes=None)}) == DatasetInfo(
        "a",
        source.id,
        "master_data",
        source.creation_datetime,
        {"t": TableInfo(3, None, FRAME.schema)},
        saved.provenance,
        tuple(source.validation_messages),
        saved.version,
    )
    assert dict(info.findings) == {"ERROR": 7, "INFO": 1}


def test_a_copy_says_the_name_under_which_its_source_is_kept(store, source):
    store.save("a", source)
    copied = store.copy("a", "b", "id of b", DataSource)
    info = store.describe("b")
    assert (info.name, info.ds_type, info.messages) == ("b", "derived_data", ())
    assert info.version == copied.version != store.version("a")
    if not store.shares_objects:  # in memory the DataSource says its own name
        assert (info.ds_id, info.provenance.derived_from) == ("id of b", "a")


def test_a_dataset_of_an_empty_identity_takes_back_what_is_known_of_it(source):
    info = DatasetInfo.of("a", source)
    again = info.empty(DataSource)
    info.tell(again)
    assert (again.name, again.id, again.list_tables()) == ("a", source.id, [])
    assert DatasetInfo.of("a", again, info.tables) == info


def test_a_folder_lists_a_table_of_a_dtype_of_a_later_version_and_does_not_copy_it(
    tmp_path, source
):
    store = FolderStore(tmp_path, DataSource)
    store.save("a", source)
    path = tmp_path / "a.json"
    document = json.loads(path.read_bytes())
    del document["crc32"]
    document["tables"][0]["schema"][0][1] = "Int4096"
    lines = "".join(f"  {json.dumps(key)}: {json.dumps(one)},\n" for key, one in document.items())
    path.write_bytes(signed(f"{{\n{lines}".encode()))
    info = store.describe("a")
    assert "Int4096" in info.problem
    assert (info.rows, info.tables["t"].schema) == (3, None)
    with pytest.raises(DamagedStoreError, match="Int4096"):
        store.copy("a", "b", "id of b", DataSource)
    assert not (tmp_path / "b.json").exists()
