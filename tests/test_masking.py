"""No secret of an address or a database URL is said, logged or kept."""

from __future__ import annotations

import logging
import socket
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from algomancy_data import (
    CSVFile,
    DataSource,
    ParquetFile,
    SimpleETLFactory,
    StatelessDataManager,
)
from algomancy_data.database import DatabaseDataManager
from algomancy_data.database.engines import store_engine
from algomancy_data.errors import AlgomancyDataError, StoreError
from algomancy_data.file import locations
from algomancy_data.masking import mask, without_secrets
from algomancy_data.schema import Column, DataType, Schema

SECRET = "hush-0042"  # noqa: S105  none


class T(Schema):
    _FILENAME = "t"
    _EXTENSION = "csv"
    _SCHEMA_TYPE = "single"
    X = Column("x", DataType.INTEGER)


class P(T):
    _FILENAME = "p"
    _EXTENSION = "parquet"


class Answers(BaseHTTPRequestHandler):
    """A web server that says what the path asks for."""

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        place = self.path.partition("?")[0].lstrip("/")
        status = int(place.partition("-")[0])
        self.send_response(status)
        content = b"x\n1\n" if status == 200 else b"no"
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="module")
def host():
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def said_by(error):
    return "".join(traceback.format_exception(error))


@pytest.mark.parametrize(
    "path", ["200-t.csv", "403-t.csv", "404-t.csv", "500-t.csv", "503-p.parquet"]
)
def test_a_pre_signed_address_is_nowhere(host, path, tmp_path, caplog):
    caplog.set_level(logging.DEBUG, "algomancy_data")
    address = f"http://me:{SECRET}@{host}/{path}?X-Amz-Signature={SECRET}&x=1"
    kind = ParquetFile if path.endswith("parquet") else CSVFile
    name = path.partition(".")[0].partition("-")[2]
    file = kind(name, path=address)
    manager = DatabaseDataManager(
        SimpleETLFactory, [T, P], f"sqlite:///{tmp_path / 'd.db'}", "s", DataSource
    )
    manager.startup()
    try:
        result = manager.etl_data({name: file}, "d")
        heard = [repr(file), str(result), repr(result.messages), caplog.text]
        assert result.is_success == (path == "200-t.csv")
        if result.is_success:
            provenance = manager.describe("d").provenance
            assert provenance.files[0].location == f"http://{host}/{path}"
            heard += [repr(provenance), repr(manager.get_data("d").provenance)]
    except AlgomancyDataError as error:
        heard = [said_by(error)]
    manager.close()
    stored = b"".join(part.read_bytes() for part in tmp_path.iterdir())
    assert SECRET.encode() not in stored
    assert [text for text in heard if SECRET in text] == []


def test_an_address_that_nobody_answers_is_named_without_its_secret(monkeypatch):
    monkeypatch.setattr(locations, "_CONNECT_SECONDS", 1)
    monkeypatch.setattr(locations, "_READ_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/t.csv?sig={SECRET}"
        manager = StatelessDataManager(SimpleETLFactory, [T], "json", DataSource)
        result = manager.etl_data({"t": CSVFile("t", path=address)}, "d")
    (message,) = [one for one in result.messages if one.code == "EXTRACTION_FAILED"]
    assert "cannot be reached" in message.message
    assert SECRET not in repr(result.messages)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://host/data?password={SECRET}",
        f"postgresql://me@host/data?sslpassword={SECRET}",
        f"postgresql://me:{SECRET}@host:port/data",
        f"postgresql://me:{SECRET}@[::1/data",
        f"sqlite:///data.db?password={SECRET}",
        f"mysql://me:{SECRET}@host/data",
        f"nothing://me:{SECRET}@host/data?password={SECRET}",
        f"me:{SECRET}@host",
    ],
)
def test_a_database_url_that_is_refused_is_shown_without_its_password(url):
    with pytest.raises(StoreError) as refusal:
        store_engine(url)
    assert SECRET not in said_by(refusal.value)


@pytest.mark.parametrize("address", ["http://[::1/t.csv", "https://[half/t.csv?sig=" + SECRET])
def test_an_address_that_is_none_is_refused_in_words(address):
    manager = StatelessDataManager(SimpleETLFactory, [T], "json", DataSource)
    with pytest.raises(AlgomancyDataError, match="is no address") as refusal:
        manager.prepare_files(file_items_with_path=[("t", address)])
    assert SECRET not in said_by(refusal.value)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("s3://bucket/a.csv?versionId=1, again", "s3://bucket/a.csv?*** again"),
        ("('https://token@host/x')", "('https://***@host/x')"),
        ("url='https://u:p@host/x?a=b'>", "url='https://u:***@host/x?***'>"),
        ("postgresql+adbc://u:p@host/x?host=%2Ftmp", "postgresql+adbc://u:***@host/x?host=%2Ftmp"),
        ("sqlite:///x.db?busy_timeout=1", "sqlite:///x.db?busy_timeout=1"),
        ("is it there? yes", "is it there? yes"),
    ],
)
def test_what_is_masked(text, masked):
    assert mask(text) == masked


def test_a_path_is_kept_whatever_its_characters():
    for path in ("orders?.csv", "a@b?c", "C:/a?b", "/var/x@y"):
        assert without_secrets(path) == path
        assert mask(path) == path
