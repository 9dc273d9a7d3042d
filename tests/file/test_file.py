"""Files: paths, uploads, compression, and what goes wrong with them."""

from __future__ import annotations

import base64
import gzip
import io
import zipfile
from pathlib import Path

import openpyxl
import pyarrow as pa
import pytest

from algomancy_data.errors import FileContentError
from algomancy_data.file import FILE_TYPES, CSVFile, File, JSONFile, NDJSONFile, XLSXFile
from algomancy_data.schema import FileExtension

TEXT = "a;b\n1;é\n"


def uri(content: bytes) -> str:
    return "data:text/csv;base64," + base64.b64encode(content).decode()


def zipped(**members: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.csv", content)
    return buffer.getvalue()


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


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(TEXT.encode(), mtime=0),
        pa.compress(TEXT.encode(), codec="zstd", asbytes=True),
        zipped(t=TEXT),
    ],
    ids=["gzip", "zstd", "zip"],
)
def test_compressed_content_is_recognised_by_its_first_bytes(path, content) -> None:
    path.write_bytes(content)
    assert CSVFile("t", path).content == TEXT
    assert CSVFile("t", content=uri(content)).source() == TEXT.encode()


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(TEXT.encode() * 99, mtime=0)[:-9],
        gzip.compress(TEXT.encode(), mtime=0)[:10] + b"junk",
        pa.compress(TEXT.encode() * 99, codec="zstd", asbytes=True)[:-5],
        zipped(t=TEXT)[:-30],
        b"PK\x03\x04",
    ],
    ids=["short gzip", "junk gzip", "short zstd", "short zip", "empty zip"],
)
def test_damaged_compression_is_refused(path, content) -> None:
    path.write_bytes(content)
    with pytest.raises(FileContentError, match=r"damaged|cannot be opened"):
        CSVFile("t", path).source()


def test_a_zip_needs_exactly_one_member(path) -> None:
    path.write_bytes(zipped(a=TEXT, b=TEXT))
    with pytest.raises(FileContentError, match=r"2 members \('a\.csv', 'b\.csv'\)"):
        CSVFile("t", path).source()
    path.write_bytes(zipped())
    with pytest.raises(FileContentError, match=r"0 members \(none\)"):
        CSVFile("t", path).source()


def test_an_office_document_is_refused(path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("[Content_Types].xml", "")
        archive.writestr("xl/workbook.xml", "")
    path.write_bytes(buffer.getvalue())
    with pytest.raises(FileContentError, match="Office document"):
        CSVFile("t", path).source()


def test_the_class_of_each_format() -> None:
    assert FILE_TYPES[FileExtension.CSV] is CSVFile
    assert all(issubclass(cls, File) for cls in FILE_TYPES.values())


def test_repr_says_where_it_is(path) -> None:
    assert repr(CSVFile("t", path)) == f"CSVFile('t', path={str(path)!r})"
    assert repr(CSVFile("t", content=uri(b"x"))) == "CSVFile('t', content=…)"


LONG = "a;b\n1;é\n" * 1_000_000


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(LONG.encode(), 1),
        pa.compress(LONG.encode(), codec="zstd", asbytes=True),
        zipped(t=LONG),
    ],
    ids=["gzip", "zstd", "zip"],
)
def test_whoever_watches_sees_each_decompressed_piece_and_may_stop(path, content) -> None:
    path.write_bytes(content)
    pieces: list[bytes] = []
    assert CSVFile("t", path).source(pieces.append) == LONG.encode()
    assert b"".join(pieces) == LONG.encode()
    assert len(pieces) > 1

    def stop(piece: bytes) -> None:
        raise FileContentError(f"stopped at {len(piece)}")

    with pytest.raises(FileContentError, match=f"stopped at {len(pieces[0])}"):
        CSVFile("t", path).source(stop)


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
