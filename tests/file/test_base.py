"""Files: paths, uploads, and what goes wrong with them."""

from __future__ import annotations

import base64
from pathlib import Path

import openpyxl
import pytest

from algomancy_data.errors import FileContentError
from algomancy_data.file import FILE_TYPES, CSVFile, File, JSONFile, NDJSONFile, XLSXFile
from algomancy_data.schema import FileExtension

TEXT = "a;b\n1;é\n"


def uri(content: bytes) -> str:
    return "data:text/csv;base64," + base64.b64encode(content).decode()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "t.csv"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", [str, Path])
def test_a_path_may_be_text_or_a_path(path, kind) -> None:
    file = CSVFile("t", kind(path))
    assert (file.name, file.extension, file.path) == ("t", FileExtension.CSV, kind(path))
    assert file.content == TEXT
    assert file.read_contents_from_path() == TEXT
    assert file.source() == path
    assert file.read_bytes() == TEXT.encode()


def test_the_content_of_a_path_is_never_kept(path) -> None:
    file = CSVFile("t", path)
    path.write_text("new", encoding="utf-8")
    assert file.content == "new"


def test_the_constructor_does_not_read(tmp_path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xff\xff")
    file = CSVFile("t", path)
    with pytest.raises(FileContentError, match="not UTF-8"):
        _ = file.content


def test_uploaded_content_is_decoded() -> None:
    file = CSVFile("t", content=uri(b"\xef\xbb\xbf" + TEXT.encode()))
    assert file.content == TEXT
    assert file.source() == b"\xef\xbb\xbf" + TEXT.encode()


def test_uploaded_content_wins_over_the_path(path) -> None:
    assert CSVFile("t", path, uri(b"x")).content == "x"


def test_without_path_and_content_there_is_no_content() -> None:
    assert CSVFile("t").content is None
    with pytest.raises(FileContentError, match="neither a path nor content"):
        CSVFile("t").source()


def test_a_format_of_ones_own_may_read_its_path_in_its_own_way(path) -> None:
    class Shouted(File):
        def read_contents_from_path(self) -> str:
            return super().read_contents_from_path().upper()

    assert Shouted("t", "shout", path).content == TEXT.upper()
    assert Shouted("t", "shout", path, uri(b"a")).content == "a"
    assert Shouted("t", "shout").content is None


def test_a_missing_path_is_refused_at_once(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match=r"'t': there is nothing at .*none.csv"):
        CSVFile("t", tmp_path / "none.csv")


def test_a_directory_is_no_single_file(tmp_path) -> None:
    with pytest.raises(FileContentError, match="directory or pattern of parts"):
        CSVFile("t", tmp_path).source()


def test_a_path_that_is_gone_later_is_not_found(path) -> None:
    file = CSVFile("t", path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        file.source()


def test_content_that_is_no_data_uri_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="no comma"):
        CSVFile("t", content="YTti")


def test_content_that_is_no_text_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="'t' is no data URI: it is no text"):
        CSVFile("t", content=b"a,b")


def test_content_that_is_no_base64_is_refused() -> None:
    with pytest.raises(FileContentError, match="base64"):
        CSVFile("t", content="data:text/csv;base64,a§b").source()


def test_the_class_of_each_format() -> None:
    assert FILE_TYPES[FileExtension.CSV] is CSVFile
    assert all(issubclass(cls, File) for cls in FILE_TYPES.values())


def test_repr_says_where_it_is(path) -> None:
    assert repr(CSVFile("t", path)) == f"CSVFile('t', path={str(path)!r})"
    assert repr(CSVFile("t", content=uri(b"x"))) == "CSVFile('t', content=…)"


@pytest.mark.parametrize("kind", [CSVFile, JSONFile, NDJSONFile])
def test_content_that_is_set_is_what_the_file_holds(path, kind) -> None:
    file = kind("t", path)
    file.content = "[1]\n€"
    assert (file.content, file.read_bytes()) == ("[1]\n€", "[1]\n€".encode())
    assert (file.is_uploaded, file.stored_bytes()) == (True, 7)
    file.content = None
    assert file.read_bytes() == Path(path).read_bytes()
    empty = kind("t")
    empty.content = ""
    assert empty.content == ""


def test_the_content_of_a_workbook_is_no_text_to_be_set(tmp_path) -> None:
    path = tmp_path / "t.xlsx"
    book = openpyxl.Workbook()
    book.active.title = "first"
    book.create_sheet("second")
    book.save(path)
    file = XLSXFile("t", path)
    assert file.index_to_sheet_name == {0: "first", 1: "second"}
    with pytest.raises(FileContentError, match="a workbook is no text"):
        file.content = "{}"
    file.content = None
    assert XLSXFile("t").index_to_sheet_name == {}
