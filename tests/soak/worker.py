"""Who does operations on a store, one after the other, and says of each how it ended."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from tests.soak.inspection import StoreContents, matching
from tests.soak.model import Operation, State, draw, outcomes
from tests.soak.operations import prepared
from tests.soak.recovery import retried
from tests.soak.stores import open_manager

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.soak.recovery import Log


class Assignment(TypedDict):
    """What somebody who works is told.

    Args:
        address: The store.
        session: The session.
        place: A folder for files.
        state: What the store holds.
        seed: Decides what is done.
        version: That of the first operation; each has its own.
    """

    address: str
    session: str
    place: str
    state: State
    seed: int
    version: int


class Worker:
    """One process on a store.

    Args:
        log: Takes what is said.
        told: What it is told.
        survives: Wait for a store that is away for a while.

    Attributes:
        chance: Decides what is left to chance.
        operation: What was begun last.
    """

    def __init__(self, log: Log, told: Assignment, *, survives: bool = True) -> None:
        self._log = log
        self._store = told["address"], told["session"]
        self._place = Path(told["place"])
        self._state = told["state"]
        self._version = told["version"]
        self._manager = retried(lambda: open_manager(*self._store), survives=survives)
        self.chance = random.Random(told["seed"])  # noqa: S311  no secrets
        self.operation: Operation = {}
        self._possible: list[State] = []
        self._began = 0.0

    def begin(self, operation: Operation | None = None) -> Callable[[], None]:
        """Say what is done next, that operation or any; return what does it."""
        in_turn = "://" not in self._store[0]
        chosen = operation or draw(self.chance, self._state, self._version, in_turn=in_turn)
        self._version += 1
        self.operation = chosen
        self._possible = outcomes(self._state, chosen)
        self._log(begun=chosen)
        do = prepared(self._manager, chosen, self._place, self._store)
        self._began = time.monotonic()
        return do

    def succeeded(self) -> None:
        """Say that it is done."""
        self._log(done=self.operation["version"], seconds=time.monotonic() - self._began)
        self._state = self._possible[-1]

    def failed(self, error: Exception) -> None:
        """Say that it failed."""
        seconds = time.monotonic() - self._began
        self._log(failed=type(error).__name__, said=str(error), seconds=seconds)

    @property
    def changes_something(self) -> bool:
        """Whether the new state is another than the old one; rows to delete may all be gone."""
        return self._possible[-1] != self._possible[0]

    def settle(self) -> int | None:
        """Wait until the store is back; say and return which of the possible states it holds."""
        contents = retried(lambda: StoreContents(self._manager))
        found = matching(contents, self._possible)
        if found is None:
            self._log(problem=f"found {contents.describe()}")
        else:
            self._state = self._possible[found]
        self._log(settled=found)
        return found

    def end(self) -> None:
        """Say that nothing more is done."""
        self._manager.close()
        self._log(ended=True)
