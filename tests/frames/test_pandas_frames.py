"""Which components get pandas frames, and what becomes of values on the way there and back."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal

import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from polars.testing import assert_frame_equal
from polars.testing.parametric import dataframes

import algomancy_data as ad
from algomancy_data.errors import FrameError
from algomancy_data.extractor import DataTypeConverter, ExtractionSequence
from algomancy_data.frames.pandas_frames import PandasTables, to_pandas, wants_pandas
from algomancy_data.transformer import TransformationSequence

EXACT = pl.DataFrame(
    {
        "big": [2**60 + 1, None],
        "flag": [True, None],
        "nan": [math.nan, None],
        "list": [[2**60 + 1, None], None],
        "price": [Decimal("1.50"), None],
        "kind": pl.Series(["b", None], dtype=pl.Enum(["b", "a"])),
        "day": [dt.date(9999, 12, 31), None],
    }
)


class Planes(ad.Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "planes", "csv", "single"
    CODE = ad.Column("code", ad.DataType.STRING, primary_key=True)
    SEATS = ad.Column("seats", ad.DataType.INTEGER, nullable=True)


class Annotated(ad.Transformer):
    def transform(self, data: dict[str, pd.DataFrame]) -> None:
        assert all(isinstance(frame, pd.DataFrame) for frame in data.values())
        data["t"]["n"] = range(len(data["t"]))


class Says(ad.Transformer):
    frames = "pandas"

    def transform(self, data):
        data["new"] = pd.DataFrame(columns=["id", "x"])
        data["t"] = data["t"].set_index("n")


class SaysPolars(ad.Transformer):
    frames = "polars"

    def transform(self, data: dict[str, pd.DataFrame]) -> None:
        assert all(isinstance(frame, pl.DataFrame) for frame in data.values())


class Plain(ad.Transformer):
    def transform(self, data):
        assert all(isinstance(frame, pl.DataFrame) for frame in data.values())


def test_a_component_says_what_it_wants_or_is_annotated_with_it():
    assert wants_pandas(Annotated(), "transform")
    assert wants_pandas(Says(), "transform")
    assert not wants_pandas(SaysPolars(), "transform")
    assert not wants_pandas(Plain(), "transform")
    assert not wants_pandas(ad.NoopTransformer(), "transform")


def test_values_are_exact_in_pandas():
    table = to_pandas(EXACT, "t")
    assert table["big"].tolist() == [2**60 + 1, pd.NA]
    assert str(table["flag"].dtype) == "boolean"
    assert math.isnan(table["nan"][0])
    assert table["nan"][1] is pd.NA
    assert list(table["list"][0]) == [2**60 + 1, None]


@pytest.mark.parametrize("dtype", [pl.Int128, pl.Object])
def test_what_pandas_cannot_hold_is_refused_by_name(dtype):
    frame = pl.DataFrame({"a": [1], "wide": pl.Series([2**100], dtype=dtype)})
    with pytest.raises(FrameError, match=r"Table 't' has columns that pandas cannot hold: 'wide'"):
        TransformationSequence([Annotated()]).run_transformation({"t": frame})


def test_columns_that_nobody_changes_come_back_as_they_were():
    sequence = TransformationSequence([Plain(), Annotated(), SaysPolars(), Plain()])
    tables = sequence.run_transformation({"t": EXACT, "other": EXACT})
    assert_frame_equal(tables["t"], EXACT.with_columns(n=pl.int_range(2)))
    assert_frame_equal(tables["other"], EXACT)


def test_neighbours_share_pandas_frames_with_their_index():
    tables = TransformationSequence([Annotated(), Says()]).run_transformation({"t": EXACT})
    assert list(tables) == ["t", "new"]
    assert_frame_equal(tables["t"], EXACT)
    assert tables["new"].columns == ["id", "x"]


def test_rows_that_are_taken_out_in_pandas_keep_exact_values():
    held = PandasTables({"t": EXACT})
    held.tables["t"] = held.tables["t"][[False, True]]
    assert held.back()["t"].drop("kind", "day", "price").row(0) == (None, None, None, None)
    held.tables["t"] = to_pandas(EXACT, "t")[[True, False]]
    back = held.back()["t"]
    assert back["big"].to_list() == [2**60 + 1]
    assert back["list"].to_list() == [[2**60 + 1, None]]
    assert back["price"].to_list() == [Decimal("1.50")]


def test_changes_in_place_are_changes():
    class InPlace(ad.Transformer):
        def transform(self, data: dict[str, pd.DataFrame]) -> None:
            data["t"].loc[0, "big"] = 7
            data["t"]["nan"] = [1.5, 2.5]

    before = EXACT.clone()
    tables = TransformationSequence([InPlace()]).run_transformation({"t": EXACT})
    assert tables["t"]["big"].to_list() == [7, None]
    assert tables["t"]["nan"].to_list() == [1.5, 2.5]
    assert_frame_equal(tables["t"].drop("big", "nan"), EXACT.drop("big", "nan"))
    assert_frame_equal(EXACT, before)


@given(dataframes(excluded_dtypes=[pl.Int128, pl.UInt128, pl.Float16, pl.Null], max_cols=4))
def test_an_untouched_table_survives_pandas(frame):
    assert_frame_equal(PandasTables({"t": frame}).back()["t"], frame, categorical_as_str=True)


ORDERS = pd.DataFrame({"id": [1, 2, 3], "plane": ["AA", "ZZ", None]})
FLEET = pd.DataFrame({"code": ["AA", "BB"], "seats": [1, 2]}, index=[7, 8])
RELATION = ad.Relation("orders", ("plane",), "planes", ("code",), track_partial_loss=True)


def test_built_in_transformers_take_the_frames_of_a_caller_in_pandas_and_give_them_back():
    data = {"orders": ORDERS, "planes": FLEET}
    snapshot = ad.CascadeSnapshot(extra_relations=[RELATION])
    snapshot.transform(data)
    assert snapshot.counts_for(RELATION) == {("AA",): 1, ("ZZ",): 1}
    ad.CascadeDropTransformer(extra_relations=[RELATION], snapshot=snapshot).transform(data)
    assert data["orders"]["id"].tolist() == [1, 3]
    assert data["planes"] is FLEET
    data["orders"] = data["orders"].rename(columns={"plane": "code"})
    ad.JoinTransformer("orders", "planes", "code", "both").transform(data)
    assert data["both"].to_dict("records") == [{"id": 1, "code": "AA", "seats": 1}]
    ad.CleanTransformer().transform(data)
    ad.OptionalColumnGuard([OptionalSeats]).transform({"planes": FLEET.drop(columns="seats")})
    assert data["planes"] is FLEET


def test_built_in_transformers_make_polars_frames_of_others():
    data = {"orders": pl.from_pandas(ORDERS).to_arrow(), "planes": pl.from_pandas(FLEET)}
    ad.CascadeDropTransformer(extra_relations=[RELATION]).transform(data)
    assert isinstance(data["orders"], pl.DataFrame)
    assert data["orders"]["id"].to_list() == [1, 3]


class OptionalSeats(Planes):
    SEATS = ad.Column("seats", ad.DataType.INTEGER, optional=True, default=4)


class FromPandas(ad.SingleExtractor):
    def _extract_file(self):
        return pd.DataFrame({"code": ["AA", "BB"], "seats": ["1", None]})


class Whole(ad.Extractor):
    def extract(self):
        frame = pd.DataFrame({"code": ["AA"], "seats": ["7"]})
        return {"planes": DataTypeConverter.convert_dtypes(frame, self.schema.datatypes())}


class Raw(ad.Extractor):
    def extract(self):
        return {"planes": pd.DataFrame({"code": ["AA"]})}


class Several(ad.MultiExtractor):
    def _extract_files(self):
        return {"a": pd.DataFrame({"x": ["1"]})}


class Groups(ad.Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "g", "json", "multi"
    A = ad.ColumnGroup("a", [ad.Column("x", ad.DataType.INTEGER)])


def test_extractors_may_return_pandas_frames():
    file = ad.CSVFile("planes")
    rows = [("AA", 1), ("BB", None)]
    assert FromPandas(file, Planes).extract()["planes"].rows() == rows
    assert ExtractionSequence([Whole(file, Planes)]).data["planes"].rows() == [("AA", 7)]
    assert ExtractionSequence([Raw(file, Planes)]).data["planes"].rows() == [("AA",)]
    assert Several(ad.JSONFile("g"), Groups).extract()["g.a"].rows() == [(1,)]


class Checks(ad.Validator):
    def validate(self, data: dict[str, pd.DataFrame]):
        frame = data["planes"]
        for row in frame.index[frame["seats"].isna()].tolist():
            self.add_message(ad.ValidationSeverity.ERROR, "no seats", "planes", row=int(row))
        frame["seats"] = 0
        return self.messages


class Loads(ad.Loader):
    def load(
        self,
        name: str,
        data: dict[str, pd.DataFrame],
        validation_messages: list[ad.ValidationMessage],
        ds_type: ad.DataClassification,
    ):
        source = ad.DataSource(ds_type, name, validation_messages)
        source.tables = {key: frame[frame["seats"].notna()] for key, frame in data.items()}
        return source


class Factory(ad.SimpleETLFactory):
    @classmethod
    def create_extraction_sequence(cls, files=None, schemas=None, logger=None):
        return ExtractionSequence([FromPandas(files["planes"], schemas["planes"], logger)], logger)

    @classmethod
    def create_validation_sequence(cls, schemas, logger=None):
        sequence = super().create_validation_sequence(schemas, logger)
        sequence.add_validator(Checks())
        return sequence

    @classmethod
    def create_loader(cls, logger=None):
        return Loads(logger)


def test_validators_and_loaders_get_pandas_frames_and_do_not_change_those_of_others():
    manager = ad.StatelessDataManager(Factory, [Planes], "json", ad.DataSource)
    result = manager.etl_data({"planes": ad.CSVFile("planes")}, "d")
    assert [message.row for message in result.messages if message.message == "no seats"] == [1]
    assert result.datasource.get_table("planes").rows() == [("AA", 1)]
    assert result.datasource.get_table("planes").schema["seats"] == pl.Int64
