"""The header and the separator of a CSV file: names, none, and what is refused."""

from __future__ import annotations

import polars as pl
import pytest

from algomancy_data.errors import FileContentError, InvalidSchemaError
from algomancy_data.schema import CSVDialect, DataType

STRING, INTEGER, FLOAT = DataType.STRING, DataType.INTEGER, DataType.FLOAT


AB = {"a": STRING, "b": STRING}


ABC = {"a": INTEGER, "b": STRING, "c": FLOAT}


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("a;a;a", ["a", "a.1", "a.2"]),
        ("a;a.1;a", ["a", "a.1", "a.2"]),
        ("a;;b;", ["a", "Unnamed: 1", "b", "Unnamed: 3"]),
        (" a ;b c", [" a ", "b c"]),
        ('"a ""q""";"b;c"', ['a "q"', "b;c"]),
        ('"line\nbreak";b', ["line\nbreak", "b"]),
        ("\ufeffa;b", ["a", "b"]),
        ('\ufeff"a";b', ["a", "b"]),
    ],
)
def test_header_names(extract, header, names) -> None:
    frame = extract(f"{header}\n{';'.join('1' * len(names))}\n", {"z": STRING})
    assert frame.columns == names
    assert frame.rows() == [("1",) * len(names)]


def test_a_header_longer_than_any_buffer(extract) -> None:
    names = [f"column with a long name {i}" for i in range(5_000)]
    content = ";".join(names) + "\n" + ";".join("1" for _ in names) + "\n"
    assert extract(content, {names[0]: INTEGER}).columns == names


def test_without_a_header_the_columns_are_the_declared_ones(extract) -> None:
    frame = extract("\n1;x;2.5\n\n2;y;\n", ABC, CSVDialect(has_header=False))
    assert frame.columns == ["a", "b", "c"]
    assert frame.rows() == [(1, "x", 2.5), (2, "y", None)]


@pytest.mark.parametrize("content", ["a;b;c", "a;b;c\n", "a;b;c\n\n"])
def test_a_header_alone_gives_typed_columns(extract, content) -> None:
    frame = extract(content, ABC)
    assert frame.schema == {"a": pl.Int64, "b": pl.String, "c": pl.Float64}
    assert frame.is_empty()


@pytest.mark.parametrize("content", ["", "\n", " \n\n", "\ufeff"])
def test_an_empty_file_has_no_header(extractor, content) -> None:
    with pytest.raises(FileContentError, match="no header"):
        extractor(content, AB).extract()


@pytest.mark.parametrize("separator", [",", "\t", "|"])
def test_another_separator_is_named(extractor, separator) -> None:
    content = f"a{separator}b{separator}c\n1{separator}2{separator}3\n"
    with pytest.raises(FileContentError, match="one column") as caught:
        extractor(content, ABC).extract()
    assert f"CSVDialect(separator={separator!r})" in str(caught.value)
    assert extractor(content, ABC, separator=separator).extract()["t"].width == 3


def test_a_wrong_separator_is_named_without_a_header(extractor) -> None:
    with pytest.raises(FileContentError, match="separator ',' fits"):
        extractor("1,2\n", AB, CSVDialect(has_header=False)).extract()


def test_a_separator_that_is_none_is_refused(extractor) -> None:
    with pytest.raises(InvalidSchemaError, match="one ASCII character"):
        extractor("a;b\n", AB, separator=";;")
