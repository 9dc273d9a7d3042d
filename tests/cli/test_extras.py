"""What is not installed is said at once, with what installs it."""

from __future__ import annotations

import json
import subprocess
import sys

# An environment without packages: the finder of installed ones does not find them.
WITHOUT = """
import json, sys
from importlib.machinery import PathFinder

MISSING = {"sqlalchemy", "adbc_driver_manager", "great_tables", "tenacity", "distributed",
           "fastexcel", "fsspec", "s3fs"}

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        missing = name.partition(".")[0] in MISSING
        return None if missing else super().find_spec(name, path, target)

sys.meta_path = [Without if finder is PathFinder else finder for finder in sys.meta_path]
from algomancy_data.cli.app import run
for arguments in json.loads(sys.argv[1]):
    print(run(arguments), flush=True)
"""


def test_what_is_not_installed_is_said_before_any_work(files, tmp_path, environment):
    del files
    (tmp_path / "sheet.xlsx").write_bytes(b"PK")
    schemas = ["--schemas", "schemas.py"]
    data = ["orders.csv", "customers.csv", *schemas]
    commands = {
        ("check", *data, "--report", "page.html"): "report",
        ("load", "shop", *data, "-s", "sqlite:///shop.db"): "database",
        ("ls", "-s", "sqlite:///shop.db"): "database",
        ("bench", "--rows", "10"): "database",
        ("batch", ".", *schemas, "-s", "folder"): "batch",
        ("batch", ".", *schemas, "-s", "folder", "--dask", "tcp://127.0.0.1:1"): "dask",
        ("load", "shop", *data, "-s", "folder", "--dask", "tcp://127.0.0.1:1"): "dask",
        ("infer", "orders.csv", "sheet.xlsx"): "xlsx",
        ("infer", "orders.csv", "http://127.0.0.1:1/x.csv"): "remote",
        ("check", "orders=s3://bucket/x.csv", *schemas): "remote",
    }
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, json.dumps([*commands])],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env=environment,
    )
    assert done.stdout.split() == ["2"] * len(commands), done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("error")]
    assert [line.rpartition("Run: ")[2] for line in said] == [
        f"pip install 'algomancy-data[{extra}]'" for extra in commands.values()
    ]
    assert not (tmp_path / "folder").exists()
