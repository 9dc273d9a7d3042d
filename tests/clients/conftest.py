"""The framework's packages as they are on PyPI, in processes of their own.

They are data of the tests: pip fetches the pinned wheels, checks their SHA-256 and unpacks them
into pytest's cache, once.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
_numbers = count()


def unpacked(requirements: Path, cache: Path) -> Path:
    """Return the folder with the pinned packages, which are fetched if it is not there yet."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:16]
    folder = cache / f"{requirements.stem}-{version}-{digest}"
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # pytest-xdist runs several of us
        if not folder.exists():
            half = folder.with_suffix(".half")
            shutil.rmtree(half, ignore_errors=True)
            install(requirements, half)
            half.rename(folder)
    return folder


def install(requirements: Path, folder: Path):
    options = ["--no-deps", "--no-compile", "--only-binary", ":all:", "--require-hashes"]
    # They ask for Python 3.14; driver/loading.py says why less does.
    options += ["--ignore-requires-python", "--disable-pip-version-check", "--quiet"]
    run = [sys.executable, "-m", "pip", "install", *options, "--target", str(folder)]
    done = subprocess.run(
        [*run, "-r", str(requirements)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.fail(
            f"The packages in {requirements.name} could not be fetched. These tests run the "
            f"framework's own packages and need the package index once:\n{done.stderr}",
            pytrace=False,
        )


class Side:
    """A package `algomancy_data` with the clients around it."""

    def __init__(self, path: list[Path], folder: Path):
        self.path = [str(each) for each in path]
        self.folder = folder

    def start(self, *parts: tuple[str, dict[str, Any]]) -> Callable[[], Any]:
        """Run parts of the driver in a process; return what waits for their results."""
        number = next(_numbers)
        out, log = (self.folder / f"{number}.{suffix}" for suffix in ("json", "log"))
        order = {"path": self.path, "parts": parts, "out": str(out)}
        with log.open("w") as stream:
            process = subprocess.Popen(
                [sys.executable, str(HERE / "driver" / "run.py"), json.dumps(order)],
                stdout=stream,
                stderr=stream,
                cwd=self.folder,
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""},
            )

        def results() -> Any:
            assert process.wait(timeout=300) == 0, log.read_text()[-3000:]
            return json.loads(out.read_text())

        return results

    def run(self, *parts: tuple[str, dict[str, Any]]) -> Any:
        """Run parts of the driver; return their results."""
        return self.start(*parts)()


@pytest.fixture(scope="session")
def packages(pytestconfig: pytest.Config) -> dict[str, Path]:
    """Return the folders of the clients and of the pandas package."""
    assert pytestconfig.cache is not None
    cache = Path(pytestconfig.cache.mkdir("clients"))
    return {path.stem: unpacked(path, cache) for path in HERE.glob("*.txt")}


@pytest.fixture(scope="session")
def ours(packages: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Side:
    """The clients on this package."""
    clients = packages["clients"]
    # Placeholders alone: the package around them imports a GUI.
    return Side([clients, clients / "algomancy_content"], tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="session")
def reference(packages: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Side:
    """The clients on the pandas package, with the version of pandas that it was made for."""
    clients = packages["clients"]
    path = [packages["reference"], clients, clients / "algomancy_content"]
    return Side(path, tmp_path_factory.mktemp("reference"))


@pytest.fixture(scope="session")
def new_postgresql(postgresql: str) -> Callable[[str], str]:
    """Make an empty database; return its URL for a driver."""
    server = sa.make_url(postgresql)

    def make(driver: str) -> str:
        name = f"clients_{os.getpid()}_{next(_numbers)}"
        engine = sa.create_engine(
            server.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
        )
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        engine.dispose()
        url = server.set(drivername=f"postgresql+{driver}", database=name)
        return url.render_as_string(hide_password=False)

    return make


def record(
    ours: Side, reference: Side, new_postgresql: Callable[[str], str]
) -> dict[str, dict[str, Any]]:
    """Run the clients on every store, on both packages at once."""
    waiting = []
    for side, drivers in ((ours, ("pysqlite", "adbc", "psycopg")), (reference, ("pysqlite",))):
        parts: list[tuple[str, dict[str, Any]]] = []
        for part, data_folder in (("web", "data_path"), ("facade", "data_folder")):
            home = side.folder / part
            (home / "folder").mkdir(parents=True)
            stores = {
                "stateless": {},
                "folder": {"has_persistent_state": True, data_folder: str(home / "folder")},
                "sqlite": {"database_url": f"sqlite+pysqlite:///{home / 'data.db'}"},
                "postgresql": {"database_url": new_postgresql("psycopg")},
            }
            if "adbc" in drivers:
                stores["sqlite+adbc"] = {"database_url": f"sqlite+adbc:///{home / 'adbc.db'}"}
                stores["postgresql+adbc"] = {"database_url": new_postgresql("adbc")}
            for name, settings in stores.items():
                if part == "web" and "database_url" in settings:
                    settings["persistence_backend"] = "database"
                parts.append((part, {"name": name, "settings": settings}))
        waiting.append(side.start(*parts))
    our_results, their_results = (results() for results in waiting)
    return {"ours": our_results, "reference": their_results}


@pytest.fixture(scope="session")
def recordings(
    ours: Side,
    reference: Side,
    new_postgresql: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, dict[str, Any]]:
    """What the clients do on every store, on both packages: part, store, step, what came of it."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent  # one recording does for all workers
    file = root / "recordings.json"
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            found = record(ours, reference, new_postgresql)
            file.write_text(json.dumps(found), encoding="utf-8")
    return json.loads(file.read_text(encoding="utf-8"))
