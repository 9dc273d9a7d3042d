"""A file of the folder that is not what was written is an error of its dataset, and of no other."""

from __future__ import annotations

import json
import os
import random
import zlib
from unittest.mock import Mock, patch

import polars as pl
import pytest

from algomancy_data.errors import DamagedStoreError, StoreError
from algomancy_data.folder import table_files
from algomancy_data.folder.reader import PRIVATE
from algomancy_data.store import DatasetInfo
from algomancy_data.testing.comparison import assert_identical

pytestmark = pytest.mark.filterwarnings("ignore:StatefulDataManager:DeprecationWarning")

FRAME = pl.DataFrame(
    {
        "x": [1, 2, None],
        "s": ["a", "a text of more than twelve bytes", None],
        "l": [[{"a": 1.5}], [], None],
        "e": pl.Series(["b", None, "a"], dtype=pl.Enum(["a", "b"])),
        "w": pl.Series([2**100, None, -1], dtype=pl.Int128),
    }
)


def table_file(folder, name="d"):
    (path,) = (folder / PRIVATE).glob(f"{name}.*/0.arrow")
    return path


def resigned(content, change):
    document = json.loads(content)
    del document["crc32"]
    change(document)
    lines = (f"  {json.dumps(key)}: {json.dumps(value)},\n" for key, value in document.items())
    body = "".join(["{\n", *lines]).encode()
    return body + b'  "crc32": %d\n}\n' % zlib.crc32(body)


def test_no_flipped_bit_of_a_table_is_served_as_data(folder, open_manager, source):
    open_manager().add_data_source(source(t=FRAME))
    path = table_file(folder)
    content, flips = path.read_bytes(), random.Random(13)  # noqa: S311  no secret
    for _ in range(40):
        mutated = bytearray(content)
        mutated[flips.randrange(len(content))] ^= 1 << flips.randrange(8)
        path.write_bytes(mutated)
        manager = open_manager()
        if manager.startup_errors:  # the file does not begin or end as it should
            continue
        with pytest.raises(DamagedStoreError, match=r"'d', table 't'.*is damaged"):
            manager.get_data("d")
        assert isinstance(manager.verify()[0].problem, str)
    path.write_bytes(content)
    assert_identical(open_manager().get_data("d").get_table("t"), FRAME)


def test_verify_says_which_file_there_is_no_memory_to_read(folder, open_manager, source):
    manager = open_manager()
    manager.add_data_source(source(t=FRAME))
    # A mock's frames are those of the standard library: it fails where a library would.
    with patch.object(table_files, "verify_file", Mock(side_effect=MemoryError)):
        (damage,) = manager.verify()
    assert damage.path == str(table_file(folder))
    assert damage.problem.startswith("Reading it failed: ")


def test_a_file_is_verified_once_by_a_process_and_again_when_it_was_changed(
    folder, open_manager, source, monkeypatch
):
    open_manager().add_data_source(source(t=FRAME))
    verified = []
    verify = table_files.verify_file
    monkeypatch.setattr(
        table_files,
        "verify_file",
        lambda path, stored: (verified.append(path), verify(path, stored)),
    )
    for _ in range(2):
        assert_identical(open_manager().get_data("d").get_table("t"), FRAME)
    assert verified == [table_file(folder)]
    os.utime(table_file(folder), ns=(1, 1))
    open_manager().get_data("d")
    open_manager(verify_on_load=False).refresh()
    assert len(verified) == 2


def test_a_layout_that_leads_outside_the_file_is_refused_without_check_sums_as_well(
    folder, open_manager, source
):
    open_manager().add_data_source(source(t=FRAME))
    path = table_file(folder)
    content = path.read_bytes()
    length = int.from_bytes(content[-10:-6], "little")
    for wrong in (length + 10_000, 0, 2**31 - 1):
        path.write_bytes(content[:-10] + wrong.to_bytes(4, "little") + content[-6:])
        with pytest.raises(StoreError, match="'d', table 't'"):
            open_manager(verify_on_load=False).get_data("d")


def of_document(**members):
    """Change what is said of a dataset, and let the check sum fit."""
    return lambda content: resigned(content, lambda document: document.update(members))


