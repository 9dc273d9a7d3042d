"""How an operation of the model is done with a manager."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from algomancy_data import DataClassification, DataSource
from algomancy_data.batch import Job, run_batch
from algomancy_data.errors import StoreError, StoreUnavailableError
from tests.soak.model import Operation, delivery
from tests.soak.stores import open_manager

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from algomancy_data import DataManager
    from algomancy_data.datamanager.additions import LoadMode

_PARALLEL_JOBS = 2


class RefusedError(Exception):
    """Something was refused that must not be."""


def prepared(
    manager: DataManager[DataSource], operation: Operation, place: Path, store: tuple[str, str]
) -> Callable[[], None]:
    """Make what an operation brings, and return what does it.

    Args:
        manager: A started manager.
        operation: What to do.
        place: A folder for files.
        store: Address and session, for the workers of a batch.
    """
    kind, name = operation["kind"], operation.get("name", "")
    match kind:
        case "several":
            several = [_source(name, operation) for name in operation["names"]]
            return lambda: manager.add_data_sources(several)
        case "batch":
            return partial(_batch, operation, _written(operation, place), store)
        case "derive":
            return lambda: manager.derive_data(name, operation["to"])
        case "delete":
            return lambda: manager.delete_data(name)
        case "delete rows":
            first, count, _ = operation["rows"]
            taken = pl.col("id").is_between(first, first + count, closed="left")
            return lambda: _delete_rows(manager, name, taken)
        case "add" | "append" | "upsert":
            source = _source(name, operation)
            mode = "replace" if kind == "add" else kind
            return lambda: manager.add_data_source(source, mode=mode)
        case _:
            return partial(_etl, manager, operation, _written(operation, place))


def _source(name: str, operation: Operation) -> DataSource:
    source = DataSource(DataClassification.MASTER_DATA, name=name)
    source.tables = delivery(operation)
    return source


def _delete_rows(manager: DataManager[DataSource], name: str, taken: pl.Expr) -> None:
    manager.delete_rows(name, "orders", taken)


def _etl(manager: DataManager[DataSource], operation: Operation, paths: dict[str, Path]) -> None:
    files = manager.prepare_files(
        file_items_with_path=[(table, str(path)) for table, path in paths.items()]
    )
    modes: dict[str, LoadMode] = {"etl append": "append", "etl upsert": "upsert"}
    mode = modes.get(operation["kind"], "replace")
    result = manager.etl_data(files, operation["name"], mode=mode)
    if result.raised is not None:
        raise result.raised
    if not result.is_success:
        raise RefusedError(str(result.messages))


def _batch(operation: Operation, paths: dict[str, Path], store: tuple[str, str]) -> None:
    # The version makes it another job, should the same rows come twice.
    jobs = [Job(name, paths, version=str(operation["version"])) for name in operation["names"]]
    with ThreadPoolExecutor(_PARALLEL_JOBS) as threads:
        result = run_batch(
            jobs,
            lambda: open_manager(*store),
            threads,
            batch=batch_name(operation),
            tries=2,
            resume=bool(operation.get("resume")),
        )
    if result.done + result.skipped != len(jobs):
        failed = [one for one in result.jobs if one.error]
        said = f"{result}: {[one.error for one in failed]}"
        is_temporary = all(one.is_temporary for one in failed)
        raise StoreUnavailableError(said) if is_temporary else StoreError(said)


def batch_name(operation: Operation) -> str:
    """Return what the batch of an operation is called."""
    return f"batch {operation['version']}"


def _written(operation: Operation, place: Path) -> dict[str, Path]:
    """Write the tables of an operation as files, unless they are there."""
    paths = {}
    for table, rows in delivery(operation).items():
        paths[table] = place / f"{table}-{operation['version']}.csv"
        if not (operation.get("resume") and paths[table].exists()):
            # Whoever is killed leaves no half of a file.
            beside = paths[table].with_suffix(".half")
            rows.write_csv(beside, separator=";")
            beside.replace(paths[table])
    return paths
