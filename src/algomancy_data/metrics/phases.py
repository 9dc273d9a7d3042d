"""Phases: measured, recorded, and reported to listeners."""

from __future__ import annotations

import threading
import time
import weakref
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, Protocol, Self, runtime_checkable

from algomancy_data.metrics.measurements import Metrics, PhaseMetrics
from algomancy_data.metrics.process_memory import MemoryWatch, peak_memory, resident_memory

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Sequence
    from contextlib import AbstractContextManager

    import polars as pl

    from algomancy_data.executors.workers import Workers


_current: ContextVar[Recording | None] = ContextVar("algomancy_data.recording", default=None)


class Recording:
    """The phases of a block; see :func:`recording`.

    Args:
        progress: Told of them as they happen; None for no listener.
        outer: The recording in whose block this one's is.
    """

    def __init__(
        self, progress: ProgressListener | None = None, outer: Recording | None = None
    ) -> None:
        self._progress = progress
        self._outer = outer
        self._phases: list[PhaseMetrics] = []

    @property
    def metrics(self) -> Metrics:
        """The phases that have ended, in order."""
        return Metrics(self._phases)

    @property
    def listeners(self) -> list[ProgressListener]:
        """The listeners of this recording and of the outer ones."""
        own = [] if self._progress is None else [self._progress]
        return own if self._outer is None else own + self._outer.listeners

    def note(self, metrics: PhaseMetrics) -> None:
        """Keep the metrics of a phase, here and in outer recordings."""
        self._phases.append(metrics)
        if self._outer is not None:
            self._outer.note(metrics)


@contextmanager
def recording(progress: ProgressListener | None = None) -> Generator[Recording]:
    """Record every phase of managers, pipelines and exports that runs inside a block.

    A phase that is part of another one is not recorded beside it. The block records its own
    thread, or ``asyncio`` task and what that starts; to have another thread recorded as well, run
    its work in a copy of the context (``contextvars.copy_context().run``).

    Args:
        progress: Told of the phases as they happen, beside the manager's listener.

    Example:
        >>> from algomancy_data import DataSource, SimpleETLFactory, StatelessDataManager
        >>> manager = StatelessDataManager(SimpleETLFactory, [], "json", DataSource)
        >>> source = DataSource("master_data", name="a")
        >>> source.add_table("t", {"x": [1, 2, 3]})
        >>> with recording() as record:
        ...     manager.add_data_source(source)
        ...     manager.derive_data("a", "b")
        >>> [(phase.phase, phase.dataset, phase.rows) for phase in record.metrics]
        [('persist', 'a', 3), ('derive', 'b', 3)]
    """
    record = Recording(progress, _current.get())
    token = _current.set(record)
    try:
        yield record
    finally:
        _current.reset(token)


def current_recording() -> Recording | None:
    """Return the recording of the innermost block, if any."""
    return _current.get()


class ProgressListener(Protocol):
    """Shows the progress of a run.

    It is called in the thread that does the work, so it should be quick. What it raises ends the
    work as any error would, and the store is as it was before: a way to cancel.

    A listener that also has :meth:`RowProgressListener.progressed` is told of the rows.
    """

    def phase_started(self, phase: str) -> None:
        """A phase begins."""
        ...

    def phase_finished(self, metrics: PhaseMetrics) -> None:
        """A phase ended without an exception."""
        ...


@runtime_checkable
class RowProgressListener(ProgressListener, Protocol):
    """A listener that is also told of the progress within a phase."""

    def progressed(self, phase: str, done_rows: int, total_rows: int | None) -> None:
        """Some rows of a phase are done.

        Called after each batch of rows that a database took or gave, after each table of a
        folder, and after each file that was extracted.

        Args:
            phase: The phase.
            done_rows: Rows that are done, of all tables together.
            total_rows: How many there are; None if that is not known before the end.
        """
        ...


