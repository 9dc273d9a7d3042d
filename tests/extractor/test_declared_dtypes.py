"""A column that is declared with a Polars dtype, in a file of every format."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import polars as pl
import pytest
import xlsxwriter

from algomancy_data import (
    ArrowFile,
    Column,
    CSVFile,
    DataType,
    JSONFile,
    ParquetFile,
    Schema,
    SimpleETLFactory,
    XLSXFile,
)
from algomancy_data.errors import InvalidSchemaError
from algomancy_data.schema import ColumnGroup
from algomancy_data.schema.kinds import column_type_of
from algomancy_data.testing.samples import POLARS_DTYPES, sample_values

of_every_dtype = pytest.mark.parametrize(
    "dtype", POLARS_DTYPES, ids=lambda dtype: column_type_of(dtype).name
)


def schema_of(extension: str, **dtypes) -> type[Schema]:
    columns = {name: Column(name, dtype, nullable=True) for name, dtype in dtypes.items()}
    settings = {"_FILENAME": "t", "_EXTENSION": extension, "_SCHEMA_TYPE": "single"}
    return type("Table", (Schema,), settings | columns)


def load(file, schema) -> pl.DataFrame:
    result = SimpleETLFactory.build_pipeline("d", {"t": file}, {"t": schema}).run()
    assert [str(m) for m in result.validation_result.messages if m.severity != "INFO"] == []
    return result.datasource.get_table("t")


def texts_of(dtype) -> list[str]:
    return list(column_type_of(dtype).samples[:2])


@of_every_dtype
def test_a_workbook_gives_what_its_texts_mean(dtype, tmp_path) -> None:
    texts = texts_of(dtype)
    with xlsxwriter.Workbook(tmp_path / "t.xlsx") as workbook:
        workbook.add_worksheet().write_column(0, 0, ["n", "1", "2"])
        sheet = workbook.worksheets()[0]
        sheet.write(0, 1, "v")
        for row, text in enumerate(texts, 1):
            sheet.write_string(row, 1, text)
    frame = load(XLSXFile("t", tmp_path / "t.xlsx"), schema_of("xlsx", n=pl.UInt8, v=dtype))
    assert frame["v"].dtype == dtype
    assert frame["v"].equals(sample_values(dtype).head(2).alias("v"))


@of_every_dtype
@pytest.mark.parametrize(
    ("extension", "file", "write"),
    [
        ("parquet", ParquetFile, pl.DataFrame.write_parquet),
        ("arrow", ArrowFile, pl.DataFrame.write_ipc),
    ],
)
def test_a_file_with_dtypes_gives_them_back(dtype, extension, file, write, tmp_path) -> None:
    frame = pl.DataFrame({"v": sample_values(dtype)})
    write(frame, tmp_path / "t")
    found = load(file("t", tmp_path / "t"), schema_of(extension, v=dtype))
    assert found.equals(frame)
    assert found.schema == frame.schema


@of_every_dtype
def test_json_gives_what_its_texts_mean_or_its_lists_and_objects(dtype, tmp_path) -> None:
    is_nested = isinstance(dtype, pl.List | pl.Array | pl.Struct)
    values = [json.loads(text) if is_nested else text for text in texts_of(dtype)]
    document = [{"n": number, "v": value} for number, value in enumerate([*values, None])]
    (tmp_path / "t.json").write_text(json.dumps(document))
    frame = load(JSONFile("t", tmp_path / "t.json"), schema_of("json", n=pl.UInt8, v=dtype))
    assert frame["v"].dtype == dtype
    assert frame["v"].head(2).equals(sample_values(dtype).head(2).alias("v"))
    assert frame["v"].null_count() == 1


def test_a_number_of_json_becomes_a_decimal_digit_for_digit(tmp_path) -> None:
    written = '[{"v": 12345678901234567.89}, {"v": 0.10}, {"v": 1e3}]'
    (tmp_path / "t.json").write_text(written)
    frame = load(JSONFile("t", tmp_path / "t.json"), schema_of("json", v=pl.Decimal(38, 2)))
    assert frame["v"].to_list() == [Decimal("12345678901234567.89"), Decimal("0.10"), 1000]


def test_an_object_of_json_stays_whole_in_a_group_too(tmp_path) -> None:
    written = '[{"id": 1, "place": {"x": 1, "y": 2.5}, "tags": [{"of": {"on": "2024-01-05"}}]}]'
    (tmp_path / "t.json").write_text(written)
    place, of = pl.Struct({"x": pl.Int8, "y": pl.Float32}), pl.Struct({"on": pl.Date})
    members = {
        "_FILENAME": "t",
        "_EXTENSION": "json",
        "_SCHEMA_TYPE": "multi",
        "HEAD": ColumnGroup("head", [Column("id", pl.Int64), Column("place", place)]),
        "TAG": ColumnGroup("tag", [Column("of", of)], ("tags",)),
    }
    files = {"t": JSONFile("t", tmp_path / "t.json")}
    schemas = {"t": type("Table", (Schema,), members)}
    source = SimpleETLFactory.build_pipeline("d", files, schemas).run().datasource
    assert source.get_table("t.head").schema == {"id": pl.Int64(), "place": place}
    assert source.get_table("t.head").row(0) == (1, {"x": 1, "y": 2.5})
    assert source.get_table("t.tag")["of"].to_list() == [{"on": date(2024, 1, 5)}]


def test_numbers_and_clocks_of_a_workbook_become_what_is_declared(tmp_path) -> None:
    with xlsxwriter.Workbook(tmp_path / "t.xlsx") as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, ["price", "count", "day", "clock"])
        day = workbook.add_format({"num_format": "yyyy-mm-dd"})
        clock = workbook.add_format({"num_format": "hh:mm"})
        sheet.write_row(1, 0, [0.1, 3])
        sheet.write(1, 2, 45296, day)
        sheet.write(1, 3, 0.4375, clock)
    dtypes = {"price": pl.Decimal(18, 4), "count": pl.Int8, "day": pl.Date, "clock": pl.Time}
    frame = load(XLSXFile("t", tmp_path / "t.xlsx"), schema_of("xlsx", **dtypes))
    assert frame.schema == {name: column_type_of(dtype).dtype for name, dtype in dtypes.items()}
    assert [str(value) for value in frame.row(0)] == ["0.1000", "3", "2024-01-05", "10:30:00"]


def test_what_does_not_fit_is_an_issue_that_names_the_dtype(tmp_path) -> None:
    (tmp_path / "t.csv").write_text("v\n1.5\n1.23456\n")
    files = {"t": CSVFile("t", tmp_path / "t.csv")}
    schemas = {"t": schema_of("csv", v=pl.Decimal(18, 4))}
    messages = SimpleETLFactory.build_pipeline("d", files, schemas).run().validation_result.messages
    found = [m for m in messages if m.code == "CONVERSION_FAILED"]
    wrong = "1 value is a number with more than 4 decimals, or 18 digits in all"
    assert [(m.column, m.message) for m in found] == [("v", f"{wrong}: '1.23456' (row 1).")]


@pytest.mark.parametrize(
    ("dtype", "advice"),
    [
        (pl.Decimal, r"pl\.Decimal needs parameters: pl\.Decimal\(18, 4\)"),
        (pl.List, r"pl\.List needs parameters"),
        (pl.Object, "no column can be declared with Object"),
        (pl.List(pl.Object), "no column can be declared with Object"),
        (int, r"use one of DataType\.STRING.* or a Polars dtype"),
    ],
    ids=str,
)
def test_a_dtype_that_says_too_little_or_that_no_file_holds_is_refused(dtype, advice) -> None:
    with pytest.raises(InvalidSchemaError, match=advice):
        schema_of("csv", v=dtype).validate()


def test_a_schema_gives_back_what_was_declared() -> None:
    schema = schema_of("csv", a=pl.Int8, b=pl.Datetime("ns", "UTC"), c=DataType.FLOAT)
    expected = {"a": pl.Int8, "b": pl.Datetime("ns", "UTC"), "c": DataType.FLOAT}
    assert schema.datatypes() == expected
