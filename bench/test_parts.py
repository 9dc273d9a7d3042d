"""One table in many parts: what a second worker brings, where each has one thread of Polars."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context
from time import sleep
from typing import TYPE_CHECKING, Any

import pytest

from harness import Way
from peers.postgresql import PostgreSQL
from stores import DATASET, Store, loads_again

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import polars as pl

    from harness import Race

pytestmark = [pytest.mark.full, pytest.mark.long]  # each worker takes a second to be there
PARTS = 20


@pytest.fixture
def folders(tables: dict[str, pl.DataFrame], tmp_path: Path) -> dict[str, Path]:
    """Write each table as parts of a folder."""
    folders = {name: tmp_path / name for name in tables}
    for name, folder in folders.items():
        folder.mkdir()
        for number, part in enumerate(tables[name].iter_slices(-(-tables[name].height // PARTS))):
            part.write_csv(folder / f"{number}.csv", separator=";")
    return folders


@pytest.fixture
def pools(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[int, ProcessPoolExecutor]]:
    """Return one worker, and two, which are there already."""
    monkeypatch.setenv("POLARS_MAX_THREADS", "1")
    once: dict[str, Any] = {"initializer": import_module, "initargs": ("algomancy_data.database",)}
    pools = {n: ProcessPoolExecutor(n, get_context("spawn"), **once) for n in (1, 2)}
    for workers, pool in pools.items():
        list(pool.map(sleep, [1.0] * workers))  # all of them are there
    yield pools
    for pool in pools.values():
        pool.shutdown()


def test_load_of_parts(
    race: Race,
    postgresql: str,
    folders: dict[str, Path],
    tables: dict[str, pl.DataFrame],
    pools: dict[int, ProcessPoolExecutor],
) -> None:
    store = Store(PostgreSQL(postgresql, "parts"))

    def way(name: str, workers: int) -> Way:
        def load() -> None:
            items = [(table, str(folder)) for table, folder in folders.items()]
            files = store.manager.prepare_files(file_items_with_path=items)
            result = store.manager.etl_data(files, DATASET, executor=pools[workers])
            assert result.is_success

        return Way(
            name,
            load,
            before=store.renew,
            check=lambda _result: loads_again(store, DATASET, tables),
        )

    try:
        race("load parts into PostgreSQL", way("two workers", 2), [way("one worker", 1)])
    finally:
        store.close()