class RowSink(Protocol):
    """Takes the rows of tables, one table after the other, while others are being made."""

    def take(self, table: str, rows: pl.DataFrame) -> None:
        """Take the next rows of a table, with the same dtypes as the first ones; may wait."""
        ...

    def end(self, table: str, frame: pl.DataFrame) -> None:
        """Note that a table is complete, and which frame it became."""
        ...

    def take_whole(self, table: str, frame: pl.DataFrame) -> None:
        """Take all rows of a table at once; may wait."""
        ...

    def drop(self, table: str) -> None:
        """Forget the rows of a table: it will have others."""
        ...


class Phase:
    """A running phase; the code that does the work reports progress here.

    It also finds here who helps with that work, and who takes what is done of it.

    Args:
        name: Name of the phase.
        listeners: Who is told.
        sizes: Of frames that were measured before.
        is_heard: Whether it, or the phase that it is part of, is listened to or recorded.

    Attributes:
        rows: Rows that it handles; if that is not set, the rows that were reported as done.
        total_rows: Of how many rows :meth:`advance` will tell; None if that is not known.
        bytes_in: What it was given.
        bytes_out: What it gives.
        workers: Who helps; None for no workers.
        sink: Takes the rows of tables that are not small as they are made; None for no sink.
    """

    def __init__(
        self,
        name: str = "",
        listeners: Sequence[ProgressListener] = (),
        sizes: FrameSizes | None = None,
        *,
        is_heard: bool = False,
    ) -> None:
        self.name = name
        self.is_heard = is_heard
        self.rows: int | None = None
        self.total_rows: int | None = None
        self.bytes_in: int | None = None
        self.bytes_out: int | None = None
        self.workers: Workers | None = None
        self.sink: RowSink | None = None
        self.done_rows = 0
        self._listeners = listeners
        self._sizes = sizes or FrameSizes()
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._told = 0

    @property
    def sizes(self) -> FrameSizes:
        """The sizes of the frames measured so far."""
        return self._sizes

    def handles(self, frames: Collection[pl.DataFrame]) -> None:
        """Note the frames that the phase is given, whose rows are the total to report."""
        self.rows = self.total_rows = sum(frame.height for frame in frames)
        self.takes(frames)

    def takes(self, frames: Iterable[pl.DataFrame]) -> None:
        """Note the memory of the frames that the phase is given."""
        self.bytes_in = sum(map(self._sizes.of, frames))

    def gives(self, frames: Iterable[pl.DataFrame]) -> None:
        """Note the memory of the frames that the phase gives."""
        self.bytes_out = sum(map(self._sizes.of, frames))

    def advance(self, rows: int) -> None:
        """Report that more rows are done, from any thread.

        The listeners hear of it in the phase's own thread.
        """
        with self._lock:
            self.done_rows += rows
        if self._listeners and threading.get_ident() == self._thread:
            self.tell()

    def tell(self) -> None:
        """Tell the listeners how many rows are done, unless they know."""
        done = self.done_rows
        if done != self._told:
            self._told = done
            for listener in self._listeners:
                if isinstance(listener, RowProgressListener):
                    listener.progressed(self.name, done, self.total_rows)


class _SilentPhase(Phase):
    """A phase that is not measured and keeps nothing."""

    def __reduce__(self) -> str:
        """Make it the same object in another process."""
        return "NO_PHASE"

    @property
    def sizes(self) -> FrameSizes:
        """Sizes of which none is measured."""
        return FrameSizes()

    def handles(self, frames: Collection[pl.DataFrame]) -> None:
        """Do nothing."""

    def takes(self, frames: Iterable[pl.DataFrame]) -> None:
        """Do nothing."""

    def gives(self, frames: Iterable[pl.DataFrame]) -> None:
        """Do nothing."""

    def advance(self, rows: int) -> None:
        """Do nothing."""


