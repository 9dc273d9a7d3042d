"""Startup reads each item on its own, whatever is wrong with the others."""

from __future__ import annotations

import datetime as dt
import logging
import os
import shutil
import stat
import tempfile
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest

from algomancy_data import Column, DataClassification, DataType, FileExtension, Schema, SchemaType
from algomancy_data.errors import DatasetExistsError, StoreError
from algomancy_data.folder.manifest import signed
from algomancy_data.folder.reader import PRIVATE
from algomancy_data.testing import assert_identical

pytestmark = pytest.mark.filterwarnings("ignore:StatefulDataManager:DeprecationWarning")

OLD_STYLE = Path(__file__).parents[1] / "data" / "pandas-folder"


class Things(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "things", FileExtension.CSV, SchemaType.SINGLE
    ID = Column("id", DataType.INTEGER, primary_key=True)


@pytest.fixture
def good(open_manager, folder, source):
    """A folder with a good dataset before and behind whatever else there is."""
    manager = open_manager()
    for name in ("a good one", "victim", "z good one"):
        manager.add_data_source(source(name))
    return folder


def tables_of(folder, key):
    (home,) = (folder / PRIVATE).glob(f"{key}.*")
    return home


def errors_of(manager):
    return {Path(path).name: str(error) for path, error in manager.startup_errors}


# --- what is read -------------------------------------------------------------------------------


def test_records_of_the_pandas_package_are_read_with_their_types(open_manager, folder):
    shutil.copytree(OLD_STYLE, folder)
    manager = open_manager()
    assert manager.startup_errors == []
    assert manager.get_data_keys() == ["old data"]  # the name inside, not that of the file
    read = manager.get_data("old data")
    assert read.id == "6b2f0c0e-3f0a-4b8e-9d61-0f3f7b0f4a10"
    assert read.ds_type is DataClassification.DERIVED_DATA
    assert read.creation_datetime == dt.datetime(2025, 3, 1, 10, 0, 0, 123456)
    expected = pl.DataFrame(
        {
            "code": ["00123", None],
            "amount": [1.5, None],
            "pieces": [1, -2],
            "stock": [2, None],
            "express": [True, None],
            "created": pl.Series([dt.datetime(2024, 1, 2, 3, 4, 5), None], dtype=pl.Datetime("ns")),
            "status": pl.Series(["new", None], dtype=pl.Categorical()),
            "note": ["x", None],
            "spent": pl.Series([dt.timedelta(days=1), None], dtype=pl.Duration("ns")),
        }
    )
    assert_identical(read.get_table("orders"), expected)
    assert_identical(read.get_table("empty"), pl.DataFrame(schema={"a": pl.Int64, "b": pl.String}))
    manager.derive_data("old data", "new data")
    assert_identical(open_manager().get_data("new data").get_table("orders"), expected)


def test_directories_of_raw_files_go_through_the_etl(open_manager, good):
    (good / "raw").mkdir()
    (good / "raw" / "things.2024.csv").write_text("id\n1\n")
    manager = open_manager(schemas=[Things])
    assert manager.startup_errors == []
    assert manager.get_data("raw").get_table("things").rows() == [(1,)]
    assert manager.get_data_keys() == ["a good one", "victim", "z good one", "raw"]


def test_reserved_names_are_left_alone_and_foreign_ones_are_a_warning(open_manager, good, caplog):
    for name in ("meta.json", "scenarios.json"):
        (good / name).write_text("not even JSON")
    for name in ("notes.txt", ".hidden", "x.JSON"):
        (good / name).write_text("foreign")
    (good / ".git").mkdir()
    os.mkfifo(good / "pipe.json")  # reading it would wait for ever
    with caplog.at_level(logging.WARNING, "algomancy_data"):
        manager = open_manager()
    assert manager.startup_errors == []
    assert manager.get_data_keys() == ["a good one", "victim", "z good one"]
    skipped = {record.getMessage().split("'")[1] for record in caplog.records}
    assert skipped == {"notes.txt", ".hidden", "x.JSON", ".git", "pipe.json"}
    assert (good / "meta.json").read_text() == "not even JSON"


@pytest.mark.parametrize("name", ["meta", "scenarios", "Meta"])
def test_a_dataset_may_have_a_reserved_name(open_manager, good, source, name):
    (good / "meta.json").write_text("theirs")
    open_manager().add_data_source(source(name))
    assert (good / "meta.json").read_text() == "theirs"
    assert not (good / "scenarios.json").exists()
    assert open_manager().get_data(name) is not None


def test_a_dataset_counts_for_more_than_raw_files_of_its_name(open_manager, good, caplog):
    (good / "victim").mkdir()
    (good / "victim" / "things.csv").write_text("id\n1\n")
    manager = open_manager(schemas=[Things])
    assert manager.get_data("victim").list_tables() == ["t"]
    assert "Skipped the raw files in 'victim'" in caplog.text


@pytest.mark.long
def test_thousands_of_datasets_start(open_manager, good, source):
    manager = open_manager()
    for number in range(100):
        manager.add_data_source(source(f"seed {number}"))
    for path in list(good.glob("seed*.json")):
        home = tables_of(good, path.stem)
        for copy in range(30):
            name = f"{path.stem} {copy}"
            new = good / PRIVATE / f"{name}.{home.name[-32:]}"
            os.link(home / "0.arrow", (new.mkdir(), new / "0.arrow")[1])
            shutil.copy(path, good / f"{name}.json")
            rewrite(good / f"{name}.json", f'"{path.stem}', f'"{name}')
    manager = open_manager()
    assert manager.startup_errors == []
    assert len(manager.get_data_keys()) == 3_103
    assert_identical(manager.get_data("seed 99 29").get_table("t"), source().get_table("t"))
    manager.derive_data("seed 99 29", "last")
    assert manager.get_data_keys()[-1] == "last"


# --- what is damaged ----------------------------------------------------------------------------


def rewrite(path, old, new):
    """Replace a text in a metadata file as somebody would who knows the format."""
    body, _, _ = path.read_text().replace(old, new).rpartition('  "crc32": ')
    path.write_bytes(signed(body.encode()))


def cut(path, to):
    path.write_bytes(path.read_bytes()[:to])


DAMAGES = {
    "metadata empty": lambda folder, home: cut(folder / "victim.json", 0),
    "metadata cut": lambda folder, home: cut(folder / "victim.json", 200),
    "metadata of zeros": lambda folder, home: (folder / "victim.json").write_bytes(bytes(500)),
    "metadata lacks": lambda folder, home: (folder / "victim.json").write_text(
        '{"format": "algomancy-data folder", "format_version": 1}'
    ),
    "metadata no text": lambda folder, home: (folder / "victim.json").write_bytes(b"\xff" * 99),
    "metadata elsewhere": lambda folder, home: rewrite(
        folder / "victim.json", '"directory": "', '"directory": "../'
    ),
    "metadata of a later dtype": lambda folder, home: rewrite(
        folder / "victim.json", '"Int64"', '"Int65"'
    ),
    "no file": lambda folder, home: (home / "0.arrow").unlink(),
    "no directory": lambda folder, home: shutil.rmtree(home),
    "table empty": lambda folder, home: cut(home / "0.arrow", 0),
    "table cut": lambda folder, home: cut(home / "0.arrow", 100),
    "table of zeros": lambda folder, home: (home / "0.arrow").write_bytes(
        bytes((home / "0.arrow").stat().st_size)
    ),
    "table a directory": lambda folder, home: (
        (home / "0.arrow").unlink(),
        (home / "0.arrow").mkdir(),
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_item_is_skipped_and_named(open_manager, good, caplog, damage):
    DAMAGES[damage](good, tables_of(good, "victim"))
    before = sorted(good.rglob("*"))
    manager = open_manager()
    assert list(errors_of(manager)) == ["victim.json"]
    assert "Skipped 'victim.json'" in caplog.text
    assert manager.get_data_keys() == ["a good one", "z good one"]
    assert "victim" not in manager._data
    assert sorted(good.rglob("*")) == before  # nothing that may be of use is cleared


def test_a_damaged_dataset_can_be_saved_again(open_manager, good, source):
    DAMAGES["table cut"](good, tables_of(good, "victim"))
    open_manager().add_data_source(source("victim"))
    manager = open_manager()
    assert manager.startup_errors == []
    assert manager.verify() == []


def flip(path, position):
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


def test_flipped_bytes_are_found_by_verify(open_manager, good, source):
    big = pl.DataFrame({"x": pl.int_range(5_000_000, eager=True)})
    open_manager().add_data_source(source("big", t=big, u=source().get_table("t")))
    home = tables_of(good, "big")
    flip(home / "0.arrow", 20 * 1024 * 1024)
    flip(home / "1.arrow", 500)
    manager = open_manager()
    assert manager.startup_errors == []
    first, second = manager.verify()
    assert (first.dataset, first.path) == ("big", str(home / "0.arrow"))
    assert first.problem == "the check sum of the bytes from 16777216 on is another one"
    assert second.path == str(home / "1.arrow")
    assert manager.verify("victim") == []
    with pytest.raises(StoreError, match=r"'big', table 't'.*0\.arrow' is damaged.*16777216"):
        open_manager(verify_on_load=True).get_data("big")
    assert open_manager(verify_on_load=True).get_data("victim") is not None


@pytest.mark.parametrize("position", range(0, 600, 7))
def test_a_flipped_byte_of_the_metadata_is_found_at_startup(open_manager, good, position):
    path = good / "victim.json"
    flip(path, position % path.stat().st_size)
    manager = open_manager()
    assert list(errors_of(manager)) == ["victim.json"]
    assert manager.get_data_keys() == ["a good one", "z good one"]


# --- what leads elsewhere, and what may not be read ---------------------------------------------


def test_links_that_leave_the_folder_are_refused(open_manager, good, source, tmp_path):
    outside = open_manager(path=tmp_path / "outside")
    outside.add_data_source(source("x"))
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "things.csv").write_text("id\n1\n")
    (good / "x.json").symlink_to(tmp_path / "outside" / "x.json")
    (good / "raw").symlink_to(tmp_path / "raw")
    (good / "inside").mkdir()
    (good / "inside" / "things.csv").symlink_to(tmp_path / "raw" / "things.csv")
    home = tables_of(good, "victim")
    (home / "0.arrow").rename(tmp_path / "0.arrow")
    (home / "0.arrow").symlink_to(tmp_path / "0.arrow")
    manager = open_manager(schemas=[Things])
    assert manager.get_data_keys() == ["a good one", "z good one"]
    assert sorted(errors_of(manager)) == ["inside", "raw", "victim.json", "x.json"]
    for name in ("raw", "x.json"):
        assert "link that leaves the folder" in errors_of(manager)[name]
    with pytest.raises(StoreError, match="link that leaves"):
        manager.get_data("x")


def test_a_link_in_the_place_of_the_tables_is_refused(open_manager, good, tmp_path):
    home = tables_of(good, "victim")
    home.rename(tmp_path / "moved")
    home.symlink_to(tmp_path / "moved")
    assert "is a link" in errors_of(open_manager())["victim.json"]


@contextmanager
def as_nobody():
    """Do without the rights of root, if the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def place():
    """A folder that every user can reach, which pytest's are not."""
    with tempfile.TemporaryDirectory() as path:
        Path(path).chmod(0o777)
        yield Path(path)


def test_what_may_not_be_read_is_an_error_of_its_own(open_manager, source, place):
    manager = open_manager(path=place)
    for name in ("good", "table", "metadata"):
        manager.add_data_source(source(name))
    (place / "raw").mkdir()
    (place / "raw").chmod(0)
    (place / "metadata.json").chmod(0)
    (tables_of(place, "table") / "0.arrow").chmod(0)
    with as_nobody():
        manager = open_manager(path=place)
        assert manager.get_data_keys() == ["good"]
        assert_identical(manager.get_data("good").get_table("t"), source().get_table("t"))
    errors = errors_of(manager)
    assert sorted(errors) == ["metadata.json", "raw", "table.json"]
    assert all("Permission denied" in error for error in errors.values())


def test_a_folder_that_may_only_be_read_is_read_and_refuses_changes(open_manager, source, place):
    open_manager(path=place).add_data_source(source())
    (place / PRIVATE / "d.left over").mkdir()
    before = sorted(place.rglob("*"))
    for path in [place, *place.rglob("*")]:
        path.chmod(stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH | (0o111 if path.is_dir() else 0))
    with as_nobody():
        manager = open_manager(path=place)
        assert manager.get_data("d").list_tables() == ["t"]
        for change in (
            lambda: manager.add_data_source(source()),
            lambda: manager.add_data_source(source("new")),
            lambda: manager.derive_data("d", "derived"),
            lambda: manager.delete_data("d"),
        ):
            with pytest.raises(StoreError, match=r"as it was before\. Check its permissions"):
                change()
            assert manager.get_data_keys() == ["d"]
    place.chmod(0o777)
    assert sorted(place.rglob("*")) == before


# --- directories of raw files that cannot be loaded ---------------------------------------------


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ([], "has no files"),
        ([".hidden"], "has '.hidden' in it"),
        (["sub/things.csv"], "has 'sub' in it"),
        (["unknown.csv"], "unknown"),
        (["meta.json"], "meta"),
        (["things.csv"], "ETL of the directory 'raw' failed"),
    ],
)
def test_a_directory_that_the_etl_cannot_load_is_named(open_manager, good, files, problem):
    (good / "raw").mkdir()
    for name in files:
        path = good / "raw" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    manager = open_manager(schemas=[Things])
    assert problem in errors_of(manager)["raw"]
    assert manager.get_data_keys() == ["a good one", "victim", "z good one"]


