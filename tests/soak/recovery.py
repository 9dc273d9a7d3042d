"""What a process does when the store is away: ask again, until it is back."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from algomancy_data.errors import TEMPORARY

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
