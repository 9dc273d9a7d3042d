"""What is kept of a run: where, when, of which revision, and the figures."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from harness.limits import Limits

if TYPE_CHECKING:
    from pathlib import Path

# What the figures depend on; the lock file has the rest.
PACKAGES = (
    "polars",
    "pyarrow",
    "adbc-driver-manager",
    "adbc-driver-sqlite",
    "adbc-driver-postgresql",
    "SQLAlchemy",
    "pandas",
    "duckdb",
    "connectorx",
    "psycopg",
    "dlt",
    "dataframely",
    "pandera",
    "fastexcel",
)
OF_THE_HARNESS = "harness"
DIGITS = 4


@dataclass(frozen=True)
class Comparison:
    """Ours beside one other."""

    name: str
    value: float
    ratio: float
    range: list[float]
    remark: str
    target: str
    met: bool | None


@dataclass(frozen=True)
class Measurement:
    """One benchmark; see `harness` for the meaning of each field."""

    kind: str
    operation: str
    workload: str
    rows: int
    unit: str
    ours: float
    against: list[Comparison]
    points: list[list[float]]
    phases: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Results:
    """A run."""

    machine: dict[str, Any]
    revision: str
    date: str
    versions: dict[str, str]
    measurements: list[Measurement]
    unmeasured: list[list[str]]
    """Of what something is promised: workload, operation, beside what."""

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"

    def of_kind(self, kind: str) -> list[Measurement]:
        return [one for one in self.measurements if one.kind == kind]


def from_run(path: Path) -> Results:
    """Read the JSON that pytest-benchmark wrote."""
    run = json.loads(path.read_text())
    commit = run["commit_info"]
    versions = {name.lower(): version for name, version in run["versions"].items()}
    measurements = [
        benchmark["extra_info"]
        for benchmark in run["benchmarks"]
        if benchmark["extra_info"].get("workload", OF_THE_HARNESS) != OF_THE_HARNESS
    ]
    measured = {
        (one["workload"], one["operation"], other["name"])
        for one in measurements
        for other in one["against"]
    }
    unmeasured = [
        [workload, operation, against]
        for workload, operation, against in Limits().names()
        if workload != OF_THE_HARNESS and (workload, operation, against) not in measured
    ]
    document = {
        "machine": run["machine"],
        "revision": commit["id"][:12] + (" and changes" if commit["dirty"] else ""),
        "date": run["datetime"][:10],
        "versions": {name: versions[name.lower()] for name in PACKAGES if name.lower() in versions},
        "measurements": sorted(measurements, key=lambda one: (one["kind"], one["workload"])),
        "unmeasured": unmeasured,
    }
    return made(rounded(document))


def rounded(value: Any) -> Any:
    """Return a document with as many digits as mean something."""
    match value:
        case float():
            return float(f"{value:.{DIGITS}g}")
        case dict():
            return {name: rounded(item) for name, item in value.items()}
        case list():
            return [rounded(item) for item in value]
    return value


def read(path: Path) -> Results:
    """Read a summary."""
    return made(json.loads(path.read_text()))


def made(document: dict[str, Any]) -> Results:
    measurements = [
        Measurement(**one | {"against": [Comparison(**other) for other in one["against"]]})
        for one in document["measurements"]
    ]
    return Results(**document | {"measurements": measurements})
