"""Defects of the pandas package that changed, lost or refused values, by their numbers there.

Each number is pinned here as a user meets it, in an ETL. The rules behind are pinned in depth:

| numbers | tests |
| --- | --- |
| 1, 2, 3, 7, 11, 15 | tests/schema/types/, the tables of docs/conversions.md |
| 1, 6, 14 | tests/extractor/csv/, tests/extractor/test_messy_files.py |
| 4, 5, 23 | tests/extractor/xlsx/ |
| 8 | tests/relations/, tests/validator/test_foreign_key.py, tests/transformer/ |
| 14 | tests/extractor/json/test_document.py, tests/extractor/columnar/ |

10, 18 to 22, 25, 26 and 28 to 32 are in test_defects_of_datasets.py; 12, 13 and 17 are about
folders of data. 34 is about a page of documentation and 35 about an HTTP API that are not here.
"""

import datetime as dt
import math

import openpyxl
import polars as pl
import pytest
import xlsxwriter

from algomancy_data import (
    CleanTransformer,
    Column,
    ColumnGroup,
    ConstraintValidator,
    DataType,
    ForeignKeyValidator,
    PrimaryKeyValidator,
    SimpleETLFactory,
    ValidationSequence,
    ValidationSeverity,
    Validator,
    XLSXFile,
)

KEY = Column("id", DataType.INTEGER, primary_key=True)


@pytest.fixture
def read(etl, schema_of, codes):
    """Read the texts of one column as a type; returns the values and the codes."""

    def read(dtype, *texts):
        result = etl(schema_of(Column("v", dtype)), "v\n" + "\n".join(texts) + "\n")
        return result.datasource.get_table("t")["v"].to_list(), codes(result)

    return read


@pytest.fixture
def workbook(tmp_path):
    """Write rows as the sheet of a workbook."""

    def write(*rows):
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        book.save(tmp_path / "t.xlsx")
        return tmp_path / "t.xlsx"

    return write


# --- 1: text columns that look like numbers ---------------------------------------------------


@pytest.mark.parametrize(
    "texts",
    [("00123", "7"), ("1.0", "1.10"), ("NA", "null"), ("1", "", "2"), ("None", "nan", "n/a")],
    ids=str,
)
def test_1_text_stays_as_it_is_written(read, texts):
    values, found = read(DataType.STRING, *(text or '""' for text in texts))
    assert values == list(texts)
    assert found == []


def test_1_a_gap_among_codes_leaves_them_alone(etl, schema_of):
    schema = schema_of(Column("code", DataType.STRING), Column("n", DataType.INTEGER))
    table = etl(schema, "code;n\n007;1\n;2\n12;3\n").datasource.get_table("t")
    assert table["code"].to_list() == ["007", None, "12"]


def test_1_digits_of_a_workbook_keep_their_zeros(etl, schema_of, workbook):
    schema = schema_of(Column("code", DataType.STRING), extension="xlsx")
    table = etl(schema, workbook(["code"], ["007"], ["1.10"])).datasource.get_table("t")
    assert table["code"].to_list() == ["007", "1.10"]


# --- 2, 3, 15: numbers ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (("1.234,56", "2,5"), [1234.56, 2.5]),
        (("1,234.56", "2.5"), [1234.56, 2.5]),
        (("1.234.567", "2,5"), [1234567.0, 2.5]),
    ],
    ids=str,
)
def test_2_thousands_and_decimals_are_told_apart(read, texts, values):
    assert read(DataType.FLOAT, *texts) == (values, [])


def test_2_a_number_that_can_be_read_in_two_ways_is_read_with_a_warning(read):
    assert read(DataType.FLOAT, "1,234", "5,678") == ([1.234, 5.678], ["CONVERSION_AMBIGUOUS"])


@pytest.mark.parametrize("text", ["1.5", "1,5", "1,234", "1.234", "1e-3"])
def test_3_a_fraction_never_becomes_a_whole_number(read, text):
    values, found = read(DataType.INTEGER, "7", text)
    assert values == ["7", text]
    assert "CONVERSION_FAILED" in found


def test_3_a_fraction_of_a_workbook_or_document_never_becomes_one(etl, schema_of, workbook, codes):
    column = Column("v", DataType.INTEGER)
    for schema, content in (
        (schema_of(column, extension="xlsx"), workbook(["v"], [1.5])),
        (schema_of(column, extension="json"), '[{"v": 1.5}]'),
    ):
        result = etl(schema, content)
        assert result.datasource.get_table("t")["v"].to_list() == [1.5]
        assert "CONVERSION_FAILED" in codes(result)


