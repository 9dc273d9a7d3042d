"""What a CSV file may hold, and what is refused with which words."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import sqlite3
import zipfile

import polars as pl
import pyarrow as pa
import pytest

from algomancy_data.errors import FileContentError
from algomancy_data.schema import CSVDialect, DataType

STRING, INTEGER, FLOAT = DataType.STRING, DataType.INTEGER, DataType.FLOAT
AB = {"a": STRING, "b": STRING}
ABC = {"a": INTEGER, "b": STRING, "c": FLOAT}


# --- values that must survive -------------------------------------------------------------------


def test_a_nul_in_a_field_survives(extract) -> None:
    assert extract(b"a;b\nx\x00y;z\n", AB).rows() == [("x\x00y", "z")]


# --- the shape ----------------------------------------------------------------------------------


def test_a_nul_in_the_name_of_a_column_of_dates_is_read(extract, capfd) -> None:
    frame = extract("k;d\0ay\n1;2024-01-05\n", {"d\0ay": DataType.DATETIME})
    assert frame["d\0ay"].to_list() == [dt.datetime(2024, 1, 5)]
    assert capfd.readouterr().err == ""


def test_blank_lines_are_no_rows(extract) -> None:
    content = "\n \na;b;c\n\n1;2;3\n   \n;;\n4;5;\n\n\n"
    assert extract(content, ABC).rows() == [(1, "2", 3.0), (None, None, None), (4, "5", None)]


def test_blank_lines_are_no_rows_where_records_span_lines(extract) -> None:
    content = 'a;b\r\n"x\r\n\r\n";1\r\n\r\n"y;";\r\n'
    assert extract(content, AB).rows() == [("x\r\n\r\n", "1"), ("y;", None)]


def test_a_line_of_tabs_is_a_row_where_the_tab_separates(extract) -> None:
    frame = extract("a\tb\n1\t2\n\t\n3\t\n", AB, CSVDialect(separator="\t"))
    assert frame.rows() == [("1", "2"), (None, None), ("3", None)]


def test_in_a_file_with_one_column_a_blank_line_is_a_null(extract) -> None:
    assert extract('a\n1\n\n3\n""\n\n', {"a": STRING})["a"].to_list() == ["1", None, "3", "", None]


def test_short_rows_are_padded_and_reported(extractor) -> None:
    instance = extractor("a;b;c\n1;x;1\n\n2;x\n3\n4;;\n", ABC)
    assert instance.extract()["t"].rows() == [
        (1, "x", 1.0), (2, "x", None), (3, None, None), (4, None, None),
    ]  # fmt: skip
    (issue,) = instance.conversion_issues
    assert (issue.severity, issue.count, issue.rows) == ("WARNING", 2, (1, 2))


def test_short_rows_are_reported_among_quoted_fields(extractor) -> None:
    for first in ('"x;y"', '"x;\ny"', '"""x;"'):
        instance = extractor(f'a;b\n{first};1\n"x;y"\n"z;";\n', AB)
        assert instance.extract()["t"].height == 3
        assert instance.conversion_issues[0].rows == (1,)


def test_short_rows_are_reported_among_unit_separators(extractor) -> None:
    instance = extractor("a;b\n\x1f;1\n\n2\n", AB)
    assert instance.extract()["t"].rows() == [("\x1f", "1"), ("2", None)]
    assert instance.conversion_issues[0].rows == (1,)


@pytest.mark.parametrize("line", ["1;x;3;4", ";;;", '"1";"x";"3";'])
def test_a_row_with_too_many_fields_is_named(extractor, line) -> None:
    with pytest.raises(FileContentError, match=r"'t', line 4: 4 fields, but there are 3 columns"):
        extractor(f"a;b;c\n\n1;x;3\n{line}\n1;x;3\n", ABC).extract()


@pytest.mark.parametrize("line", ["1;x;3;", ";;;", '"1";x;3;', '1;"x\n";3;', "1;x;3;;"])
def test_an_empty_field_too_many_at_the_very_end_is_named(extractor, line) -> None:
    with pytest.raises(FileContentError, match=r"'t', line 3: . fields, but there are 3 columns"):
        extractor(f"a;b;c\n1;x;3\n{line}", ABC).extract()


@pytest.mark.parametrize("line", ["1;x;", '1;"x";', '1;"x;";', ";;"])
def test_the_last_field_may_be_empty_at_the_very_end(extract, line) -> None:
    assert extract(f"a;b;c\n{line}", ABC)["c"].to_list() == [None]


def test_quotes_inside_an_unquoted_field_are_text(extract) -> None:
    rows = [(f'{i}" pipe', 'a "b" c' if i % 7 else "plain") for i in range(3000)]
    content = "a;b\n" + "".join(f"{a};{b}\n" for a, b in rows)
    assert extract(content, AB).rows() == rows


@pytest.mark.parametrize(
    "rows",
    [
        [("x", '5" pipe'), ("y", '6" pipe')],
        [("x", '5"'), ("y", '6"')],
        [("x", 'q"two'), ("y", 'lines"')],
        [("x;", 'say ""'), ("y\n", '6"'), ("z", '7"')],
    ],
)
def test_quotes_inside_an_unquoted_field_join_no_records(extract, rows) -> None:
    # The reader joins them where the field before is quoted and enough follows.
    content = "a;b\n" + "".join(f'"{a}";{b}\n' for a, b in rows) + "1;2\n" * 40
    assert extract(content, AB).rows() == rows + [("1", "2")] * 40


