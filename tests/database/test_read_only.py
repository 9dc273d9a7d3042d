"""A database that nobody can write is read all the same."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl
import pytest

# Root may write everywhere, so whoever reads is somebody else.
READ = """
import io, json, logging, os, sys
import algomancy_data.database, algomancy_data.database.sqlite.dialect, sqlalchemy.sql.functions
from algomancy_data import DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager

logger = logging.getLogger("algomancy_data")
DatabaseDataManager(SimpleETLFactory, [], "sqlite://", "s", DataSource).startup()  # imports all
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)

def use(path):
    log = io.StringIO()
    logger.addHandler(handler := logging.StreamHandler(log))
    manager = DatabaseDataManager(SimpleETLFactory, [], f"sqlite:///{path}", "s", DataSource)
    manager.startup()
    said = {"keys": manager.get_data_keys()}
    said["rows"] = {key: manager.get_data(key).get_table("t").height for key in said["keys"]}
    said["query"] = manager.query("SELECT count(*) AS n FROM t", ["d"]).item()
    said["jobs"] = len(manager.store.history.attempts())
    said["damage"] = [str(damage) for damage in manager.verify()]
    said["refused"] = []
    source = DataSource("master_data", name="new")
    source.add_table("t", {"x": [1]})
    for call in (
        lambda: manager.add_data_source(source),
        lambda: manager.delete_data("d"),
        lambda: manager.derive_data("d", "e"),
    ):
        try:
            call()
        except Exception as error:
            said["refused"].append(f"{type(error).__name__}: {error}")
    manager.close()
    logger.removeHandler(handler)
    return said | {"log": log.getvalue()}

print(json.dumps([use(path) for path in sys.argv[1:]]))
"""


@pytest.fixture
def stored(new_manager, dataset, path):
    """A file with two datasets, the second of which is in its log only, in a folder of its own."""
    manager = new_manager()
    manager.add_data_source(dataset("d", tables={"t": pl.DataFrame({"x": range(10)})}))
    with manager.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql("DROP TABLE algomancy_jobs")  # an earlier version had none
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    manager.add_data_source(dataset("late", tables={"t": pl.DataFrame({"x": range(20)})}))

    media = []

    def copy(name, *endings):
        folder = Path(tempfile.mkdtemp())  # not below pytest's, into which only its user may look
        media.append(folder)
        for ending in endings:
            shutil.copy(f"{path}{ending}", folder / f"{name}{ending}")
        for file in folder.iterdir():
            file.chmod(0o444)
        folder.chmod(0o555)
        return folder / name

    yield copy
    for folder in media:
        folder.chmod(0o755)
        shutil.rmtree(folder)


# Which files there are: the file itself, its log, and the index of that.
CASES = [
    (("",), ["d"], True),
    (("", "-wal"), ["d", "late"], True),
    (("", "-wal", "-shm"), ["d", "late"], False),
]


def test_a_file_in_a_folder_that_nobody_writes_is_read(stored):
    paths = [stored("a b#%.db", *endings) for endings, *_ in CASES]
    done = subprocess.run(
        [sys.executable, "-c", READ, *map(str, paths)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    for path, said, case in zip(paths, json.loads(done.stdout), CASES, strict=True):
        endings, keys, is_lockless = case
        assert said["keys"] == keys, case
        assert said["rows"] == ({"d": 10, "late": 20} if len(keys) > 1 else {"d": 10})
        assert said["query"] == 10
        assert said["damage"] == []
        assert said["jobs"] == 0
        assert len(said["refused"]) == 3
        assert all("Check the permissions" in line for line in said["refused"]), said["refused"]
        assert ("without locks" in said["log"]) == is_lockless, case
        assert {file.name for file in path.parent.iterdir()} == {path.name + end for end in endings}
