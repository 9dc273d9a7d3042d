"""Values of the catalogue that somebody changed, in a store with a sound dataset beside them.

Each input changes a dataset of its own. A store holds those of many inputs, so that what looks at a
whole store does so once for all of them.
"""

import json
import shutil
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from typing import NamedTuple

import polars as pl
from structures import change_member

from algomancy_data import BaseDataSource, DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager
from algomancy_data.errors import AlgomancyDataError, SchemaDriftError
from algomancy_data.messages import ValidationMessage, ValidationSeverity
from algomancy_data.provenance import Provenance
from algomancy_data.testing.comparison import assert_identical

TABLE = pl.DataFrame({"x": [1, None], "l": [["a"], None], "day": pl.Series([1, 2]).cast(pl.Date)})
KINDS = ("tables", "text")
TOGETHER = 25
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
RIGHT_OF = {}
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
    """Write datasets of each kind, a sound one, and a table of somebody else's."""
    manager = opened(url, Text)
    for name in names("text"):
        text = Text("master_data", name=name, ds_id=name, creation_datetime=MOMENT)
        text.provenance = dataset(name).provenance
        manager.add_data_source(text)
    manager.close()
    manager = opened(url)
    for name in (*names("tables"), "sound"):
        manager.add_data_source(dataset(name))
    with manager.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE users (x INTEGER)")
        # Each run has the same inputs.
        connection.exec_driver_sql(
            f"UPDATE algomancy_datasets SET version = name, added_at = '{MOMENT}'"
        )
        connection.exec_driver_sql("UPDATE algomancy_payload_chunks SET version = name")
    manager.close()


def names(kind):
    return [f"{kind}{number:02}" for number in range(TOGETHER)]


def seeds():
    fill(f"sqlite:///{HOME / 'seed.db'}?journal_mode=delete")
    with closing(sqlite3.connect(HOME / "seed.db")) as connection:
        connection.row_factory = sqlite3.Row
        for kind in KINDS:
            for name in names(kind):
                query = "SELECT * FROM algomancy_datasets WHERE name = ?"
                row = connection.execute(query, (name,)).fetchone()
                for column in COLUMNS:
                    if row[column] is not None:
                        RIGHT_OF[name, column] = str(row[column]).encode()
            first = names(kind)[0]
            for (name, column), value in RIGHT_OF.items():
                if name == first:
                    RIGHT[f"{kind} {column}".encode()] = value
    return [head + b"\n" + value for head, value in RIGHT.items()]


class Change(NamedTuple):
    """What an input writes, as an SQL expression and its value, into a dataset of a kind."""

    kind: str
    column: str
    written: str
    value: object

    def of(self, number):
        """Return the dataset that an input changes, and the value as it is right there."""
        name, value = names(self.kind)[number], self.value
        if isinstance(value, bytes):
            if value == RIGHT.get(f"{self.kind} {self.column}".encode()):  # a check sum is its own
                return name, RIGHT_OF[name, self.column]
            value = value.replace(names(self.kind)[0].encode(), name.encode())
        return name, value


def change_of(data):
    head, _, text = data.partition(b"\n")
    if RIGHT.get(head) == text:
        return Change(*head.decode().split(), ANY_TEXT, text)
    random = Random(data)  # noqa: S311  to be repeatable
    if head not in RIGHT:
        kind, column = random.choice(KINDS), random.choice(COLUMNS)
        value = random.choice(VALUES if column not in CONTENT else (*VALUES, None))
        return Change(kind, column, "?", value)
    if RIGHT[head][:2] in (b"[{", b'{"', b"{\n") and random.random() < 0.5:
        document = json.loads(RIGHT[head])
        change_member(document, random, MEMBERS)
        text = json.dumps(document).encode()
    return Change(*head.decode().split(), ANY_TEXT, text)


