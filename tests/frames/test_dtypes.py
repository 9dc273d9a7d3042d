import json

import polars as pl
import pytest
from hypothesis import given
from polars.testing.parametric import dtypes

from algomancy_data.errors import SerializationError
from algomancy_data.frames.dtypes import (
    dtype_from_json,
    dtype_to_json,
    schema_from_json,
    schema_to_json,
)


@given(dtypes(excluded_dtypes=[pl.Categorical, pl.Extension]))
def test_every_dtype_survives_json(dtype):
    assert dtype_from_json(json.loads(json.dumps(dtype_to_json(dtype)))) == dtype


@pytest.mark.parametrize(
    ("dtype", "form"),
    [
        (pl.Int64(), "Int64"),
        (pl.Categorical(), "Categorical"),
        (pl.Enum(["b", "a"]), {"Enum": ["b", "a"]}),
        (pl.Array(pl.Int8, (2, 3)), {"Array": [{"Array": ["Int8", 3]}, 2]}),
        (pl.Struct({"x": pl.Duration("ms")}), {"Struct": [["x", {"Duration": "ms"}]]}),
    ],
)
def test_the_form_of_a_dtype_is_part_of_the_storage_format(dtype, form):
    assert dtype_to_json(dtype) == form
    assert dtype_from_json(form) == dtype


def test_a_schema_keeps_names_and_order():
    schema = pl.Schema({"b": pl.Int8(), "": pl.String(), "a": pl.List(pl.Float32)})
    assert list(schema_from_json(schema_to_json(schema)).items()) == list(schema.items())


@pytest.mark.parametrize("dtype", [pl.Object(), pl.Categorical(pl.Categories("own"))])
def test_a_dtype_without_portable_form_is_refused(dtype):
    with pytest.raises(SerializationError, match="no portable form"):
        dtype_to_json(dtype)


@pytest.mark.parametrize("value", ["Int65", {"List": "x"}, {"Later": 1}, {}, None, 3, ["Int64"]])
def test_an_unknown_form_is_named(value):
    with pytest.raises(SerializationError, match="does not describe a Polars dtype"):
        dtype_from_json(value)
