"""Rows come back in the order in which they were written, whatever else the server is doing."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import polars as pl
import pytest
import sqlalchemy as sa

from algomancy_data import DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager
from algomancy_data.database.postgresql import codec


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    """Rows of very different lengths, so that pages end with free room of any size."""
    count = 150_000
    length = (pl.int_range(count) * 7919) % 1900
    return pl.select(i=pl.int_range(count)).with_columns(s=pl.lit("x" * 1900).str.head(length))


@pytest.fixture(scope="module")
def table(connect, write, rows):
    """The table of these rows: so large that the server lets its scans join each other."""
    with connect() as connection:
        layout = write(connection, rows, "ordered")
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_relation_size('ordered'), setting::int FROM pg_settings "
                "WHERE name = 'shared_buffers'"
            )
            size, buffers = cursor.fetchone()
            assert size > buffers * 8192 / 4
            cursor.execute("ANALYZE ordered")
    return layout


@pytest.fixture
def scans(connect, table):
    """Another client that goes through the table all the time."""
    done = threading.Event()

    def scan() -> None:
        with connect() as connection, connection.cursor() as cursor:
            while not done.is_set():
                cursor.execute("SELECT * FROM ordered")
                cursor.fetch_arrow_table()

    with ThreadPoolExecutor(2) as pool:
        others = [pool.submit(scan) for _ in range(2)]
        yield
        done.set()
        for other in others:
            other.result()


@pytest.mark.long
@pytest.mark.usefixtures("scans")
def test_the_order_holds_beside_other_readers(connect, read, table, rows):
    def run(_: int) -> pl.DataFrame:
        with connect() as connection:
            return codec.decode(read(connection, "ordered"), table.columns, "t")

    with ThreadPoolExecutor(2) as pool:
        for result in pool.map(run, range(6)):
            assert result.equals(rows)


@pytest.mark.long
@pytest.mark.usefixtures("scans")
@pytest.mark.parametrize("parts", [1, 2, 5])
def test_ranges_of_pages_are_the_whole_table_in_order(connection, read, table, rows, parts):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_size('ordered') / current_setting('block_size')::int")
        pages = range(cursor.fetchone()[0])
    step = -(-len(pages) // parts)
    ranges = [pages[start : start + step] for start in range(0, len(pages), step)]
    whole = pl.concat([read(connection, "ordered", part) for part in ranges])
    assert codec.decode(whole, table.columns, "t").equals(rows)


@pytest.mark.filterwarnings("ignore::algomancy_data.errors.PortablePathWarning")
def test_rows_of_any_length_that_another_driver_writes_are_in_order(database, rows, outside):
    engine = sa.create_engine(database.replace("postgresql://", "postgresql+psycopg://"))
    manager = DatabaseDataManager(SimpleETLFactory, [], engine, "s", DataSource)
    manager.startup()
    source = DataSource("master_data", name="d")
    source.add_table("t", rows.head(5000))
    manager.add_data_source(source)
    assert manager.get_table("d", "t").equals(rows.head(5000))
    assert manager.verify() == []
    assert outside("SELECT relname FROM pg_class WHERE relname LIKE 'algomancy_order%'") == []
    manager.close()
    engine.dispose()
