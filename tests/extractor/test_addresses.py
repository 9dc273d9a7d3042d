"""Files in stores: real ones in memory, on the disk and behind a web server of this process."""

from __future__ import annotations

import io
import re
import socket
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import fsspec
import polars as pl
import pytest

from algomancy_data import (
    ArrowFile,
    CSVFile,
    DataSource,
    ParquetFile,
    SimpleETLFactory,
    StatelessDataManager,
    XLSXFile,
    get_extractor_class,
)
from algomancy_data.errors import FileContentError, MissingExtraError, UnreachableError
from algomancy_data.locations import file_name, is_address
from algomancy_data.schema import Column, DataType, Schema

if TYPE_CHECKING:
    from collections.abc import Iterator

FRAME = pl.DataFrame({"c": [1, 2], "s": ["007", None]})
TYPES = {"csv": CSVFile, "parquet": ParquetFile, "arrow": ArrowFile, "xlsx": XLSXFile}


class Pieces(SimpleHTTPRequestHandler):
    """A web server that sends parts of files, as stores do."""

    sent: ClassVar[list[str]] = []

    def send_head(self):
        wanted = re.match(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        path = Path(self.translate_path(self.path))
        if wanted is None or not path.exists():
            return super().send_head()
        content = path.read_bytes()
        end = min(int(wanted[2] or len(content)), len(content) - 1)
        start = int(wanted[1]) if wanted[1] else max(len(content) - int(wanted[2]), 0)
        if not wanted[1]:  # so many bytes at the end
            end = len(content) - 1
        self.sent.append(self.path)
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {start}-{end}/{len(content)}")
        self.send_header("Content-Length", str(end - start + 1))
        self.end_headers()
        return io.BytesIO(content[start : end + 1])

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Whole(SimpleHTTPRequestHandler):
    """A web server that sends files as a whole only."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def schema_of(extension: str) -> type[Schema]:
    members = {
        "_FILENAME": "t",
        "_EXTENSION": extension,
        "_SCHEMA_TYPE": "single",
        "C": Column("c", DataType.INTEGER),
        "S": Column("s", DataType.STRING),
    }
    return type("Table", (Schema,), members)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    FRAME.write_csv(folder / "t.csv", separator=";")
    FRAME.write_parquet(folder / "t.parquet")
    FRAME.write_ipc(folder / "t.arrow")
    FRAME.write_excel(folder / "t.xlsx")
    return folder


@pytest.fixture(scope="module", params=[Pieces, Whole])
def web(request, folder) -> Iterator[str]:
    def handler(*arguments):
        return request.param(*arguments, directory=folder)

    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def memory(folder) -> Iterator[str]:
    store = fsspec.filesystem("memory")
    for path in folder.iterdir():
        store.pipe_file(f"/bucket/{path.name}", path.read_bytes())
    yield "memory://bucket"
    store.rm("/bucket", recursive=True)


def extract(extension: str, address: str) -> pl.DataFrame:
    extractor = get_extractor_class(extension, "single")
    file = TYPES[extension]("t", address)
    return extractor(file, schema_of(extension)).extract()["t"]


@pytest.mark.parametrize("extension", TYPES)
def test_a_file_on_the_disk_may_be_an_address(folder, extension) -> None:
    assert extract(extension, (folder / f"t.{extension}").as_uri()).equals(FRAME)


@pytest.mark.parametrize("extension", TYPES)
def test_a_file_in_a_store_is_read(memory, extension) -> None:
    assert extract(extension, f"{memory}/t.{extension}").equals(FRAME)


@pytest.mark.parametrize("extension", TYPES)
def test_a_file_behind_a_web_server_is_read(web, extension) -> None:
    assert extract(extension, f"{web}/t.{extension}?token=1").equals(FRAME)


@pytest.mark.parametrize("web", [Pieces], indirect=True)
@pytest.mark.parametrize(
    ("extension", "in_pieces"), [("parquet", True), ("arrow", True), ("csv", False)]
)
def test_what_polars_reads_by_itself_is_read_in_pieces(web, extension, in_pieces) -> None:
    Pieces.sent.clear()
    extract(extension, f"{web}/t.{extension}")
    assert bool(Pieces.sent) is in_pieces


def test_an_arrow_stream_behind_a_web_server_is_read(web, folder) -> None:
    FRAME.write_ipc_stream(folder / "stream.arrow")
    assert extract("arrow", f"{web}/stream.arrow").equals(FRAME)


def test_a_pattern_in_a_store_is_one_table_in_the_order_of_names(memory) -> None:
    store = fsspec.filesystem("memory")
    for number in (10, 9, 1):
        store.pipe_file(f"/bucket/parts/{number}.csv", f"c;s\n{number};x\n".encode())
    store.pipe_file("/bucket/parts/_SUCCESS", b"")
    for address in (f"{memory}/parts/*.csv", f"{memory}/parts/"):
        assert extract("csv", address)["c"].to_list() == [1, 9, 10]
    store.pipe_file("/bucket/parts/9.csv", b"c\n1\n")
    with pytest.raises(FileContentError, match=r"part '9\.csv' lacks 's'"):
        extract("csv", f"{memory}/parts/*.csv")


@pytest.mark.parametrize("extension", TYPES)
def test_nothing_at_an_address_is_a_missing_file(memory, extension) -> None:
    with pytest.raises(FileNotFoundError, match=r"'memory://.*none\."):
        extract(extension, f"{memory}/none.{extension}")


@pytest.mark.parametrize("extension", TYPES)
def test_nothing_behind_a_web_server_is_a_missing_file(web, extension) -> None:
    with pytest.raises(FileNotFoundError, match=r"'http://.*none\."):
        extract(extension, f"{web}/none.{extension}")


def test_a_pattern_without_a_match_in_a_store_is_a_missing_file(memory) -> None:
    with pytest.raises(FileNotFoundError, match="no part of a table"):
        extract("csv", f"{memory}/none/*.csv")


def test_a_missing_address_fails_the_etl(memory) -> None:
    manager = StatelessDataManager(SimpleETLFactory, [schema_of("csv")], "json", DataSource)
    files = manager.prepare_files(file_items_with_path=[("t", f"{memory}/none.csv")])
    result = manager.etl_data(files, "d")
    assert [message.code for message in result.messages] == ["EXTRACTION_FAILED"]


def test_a_manager_takes_addresses(memory) -> None:
    manager = StatelessDataManager(SimpleETLFactory, [schema_of("csv")], "json", DataSource)
    items = [("t", f"{memory}/t.csv"), ("other", f"{memory}/t.parquet?version=2")]
    files = manager.prepare_files(file_items_with_path=items)
    assert [type(file) for file in files.values()] == [CSVFile, ParquetFile]
    result = manager.etl_data({"t": files["t"]}, "d")
    assert result.datasource.get_table("t").equals(FRAME)


def test_a_kind_of_address_that_nobody_knows_is_refused() -> None:
    with pytest.raises(FileContentError, match=r"'nope://bucket/t\.csv' cannot be read: Protocol"):
        extract("csv", "nope://bucket/t.csv")


@pytest.mark.parametrize(
    "extension",
    # Polars tries for seconds.
    ["csv", "xlsx", *(pytest.param(e, marks=pytest.mark.long) for e in ("parquet", "arrow"))],
)
def test_a_server_that_does_not_answer_is_named(extension) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # and nobody listens
        address = f"http://127.0.0.1:{unused.getsockname()[1]}/t.{extension}"
        with pytest.raises(UnreachableError, match="cannot be reached") as caught:
            extract(extension, address)
    assert isinstance(caught.value, OSError)
    assert address in str(caught.value)


def test_a_store_whose_package_is_missing_is_named() -> None:
    with pytest.raises(MissingExtraError, match=r"not installed: .*s3fs"):
        extract("csv", "s3://bucket/t.csv")


def test_without_the_extra_the_error_names_it() -> None:
    code = """
import sys
sys.modules["fsspec"] = None
from algomancy_data import CSVFile
try:
    CSVFile("t", "memory://bucket/t.csv").read_bytes()
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == (
        "Reading 'memory://bucket/t.csv' needs packages that are not installed. "
        "Run: pip install 'algomancy-data[remote]'\n"
    )


@pytest.mark.parametrize(
    ("path", "address", "name"),
    [
        ("s3://bucket/a%20b.csv", True, "a b.csv"),
        ("https://host/dir/t.csv?x=y/z", True, "t.csv"),
        ("C:/dir/t.csv", False, "t.csv"),
        ("dir/a%20b.csv", False, "a%20b.csv"),
        ("a:b", False, "a:b"),
    ],
)
def test_addresses_are_told_from_paths(path, address, name) -> None:
    assert is_address(path) is address
    assert file_name(path) == name
