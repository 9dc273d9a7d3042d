"""Compressed content: recognised, taken apart piece by piece, or refused."""

from __future__ import annotations

import base64
import gzip
import io
import zipfile

import pyarrow as pa
import pytest

from algomancy_data.errors import FileContentError
from algomancy_data.file import CSVFile

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
def path(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(TEXT.encode(), mtime=0),
        pa.compress(TEXT.encode(), codec="zstd", asbytes=True),
        zipped(t=TEXT),
        zipped(**{"t": TEXT, "__MACOSX/._t": "rights"}),
    ],
    ids=["gzip", "zstd", "zip", "zip of macOS"],
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
