import contextlib
import io
import json

import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from polars.testing.parametric import dataframes

from algomancy_data import DataClassification, DataSource
from algomancy_data.errors import SerializationError
from algomancy_data.testing import assert_identical
from algomancy_data.testing.samples import any_named_frame

INF, NAN = float("inf"), float("nan")


def through_json(frame):
    source = DataSource(DataClassification.MASTER_DATA, name="x")
    source.add_table("t", frame)
    text = source.to_json()
    json.loads(text, parse_constant=lambda token: pytest.fail(f"{token} is no JSON"))
    return DataSource.from_json(text)


@given(
    dataframes(
        excluded_dtypes=[pl.Extension, pl.List, pl.Array, pl.Struct],
        allow_time_zones=True,
        max_size=5,
        allow_infinity=True,
    )
)
def test_flat_frames_come_back_identical(frame):
    back = through_json(frame).get_table("t")
    assert_frame_equal(back, frame, check_exact=True)
    assert back.schema == frame.schema


@given(dataframes(allowed_dtypes=[pl.List, pl.Array, pl.Struct], max_size=5))
def test_nested_frames_come_back_identical_or_are_refused(frame):
    with contextlib.suppress(SerializationError):
        assert_frame_equal(through_json(frame).get_table("t"), frame, check_exact=True)


@given(st.lists(st.floats(width=64) | st.none()))
def test_floats_keep_sign_nan_and_infinity(values):
    frame = pl.DataFrame({"f": pl.Series(values, dtype=pl.Float64)})
    back = through_json(frame).get_table("t")
    assert_frame_equal(back, frame, check_exact=True)
    signs = [str(value) for value in frame["f"]], [str(value) for value in back["f"]]
    assert signs[0] == signs[1]


def test_a_nan_inside_a_list_is_refused_because_json_has_none():
    with pytest.raises(SerializationError, match=r"column 'l' .* such as NaN"):
        through_json(pl.DataFrame({"l": [[NAN, 1.0]]}))


@pytest.mark.parametrize(
    "frame", [pl.DataFrame(), pl.DataFrame(height=3), pl.DataFrame(schema={"a": pl.Int8})]
)
def test_empty_frames_keep_their_shape_and_schema(frame):
    back = through_json(frame).get_table("t")
    assert (back.shape, back.schema) == (frame.shape, frame.schema)


def test_metadata_come_back_identical():
    source = DataSource(DataClassification.DUMMY_DATA, name='a"b\n')
    back = DataSource.from_json(source.to_json())
    assert back == source
    assert (back.name, back.ds_type) == (source.name, source.ds_type)
    assert back.creation_datetime == source.creation_datetime


def test_pandas_reads_the_records_with_the_dtypes_beside_them():
    frame = pl.DataFrame({"i": [1, None], "f": [NAN, 1.5], "s": ["x", None], "b": [True, None]})
    source = DataSource(DataClassification.MASTER_DATA, name="x")
    source.add_table("t", frame)
    table = json.loads(source.to_json())["tables"]["t"]
    pandas = pd.DataFrame(table["data"], columns=table["columns"], index=table["index"])
    pandas = pandas.astype(table["dtypes"])
    assert pandas["i"].tolist() == [1, pd.NA]
    assert pandas["f"].isna().tolist() == [True, False]
    assert pandas["b"].tolist() == [True, pd.NA]


PANDAS_DOCUMENT = """{
  "metadata": {"id": "7", "name": "old", "type": "master_data",
               "creation_datetime": "2025-03-01 10:00:00.123456", "tables": ["t"]},
  "tables": {"t": {
    "data": [{"s": "x", "f": NaN, "i": 1, "n": 2, "b": true, "d": "2024-01-02T03:04:05",
              "c": "u", "o": null},
             {"s": null, "f": -Infinity, "i": 2, "n": null, "b": null, "d": null,
              "c": null, "o": null}],
    "columns": ["s", "f", "i", "n", "b", "d", "c", "o"],
    "dtypes": {"s": "string", "f": "float64", "i": "int64", "n": "Int64", "b": "boolean",
               "d": "datetime64[ns]", "c": "category", "o": "object"},
    "index": [0, 1]}}
}"""


def test_a_document_of_the_pandas_package_is_read_with_its_types():
    source = DataSource.from_json(PANDAS_DOCUMENT)
    expected = pl.DataFrame(
        {
            "s": ["x", None],
            "f": [None, -INF],
            "i": [1, 2],
            "n": [2, None],
            "b": [True, None],
            "d": pl.Series(["2024-01-02 03:04:05", None]).str.to_datetime(time_unit="ns"),
            "c": pl.Series(["u", None], dtype=pl.Categorical()),
            "o": pl.Series([None, None], dtype=pl.String()),
        }
    )
    assert_frame_equal(source.get_table("t"), expected)
    assert (source.name, source.id) == ("old", "7")


