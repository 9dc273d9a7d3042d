"""What a process does when an operation failed: wait for the store, and see what it left."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from algomancy_data.errors import TEMPORARY
from tests.soak.inspection import StoreContents, matching

if TYPE_CHECKING:
    from algomancy_data import DataManager, DataSource
    from tests.soak.model import State

Log = Callable[..., None]
"""Takes facts by name, and tells whoever started the process."""
T = TypeVar("T")
_PATIENCE = 120.0


def retried(call: Callable[[], T], *, survives: bool = True) -> T:
    """Call again until the store is there."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            return call()
        except TEMPORARY:
            if not survives or time.monotonic() > until:
                raise
            time.sleep(0.05)


def state_after_failure(
    manager: DataManager[DataSource], possible: list[State], log: Log
) -> int | None:
    """Wait until the store is back; return which of some states it holds."""
    contents = retried(lambda: StoreContents(manager))
    place = matching(contents, possible)
    if place is None:
        log(problem=f"found {contents.describe()}")
    return place
