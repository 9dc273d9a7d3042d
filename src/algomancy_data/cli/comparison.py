"""Comparison of ``bench`` with earlier measurements: the ratio of each operation."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Final, Self

from algomancy_data.documents import expect, member
from algomancy_data.errors import CommandLineError, SerializationError
from algomancy_data.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

Operation = tuple[str, str]
"""A store, and a phase of the work on it."""

_SHORTEST: Final = 0.001
"""Seconds that no clock of a busy machine measures well."""


@dataclass(frozen=True)
class Timings:
    """How long each operation took, in each repetition.

    Args:
        rows: Rows of the large table.
        seconds: The times.
    """

    rows: int
    seconds: Mapping[Operation, list[float]]

    @classmethod
    def of(cls, rows: int, repeated: Iterable[Mapping[str, Metrics]]) -> Self:
        """Return the times of repetitions, each given as metrics by store."""
        seconds: defaultdict[Operation, list[float]] = defaultdict(list)
        for stores in repeated:
            for store, metrics in stores.items():
                for name, phase in metrics.by_phase().items():
                    seconds[store, name].append(phase.seconds)
        return cls(rows, dict(seconds))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return what ``bench --json`` wrote.

        Raises:
            CommandLineError: It is no such file.
        """
        try:
            document = expect(dict, json.loads(path.read_text("utf-8")), "document")
            repeated = expect(list, document.get("repeated", [document.get("stores")]), "repeated")
            stores = [
                {
                    store: Metrics.from_dict(metrics)
                    for store, metrics in expect(dict, one, "stores").items()
                }
                for one in repeated
            ]
            return cls.of(member(document, "rows", int), stores)
        except (OSError, ValueError, SerializationError) as error:
            msg = f"--compare {str(path)!r} is not what `bench --json` writes: {error}"
            raise CommandLineError(msg) from error


@dataclass(frozen=True)
class Ratio:
    """The ratio of an operation's time to the earlier one.

    Args:
        store: Name of the store.
        phase: The operation.
        earlier: Median of the earlier times, in seconds.
        now: Median of the times.
        ratio: Of the medians.
        best: Of the shortest times, to which what else the machine does has added least.
        lowest: The shortest time beside the longest earlier one.
        highest: The longest time beside the shortest earlier one.
    """

    store: str
    phase: str
    earlier: float
    now: float
    ratio: float
    best: float
    lowest: float
    highest: float

    def is_above(self, factor: float) -> bool:
        """Tell whether it exceeds a limit, and not in a few repetitions only."""
        return min(self.ratio, self.best) > factor

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return asdict(self)


def ratios(earlier: Timings, now: Timings) -> list[Ratio]:
    """Return a ratio for each operation that was measured both times and is long enough.

    Example:
        >>> before = Timings(10, {("memory", "load"): [1.0, 1.0, 1.25]})
        >>> after = Timings(10, {("memory", "load"): [2.0, 2.5, 2.0], ("folder", "load"): [1.0]})
        >>> for one in ratios(before, after):
        ...     print(one.store, one.ratio, one.lowest, one.highest)
        memory 2.0 1.6 2.5
    """
    found: list[Ratio] = []
    for (store, phase), times in now.seconds.items():
        before = earlier.seconds.get((store, phase))
        if before is None or min(*times, *before) < _SHORTEST:
            continue
        found.append(
            Ratio(
                store,
                phase,
                median(before),
                median(times),
                median(times) / median(before),
                min(times) / min(before),
                min(times) / max(before),
                max(times) / min(before),
            )
        )
    return found
