"""What a manager does beside keeping frames: laziness, memory, names, errors."""

from __future__ import annotations

import logging
import math

import polars as pl
import pytest
import sqlalchemy as sa
from polars.testing import assert_frame_equal

from algomancy_data import DataClassification, DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager, datasets, reading
from algomancy_data.errors import (
    DatasetExistsError,
    DatasetNotFoundError,
    MasterDataProtectedError,
    StoreError,
)
from algomancy_data.frames.mapped import mapped_frame

FRAME = pl.DataFrame({"x": [1, 2, 3]})


@pytest.fixture
def three(new_manager, dataset):
    """Three datasets in the file."""
    manager = new_manager()
    for name in ("c", "a", "b"):
        manager.add_data_source(dataset(name, {"t": FRAME}))
    manager.close()


@pytest.fixture
def loads(monkeypatch):
    """The tables that are read from here on."""
    read, seen = datasets.read_table, []

    def spy(connection, table, *further, **options):
        seen.append(table.layout.physical)
        return read(connection, table, *further, **options)

    monkeypatch.setattr(datasets, "read_table", spy)
    return seen


@pytest.mark.usefixtures("three")
def test_nothing_is_loaded_before_it_is_asked_for(new_manager, loads):
    manager = new_manager()
    assert manager.get_data_keys() == ["c", "a", "b"]
    assert loads == []
    first = manager.get_data("a")
    assert loads == ["ds__s__a__t"]
    assert manager.get_data("a") is first
    assert loads == ["ds__s__a__t"]


@pytest.mark.usefixtures("three")
def test_the_least_recently_used_dataset_is_forgotten_first(new_manager, loads):
    manager = new_manager(datasource_cache_size=2)
    for name in ("a", "b", "a", "c", "a", "b"):
        manager.get_data(name)
    assert loads == [f"ds__s__{name}__t" for name in ("a", "b", "c", "b")]


def test_the_cache_is_bounded_when_datasets_are_written_as_well(new_manager, dataset, loads):
    manager = new_manager(datasource_cache_size=1)
    for name in ("a", "b"):
        manager.add_data_source(dataset(name, {"t": FRAME}))
    manager.derive_data("b", "c")
    manager.get_data("c")
    assert loads == []
    manager.get_data("a")
    manager.get_data("b")
    assert loads == ["ds__s__a__t", "ds__s__b__t"]


def test_a_cache_of_nothing_is_refused(path):
    with pytest.raises(ValueError, match="datasource_cache_size must be at least 1"):
        DatabaseDataManager(
            SimpleETLFactory, [], f"sqlite:///{path}", "s", DataSource, datasource_cache_size=0
        )


def test_a_logger_in_the_place_that_it_had_in_0_8_is_a_type_error(path):
    url, logger = f"sqlite:///{path}", logging.getLogger("own")
    with pytest.raises(TypeError, match="datasource_cache_size is a number"):
        DatabaseDataManager(SimpleETLFactory, [], url, "s", DataSource, logger)


def test_an_unknown_dataset_is_none(manager):
    assert manager.get_data("nobody") is None


@pytest.mark.usefixtures("three")
def test_what_does_not_exist_cannot_be_derived_or_deleted(new_manager):
    manager = new_manager()
    for attempt in (
        lambda: manager.delete_data("nobody"),
        lambda: manager.derive_data("nobody", "new"),
    ):
        with pytest.raises(DatasetNotFoundError, match="Data 'nobody' not found") as error:
            attempt()
        assert isinstance(error.value, AssertionError)
        assert isinstance(error.value, KeyError)
    assert manager.get_data_keys() == ["c", "a", "b"]


@pytest.mark.usefixtures("three")
def test_a_name_that_is_taken_cannot_be_derived_to(new_manager):
    manager = new_manager()
    with pytest.raises(DatasetExistsError, match="Data 'b' already exists") as error:
        manager.derive_data("a", "b")
    assert isinstance(error.value, AssertionError)


@pytest.mark.usefixtures("three")
def test_master_data_can_be_protected(new_manager):
    manager = new_manager()
    manager.derive_data("a", "derived")
    with pytest.raises(MasterDataProtectedError, match="'a'"):
        manager.delete_data("a", prevent_masterdata_removal=True)
    manager.delete_data("derived", prevent_masterdata_removal=True)
    manager.delete_data("a")
    assert manager.get_data_keys() == ["c", "b"]


