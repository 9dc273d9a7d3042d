"""SIGKILL at any moment of any operation; a process that looks afterwards finds old or new."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from soak.lane import Lane
from soak.run import STORES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from soak.outcome import Outcome
    from soak.run import Setting
    from soak.warm import Forked

_LONGEST_LIFE = 60.0


def kills(setting: Setting) -> Iterator[Outcome]:
    """Kill workers on each store that is kept on a disk."""
    with setting.warm() as warm:
        for store in STORES:
            with setting.store(store) as address:
                files = setting.folder("files")
                lane = Lane(setting, warm, "SIGKILL at any moment", store, address, files)
                _kill(lane, time.monotonic() + setting.seconds / len(STORES))
                yield lane.outcome


def _kill(lane: Lane, until: float) -> None:
    while time.monotonic() < until and lane.outcome.is_good:
        code = lane.turn("work", lambda worker: _end(worker, lane))
        if code == -signal.SIGKILL:
            lane.outcome.faults += 1
        else:
            lane.outcome.problems.append(f"a worker ended by itself, with {code}")


def _end(worker: Forked, lane: Lane) -> None:
    """Kill a worker when some operations are done and another is on its way, or not even that.

    An operation takes as long as the machine lets it: it is hit anywhere between its beginning and
    half as much again as it usually takes.
    """
    begun = lane.chance.choice((0, 1, 1, 2, 3))
    until = time.monotonic() + _LONGEST_LIFE
    while worker.count("begun") < begun and time.monotonic() < until:
        time.sleep(0.002)
    usual = lane.outcome.seconds / max(lane.outcome.operations, 5)
    time.sleep(lane.chance.uniform(0, 1.5 * usual))
    worker.kill()
