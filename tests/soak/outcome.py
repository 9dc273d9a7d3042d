"""What a scenario came to, and tables of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

HEADER = (
    *("scenario", "store", "operations", "faults", "errors", "lost", "torn"),
    *("longest wait", "operations a second", "verdict"),
)


@dataclass
class Outcome:
    """What a scenario came to on a store.

    Args:
        scenario: What was done to it.
        store: To which store.
        operations: How many operations were done.
        faults: How many times something was killed, stopped or failed.
        lost: How often something was gone that had been acknowledged.
        torn: How often something was neither old nor new, or damaged, or left over.
        failures: How many operations failed with an error of ours, and left the old state.
        longest: Seconds that the longest call took.
        seconds: How long operations were done.
        problems: What else is wrong, and each loss in words.
        notes: What else there is to say.
    """

    scenario: str
    store: str
    operations: int = 0
    faults: int = 0
    lost: int = 0
    torn: int = 0
    failures: int = 0
    longest: float = 0.0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.lost or self.torn or self.problems)

    def waited(self, seconds: float) -> None:
        """Note how long a call took."""
        self.longest = max(self.longest, seconds)

    @property
    def cells(self) -> tuple[str, ...]:
        """What stands in the table."""
        rate = self.operations / self.seconds if self.seconds else 0.0
        return (
            *(self.scenario, self.store, f"{self.operations:,}", f"{self.faults:,}"),
            *(f"{self.failures:,}", str(self.lost), str(self.torn)),
            *(f"{self.longest:.1f} s", f"{rate:,.1f}"),
            "passed" if self.is_good else "FAILED",
        )


def as_markdown(outcomes: Iterable[Outcome]) -> str:
    """Return a table, and what there is to say below it."""
    shown = list(outcomes)
    rows = [HEADER, tuple("---" for _ in HEADER), *(one.cells for one in shown)]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    for one in shown:
        lines += [f"\n{one.scenario}, {one.store}: {note}" for note in one.notes]
        lines += [f"\n**{one.scenario}, {one.store}: {said}**" for said in one.problems[:20]]
    return "\n".join(lines) + "\n"
