"""The store in memory, and what every program pays: its start."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from algomancy_data import DataSource, SimpleETLFactory, StatelessDataManager
from harness import SLOW, Way
from peers import pandas_package
from peers.checks import same_tables, to_pandas
from stores import DATASET, has

if TYPE_CHECKING:
    import polars as pl

    from harness import Race


def test_derive(
    race: Race,
    source: DataSource,
    tables: dict[str, pl.DataFrame],
    fewer: dict[str, pl.DataFrame],
) -> None:
    manager = StatelessDataManager(SimpleETLFactory, [], "json", DataSource)
    manager.add_data_source(source)
    frames = to_pandas(fewer)
    derived = iter(f"derived {number}" for number in range(1_000_000))

    race(
        "derive in memory",
        Way(
            "derive_data",
            lambda: manager.derive_data(DATASET, next(derived)),
            check=lambda _result: has(manager.get_data("derived 0"), tables),
        ),
        [
            Way(
                "pandas package",
                lambda: pandas_package.derive(DATASET, frames),
                check=lambda found: same_tables(found, fewer),
                share=SLOW,
            ),
            Way("polars clone", lambda: {name: frame.clone() for name, frame in tables.items()}),
        ],
    )


def test_import(race: Race) -> None:
    race(
        "import",
        python("algomancy_data"),
        [python("polars"), python("pandas"), python("pyarrow"), python("sys")],
        workload="none",
        rows=0,
    )


def test_prompt(race: Race) -> None:
    race(
        "startup of the prompt",
        program("--version", "-m", "algomancy_data", "--version"),
        [python("polars")],
        workload="none",
        rows=0,
    )


def python(module: str) -> Way:
    """Return a new interpreter that imports a module; ``sys`` is always there."""
    return program(f"import {module}", "-c", f"import {module}")


def program(name: str, *arguments: str) -> Way:
    """Return a new interpreter."""
    command = [sys.executable, *arguments]

    def run() -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603  our own interpreter

    return Way(name, run)
