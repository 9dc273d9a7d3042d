"""The JSON of a payload in a database: what the class wrote, and where its parts lie.

Each input changes a dataset of its own, in stores of many, which are looked at once for all.
"""

import zlib

import polars as pl
from structures import change_json

from algomancy_data import BaseDataSource, DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager
from algomancy_data.errors import AlgomancyDataError

TABLE = pl.DataFrame({"x": [1, None], "l": [["a"], None], "day": pl.Series([1, 2]).cast(pl.Date)})
RIGHT_SUM = """
    UPDATE algomancy_datasets SET payload_layout = json_set(payload_layout, '$.text_crc32', ?)
    WHERE name = ?
"""
TOGETHER = 25
CHANGES = (change_json,)
NAMES = [f"d{number:02}" for number in range(TOGETHER)]
RIGHT_OF = {}


class Wrapped(BaseDataSource):
    """Kept as the text of a DataSource in it."""

    def to_json(self):
        source = DataSource("master_data", name=self.name, ds_id=self.id)
        source.add_table("t", TABLE)
        return source.to_json()

    @classmethod
    def from_json(cls, json_string):
        source = DataSource.from_json(json_string)
        return cls("master_data", source.name, ds_id=source.id)


class InArrow(Wrapped):
    """Kept as Arrow data."""

    def to_payload(self):
        return {"id": self.id, "name": self.name}, {"t": TABLE}

    @classmethod
    def from_payload(cls, metadata, tables):
        del tables
        return cls("master_data", metadata["name"], ds_id=metadata["id"])


def dataset(cls, name):
    return cls("master_data", name=name, ds_id=name)


def opened(cls):
    manager = DatabaseDataManager(SimpleETLFactory, [], "sqlite://", "s", cls)
    manager.startup()
    for name in NAMES:
        manager.add_data_source(dataset(cls, name))
    return manager


KINDS = [(Wrapped, "payload"), (InArrow, "payload"), (InArrow, "payload_layout")]
MANAGERS = [(cls, opened(cls), column) for cls, column in KINDS]


def seeds():
    for kind, (_, manager, column) in enumerate(MANAGERS):
        with manager.engine.connect() as connection:
            rows = connection.exec_driver_sql(f"SELECT name, {column} FROM algomancy_datasets")
            RIGHT_OF.update({(kind, name): text for name, text in rows})
    return [RIGHT_OF[kind, NAMES[0]].encode() for kind in range(len(KINDS))]


def read_together(inputs, home):
    """Return the refusal of each input, or None."""
    del home
    texts = {
        name: data.decode("utf-8", "replace") for name, data in zip(NAMES, inputs, strict=False)
    }
    refused = {name: [] for name in texts}
    for kind, (cls, manager, _) in enumerate(MANAGERS):
        with manager.engine.begin() as connection:
            for name, text in texts.items():
                change(connection, kind, name, text)
        manager.refresh()
        manager.verify()
        for name in texts:
            try:
                manager.get_data(name)
            except AlgomancyDataError as error:
                refused[name].append(error)
        for name in texts:
            manager.add_data_source(dataset(cls, name))
            assert manager.get_data(name) is not None
        manager.refresh()
        assert manager.get_data(NAMES[0]).name == NAMES[0]
    # Each seed is right in one place only.
    return [found[0] if len(found) == len(KINDS) else None for found in refused.values()]


def change(connection, kind, name, text):
    """Write a text in its place; a seed, which is of the first dataset, as it is in this one."""
    column = KINDS[kind][1]
    right = text == RIGHT_OF[kind, NAMES[0]]
    written = RIGHT_OF[kind, name] if right else text.replace(NAMES[0], name)
    statement = f"UPDATE algomancy_datasets SET {column} = ? WHERE name = ?"
    connection.exec_driver_sql(statement, (written, name))
    if column == "payload":  # with the right check sum, to be read
        connection.exec_driver_sql(RIGHT_SUM, (zlib.crc32(written.encode()), name))
