"""The store in a folder beside what users would do instead."""

from __future__ import annotations

import io
import shutil
from typing import TYPE_CHECKING

import polars as pl
import pytest

from algomancy_data import DataSource
from folders import open_folder
from harness import SLOW, Way
from peers import folder as peers
from peers import pandas_package
from peers.checks import same_tables, to_pandas
from stores import DATASET, has

if TYPE_CHECKING:
    from pathlib import Path

    from harness import Race


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "ours"


@pytest.fixture
def full(folder: Path, source: DataSource) -> Path:
    """Return a folder with the dataset."""
    open_folder(folder).add_data_source(source)
    return folder


def loads_again(folder: Path, name: str, tables: dict[str, pl.DataFrame]) -> None:
    has(open_folder(folder).get_data(name), tables)


def test_save(
    race: Race,
    full: Path,
    source: DataSource,
    tables: dict[str, pl.DataFrame],
    fewer: dict[str, pl.DataFrame],
    tmp_path: Path,
) -> None:
    copies = tmp_path / "copies"
    shutil.copytree(full, copies)
    race(
        "save to a folder",
        Way(
            "add_data_source",
            lambda: open_folder(full).add_data_source(source),
            before=lambda: shutil.rmtree(full),
            check=lambda _result: loads_again(full, DATASET, tables),
        ),
        peers.save(tables, fewer, tmp_path / "theirs", sorted(copies.rglob("*.arrow"))),
    )


def test_startup(
    race: Race,
    full: Path,
    tables: dict[str, pl.DataFrame],
    fewer: dict[str, pl.DataFrame],
    tmp_path: Path,
) -> None:
    race(
        "startup of a folder",
        Way(
            "startup",
            lambda: open_folder(full),
            check=lambda _manager: loads_again(full, DATASET, tables),
        ),
        peers.start(tables, fewer, tmp_path / "theirs"),
    )


def test_first_load(
    race: Race,
    full: Path,
    tables: dict[str, pl.DataFrame],
    fewer: dict[str, pl.DataFrame],
    tmp_path: Path,
) -> None:
    """Startup and the first look at every value, since the files are only mapped before."""
    read_ipc, _ = peers.start(tables, fewer, tmp_path / "theirs")
    race(
        "first load from a folder, all values hashed",
        Way("get_data", lambda: peers.read_all(open_folder(full).get_data(DATASET).tables)),
        [
            Way("polars read_ipc", lambda: peers.read_all(read_ipc.run())),
            Way("frames in memory", lambda: peers.read_all(tables)),
            peers.memory_bandwidth(tables),
        ],
    )


def test_derive(
    race: Race,
    full: Path,
    tables: dict[str, pl.DataFrame],
    fewer: dict[str, pl.DataFrame],
    tmp_path: Path,
) -> None:
    manager, frames = open_folder(full), to_pandas(fewer)
    derived = iter(f"derived {number}" for number in range(1_000_000))
    race(
        "derive in a folder",
        Way(
            "derive_data",
            lambda: manager.derive_data(DATASET, next(derived)),
            check=lambda _result: loads_again(full, "derived 0", tables),
        ),
        [
            Way(
                "pandas package",
                lambda: pandas_package.derive(DATASET, frames),
                check=lambda found: same_tables(found, fewer),
                remark="keeps nothing",
                share=SLOW,
            ),
            peers.four_syncs(tmp_path),
        ],
    )


def test_delete(
    race: Race, folder: Path, source: DataSource, tables: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    theirs = tmp_path / "theirs"

    def fill() -> None:
        theirs.mkdir()
        for name, frame in tables.items():
            frame.write_ipc(theirs / name)
            peers.sync(theirs / name)

    manager = open_folder(folder)
    race(
        "delete from a folder",
        Way(
            "delete_data",
            lambda: manager.delete_data(DATASET),
            before=lambda: manager.add_data_source(source),
            check=lambda _result: is_empty(folder),
        ),
        [Way("rmtree", lambda: shutil.rmtree(theirs), before=fill, remark="does not sync")],
    )


def is_empty(folder: Path) -> None:
    assert open_folder(folder).get_data_keys() == []


def test_to_json(
    race: Race,
    source: DataSource,
    tables: dict[str, pl.DataFrame],
    fewer: dict[str, pl.DataFrame],
) -> None:
    frames = to_pandas(fewer)
    race(
        "DataSource to JSON",
        Way("to_json", source.to_json, check=lambda text: same_json(text, tables)),
        [
            Way(
                "polars write_ndjson",
                lambda: [frame.write_ndjson() for frame in tables.values()],
                remark="no dtypes, no metadata",
            ),
            Way("pandas package", lambda: pandas_package.to_json(DATASET, frames), share=SLOW),
        ],
    )


def same_json(text: str, tables: dict[str, pl.DataFrame]) -> None:
    assert same_tables(DataSource.from_json(text).tables, tables) is None


def test_from_json(
    race: Race,
    source: DataSource,
    tables: dict[str, pl.DataFrame],
    fewer: dict[str, pl.DataFrame],
) -> None:
    text, of_pandas = source.to_json(), pandas_package.to_json(DATASET, to_pandas(fewer))
    lines = {name: frame.write_ndjson().encode() for name, frame in tables.items()}
    schemas = {
        name: {
            column: pl.String() if dtype.is_temporal() else dtype
            for column, dtype in frame.schema.items()
        }
        for name, frame in tables.items()
    }
    race(
        "DataSource from JSON",
        Way(
            "from_json",
            lambda: DataSource.from_json(text),
            check=lambda found: same_tables(found.tables, tables),
        ),
        [
            Way(
                "polars read_ndjson",
                lambda: {
                    name: pl.read_ndjson(io.BytesIO(lines[name]), schema=schemas[name])
                    for name in tables
                },
                check=lambda found: same_tables(found, tables),
            ),
            Way(
                "pandas package",
                lambda: pandas_package.from_json(of_pandas),
                check=lambda found: same_tables(found, fewer),
                share=SLOW,
            ),
        ],
    )
