"""What a run gives its scenarios: time, chance, folders, stores and processes."""

from __future__ import annotations

import contextlib
import random
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.soak.fork_server import ForkServer
from tests.soak.servers import Server

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

STORES = ("folder", "SQLite", "PostgreSQL")


@dataclass(frozen=True)
class Setting:
    """What a scenario is given.

    Args:
        home: A folder of its own.
        seconds: How long it should take.
        seed: Decides all that is left to chance.
    """

    home: Path
    seconds: float
    seed: int

    def at(self, home: Path, seconds: float) -> Setting:
        """Return a part of the setting: elsewhere, and shorter."""
        return Setting(home, seconds, self.seed)

    def chance(self, *more: object) -> random.Random:
        """Return a generator of its own for each part of a scenario."""
        return random.Random(f"{self.seed} {more}")  # noqa: S311  no secrets

    def folder(self, name: str) -> Path:
        """Return a folder of that name, which is made if it is not there."""
        path = self.home / name
        path.mkdir(exist_ok=True)
        return path

    @contextmanager
    def store(self, kind: str) -> Generator[str]:
        """Make an empty store, and give its address."""
        match kind:
            case "folder":
                yield str(self.home / "folder")
            case "SQLite":
                yield f"sqlite:///{self.home / 'data.db'}"
            case _:
                with self.server() as server:
                    yield server.url

    @contextmanager
    def server(self, *settings: str) -> Generator[Server]:
        """Start a server; it is gone afterwards."""
        home = Path(tempfile.mkdtemp(prefix="pg-", dir=self.home))
        home.chmod(0o755)
        server = Server(home, settings)
        try:
            yield server
        finally:
            with contextlib.suppress(RuntimeError):  # it may be down
                server.stop("immediate")

    def forks(self, environment: Mapping[str, str] | None = None) -> ForkServer:
        """Start a process that forks those that work."""
        return ForkServer(self.home / "said", environment)


@contextmanager
def home_of(name: str) -> Generator[Path]:
    """Make a folder with a short path, which other users may look into; it is gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix=f"soak-{name}-", dir="/tmp"))
    home.chmod(0o755)
    try:
        yield home
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(home)
