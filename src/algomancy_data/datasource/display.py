"""What is shown of a DataSource at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from algomancy_data.display.grid import Grid
from algomancy_data.display.objects import Display
from algomancy_data.display.words import counted, size_text, time_text
from algomancy_data.findings import count_by_severity, counts_in_words, findings_grid
from algomancy_data.provenance import TableSize

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from algomancy_data.datasource.base import BaseDataSource

_MOST_COLUMNS: Final = 6


def display_of(source: BaseDataSource, tables: Mapping[str, pl.DataFrame]) -> Display:
    """Return the tables, their sizes, and what was found.

    Args:
        source: The DataSource.
        tables: Its frames by name; nothing in them is looked at.
    """
    facts = [str(source.ds_type), f"created {time_text(source.creation_datetime)}"]
    facts += size_facts(tables)
    if (provenance := source.provenance) is not None:
        if provenance.files:
            facts.append(f"from {counted(len(provenance.files), 'file')}")
        if provenance.derived_from is not None:
            facts.append(f"derived from {provenance.derived_from!r}")
    if source.validation_messages:
        facts.append(counts_in_words(count_by_severity(source.validation_messages)))
    return Display(
        f"{type(source).__name__} {source.name!r}",
        facts,
        (tables_grid(tables), findings_grid(source.validation_messages)),
    )


def size_facts(tables: Mapping[str, pl.DataFrame]) -> list[str]:
    """Return how many tables, rows and bytes there are, in words."""
    if not tables:
        return ["no tables"]
    sizes = [TableSize.of(frame) for frame in tables.values()]
    return [
        counted(len(sizes), "table"),
        counted(sum(size.rows for size in sizes), "row"),
        size_text(sum(size.bytes for size in sizes)),
    ]


def tables_grid(tables: Mapping[str, pl.DataFrame]) -> Grid:
    """Return a row per table, as many as are shown of an object."""
    return Grid.from_first_rows(
        ("table", "rows", "columns", "memory", "first columns"),
        (
            (
                name,
                frame.height,
                frame.width,
                size_text(TableSize.of(frame).bytes),
                _first_columns(frame),
            )
            for name, frame in tables.items()
        ),
        len(tables),
        "more table",
    )


def _first_columns(frame: pl.DataFrame) -> str:
    named = [f"{name} {dtype}" for name, dtype in list(frame.schema.items())[:_MOST_COLUMNS]]
    return ", ".join([*named, *(["…"] if frame.width > _MOST_COLUMNS else [])])
