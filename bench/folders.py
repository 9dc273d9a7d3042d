"""Our folder store as the benchmarks use it."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from algomancy_data import DataSource, SimpleETLFactory, StatefulDataManager

if TYPE_CHECKING:
    from pathlib import Path


def open_folder(folder: Path) -> StatefulDataManager[DataSource]:
    """Return a manager that has started."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        manager = StatefulDataManager(SimpleETLFactory, [], folder, "json", DataSource)
    manager.startup()
    return manager
