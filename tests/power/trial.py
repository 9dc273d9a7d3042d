"""A store whose power fails, again and again."""

from __future__ import annotations

import random
import shutil
from typing import TYPE_CHECKING, Any

from tests.power.disk import Disk, Tree, write_tree
from tests.power.recording import ACKNOWLEDGE, SYNC, recorded_calls
from tests.power.tasks import address_below
from tests.soak.model import Operation, State, outcomes

if TYPE_CHECKING:
    from pathlib import Path

    from tests.soak.fork_server import ForkServer


class PowerTrial:
    """One store, and operations on it.

    Args:
        forks: Forks processes in which the recorder is preloaded.
        home: A folder for all of it.
        store: Which store it is: ``folder`` or ``SQLite``.
        seed: Decides what is left after a power failure.
        most: How many states are tried after each call.

    Attributes:
        root: The directory that is watched, which has the store.
        state: What the store holds.
        tried: How many states were tried.
        calls: After how many calls.
        problems: What is wrong.
    """

    def __init__(
        self, forks: ForkServer, home: Path, store: str, seed: int, most: int = 40
    ) -> None:
        self._forks = forks
        self._store = store
        self._most = most
        self._chance = random.Random(seed)  # noqa: S311  no secrets
        self.root, self._base, self._place = home / "live", home / "base", home / "files"
        self._scratch, self._record, self._earlier = home / "left", home / "calls", home / "earlier"
        self.root.mkdir(parents=True)
        self._place.mkdir()
        self.state: State = {}
        self._last: tuple[list[State], Operation] = [], {}
        self.tried = self.calls = 0
        self.problems: list[str] = []

    def do(self, operation: Operation) -> None:
        """Do an operation; let the power fail after each of its calls."""
        possible = outcomes(self.state, operation)
        self._keep()
        self._do(operation)
        self._last = possible, operation
        self._fail(*self._last)
        self.state = possible[-1]

    def noticed(self) -> list[bool]:
        """Tell of each sync of the last operation whether it is noticed that it is left out."""
        calls = recorded_calls(self._record, self.root)
        syncs = sum(call.kind == SYNC for call in calls)
        return [bool(self._left(*self._last, without=at)["problems"]) for at in range(syncs)]

    def prepare(self, operation: Operation) -> None:
        """Do an operation, and no more."""
        self._do(operation)
        self.state = outcomes(self.state, operation)[-1]

    def do_after_kills(
        self, killed: Operation, then: Operation | None, most: int | None = None
    ) -> None:
        """Kill who does an operation, then do another one, or open the store; then power fails.

        Args:
            killed: The former; it is killed after each of its calls.
            then: The latter; None if somebody opens the store and no more.
            most: After so many calls at most; None for all.
        """
        self._keep()
        self._do(killed)
        self._record.replace(self._earlier)
        calls = recorded_calls(self._earlier, self.root)
        made = next(at for at, call in enumerate(calls) if call.kind == ACKNOWLEDGE)
        disk = Disk(self._base)
        between = outcomes(self.state, killed)
        for count, call in enumerate(calls[:made][:most], 1):
            disk.apply(call)
            self.state = self._do_after(disk.now(), count, between, then)

    def _do_after(
        self, seen: Tree, count: int, between: list[State], then: Operation | None
    ) -> State:
        """Do an operation where somebody was killed; return what is there then."""
        for path in (self.root, self._scratch):
            shutil.rmtree(path, ignore_errors=True)
            write_tree(seen, path)
        address = address_below(self._scratch, self._store)
        found = self._ask("inspect", address=address, session="s", states=between, last=None)
        if found.get("place") is None:
            self.problems.append(f"after a kill: {found}")
            return between[-1]
        visible = between[found["place"]]
        possible = [*between, visible if then is None else outcomes(visible, then)[-1]]
        self._do(then)
        self._fail(possible, None, (str(self._earlier), count))
        return possible[-1]

    def _keep(self) -> None:
        shutil.rmtree(self._base, ignore_errors=True)
        shutil.copytree(self.root, self._base)

    def _do(self, operation: Operation | None) -> None:
        self._record.unlink(missing_ok=True)
        self._record.touch()
        said = self._ask(
            "record_operation",
            root=str(self.root),
            to=str(self._record),
            store=self._store,
            place=str(self._place),
            operation=operation,
        )
        if not said.get("done"):
            raise RuntimeError(f"{operation}: {said}")
        for path in self._place.iterdir():
            path.unlink()

    def _fail(
        self,
        possible: list[State],
        last: Operation | None,
        earlier: tuple[str, int] | None = None,
    ) -> None:
        found = self._left(possible, last, earlier)
        self.tried += found.get("tried", 0)
        self.calls += found.get("calls", 0)
        self.problems += found.get("problems", [f"{last}: {found}"])

    def _left(
        self,
        possible: list[State],
        last: Operation | None,
        earlier: tuple[str, int] | None = None,
        without: int | None = None,
    ) -> dict[str, Any]:
        return self._ask(
            "fail_power",
            base=str(self._base),
            root=str(self.root),
            scratch=str(self._scratch),
            earlier=earlier,
            to=str(self._record),
            store=self._store,
            possible=possible,
            last=last,
            seed=self._chance.getrandbits(32),
            most=self._most,
            without=without,
        )

    def _ask(self, task: str, **arguments: Any) -> dict[str, Any]:
        process = self._forks.start(task, **arguments)
        code = process.wait()
        (*_, said) = process.said() or [{"problem": f"it ended with {code}"}]
        process.forget()
        return said
