"""What forked processes do: work until they are killed, or look at what the dead left."""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from algomancy_data.errors import TEMPORARY, AlgomancyDataError
from tests.soak.concurrent_clients import check_acknowledged, use_concurrently
from tests.soak.fault_injection import work_under_faults
from tests.soak.inspection import inspect_store
from tests.soak.model import Operation, State, draw, outcomes
from tests.soak.operations import perform
from tests.soak.recovery import Log, retried, state_after_failure
from tests.soak.stores import open_manager

if TYPE_CHECKING:
    from collections.abc import Callable


def log_to(path: str) -> Log:
    """Return a function that adds a line to a file, which a process that is killed has written."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def log(**facts: Any) -> None:
        os.write(descriptor, json.dumps(facts).encode() + b"\n")

    return log


def work(
    log: Log,
    *,
    address: str,
    session: str,
    place: str,
    state: State,
    seed: int,
    version: int,
    first: Operation | None = None,
    stop: str = "",
    survives: bool = False,
) -> None:
    """Do operations, one after the other; say of each what it is, and when it is done.

    Args:
        log: Takes what is said.
        address: The store.
        session: The session.
        place: A folder for files.
        state: What the store holds.
        seed: Decides what is done.
        version: That of the first operation; each has its own.
        first: What is done first, if not anything.
        stop: A file; when it is there the work ends.
        survives: Go on when the store was away for a while.
    """
    manager = retried(lambda: open_manager(address, session), survives=survives)
    chance = random.Random(seed)  # noqa: S311  no secrets
    while not (stop and Path(stop).exists()):
        operation = first or draw(chance, state, version, in_turn="://" not in address)
        first, version = None, version + 1
        possible = outcomes(state, operation)
        log(begun=operation)
        began = time.monotonic()
        try:
            perform(manager, operation, Path(place), (address, session))
        except AlgomancyDataError as error:
            log(failed=type(error).__name__, said=str(error), seconds=time.monotonic() - began)
            if not isinstance(error, TEMPORARY):
                log(problem=f"no temporary error: {type(error).__name__}: {error}")
            if not survives:
                return
            found = state_after_failure(manager, possible, log)
            log(settled=found)
            if found is None:
                return
            state = possible[found]
        else:
            log(done=operation["version"], seconds=time.monotonic() - began)
            state = possible[-1]
    manager.close()
    log(ended=True)


def inspect(
    log: Log, *, address: str, session: str, states: list[State], last: Operation | None
) -> None:
    """Open a store, and say what is there."""
    began = time.monotonic()
    manager = retried(lambda: open_manager(address, session))
    facts = inspect_store(manager, states, last)
    manager.close()
    log(**facts, seconds=time.monotonic() - began)


TASKS: dict[str, Callable[..., None]] = {
    "work": work,
    "work_under_faults": work_under_faults,
    "inspect": inspect,
    "use_concurrently": use_concurrently,
    "check_acknowledged": check_acknowledged,
}
