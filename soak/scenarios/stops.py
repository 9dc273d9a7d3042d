"""A PostgreSQL server that is stopped at once while several processes write, and started again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from soak.outcome import Outcome
from soak.scenarios.kills import history_of, possible_after

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from random import Random

    from soak.model import State
    from soak.run import Setting
    from soak.servers import Server
    from soak.warm import Forked, Warm

_WRITERS = 3
_STOPS_A_ROUND = 8
_PATIENCE = 180.0


def stops(setting: Setting) -> Iterator[Outcome]:
    """Stop the server, kill it, kill the processes that serve connections."""
    outcome = Outcome("server stopped at once", "PostgreSQL")
    chance = setting.chance("stops")
    states: list[State] = [{} for _ in range(_WRITERS)]
    until = time.monotonic() + setting.seconds
    with setting.server() as server, setting.warm("stops") as warm:
        version = 1
        while time.monotonic() < until and outcome.is_good:
            stop = setting.home / f"stop {version}"
            writers = [
                warm.start(
                    "work",
                    address=server.url,
                    session=f"s{number}",
                    place=str(_folder(setting.home / f"files {number}")),
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
            states = [
                _checked(warm, server, number, state, writer, outcome)
                for number, (state, writer) in enumerate(zip(states, writers, strict=True))
            ]
            version += 10_000
    yield outcome


def _folder(path: Path) -> Path:
    path.mkdir(exist_ok=True)
    return path


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


def _wait(writers: list[Forked], outcome: Outcome) -> None:
    for writer in writers:
        if writer.wait(_PATIENCE) is None:
            outcome.problems.append(f"a writer hangs after {writer.said()[-1:]}")
            writer.kill()
            writer.wait()


def _checked(
    warm: Warm, server: Server, number: int, state: State, writer: Forked, outcome: Outcome
) -> State:
    """Take what a writer said into the outcome, and have another process look."""
    said = writer.said()
    writer.forget()
    states, last = [state], None
    for index, one in enumerate(said):
        outcome.waited(one.get("seconds", 0))
        outcome.operations += "done" in one
        if "begun" in one:
            done, last = history_of(states[-1], said[index : index + 2])
            states += done[1:]
        if "settled" in one:
            if one["settled"] is None:
                outcome.torn += 1
                outcome.problems.append(f"neither old nor new: {said[index - 1 :]}")
            else:
                states.append(possible_after(states[-1], last)[one["settled"]])
        if "failed" in one and not one["temporary"]:
            outcome.problems.append(f"no temporary error: {one['failed']}: {one['said']}")
        if "problem" in one:
            outcome.problems.append(one["problem"])
    looker = warm.start("look", address=server.url, session=f"s{number}", states=states, last=None)
    looker.wait()
    (*_, found) = looker.said() or [{}]
    looker.forget()
    if found.get("place") is None:
        outcome.torn += 1
        outcome.problems.append(f"at last: {found}, not {states[-1]}")
    elif found["place"] < len(states) - 1:
        outcome.lost += 1
        outcome.problems.append(f"{len(states) - 1 - found['place']} operations are gone")
    outcome.problems += found.get("problems", [])
    return states[-1]
