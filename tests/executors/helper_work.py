"""What workers do in these tests."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from algomancy_data.errors import FileContentError


def square(number, seconds=0.0):
    time.sleep(seconds)
    return number * number


def refuse(number):
    if number % 2:
        msg = f"{number} is odd."
        raise FileContentError(msg)
    return number


def die(times, mark):
    """Kill this process, so many times in all; then say how often."""
    mark = Path(mark)
    died = len(mark.read_text()) if mark.exists() else 0
    if died < times:
        mark.write_text("x" * (died + 1))
        os.kill(os.getpid(), signal.SIGKILL)
    return died


def no_copy(_):
    return lambda: None
