"""The contract of every DataManager for rows that are added or deleted."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from algomancy_data.datasource import DataClassification
from algomancy_data.errors import (
    AdditionError,
    ColumnNotFoundError,
    DatasetNotFoundError,
    TableNotFoundError,
)
from algomancy_data.messages import ValidationMessage, ValidationSeverity
from algomancy_data.testing.comparison import assert_identical
from algomancy_data.testing.samples import sample_frames, source_of

_FRAMES = sample_frames()
# What is nested deeply is looked at where it is written at once, since it takes long.
_GROWING = [name for name in _FRAMES if name != "deep"]


class AdditionContract:
    """The part of :class:`DataManagerContract` that is about rows."""

    @pytest.mark.parametrize("case", _GROWING)
    def test_rows_are_appended_behind_the_others(self, opened: Any, case: str) -> None:
        """Of every dtype, several times; what was there before stays as it was."""
        frame = _FRAMES[case]
        manager = opened()
        manager.add_data_source(source_of("d", {"t": frame.clear(), "other": _FRAMES["texts"]}))
        for _ in range(3):
            manager.add_data_source(source_of("d", {"t": frame}), mode="append")
        reader = opened()
        read = reader.get_data("d")
        assert_identical(read.get_table("t"), pl.concat([frame] * 3))
        assert_identical(read.get_table("other"), _FRAMES["texts"])
        assert reader.verify("d") == []

    def test_many_rows_are_appended_in_order(self, opened: Any) -> None:
        """Small and large additions, before and behind the middle of what is written at a time."""
        frame = pl.DataFrame({"i": range(150_000)}).with_columns(s=pl.col("i").cast(pl.String))
        manager = opened()
        start = 0
        for height in (60_000, 1, 30_000, 9_999, 50_000):
            rows = frame.slice(start, height)
            manager.add_data_source(source_of("d", {"t": rows}), mode="append")
            start += height
        assert_identical(manager.get_data("d").get_table("t"), frame)
        assert_identical(opened().get_data("d").get_table("t"), frame)
        assert opened().verify("d") == []

    def test_an_addition_keeps_the_dataset_that_it_is(self, opened: Any) -> None:
        """Its identity, type, time and place; messages and provenance have what was added."""
        manager = opened()
        first = source_of("d", {"t": pl.DataFrame({"x": [1]})}, DataClassification.DUMMY_DATA)
        first.validation_messages = [ValidationMessage(ValidationSeverity.INFO, "first")]
        manager.add_data_source(first)
        manager.add_data_source(source_of("e"))
        more = source_of("d", {"t": pl.DataFrame({"x": [2, 3]}), "u": pl.DataFrame({"y": [1]})})
        more.validation_messages = [ValidationMessage(ValidationSeverity.ERROR, "second")]
        manager.add_data_source(more, mode="append")
        read = opened().get_data("d")
        assert read == first
        assert read.ds_type is DataClassification.DUMMY_DATA
        assert read.creation_datetime == first.creation_datetime
        assert [message.message for message in read.validation_messages] == ["first", "second"]
        (load,) = read.provenance.loads
        assert (load.mode, load.added, load.replaced) == ("append", {"t": 2, "u": 1}, {})
        assert opened().get_data_keys() == ["d", "e"]
        info = opened().describe("d")
        assert {name: table.rows for name, table in info.tables.items()} == {"t": 3, "u": 1}
        assert {name: size.rows for name, size in info.provenance.tables.items()} == {
            "t": 3,
            "u": 1,
        }

    def test_a_column_that_is_new_is_null_in_the_rows_before(self, opened: Any) -> None:
        """Whatever order the columns have; later additions have both."""
        manager = opened()
        old = pl.DataFrame({"x": [1, 2], "s": ["a", "b"]})
        new = pl.DataFrame({"f": [1.5], "s": ["c"], "x": [3]})
        for rows in (old, new, new):
            manager.add_data_source(source_of("d", {"t": rows}), mode="append")
        read = opened().get_data("d").get_table("t")
        expected = {"x": [1, 2, 3, 3], "s": ["a", "b", "c", "c"], "f": [None, None, 1.5, 1.5]}
        assert_identical(read, pl.DataFrame(expected))
        assert opened().verify("d") == []

    def test_columns_in_another_order_are_put_in_that_of_the_table(self, opened: Any) -> None:
        """Also one without a name, which Polars would give one."""
        manager = opened()
        manager.add_data_source(source_of("d", {"t": pl.DataFrame({"": [1], "x": ["a"]})}))
        more = source_of("d", {"t": pl.DataFrame({"x": ["b"], "": [2]})})
        manager.add_data_source(more, mode="append")
        together = pl.DataFrame({"": [1, 2], "x": ["a", "b"]})
        assert_identical(opened().get_data("d").get_table("t"), together)

    @pytest.mark.parametrize(
        ("rows", "said"),
        [
            ({"x": [2]}, "no column 's'"),
            ({"x": ["2"], "s": ["b"]}, "'x'.*String.*Int64"),
            ({"x": pl.Series([2], dtype=pl.Int32), "s": ["b"]}, "'x'.*Int32.*Int64"),
        ],
    )
    def test_rows_that_do_not_fit_are_refused_and_change_nothing(
        self, opened: Any, rows: dict[str, Any], said: str
    ) -> None:
        """The error says which column; no table of the addition is there."""
        manager = opened()
        before = pl.DataFrame({"x": [1], "s": ["a"]})
        manager.add_data_source(source_of("d", {"t": before}))
        more = source_of("d", {"u": pl.DataFrame({"y": [1]}), "t": pl.DataFrame(rows)})
        with pytest.raises(AdditionError, match=said):
            manager.add_data_source(more, mode="append")
        read = opened().get_data("d")
        assert read.list_tables() == ["t"]
        assert_identical(read.get_table("t"), before)

    def test_rows_of_tables_without_a_key_replace_none(self, opened: Any) -> None:
        """The error says that it must be declared, also where there is no dataset yet."""
        manager = opened()
        source = source_of("d", {"t": pl.DataFrame({"x": [1]})})
        with pytest.raises(AdditionError, match="primary key"):
            manager.add_data_source(source, mode="upsert")
        assert manager.get_data_keys() == []
        manager.add_data_source(source)
        with pytest.raises(AdditionError, match="primary key"):
            manager.add_data_source(source, mode="upsert")
        assert opened().get_data("d").get_table("t").height == 1

    @pytest.mark.parametrize("case", _GROWING)
    def test_rows_are_deleted_and_the_others_stay(self, opened: Any, case: str) -> None:
        """In their order, of every dtype, in tables that grew; the number is told."""
        frame = _FRAMES[case]
        manager = opened()
        numbers = pl.int_range(3 * frame.height, dtype=pl.Int64, eager=True).alias("number of row")
        whole = pl.concat([frame] * 3).with_columns(numbers)
        for rows in whole.iter_slices(max(frame.height, 1)):
            manager.add_data_source(source_of("d", {"t": rows}), mode="append")
        is_odd = pl.col("number of row") % 2 == 1
        if whole.height:
            assert manager.delete_rows("d", "t", is_odd) == whole.filter(is_odd).height
            reader = opened()
            assert_identical(reader.get_data("d").get_table("t"), whole.filter(~is_odd))
            assert reader.verify("d") == []

    def test_rows_are_deleted_as_a_filter_takes_them(self, opened: Any) -> None:
        """None where the predicate is null, all of them, and by a look at other rows."""
        manager = opened()
        frame = pl.DataFrame({"x": [1, None, 3, 4], "s": ["a", "b", None, "d"]})
        for predicate in (
            pl.col("x") > 1,
            pl.col("x") > pl.col("x").mean(),
            pl.col("s").is_null() | (pl.col("x") == 1),
            pl.lit(value=True),
            pl.lit(value=False),
        ):
            manager.add_data_source(source_of("d", {"t": frame, "u": frame}))
            version = manager.store.version("d")
            count = manager.delete_rows("d", "t", predicate)
            taken = frame.with_row_index("row").filter(predicate)["row"].to_list()
            assert count == len(taken)
            left = frame[[row for row in range(frame.height) if row not in taken]]
            read = opened().get_data("d")
            assert_identical(read.get_table("t"), left)
            assert_identical(read.get_table("u"), frame)
            assert (manager.store.version("d") == version) == (count == 0)
            loads = manager.describe("d").provenance.loads if count else ()
            assert [load.deleted for load in loads] == [{"t": count}] * bool(count)
            assert manager.describe("d").tables["t"].rows == frame.height - count

    def test_what_is_not_there_cannot_be_deleted(self, opened: Any) -> None:
        """Neither a dataset, nor a table, nor a column; the error names what there is."""
        manager = opened()
        manager.add_data_source(source_of("d", {"t": pl.DataFrame({"x": [1]})}))
        with pytest.raises(DatasetNotFoundError, match="'d'"):
            manager.delete_rows("other", "t", pl.col("x") == 1)
        with pytest.raises(TableNotFoundError, match="'t'"):
            manager.delete_rows("d", "other", pl.col("x") == 1)
        with pytest.raises(ColumnNotFoundError, match="'x'"):
            manager.delete_rows("d", "t", pl.col("y") == 1)
        assert opened().get_data("d").get_table("t").height == 1

    def test_what_others_add_is_kept_and_seen(self, opened: Any) -> None:
        """Several managers add and delete in turn, each with the dataset in its memory."""
        one, other = opened(), opened()
        for number in range(4):
            manager = (one, other)[number % 2]
            source = source_of("d", {"t": pl.DataFrame({"x": [number, -number]})})
            manager.add_data_source(source, mode="append")
            for reader in (one, other):
                assert reader.get_data("d").get_table("t").height == 2 * (number + 1)
        deleted = other.delete_rows("d", "t", pl.col("x") < 0)
        left = one.get_data("d").get_table("t")["x"].to_list()
        assert (deleted, left) == (3, [0, 0, 1, 2, 3])

    def test_a_copy_and_its_original_grow_by_themselves(self, opened: Any) -> None:
        """Though they may share what was there."""
        manager = opened()
        manager.add_data_source(source_of("d", {"t": pl.DataFrame({"x": [1]})}))
        manager.add_data_source(source_of("d", {"t": pl.DataFrame({"x": [2]})}), mode="append")
        manager.derive_data("d", "e")
        manager.add_data_source(source_of("d", {"t": pl.DataFrame({"x": [3]})}), mode="append")
        manager.add_data_source(source_of("e", {"t": pl.DataFrame({"x": [4]})}), mode="append")
        found = [opened().get_data(name).get_table("t")["x"].to_list() for name in ("d", "e")]
        assert found == [[1, 2, 3], [1, 2, 4]]
