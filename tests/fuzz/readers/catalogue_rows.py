"""A value of the catalogue that somebody changed, in a store with a sound dataset beside it."""

import json
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from tempfile import mkdtemp

import polars as pl

from algomancy_data import BaseDataSource, DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager
from algomancy_data.errors import AlgomancyDataError, SchemaDriftError
from algomancy_data.messages import ValidationMessage, ValidationSeverity
from algomancy_data.provenance import Provenance
from algomancy_data.testing.comparison import assert_identical

TABLE = pl.DataFrame({"x": [1, None], "l": [["a"], None], "day": pl.Series([1, 2]).cast(pl.Date)})
DAMAGED = ("tables", "text")
CONTENT = ("sub_tables", "payload", "payload_layout")
COLUMNS = (
    *("id", "ds_type", "creation_datetime", "added_at", "version", "format_version"),
    *("provenance", "messages", *CONTENT),
)
VALUES = (
    *("", " ", "null", "true", "5", "-1", "1.5", "1e999", "NaN", '""', "[", "[]", "{}", "[null]"),
    *("[{}]", "[[]]", '{"tables": []}', '{"tables": {"t": {"rows": -1, "bytes": 0}}}', "\0"),
    *("9" * 5000, "[" * 100_000, '{"a":' * 100_000, "a" * 1_000_000, "ß€😀", "'; --", "infinity"),
    *("0001-01-01 00:00:00", "9999-12-31 23:59:59.999999", "2026-02-30", "2026-01-01T00:00+14:00"),
    *("master_data", "derived_data", "dummy_data", b"", b"\xff", b"\0" * 9),
    *(0, -1, 2, 2**63 - 1, -(2**63), 0.5, float("inf")),
)
MEMBERS = (
    *(None, True, -1, 0, 1, 3, 2**62, 2**64, 10**400, 0.5, "", "a" * 300, "\0", "\ud800", "ß"),
    *([], {}, [None], [[]], {"": None}, "t", "x", "Int8", "String", "users"),
    *("algomancy_datasets", "sqlite_master", "ds__s__sound__t", "DS__S__SOUND__T", "ds__gone"),
)
MOMENT = datetime(2026, 1, 2, 3, 4, 5, 6)
HOME = Path(mkdtemp(prefix="fuzz-catalogue-"))
RIGHT = {}
ANY_TEXT = "CAST(? AS TEXT)"  # also one that is not UTF-8


class Text(BaseDataSource):
    """Kept as the text of a DataSource, and read as one."""

    def to_json(self):
        return dataset(self.name).to_json()

    @classmethod
    def from_json(cls, json_string):
        raise NotImplementedError


def dataset(name):
    source = DataSource("master_data", name=name, ds_id=name, creation_datetime=MOMENT)
    source.add_table("t", TABLE)
    source.validation_messages = [ValidationMessage(ValidationSeverity.ERROR, "bad", "t", "x", 1)]
    source.provenance = Provenance("algomancy-data 1", MOMENT.replace(tzinfo=UTC))
    return source


def opened(url, cls=DataSource):
    manager = DatabaseDataManager(SimpleETLFactory, [], url, "s", cls)
    manager.startup()
    return manager


def fill(url):
    """Write the datasets, and a table of somebody else's; return the rows to be damaged."""
    manager = opened(url, Text)
    text = Text("master_data", name="text", ds_id="text", creation_datetime=MOMENT)
    text.provenance = dataset("text").provenance
    manager.add_data_source(text)
    manager.close()
    manager = opened(url)
    for name in ("tables", "sound"):
        manager.add_data_source(dataset(name))
    with manager.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE users (x INTEGER)")
        # Each run has the same inputs.
        connection.exec_driver_sql(
            f"UPDATE algomancy_datasets SET version = name, added_at = '{MOMENT}'"
        )
        rows = connection.exec_driver_sql("SELECT * FROM algomancy_datasets").mappings().all()
    manager.close()
    return [row for row in rows if row["name"] in DAMAGED]


