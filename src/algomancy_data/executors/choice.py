"""What callers may pass as an executor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from algomancy_data.errors import ExecutorError
from algomancy_data.executors.cluster import DaskCluster
from algomancy_data.executors.pool import SpawnPool
from algomancy_data.executors.workers import AUTO, Borrowed, Workers, at_most, cores

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from algomancy_data.memory import MemoryBudget

_KNOWN: Final = "a concurrent.futures.Executor, a distributed.Client or its address"


def workers_for_jobs(
    executor: object, workers: int | None, most: int | None, fitting: Callable[[], int | None]
) -> Workers:
    """Return the workers that do some jobs.

    Args:
        executor: Who does them; None for processes of this machine.
        workers: How many jobs are done at the same time; None for as many as there are cores and
            memory for.
        most: How many may be done at the same time; None for any number.
        fitting: Tells for how many processes there is memory; None if that is unknown.

    Raises:
        ExecutorError: It is nothing that can do jobs.
        MissingExtraError: It is one of Dask, and the extra ``dask`` is not installed.
    """
    if workers is not None:
        _check_number("workers", workers)
    if executor is None:
        wanted = least(cores(), fitting()) if workers is None else workers
        return SpawnPool(max(least(wanted, most), 1))
    known = f"{_KNOWN}, or None for processes of this machine"
    return at_most(_given(executor, workers or cores(), known), most)


def least(wanted: int, most: int | None) -> int:
    """Return the smaller of two numbers, of which one may be no limit."""
    return wanted if most is None else min(wanted, most)


def workers_for_load(executor: object, memory: MemoryBudget) -> Workers:
    """Return the workers that help with one load.

    Args:
        executor: An executor, a number of processes of this machine, or "auto" for as many as
            there are cores and memory for.
        memory: How much memory each process should take.

    Raises:
        ExecutorError: It is nothing that can do work.
        MissingExtraError: It is one of Dask, and the extra ``dask`` is not installed.
    """
    if isinstance(executor, int) and not isinstance(executor, bool):
        _check_number("executor", executor)
        return SpawnPool(executor)
    if executor == AUTO:
        return SpawnPool(least(cores(), memory.processes()))
    known = f"{_KNOWN}, or a number of processes of this machine, or {AUTO!r}"
    return _given(executor, cores(), known)


def _check_number(name: str, workers: int) -> None:
    if workers < 1:
        msg = f"{name} must be 1 or more, not {workers!r}."
        raise ExecutorError(msg)


def _given(executor: object, capacity: int, known: str) -> Workers:
    if isinstance(executor, str) or type(executor).__module__.partition(".")[0] == "distributed":
        return DaskCluster(executor)
    if not callable(getattr(executor, "submit", None)):
        msg = f"{executor!r:.80} is no executor. Give {known}."
        raise ExecutorError(msg)
    return Borrowed(cast("Executor", executor), capacity)
