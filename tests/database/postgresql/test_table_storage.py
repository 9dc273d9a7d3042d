"""What is particular to PostgreSQL: its failures, its locks, its own look at the tables."""

from __future__ import annotations

import datetime as dt
import threading
import time
from decimal import Decimal

import polars as pl
import pytest
import sqlalchemy as sa

from algomancy_data import DataClassification, DataSource
from algomancy_data.errors import SchemaDriftError, StoreError

ROWS = pl.DataFrame({"i": range(300_000)}).with_columns(s=pl.col("i").cast(pl.String))


def dataset(name="d", **tables):
    source = DataSource(DataClassification.MASTER_DATA, name=name)
    source.tables = tables
    return source


def test_another_client_sees_native_types_and_values(new_manager, outside):
    moment = dt.datetime(2024, 2, 29, 12, 0, 0, 1)
    frame = pl.DataFrame(
        {"i": [1], "f": [float("nan")], "t": [moment], "d": [Decimal("1.50")], "l": [[1, 2]]}
    )
    new_manager().add_data_source(dataset(t=frame))
    (row,) = outside('SELECT * FROM "ds__s__d__t"')
    assert (row[0], str(row[1]), row[2], row[3], row[4]) == (
        1,
        "nan",
        moment,
        Decimal("1.50"),
        [1, 2],
    )


def test_a_connection_that_dies_in_a_write_leaves_the_old_dataset(new_manager, outside):
    manager = new_manager()
    manager.add_data_source(dataset(t=ROWS.head(5)))

    failed = threading.Event()

    def terminate():
        busy = "state = 'active' AND query LIKE 'COPY%'"
        kill = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {busy}"
        while not failed.is_set():
            outside(kill)

    killer = threading.Thread(target=terminate)
    killer.start()
    large, deadline = pl.concat([ROWS] * 10), time.monotonic() + 60

    def write_until_killed(kept):
        while time.monotonic() < deadline:
            height = large.height - (kept + 1) % 2
            try:
                manager.add_data_source(dataset(t=large.head(height)))
            except StoreError as error:
                return kept, str(error)
            kept = height  # on a busy machine a write may end before anybody sees it
        return kept, "no write was killed"

    try:
        kept, said = write_until_killed(5)
    finally:
        failed.set()
        killer.join()
    assert "old state of the data is intact" in said
    assert outside('SELECT count(*) FROM "ds__s__d__t"') == [(kept,)]
    manager.refresh()
    assert manager.get_data("d").get_table("t").height == kept
    manager.add_data_source(dataset(t=ROWS.head(7)))
    assert new_manager().get_data("d").get_table("t").height == 7


@pytest.mark.long
def test_a_reader_gets_one_dataset_whole_while_it_is_replaced(new_manager):
    new_manager().add_data_source(dataset(t=ROWS.with_columns(v=0), u=ROWS.with_columns(v=0)))
    stop = threading.Event()

    def replace():
        writer = new_manager()
        version = 0
        while not stop.is_set():
            version += 1
            frame = ROWS.with_columns(v=version)
            writer.add_data_source(dataset(t=frame, u=frame))

    writing = threading.Thread(target=replace)
    writing.start()
    reader = new_manager()
    try:
        for _ in range(8):
            reader.refresh()
            read = reader.get_data("d")
            versions = {value for frame in read.tables.values() for value in frame["v"].unique()}
            assert len(versions) == 1
            assert read.get_table("t").select("i", "s").equals(ROWS)
    finally:
        stop.set()
        writing.join()


