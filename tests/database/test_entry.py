from __future__ import annotations

import polars as pl
import pytest

from algomancy_data import BaseDataSource
from algomancy_data.database.backend import backend_for
from algomancy_data.database.catalogue import Catalogue
from algomancy_data.database.entry import Entry
from algomancy_data.errors import TableNotFoundError
from algomancy_data.store import DatasetInfo, TableInfo


def test_an_entry_of_tables_knows_their_rows(manager, dataset):
    tables = {"t": pl.DataFrame({"x": [1, 2]}), "u": pl.DataFrame({"y": ["a"]})}
    manager.add_data_source(dataset(tables=tables))
    with manager.engine.begin() as connection:
        entry = Catalogue("s", backend_for(connection)).entry(connection, "d")
    assert entry is not None
    assert (entry.rows, entry.has_frames, entry.without_sums) == (3, True, [])
    assert [entry.table(name).height for name in "tu"] == [2, 1]
    assert {name: (one.rows, one.bytes) for name, one in entry.info.tables.items()} == {
        name: (frame.height, frame.estimated_size()) for name, frame in tables.items()
    }
    with pytest.raises(TableNotFoundError, match=r"'v'.*'t', 'u'"):
        entry.table("v")


class Text(BaseDataSource):
    """Is no tables."""

    text = "{}"

    def to_json(self):
        return self.text

    @classmethod
    def from_json(cls, json_string):
        made = cls("master_data", name="d")
        made.text = json_string
        return made


def test_an_entry_of_a_text_has_it(new_manager):
    manager = new_manager(cls=Text)
    manager.add_data_source(Text.from_json("a text"))
    with manager.engine.begin() as connection:
        entry = Catalogue("s", backend_for(connection)).entry(connection, "d")
    assert entry is not None
    assert (entry.tables, entry.rows) == (None, None)
    assert (entry.has_frames, entry.without_sums) == (False, [])
    assert entry.payload == "a text"
    assert new_manager(cls=Text).get_data("d").text == "a text"


def test_an_entry_of_a_text_without_a_sum_has_no_rows_and_says_what_lacks_the_sum():
    entry = Entry(DatasetInfo("d", "", "", None), payload="{}")
    assert (entry.rows, entry.has_frames) == (None, False)
    assert entry.without_sums == ["the text of its payload"]


class Notes(Text):
    """Is a text and a table beside it."""

    def to_payload(self):
        return self.text, {"t": pl.DataFrame({"x": [1, 2]})}

    @classmethod
    def from_payload(cls, metadata, tables):
        return cls.from_json(metadata)


def test_an_entry_of_a_payload_knows_how_large_its_tables_are_and_of_their_chunks(new_manager):
    manager = new_manager(cls=Notes)
    manager.add_data_source(Notes.from_json("a text"))
    with manager.engine.begin() as connection:
        catalogue = Catalogue("s", backend_for(connection))
        entry = catalogue.entry(connection, "d")
        occupants = [catalogue.occupant(connection, name) for name in "dx"]
    assert entry is not None
    assert (entry.tables, entry.has_frames) == (None, True)
    assert entry.info.tables == {"t": TableInfo(rows=2, bytes=16, schema=None)}
    assert [(one.is_there, one.has_chunks) for one in occupants] == [(True, True), (False, False)]
