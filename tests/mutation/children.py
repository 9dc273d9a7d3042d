"""Forked processes that do one thing each, with limits, and leave nothing that runs.

Each works in a directory of its own: where a fault takes the path away, ``os.scandir(None)`` and
the like mean the working directory, which is then emptied.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import resource
import select
import signal
import tempfile
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_MEMORY = 4 << 30  # bytes: a loop that never ends may fill them


def in_child(do: Callable[[], Any]) -> Any:
    """Return what a function returns in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder, "answer")

        def run() -> int:
            answer.write_bytes(pickle.dumps(do()))
            return 0

        code = status_in_child(run)
        if code:
            raise ChildProcessError(code)
        return pickle.loads(answer.read_bytes())  # noqa: S301  our own


def status_in_child(do: Callable[[], int], cpu: int = 3600, wall: float | None = None) -> int:
    """Return the exit code of a process that calls a function, or the negative signal it died of.

    Args:
        do: What it calls; an exception is 2.
        cpu: Seconds of computing time after which it is killed.
        wall: Seconds after which it is killed.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        return _status(do, Path(folder), cpu, wall)


def _status(do: Callable[[], int], folder: Path, cpu: int, wall: float | None) -> int:
    pid = os.fork()
    if not pid:
        code = 2
        try:
            os.setpgid(0, 0)
            os.chdir(folder)
            resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 5))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
            code = do()
        except BaseException:  # noqa: BLE001  nothing may go on as the parent
            traceback.print_exc()
        finally:
            os._exit(code)
    watched = os.pidfd_open(pid)
    ended, *_ = select.select([watched], [], [], wall)
    os.close(watched)
    if not ended:
        os.kill(pid, signal.SIGXCPU)
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)  # what it started
    return os.waitstatus_to_exitcode(status)