class FrameSizes:
    """Measures each frame once, since nested columns take a look at every list.

    It keeps no frame in memory.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[pl.DataFrame], tuple[int, int], int]] = {}

    def of(self, frame: pl.DataFrame) -> int:
        """Return the bytes that a frame takes in memory."""
        known = self._known.get(id(frame))
        # Another frame may have got the id of one that is gone; a user's component may change one.
        if known is None or known[0]() is not frame or known[1] != frame.shape:
            size = int(frame.estimated_size())
            known = self._known[id(frame)] = (weakref.ref(frame), frame.shape, size)
        return known[2]

    def __reduce__(self) -> tuple[type[Self], tuple[()]]:
        """Start empty in another process, which has other frames."""
        return type(self), ()


NO_PHASE: Final[Phase] = _SilentPhase()
"""A phase that measures nothing, and forgets what it is told."""

_NOTHING: Final = nullcontext(NO_PHASE)
_under_way: ContextVar[Phase | None] = ContextVar("algomancy_data.phase", default=None)


class PhaseRecorder:
    """Measures phases, keeps their metrics, and tells a listener and the recording.

    Args:
        listener: Told of the phase; None for no listener.
        dataset: Name of the dataset that the phases are about.
        sizes: Of frames that were measured before.

    Example:
        >>> recorder = PhaseRecorder()
        >>> with recorder.phase("extract") as phase:
        ...     phase.rows = 10
        >>> [(m.phase, m.rows) for m in recorder.metrics]
        [('extract', 10)]
    """

    def __init__(
        self,
        listener: ProgressListener | None = None,
        dataset: str | None = None,
        sizes: FrameSizes | None = None,
    ) -> None:
        self._listener = listener
        self._dataset = dataset
        self._metrics: list[PhaseMetrics] = []
        self.sizes = sizes or FrameSizes()

    @property
    def metrics(self) -> Metrics:
        """The phases that ended, in order."""
        return Metrics(self._metrics)

    @contextmanager
    def phase(self, name: str) -> Generator[Phase]:
        """Measure a block; nothing is recorded when it raises."""
        outer = _under_way.get()
        is_part = outer is not None and outer.is_heard
        record = None if is_part else _current.get()
        listeners = [] if is_part or self._listener is None else [self._listener]
        for listener in () if record is None else record.listeners:
            if all(listener is not known for known in listeners):
                listeners.append(listener)
        is_heard = is_part or record is not None or bool(listeners)
        phase = Phase(name, listeners, self.sizes, is_heard=is_heard)
        for listener in listeners:
            listener.phase_started(name)
        token = _under_way.set(phase)
        try:
            with MemoryWatch() if is_heard and not is_part else nullcontext() as watched:
                start, cpu = time.perf_counter(), time.process_time()
                yield phase
                seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
        finally:
            _under_way.reset(token)
        memory = resident_memory() if watched is None else watched.most
        metrics = PhaseMetrics(
            name,
            seconds,
            phase.done_rows if phase.rows is None else phase.rows,
            cpu_seconds,
            phase.bytes_in,
            phase.bytes_out,
            peak_memory(),
            self._dataset,
            memory.anonymous,
            memory.mapped,
        )
        self._metrics.append(metrics)
        if record is not None:
            record.note(metrics)
        if listeners:
            phase.tell()
        for listener in listeners:
            listener.phase_finished(metrics)


def measuring(
    name: str, listener: ProgressListener | None = None, dataset: str | None = None
) -> AbstractContextManager[Phase]:
    """Measure a block as a phase, if there is a listener or a recorder.

    Args:
        name: Name of the phase.
        listener: Told of the phase; None for no listener.
        dataset: Name of the dataset.

    Example:
        >>> from algomancy_data.metrics import recording
        >>> with recording() as record, measuring("upload", dataset="a") as phase:
        ...     phase.rows = 10
        >>> [(m.phase, m.dataset, m.rows) for m in record.metrics]
        [('upload', 'a', 10)]
    """
    if listener is None and current_recording() is None and _under_way.get() is None:
        return _NOTHING
    return PhaseRecorder(listener, dataset).phase(name)