def test_a_derived_dataset_shares_nothing_but_the_data(manager, new_manager, dataset):
    source = dataset(tables={"t": FRAME})
    manager.add_data_source(source)
    manager.derive_data("d", "derived")
    derived = new_manager().get_data("derived")
    assert derived.id != source.id
    assert (derived.name, derived.ds_type) == ("derived", DataClassification.DERIVED_DATA)
    assert derived.creation_datetime == source.creation_datetime
    assert derived.get_table("t").equals(FRAME)


def test_one_datasource_can_be_kept_under_two_names_and_sessions(new_manager, dataset):
    source = dataset(tables={"t": FRAME})
    for session in ("s", "other"):
        manager = new_manager(session=session)
        manager.set_data("one", source)
        manager.set_data("two", source)
        assert new_manager(session=session).get_data("two").get_table("t").equals(FRAME)


def test_the_table_dict_can_change_after_it_was_written(manager, new_manager, dataset):
    source = dataset(tables={"t": FRAME})
    manager.add_data_source(source)
    source.add_table("later", FRAME)
    assert new_manager().get_data("d").list_tables() == ["t"]
    manager.add_data_source(source)
    assert new_manager().get_data("d").list_tables() == ["t", "later"]


@pytest.mark.parametrize(
    "act",
    [
        DatabaseDataManager.get_data_keys,
        lambda manager: manager.get_data("a"),
        lambda manager: manager.set_data("a", DataSource(DataClassification.MASTER_DATA)),
        lambda manager: manager.delete_data("a"),
        lambda manager: manager.derive_data("a", "b"),
    ],
    ids=["keys", "get", "set", "delete", "derive"],
)
def test_a_manager_that_was_not_started_says_so(path, act):
    manager = DatabaseDataManager(SimpleETLFactory, [], f"sqlite:///{path}", "s", DataSource)
    with pytest.raises(StoreError, match=r"call startup\(\) first"):
        act(manager)
    assert not path.exists()


def test_a_manager_can_be_used_again_after_it_was_closed(manager, dataset):
    manager.add_data_source(dataset(tables={"t": FRAME}))
    manager.close()
    assert manager.get_data_keys() == ["d"]


def test_startup_twice_changes_nothing(manager, dataset):
    manager.add_data_source(dataset(tables={"t": FRAME}))
    manager.startup()
    assert manager.get_data_keys() == ["d"]


# --- parts of a table, copies, memory ---------------------------------------------------------

PART = pl.DataFrame(
    {"i": range(100), "s": [str(n) for n in range(100)], "f": [math.nan, 1.5] * 50, "*": [7] * 100}
)


@pytest.mark.parametrize("rows_per_read", [7, 1_000_000])
@pytest.mark.parametrize(
    ("columns", "predicate"),
    [
        (None, None),
        (["s"], None),
        (["*", "i"], None),
        (["f"], pl.col("i") > 90),
        (None, pl.col("s").is_in(["3", "77"])),
        (["i"], pl.col("i") < 0),
        (["f", "s"], pl.col("f").is_nan() & (pl.col("i") % 10 == 0)),
    ],
    ids=str,
)
def test_a_part_of_a_table_is_what_polars_would_take_of_the_whole(
    manager, dataset, monkeypatch, rows_per_read, columns, predicate
):
    monkeypatch.setattr(reading, "ROWS_PER_READ", rows_per_read)
    manager.add_data_source(dataset(tables={"t": PART}))
    expected = (PART if predicate is None else PART.filter(predicate))[columns or PART.columns]
    assert_frame_equal(manager.get_table("d", "t", columns, predicate), expected)


def test_what_is_not_there_is_named(manager, dataset):
    manager.add_data_source(dataset(tables={"t": PART}))
    with pytest.raises(DatasetNotFoundError, match="'x'"):
        manager.get_table("x", "t")
    with pytest.raises(KeyError, match="Table 'x' not found"):
        manager.get_table("d", "x")
    for part in ({"columns": ["x"]}, {"predicate": pl.col("x") > 1}):
        with pytest.raises(KeyError, match="has no column 'x'"):
            manager.get_table("d", "t", **part)


