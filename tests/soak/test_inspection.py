"""Whoever looks at what the dead left sees what is lost, torn or too much."""

from __future__ import annotations

import polars as pl
import pytest

from tests.soak.inspection import inspect_store
from tests.soak.model import frame, outcomes
from tests.soak.operations import prepared
from tests.soak.outcome import Outcome, as_markdown
from tests.soak.stores import open_manager


@pytest.fixture
def address(tmp_path):
    return f"sqlite:///{tmp_path / 'data.db'}"


@pytest.fixture
def manager(address):
    manager = open_manager(address)
    yield manager
    manager.close()


def add(version):
    return {"kind": "add", "name": "d", "rows": [0, 5, version], "version": version}


def test_an_acknowledged_write_that_is_gone_is_told_from_one_that_is_torn(
    manager, address, tmp_path
):
    states = [{}]
    for version in (1, 2):
        states += outcomes(states[-1], add(version))[1:]
    prepared(manager, add(1), tmp_path, (address, "s"))()
    assert inspect_store(manager, states, None)["place"] == 1
    manager.delete_rows("d", "customers", pl.col("id") == 0)
    found = inspect_store(manager, states, None)
    assert found["place"] is None
    assert "4 rows of [1]" in found["found"]


def test_damage_is_told(manager, address, tmp_path):
    prepared(manager, add(1), tmp_path, (address, "s"))()
    with manager.engine.begin() as connection:
        connection.exec_driver_sql('UPDATE "ds__s__d__orders" SET "amount" = 0')
        connection.exec_driver_sql('CREATE TABLE "ds__s__d__other" (x)')
    manager.refresh()
    found = inspect_store(manager, outcomes({}, add(1)), None)
    assert found["place"] is None
    assert "verify" in str(found["problems"])
    assert "left over" in str(found["problems"])


def test_a_part_of_a_table_is_cut_out():
    before = {"d": {table: [[0, 10, 1], [10, 5, 2]] for table in ("customers", "orders")}}
    upsert = {"kind": "upsert", "name": "d", "rows": [8, 4, 3], "version": 3}
    (_, after) = outcomes(before, upsert)
    assert after["d"]["orders"] == [[0, 8, 1], [12, 3, 2], [8, 4, 3]]
    assert frame("orders", after["d"]["orders"])["id"].to_list() == [
        *range(8),
        12,
        13,
        14,
        *range(8, 12),
    ]


def test_a_scenario_that_lost_something_fails():
    good, bad = (
        Outcome("kills", "folder", 1_000, 20, seconds=10),
        Outcome("kills", "SQLite", lost=1),
    )
    assert (good.is_good, bad.is_good) == (True, False)
    assert "| kills | folder | 1,000 | 20 | 0 | 0 | 0 | 0.0 s | 100.0 | passed |" in as_markdown(
        [good, bad]
    )
    assert "FAILED" in as_markdown([bad])
