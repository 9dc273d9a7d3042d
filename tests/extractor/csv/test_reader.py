"""Values of a CSV file in their declared types: kept as written, null, or reported."""

from __future__ import annotations

import polars as pl
import pytest

from algomancy_data.extractor.csv import reader
from algomancy_data.schema import CSVDialect, DataType

STRING, INTEGER, FLOAT = DataType.STRING, DataType.INTEGER, DataType.FLOAT


DATETIME, BOOLEAN = DataType.DATETIME, DataType.BOOLEAN


AB = {"a": STRING, "b": STRING}


ABC = {"a": INTEGER, "b": STRING, "c": FLOAT}


def test_text_columns_keep_what_is_written(extract) -> None:
    content = 'a;b\n00123;1.10\n NA ;NULL\n"x;\n""y""";1e3\n'
    assert extract(content, AB).rows() == [
        ("00123", "1.10"), (" NA ", "NULL"), ('x;\n"y"', "1e3"),
    ]  # fmt: skip


def test_undeclared_columns_stay_text(extract) -> None:
    assert extract("a;more\n1;007\n", {"a": INTEGER}).rows() == [(1, "007")]


def test_every_type_is_read(extract) -> None:
    frame = extract(
        "i;f;b;d;s;c\n1;1.5;true;2024-01-05 06:07:08;x;y\n;;;;;\n",
        {"i": INTEGER, "f": FLOAT, "b": BOOLEAN, "d": DATETIME, "s": STRING}
        | {"c": DataType.CATEGORICAL},
    )
    assert frame.dtypes == [
        pl.Int64(), pl.Float64(), pl.Boolean(), pl.Datetime("us"), pl.String(), pl.Categorical(),
    ]  # fmt: skip
    assert frame.row(1) == (None,) * 6


@pytest.mark.parametrize("null_words", [None, ("NA",)])
def test_a_quoted_empty_field_is_text_only_in_a_text_column(extract, null_words) -> None:
    dialect = CSVDialect(null_words=null_words)
    content = 's;i;f;b;d\n"";"";"";"";""\n;;;;\n'
    types = {"s": STRING, "i": INTEGER, "f": FLOAT, "b": BOOLEAN, "d": DATETIME}
    assert extract(content, types, dialect).rows() == [("", *[None] * 4), (None,) * 5]


def test_null_words_of_the_dialect_hold_for_every_column(extract) -> None:
    dialect = CSVDialect(null_words=("-", "NaN"))
    frame = extract('a;b;c\n-;-;-\n1;"-";NaN\n2;NA;3\n', ABC, dialect)
    assert frame.rows() == [(None, None, None), (1, None, None), (2, "NA", 3.0)]


def test_other_words_are_not_null_when_null_words_are_declared(extractor) -> None:
    instance = extractor("a;b;c\nNA;x;1\n", ABC, CSVDialect(null_words=("-",)))
    assert instance.extract()["t"]["a"].to_list() == ["NA"]
    assert instance.conversion_issues[0].rows == (0,)


def test_nan_is_a_value_in_a_float_column_however_it_is_read(extract) -> None:
    for other in ("1.5", "1,5", " 1.5 "):
        values = extract(f"a;c\n1;NaN\n2;{other}\n3;NA\n", ABC)["c"]
        assert values.is_nan().to_list() == [True, False, None]


def test_what_overflows_is_reported_and_infinity_is_not(extractor) -> None:
    instance = extractor("a;c\n1;1e400\n2;inf\n", ABC)
    assert instance.extract()["t"]["c"].to_list() == ["1e400", "inf"]
    assert instance.conversion_issues[0].rows == (0,)
    assert extractor("a;c\n1;-inf\n", ABC).extract()["t"]["c"].to_list() == [float("-inf")]


def test_one_bad_value_leaves_its_column_as_text_and_the_others_typed(extractor) -> None:
    lines = "".join(f"{i};x;{i}.5\n" for i in range(5000))
    instance = extractor(f"a;b;c\n{lines}oops;y;1\n", ABC)
    frame = instance.extract()["t"]
    assert frame.dtypes == [pl.String(), pl.String(), pl.Float64()]
    (issue,) = instance.conversion_issues
    assert (issue.table, issue.column, issue.target_type) == ("t", "a", INTEGER)
    assert (issue.count, issue.rows) == (1, (5000,))
    assert "'oops' (row 5000)" in issue.reason


def test_extracting_twice_does_not_repeat_the_issues(extractor) -> None:
    instance = extractor("a;c\nx;1\n", ABC)
    instance.extract()
    instance.extract()
    assert len(instance.conversion_issues) == 1


FIELDS = (
    *("", " ", "7", " 7", "7 ", "\t7", "+7", "-7", "007", "7.", ".7", "-.7", "7e2", "7E+2", "7e"),
    *("0x7", "7_000", "1,5", "1,234", "1.234,5", "7 000", "9223372036854775808", "1e400", "-0"),
    *("9007199254740993", "9007199254740993.0", "inf", "-Infinity", "NaN", "nan", "NA", "NULL"),
    *(
        "true",
        "TRUE",
        "True ",
        " false",
        "yes",
        "1",
        "0",
        "x",
        '"7"',
        '" 7"',
        '""',
        '"true"',
        "\u0667",
    ),
)


@pytest.mark.parametrize(("kind", "plain"), [(INTEGER, 1), (FLOAT, 2.5), (BOOLEAN, "true")])
def test_a_short_file_is_read_as_one_whose_beginning_is_looked_at(
    extractor, monkeypatch, kind, plain
) -> None:
    for field in FIELDS:
        found = []
        for short in (1 << 18, -1):
            monkeypatch.setattr(reader, "_SHORT", short)
            instance = extractor(f"a;b\n{plain};x\n{field};y\n", {"a": kind, "b": STRING})
            found.append((instance.extract()["t"], instance.conversion_issues))
        (frame, issues), (expected, its_issues) = found
        assert frame.equals(expected), field
        assert frame.schema == expected.schema, field
        assert issues == its_issues, field