def read_together(inputs, home):
    """Return the refusal of each input, or None."""
    changes = [change_of(data) for data in inputs]
    path = home / "changed.db"
    for old in home.glob("changed.db*"):
        old.unlink()
    shutil.copy(HOME / "seed.db", path)
    changed = {}
    # Closed again before the manager opens the file: these are two SQLite libraries.
    with closing(sqlite3.connect(path)) as connection, connection:
        for number, change in enumerate(changes):
            name, value = change.of(number)
            changed[name] = change.column
            connection.execute(
                f"UPDATE algomancy_datasets SET {change.column} = {change.written} WHERE name = ?",
                (value, name),
            )
        for name in {*names("tables"), *names("text")}.difference(changed):
            take_out(connection, name)
    manager = opened(f"sqlite:///{path}?journal_mode=delete")
    try:
        refusals = use(manager, changed)
    finally:
        manager.close()
    return [AlgomancyDataError("\n".join(found)) if found else None for found in refusals.values()]


def take_out(connection, name):
    if name.startswith("tables"):
        connection.execute(f'DROP TABLE "ds__s__{name}__t"')
    for table in ("algomancy_datasets", "algomancy_payload_chunks"):
        connection.execute(f"DELETE FROM {table} WHERE name = ?", (name,))


def found_damaged(manager, changed):
    """Return the datasets that are found to be damaged: none but those that were changed."""
    damaged = damaged_datasets(manager)
    # SQLite's own check names no dataset: some texts in a column of times or numbers are damage.
    if "" in damaged:
        assert not {"added_at", "creation_datetime", "format_version"}.isdisjoint(changed.values())
    damaged -= {""}
    assert damaged <= {*changed}
    assert {one.name for one in manager.describe_all() if one.problem} <= damaged
    return damaged


def use(manager, changed):
    """Do with changed datasets what can be done, and see that the sound one stays as it was.

    Returns what was said where something was refused, by dataset.
    """
    refusals = {name: [] for name in changed}

    def tried(name, call, *arguments):
        try:
            return call(*arguments)
        except AlgomancyDataError as error:
            refusals[name].append(str(error))
            return None

    assert {*manager.get_data_keys()} == {"sound", *changed}
    assert "sound" in {one.name for one in manager.describe_all()}
    manager._repr_html_()
    with manager.engine.connect() as connection:
        shown = connection.exec_driver_sql("SELECT * FROM algomancy_tables").mappings().all()
    assert "sound" in {row["dataset"] for row in shown}
    damaged = found_damaged(manager, changed)
    for name, column in changed.items():
        kept = tried(name, manager.get_data, name)
        if column not in CONTENT:
            assert (kept is None) == (name in damaged)
        if kept is not None and column not in CONTENT:
            assert_identical(kept.get_table("t"), TABLE)
        tried(name, manager.describe, name)
        tried(name, manager.query, "SELECT count(*) FROM users", [name])
        if name.startswith("tables"):
            tried(name, manager.get_table, name, "t")
            tried(name, manager.query, "SELECT count(*) FROM t", [name])
    with suppress(AlgomancyDataError):
        manager.query("SELECT count(*) FROM users")
    manager.refresh()
    for name in changed:
        tried(name, manager.derive_data, name, f"{name} derived")
    assert_sound(manager)
    derived = {f"{name} derived" for name in changed}
    later = set()  # datasets that a later version wrote, as their rows say
    for put in (lambda name: manager.add_data_source(dataset(name)), manager.delete_data):
        for name, column in changed.items():
            try:
                put(name)
            except SchemaDriftError as error:
                assert column in ("format_version", "payload_layout")
                refusals[name].append(str(error))
                later.add(name)
        assert damaged_datasets(manager) <= derived | later
        manager.clear_leftovers()
        assert_sound(manager)
    # While they are there nothing is sure to be a leftover.
    with manager.engine.begin() as connection:
        for name in later:
            connection.exec_driver_sql("DELETE FROM algomancy_datasets WHERE name = ?", (name,))
    manager.clear_leftovers()
    assert_sound(manager)
    return refusals


def damaged_datasets(manager):
    return {damage.dataset for damage in manager.verify()}


def assert_sound(manager):
    manager.refresh()
    assert_identical(manager.get_data("sound").get_table("t"), TABLE)
    assert manager.query("SELECT count(*) FROM t", ["sound"]).item() == TABLE.height
