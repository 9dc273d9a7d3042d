"""Starting on a database with many datasets, none of which is read."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import polars as pl
import sqlalchemy as sa

from algomancy_data.database.models import datasets_table
from harness import Way
from peers.checks import same
from stores import SESSION, open_manager, source_of

if TYPE_CHECKING:
    from harness import Race
    from peers.database import Database
    from stores import Store

DATASET_SHARE = 100
QUERY = f"SELECT name, ds_type, sub_tables FROM algomancy_datasets WHERE session_id = '{SESSION}'"


def test_startup(race: Race, database: Database, store: Store, rows: int) -> None:
    count = rows // DATASET_SHARE
    make_datasets(database.url, count)

    def read_catalogue() -> int:
        with database.adbc() as connection, connection.cursor() as cursor:
            cursor.execute(QUERY)
            return cursor.fetch_arrow_table().num_rows

    race(
        f"startup of {database.kind}",
        Way(
            "startup",
            store.open,
            before=store.close,
            check=lambda _result: same(count, len(store.manager.get_data_keys())),
        ),
        [Way("bare ADBC reads the catalogue", read_catalogue, check=partial(same, count))],
        workload="many datasets",
        rows=count,
    )


def make_datasets(url: str, count: int) -> None:
    """Write one dataset, and the others by copying its table's declaration and its row."""
    manager = open_manager(url)
    table = pl.DataFrame({"number": [1], "text": ["x"], "float": [1.5]})
    manager.add_data_source(source_of({"t": table}, "d0"))
    first = f"ds__{SESSION}__d0__t"
    for start in range(1, count, 1_000):
        with manager.engine.begin() as connection:
            (row,) = connection.execute(sa.select(datasets_table).filter_by(name="d0")).mappings()
            ddl: str | None = f'CREATE TABLE "{first}" (LIKE "{first}")'
            if connection.dialect.name == "sqlite":
                ddl = connection.scalar(
                    sa.text("SELECT sql FROM sqlite_master WHERE name = :first"), {"first": first}
                )
            assert ddl is not None
            names = [f"d{number}" for number in range(start, min(start + 1_000, count))]
            for name in names:
                connection.exec_driver_sql(ddl.replace(first, f"ds__{SESSION}__{name}__t", 1))
            connection.execute(
                sa.insert(datasets_table), [{**row, "name": name, "id": name} for name in names]
            )
    manager.close()
