"""Stores that earlier versions wrote are read, changed and emptied by this one.

``tests/data/database-v1/store.db`` was written by the code as it was before table names kept the
characters that the user wrote: :func:`content` into each session with ``add_data_source``, then
``derive_data`` for those in ``DERIVED``, with ``?page_size=1024&journal_mode=delete``.
"""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from algomancy_data import BaseDataSource, DataClassification, DataSource
from algomancy_data.messages import ValidationMessage, ValidationSeverity

STORE = Path(__file__).parents[1] / "data" / "database-v1" / "store.db"
UUID = "7a05c1de-93b4-4c6e-8f0a-5b1d2e3f4a5b"
CREATED = datetime(2024, 5, 1, 12, 30)
ITEMS = pl.DataFrame(
    {
        "id": pl.Series([3, 1, 2], dtype=pl.Int16),
        "Name": ["a", None, "ß"],
        "name": [0.1, float("nan"), None],
        "day": pl.Series(["2024-02-29", None, "1999-12-31"]).str.to_date(),
        "tags": [["x"], [], None],
    }
)
SMALL = pl.DataFrame({"x": [1, 2]})
ODD_NAMES = (
    "plain",
    "Plain",
    "My sales",
    "a__b",
    "_edge_",
    "naïve.v2 – Ü",
    'quote " and %',
    "x" * 70,
)
DERIVED = {UUID: ("My sales", "my sales, copied"), "demo": ("a__b", "a-b")}
ASIDE = {
    "items": ITEMS,
    "items__quarantine": pl.DataFrame({"id": ["x"], "row": [7], "reasons": ["no number"]}),
}


class Note(BaseDataSource):
    """Kept as text; in chunks, if there is a NUL in it."""

    text = ""

    def to_json(self):
        return json.dumps({"id": self.id, "name": self.name}) + self.text

    @classmethod
    def from_json(cls, json_string):
        fields, end = json.JSONDecoder().raw_decode(json_string)
        note = cls("master_data", fields["name"], ds_id=fields["id"])
        note.text = json_string[end:]
        return note


class Frames(Note):
    """Kept as Arrow data."""

    frames: dict[str, pl.DataFrame]

    def to_payload(self):
        return {"name": self.name, "id": self.id}, self.frames

    @classmethod
    def from_payload(cls, metadata, tables):
        data = cls("master_data", metadata["name"], ds_id=metadata["id"])
        data.frames = tables
        return data


def content():
    """Return the datasets of each session."""
    found = {UUID: {}, "demo": {}, "notes": {}, "frames": {}}

    def add(session, name, tables):
        source = DataSource(
            DataClassification.MASTER_DATA,
            name=name,
            ds_id=f"{session} {name}",
            creation_datetime=CREATED,
        )
        source.tables = tables
        source.validation_messages = [
            ValidationMessage(ValidationSeverity.WARNING, "odd", table="items", row=2, code="ODD")
        ]
        found[session][name] = source

    add(UUID, "My sales", {"Line items": ITEMS, "orders": SMALL, "nothing": pl.DataFrame()})
    add(UUID, "sorted", ASIDE)
    for name in ODD_NAMES:
        add("demo", name, {"t": SMALL.with_columns(pl.lit(name).alias("s"))})
    for name, text in (("short", " text"), ("in chunks", " \0")):
        note = Note("master_data", name, ds_id=name)
        note.text = text
        found["notes"][name] = note
    frames = Frames("master_data", "arrow", ds_id="arrow")
    frames.frames = {"items": ITEMS}
    found["frames"]["arrow"] = frames
    return found


@pytest.fixture
def path(path):
    shutil.copy(STORE, path)
    return path


def test_a_store_with_the_names_of_before_is_read(new_manager, path, outside):
    for session, datasets in content().items():
        manager = new_manager(session=session, cls=type(next(iter(datasets.values()))))
        derived = [DERIVED[session][1]] if session in DERIVED else []
        assert manager.get_data_keys() == [*datasets, *derived]
        assert manager.verify() == manager.leftovers() == []
        for name, written in datasets.items():
            read = manager.get_data(name)
            assert read.id == written.id
            if isinstance(written, DataSource):
                assert list(read.tables) == list(written.tables)
                assert read.creation_datetime == CREATED
                assert read.validation_messages == written.validation_messages
                assert all(read.tables[one].equals(written.tables[one]) for one in read.tables)
            elif isinstance(written, Frames):
                assert read.frames["items"].equals(written.frames["items"])
            else:
                assert read.text == written.text
        manager.close()
    query = 'SELECT session, dataset, "table", rows, columns FROM algomancy_tables'
    shown = outside(path, query)
    assert [UUID, "My sales", "Line items", 3, 5] in shown
    assert [UUID, "sorted", "items__quarantine", 1, 3] in shown
    assert len(shown) == 17


def test_what_is_written_to_it_has_the_names_of_today(new_manager, path, outside, dataset):
    manager = new_manager(session=UUID)
    manager.add_data_source(dataset("My sales", {"Line items": SMALL, "new": ITEMS}))
    manager.derive_data("sorted", "sorted again")
    manager.delete_data("my sales, copied")
    manager.refresh()
    assert manager.get_data("My sales").get_table("new").equals(ITEMS)
    assert manager.get_data("sorted again").get_table("items").equals(ITEMS)
    assert manager.verify() == manager.leftovers() == []
    manager.close()
    names = {name for (name,) in outside(path, "SELECT sql_name FROM algomancy_tables")}
    tables = outside(path, "SELECT name FROM sqlite_schema WHERE type = 'table'")
    assert names == {name for (name,) in tables if name.startswith("ds__")}
    before, today = f"ds__{UUID}__".replace("-", "_"), f"ds__{UUID}__"
    assert {name.split("__")[2] for name in names if name.startswith(before)} == {"sorted"}
    assert names >= {
        f"{today}My sales__Line items",
        f"{today}My sales__new",
        f"{today}sorted again__items",
    }


def test_it_can_be_emptied_and_what_is_lost_in_it_is_found(new_manager, path, outside):
    outside(path, "DELETE FROM algomancy_datasets WHERE name IN ('My sales', 'a__b')")
    for session, lost in ((UUID, 3), ("demo", 2), ("notes", 0), ("frames", 0)):
        manager = new_manager(session=session)
        found = manager.leftovers()
        assert [one.is_proven for one in found] == [True] * lost
        assert manager.clear_leftovers() == found
        for name in manager.get_data_keys():
            manager.delete_data(name)
        manager.close()
    assert outside(path, "SELECT count(*) FROM sqlite_schema WHERE name GLOB 'ds__*'") == [[0]]
    assert outside(path, "SELECT count(*) FROM algomancy_payload_chunks") == [[0]]