def test_3_whole_numbers_with_gaps_are_whole_numbers(etl, schema_of, codes):
    schema = schema_of(Column("v", DataType.INTEGER), Column("w", DataType.STRING))
    result = etl(schema, "v;w\n1;a\n;b\n3;c\n")
    assert result.datasource.get_table("t")["v"].to_list() == [1, None, 3]
    assert result.datasource.get_table("t").schema["v"] == pl.Int64
    assert codes(result) == []


@pytest.mark.parametrize("text", ["9223372036854775808", "-9223372036854775809", "1e30", "9" * 400])
def test_15_a_number_beyond_64_bits_is_a_message(read, text):
    values, found = read(DataType.INTEGER, "7", text)
    assert values == ["7", text]
    assert "CONVERSION_FAILED" in found


# --- 4, 5, 23: workbooks ----------------------------------------------------------------------


def test_4_dates_of_a_workbook_are_the_days_they_show(etl, schema_of, workbook, codes):
    schema = schema_of(Column("at", DataType.DATETIME), extension="xlsx")
    days = [dt.datetime(2024, 1, 31, 10, 30), dt.datetime(1999, 12, 31)]
    result = etl(schema, workbook(["at"], *([day] for day in days)))
    assert result.datasource.get_table("t")["at"].to_list() == days
    assert codes(result) == []


def test_5_floats_of_a_workbook_keep_all_digits(etl, schema_of, tmp_path):
    values = [math.pi, 1.2345678901234e-11, 0.1 + 0.2]
    path = tmp_path / "t.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet().write_column(0, 0, ["v"])
        for row, value in enumerate(values, 1):
            book.worksheets()[0].write_number(row, 0, value)
    table = etl(schema_of(Column("v", DataType.FLOAT), extension="xlsx"), path)
    # XlsxWriter itself keeps 16 digits.
    written = [float(f"{value:.16G}") for value in values]
    assert table.datasource.get_table("t")["v"].to_list() == written


def test_23_the_default_factory_reads_a_workbook_with_one_table(etl, schema_of, workbook):
    result = etl(schema_of(KEY, extension="xlsx"), workbook(["id"], [1]))
    assert result.datasource.get_table("t").rows() == [(1,)]


def test_26_the_names_of_the_sheets_are_known_after_reading_a_path(workbook):
    assert XLSXFile("t", str(workbook(["id"], [1]))).workbook().sheet_names == ["Sheet"]


# --- 6, 7, 11: shapes, dates, truth values ----------------------------------------------------


def test_6_a_first_row_with_a_value_too_many_does_not_shift_the_columns(etl, schema_of, codes):
    schema = schema_of(Column("a", DataType.STRING), Column("b", DataType.STRING))
    result = etl(schema, "a;b\n1;2;3\n4;5\n")
    assert codes(result) == ["EXTRACTION_FAILED"]
    assert "line 2" in result.messages[0].message


@pytest.mark.parametrize("number", ["20240101", "1706692800", "45322"])
def test_7_a_number_is_no_date_by_itself(etl, schema_of, codes, number):
    column = Column("at", DataType.DATETIME)
    for schema, content, value in (
        (schema_of(column), f"at\n{number}\n", number),
        (schema_of(column, extension="json"), f'[{{"at": {number}}}]', int(number)),
    ):
        result = etl(schema, content)
        assert result.datasource.get_table("t")["at"].to_list() == [value]
        assert "CONVERSION_FAILED" in codes(result)


@pytest.mark.parametrize("text", ["on", "ja", "2", "0.5"])
def test_11_an_unknown_truth_value_is_reported_and_the_column_left(read, text):
    values, found = read(DataType.BOOLEAN, "yes", text)
    assert values == ["yes", text]
    assert "CONVERSION_FAILED" in found


def test_11_truth_values_with_gaps_and_blanks_are_converted(etl, schema_of, codes):
    schema = schema_of(Column("v", DataType.BOOLEAN), Column("w", DataType.STRING))
    result = etl(schema, "v;w\nYES;a\n;b\n no ;c\n")
    assert result.datasource.get_table("t")["v"].to_list() == [True, None, False]
    assert codes(result) == []


# --- 8, 9: declarations -----------------------------------------------------------------------


