"""Files in stores: real ones in memory, on the disk and behind a web server of this process."""

from __future__ import annotations

import io
import re
import resource
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager, suppress
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import fsspec
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet

from algomancy_data import (
    ArrowFile,
    CSVFile,
    DataSource,
    ParquetFile,
    ReadLimits,
    SimpleETLFactory,
    StatelessDataManager,
    XLSXFile,
    get_extractor_class,
)
from algomancy_data.errors import (
    FileContentError,
    MissingExtraError,
    ReadLimitError,
    UnreachableError,
)
from algomancy_data.file import locations
from algomancy_data.file.locations import file_name, is_address
from algomancy_data.inference import infer_schemas
from algomancy_data.schema import Column, DataType, Schema

if TYPE_CHECKING:
    from collections.abc import Iterator

FRAME = pl.DataFrame({"c": [1, 2], "s": ["007", None]})
TYPES = {"csv": CSVFile, "parquet": ParquetFile, "arrow": ArrowFile, "xlsx": XLSXFile}


class Sending(SimpleHTTPRequestHandler):
    """A web server that sends also parts of files: who can ask for these must check them too."""

    def send_head(self):
        wanted = re.match(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        path = Path(self.translate_path(self.path))
        if wanted is None or not path.exists():
            return super().send_head()
        content = path.read_bytes()
        first, last = wanted.groups()
        start = int(first) if first else max(len(content) - int(last), 0)
        part = content[start : int(last) + 1 if first and last else None]
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {start}-{start + len(part) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        return io.BytesIO(part)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Faulty(Sending):
    """A web server whose answers have something wrong with them, by their path."""

    going_on = threading.Event()

    def do_GET(self):
        self.send_response(200)
        match Path(self.path).stem:
            case "silent":
                self.going_on.wait()
            case "stalling":
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b"PAR1")
                self.going_on.wait()
            case "cut_off":
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b"PAR1")
            case "huge":
                self.send_header("Content-Length", str(10**15))
                self.end_headers()
                self.going_on.wait()
            case "endless":
                self.end_headers()
                with suppress(OSError):  # the other side has had enough
                    while not self.going_on.is_set():
                        self.wfile.write(bytes(100_000))


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


@contextmanager
def serving(handler) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def web(folder) -> Iterator[str]:
    with serving(lambda *arguments: Sending(*arguments, directory=folder)) as address:
        yield address


@pytest.fixture
def faulty() -> Iterator[str]:
    Faulty.going_on.clear()
    with serving(Faulty) as address:
        yield address
        Faulty.going_on.set()


