"""A store whose power fails, again and again."""

from __future__ import annotations

import random
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.power.disk import Disk, Tree, write_tree
from tests.power.recording import ACKNOWLEDGE, SYNC, recorded_calls
from tests.power.tasks import address_below
from tests.soak.model import Operation, State, outcomes

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from tests.soak.fork_server import ForkServer

_IN_MEMORY = Path("/dev/shm")  # noqa: S108  a folder of its own is made there


@contextmanager
def home_in_memory() -> Generator[Path]:
    """Make a folder in memory, if there is such a place: it costs nothing to sync there."""
    with tempfile.TemporaryDirectory(dir=_IN_MEMORY if _IN_MEMORY.is_dir() else None) as path:
        yield Path(path)


class PowerTrial:
    """One store, and operations on it.

    Args:
        forks: Forks processes in which the recorder is preloaded.
        home: A folder for all of it.
        store: Which store it is: ``folder`` or ``SQLite``.
        seed: Decides what is left after a power failure.
        most: How many states are tried after each call.
        moments: After how many calls of an operation; of more, some are left out by chance.

    Attributes:
        root: The directory that is watched, which has the store.
        state: What the store holds.
        tried: How many states were tried.
        calls: After how many calls.
        problems: What is wrong.
    """

    def __init__(
        self,
        forks: ForkServer,
        home: Path,
        store: str,
        seed: int,
        most: int = 40,
        moments: int = 1000,
    ) -> None:
        self._forks = forks
        self._store = store
        self._most, self._moments = most, moments
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

    def do_failing(self, operation: Operation) -> int:
        """Let each call of an operation fail in turn, then the power; return how many there are."""
        possible = outcomes(self.state, operation)
        self._keep()
        calls = self._do(operation)
        for at in range(1, calls + 1):
            shutil.rmtree(self.root)
            shutil.copytree(self._base, self.root)
            self._do(operation, failing=at)
            self._fail(possible, None)
        return calls

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
        self,
        killed: Operation,
        then: Callable[[State], Operation | None],
        moments: Callable[[int], Iterable[int]] = lambda calls: range(1, calls + 1),
    ) -> None:
        """Kill who does an operation, then do another one, or open the store; then power fails.

        Args:
            killed: The former.
            then: Returns the latter, for what is seen then; None to open the store and no more.
            moments: Returns after how many of its calls somebody is killed.
        """
        self._keep()
        self._do(killed)
        self._record.replace(self._earlier)
        calls = recorded_calls(self._earlier, self.root)
        made = next(at for at, call in enumerate(calls) if call.kind == ACKNOWLEDGE)
        disk = Disk(self._base)
        between = outcomes(self.state, killed)
        chosen = set(moments(made))
        for count, call in enumerate(calls[:made], 1):
            disk.apply(call)
            if count in chosen:
                self.state = self._do_after(disk.now(), killed, count, between, then)

    def _do_after(
        self,
        seen: Tree,
        killed: Operation,
        count: int,
        between: list[State],
        then: Callable[[State], Operation | None],
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
        operation = then(visible)
        after = [visible] if operation is None else outcomes(visible, operation)
        possible = [*between, *after]
        self._do(operation)
        # The history of a batch is compared while nobody else wrote to its datasets.
        is_followed = operation is not None and _names(operation) & _names(killed)
        self._fail(possible, None if is_followed else killed, (str(self._earlier), count))
        return possible[-1]

    def _keep(self) -> None:
        shutil.rmtree(self._base, ignore_errors=True)
        shutil.copytree(self.root, self._base)

    def _do(self, operation: Operation | None, failing: int = 0) -> int:
        """Do an operation; return how many of its calls may fail."""
        self._record.unlink(missing_ok=True)
        self._record.touch()
        said = self._ask(
            "record_operation",
            root=str(self.root),
            to=str(self._record),
            store=self._store,
            place=str(self._place),
            operation=operation,
            failing=failing,
        )
        for path in self._place.iterdir():
            path.unlink()
        if not said.get("done"):
            raise RuntimeError(f"{operation}: {said}")
        return said["calls"]

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
            moments=self._moments,
            without=without,
        )

    def _ask(self, task: str, **arguments: Any) -> dict[str, Any]:
        process = self._forks.start(task, **arguments)
        code = process.wait()
        (*_, said) = process.said() or [{"problem": f"it ended with {code}"}]
        process.forget()
        return said


def _names(operation: Operation) -> set[str]:
    """Return the datasets that an operation writes."""
    return {operation.get("to", operation.get("name")), *operation.get("names", ())} - {None}