def test_8_two_keys_to_one_parent_are_two_relations(etl, schema_of, codes):
    class Checked(SimpleETLFactory):
        check_foreign_keys = True

    airports = schema_of(Column("faa", DataType.STRING, primary_key=True), name="airports")
    flights = schema_of(
        Column("origin", DataType.STRING, foreign_key=("airports", "faa")),
        Column("dest", DataType.STRING, foreign_key=("airports", "faa")),
        name="flights",
    )
    contents = ("faa\nAMS\nRTM\n", "origin;dest\nAMS;RTM\nRTM;AMS\n")
    assert codes(etl([airports, flights], *contents, factory=Checked)) == []
    contents = ("faa\nAMS\nRTM\n", "origin;dest\nAMS;XXX\n")
    result = etl([airports, flights], *contents, factory=Checked)
    assert [(m.code, m.column) for m in result.messages if m.severity.rank] == [
        ("FK_VIOLATION", "dest")
    ]


def test_9_columns_that_differ_in_punctuation_or_case_are_all_there(etl, schema_of, codes):
    names = ["a b", "A_B", "a.b", "a_b"]
    group = ColumnGroup("g", [Column(name, DataType.INTEGER) for name in names])
    schema = schema_of(group, extension="xlsx", multi=True)
    assert list(schema.get_subschema("g").columns()) == names


# --- 14: files that are not what they should be -----------------------------------------------


@pytest.mark.parametrize(
    ("extension", "content"),
    [
        ("csv", b""),
        ("csv", b"id;name\n1\n2;a;b;c\n"),
        ("csv", b'id\n"1\n'),
        ("csv", b"id\n\xff\xfe\xfa\n"),
        ("json", b""),
        ("json", b"[{]"),
        ("json", b"3"),
        ("json", b"\x00\x01"),
        ("ndjson", b'{"id": 1}\n{"id": \n'),
        ("xlsx", b"no workbook"),
        ("xlsx", b"PK\x03\x04 damaged"),
        ("parquet", b"PAR1 no table"),
        ("arrow", b"ARROW1 no table"),
    ],
)
def test_14_a_malformed_file_is_a_failed_result(etl, schema_of, codes, extension, content):
    result = etl(schema_of(KEY, extension=extension), content)
    assert result.is_failure
    assert codes(result) == ["EXTRACTION_FAILED"]
    assert isinstance(result.raised, ValueError)
    assert "'t'" in result.messages[0].message


# --- 16, 24, 27, 33: stages -------------------------------------------------------------------


class Remark(Validator):
    """A user's check, which only ever adds messages."""

    def validate(self, data):
        self.add_message(ValidationSeverity.INFO, f"{len(data)} tables")
        return self.messages


def test_16_a_second_run_does_not_repeat_the_messages_of_the_first(schema_of):
    check = PrimaryKeyValidator([schema_of(KEY)])
    tables = {"t": pl.DataFrame({"id": [1, 1]})}
    assert [len(check.validate(tables)) for _ in range(3)] == [2, 2, 2]
    sequence = ValidationSequence([check, Remark()])
    assert [len(sequence.run_validation(tables).messages) for _ in range(3)] == [3, 3, 3]


def test_24_the_clean_transformer_is_harmless_unless_asked():
    table = pl.DataFrame({"Branch ": [" a", None], "": ["", "x"]})
    tables = {"t": table}
    CleanTransformer().transform(tables)
    assert tables["t"].equals(table)
    CleanTransformer(rename_columns=str.strip, strip_whitespace=True).transform(tables)
    assert tables["t"].to_dict(as_series=False) == {"Branch": ["a", None], "": ["", "x"]}


def test_27_nullable_and_unique_are_enforced_on_request(etl, schema_of, codes):
    class Checked(SimpleETLFactory):
        check_constraints = True

    schema = schema_of(
        KEY,
        Column("name", DataType.STRING, unique=True),
        Column("note", DataType.STRING, nullable=True),
    )
    content = "id;name;note\n1;a;\n2;a;\n3;;x\n"
    assert codes(etl(schema, content)) == []
    result = etl(schema, content, factory=Checked)
    assert sorted(codes(result)) == ["DUPLICATE_VALUE", "DUPLICATE_VALUE", "NULL_VALUE"]
    assert ConstraintValidator([schema]).validate({"t": result.datasource.get_table("t")})


def test_33_messages_show_values_as_python_writes_them():
    check = ForeignKeyValidator("l", ["a", "b"], "r", ["a", "b"])
    left = pl.DataFrame({"a": [5], "b": [dt.date(2024, 1, 31)]}).to_pandas()
    right = pl.DataFrame({"a": [6], "b": [dt.date(2024, 1, 31)]}).to_pandas()
    (message,) = check.validate({"l": left, "r": right})
    assert "a=5" in message.message
    assert "np." not in message.message
