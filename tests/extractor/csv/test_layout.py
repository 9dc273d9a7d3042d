"""The header and the separator of a CSV file: names, none, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from algomancy_data import Column, DataSource, Schema, SimpleETLFactory, StatelessDataManager
from algomancy_data.errors import FileContentError, InvalidSchemaError
from algomancy_data.file import CSVFile
from algomancy_data.schema import CSVDialect, DataType, ReadLimits

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


SEPARATED = {
    "a header": ("a{0}b{0}c\n1{0}2{0}3\n", ABC, CSVDialect()),
    "a quoted header": ('"a"{0}"b"{0}"c"\n"1"{0}2{0}3\n', ABC, CSVDialect()),
    "a name that is quoted": ('"a"{0}"b{0}x"{0}c\n1{0}2{0}3\n', {"a": INTEGER}, CSVDialect()),
    "other names, as many": ("x{0}y{0}z\n1{0}2{0}3\n", ABC, CSVDialect()),
    "one declared column": ("x{0}y{0}a\n1{0}2{0}3\n", {"a": FLOAT}, CSVDialect()),
    "semicolons in it": ("a{0}b;c{0}d;e\n1{0}2{0}3\n", {"a": INTEGER}, CSVDialect()),
    "no header": ("1{0}2{0}3\n", ABC, CSVDialect(has_header=False)),
    "a line for Excel": ("sep={0}\na{0}b{0}c\n1{0}2{0}3\n", ABC, CSVDialect()),
}


@pytest.mark.parametrize("separator", [",", "\t", "|"])
@pytest.mark.parametrize("case", SEPARATED)
def test_the_separator_that_fits_is_found_and_told(extractor, case, separator) -> None:
    content, columns, dialect = SEPARATED[case]
    content = content.format(separator)
    found = extractor(content, columns, dialect).extraction()
    declared = replace(dialect, separator=separator)
    assert_frame_equal(found.frames["t"], extractor(content, columns, declared).extract()["t"])
    assert found.frames["t"].width == 3
    (note,) = found.notes
    assert (note.severity, note.code, note.table) == ("INFO", "SEPARATOR_FOUND", "t")
    assert f"CSVDialect(separator={separator!r})" in note.message


@pytest.mark.parametrize("separator", [",", "\t", "|"])
@pytest.mark.parametrize("case", SEPARATED)
def test_a_declared_separator_that_does_not_fit_is_refused(extractor, case, separator) -> None:
    content, columns, dialect = SEPARATED[case]
    declared = replace(dialect, separator=";")
    with pytest.raises(FileContentError) as caught:
        extractor(content.format(separator), columns, declared).extract()
    assert f"declare _CSV = CSVDialect(separator={separator!r})." in str(caught.value)


@pytest.mark.parametrize(
    ("content", "columns"),
    [
        ("a;b,c\n1;2,3\n", {"a": INTEGER, "c": INTEGER}),
        ("a,b\n1,2\n", {"a,b": STRING}),
        ("a,b\n1,2\n", {"x": STRING}),
        ("x;y;z\n1;2;3\n", ABC),
        ("sep=;\na;b,c\n1;2,3\n", {"c": STRING}),
    ],
)
def test_the_usual_separator_stays_where_it_fits_or_none_does(extractor, content, columns) -> None:
    found = extractor(content, columns).extraction()
    assert not found.notes
    declared = extractor(content, columns, CSVDialect(separator=";"))
    assert_frame_equal(found.frames["t"], declared.extract()["t"])


@pytest.mark.parametrize("quarantine", [False, True])
@pytest.mark.parametrize("in_memory_bytes", [None, 1])
def test_a_found_separator_is_told_once_of_all_parts(tmp_path, quarantine, in_memory_bytes) -> None:
    class Sales(Schema):
        _FILENAME, _EXTENSION, _SCHEMA_TYPE = "sales", "csv", "single"
        ITEM = Column("item", STRING)
        PRICE = Column("price", FLOAT)

    for number in range(3):
        (tmp_path / f"{number}.csv").write_text(f"item,price\n{number},1.5\n")
    limits = ReadLimits(in_memory_bytes=in_memory_bytes)
    result = StatelessDataManager(SimpleETLFactory, [Sales], "json", DataSource).etl_data(
        {"sales": CSVFile("sales", tmp_path)}, "d", quarantine=quarantine, read_limits=limits
    )
    codes = [message.code for message in result.messages if message.table == "sales"]
    assert codes == ["SEPARATOR_FOUND"]
    assert result.datasource.get_table("sales").rows() == [("0", 1.5), ("1", 1.5), ("2", 1.5)]


def test_a_separator_that_is_none_is_refused(extractor) -> None:
    with pytest.raises(InvalidSchemaError, match="one ASCII character"):
        extractor("a;b\n", AB, separator=";;")
