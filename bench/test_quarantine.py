"""An ETL with a quarantine beside the same ETL without one, 1 % of the rows bad."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from algomancy_data import Column, DataSource, DataType, SimpleETLFactory, StatelessDataManager
from algomancy_data.testing.workloads import (
    CSV_DATETIME,
    SCHEMAS,
    Customers,
    Orders,
    frames,
    write_csv,
)
from harness import Way
from stores import load_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from algomancy_data import ETLResult
    from harness import Race

BAD_EVERY = 100


class RelatedOrders(Orders):
    """The orders, each of which refers to a customer."""

    CUSTOMER_ID = Column("customer_id", DataType.INTEGER, foreign_key=("customers", "customer_id"))


class Checked(SimpleETLFactory):
    check_constraints = True
    check_foreign_keys = True


def every(rows: int, offset: int) -> pl.Series:
    """Return a third of 1 % of the rows."""
    return pl.int_range(rows, eager=True) % (3 * BAD_EVERY) == offset


@pytest.fixture(scope="module")
def paths(rows: int, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return orders of which 1 % have no date, no key or no customer."""
    tables = frames(rows)
    created = pl.col("created").dt.to_string(CSV_DATETIME)
    tables["orders"] = tables["orders"].with_columns(
        created=pl.when(every(rows, 1)).then(pl.lit("soon")).otherwise(created),
        order_id=pl.when(~every(rows, 2)).then("order_id"),
        customer_id=pl.when(every(rows, 3)).then(-pl.col("customer_id")).otherwise("customer_id"),
    )
    return write_csv(tables, tmp_path_factory.mktemp("csv"))


@pytest.fixture
def load(paths: dict[str, Path]) -> Callable[..., ETLResult]:
    def load(*, quarantine: bool) -> ETLResult:
        manager = StatelessDataManager(
            Checked, [RelatedOrders, Customers], "json", DataSource, quarantine=quarantine
        )
        return load_files(manager, paths)

    return load


def test_quarantine(race: Race, load: Callable[..., ETLResult], rows: int) -> None:
    bad = [len(range(offset, rows, 3 * BAD_EVERY)) for offset in (1, 2, 3)]

    def check(result: ETLResult) -> None:
        assert result.quarantine["orders"].height == sum(bad)
        assert result.datasource is not None
        assert result.datasource.tables["orders"].height == rows - sum(bad)

    race(
        "ETL from CSV with a quarantine, 1 % bad rows",
        Way("algomancy-data", lambda: load(quarantine=True), check=check),
        [
            Way(
                "ours, no quarantine",
                lambda: load(quarantine=False),
                remark="the bad rows stay among the good ones",
            )
        ],
    )


def test_quarantine_of_good_rows(race: Race, csv_paths: dict[str, Path]) -> None:
    def load(*, quarantine: bool) -> ETLResult:
        manager = StatelessDataManager(
            SimpleETLFactory, SCHEMAS, "json", DataSource, quarantine=quarantine
        )
        return load_files(manager, csv_paths)

    def check(result: ETLResult) -> None:
        assert result.is_success
        assert not result.quarantine

    race(
        "ETL from CSV with a quarantine, no bad rows",
        Way("algomancy-data", lambda: load(quarantine=True), check=check),
        [Way("ours, no quarantine", lambda: load(quarantine=False), check=check)],
    )
