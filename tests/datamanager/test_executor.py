"""What an executor helps to load is what is loaded without it, in every store."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import polars as pl
import pytest

from algomancy_data.errors import ExecutorError
from algomancy_data.testing import assert_identical

CUSTOMERS = [["1;Ada", "2;Bob"], ["3;Cleo"], []]
ORDERS = [
    ["1;1;1,5;01/02/2024", "2;1;2,5;02/02/2024"],
    ["3;2;;03/02/2024"],
    ["4;3;7;13/02/2024", "5;3;8,25;"],
]
FLAWED = {
    "whole": (CUSTOMERS, ORDERS),
    "a key twice, in two parts": ([*CUSTOMERS, ["1;Eve"]], ORDERS),
    "a reference to nobody": (CUSTOMERS, [*ORDERS, ["6;9;1;"]]),
    "a value that is none": (CUSTOMERS, [*ORDERS, ["6;1;much;"], ["7;1;more;"]]),
    "rows that are too short": (CUSTOMERS, [ORDERS[0], ["6;1"], ORDERS[1], ["7;1;3", "8;1"]]),
    "another separator": (CUSTOMERS, ORDERS, "|"),
    "a row that is too long": (CUSTOMERS, [*ORDERS, ["6;1;1;;5"]]),
    "all at once": (
        [*CUSTOMERS, ["1;Eve", ";"]],
        [*ORDERS, ["6;9;x;31/31/2024", "6"], ["7;1;1.000,5;1/2/24", "1;1;1;"]],
    ),
}


@pytest.fixture(params=["memory", "folder", "sqlite", "postgresql"])
def store(request, tmp_path):
    match request.param:
        case "sqlite":
            return f"sqlite:///{tmp_path / 'data.db'}"
        case "folder":
            return str(tmp_path / "folder")
        case "postgresql":
            return request.getfixturevalue("empty_postgresql")
        case other:
            return other


@pytest.fixture
def load(parted, tmp_path, store):
    """Load parts into a dataset of a new manager, with an executor or without."""
    made = []

    def load(name, folder, executor=None, **options):
        made.append(parted.manager(store))
        tables = ("customers", "orders")
        files = made[-1].prepare_files(
            file_items_with_path=[(table, str(folder / table)) for table in tables]
        )
        return made[-1], made[-1].etl_data(files, name, executor=executor, **options)

    yield load
    for one in made:
        one.close()


def same(found, expected):
    """Compare all but times."""
    assert found.status == expected.status
    assert found.messages == expected.messages
    assert type(found.raised) is type(expected.raised)
    assert str(found.raised) == str(expected.raised)
    assert found.quarantine.keys() == expected.quarantine.keys()
    for name, frame in expected.quarantine.items():
        assert_identical(found.quarantine[name], frame)
    if expected.datasource is None:
        assert found.datasource is None
        return
    assert found.datasource.tables.keys() == expected.datasource.tables.keys()
    for name, frame in expected.datasource.tables.items():
        assert_identical(found.datasource.tables[name], frame)
    made = [one.datasource.provenance for one in (found, expected)]
    # What a table takes in memory differs by a bit for each row.
    rows = [{name: size.rows for name, size in one.tables.items()} for one in made]
    same_time = made[1].made_at
    plain = [replace(one, phases=(), tables={}, made_at=same_time) for one in made]
    assert (plain[0], rows[0]) == (plain[1], rows[1])


@pytest.mark.parametrize("store", ["memory"], indirect=True)
@pytest.mark.parametrize("quarantine", [False, True], ids=["as it is", "quarantine"])
@pytest.mark.parametrize("flaw", FLAWED)
def test_messages_frames_and_provenance_are_the_same(
    parted, load, elsewhere, tmp_path, flaw, quarantine
):
    parted.write(tmp_path, *FLAWED[flaw])
    calls = elsewhere.calls
    found = load("d", tmp_path, elsewhere, quarantine=quarantine)[1]
    assert elsewhere.calls > calls
    same(found, load("d", tmp_path, quarantine=quarantine)[1])


@pytest.mark.long
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_dask_cluster_helps_as_others_do(parted, load, dask_cluster, tmp_path):
    parted.write(tmp_path, *FLAWED["rows that are too short"])
    client, workers = dask_cluster
    helped, result = load("helped", tmp_path, client)
    assert result.is_success
    assert len(workers) == len(client.nthreads()) == 2
    same(result, load("alone", tmp_path)[1])
    assert helped.verify() == []
    for table, frame in result.datasource.tables.items():
        assert_identical(helped.get_table("helped", table), frame)


def test_the_store_has_the_same(parted, load, elsewhere, tmp_path):
    parted.write(tmp_path, *FLAWED["rows that are too short"])
    with_help, result = load("helped", tmp_path, elsewhere)
    assert result.is_success
    alone, expected = load("alone", tmp_path)
    same(result, expected)
    for manager, name in ((with_help, "helped"), (alone, "alone")):
        kept = manager.get_data(name)
        for table, frame in expected.datasource.tables.items():
            assert_identical(kept.get_table(table), frame)
            assert_identical(manager.scan_table(name, table).collect(), frame)
        assert manager.verify() == []


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_rows_are_added_with_help(parted, load, elsewhere, tmp_path, mode):
    parted.write(tmp_path / "first", CUSTOMERS, ORDERS)
    more = [["6;1;1;"], ["7;4;2;"]] if mode == "append" else [["5;1;1;"], ["6;4;2;"]]
    parted.write(tmp_path / "more", [["4;Dan"], ["5;Eve"]], more)
    for name, executor in (("helped", elsewhere), ("alone", None)):
        load(name, tmp_path / "first", executor)
        manager, result = load(name, tmp_path / "more", executor, mode=mode)
        assert result.is_success
        last = manager, result.load
        if executor is not None:
            helped = last
    assert helped[1].added == last[1].added
    assert helped[1].replaced == last[1].replaced


@pytest.mark.parametrize("store", ["memory"], indirect=True)
def test_other_processes_help(parted, load, tmp_path):
    parted.write(tmp_path, *FLAWED["all at once"])
    with ProcessPoolExecutor(1, get_context("spawn")) as executor:
        found = load("d", tmp_path, executor, quarantine=True)[1]
    same(found, load("d", tmp_path, quarantine=True)[1])


@pytest.mark.parametrize("store", ["memory"], indirect=True)
def test_a_small_load_is_not_worth_a_process(parted, load, tmp_path):
    parted.write(tmp_path, CUSTOMERS, ORDERS)
    manager, result = load("d", tmp_path, 64)
    assert result.is_success
    assert manager.get_table("d", "orders").height == 5


@pytest.mark.parametrize("store", ["memory"], indirect=True)
def test_what_is_no_executor_is_refused_before_anything_is_read(parted, load, tmp_path):
    parted.write(tmp_path, CUSTOMERS, ORDERS)
    with pytest.raises(ExecutorError, match="is no executor"):
        load("d", tmp_path, object())


@pytest.mark.parametrize("store", ["memory"], indirect=True)
def test_a_schema_that_workers_cannot_import_is_named(parted, load, tmp_path):
    parted.write(tmp_path, CUSTOMERS, ORDERS)
    parted.Customers.__qualname__ = "nowhere.Customers"
    with (
        ProcessPoolExecutor(1, get_context("spawn")) as executor,
        pytest.raises(ExecutorError, match=r"Part .* of file 'customers' cannot be handed"),
    ):
        load("d", tmp_path, executor)


@pytest.mark.long
def test_large_parts_are_read_by_processes_and_written_in_order(parted, load, tmp_path):
    rows, parts = 600_000, 6
    (tmp_path / "customers").mkdir()
    pl.DataFrame({"id": [1], "name": ["Ada"]}).write_csv(
        tmp_path / "customers" / "0.csv", separator=";"
    )
    (tmp_path / "orders").mkdir()
    for part in range(parts):
        ids = pl.int_range(part * rows // parts, (part + 1) * rows // parts, eager=True)
        day = pl.lit("2024-05-01T10:00:00")
        pl.select(id=ids, customer=1, amount=ids / 4, day=day).write_csv(
            tmp_path / "orders" / f"part-{part}.csv", separator=";"
        )
    manager, result = load("helped", tmp_path, 2)
    assert result.is_success
    alone, expected = load("alone", tmp_path)
    same(result, expected)
    kept = manager.scan_table("helped", "orders").collect()
    assert_identical(kept, alone.scan_table("alone", "orders").collect())
    assert kept["id"].is_sorted()
    assert manager.verify() == []
