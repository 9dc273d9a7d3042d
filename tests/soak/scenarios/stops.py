"""A PostgreSQL server that is stopped at once while several processes write, and started again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.soak.outcome import Outcome
from tests.soak.trial import followed, inspect, possible_after

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from tests.soak.fork_server import ForkedProcess
    from tests.soak.model import State
    from tests.soak.run import Setting
    from tests.soak.servers import Server

_WRITERS = 3
_STOPS_A_ROUND = 8
_PATIENCE = 180.0


def stops(setting: Setting) -> Iterator[Outcome]:
    """Stop the server, kill it, kill the processes that serve connections."""
    outcome = Outcome("server stopped at once", "PostgreSQL")
    chance = setting.chance("stops")
    states: list[State] = [{} for _ in range(_WRITERS)]
    with setting.server() as server, setting.forks() as forks:
        version, until = 1, time.monotonic() + setting.seconds
        while time.monotonic() < until and outcome.is_good:
            stop = setting.home / f"stop {version}"
            writers = [
                forks.start(
                    "work",
                    address=server.url,
                    session=f"s{number}",
                    place=str(setting.folder(f"files {number}")),
                    state=state,
                    seed=chance.getrandbits(32),
                    version=version,
                    stop=str(stop),
                    survives=True,
                )
                for number, state in enumerate(states)
            ]
            began = time.monotonic()
            for _ in range(_STOPS_A_ROUND):
                _hit(server, chance)
                outcome.faults += 1
                if time.monotonic() > until:
                    break
            stop.touch()
            _wait(writers, outcome)
            outcome.seconds += time.monotonic() - began
            for number, writer in enumerate(writers):
                acknowledged, last = followed(states[number], writer.said(), outcome)
                writer.forget()
                possible = [*acknowledged[:-1], *possible_after(acknowledged[-1], last)]
                store = {"address": server.url, "session": f"s{number}", "states": possible}
                when = f"writer {number}, at last"
                found = inspect(
                    forks, outcome, when, {**store, "last": last}, len(acknowledged) - 1
                )
                states[number] = possible[-1 if found is None else found]
            version += 10_000
    yield outcome


def _hit(server: Server, chance: Random) -> None:
    """Let the writers write for a moment, and end the server in some way."""
    time.sleep(chance.uniform(0.2, 1.2))
    match chance.choice(("stop", "kill", "sessions")):
        case "stop":
            server.stop("immediate")
        case "kill":
            server.kill()
        case _:
            server.kill_sessions(chance.random())
            return  # the postmaster starts anew by itself
    time.sleep(chance.uniform(0, 0.3))
    server.start()


def _wait(writers: list[ForkedProcess], outcome: Outcome) -> None:
    for writer in writers:
        if writer.wait(_PATIENCE) is None:
            outcome.problems.append(f"a writer hangs after {writer.said()[-1:]}")
            writer.kill()
            writer.wait()
