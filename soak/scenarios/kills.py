"""SIGKILL at any moment of any operation; a process that looks afterwards finds old or new."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from soak.model import Operation, State, outcomes
from soak.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from soak.run import Setting
    from soak.warm import Forked, Warm

SCENARIO = "SIGKILL at any moment"
_OUTSIDE_EACH = 5
_LONGEST_LIFE = 60.0


def kills(setting: Setting) -> Iterator[Outcome]:
    """Kill workers on each store that is kept on a disk."""
    for store in ("folder", "SQLite", "PostgreSQL"):
        with setting.store(store) as address, setting.warm(store) as warm:
            lane = Lane(setting, warm, store, address, setting.seed)
            until = time.monotonic() + setting.seconds / 3
            while time.monotonic() < until and lane.outcome.is_good:
                lane.live_and_die()
            yield lane.outcome


class Lane:
    """One store, and those that work there, one after the other.

    Args:
        setting: That of the run.
        warm: Who forks.
        store: What the store is called.
        address: Where it is.
        seed: Decides what is done, and when it is ended.
        scenario: What the outcome is called.
    """

    def __init__(
        self,
        setting: Setting,
        warm: Warm,
        store: str,
        address: str,
        seed: int,
        scenario: str = SCENARIO,
    ) -> None:
        self.outcome = Outcome(scenario, store)
        self._warm = warm
        self._address = address
        self._chance = setting.chance(seed)
        self._place = setting.home / f"{store} files"
        self._place.mkdir(exist_ok=True)
        self._state: State = {}
        self._version = 1
        self._again: Operation | None = None

    def live_and_die(self) -> None:
        """Let a worker live for a moment, and look at what it leaves."""
        worker = self._warm.start(
            "work",
            address=self._address,
            session="s",
            place=str(self._place),
            state=self._state,
            seed=self._chance.getrandbits(32),
            version=self._version,
            first=self._again,
        )
        began = time.monotonic()
        self._let_live(worker)
        worker.kill()
        code = worker.wait()
        self.outcome.seconds += time.monotonic() - began
        said = worker.said()
        worker.forget()
        if code == -9:  # noqa: PLR2004  SIGKILL
            self.outcome.faults += 1
        else:
            self.outcome.problems.append(f"a worker ended by itself: {said[-1:]}")
        self._check(said)

    def _let_live(self, worker: Forked) -> None:
        """Wait until some operations are done and another one is on its way, or not even that.

        An operation takes as long as the machine lets it: it is hit anywhere between its beginning
        and half as much again as it usually takes.
        """
        begun = self._chance.choice((0, 1, 1, 2, 3))
        until = time.monotonic() + _LONGEST_LIFE
        while worker.count("begun") < begun and time.monotonic() < until:
            time.sleep(0.002)
        usual = self.outcome.seconds / max(self.outcome.operations, 5)
        time.sleep(self._chance.uniform(0, 1.5 * usual))

    def _check(self, said: list[dict[str, Any]]) -> None:
        """Look at the store with a process of its own, and take what it finds for the state."""
        states, last = history_of(self._state, said)
        self.outcome.operations += sum("done" in one for one in said)
        for one in said:
            self.outcome.waited(one.get("seconds", 0))
        self._version += sum("begun" in one for one in said) + 1
        if self.outcome.faults % _OUTSIDE_EACH == 0:
            self._look_from_outside()
        possible = [*states[:-1], *possible_after(states[-1], last)]
        looker = self._warm.start(
            "look",
            address=self._address,
            session="s",
            states=possible,
            last=last,
        )
        code = looker.wait()
        answers = looker.said()
        looker.forget()
        if code != 0 or not answers or "problem" in answers[-1]:
            self.outcome.torn += 1
            self.outcome.problems.append(f"cannot be opened: {code} {answers[-1:]} after {last}")
            return
        acknowledged = len(states) - 1
        found = answers[-1]
        place = found["place"]
        if place is None:
            self.outcome.torn += 1
            self.outcome.problems.append(f"after {last}: {found['found']}, not {states[-1]}")
            return
        if place < acknowledged:
            self.outcome.lost += 1
            self.outcome.problems.append(f"{acknowledged - place} operations before {last}")
        if found["problems"]:
            self.outcome.torn += 1
            self.outcome.problems += found["problems"]
        self._state = possible[place]
        is_part_done = last is not None and last["kind"] == "batch" and place < len(possible) - 1
        self._again = last | {"resume": True} if is_part_done and last else None
        if self._again is None:
            for path in self._place.iterdir():
                path.unlink()

    def _look_from_outside(self) -> None:
        """Have another library look at the file first: it mends it with what the log says."""
        if not self._address.startswith("sqlite"):
            return
        path = Path(self._address.removeprefix("sqlite:///"))
        if path.exists():
            with contextlib.closing(sqlite3.connect(path)) as connection:
                (said,) = connection.execute("PRAGMA integrity_check").fetchone()
            if said != "ok":
                self.outcome.torn += 1
                self.outcome.problems.append(f"integrity_check: {said}")


def history_of(state: State, said: list[dict[str, Any]]) -> tuple[list[State], Operation | None]:
    """Return the states of a store that a worker acknowledged, and what it had not done yet."""
    states, last = [state], None
    for one in said:
        if "begun" in one:
            last = one["begun"]
        elif "done" in one and last is not None:
            states.append(outcomes(states[-1], last)[-1])
            last = None
    return states, last


def possible_after(state: State, last: Operation | None) -> list[State]:
    """Return in which states a store may be after an operation that nobody acknowledged."""
    return [state] if last is None else outcomes(state, last)
