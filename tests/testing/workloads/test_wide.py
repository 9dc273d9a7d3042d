"""Wide tables that anyone can make again."""

from __future__ import annotations

import hashlib

import pytest

from algomancy_data import (
    DataSource,
    SimpleETLFactory,
    StatelessDataManager,
)
from algomancy_data.testing.comparison import assert_identical
from algomancy_data.testing.workloads import (
    wide,
    wide_schema,
    write_csv,
)


def digest(frame):
    """Return a hash of names and values that no release of Polars has a say in."""
    return hashlib.sha256(repr(frame.to_dict(as_series=False)).encode()).hexdigest()[:16]


@pytest.mark.parametrize(("seed", "expected"), [(0, "bcfce9ef56bd36e1"), (7, "678c03693e80893d")])
def test_the_wide_rows_of_a_seed_are_the_same_everywhere(seed, expected):
    assert digest(wide(1_000, 50, seed)) == expected


def test_a_wide_table_goes_through_the_etl(tmp_path):
    frame = wide(20, 300)
    path = write_csv({"wide": frame}, tmp_path)["wide"]
    schemas = [wide_schema(300)]
    manager = StatelessDataManager(SimpleETLFactory, schemas, "json", DataSource)
    files = manager.prepare_files(file_items_with_path=[("wide", str(path))])
    result = manager.etl_data(files, "d")
    assert result.is_success, result.messages
    assert_identical(result.datasource.get_table("wide"), frame)
