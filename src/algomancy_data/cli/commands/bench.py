"""``algomancy-data bench``: how fast the main job is on this machine."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import uuid4

import typer

from algomancy_data.cli.command import Command, command
from algomancy_data.cli.configuration import Setting, Settings
from algomancy_data.cli.declarations import Declarations
from algomancy_data.cli.output import Output, size
from algomancy_data.cli.progress import shown_progress
from algomancy_data.cli.running import DONE, exit_code
from algomancy_data.cli.stores import StoreAddress, opened
from algomancy_data.datamanager import StatelessDataManager
from algomancy_data.display.grid import Grid
from algomancy_data.errors import StoreError
from algomancy_data.metrics import recording
from algomancy_data.testing import workloads

if TYPE_CHECKING:
    from algomancy_data.datamanager import DataManager
    from algomancy_data.display.grid import Cell
    from algomancy_data.metrics import Metrics

_DATASET: Final = "bench"
_DERIVED: Final = "bench derived"
_WARM_UP_ROWS: Final = 1_000
_NOTHING: Final = 0.001


@command()
def bench(
    command: Command,
    rows: Annotated[
        int, typer.Option("--rows", "-n", min=1, help="Rows of the large table.")
    ] = 100_000,
    store: Annotated[
        str | None,
        typer.Option(
            "--store",
            "-s",
            metavar="STORE",
            help="A store to measure beside memory, a folder and SQLite. It gets a session of its "
            "own, which is deleted again.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Measure the main job on this machine: files to a validated dataset in a store, and back.

    Two tables, of 8 and 5 columns, are made, written as CSV, loaded, read again, derived and
    deleted. One run says little on a busy machine: compare figures of the same run.

    Example: `algomancy-data bench --rows 1000000 --store postgresql://host/name`
    """
    output = command.output
    declared = Declarations(workloads.SCHEMAS)
    warnings.filterwarnings("ignore", "StatefulDataManager", DeprecationWarning)
    with tempfile.TemporaryDirectory(prefix="algomancy-bench-") as temporary:
        home = Path(temporary)
        paths = workloads.write_csv(workloads.frames(rows), home)
        addresses = {
            "folder": StoreAddress(Setting(str(home / "folder"), "bench")),
            "sqlite": StoreAddress(Setting(f"sqlite:///{home / 'bench.db'}", "bench")),
        }
        if store is not None:
            setting = Settings({"store": store}).require("store")
            addresses["store"] = StoreAddress(setting, f"{_DATASET}-{uuid4().hex}")
            with opened(addresses["store"], declared, output, may_create=True):
                pass  # it is there: said before anything is measured
        _warm_up(home / "warm-up", declared)
        measured = {"memory": _measured(_memory(declared), paths, output)}
        code = DONE
        for name, address in addresses.items():
            try:
                with opened(address, declared, output, may_create=True) as manager:
                    measured[name] = _measured(manager, paths, output)
            except StoreError as error:  # what was measured before it is not lost
                output.error(f"{name}: {error}")
                code = exit_code(error)
    output.result(
        {
            "rows": rows,
            "stores": {name: metrics.to_dict() for name, metrics in measured.items()},
        },
        Grid.from_rows(
            ("store", "phase", "rows", "seconds", "rows/s", "CPU s", "anonymous", "mapped"),
            [row for name, metrics in measured.items() for row in _rows(name, metrics)],
            right=("seconds", "rows/s", "CPU s", "anonymous", "mapped"),
        ),
        exit_code=code,
    )


def _warm_up(home: Path, declared: Declarations) -> None:
    """Let Polars do for the first time what takes longer then."""
    home.mkdir()
    paths = workloads.write_csv(workloads.frames(_WARM_UP_ROWS), home)
    _measured(_memory(declared), paths, None)


def _memory(declared: Declarations) -> DataManager[Any]:
    return StatelessDataManager(declared.factory, declared.schemas, "json", declared.data_class)


def _measured(manager: DataManager[Any], paths: dict[str, Path], output: Output | None) -> Metrics:
    files = manager.prepare_files(
        file_items_with_path=[(name, str(path)) for name, path in paths.items()]
    )
    try:
        with recording() if output is None else shown_progress(output) as record:
            manager.etl_data(files, _DATASET)
            manager.refresh()
            manager.require_data(_DATASET)
            manager.derive_data(_DATASET, _DERIVED)
            manager.delete_data(_DERIVED)
        return record.metrics
    finally:
        for name in manager.get_data_keys():
            manager.delete_data(name)


def _rows(store: str, metrics: Metrics) -> list[tuple[Cell, ...]]:
    return [
        (
            store,
            phase.phase,
            phase.rows,
            f"{phase.seconds:.3f}",
            int(phase.rows_per_second) if phase.seconds > _NOTHING and phase.rows else "",
            "" if phase.cpu_seconds is None else f"{phase.cpu_seconds:.2f}",
            size(phase.anonymous_memory),
            size(phase.mapped_memory),
        )
        for phase in metrics
    ]
