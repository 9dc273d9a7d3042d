"""What forked processes do: work until they are killed, or look at what the dead left."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from algomancy_data.errors import TEMPORARY, AlgomancyDataError
from tests.power.tasks import fail_power, record_operation
from tests.soak.concurrent_clients import check_acknowledged, use_concurrently
from tests.soak.fault_injection import work_under_faults
from tests.soak.inspection import inspect_store
from tests.soak.recovery import Log, retried
from tests.soak.stores import open_manager
from tests.soak.worker import Assignment, Worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.soak.model import Operation, State


def log_to(path: str) -> Log:
    """Return a function that adds a line to a file, which a process that is killed has written."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def log(**facts: Any) -> None:
        os.write(descriptor, json.dumps(facts).encode() + b"\n")

    return log


def work(
    log: Log,
    *,
    first: Operation | None = None,
    stop: str = "",
    survives: bool = False,
    **told: Unpack[Assignment],
) -> None:
    """Do operations, one after the other; say of each what it is, and when it is done.

    Args:
        log: Takes what is said.
        first: What is done first, if not anything.
        stop: A file; when it is there the work ends.
        survives: Go on when the store was away for a while.
        told: The store, and what is to be done.
    """
    worker = Worker(log, told, survives=survives)
    while not (stop and Path(stop).exists()):
        do, first = worker.begin(first), None
        try:
            do()
        except AlgomancyDataError as error:
            worker.failed(error)
            if not isinstance(error, TEMPORARY):
                log(problem=f"no temporary error: {type(error).__name__}: {error}")
            if not survives or worker.settle() is None:
                return
        else:
            worker.succeeded()
    worker.end()


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
    "record_operation": record_operation,
    "fail_power": fail_power,
}
