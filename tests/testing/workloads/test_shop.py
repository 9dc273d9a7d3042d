"""The tables of a shop that anyone can make again."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from itertools import islice

import polars as pl
import pytest

from algomancy_data.testing.comparison import assert_identical
from algomancy_data.testing.workloads import (
    SCHEMAS,
    customers,
    datasets,
    frames,
    orders,
    slices,
)


def digest(frame):
    """Return a hash of names and values that no release of Polars has a say in."""
    return hashlib.sha256(repr(frame.to_dict(as_series=False)).encode()).hexdigest()[:16]


@pytest.mark.parametrize(
    ("seed", "name", "expected"),
    [
        (0, "orders", "e7ac247b419e8b0f"),
        (0, "customers", "7f3576095f8d7da1"),
        (7, "orders", "0f53e8f1eb30ecfc"),
        (7, "customers", "95db5ab891eb00f2"),
    ],
)
def test_the_rows_of_a_seed_are_the_same_everywhere(seed, name, expected):
    assert digest(frames(5_000, seed)[name]) == expected


def number(row, seed, column):
    """Return the hash of a row in Python's integers."""
    value = row + (1 + 7_919 * column + 104_729 * seed) % 2_147_483_647
    for multiplier in (1_103_515_245, 1_664_525_003, 1_013_904_223, 69_069_001):
        value = (value * multiplier + column + 1) % 2_147_483_647
        value ^= value // 65_536
    return value


@pytest.mark.parametrize("row", [0, 1, 999_999, 4_000_000_000])
@pytest.mark.parametrize("seed", [0, 1, -1, 2**63])
def test_a_row_is_what_the_arithmetic_of_whole_numbers_says(row, seed):
    (order,) = orders(5_000_000_000, seed, range(row, row + 1)).rows(named=True)
    assert order["order_id"] == row + 1
    assert order["customer_id"] == number(row, seed, 0) % 500_000_000 + 1
    assert order["amount"] == number(row, seed, 2) % 1_000_000 / 100
    has_discount = number(row, seed, 3) % 20 > 0
    assert order["discount"] == (number(row, seed, 4) % 500 / 1_000 if has_discount else None)
    seconds = number(row, seed, 5) % (4 * 365 * 86_400)
    assert order["created"] == datetime(2020, 1, 1) + timedelta(seconds=seconds)
    (customer,) = customers(5_000_000_000, seed, range(row, row + 1)).rows(named=True)
    assert customer["name"] == f"Customer {number(row, seed, 7) % 1_000_000}"


def test_the_tables_are_what_their_schemas_say():
    tables = frames(20_000)
    for schema in SCHEMAS:
        frame = tables[schema.file_name()]
        assert frame.columns == list(schema.datatypes())
    found = tables["orders"]
    assert found["order_id"].is_unique().all()
    assert tables["customers"]["customer_id"].is_unique().all()
    assert found["customer_id"].is_in(tables["customers"]["customer_id"].implode()).all()
    assert found["discount"].null_count() / found.height == pytest.approx(0.05, abs=0.005)
    assert [name for name in found.columns if found[name].null_count()] == ["discount"]


def test_slices_are_the_frames_in_pieces():
    for name, pieces in slices(1_003, seed=3, rows_at_once=100).items():
        assert_identical(pl.concat(pieces).rechunk(), frames(1_003, seed=3)[name])


def test_slices_are_made_as_they_are_taken():
    first, second = islice(slices(10**9, rows_at_once=10)["orders"], 2)
    assert_identical(pl.concat([first, second]).rechunk(), orders(10**9, places=range(20)))


def test_each_of_many_datasets_has_rows_of_its_own():
    found = dict(datasets(3, 100, seed=5))
    assert list(found) == ["shop-0", "shop-1", "shop-2"]
    assert_identical(found["shop-1"]["orders"], orders(100, seed=6))
    assert len({digest(tables["orders"]) for tables in found.values()}) == 3
