"""A forked process is refused at once, and does no harm to its parent."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

# Imports everything once, and forks for each line of its input before Polars has threads. What each
# child does is told by its lines in a file; the parent comes last.
FORKS = """
import gc, json, os, sys, warnings
from algomancy_data import DataSource, SimpleETLFactory, StatefulDataManager, StatelessDataManager
from algomancy_data.database import DatabaseDataManager
import algomancy_data.database.sqlite, algomancy_data.database.postgresql

warnings.simplefilter("ignore")
gc.freeze()  # no child looks through what is there already

def fork_after_use(kind, place):
    arguments = {
        "memory": (StatelessDataManager, (SimpleETLFactory, [], "json", DataSource)),
        "folder": (StatefulDataManager, (SimpleETLFactory, [], place, "json", DataSource)),
        "database": (DatabaseDataManager, (SimpleETLFactory, [], place, "s", DataSource)),
    }
    cls, given = arguments[kind]
    manager = cls(*given)
    manager.startup()
    source = DataSource("master_data", name="d")
    source.add_table("t", {"x": list(range(1000))})
    manager.add_data_source(source)
    held = manager.engine.connect() if kind == "database" else None
    calls = [
        manager.get_data_keys,
        lambda: manager.get_data("d"),
        lambda: manager.add_data_source(source),
        lambda: manager.etl_data({}, "e"),
        lambda: manager.derive_data("d", "e"),
        lambda: manager.delete_data("d"),
        lambda: manager.startup() if kind != "memory" else manager.get_data("d"),
        lambda: cls(*given).startup(),
    ]
    if held is not None:
        calls += [lambda: manager.engine.connect(), lambda: held.exec_driver_sql("SELECT 1")]

    def child():
        for call in calls:
            try:
                call()
            except Exception as error:
                print("refused" if "spawn" in str(error) else repr(error))
            else:
                print("worked")
        if held is not None:
            manager.close()
        sys.stdout.flush()

    for _ in range(2):
        process = os.fork()
        if not process:
            child()
            del held, calls, manager
            gc.collect()
            sys.exit(0)
        assert os.waitpid(process, 0)[1] == 0
    if held is not None:
        assert held.exec_driver_sql("SELECT 1").scalar() == 1
        held.close()
    manager.refresh()
    assert manager.get_data("d").get_table("t").height == 1000
    manager.add_data_source(source)
    print("parent", manager.get_data_keys(), flush=True)

for line in sys.stdin:
    kind, place, said = json.loads(line)
    process = os.fork()
    if not process:
        os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT), 1)
        os.dup2(1, 2)
        fork_after_use(kind, place)
        sys.exit(0)
    print(os.waitpid(process, 0)[1], flush=True)
"""


@pytest.fixture(scope="module")
def fork_after_use(tmp_path_factory):
    """Let a process use a store, fork, and use it again; return its end and all that was said."""
    said = tmp_path_factory.mktemp("forks") / "said"
    with subprocess.Popen(
        [sys.executable, "-c", FORKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:

        def run(kind, place):
            said.unlink(missing_ok=True)
            server.stdin.write(json.dumps([kind, place, str(said)]) + "\n")
            server.stdin.flush()
            return int(server.stdout.readline()), said.read_text().splitlines()

        yield run
        server.stdin.close()


@pytest.mark.parametrize("store", ["memory", "folder", "sqlite", "sqlite in memory", "postgresql"])
def test_a_fork_refuses_every_use_and_leaves_its_parent_alone(
    store, tmp_path, request, fork_after_use
):
    place = {
        "memory": lambda: "",
        "folder": lambda: str(tmp_path),
        "sqlite": lambda: f"sqlite:///{tmp_path / 'data.db'}",
        "sqlite in memory": lambda: "sqlite://",
        "postgresql": lambda: request.getfixturevalue("empty_postgresql"),
    }[store]()
    kind = store if store in {"memory", "folder"} else "database"
    code, (*children, parent) = fork_after_use(kind, place)
    assert code == 0, (children, parent)
    calls = 8 if kind != "database" else 10
    assert children == ["refused"] * calls * 2
    assert parent == "parent ['d']"


def test_a_process_that_only_imported_the_package_may_be_forked(tmp_path):
    script = """
import json, os, sys
from algomancy_data import DataSource, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager
process = os.fork()
if not process:
    manager = DatabaseDataManager(SimpleETLFactory, [], sys.argv[1], "s", DataSource)
    manager.startup()
    source = DataSource("master_data", name="d")
    source.add_table("t", {"x": [1, 2]})
    manager.add_data_source(source)
    manager.refresh()
    print(json.dumps(manager.get_data("d").get_table("t")["x"].to_list()), flush=True)
    manager.close()
    os._exit(0)
sys.exit(os.waitpid(process, 0)[1])
"""
    done = subprocess.run(
        [sys.executable, "-c", script, f"sqlite:///{tmp_path / 'data.db'}"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == [1, 2]
