"""A dataset changes whole or not at all, and leaves nothing behind."""

from __future__ import annotations

import polars as pl
import pytest

from algomancy_data.database import keyed_tables
from algomancy_data.database.naming import hashed_table_name
from algomancy_data.database.sqlite import codec
from algomancy_data.database.sqlite.bulk import SQLiteBulk
from algomancy_data.errors import StoreError

FIVE = ["a", "b", "c", "d", "e"]


def five(value: int) -> dict[str, pl.DataFrame]:
    return {name: pl.DataFrame({"x": [value] * 100}) for name in FIVE}


@pytest.fixture
def tables_of(outside, path):
    """Return the data tables in the file with the sum of their column x."""

    def look():
        assert outside(path, "PRAGMA integrity_check") == [["ok"]]
        names = outside(
            path, "SELECT name FROM sqlite_master WHERE name LIKE 'ds\\_\\_%' ESCAPE '\\'"
        )
        return {name: outside(path, f'SELECT sum(x) FROM "{name}"')[0][0] for (name,) in names}

    return look


@pytest.fixture(params=[100_000, 40], ids=["third table", "third part of a table"])
def rows_per_write(request):
    """A table of five has 100 rows."""
    return request.param


@pytest.fixture(params=[RuntimeError, KeyboardInterrupt])
def poisoned(request, monkeypatch, rows_per_write):
    """Let the third part of a dataset fail while it is written; returns how."""
    monkeypatch.setattr(SQLiteBulk, "rows_per_write", rows_per_write)
    encode, calls = codec.encode, []

    def fail_at_the_third(frame, columns):
        calls.append(columns)
        if len(calls) == 3:
            raise request.param
        return encode(frame, columns)

    def poison():
        monkeypatch.setattr(codec, "encode", fail_at_the_third)

    yield poison, request.param
    assert len(calls) >= 3


def test_a_first_write_that_fails_leaves_nothing(manager, dataset, poisoned, tables_of):
    poison, error = poisoned
    poison()
    with pytest.raises(error):
        manager.add_data_source(dataset(tables=five(1)))
    assert tables_of() == {}
    assert manager.get_data_keys() == []
    assert manager.get_data("d") is None


def test_a_replacement_that_fails_leaves_the_old_dataset(
    manager, new_manager, dataset, poisoned, tables_of
):
    old = dataset(tables=five(1))
    manager.add_data_source(old)
    before = tables_of()
    poison, error = poisoned
    poison()
    with pytest.raises(error):
        manager.add_data_source(dataset(tables=five(2)))
    assert tables_of() == before
    assert manager.get_data("d") is old
    assert new_manager().get_data("d") == old


def test_a_derivation_of_changed_data_that_fails_leaves_the_original_alone(
    manager, dataset, poisoned, tables_of
):
    manager.add_data_source(dataset(tables=five(1)))
    before = tables_of()
    manager.get_data("d").tables["a"] = pl.DataFrame({"x": [2] * 100})
    poison, error = poisoned
    poison()
    with pytest.raises(error):
        manager.derive_data("d", "derived")
    assert tables_of() == before
    assert manager.get_data_keys() == ["d"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_copy_that_fails_leaves_the_original_alone(
    manager, dataset, tables_of, monkeypatch, error
):
    manager.add_data_source(dataset(tables=five(1)))
    before, copy = tables_of(), keyed_tables.copy_table

    def fail_at_the_third(connection, source, *others):
        if source.layout.name == "c":
            raise error
        return copy(connection, source, *others)

    monkeypatch.setattr(keyed_tables, "copy_table", fail_at_the_third)
    with pytest.raises(error):
        manager.derive_data("d", "derived")
    assert tables_of() == before
    assert manager.get_data_keys() == ["d"]


def test_the_manager_works_on_after_a_write_that_failed(manager, dataset, poisoned, tables_of):
    poison, error = poisoned
    poison()
    with pytest.raises(error):
        manager.add_data_source(dataset(tables=five(1)))
    manager.add_data_source(dataset(tables=five(2)))
    assert set(tables_of().values()) == {200}


def test_a_replacement_with_fewer_tables_leaves_no_stale_ones(manager, dataset, tables_of):
    manager.add_data_source(dataset(tables=five(1)))
    manager.add_data_source(dataset(tables={"b": pl.DataFrame({"x": [7]})}))
    assert tables_of() == {"ds__s__d__b": 7}


def test_deleting_a_dataset_leaves_the_others_alone(manager, dataset, tables_of):
    for name in ("a", "a__b", "a_b", "A"):
        manager.add_data_source(dataset(name, {"t": pl.DataFrame({"x": [len(name)]})}))
    manager.delete_data("a")
    assert sorted(tables_of().values()) == [1, 3, 4]
    assert manager.get_data_keys() == ["a__b", "a_b", "A"]


def test_a_derived_dataset_outlives_its_original(manager, new_manager, dataset, tables_of):
    manager.add_data_source(dataset(tables=five(1)))
    manager.derive_data("d", "derived")
    manager.delete_data("d")
    assert set(tables_of()) == {f"ds__s__derived__{name}" for name in FIVE}
    derived = new_manager().get_data("derived")
    assert derived.list_tables() == FIVE
    assert not derived.is_master_data()


def test_a_table_that_somebody_else_made_is_not_overwritten(
    manager, new_manager, dataset, outside, path
):
    outside(path, 'CREATE TABLE "ds__s__d__t" (precious)')
    manager.add_data_source(dataset(tables={"t": pl.DataFrame({"x": [1]})}))
    assert new_manager().get_data("d").get_table("t").item() == 1
    assert outside(path, "SELECT name FROM pragma_table_info('ds__s__d__t')") == [["precious"]]
    hashed = hashed_table_name("s", "d", "t")
    manager.delete_data("d")
    outside(path, f'CREATE TABLE "{hashed}" (precious)')
    with pytest.raises(StoreError, match="not overwritten"):
        manager.add_data_source(dataset(tables={"t": pl.DataFrame({"x": [1]})}))
