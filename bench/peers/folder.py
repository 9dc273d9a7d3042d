"""Files, as users would write and read them without us."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from harness import SLOW, Way
from peers import pandas_package
from peers.checks import same_tables, to_pandas

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def sync(path: Path) -> None:
    """Wait until a file is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def save(
    tables: dict[str, pl.DataFrame],
    fewer: dict[str, pl.DataFrame],
    folder: Path,
    files: Sequence[Path],
) -> list[Way]:
    """Return the ways to write tables into a folder that is new each time.

    Args:
        tables: The tables.
        fewer: What the slow way writes of them.
        folder: Where to make it.
        files: What our store made of the tables, to be copied.
    """
    frames = to_pandas(fewer)

    def renew() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()

    def write_ipc() -> None:
        for name, frame in tables.items():
            frame.write_ipc(folder / name)
            sync(folder / name)

    def write_json() -> None:
        (folder / "d.json").write_text(pandas_package.to_json("d", frames))

    def copy() -> None:
        for number, path in enumerate(files):
            shutil.copyfile(path, folder / str(number))
            sync(folder / str(number))

    def check_ipc(_result: object) -> str | None:
        return same_tables({name: pl.read_ipc(folder / name) for name in tables}, tables)

    def check_json(_result: object) -> str | None:
        found = pandas_package.from_json((folder / "d.json").read_text())
        return same_tables(found, fewer)

    return [
        Way("polars write_ipc and fsync", write_ipc, renew, check=check_ipc),
        Way("pandas package", write_json, renew, check=check_json, remark="no sync", share=SLOW),
        Way("limit: cp and fsync of our files", copy, renew),
    ]


def read_all(tables: dict[str, pl.DataFrame]) -> None:
    """Touch every value."""
    for frame in tables.values():
        frame.select(pl.all().hash().max())


def start(
    tables: dict[str, pl.DataFrame], fewer: dict[str, pl.DataFrame], folder: Path
) -> list[Way]:
    """Return the ways to have tables, or fewer rows, again from a folder, which is filled here."""
    folder.mkdir()
    for name, frame in tables.items():
        frame.write_ipc(folder / name)
    document = folder / "d.json"
    document.write_text(pandas_package.to_json("d", to_pandas(fewer)))

    return [
        Way(
            "polars read_ipc",
            lambda: {name: pl.read_ipc(folder / name) for name in tables},
            check=lambda found: same_tables(found, tables),
        ),
        Way(
            "pandas package",
            lambda: pandas_package.from_json(document.read_text()),
            check=lambda found: same_tables(found, fewer),
            share=SLOW,
        ),
    ]


def four_syncs(folder: Path) -> Way:
    """Return the limit of a derived dataset: one more file in a new directory, made durable."""
    numbers = iter(range(1_000_000))

    def add() -> None:
        home = folder / f"home {next(numbers)}"
        home.mkdir()
        (home / "file").write_bytes(b"x")
        for path in (home / "file", home, folder):
            sync(path)
        (home / "file").rename(folder / home.name.replace("home", "file"))
        sync(folder)

    return Way("limit: four syncs", add)


def memory_bandwidth(tables: dict[str, pl.DataFrame]) -> Way:
    """Return the limit of a scan: as many bytes as the frames have, read once."""
    size = sum(frame.estimated_size() for frame in tables.values())
    words = np.ones(int(size) // 8, dtype=np.int64)
    return Way("limit: memory bandwidth", words.sum)
