"""The store in memory, and what every program pays: its start."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import polars as pl
import pytest

from algomancy_data import DataSource, SimpleETLFactory, StatelessDataManager
from harness import SLOW, Way
from peers import pandas_package
from peers.checks import same_tables, to_pandas
from stores import DATASET, SESSION, has, open_manager, source_of

if TYPE_CHECKING:
    from pathlib import Path

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


@pytest.mark.full  # it has no gate
def test_command(race: Race, tmp_path: Path) -> None:
    """Show what a command takes beyond the libraries without which there is none."""
    url = f"sqlite:///{tmp_path / 'few.db'}"
    manager = open_manager(url)
    manager.add_data_source(source_of({"t": pl.DataFrame({"number": [1]})}))
    manager.close()
    race(
        "list datasets at the prompt",
        program("ls", "-m", "algomancy_data", "ls", "--store", url, "--session", SESSION),
        [python("typer, rich, polars, sqlalchemy, adbc_driver_sqlite.dbapi"), python("polars")],
        workload="none",
        rows=0,
    )


def python(modules: str) -> Way:
    """Return a new interpreter that imports modules; ``sys`` is always there."""
    return program(f"import {modules}", "-c", f"import {modules}")


def program(name: str, *arguments: str) -> Way:
    """Return a new interpreter."""
    command = [sys.executable, *arguments]

    def run() -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603  our own interpreter

    return Way(name, run)
