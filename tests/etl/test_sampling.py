"""Some rows of each table, and the rows that they refer to, in place of all."""

from __future__ import annotations

import polars as pl
import pytest

from algomancy_data import (
    Column,
    CSVFile,
    DataType,
    Schema,
    SimpleETLFactory,
    StatelessDataManager,
)
from algomancy_data.errors import ArgumentError
from algomancy_data.etl.sampling import sampled
from algomancy_data.provenance import Provenance, Sample
from algomancy_data.relations import Relation


class Staff(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "staff", "csv", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)
    BOSS = Column("boss", DataType.INTEGER, foreign_key=("staff", "id"), nullable=True)


class Strict(SimpleETLFactory):
    check_constraints = True
    check_foreign_keys = True


@pytest.fixture
def manager(tmp_path):
    """A manager, and a file in which each row but two refers to the next one."""
    rows = [*(f"{number};{number + 1}" for number in range(8)), "8;99", "9;"]
    (tmp_path / "staff.csv").write_text("\n".join(["id;boss", *rows]))
    return StatelessDataManager(Strict, [Staff])


def files(tmp_path):
    return {"staff": CSVFile("staff", path=tmp_path / "staff.csv")}


def test_what_rows_refer_to_is_in_the_sample_and_what_that_refers_to():
    frames = {
        "a": pl.DataFrame({"b": [2, 0, None]}),
        "b": pl.DataFrame({"id": [0, 1, 2], "c": ["x", "y", "z"]}),
        "c": pl.DataFrame({"id": ["z", "y", "x", None]}),
    }
    relations = [Relation("b", "c", "c", "id"), Relation("a", "b", "b", "id")]
    found = sampled(Sample(1), frames, relations).frames
    assert found["a"].rows() == [(2,)]
    assert found["b"].rows() == [(0, "x"), (2, "z")]
    assert found["c"].rows() == [("z",), ("x",)]


def test_random_rows_are_in_order_and_the_same_for_a_seed():
    frames = {"t": pl.DataFrame({"x": range(1000)})}
    one, again, other = (
        sampled(Sample(10, seed), frames, []).frames["t"]["x"] for seed in (1, 1, 2)
    )
    assert one.to_list() == again.to_list() == one.sort().to_list()
    assert (len(one), one.to_list() != other.to_list()) == (10, True)


def test_a_reference_is_violated_in_the_sample_if_it_is_in_the_data(manager, tmp_path):
    good = manager.etl_data(files(tmp_path), "d", sample=Sample(2), dry_run=True)
    # Rows 2 to 8 are there because the others refer to them.
    assert good.datasource.get_table("staff").height == 9
    (violation,) = [one for one in good.messages if one.code == "FK_VIOLATION"]
    assert violation.row == 8
    random = manager.etl_data(files(tmp_path), "d", sample=Sample(1, seed=3), dry_run=True)
    for one in random.messages:
        assert one.code != "FK_VIOLATION" or one.row == 8


def test_a_sample_that_is_kept_says_so(manager, tmp_path):
    result = manager.etl_data(files(tmp_path), "d", sample=Sample(2))
    assert result.is_success
    assert "This is a sample: 9 of 10 rows." in [one.message for one in result.messages]
    provenance = manager.require_data("d").provenance
    assert provenance.sample == Sample(2)
    assert Provenance.from_dict(provenance.to_dict()).sample == Sample(2)
    assert manager.is_unchanged(files(tmp_path), "d", sample=Sample(2))
    assert not manager.is_unchanged(files(tmp_path), "d")


@pytest.mark.parametrize("settings", [{"mode": "append"}, {"quarantine": True}])
def test_what_goes_with_whole_tables_only_is_refused(manager, tmp_path, settings):
    with pytest.raises(ArgumentError, match="sample"):
        manager.etl_data(files(tmp_path), "d", sample=Sample(2), **settings)
    with pytest.raises(ArgumentError, match="number of rows from 1"):
        Sample(0)