def of_table(**members):
    return lambda content: resigned(content, lambda document: document["tables"][0].update(members))


def twice(document):
    document["tables"] *= 2


CHANGES = {
    "cut off": lambda content: content[:-20],
    "another head": lambda content: content.replace(b"data folder", b"data holder", 1),
    "other rows": lambda content: content.replace(b'"rows": 3', b'"rows": 4', 1),
    "deeply nested": lambda content: content[:90] + b"[" * 100_000 + content[90:],
    "provenance": of_document(provenance=5),
    "messages": of_document(messages="5"),
    "tables": of_document(tables={}),
    "metadata": of_document(metadata=[]),
    "ordinal": of_document(ordinal=1e999),
    "kind": of_document(kind="graph"),
    "directory": of_document(directory="../d"),
    "a table twice": lambda content: resigned(content, twice),
    "schema": of_table(schema=[["x"]]),
    "check sums": of_table(crc32=[]),
    "rows": of_table(rows="3"),
    "a surrogate": of_table(name="\ud800"),
    "no key": lambda content: resigned(content, lambda document: document.pop("key")),
}


@pytest.mark.parametrize("change", sorted(CHANGES.keys() - {"check sums"}))
def test_damaged_metadata_is_listed_with_what_is_wrong(folder, open_manager, source, change):
    open_manager().add_data_source(source(t=FRAME))
    open_manager().add_data_source(source("other", t=FRAME))
    path = folder / "d.json"
    path.write_bytes(CHANGES[change](path.read_bytes()))
    manager = open_manager()
    whole, unread = manager.describe_all()
    assert (whole.name, whole.rows, whole.problem) == ("other", FRAME.height, "")
    assert unread == DatasetInfo("d", "", "", None, problem=unread.problem)
    assert unread.problem == manager.verify("d")[0].problem
    assert manager.describe_all(newest=1) == [unread]
    assert "2 datasets" in str(manager)
    assert any(line.endswith(" damaged") for line in str(manager).splitlines())


@pytest.mark.parametrize("change", CHANGES)
def test_damaged_metadata_is_reported_and_can_be_overwritten_and_deleted(
    folder, open_manager, source, change
):
    open_manager().add_data_source(source(t=FRAME))
    open_manager().add_data_source(source("other", t=FRAME))
    path = folder / "d.json"
    damaged = CHANGES[change](path.read_bytes())
    path.write_bytes(damaged)
    manager = open_manager()
    with pytest.raises(StoreError):
        manager.get_data("d")
    assert [damage.dataset for damage in manager.verify()] == ["d"]
    assert [damage.dataset for damage in manager.verify("d")] == ["d"]
    assert_identical(manager.get_data("other").get_table("t"), FRAME)
    manager.add_data_source(source(t=FRAME.head(1)))
    assert_identical(open_manager().get_data("d").get_table("t"), FRAME.head(1))
    assert open_manager().verify() == []
    path.write_bytes(damaged)
    manager = open_manager()
    manager.delete_data("d")
    assert open_manager().get_data_keys() == ["other"]
    assert not path.exists()


def test_a_dataset_with_wide_integers_is_stored_again_only_if_it_was_changed(
    folder, open_manager, source
):
    frame = FRAME.with_columns(u=pl.Series([2**127, None, 0], dtype=pl.UInt128))
    manager = open_manager()
    nested = frame.select(pl.struct("w", "u"), pl.concat_list("u").alias("l"))
    manager.add_data_source(source(t=frame, n=nested))
    manager = open_manager()
    data = manager.get_data("d")
    before = (folder / "d.json").read_bytes()
    manager.store_data_source_as_json("d", allow_overwrite=True)
    manager.derive_data("d", "copy")
    assert (folder / "d.json").read_bytes() == before
    data.tables["t"] = frame.with_columns(u=pl.Series([2**127, None, 1], dtype=pl.UInt128))
    manager.store_data_source_as_json("d", allow_overwrite=True)
    assert open_manager().get_data("d").get_table("t")["u"].to_list() == [2**127, None, 1]