def test_a_dataset_that_is_not_in_memory_is_derived_without_reading_it(
    manager, new_manager, dataset, loads
):
    manager.add_data_source(dataset(tables={"t": PART, "u": PART.head(0)}))
    fresh = new_manager()
    fresh.derive_data("d", "derived")
    assert loads == []
    derived, original = fresh.get_data("derived"), fresh.get_data("d")
    assert derived.list_tables() == ["t", "u"]
    assert_frame_equal(derived.get_table("t"), PART)
    assert derived.ds_type == "derived_data"
    assert derived.id != original.id
    assert derived.creation_datetime == original.creation_datetime


def test_a_dataset_that_was_changed_in_memory_is_derived_as_it_is_there(manager, dataset):
    manager.add_data_source(dataset(tables={"t": PART}))
    manager.get_data("d").get_table("t")[0, "i"] = -5
    manager.derive_data("d", "derived")
    manager.refresh()
    assert manager.get_data("derived").get_table("t")[0, "i"] == -5
    assert manager.get_data("d").get_table("t")[0, "i"] == 0


def test_a_class_that_has_a_say_in_deriving_has_it(new_manager, dataset):
    class Stamped(DataSource):
        def _post_derive(self):
            self.add_table("stamp", pl.DataFrame({"by": [self.name]}))

    manager = new_manager(cls=Stamped)
    manager.add_data_source(dataset(tables={"t": PART}))
    manager.refresh()
    manager.derive_data("d", "derived")
    manager.refresh()
    assert manager.get_data("derived").get_table("stamp").item() == "derived"


def test_refresh_forgets_what_is_in_memory(manager, dataset):
    manager.add_data_source(dataset(tables={"t": PART}))
    before = manager.get_data("d")
    manager.refresh()
    assert manager.get_data("d") is not before


def test_the_cache_is_bounded_by_bytes(new_manager, dataset, loads):
    size = int(PART.estimated_size())
    manager = new_manager(datasource_cache_bytes=2 * size)
    for name in ("a", "b", "c"):
        manager.add_data_source(dataset(name, {"t": PART}))
    for name in ("b", "c", "a"):
        manager.get_data(name)
    assert loads == ["ds__s__a__t"]


def test_tables_that_are_mapped_files_do_not_count_as_memory(new_manager, dataset, loads):
    manager = new_manager(datasource_cache_bytes=2 * int(PART.estimated_size()))
    for name in ("a", "b"):
        manager.add_data_source(dataset(name, {"t": PART}))
    large = pl.DataFrame({"n": range(100_000), "s": [f"text number {n}" for n in range(100_000)]})
    manager.add_data_source(dataset("large", {"t": mapped_frame([large])}))
    for name in ("a", "b", "large"):
        manager.get_data(name)
    assert loads == []
    manager.add_data_source(dataset("large", {"t": large}))
    manager.get_data("b")
    assert loads == ["ds__s__b__t"]


def test_what_is_mapped_from_scratch_files_puts_nothing_out_of_the_cache(
    new_manager, dataset, loads
):
    manager = new_manager(datasource_cache_size=1)
    for name in ("b", "a"):
        manager.add_data_source(dataset(name, {"t": PART}))
    mapped = manager.get_data("b", lazy=True)
    assert mapped.get_table("t").equals(PART)
    assert manager.get_data("b", lazy=True) is not mapped
    assert manager.get_data("a", lazy=True) is manager.get_data("a")
    assert loads == ["ds__s__b__t"] * 2


@pytest.mark.parametrize(
    "operation",
    [
        lambda manager: manager.get_data("a"),
        lambda manager: manager.get_table("a", "t"),
        lambda manager: manager.derive_data("a", "derived"),
        lambda manager: manager.delete_data("a"),
        lambda manager: manager.set_data("a", manager.get_data("b")),
    ],
    ids=["get", "get table", "derive", "delete", "replace"],
)
def test_what_is_about_one_dataset_does_not_look_at_all(new_manager, dataset, operation):
    manager = new_manager()
    for name in "ab":
        manager.add_data_source(dataset(name, {"t": FRAME}))
    manager.refresh()
    statements = []

    @sa.event.listens_for(manager.engine, "after_cursor_execute")
    def _note(connection, cursor, statement, *others):
        statements.append(" ".join(statement.split()))

    operation(manager)
    catalogue = [one for one in statements if "FROM algomancy_datasets" in one]
    assert catalogue
    assert all("algomancy_datasets.name = ?" in one for one in catalogue)
    assert not [one for one in statements if "sqlite_master" in one or "table_list" in one]