@pytest.mark.parametrize(
    ("by_hand", "said"),
    [
        ('DROP TABLE "ds__s__d__t"', "is gone"),
        ('ALTER TABLE "ds__s__d__t" ADD COLUMN x int', "column 'x' was added"),
        ('ALTER TABLE "ds__s__d__t" RENAME COLUMN s TO t', "column 's' is missing"),
        ('ALTER TABLE "ds__s__d__t" ALTER COLUMN i TYPE int', "column 'i' is integer instead of"),
    ],
)
def test_a_table_changed_by_hand_is_drift_and_can_be_deleted(new_manager, outside, by_hand, said):
    new_manager().add_data_source(dataset(t=ROWS.head(3)))
    outside(by_hand)
    manager = new_manager()
    with pytest.raises(SchemaDriftError, match=said):
        manager.get_data("d")
    manager.delete_data("d")
    assert manager.get_data_keys() == []
    assert outside("SELECT relname FROM pg_class WHERE relname LIKE 'ds\\_\\_%'") == []


def test_columns_that_changed_places_are_read_and_copied_by_their_names(new_manager, outside):
    given = pl.DataFrame({"a": [1, 2], "b": [3, 4]})
    new_manager().add_data_source(dataset(t=given))
    outside(
        """
        CREATE TABLE swapped AS SELECT b, a FROM ds__s__d__t;
        DROP TABLE ds__s__d__t;
        ALTER TABLE swapped RENAME TO ds__s__d__t;
        COMMENT ON TABLE ds__s__d__t IS 'algomancy-data:["s", "d", "t"]'
        """
    )
    manager = new_manager()
    manager.derive_data("d", "e")
    manager.refresh()
    for name in ("d", "e"):
        assert manager.get_data(name).get_table("t").equals(given)
    assert manager.verify() == []
    assert outside("SELECT a, b FROM ds__s__e__t ORDER BY a") == [(1, 3), (2, 4)]


@pytest.mark.parametrize(
    ("by_hand", "said"),
    [
        ("ALTER TABLE algomancy_datasets DROP COLUMN version", "column 'version' is missing"),
        ("ALTER TABLE algomancy_datasets ALTER COLUMN id TYPE int USING 1", "column 'id' is"),
        ("ALTER TABLE algomancy_datasets ADD COLUMN x int NOT NULL", "column 'x' is unknown"),
    ],
)
def test_a_catalogue_of_another_version_is_refused_at_startup(new_manager, outside, by_hand, said):
    new_manager()
    outside(by_hand)
    with pytest.raises(SchemaDriftError, match=f"{said}.*drop the table"):
        new_manager()


@pytest.mark.long
def test_rows_are_in_order_while_others_scan_the_table(new_manager, database):
    frame = pl.concat([ROWS] * 4).with_columns(n=pl.int_range(pl.len()))
    new_manager().add_data_source(dataset(t=frame))
    stop = threading.Event()

    def scan():
        engine = sa.create_engine(database.replace("postgresql:", "postgresql+adbc:"))
        with engine.connect() as connection:
            while not stop.is_set():
                connection.exec_driver_sql('SELECT sum(n) FROM "ds__s__d__t"').scalar()
        engine.dispose()

    scanning = threading.Thread(target=scan)
    scanning.start()
    reader = new_manager()
    try:
        for _ in range(4):
            reader.refresh()
            assert reader.get_data("d").get_table("t")["n"].is_sorted()
    finally:
        stop.set()
        scanning.join()


@pytest.mark.parametrize("setting", ["on", "off"])
def test_a_leftover_is_found_whatever_the_server_makes_of_backslashes(
    new_manager, outside, setting
):
    name = 'many__tables\\of "all" kinds, 100% \u00e4'
    manager = new_manager()
    manager.close()  # whatever SQLAlchemy knows of the server is from before the change
    outside(f"ALTER DATABASE of_a_test SET standard_conforming_strings = {setting}")
    manager.add_data_source(dataset(name, t=ROWS.head(3)))
    manager.derive_data(name, f"copy of {name}")
    assert manager.leftovers() == manager.verify() == []
    outside("DELETE FROM algomancy_datasets")
    assert len(manager.clear_leftovers()) == 2
    assert outside("SELECT FROM pg_class WHERE starts_with(relname::text, 'ds__')") == []
