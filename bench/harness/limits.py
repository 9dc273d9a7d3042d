"""What is promised and where a run fails: ``bench/limits.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

PATH = Path(__file__).parents[1] / "limits.toml"


@dataclass(frozen=True)
class Limit:
    """How large ours divided by the other may be."""

    largest: float
    words: str

    @classmethod
    def at_most(cls, ratio: float) -> Self:
        return cls(ratio, f"≤ {ratio:g} ×")

    @classmethod
    def faster(cls, times: float) -> Self:
        return cls(1 / times, f"≥ {times:,g} × faster")

    def met_by(self, ratio: float) -> bool:
        return ratio <= self.largest


@dataclass(frozen=True)
class Promise:
    """A target for the report, and the gate where a run fails."""

    target: Limit | None = None
    gate: Limit | None = None

    @classmethod
    def from_entry(cls, entry: dict[str, float]) -> Self:
        """Read ``{ faster = 15, gate = 5 }`` or ``{ at_most = 1.15, gate = 1.4 }``."""
        match entry:
            case {"faster": target, "gate": gate}:
                return cls(Limit.faster(target), Limit.faster(gate))
            case {"at_most": target, "gate": gate}:
                return cls(Limit.at_most(target), Limit.at_most(gate))
        raise ValueError(f"A limit has a gate, and either faster or at_most, not {entry}.")

    def judged(self, ratio: float) -> dict[str, Any]:
        """Return the part of a report's row that is about the target."""
        if self.target is None:
            return {"target": "", "met": None}
        return {"target": self.target.words, "met": self.target.met_by(ratio)}

    def violation(self, ratio: float) -> str | None:
        if self.gate is None or self.gate.met_by(ratio):
            return None
        return f"{ratio:.3f} × instead of {self.gate.words}"


class Limits:
    """All promises, by workload, operation, and what it is measured against."""

    def __init__(self, path: Path = PATH) -> None:
        self._entries: dict[str, dict[str, dict[str, Any]]] = tomllib.loads(path.read_text())

    def of(self, workload: str, operation: str, against: str) -> Promise:
        entry = self._entries.get(workload, {}).get(operation, {}).get(against)
        return Promise() if entry is None else Promise.from_entry(entry)

    def names(self) -> list[tuple[str, str, str]]:
        """Return the (workload, operation, against) that something is promised about, in order."""
        return [
            (workload, operation, against)
            for workload, operations in self._entries.items()
            for operation, entries in operations.items()
            for against in entries
        ]