def test_quoted_quotes_beside_separators_and_line_ends_are_read(extract) -> None:
    rows = [("x", '{"a": 1;\n"b": 2}'), ("y", '"'), ("z", '";"')] * 20
    content = "".join('"{}";"{}"\n'.format(a, b.replace('"', '""')) for a, b in rows)
    assert extract(f"a;b\n{content}", AB).rows() == rows


def test_quotes_may_be_switched_off(extract) -> None:
    assert extract('a;b\n"x;y"\n', AB, CSVDialect(quote=None)).rows() == [('"x', 'y"')]


@pytest.mark.parametrize(
    ("field", "problem"), [('"x', "never ends"), ('"x"y', "goes on after"), ('"x" ', "goes on")]
)
def test_unclear_quotes_are_refused_with_their_line(extractor, field, problem) -> None:
    with pytest.raises(FileContentError, match=rf"line 3: the quoted field .* {problem}"):
        extractor(f"a;b\n1;2\n{field};1\n", AB).extract()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_system(extract, end) -> None:
    content = f"a;b{end}1;x{end}{end}2;y{end}".encode()
    assert extract(content, {"a": INTEGER, "b": STRING}).rows() == [(1, "x"), (2, "y")]


def test_the_last_line_may_lack_its_end(extract) -> None:
    assert extract("a;b\n1;x\n2;y", AB).rows() == [("1", "x"), ("2", "y")]


# --- encodings and binary files -----------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-16-le", "latin-1", "utf-8-sig"])
def test_other_encodings(extract, encoding) -> None:
    content = "größe;b\n1;é€\n" if encoding != "latin-1" else "größe;b\n1;é\n"
    frame = extract(
        content.encode(encoding), {"größe": INTEGER, "b": STRING}, CSVDialect(encoding=encoding)
    )
    assert frame.rows() == [(1, content[-3:-1].lstrip(";"))]


def test_bytes_that_the_encoding_lacks_are_refused(extractor) -> None:
    with pytest.raises(FileContentError, match="not cp1252 text near byte 6"):
        extractor(b"a;b\n1;\x81\n", AB, CSVDialect(encoding="cp1252")).extract()


@pytest.mark.parametrize("content", [b"a;b\n1;2\n3;\xe9\n", b'a;b\n"";\n3;\xe9"\n'])
def test_invalid_utf8_is_refused_with_its_line(extractor, content) -> None:
    with pytest.raises(FileContentError, match=r"line 3: byte \d+ \(0xe9\) is not UTF-8.*cp1252"):
        extractor(content, AB).extract()


def test_invalid_utf8_in_the_header_is_refused(extractor) -> None:
    with pytest.raises(FileContentError, match="line 1"):
        extractor(b"\xe9;b\n3;4\n", AB).extract()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_wide_text_says_its_encoding(extractor, encoding) -> None:
    with pytest.raises(FileContentError, match=f'encoding="{encoding}"'):
        extractor("a;b\n1;2\n".encode(encoding), AB).extract()


def binary_files() -> dict[str, bytes]:
    frame = pl.DataFrame({"a": [1]})
    parquet, ipc = io.BytesIO(), io.BytesIO()
    frame.write_parquet(parquet)
    frame.write_ipc(ipc)
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (a)")
    connection.commit()
    database = connection.serialize()
    connection.close()
    return {
        "parquet": parquet.getvalue(),
        "arrow": ipc.getvalue(),
        "sqlite": database,
        "png": b"\x89PNG\r\n\x1a\n" + bytes(50),
        "noise": bytes(i * i % 251 for i in range(5000)),
        "zeros": bytes(5000),
        "utf-16 without mark": "a;b\n1;2\n".encode("utf-16-le"),
    }


@pytest.mark.parametrize("name", ["PAR1", "GIF8", "BZh", "ARROW1", "%PDF"])
def test_a_column_may_be_named_like_a_binary_format(extract, name) -> None:
    assert extract(f"{name};b\n1;2\n", {name: INTEGER}).columns == [name, "b"]


@pytest.mark.parametrize("kind", sorted(binary_files()))
def test_binary_files_are_refused(extractor, kind) -> None:
    with pytest.raises(FileContentError, match="looks binary"):
        extractor(binary_files()[kind], AB).extract()


# --- compressed files ---------------------------------------------------------------------------


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, "a;b\n1;x\n")
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(b"a;b\n1;x\n", mtime=0),
        gzip.compress(b"a;b\n", mtime=0) + gzip.compress(b"1;x\n", mtime=0),
        pa.compress(b"a;b\n1;x\n", codec="zstd", asbytes=True),
        zipped("t.csv"),
        zipped("folder/", "folder/t.csv"),
    ],
    ids=["gzip", "gzip twice", "zstd", "zip", "zip with a folder"],
)
def test_compressed_files_are_read_whatever_their_name(extract, content) -> None:
    assert extract(content, AB).rows() == [("1", "x")]


def test_a_wide_encoding_inside_a_compressed_file(extract) -> None:
    content = gzip.compress("a;b\n1;é\n".encode("utf-16"))
    assert extract(content, AB, CSVDialect(encoding="utf-16")).rows() == [("1", "é")]


# --- the file afterwards ------------------------------------------------------------------------


def test_frames_do_not_depend_on_the_file(extractor, csv_folder) -> None:
    rows = [(i, f"a text too long to be inlined {i}", i / 8) for i in range(50_000)]
    instance = extractor("a;b;c\n" + "".join(f"{a};{b};{c}\n" for a, b, c in rows), ABC)
    frame = instance.extract()["t"]
    path = csv_folder / "t.csv"
    with path.open("r+b") as stream:
        stream.write(b"#" * path.stat().st_size)
    path.unlink()
    assert frame.rows() == rows
