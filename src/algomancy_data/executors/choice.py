"""What callers may give as an executor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from algomancy_data.errors import ExecutorError
from algomancy_data.executors.cluster import DaskCluster
from algomancy_data.executors.hands import Borrowed, Hands, cores
from algomancy_data.executors.pool import SpawnPool

if TYPE_CHECKING:
    from concurrent.futures import Executor

_KNOWN: Final = "a concurrent.futures.Executor, a distributed.Client or its address"


def hands_of(executor: object, workers: int | None, jobs: int) -> Hands:
    """Return whoever does some jobs.

    Args:
        executor: Whoever does them; None for processes of this machine.
        workers: How many jobs are done at the same time; None for as many as there are cores.
        jobs: How many there are.

    Raises:
        ExecutorError: It is nothing that can do jobs.
        MissingExtraError: It is one of Dask, and the extra ``dask`` is not installed.
    """
    if workers is not None:
        _check_number("workers", workers)
    wanted = workers or cores()
    if executor is None:
        return SpawnPool(max(1, min(wanted, jobs)))
    return _given(executor, wanted, f"{_KNOWN}, or None for processes of this machine")


def helpers_of(executor: object) -> Hands:
    """Return whoever helps with one load.

    Args:
        executor: Whoever that is, or a number of processes of this machine.

    Raises:
        ExecutorError: It is nothing that can do work.
        MissingExtraError: It is one of Dask, and the extra ``dask`` is not installed.
    """
    if isinstance(executor, int) and not isinstance(executor, bool):
        _check_number("executor", executor)
        return SpawnPool(executor)
    return _given(executor, cores(), f"{_KNOWN}, or a number of processes of this machine")


def _check_number(name: str, workers: int) -> None:
    if workers < 1:
        msg = f"{name} must be 1 or more, not {workers!r}."
        raise ExecutorError(msg)


def _given(executor: object, room: int, known: str) -> Hands:
    if isinstance(executor, str) or type(executor).__module__.partition(".")[0] == "distributed":
        return DaskCluster(executor)
    if not callable(getattr(executor, "submit", None)):
        msg = f"{executor!r:.80} is no executor. Give {known}."
        raise ExecutorError(msg)
    return Borrowed(cast("Executor", executor), room)