def test_two_files_of_one_name_are_one_dataset_and_one_error(open_manager, good, source):
    (good / "second.json").write_text(source("victim").to_json())
    shutil.copy(good / "victim.json", good / "third.json")
    manager = open_manager()
    (name, error), (other, _) = manager.startup_errors
    assert {Path(name).name, Path(other).name} == {"third.json", "victim.json"}
    assert isinstance(error, DatasetExistsError)
    assert manager.get_data_keys().count("victim") == 1


def test_a_second_startup_begins_anew(open_manager, good):
    manager = open_manager()
    DAMAGES["table cut"](good, tables_of(good, "victim"))
    manager.startup()
    assert len(manager.startup_errors) == 1
    shutil.rmtree(tables_of(good, "victim"))
    (good / "victim.json").unlink()
    manager.startup()
    assert manager.startup_errors == []
    assert manager.get_data_keys() == ["a good one", "z good one"]


def test_startup_does_not_import_what_only_reading_needs(good, start):
    code = (
        "import sys; from algomancy_data import *\n"
        "manager = StatefulDataManager(SimpleETLFactory, [], sys.argv[1], 'json', DataSource)\n"
        "manager.startup(); assert len(manager.get_data_keys()) == 3\n"
        "print('ready' if 'pyarrow' not in sys.modules else 'imported', flush=True)\n"
    )
    assert start(code, good).wait(30) == 0