def seeds():
    for row in fill(f"sqlite:///{HOME / 'seed.db'}?journal_mode=delete"):
        for column in COLUMNS:
            if row[column] is not None:
                RIGHT[f"{row['name']} {column}".encode()] = str(row[column]).encode()
    return [head + b"\n" + value for head, value in RIGHT.items()]


def change_of(data):
    """Return a dataset, a column, and what is written there, as an SQL expression and its value."""
    head, _, text = data.partition(b"\n")
    if RIGHT.get(head) == text:
        return (*head.decode().split(), ANY_TEXT, text)
    random = Random(data)  # noqa: S311  to be repeatable
    if head not in RIGHT:
        name, column = random.choice(DAMAGED), random.choice(COLUMNS)
        value = random.choice(VALUES if column not in CONTENT else (*VALUES, None))
        return name, column, "?", value
    if RIGHT[head][:2] in (b"[{", b'{"', b"{\n") and random.random() < 0.5:
        document = json.loads(RIGHT[head])
        change_member(document, random)
        text = json.dumps(document).encode()
    return (*head.decode().split(), ANY_TEXT, text)


def change_member(document, random):
    """Give one member of lists and objects another value, or take it out."""
    places = []
    found = [document]
    while found:
        one = found.pop()
        for key in one if isinstance(one, dict) else range(len(one)):
            places.append((one, key))
            if isinstance(one[key], dict | list):
                found.append(one[key])
    owner, key = random.choice(places)
    value = random.choice((*MEMBERS, ...))
    if value is ...:
        del owner[key]
    else:
        owner[key] = value


def read(data, home):
    name, column, written, value = change_of(data)
    path = home / "changed.db"
    for old in home.glob("changed.db*"):
        old.unlink()
    shutil.copy(HOME / "seed.db", path)
    # Closed again before the manager opens the file: these are two SQLite libraries.
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            f"UPDATE algomancy_datasets SET {column} = {written} WHERE name = ?", (value, name)
        )
    manager = opened(f"sqlite:///{path}?journal_mode=delete")
    try:
        use(manager, name, column)
    finally:
        manager.close()


def use(manager, name, column):
    """Do with a changed dataset what can be done, and see that the sound one stays as it was.

    Raises:
        AlgomancyDataError: There were refusals; it has the messages of all.
    """
    refusals = []

    def tried(call, *arguments):
        try:
            return call(*arguments)
        except AlgomancyDataError as error:
            refusals.append(error)
            return None

    assert {*manager.get_data_keys()} == {"sound", *DAMAGED}
    assert "sound" in {one.name for one in manager.summaries()}
    manager._repr_html_()
    with manager.engine.connect() as connection:
        shown = connection.exec_driver_sql("SELECT * FROM algomancy_tables").mappings().all()
    assert "sound" in {row["dataset"] for row in shown}
    # SQLite's own check names no dataset: some texts in a column of times or numbers are damage.
    damaged = {damage.dataset for damage in manager.verify()} - {""}
    assert damaged <= {name}
    kept = tried(manager.get_data, name)
    if column not in CONTENT:
        assert (kept is None) == bool(damaged)
    if kept is not None and column not in CONTENT:
        assert_identical(kept.get_table("t"), TABLE)
    tried(manager.summarize, name)
    tried(manager.query, "SELECT count(*) FROM users")
    if name == "tables":
        tried(manager.get_table, name, "t")
        tried(manager.query, "SELECT count(*) FROM t", [name])
    manager.refresh()
    tried(manager.derive_data, name, "derived")
    assert_sound(manager)
    for put in (lambda: manager.add_data_source(dataset(name)), lambda: manager.delete_data(name)):
        try:
            put()
        except SchemaDriftError as error:  # of a later version, it says
            assert column in ("format_version", "payload_layout")
            refusals.append(error)
        else:
            assert {damage.dataset for damage in manager.verify()} <= {"derived"}
        manager.clear_leftovers()
        assert_sound(manager)
    if refusals:
        raise AlgomancyDataError("\n".join(map(str, refusals)))


def assert_sound(manager):
    manager.refresh()
    assert_identical(manager.get_data("sound").get_table("t"), TABLE)
    assert manager.query("SELECT count(*) FROM t", ["sound"]).item() == TABLE.height