@pytest.fixture
def spool(tmp_path, monkeypatch) -> Path:
    """Return the folder for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def memory(folder) -> Iterator[str]:
    store = fsspec.filesystem("memory")
    for path in folder.iterdir():
        store.pipe_file(f"/bucket/{path.name}", path.read_bytes())
    yield "memory://bucket"
    store.rm("/bucket", recursive=True)


def extract(extension: str, address: str, limits: ReadLimits | None = None) -> pl.DataFrame:
    extractor = get_extractor_class(extension, "single")
    file = TYPES[extension]("t", address, read_limits=limits)
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


@pytest.mark.parametrize("extension", TYPES)
def test_nothing_stays_of_what_was_fetched(web, folder, spool, extension) -> None:
    frame = extract(extension, f"{web}/t.{extension}")
    assert not [*spool.iterdir()]
    assert frame.equals(FRAME)
    (folder / f"empty.{extension}").write_bytes(b"")
    with pytest.raises(FileContentError):
        extract(extension, f"{web}/empty.{extension}")
    assert not [*spool.iterdir()]


def test_a_damaged_file_behind_a_web_server_is_refused_as_on_the_disk(web, folder) -> None:
    table = pa.table({"c": [1, 2], "s": ["one", "two"]})
    target = folder / "damaged.parquet"
    parquet.write_table(
        table, target, compression="none", use_dictionary=False, write_page_checksum=True
    )
    content = target.read_bytes()
    target.write_bytes(content.replace(b"\3\0\0\0one", b"\3\0\0\0two"))
    with pytest.raises(FileContentError, match="page whose check sum is another one") as local:
        extract("parquet", target)
    with pytest.raises(FileContentError) as remote:
        extract("parquet", f"{web}/damaged.parquet")
    assert str(remote.value) == str(local.value)


def test_batches_that_lie_outside_an_arrow_file_behind_a_web_server_are_refused(web, folder):
    whole = (folder / "t.arrow").read_bytes()
    (folder / "cut.arrow").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FileContentError, match="may be damaged: its end is missing"):
        extract("arrow", f"{web}/cut.arrow")


@pytest.mark.parametrize("extension", ["parquet", "arrow"])
def test_limits_hold_for_addresses_too(web, extension) -> None:
    with pytest.raises(ReadLimitError, match="the limit 'cells' is 3"):
        extract(extension, f"{web}/t.{extension}", ReadLimits(cells=3))
    assert extract(extension, f"{web}/t.{extension}", ReadLimits(cells=4)).equals(FRAME)


@pytest.mark.parametrize("extension", TYPES)
@pytest.mark.parametrize("name", ["huge", "endless"])
def test_no_more_is_fetched_than_the_limit(faulty, spool, name, extension) -> None:
    limits = ReadLimits(unpacked_bytes=1_000_000)
    with pytest.raises(ReadLimitError, match="has more than 1,000,000 bytes; the limit 'unpacked_"):
        extract(extension, f"{faulty}/{name}.{extension}", limits)
    assert not [*spool.iterdir()]


@pytest.mark.parametrize("extension", TYPES)
@pytest.mark.parametrize("name", ["silent", "stalling"])
def test_a_server_that_falls_silent_is_named(faulty, spool, monkeypatch, name, extension) -> None:
    monkeypatch.setattr(locations, "_READ_SECONDS", 0.2)
    address = f"{faulty}/{name}.{extension}"
    with pytest.raises(UnreachableError, match="cannot be reached: ") as caught:
        extract(extension, address)
    assert address in str(caught.value)
    assert not [*spool.iterdir()]


@pytest.mark.parametrize("extension", TYPES)
def test_an_answer_that_is_cut_off_is_no_file(faulty, extension) -> None:
    with pytest.raises(FileContentError, match=r"cut_off.* cannot be read"):
        extract(extension, f"{faulty}/cut_off.{extension}")


def test_a_full_disk_is_named_with_the_folder(web, spool) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        with pytest.raises(UnreachableError) as caught:
            extract("parquet", f"{web}/t.parquet")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "no room" in str(caught.value)
    assert repr(str(spool)) in str(caught.value)


@pytest.mark.parametrize("extension", ["parquet", "arrow"])
def test_columns_behind_a_web_server_are_inferred(web, extension) -> None:
    found = infer_schemas(f"{web}/t.{extension}")
    assert [*found.schemas[0].columns()] == FRAME.columns


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


@pytest.mark.parametrize("extension", TYPES)
def test_a_server_that_does_not_answer_is_named(extension) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # and nobody listens
        address = f"http://127.0.0.1:{unused.getsockname()[1]}/t.{extension}"
        with pytest.raises(UnreachableError, match="cannot be reached") as caught:
            extract(extension, address)
    assert isinstance(caught.value, OSError)
    assert address in str(caught.value)


@pytest.mark.parametrize("extension", TYPES)
def test_a_store_whose_package_is_missing_is_named(extension) -> None:
    with pytest.raises(MissingExtraError, match=r"needs s3fs, .* Run: pip install s3fs"):
        extract(extension, f"s3://bucket/t.{extension}")


def test_a_folder_of_a_store_is_no_file(memory) -> None:
    with pytest.raises(FileNotFoundError, match="There is nothing at 'memory://bucket'"):
        extract("parquet", memory)


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
