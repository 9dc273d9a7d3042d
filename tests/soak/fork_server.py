"""A process that has imported everything, and forks those that work and may be killed.

Importing takes a second, a fork some milliseconds. The process itself never uses the package, since
the threads of Polars are in no fork. Run as a module it reads orders, a line each.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Self, cast

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# What is imported only when it is used, which takes longer than to use it.
_LATER = (
    *("cloudpickle", "numpy", "pyarrow.ipc", "pyarrow.csv", "pyarrow.compute", "tenacity"),
    *("adbc_driver_postgresql", "adbc_driver_sqlite", "adbc_driver_manager.dbapi"),
    *("algomancy_data.database.postgresql.dialect", "algomancy_data.database.sqlite.dialect"),
    *("algomancy_data.extractor.csv", "algomancy_data.executors.pool", "polars.testing"),
)
_LONGEST = 600.0


class ForkServer:
    """The side of the process that gives orders.

    Args:
        home: A folder for what processes say.
        environment: Of the process, besides this one's.
    """

    def __init__(self, home: Path, environment: Mapping[str, str] | None = None) -> None:
        self._home = home
        home.mkdir(exist_ok=True)
        self._started = 0
        self._living: set[int] = set()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.soak.fork_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        self._input = cast("IO[str]", self._process.stdin)
        self._output = cast("IO[str]", self._process.stdout)
        self._ask()

    def __enter__(self) -> Self:
        """Give it to a block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Kill whom it forked, and end it."""
        for pid in list(self._living):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            self.wait(pid)
        self._input.close()
        self._process.wait(60)
        self._output.close()

    def start(self, task: str, **arguments: Any) -> ForkedProcess:
        """Fork a process that does a task of ``tests.soak.tasks``."""
        self._started += 1
        report = self._home / f"{self._started}.jsonl"
        pid = self._ask(task=task, report=str(report), arguments=arguments)
        self._living.add(pid)
        return ForkedProcess(self, pid, report)

    def wait(self, pid: int, seconds: float = _LONGEST) -> int | None:
        """Return how a process ended, as Popen has it; None if it did not in so many seconds."""
        code = self._ask(wait=pid, seconds=seconds)
        if code is not None:
            self._living.discard(pid)
        return code

    def _ask(self, **order: Any) -> Any:
        if order:
            self._input.write(json.dumps(order) + "\n")
            self._input.flush()
        answer = self._output.readline()
        if not answer:
            raise RuntimeError("the fork server ended")
        return json.loads(answer)


@dataclass(frozen=True)
class ForkedProcess:
    """A process that was forked.

    Args:
        forks: By whom.
        pid: Its number.
        report: The file that has what it says.
    """

    forks: ForkServer
    pid: int
    report: Path

    def kill(self) -> None:
        """Send SIGKILL."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def wait(self, seconds: float = _LONGEST) -> int | None:
        """Return how it ended: see :meth:`ForkServer.wait`."""
        return self.forks.wait(self.pid, seconds)

    def said(self) -> list[dict[str, Any]]:
        """Return what it said until now."""
        if not self.report.exists():
            return []
        return [json.loads(line) for line in self.report.read_text().splitlines()]

    def count(self, what: str) -> int:
        """Return how often it said something of a kind until now."""
        return self.report.read_text().count(f'{{"{what}":') if self.report.exists() else 0

    def forget(self) -> None:
        """Remove what it said."""
        self.report.unlink(missing_ok=True)


def _run(order: dict[str, Any]) -> int:
    from tests.soak.tasks import TASKS, log_to  # noqa: PLC0415  imported before the fork

    log = log_to(order["report"])
    try:
        TASKS[order["task"]](log, **order["arguments"])
    except BaseException as error:  # noqa: BLE001  whoever gave the order shall know
        where = traceback.extract_tb(error.__traceback__)[-1]
        log(problem=f"{type(error).__name__}: {error} (line {where.lineno} of {where.filename})")
        return 1
    return 0


def _ended(pid: int, seconds: float) -> int | None:
    until = time.monotonic() + seconds
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > until:
            return None
        time.sleep(0.002)


def _say(answer: Any, stream: IO[str]) -> None:
    stream.write(json.dumps(answer) + "\n")
    stream.flush()


def main() -> None:
    """Do what lines of standard input ask for."""
    for name in ("tests.soak.tasks", *_LATER):
        importlib.import_module(name)
    gc.freeze()  # no child looks through what is there already
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever gives orders ends it
    _say("ready", sys.stdout)
    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            _say(_ended(order["wait"], order["seconds"]), sys.stdout)
            continue
        pid = os.fork()
        if pid == 0:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(2, 1)
            code = _run(order)
            os._exit(code)  # without what the parent registered for its end
        _say(pid, sys.stdout)


if __name__ == "__main__":
    main()
