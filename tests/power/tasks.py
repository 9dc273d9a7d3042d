"""What forked processes do: record an operation, and look at all that a power failure may leave."""

from __future__ import annotations

import ctypes
import errno
import random
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from algomancy_data.errors import AlgomancyDataError
from tests.power.disk import Disk, Tree, read_tree, write_tree
from tests.power.independent import read_folder
from tests.power.recording import (
    ACKNOWLEDGE,
    SYNC,
    acknowledge,
    recorded_calls,
    recording,
)
from tests.soak.inspection import inspect_store
from tests.soak.model import Operation, State, frame
from tests.soak.operations import prepared
from tests.soak.stores import open_manager

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.power.recording import Call
    from tests.soak.recovery import Log

_SHARED_MEMORY = "-shm"  # of SQLite: mapped, and made anew by whoever opens the file first


def address_below(root: Path, store: str) -> str:
    """Return where a store is in the directory that is watched."""
    return str(root / "home" / "data") if store == "folder" else f"sqlite:///{root / 'data.db'}"


def record_operation(
    log: Log,
    *,
    root: str,
    to: str,
    store: str,
    place: str,
    operation: Operation | None,
    failing: int = 0,
) -> None:
    """Do an operation, or open a store and no more, while all calls are recorded.

    Args:
        log: Told when it ended, and how many calls that may fail the operation made.
        root: The directory that is watched.
        to: The file that takes the calls.
        store: Which store it is.
        place: A folder for files.
        operation: What is done.
        failing: Number of the operation's call that fails; 0 if none does.
    """
    address = address_below(Path(root), store)
    calls = 0
    with recording(Path(root), Path(to)):
        manager = open_manager(address)
        if operation is not None:
            do = prepared(manager, operation, Path(place), (address, "s"))
            library = ctypes.CDLL(None)
            library.fault_arm(root.encode(), failing, errno.EIO)
            try:
                do()
            except AlgomancyDataError:
                if not failing:
                    raise
            else:
                acknowledge()
            calls = library.fault_disarm()
        manager.close()
    log(done=True, calls=calls)


def fail_power(
    log: Log,
    *,
    base: str,
    root: str,
    scratch: str,
    earlier: tuple[str, int] | None,
    to: str,
    store: str,
    possible: list[State],
    last: Operation | None,
    seed: int,
    most: int,
    moments: int,
    without: int | None = None,
) -> None:
    """Look at what a power failure may leave, at any call of an operation.

    Args:
        log: Takes what is found.
        base: What was there before, all of it on the disk.
        root: What is there now.
        scratch: Where to put what is left.
        earlier: What was recorded of somebody who was killed before, and after how many calls.
        to: What was recorded of the operation.
        store: Which store it is.
        possible: The states in which it may be; only in the last when it was acknowledged.
        last: The operation.
        seed: Decides what is left.
        most: How many states are tried after a call.
        moments: After how many calls; which, is left to chance, but for the last.
        without: Number of a sync that is taken for one that was forgotten.
    """
    disk = Disk(Path(base))
    if earlier is not None:
        for call in recorded_calls(Path(earlier[0]), Path(root))[: earlier[1]]:
            disk.apply(call)
    calls = recorded_calls(Path(to), Path(root))
    if without is not None:
        del calls[[at for at, call in enumerate(calls) if call.kind == SYNC][without]]
    problems: list[str] = []
    seen: set[int] = set()
    chance = random.Random(seed)  # noqa: S311  no secrets
    for at, is_done, tree in _failures(disk, calls, chance, most, moments):
        key = hash((is_done, frozenset(tree.items())))
        if key in seen:
            continue
        seen.add(key)
        allowed = len(possible) - 1 if is_done else 0
        found = _inspected(tree, Path(scratch), store, possible, last, allowed)
        problems += [
            f"after call {at} of {len(calls)}, {calls[at - 1].kind}: {one}" for one in found
        ]
        if len(problems) > 5:
            break
    if without is None and not problems and _seen(disk.now()) != _seen(read_tree(Path(root))):
        problems.append("not every call was recorded")
    log(tried=len(seen), calls=min(len(calls), moments), problems=problems)


def _failures(
    disk: Disk, calls: list[Call], chance: random.Random, most: int, moments: int
) -> Iterator[tuple[int, bool, Tree]]:
    """Let the power fail after each call."""
    chosen = {len(calls), *chance.sample(range(1, len(calls) + 1), min(len(calls), moments))}
    is_done = False
    for at, call in enumerate(calls, 1):
        if call.kind == ACKNOWLEDGE:
            is_done = True
        else:
            disk.apply(call)
        if at in chosen:
            for tree in disk.after_power_failure(chance, most):
                yield at, is_done, tree


def _inspected(
    tree: Tree,
    scratch: Path,
    store: str,
    possible: list[State],
    last: Operation | None,
    allowed: int,
) -> list[str]:
    """Open what is left; return what is wrong with it."""
    shutil.rmtree(scratch, ignore_errors=True)
    write_tree(tree, scratch)
    address = address_below(scratch, store)
    try:
        independent = read_folder(Path(address)) if store == "folder" else None
        manager = open_manager(address)
        facts = inspect_store(manager, possible, last)
        manager.close()
    except Exception as error:  # noqa: BLE001  it is what is wrong
        return [f"{type(error).__name__}: {error}"]
    problems: list[str] = list(facts["problems"])
    place = facts["place"]
    if place is None:
        problems.append(f"torn: {facts['found']}, not {possible[-1]}")
    elif place < allowed:
        problems.append(f"lost: state {place} of {len(possible)} was acknowledged no longer")
    elif independent is not None and not _is_state(independent, possible[place]):
        problems.append("pyarrow reads something else")
    return problems


def _is_state(found: dict[str, dict[str, object]], state: State) -> bool:
    return set(found) == set(state) and all(
        frame(table, runs).equals(found[name][table])
        for name, tables in state.items()
        for table, runs in tables.items()
    )


def _seen(tree: Tree) -> Tree:
    return {path: content for path, content in tree.items() if not path.endswith(_SHARED_MEMORY)}
