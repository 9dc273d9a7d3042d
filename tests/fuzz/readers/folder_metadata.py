"""The metadata file of a dataset in a folder, as it is and with a check sum that fits."""

import shutil
from pathlib import Path
from tempfile import mkdtemp

import polars as pl
from structures import change_json

from algomancy_data import DataSource, SimpleETLFactory, StatefulDataManager
from algomancy_data.errors import AlgomancyDataError
from algomancy_data.folder.manifest import signed
from algomancy_data.messages import ValidationMessage, ValidationSeverity
from algomancy_data.testing.comparison import assert_identical

TABLE = pl.DataFrame({"x": [1, None], "l": [["a"], None]})
ROOT = Path(mkdtemp(prefix="fuzz-folder-"))
SIGNATURE = b'  "crc32": '
CHANGES = (change_json,)


def open_folder(root=ROOT):
    manager = StatefulDataManager(SimpleETLFactory, [], root, "json", DataSource)
    manager.startup()
    return manager


def dataset(name):
    source = DataSource("master_data", name=name)
    source.add_table("t", TABLE)
    source.validation_messages = [ValidationMessage(ValidationSeverity.ERROR, "bad", "t", "x", 1)]
    return source


def seeds():
    for name in ("d", "other"):
        open_folder().add_data_source(dataset(name))
    return [(ROOT / "d.json").read_bytes()]


def read(data, home):
    refusals = []
    root = home / "folder"
    for content in (data, signed(data[: data.rfind(SIGNATURE)])):
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(ROOT, root)
        (root / "d.json").write_bytes(content)
        manager = open_folder(root)
        manager.verify()
        manager.describe_all()
        try:
            manager.get_data("d")
        except AlgomancyDataError as error:
            refusals.append(error)
        assert_identical(manager.get_data("other").get_table("t"), TABLE)
        manager.add_data_source(dataset("d"))
        assert_identical(open_folder(root).get_data("d").get_table("t"), TABLE)
    for error in refusals:
        raise error
