"""``algomancy-data bench``: how fast the main job is on this machine."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import uuid4

import typer

from algomancy_data.cli.command import Command, command
from algomancy_data.cli.comparison import Ratio, Timings, ratios
from algomancy_data.cli.configuration import Setting, Settings
from algomancy_data.cli.declarations import Declarations
from algomancy_data.cli.output import Output, size
from algomancy_data.cli.progress import shown_progress
from algomancy_data.cli.running import DONE, REFUSED, exit_code
from algomancy_data.cli.stores import StoreAddress, opened
from algomancy_data.datamanager import StatelessDataManager
from algomancy_data.display.grid import Grid
from algomancy_data.display.words import counted
from algomancy_data.errors import CommandLineError, StoreError
from algomancy_data.metrics import recording
from algomancy_data.testing import workloads

if TYPE_CHECKING:
    from algomancy_data.datamanager import DataManager
    from algomancy_data.display.grid import Cell
    from algomancy_data.metrics import Metrics

_DATASET: Final = "bench"
_DERIVED: Final = "bench derived"
_ROWS: Final = 100_000
_REPEATS: Final = 5
_WARM_UP_ROWS: Final = 1_000
_NOTHING: Final = 0.001


@command()
def bench(
    command: Command,
    rows: Annotated[
        int | None,
        typer.Option(
            "--rows",
            "-n",
            min=1,
            help="Rows of the large table. Else: 100,000, or as many as --compare has.",
            show_default=False,
        ),
    ] = None,
    repeat: Annotated[
        int | None,
        typer.Option(
            "--repeat",
            min=1,
            help="How often to measure. Else: once, or five times with --compare.",
            show_default=False,
        ),
    ] = None,
    compare: Annotated[
        Path | None,
        typer.Option(
            "--compare",
            metavar="FILE",
            help="Show how many times longer each operation takes than in this file, which an "
            "earlier bench --json wrote.",
            show_default=False,
        ),
    ] = None,
    fail_above: Annotated[
        float | None,
        typer.Option(
            "--fail-above",
            metavar="FACTOR",
            min=0.0,
            help="With --compare, end with exit code 1 if an operation takes more times longer, by "
            "the medians and by the shortest times.",
            show_default=False,
        ),
    ] = None,
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
    deleted. One run says little on a busy machine: compare figures of the same run, or medians of
    several with --compare.

    Example: `algomancy-data bench --rows 1000000 --store postgresql://host/name`
    """
    output = command.output
    earlier = None if compare is None else Timings.read(compare)
    rows, repeat = _extent(rows, repeat, earlier, fail_above)
    declared = Declarations(workloads.SCHEMAS)
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
        repeated: list[dict[str, Metrics]] = []
        code = DONE
        for number in range(1, repeat + 1):
            if repeat > 1:
                output.note(f"Repetition {number} of {repeat}.")
            measured = {"memory": _measured(_memory(declared), paths, output)}
            for name, address in addresses.items():
                try:
                    with opened(address, declared, output, may_create=True) as manager:
                        measured[name] = _measured(manager, paths, output)
                except StoreError as error:  # what was measured before it is not lost
                    output.error(f"{name}: {error}")
                    code = exit_code(error)
            repeated.append(measured)
    documents = [
        {name: metrics.to_dict() for name, metrics in measured.items()} for measured in repeated
    ]
    document = {"rows": rows, "stores": documents[-1], "repeated": documents}
    if earlier is None:
        output.result(document, _figures(repeated[-1]), exit_code=code)
        return
    found = ratios(earlier, Timings.of(rows, repeated))
    slower = [one for one in found if fail_above is not None and one.is_above(fail_above)]
    compared = {
        "compared": [one.to_dict() for one in found],
        "slower": [[one.store, one.phase] for one in slower],
    }
    output.result(
        document | compared,
        _comparison(found),
        _verdict(slower, fail_above),
        exit_code=code or (REFUSED if slower else DONE),
    )


def _extent(
    rows: int | None, repeat: int | None, earlier: Timings | None, fail_above: float | None
) -> tuple[int, int]:
    """Return how many rows to measure, and how often.

    Raises:
        CommandLineError: The options contradict each other.
    """
    if earlier is None:
        if fail_above is not None:
            msg = "--fail-above goes with --compare: give the file of an earlier bench --json."
            raise CommandLineError(msg)
        return rows or _ROWS, repeat or 1
    if rows not in {None, earlier.rows}:
        msg = (
            f"--compare has figures of {counted(earlier.rows, 'row')}, which say nothing about "
            f"{rows:,}: leave --rows out."
        )
        raise CommandLineError(msg)
    return earlier.rows, repeat or _REPEATS


def _figures(measured: dict[str, Metrics]) -> Grid:
    return Grid.from_rows(
        ("store", "phase", "rows", "seconds", "rows/s", "CPU s", "anonymous", "mapped"),
        [row for name, metrics in measured.items() for row in _rows(name, metrics)],
        right=("seconds", "rows/s", "CPU s", "anonymous", "mapped"),
    )


def _comparison(found: list[Ratio]) -> Grid:
    columns = ("store", "phase", "earlier s", "now s", "ratio", "best", "lowest", "highest")
    rows = [
        (
            one.store,
            one.phase,
            f"{one.earlier:.3f}",
            f"{one.now:.3f}",
            f"{one.ratio:.2f}",
            f"{one.best:.2f}",
            f"{one.lowest:.2f}",
            f"{one.highest:.2f}",
        )
        for one in sorted(found, key=lambda one: -one.ratio)
    ]
    return Grid.from_rows(columns, rows, right=columns[2:])


def _verdict(slower: list[Ratio], fail_above: float | None) -> str:
    if fail_above is None:
        return "A ratio above 1 took longer than before."
    if not slower:
        return f"Nothing took more than {fail_above:g} times as long as before."
    names = ", ".join(f"{one.phase} in {one.store}" for one in slower)
    return f"Took more than {fail_above:g} times as long as before: {names}."


def _warm_up(home: Path, declared: Declarations) -> None:
    """Let Polars do everything once, since the first time takes longer."""
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
