"""Another process, which takes steps at the same place, and may be killed in the middle of one.

It imports the test module, and has a manager of its own. It is started when it is first needed, and
again after it was killed: a fork could not use Polars.
"""

from __future__ import annotations

import inspect
import os
import runpy
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, Final

from algomancy_data.errors import AlgomancyDataError
from algomancy_data.testing.model.moments import Calls

if TYPE_CHECKING:
    from algomancy_data.datamanager import DataManager
    from algomancy_data.datasource import DataSource
    from algomancy_data.testing.model.model_contract import ModelContract
    from algomancy_data.testing.model.steps import Step

_PATIENCE: Final = 60.0
_START: Final = "from algomancy_data.testing.model.other_process import serve; serve()"


@dataclass(frozen=True)
class StepOutcome:
    """How another process took a step.

    Args:
        raised: The names of the classes of the error that it raised; none if it raised none.
        calls: How many calls of functions it took.
        is_killed: Whether it was killed meanwhile.
    """

    raised: tuple[str, ...] = ()
    calls: int = 0
    is_killed: bool = False


class OtherProcess:
    """A process that takes steps.

    Args:
        contract: The class of the test, which says how a manager is made.
        place: Where it is made; it is pickled.
    """

    def __init__(self, contract: type[ModelContract], place: object) -> None:
        self._made_by = (inspect.getfile(contract), contract.__qualname__, place)
        self._running: tuple[subprocess.Popen[bytes], Connection] | None = None

    def take(self, step: Step, kill_at: int = 0) -> StepOutcome:
        """Have it take a step; it is killed at that call of a function, if at any."""
        process, connection = self._running = self._running or self._start()
        connection.send((step, kill_at))
        try:
            taken = connection.recv()
        except (EOFError, ConnectionResetError):
            self._running = None
            connection.close()
            assert process.wait(_PATIENCE) == -signal.SIGKILL
            return StepOutcome(is_killed=True)
        assert isinstance(taken, StepOutcome), taken
        return taken

    def close(self) -> None:
        """End the process."""
        if self._running is not None:
            process, connection = self._running
            connection.close()
            assert process.wait(_PATIENCE) == 0

    def _start(self) -> tuple[subprocess.Popen[bytes], Connection]:
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(  # noqa: S603  the interpreter that runs the test
                [sys.executable, "-c", _START],
                stdin=theirs.fileno(),
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        connection = Connection(ours.detach())
        connection.send(self._made_by)
        return process, connection


def serve() -> None:
    """Take each step that standard input, a socket, asks for."""
    connection = Connection(os.dup(0))
    file, name, place = connection.recv()
    contract: Any = runpy.run_path(file)[name]
    with contract().open_model(place) as manager:
        while True:
            try:
                step, kill_at = connection.recv()
            except EOFError:
                return
            connection.send(_take(manager, step, kill_at))


def _take(manager: DataManager[DataSource], step: Step, kill_at: int) -> StepOutcome:
    with Calls(kill_at, lambda: os.kill(os.getpid(), signal.SIGKILL)) as calls:
        try:
            step.take(manager)
            raised = ()
        except AlgomancyDataError as error:
            raised = tuple(one.__name__ for one in type(error).__mro__)
    return StepOutcome(raised, calls.seen)
