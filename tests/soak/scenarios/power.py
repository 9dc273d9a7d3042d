"""A power failure at any call of any operation: whatever it leaves is old or new, and opens."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.power.recording import preloaded
from tests.power.trial import PowerTrial, home_in_memory
from tests.soak.model import State, draw
from tests.soak.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from random import Random

    from tests.soak.fork_server import ForkServer
    from tests.soak.model import Operation
    from tests.soak.run import Setting

_STORES = ("folder", "SQLite")
_STATES_A_CALL = 8
_MOMENTS = 40


def power(setting: Setting) -> Iterator[Outcome]:
    """Record what operations ask of a disk; try what a power failure may leave of it."""
    with home_in_memory() as home, setting.forks(preloaded(home)) as forks:
        for store in _STORES:
            until = time.monotonic() + setting.seconds / len(_STORES)
            yield _fail(forks, home / store, store, setting.chance(store), until)


def _fail(forks: ForkServer, home: Path, store: str, chance: Random, until: float) -> Outcome:
    outcome = Outcome("power fails at any call", store)
    trial = PowerTrial(forks, home, store, chance.getrandbits(32), _STATES_A_CALL, _MOMENTS)
    began, version = time.monotonic(), 0

    def drawn(state: State) -> Operation:
        nonlocal version
        version += 1
        outcome.operations += 1
        return draw(chance, state, version, in_turn=store == "folder")

    while time.monotonic() < until and not trial.problems:
        match chance.choice(("do", "do", "open after a kill", "do after a kill")):
            case "do":
                trial.do(drawn(trial.state))
            case "open after a kill":
                trial.do_after_kills(drawn(trial.state), lambda _: None, _once(chance))
            case _:
                trial.do_after_kills(drawn(trial.state), drawn, _once(chance))
    outcome.seconds = time.monotonic() - began
    outcome.faults = trial.tried
    outcome.problems = trial.problems
    outcome.lost = sum(": lost: " in one for one in trial.problems)
    outcome.torn = len(trial.problems) - outcome.lost
    outcome.notes.append(f"States after {trial.calls:,} calls.")
    return outcome


def _once(chance: Random) -> Callable[[int], list[int]]:
    return lambda calls: [chance.randint(1, calls)]
