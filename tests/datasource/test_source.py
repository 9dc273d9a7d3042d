import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

from algomancy_data import DataClassification, DataSource
from algomancy_data.errors import DatasetNameError, FrameError, TableNotFoundError

FRAME = pl.DataFrame({"a": [1, 2]})


@pytest.fixture
def source():
    return DataSource(DataClassification.MASTER_DATA, name="x")


@pytest.mark.parametrize(
    "table", [FRAME, FRAME.lazy(), pa.table({"a": [1, 2]}), pd.DataFrame({"a": [1, 2]})]
)
@pytest.mark.parametrize("way", ["add_table", "tables[]", "tables=", "from_sql_tables", "update"])
def test_every_way_in_takes_anything_tabular_and_gives_polars_back(source, table, way):
    match way:
        case "add_table":
            source.add_table("t", table)
        case "tables[]":
            source.tables["t"] = table
        case "tables=":
            source.tables = {"t": table}
        case "from_sql_tables":
            source.from_sql_tables({"t": table})
        case "update":
            source.tables.update(t=table)
    assert_frame_equal(source.get_table("t"), FRAME)
    assert isinstance(source.tables, dict)
    assert source.list_tables() == ["t"]
    assert list(source.to_sql_tables()) == ["t"]


def test_tables_behave_like_a_dict(source):
    assert_frame_equal(source.tables.setdefault("t", {"a": [1, 2]}), FRAME)
    source.tables |= {"u": FRAME.to_arrow()}
    assert isinstance(source.tables["u"], pl.DataFrame)
    del source.tables["t"]
    assert list(source.tables) == ["u"]


def test_an_unknown_table_is_a_key_error_that_names_the_others(source):
    source.add_table("t", FRAME)
    with pytest.raises(TableNotFoundError, match="'u' not found"):
        source.get_table("u")


def test_what_is_no_table_is_refused_by_name(source):
    with pytest.raises(FrameError, match="'t'"):
        source.add_table("t", 3)
    with pytest.raises(DatasetNameError, match="must be text"):
        source.tables[3] = FRAME


def test_a_derived_dataset_shares_memory_but_not_changes(source):
    source.add_table("t", FRAME)
    derived = source.derive("y")
    memory = [
        frame["a"].to_arrow().buffers()[1].address for frame in (derived.get_table("t"), FRAME)
    ]
    assert memory[0] == memory[1]
    derived.get_table("t").insert_column(0, pl.Series("b", [1, 1]))
    derived.add_table("u", FRAME)
    assert source.get_table("t").columns == ["a"]
    assert source.list_tables() == ["t"]


def test_a_subclass_with_state_of_its_own_is_derived_through_its_own_serial_form():
    class Tagged(DataSource):
        tag = ""

        def to_json(self):
            return f"{self.tag}|{super().to_json()}"

        @classmethod
        def from_json(cls, json_string):
            tag, _, text = json_string.partition("|")
            source = super().from_json(text)
            source.tag = tag
            return source

    source = Tagged(DataClassification.MASTER_DATA, name="x")
    source.tag = "kept"
    source.add_table("t", FRAME)
    derived = source.derive("y")
    assert (type(derived), derived.tag) == (Tagged, "kept")
    assert_frame_equal(derived.get_table("t"), FRAME)


def test_the_repr_shows_what_is_inside(source):
    source.add_table("t", FRAME)
    assert repr(source) == "<DataSource 'x' (master_data): t 2 × 1>"


def test_a_table_can_be_scanned(source):
    source.add_table("t", FRAME)
    assert source.scan("t").filter(pl.col("a") > 1).collect().rows() == [(2,)]
    with pytest.raises(TableNotFoundError, match="'t'"):
        source.scan("other")
