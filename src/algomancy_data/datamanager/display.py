"""What a manager shows of itself at a glance: its newest datasets, without reading them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from algomancy_data.display.grid import MOST_ROWS, Cell, Grid
from algomancy_data.display.objects import Display
from algomancy_data.display.words import counted, size_text, time_text
from algomancy_data.errors import AlgomancyDataError
from algomancy_data.findings import counts_text

if TYPE_CHECKING:
    from algomancy_data.datamanager.stored_datasets import StoredDatasets
    from algomancy_data.store import DatasetInfo


def display_of(manager: StoredDatasets[Any], location: str) -> Display:
    """Return what is shown of a manager.

    Args:
        manager: The manager; one whose store is down, too.
        location: Where it keeps its data.
    """
    title = type(manager).__name__
    try:
        shown = manager.describe_all(MOST_ROWS)
        count = len({*manager.get_data_keys(), *(info.name for info in shown)})
    except AlgomancyDataError as error:
        return Display(title, (location,), note=f"{type(error).__name__}: {error}")
    return Display(title, (location, counted(count, "dataset")), (_grid(shown, count),))


def _grid(shown: list[DatasetInfo], count: int) -> Grid:
    return Grid.from_first_rows(
        ("dataset", "type", "created", "tables", "rows", "size", "findings", "state"),
        (
            (
                info.name,
                info.ds_type,
                info.creation_datetime and time_text(info.creation_datetime),
                *_extent(info),
                counts_text(info.findings) if info.findings else None,
                "damaged" if info.problem else None,
            )
            for info in reversed(shown)
        ),
        count,
        "older one",
    )


def _extent(info: DatasetInfo) -> tuple[Cell, Cell, Cell]:
    """Return the number of tables and rows, and the size; nothing if they cannot be known."""
    if info.has_unknown_tables:
        return None, None, None
    size = None if info.bytes is None else size_text(info.bytes)
    return len(info.tables), info.rows, size
