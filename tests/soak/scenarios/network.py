"""A network between writers and a PostgreSQL server that delays, swallows and cuts."""

from __future__ import annotations

import subprocess
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

from tests.soak.proxy import Proxy, Weather
from tests.soak.trial import Trial

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from random import Random

    from tests.soak.fork_server import ForkedProcess
    from tests.soak.outcome import Outcome
    from tests.soak.run import Setting

_ROUND = 20.0
_TIMEOUT = 2
# Three times the timeout passes until a server that does not answer is asked, once more until it
# is given up. A batch tries twice, after a pause of up to 20 seconds, and notes what became of it.
LIMIT = 100.0
_TRY_AGAIN = 3


def network(setting: Setting) -> Iterator[Outcome]:
    """Let the weather change under writers; ask the command what it makes of a silent server."""
    with setting.server() as server, setting.forks() as forks:
        with Proxy(server.socket, setting.seed) as proxy:
            host = f"127.0.0.1:{proxy.port}/postgres?connect_timeout={_TIMEOUT}"
            address = f"postgresql://postgres:@{host}&gssencmode=disable&sslmode=disable"
            files = setting.folder("files")
            trial = Trial(setting, forks, "network slow, silent, cut", "PostgreSQL", address, files)
            until = time.monotonic() + setting.seconds
            while time.monotonic() < until and trial.outcome.is_good:
                stop = setting.home / "stop"
                stop.unlink(missing_ok=True)
                end = min(until, time.monotonic() + _ROUND)
                live = partial(_change, proxy, trial.chance, trial.outcome, end, stop)
                code = trial.turn("work", live, stop=str(stop), survives=True)
                if code != 0:
                    trial.outcome.problems.append(f"a writer ended with {code}")
            _ask_command(proxy, address, trial.outcome)
        if trial.outcome.longest > LIMIT:
            trial.outcome.problems.append(f"a call waited for {trial.outcome.longest:.0f} s")
        yield trial.outcome


def _change(
    proxy: Proxy, chance: Random, outcome: Outcome, until: float, stop: Path, worker: ForkedProcess
) -> None:
    """Let the weather be bad for a moment, again and again; silent until the writer notices."""
    while time.monotonic() < until:
        proxy.let(Weather.FAIR)
        time.sleep(chance.uniform(0.5, 2.5))
        weather = chance.choice((Weather.SLOW, Weather.LOST, Weather.CUT, Weather.CUT))
        failed = worker.count("failed")
        proxy.let(weather)
        outcome.faults += 1
        time.sleep(chance.uniform(0.1, 1.0))
        while weather is Weather.LOST and worker.count("failed") == failed:
            time.sleep(0.1)
            if time.monotonic() > until + LIMIT:
                break
    proxy.let(Weather.FAIR)
    stop.touch()


def _ask_command(proxy: Proxy, address: str, outcome: Outcome) -> None:
    """See that the command ends with the exit code that says: try again."""
    proxy.let(Weather.LOST)
    began = time.monotonic()
    command = [sys.executable, "-m", "algomancy_data", "ls", "--store", address, "--session", "s"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT)
    outcome.waited(time.monotonic() - began)
    outcome.notes.append(f"`algomancy-data ls` ended with {done.returncode}: {done.stderr.strip()}")
    if done.returncode != _TRY_AGAIN:
        outcome.problems.append(f"`algomancy-data ls` ended with {done.returncode}")
    proxy.let(Weather.FAIR)
