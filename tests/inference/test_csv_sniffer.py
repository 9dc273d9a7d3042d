"""How CSV files are written: found out, declared, and then read by."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import zipfile

import pyarrow as pa
import pytest

from algomancy_data import CSVDialect
from algomancy_data.errors import FileContentError
from algomancy_data.inference import infer_schemas

ROWS = [("0017", "Genève", 1.5), ("0018", "Zürich; Kloten, Nord", -2.25), ("0019", "Bâle", 3.0)]


def text(separator, quote='"', decimal="."):
    lines = [("flight", "airport", "delay")]
    lines += [(a, f"{quote}{b}{quote}", str(c).replace(".", decimal)) for a, b, c in ROWS]
    return "".join(separator.join(line) + "\n" for line in lines)


@pytest.mark.parametrize("separator", [";", "\t", "|", "^", "~"])
@pytest.mark.parametrize("decimal", [".", ","])
def test_a_separator_is_found_beside_decimal_marks_and_quoted_separators(
    separator, decimal, write, load
):
    loaded = load(write("delays.csv", text(separator, decimal=decimal)))
    dialect = loaded.schema("delays").csv_dialect()
    assert dialect.separator == separator
    assert loaded.tables["delays"].rows() == ROWS


def test_a_comma_separates_where_decimal_commas_are_quoted(write, load):
    loaded = load(write("t.csv", 'id,amount\n1,"1,5"\n2,"22,75"\n'))
    assert loaded.schema("t").csv_dialect() == CSVDialect(separator=",", decimal_mark=",")
    assert loaded.tables["t"].rows() == [(1, 1.5), (2, 22.75)]


def test_single_quotes_are_found(write, load):
    loaded = load(write("delays.csv", text(";", quote="'")))
    assert loaded.schema("delays").csv_dialect().quote == "'"
    assert loaded.tables["delays"].rows() == ROWS


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("cp1252", "cp1252"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
    ],
)
def test_an_encoding_is_found(encoding, declared, write, load):
    loaded = load(write("delays.csv", text(";").encode(encoding)))
    assert loaded.schema("delays").csv_dialect().encoding == declared
    assert loaded.tables["delays"].rows() == ROWS


def zipped(content):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("inside.csv", content)
    return archive.getvalue()


@pytest.mark.parametrize(
    ("suffix", "compress"),
    [
        (".gz", gzip.compress),
        (".zst", lambda content: pa.compress(content, codec="zstd", asbytes=True)),
        (".zip", zipped),
    ],
)
def test_compressed_files_have_the_name_up_to_the_first_dot(suffix, compress, write, load):
    loaded = load(write(f"delays.csv{suffix}", compress(text(";").encode())))
    assert loaded.tables["delays"].rows() == ROWS
    assert loaded.module["Delays"].file_name() == "delays"


def test_numbers_where_names_should_be_mean_that_there_is_no_header(write, load):
    loaded = load(write("t.csv", "1,Ann,2024-01-01\n2,Bo,2024-01-02\n"))
    assert not loaded.schema("t").csv_dialect().has_header
    assert loaded.tables["t"].rows() == [
        (1, "Ann", dt.date(2024, 1, 1)),
        (2, "Bo", dt.date(2024, 1, 2)),
    ]
    assert "Without a header" in loaded.inferred.to_module()


@pytest.mark.parametrize(
    "content",
    [
        "country,2013,2014,2015\nNL,1,2,3\nBE,4,5,6\n",
        "a,b\nx,y\n",
        ",flag\n0,True\n1,False\n",
        "id,name\n",
    ],
)
def test_names_are_a_header(content, write, load):
    assert load(write("t.csv", content)).schema("t").csv_dialect().has_header


def test_words_for_no_value_are_those_in_the_way_of_a_type(write, load):
    loaded = load(write("t.csv", "id,delay,note\n1,-,-\n2,5,fine\n3,n.a.,late\n"))
    assert set(loaded.schema("t").csv_dialect().null_words or ()) == {"-", "n.a."}
    assert loaded.tables["t"].rows() == [(1, None, None), (2, 5, "fine"), (3, None, "late")]


def test_a_word_among_texts_alone_is_a_text_and_a_comment(write, load):
    loaded = load(write("t.csv", "id,note\n1,NA\n2,fine\n3,NA\n"))
    assert loaded.schema("t").csv_dialect().null_words is None
    assert loaded.tables["t"]["note"].to_list() == ["NA", "fine", "NA"]
    assert "# 'NA' is text here, 2 times." in loaded.inferred.to_module()


def test_the_code_of_namibia_stays_a_code(write, load):
    content = "code,name,area\nNA,Namibia,825615\nNL,Netherlands,41850\nVA,Vatican,NA\n"
    loaded = load(write("countries.csv", content))
    assert loaded.tables["countries"]["code"].to_list() == ["NA", "NL", "VA"]
    assert loaded.tables["countries"]["area"].to_list() == [825615, 41850, None]


def test_a_word_for_no_value_in_one_file_is_one_in_the_files_beside_it(write, load):
    loaded = load(
        [write("a.csv", "id,n\n1,?\n2,3\n"), write("b.csv", "id,word\n1,?\n2,x\n3,?\n4,y\n")]
    )
    assert loaded.tables["b"]["word"].to_list() == [None, "x", None, "y"]


def test_a_day_beyond_the_12th_decides_for_the_columns_beside_it(write, load):
    loaded = load(write("t.csv", "id;a;b\n1;01/02/2024;13/02/2024\n2;03/04/2024;31/12/2024\n"))
    assert loaded.schema("t").csv_dialect().day_first is True
    assert loaded.tables["t"]["a"].to_list() == [dt.date(2024, 2, 1), dt.date(2024, 4, 3)]
    assert loaded.warnings == []


def test_days_that_nothing_decides_load_with_a_warning_and_a_comment(write, load):
    loaded = load(write("t.csv", "id;a\n1;01/02/2024\n2;03/04/2024\n"))
    assert loaded.warnings == ["CONVERSION_AMBIGUOUS"]
    assert "declare the day_first" in " ".join(loaded.inferred.to_module().split())


def test_thousands_that_nothing_decides_stay_text(write, load):
    loaded = load(write("t.csv", "id;a\n1;1,234\n2;5,678\n"))
    assert loaded.tables["t"]["a"].to_list() == ["1,234", "5,678"]
    assert "either thousands or a fraction" in loaded.inferred.to_module()


def test_what_another_column_decides_about_thousands_holds(write, load):
    loaded = load(write("t.csv", "id;a;b\n1;1,234;0.5\n2;5,678;1.25\n"))
    assert loaded.schema("t").csv_dialect().decimal_mark == "."
    assert loaded.tables["t"].rows() == [(1, 1234, 0.5), (2, 5678, 1.25)]


def test_a_type_that_fails_behind_the_sample_is_found_anew(write, load):
    lines = [f"{n},{n}.5,n{n}" for n in range(5_000)]
    content = "\n".join(["id,x,name", *lines, "5000,missing?,NA", "5001,12,x"]) + "\n"
    loaded = load(write("t.csv", content), sample_bytes=1_000)
    assert loaded.tables["t"].height == 5_002
    assert loaded.tables["t"]["x"].to_list()[-2:] == ["missing?", "12"]
    assert loaded.schema("t").primary_key() == ("id",)


def test_a_word_for_no_value_behind_the_sample_is_found_anew(write, load):
    lines = [f"{n},{n}.5" for n in range(5_000)]
    content = "\n".join(["id,x", *lines, "5000,--"]) + "\n"
    loaded = load(write("t.csv", content), sample_bytes=1_000)
    assert loaded.tables["t"]["x"].to_list()[-2:] == [4999.5, None]


def test_a_comment_counts_all_of_the_file(write, load):
    lines = [f"{n},NA,01/02/2024" for n in range(2_000)]
    content = "\n".join(["id,note,day", *lines, "2000,fine,31/12/2024"]) + "\n"
    loaded = load(write("t.csv", content), sample_bytes=1_000)
    assert "# 'NA' is text here, 2,000 times." in loaded.inferred.to_module()
    assert "day_first" not in loaded.inferred.to_module()
    assert loaded.warnings == []


def test_a_sample_ends_between_records(write, load):
    lines = [f'{n},"line one\nline ""two"", {n}"' for n in range(500)]
    path = write("t.csv", "\n".join(["id,note", *lines]) + "\n")
    for size in range(1_000, 1_060, 7):
        assert load(path, sample_bytes=size).tables["t"].height == 500


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.csv", b"", "is empty"),
        ("t.csv", b"\n\n", "has no header"),
        ("t.csv", bytes(range(256)) * 8, "looks binary"),
        ("t.csv", b"PAR1" + bytes(50), "is a Parquet file"),
        ("t.csv", b"<!DOCTYPE html>\n<p>Not found</p>", "is no CSV table"),
        ("t.csv", b"a,b\n1,2,3\n4,5\n6,7\n", "line 2: 3 fields"),
        ("t.csv", b"Sales 2024;;\n;;\nid;a;b\n1;x;2\n", r"names 1 of 3 columns \('Sales 2024'\)"),
        ("t.csv", b";;\nid;a;b\n1;x;2\n", "names 0 of 3 columns, like a title"),
    ],
)
def test_what_is_no_table_is_refused_by_name(name, content, words, write):
    with pytest.raises(FileContentError, match=f"'t'.*{words}"):
        infer_schemas(write(name, content))


@pytest.mark.parametrize("header", ["id;;", "id;;b;", ";2023;2024"])
def test_columns_without_a_name_are_no_title(write, load, header):
    widths = header.count(";")
    values = [";".join(["1", *[""] * widths]), ";".join(["2", *["x"] * (widths - 1), ""])]
    assert load(write("t.csv", "\n".join([header, *values]) + "\n")).tables["t"].height == 2


@pytest.mark.parametrize(
    ("content", "suffix"),
    [
        ('[{"id": 1, "name": "Ann"}]', r"\.json\."),
        ('\ufeff [\n  {\n    "a\\"b" : 1}]', r"\.json\."),
        ('{"id": 1}\n{"id": 2}\n', r"\.json, or \.ndjson if each line is a record\."),
        ('{"rows": [{"id": 1}]}', r"\.json, or"),
        ("[{}]", r"\.json\."),
    ],
)
def test_json_in_a_csv_file_is_noticed(write, content, suffix):
    with pytest.raises(FileContentError, match=f"'t' is no CSV table but JSON.* ends in {suffix}"):
        infer_schemas(write("t.csv", content))


@pytest.mark.parametrize(
    "header", ["[id],[name]", "{id},{name}", '"{""a"": 1}",b', "{} a,[]", "[1],2"]
)
def test_brackets_in_a_header_are_no_json(write, header):
    (schema,) = infer_schemas(write("t.csv", f"{header}\nx,y\n")).schemas
    assert len(schema.datatypes()) == 2
