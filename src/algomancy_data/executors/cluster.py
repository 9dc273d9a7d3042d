"""The workers of a Dask cluster."""

from __future__ import annotations

import time
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

from algomancy_data.errors import (
    ExecutorError,
    ExecutorUnavailableError,
    MissingExtraError,
)
from algomancy_data.executors.workers import Loss, Workers

if TYPE_CHECKING:
    from collections.abc import Callable

_Result = TypeVar("_Result")
_PATIENCE: Final = 5.0  # seconds in which a scheduler must answer
_ASKED_AGAIN: Final = 1.0  # seconds after which Dask is asked how many workers there are


class DaskCluster(Workers):
    """The workers of a Dask cluster.

    Args:
        client: A ``distributed.Client``, or the address of its scheduler.

    Raises:
        MissingExtraError: The extra ``dask`` is not installed.
        ExecutorError: That is no address, or (ExecutorUnavailableError) no scheduler answers.
    """

    def __init__(self, client: Any) -> None:
        try:
            import distributed  # noqa: PLC0415  an extra, and slow to import
        except ImportError as error:
            raise MissingExtraError.from_extra("Dask", "dask") from error
        self._distributed: Any = distributed
        self._own = None
        if isinstance(client, str):
            try:
                client = self._own = distributed.Client(
                    client, timeout=_PATIENCE, set_as_default=False
                )
            except OSError as error:
                msg = (
                    f"The Dask scheduler at {client!r} does not answer: {error}. Check that it "
                    f"runs, and its address."
                )
                raise ExecutorUnavailableError(msg) from error
            except ValueError as error:
                msg = (
                    f"{client!r} is no address of a Dask scheduler: {error}. Write tcp://host:8786."
                )
                raise ExecutorError(msg) from error
        self._client: Any = client
        self._handed: dict[Future[Any], Any] = {}
        self._known = 0, 0.0

    @property
    def capacity(self) -> int:
        """How many threads the workers have now."""
        count, asked = self._known
        if time.monotonic() - asked > _ASKED_AGAIN:
            with suppress(OSError):
                count = sum(self._client.nthreads().values())
            self._known = count, time.monotonic()
        return count

    def submit(self, do: Callable[..., _Result], *given: Any) -> Future[_Result]:
        """Submit a call to the scheduler."""
        # pure=False: otherwise Dask would take two equal calls for one.
        handed = self._client.submit(do, *given, pure=False)
        future: Future[_Result] = Future()
        self._handed[future] = handed
        handed.add_done_callback(lambda done: _pass_on(done, future))
        return future

    def collect(self, future: Future[_Result]) -> _Result | Loss:
        """Return the result, or why there is none."""
        self._handed.pop(future, None)
        try:
            return future.result()
        except (CancelledError, OSError):
            return Loss.KILLED
        except Exception as error:
            if type(error).__module__.partition(".")[0] == "distributed":
                return Loss.KILLED
            raise

    def abandon(self, future: Future[Any]) -> None:
        """Cancel a call; a worker that has begun it goes on."""
        given = self._handed.pop(future, None)
        if given is not None:
            with suppress(OSError):
                given.cancel(force=True)
        future.cancel()

    def close(self, *, at_once: bool) -> None:
        """Cancel what is not done."""
        for future in list(self._handed) if at_once else ():
            self.abandon(future)
        self._handed.clear()
        if self._own is not None:
            self._own.close()


def _pass_on(given: Any, future: Future[Any]) -> None:
    """Pass the result of a Dask future on to one of the standard library."""
    try:
        if given.cancelled():
            error: BaseException | None = CancelledError()
        else:
            error = given.exception()
        if error is None:
            future.set_result(given.result())
        else:
            future.set_exception(error)
    except BaseException as failure:  # noqa: BLE001  the connection to the scheduler, for instance
        with suppress(Exception):
            future.set_exception(failure)
