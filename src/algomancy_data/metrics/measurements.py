"""The measurements of a phase, and of several together."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar

from algomancy_data.display.grid import Grid
from algomancy_data.display.objects import Display, Displayed
from algomancy_data.display.words import counted, size_text
from algomancy_data.documents import member, members_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_Number = TypeVar("_Number", int, float)


@dataclass(frozen=True, slots=True)
class PhaseMetrics:
    """The measurements of one phase. None means unknown, never zero.

    Args:
        phase: ``"extract"``, ``"validate"``, ``"transform"``, ``"load"`` and ``"persist"`` for
            those of an ETL; ``"persist"``, ``"read"``, ``"derive"``, ``"delete"``, ``"startup"``
            and ``"export"`` for what is done to a store.
        seconds: Wall time.
        rows: Rows of all tables that the phase handled; 0 if it looked at none, as in a deletion.
        cpu_seconds: Time that all threads of the process spent on a core meanwhile, in the kernel
            or not, regardless of what they were doing.
        bytes_in: What the phase was given: bytes of the files as they are stored for
            ``"extract"`` and the ``"read"`` of a folder, else memory of the frames.
        bytes_out: What the phase gave: bytes of the files that it wrote for ``"persist"``,
            ``"derive"`` and ``"export"``, else memory of the frames.
        peak_memory: The most memory, in bytes, that the process had resident at any moment up to
            the end of the phase, mapped files included. It never falls: what a phase needs is how
            much it rises, if it is the largest yet.
        dataset: Name of the dataset.
        anonymous_memory: The most memory of the process that was no file's: when the phase ended,
            and at any moment of it if somebody listened or recorded.
        mapped_memory: Likewise the most memory of mapped files, which the system takes back when
            it needs the room.

    Example:
        >>> metrics = PhaseMetrics("persist", seconds=0.5, rows=1_000_000)
        >>> metrics.rows_per_second
        2000000.0
        >>> PhaseMetrics.from_dict(metrics.to_dict()) == metrics
        True
    """

    phase: str
    seconds: float
    rows: int
    cpu_seconds: float | None = None
    bytes_in: int | None = None
    bytes_out: int | None = None
    peak_memory: int | None = None
    dataset: str | None = None
    anonymous_memory: int | None = None
    mapped_memory: int | None = None

    @property
    def rows_per_second(self) -> float:
        """Rows per second of wall time; 0.0 if no time passed."""
        return self.rows / self.seconds if self.seconds else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: object) -> Self:
        """Return what :meth:`to_dict` described, also that of an earlier or later version.

        Raises:
            SerializationError: It is not what :meth:`to_dict` describes.
        """
        return cls(**members_of(cls, document, "phase"))


class Metrics(Displayed, tuple[PhaseMetrics, ...]):
    """The measurements of several phases, in the order in which they ended.

    Example:
        >>> import json
        >>> metrics = Metrics([PhaseMetrics("read", 0.25, 10), PhaseMetrics("read", 0.5, 20)])
        >>> metrics.seconds, metrics.by_phase()["read"].rows
        (0.75, 30)
        >>> Metrics.from_dict(json.loads(json.dumps(metrics.to_dict()))) == metrics
        True
    """

    __slots__ = ()

    @property
    def seconds(self) -> float:
        """Wall time of all phases."""
        return sum(phase.seconds for phase in self)

    @property
    def cpu_seconds(self) -> float | None:
        """CPU time of all phases; None if one is unknown."""
        known = _all_known(phase.cpu_seconds for phase in self)
        return None if known is None else sum(known)

    @property
    def peak_memory(self) -> int | None:
        """The largest ``peak_memory``, in bytes; None if none is known."""
        return _largest(phase.peak_memory for phase in self)

    @property
    def anonymous_memory(self) -> int | None:
        """The largest ``anonymous_memory``, in bytes; None if none is known."""
        return _largest(phase.anonymous_memory for phase in self)

    @property
    def mapped_memory(self) -> int | None:
        """The largest ``mapped_memory``, in bytes; None if none is known."""
        return _largest(phase.mapped_memory for phase in self)

    def by_phase(self) -> dict[str, PhaseMetrics]:
        """Return the sums of the phases by name, in order of first appearance.

        Times, rows and bytes add up, None to None; the peak is the largest. The dataset is None
        where there are several.
        """
        groups: dict[str, list[PhaseMetrics]] = {}
        for phase in self:
            groups.setdefault(phase.phase, []).append(phase)
        return {name: _together(name, Metrics(group)) for name, group in groups.items()}

    def _display(self) -> Display:
        facts = [counted(len(self), "phase"), f"{self.seconds:.3f} s"]
        if self.cpu_seconds is not None:
            facts.append(f"{self.cpu_seconds:.3f} s of CPU")
        return Display("Metrics", facts, (phases_grid(self),))

    def to_dict(self) -> dict[str, Any]:
        """Return the sums and each phase as plain JSON values."""
        return {
            "seconds": self.seconds,
            "cpu_seconds": self.cpu_seconds,
            "peak_memory": self.peak_memory,
            "anonymous_memory": self.anonymous_memory,
            "mapped_memory": self.mapped_memory,
            "phases": [phase.to_dict() for phase in self],
        }

    @classmethod
    def from_dict(cls, document: object) -> Self:
        """Return what :meth:`to_dict` described, also that of an earlier or later version.

        Raises:
            SerializationError: It is not what :meth:`to_dict` describes.
        """
        return cls(map(PhaseMetrics.from_dict, member(document, "phases", list, "metrics")))


def _together(name: str, group: Metrics) -> PhaseMetrics:
    datasets = {phase.dataset for phase in group}
    return PhaseMetrics(
        name,
        group.seconds,
        sum(phase.rows for phase in group),
        group.cpu_seconds,
        _total(phase.bytes_in for phase in group),
        _total(phase.bytes_out for phase in group),
        group.peak_memory,
        datasets.pop() if len(datasets) == 1 else None,
        group.anonymous_memory,
        group.mapped_memory,
    )


def _largest(bytes_each: Iterable[int | None]) -> int | None:
    return max((size for size in bytes_each if size is not None), default=None)


def _total(bytes_each: Iterable[int | None]) -> int | None:
    known = _all_known(bytes_each)
    return None if known is None else sum(known)


def _all_known(numbers: Iterable[_Number | None]) -> list[_Number] | None:
    """Return the numbers, or None if one is None."""
    listed = list(numbers)
    known = [number for number in listed if number is not None]
    return known if len(known) == len(listed) else None


def phases_grid(phases: Sequence[PhaseMetrics]) -> Grid:
    """Return a row per phase."""
    return Grid.from_first_rows(
        ("phase", "dataset", "rows", "seconds", "rows per second", "CPU seconds", "peak memory"),
        (
            (
                phase.phase,
                phase.dataset,
                phase.rows,
                phase.seconds,
                round(phase.rows_per_second),
                phase.cpu_seconds,
                None if phase.peak_memory is None else size_text(phase.peak_memory),
            )
            for phase in phases
        ),
        len(phases),
        "more phase",
        right=("peak memory",),
    )
