"""One store, processes that work there one after the other, and an inspection after each."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.soak.model import Operation, State, outcomes
from tests.soak.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from tests.soak.fork_server import ForkedProcess, ForkServer
    from tests.soak.run import Setting

_OUTSIDE_EACH = 5
_PATIENCE = 120.0


class Trial:
    """One store, and those that work there, one after the other.

    Args:
        setting: That of the run.
        forks: Who forks.
        scenario: What is done to the store.
        store: What it is called.
        address: Where it is.
        place: A folder for files.

    Attributes:
        outcome: What the scenario came to until now.
        chance: Decides what is left to chance.
        begun: How many operations were begun.
    """

    def __init__(
        self,
        setting: Setting,
        forks: ForkServer,
        scenario: str,
        store: str,
        address: str,
        place: Path,
    ) -> None:
        self.outcome = Outcome(scenario, store)
        self.chance: Random = setting.chance(scenario, store)
        self._forks = forks
        self._address = address
        self._place = place
        self._state: State = {}
        self._version = 1
        self._again: Operation | None = None
        self._turns = 0
        self.begun = 0

    def turn(
        self,
        task: str,
        live: Callable[[ForkedProcess], None] | None = None,
        *,
        patience: float = _PATIENCE,
        **arguments: Any,
    ) -> int | None:
        """Let somebody work, and look at what it leaves.

        Args:
            task: What is done.
            live: Ends the worker some time; else it ends by itself.
            patience: Seconds after which it hangs, and is killed.
            arguments: What the task is told besides.

        Returns:
            How the worker ended; None if it hung, and was killed.
        """
        self._turns += 1
        if task == "work":
            arguments["first"] = self._again
        worker = self._forks.start(
            task,
            address=self._address,
            session="s",
            place=str(self._place),
            state=self._state,
            seed=self.chance.getrandbits(32),
            version=self._version,
            **arguments,
        )
        began = time.monotonic()
        if live is not None:
            live(worker)
        code = worker.wait(patience)
        self.outcome.seconds += time.monotonic() - began
        if code is None:
            worker.kill()
            worker.wait()
        said = worker.said()
        worker.forget()
        self._check(said)
        return code

    def _check(self, said: list[dict[str, Any]]) -> None:
        """Inspect the store in a process of its own; what it finds is the state."""
        states, last = self._followed(said)
        if self._turns % _OUTSIDE_EACH == 0:
            self._look_from_outside()
        possible = [*states[:-1], *possible_after(states[-1], last)]
        found = inspect(
            self._forks,
            self.outcome,
            f"after {last}",
            {"address": self._address, "session": "s", "states": possible, "last": last},
            len(states) - 1,
        )
        if found is None:
            return
        self._state = possible[found]
        is_part_done = last is not None and last["kind"] == "batch" and found < len(possible) - 1
        self._again = last | {"resume": True} if is_part_done and last else None
        if self._again is None:
            for path in self._place.iterdir():
                path.unlink()

    def _followed(self, said: list[dict[str, Any]]) -> tuple[list[State], Operation | None]:
        begun = sum("begun" in one for one in said)
        self.begun += begun
        self._version += begun + 1
        return followed(self._state, said, self.outcome)

    def _look_from_outside(self) -> None:
        """Have another library look at the file first: it mends it with what the log says."""
        path = Path(self._address.removeprefix("sqlite:///"))
        if not (self._address.startswith("sqlite") and path.exists()):
            return
        with contextlib.closing(sqlite3.connect(path)) as connection:
            (said,) = connection.execute("PRAGMA integrity_check").fetchone()
        if said != "ok":
            self.outcome.torn += 1
            self.outcome.problems.append(f"integrity_check: {said}")


def followed(
    state: State, said: list[dict[str, Any]], outcome: Outcome
) -> tuple[list[State], Operation | None]:
    """Take what a worker said into an outcome.

    Returns:
        The states that it acknowledged, and what it was doing when it ended.
    """
    states: list[State] = [state]
    last: Operation | None = None
    for one in said:
        outcome.waited(one.get("seconds", 0))
        if "begun" in one:
            last = one["begun"]
        elif "done" in one:
            states.append(possible_after(states[-1], last)[-1])
            last = None
            outcome.operations += 1
        elif "failed" in one:
            outcome.failures += 1
        elif "settled" in one:
            if one["settled"] is None:
                outcome.torn += 1
            else:
                states.append(possible_after(states[-1], last)[one["settled"]])
                last = None
        elif "problem" in one:
            outcome.problems.append(one["problem"])
    return states, last


def possible_after(state: State, last: Operation | None) -> list[State]:
    """Return in which states a store may be after an operation that nobody acknowledged."""
    return [state] if last is None else outcomes(state, last)


def inspect(
    forks: ForkServer, outcome: Outcome, when: str, arguments: dict[str, Any], acknowledged: int
) -> int | None:
    """Have a process of its own look at a store.

    Args:
        forks: Who forks.
        outcome: What is lost or torn is counted there.
        when: In words.
        arguments: What the process is told.
        acknowledged: The first of the states in which the store may be.

    Returns:
        The place of the state in which it is; None if that is none of them.
    """
    inspector = forks.start("inspect", **arguments)
    code = inspector.wait()
    answers = inspector.said()
    inspector.forget()
    if code != 0 or not answers or "problem" in answers[-1]:
        outcome.torn += 1
        outcome.problems.append(f"{when}: cannot be opened: {code} {answers[-1:]}")
        return None
    found = answers[-1]
    place = found["place"]
    if place is None:
        outcome.torn += 1
        outcome.problems.append(f"{when}: {found['found']}, not {arguments['states'][-1]}")
    elif place < acknowledged:
        outcome.lost += 1
        outcome.problems.append(f"{when}: {acknowledged - place} states earlier")
    if found["problems"]:
        outcome.torn += 1
        outcome.problems += found["problems"]
    return place
