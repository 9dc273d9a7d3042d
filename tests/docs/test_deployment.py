"""The examples of a deployment work: their programs, as local processes, load an inbox."""

from __future__ import annotations

import configparser
import os
import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
import yaml

pytestmark = pytest.mark.long

DEPLOY = Path(__file__).parents[2] / "docs" / "deploy"
SCHEMAS = """from algomancy_data import Column, DataType, Schema

class Sales(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "sales", "csv", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)
"""


def kubernetes():
    """Return the commands of scheduler, worker and nightly job, with their environments."""
    found = {}
    for document in yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()):
        spec = document.get("spec", {})
        template = spec.get("jobTemplate", {}).get("spec", spec).get("template")
        for container in [] if template is None else template["spec"]["containers"]:
            environment = {entry["name"]: entry["value"] for entry in container.get("env", [])}
            found[container["name"]] = container["command"], environment
    return found


def systemd():
    """Return the same of the units."""
    found = {}
    for path in (DEPLOY / "systemd").glob("*.service"):
        unit = configparser.RawConfigParser(strict=False)
        unit.optionxform = str
        unit.read_string(path.read_text())
        given = unit["Service"].get("Environment", "").split()
        name = path.stem.removeprefix("algomancy-").removesuffix("@")
        command = shlex.split(unit["Service"]["ExecStart"])
        found[name] = command, dict(entry.split("=", 1) for entry in given)
    return found


def plain(programs):
    """Return programs without what each machine has at a place of its own."""
    return {
        name: (
            [Path(command[0]).name, *(word.replace("/srv/sales", "") for word in command[1:])],
            {key: value for key, value in environment.items() if key != "PYTHONPATH"},
        )
        for name, (command, environment) in programs.items()
    }


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture
def place(tmp_path):
    """A folder with the schemas and an inbox of three datasets."""
    (tmp_path / "schemas.py").write_text(SCHEMAS)
    for name in ("delft", "leiden", "gouda"):
        folder = tmp_path / "inbox" / name
        folder.mkdir(parents=True)
        (folder / "sales.csv").write_text("id\n1\n2\n")
    return tmp_path


def test_a_night_of_both_examples_loads_each_delivery_once(place, empty_postgresql):
    programs = plain(kubernetes())
    assert programs == plain(systemd())
    assert programs.keys() == {"scheduler", "worker", "nightly"}
    port = free_port()
    common = os.environ | {"ALGOMANCY_STORE": empty_postgresql, "PYTHONPATH": str(place)}

    def start(name, **settings):
        command, environment = programs[name]
        command = [
            word.replace("scheduler:8786", f"127.0.0.1:{port}").replace(
                "/inbox", str(place / "inbox")
            )
            for word in command
        ]
        command = [str(port) if word == "8786" else word for word in command]
        program = Path(sys.executable).with_name(command[0])
        if name == "scheduler":
            command += ["--host", "127.0.0.1"]
        return subprocess.Popen(
            [program, *command[1:]], env=common | environment, cwd=place, text=True, **settings
        )

    with (place / "dask").open("w") as said:
        servers = [start(name, stderr=said) for name in ("scheduler", "worker", "worker")]
        try:
            deadline = time.monotonic() + 60
            while "127.0.0.1" not in (place / "dask").read_text():
                assert time.monotonic() < deadline
                time.sleep(0.1)
            for counts in ("3 done", "3 skipped"):
                nightly = start("nightly", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                printed, errors = nightly.communicate(timeout=180)
                assert (nightly.returncode, errors and printed.partition(";")[0]) == (
                    0,
                    f"3 jobs: {counts}",
                ), printed + errors
        finally:
            for server in servers:
                server.terminate()
            for server in servers:
                server.wait(60)
    with psycopg.connect(empty_postgresql) as connection:
        history = "SELECT dataset, outcome FROM algomancy_jobs ORDER BY 1"
        attempts = connection.execute(history).fetchall()
        loaded = connection.execute('SELECT count(*) FROM "ds__default__delft__sales"').fetchone()
    assert attempts == [("delft", "done"), ("gouda", "done"), ("leiden", "done")]
    assert loaded == (2,)
