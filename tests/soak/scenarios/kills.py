"""SIGKILL at any moment of any operation; a process that looks afterwards finds old or new."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from tests.soak.run import STORES
from tests.soak.trial import Trial

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.soak.fork_server import ForkedProcess
    from tests.soak.outcome import Outcome
    from tests.soak.run import Setting

_LONGEST_LIFE = 60.0


def kills(setting: Setting) -> Iterator[Outcome]:
    """Kill workers on each store that is kept on a disk."""
    with setting.forks() as forks:
        for store in STORES:
            with setting.store(store) as address:
                files = setting.folder("files")
                trial = Trial(setting, forks, "SIGKILL at any moment", store, address, files)
                _kill(trial, time.monotonic() + setting.seconds / len(STORES))
                yield trial.outcome


def _kill(trial: Trial, until: float) -> None:
    while time.monotonic() < until and trial.outcome.is_good:
        code = trial.turn("work", lambda worker: _end(worker, trial))
        if code == -signal.SIGKILL:
            trial.outcome.faults += 1
        else:
            trial.outcome.problems.append(f"a worker ended by itself, with {code}")


def _end(worker: ForkedProcess, trial: Trial) -> None:
    """Kill a worker when some operations are done and another is on its way, or not even that.

    An operation takes as long as the machine lets it: it is hit anywhere between its beginning and
    half as much again as it usually takes.
    """
    begun = trial.chance.choice((0, 1, 1, 2, 3))
    until = time.monotonic() + _LONGEST_LIFE
    while worker.count("begun") < begun and time.monotonic() < until:
        time.sleep(0.002)
    usual = trial.outcome.seconds / max(trial.outcome.operations, 5)
    time.sleep(trial.chance.uniform(0, 1.5 * usual))
    worker.kill()
