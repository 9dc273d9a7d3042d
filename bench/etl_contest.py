"""Our ETL of orders and customers beside other ways to get the same frames from the same files."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from algomancy_data import (
    DataSource,
    ETLResult,
    FileExtension,
    Schema,
    SimpleETLFactory,
    StatelessDataManager,
)
from algomancy_data.testing.workloads import SCHEMAS, schemas_for
from harness import Way
from peers.checks import identical
from peers.neighbours import dataframely, pandera
from peers.pandas_etl import pandas_etl
from stores import load_files

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import pandas as pd
    import polars as pl
    import pytest
    from pytest_benchmark.fixture import BenchmarkFixture

    from harness import Race

Frames: TypeAlias = "Mapping[str, pl.DataFrame]"
Paths: TypeAlias = "Mapping[str, Path]"
Reader: TypeAlias = "Callable[[Path, type[Schema]], pl.DataFrame]"
Check: TypeAlias = "Callable[[pl.DataFrame], pl.DataFrame]"

TABLES = {schema.file_name(): schema for schema in SCHEMAS}


class Contest:
    """The ways to get checked frames from files of one format, and our own.

    Args:
        race: The fixture.
        benchmark: The fixture; its JSON gets the best time of each phase of ours.
        capsys: The fixture.
    """

    def __init__(
        self, race: Race, benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self._race = race
        self._benchmark = benchmark
        self._capsys = capsys
        self._best: dict[str, float] = {}

    def __call__(
        self,
        extension: FileExtension,
        tables: Frames,
        paths: Paths,
        readers: Mapping[str, Reader],
        read_by_pandas: Callable[[Path], pd.DataFrame],
    ) -> None:
        """Race them all.

        Args:
            extension: The format.
            tables: What the files hold.
            paths: The files, by table.
            readers: By name, what gives a frame in the declared dtypes; behind the first one come
                the checks of the neighbours, too.
            read_by_pandas: Gives a frame that is not yet converted.
        """

        def way(name: str, run: Callable[[], Any], remark: str = "") -> Way:
            return Way(name, run, check=partial(identical, tables), remark=remark)

        def read(reader: Reader) -> dict[str, pl.DataFrame]:
            return {name: reader(path, TABLES[name]) for name, path in paths.items()}

        def read_and_check(reader: Reader, checks: Mapping[str, Check]) -> dict[str, pl.DataFrame]:
            return {name: checks[name](frame) for name, frame in read(reader).items()}

        peers = [way(name, partial(read, reader), "no check") for name, reader in readers.items()]
        first = next(iter(readers))
        neighbours: dict[str, Mapping[str, Check]] = {
            "dataframely": {name: dataframely(schema).validate for name, schema in TABLES.items()},
            "pandera": {
                name: partial(pandera(schema, strict=True).validate, lazy=True)
                for name, schema in TABLES.items()
            },
        }
        for neighbour, checks in neighbours.items():
            run = partial(read_and_check, readers[first], checks)
            peers.append(way(f"{first}, {neighbour}", run))

        def pandas_way() -> dict[str, pd.DataFrame]:
            frames = {name: read_by_pandas(path) for name, path in paths.items()}
            return pandas_etl(frames, TABLES.values())

        peers.append(way("pandas package's way", pandas_way))
        ours = Way(
            "algomancy-data",
            partial(self._etl, schemas_for(extension), paths),
            check=lambda result: identical(tables, result.datasource.tables),
        )
        rows = tables["orders"].height
        self._race(f"ETL from {extension.upper()}", ours, peers, rows=rows)
        self._show_phases()

    def _etl(self, schemas: list[type[Schema]], paths: Paths) -> ETLResult:
        manager = StatelessDataManager(SimpleETLFactory, schemas, "json", DataSource)
        result = load_files(manager, paths)
        for metrics in result.metrics:
            best = self._best.get(metrics.phase, metrics.seconds)
            self._best[metrics.phase] = min(best, metrics.seconds)
        return result

    def _show_phases(self) -> None:
        self._benchmark.extra_info["phases"] = self._best
        if self._benchmark.stats is not None:
            with self._capsys.disabled():
                phases = (f"{name} {seconds:.3f} s" for name, seconds in self._best.items())
                sys.stdout.write(f"  ours at best: {', '.join(phases)}\n")


def dtypes_of(schema: type[Schema]) -> dict[str, Any]:
    return {name: dtype.polars_dtype for name, dtype in schema.datatypes().items()}
