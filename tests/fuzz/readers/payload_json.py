"""The JSON of a payload in a database: what the class wrote, and where its parts lie."""

import zlib

import polars as pl

from algomancy_data import BaseDataSource, DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager
from algomancy_data.errors import AlgomancyDataError

TABLE = pl.DataFrame({"x": [1, None], "l": [["a"], None], "day": pl.Series([1, 2]).cast(pl.Date)})
RIGHT_SUM = """
    UPDATE algomancy_datasets SET payload_layout = json_set(payload_layout, '$.text_crc32', ?)
"""


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


def opened(cls):
    manager = DatabaseDataManager(SimpleETLFactory, [], "sqlite://", "s", cls)
    manager.startup()
    manager.add_data_source(cls("master_data", name="d", ds_id="d"))
    return manager


KINDS = [(Wrapped, "payload"), (InArrow, "payload"), (InArrow, "payload_layout")]
MANAGERS = [(cls, opened(cls), column) for cls, column in KINDS]


def seeds():
    found = []
    for _, manager, column in MANAGERS:
        with manager.engine.connect() as connection:
            query = f"SELECT {column} FROM algomancy_datasets"
            found.append(connection.exec_driver_sql(query).scalar().encode())
    return found


def read(data, home):
    del home
    text = data.decode("utf-8", "replace")
    refusals = []
    for cls, manager, column in MANAGERS:
        with manager.engine.begin() as connection:
            connection.exec_driver_sql(f"UPDATE algomancy_datasets SET {column} = ?", (text,))
            if column == "payload":  # with the right check sum, to be read
                connection.exec_driver_sql(RIGHT_SUM, (zlib.crc32(text.encode()),))
        manager.refresh()
        manager.verify()
        try:
            manager.get_data("d")
        except AlgomancyDataError as error:
            refusals.append(error)
        manager.add_data_source(cls("master_data", name="d", ds_id="d"))
        assert manager.get_data("d") is not None
    if len(refusals) == len(MANAGERS):  # each seed is right in one place only
        raise refusals[0]