def test_a_name_with_a_nul_in_such_a_document_is_not_cut_there():
    document = json.loads(PANDAS_DOCUMENT)
    table = document["tables"]["t"]
    table["dtypes"] |= {"i\0": table["dtypes"]["i"]}
    table["columns"].append("i\0")
    table["data"] = [record | {"i\0": 9} for record in table["data"]]
    read = DataSource.from_json(json.dumps(document, indent=2)).get_table("t")
    assert read.columns == table["columns"]
    assert read["i\0"].to_list() == [9, 9]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "no JSON"),
        ("[]", "JSON object"),
        ("{}", "'metadata'"),
        ('{"metadata": {}, "tables": {}}', "'id'"),
        (PANDAS_DOCUMENT.replace("master_data", "master"), "master"),
        (PANDAS_DOCUMENT.replace('"columns"', '"colums"'), "Table 't' has no list 'columns'"),
        (PANDAS_DOCUMENT.replace('"int64"', '"int63"'), "unknown pandas dtype 'int63'"),
        (PANDAS_DOCUMENT.replace('"s": "x"', '"s": 3'), "Table 't' cannot be read"),
        (PANDAS_DOCUMENT.replace("2024-01-02T", "2. Januar "), "Table 't' cannot be read"),
    ],
)
def test_what_is_no_document_is_refused_with_its_place(text, problem):
    with pytest.raises(SerializationError, match=problem):
        DataSource.from_json(text)
    with pytest.raises(ValueError, match=problem):
        DataSource.from_json(text)


def test_the_records_are_what_any_json_reader_reads():
    source = DataSource(DataClassification.MASTER_DATA, name="x")
    source.add_table("t", pl.DataFrame({"a": [1, 2], "b": ["x", None]}))
    records = json.load(io.StringIO(source.to_json()))["tables"]["t"]["data"]
    assert records == [{"a": 1, "b": "x"}, {"a": 2, "b": None}]


@pytest.mark.parametrize("name", ["*", "^a$", "", "a b", "column_0", '"data": [', "\n", "\0"])
def test_a_column_may_have_any_name(name):
    frame = pl.DataFrame({name: ["x", None], "other": [1.5, NAN]})
    assert_frame_equal(through_json(frame).get_table("t"), frame, check_exact=True)


@pytest.mark.parametrize("name", ["*", "^a$", "^.*$", "", "a b"])
def test_a_field_of_a_struct_may_have_any_name(name):
    frame = pl.DataFrame({"s": [{name: 1.5, "other": "x"}, None]})
    assert_identical(through_json(frame).get_table("t"), frame)


@given(any_named_frame())
def test_all_columns_and_fields_may_have_any_names(frame):
    assert_identical(through_json(frame).get_table("t"), frame)


@pytest.mark.parametrize(
    "text", ['}\n], "columns": ', '"data": [\n{', "},\n{", "\n", '\\n"', "\r\n", "\u2028", "\0"]
)
def test_a_text_that_looks_like_the_document_is_a_text(text):
    frame = pl.DataFrame({"a": [text, None, f"{text}{text}"], "b": [1, 2, 3]})
    assert_frame_equal(through_json(frame).get_table("t"), frame, check_exact=True)


def test_records_that_somebody_laid_out_anew_are_read_the_same():
    source = DataSource(DataClassification.MASTER_DATA, name="x")
    source.tables = {"t": pl.DataFrame({"a": [1, 2]}), "u": pl.DataFrame({"b": ["x", None]})}
    for indent in (None, 0, 2):
        text = json.dumps(json.loads(source.to_json()), indent=indent)
        for name, frame in source.tables.items():
            assert_frame_equal(DataSource.from_json(text).get_table(name), frame)


@pytest.mark.parametrize(
    ("old", "new"),
    [('{"a":2}', '{"a":"x"}'), ('{"a":2}', '{"a":{}}'), ('{"a":2}', "2"), ("[0, 1]", "[0]")],
    ids=["value", "kind", "no record", "rows"],
)
def test_damaged_records_are_refused_with_their_table(old, new):
    source = DataSource(DataClassification.MASTER_DATA, name="x")
    source.add_table("t", pl.DataFrame({"a": [1, 2]}))
    text = source.to_json().replace('"index": [0,1]', '"index": [0, 1]')
    assert old in text
    with pytest.raises(SerializationError, match="Table 't'"):
        DataSource.from_json(text.replace(old, new))


def test_missing_values_of_every_pandas_dtype_are_null():
    dtypes = {
        "str": "x", "string": "x", "object": "x", "category": "x", "bool": True, "boolean": True,
        "Int64": 1, "float64": 1.5, "timedelta64[ns]": 1, "datetime64[ns]": "2024-01-01T00:00:00",
    }  # fmt: skip
    document = json.loads(PANDAS_DOCUMENT)
    document["tables"]["t"] = {
        "data": [dict(dtypes), dict.fromkeys(dtypes, NAN)],
        "columns": list(dtypes),
        "dtypes": {dtype: dtype for dtype in dtypes},
        "index": [0, 1],
    }
    read = DataSource.from_json(json.dumps(document)).get_table("t")
    assert read.null_count().row(0) == (1,) * len(dtypes)
    document["tables"]["t"]["data"] = [dict.fromkeys(dtypes, NAN)] * 2
    read = DataSource.from_json(json.dumps(document)).get_table("t")
    assert read.null_count().row(0) == (2,) * len(dtypes)
    assert read.schema["object"] == pl.String


def test_a_date_that_cannot_be_written_is_refused_with_its_column():
    made = DataSource("master_data", name="d")
    days = pl.Series("day", [0, 96_000_000], dtype=pl.Int32).cast(pl.Date)
    made.add_table("t", pl.DataFrame({"id": [1, 2]}).with_columns(days))
    with pytest.raises(SerializationError, match=r"Table 't' .*: column 'day' \(Date\): it has"):
        made.to_json()
