"""What is shown of the outcome of an ETL at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from algomancy_data.datasource import DataSource
from algomancy_data.datasource.glance import size_facts, tables_grid
from algomancy_data.findings import count_by_severity, counts_text, findings_grid
from algomancy_data.glance import MOST_ROWS, Glance, Grid, many
from algomancy_data.provenance import TableSize

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from algomancy_data.etl import ETLResult


def glance_at(result: ETLResult) -> Glance:
    """Return the status, the tables, what was found, and how long each phase took.

    Args:
        result: The outcome; nothing in its tables is looked at.
    """
    source = result.datasource
    tables = source.tables if isinstance(source, DataSource) else {}
    facts = [] if source is None else [f"{type(source).__name__} {source.name!r}"]
    if tables:
        facts += size_facts({name: TableSize.of(frame) for name, frame in tables.items()})
    facts.append(counts_text(count_by_severity(result.messages)))
    if result.metrics:
        facts.append(f"{sum(phase.seconds for phase in result.metrics):.3f} s")
    phases = Grid(
        ("phase", "rows", "seconds", "rows per second"),
        [
            (phase.phase, phase.rows, phase.seconds, round(phase.rows_per_second))
            for phase in result.metrics
        ],
    )
    grids = (
        tables_grid(tables),
        _quarantine_grid(result.quarantine),
        findings_grid(result.messages),
        phases,
    )
    note = "" if result.raised is None else f"{type(result.raised).__name__}: {result.raised}"
    return Glance(f"ETL: {result.status}", facts, grids, note)


def _quarantine_grid(quarantine: Mapping[str, pl.DataFrame]) -> Grid:
    shown = [(name, frame.height) for name, frame in list(quarantine.items())[:MOST_ROWS]]
    rest = len(quarantine) - len(shown)
    left_out = f"… and {many(rest, 'more table')}." if rest > 0 else ""
    return Grid(("in quarantine", "rows"), shown, left_out)
