"""Are keys of rows that are added to a dataset stored there already?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from algomancy_data.frames.side_by_side import side_by_side
from algomancy_data.messages import ValidationSeverity
from algomancy_data.relations.keys import rows_where
from algomancy_data.relations.stored import StoredKeys
from algomancy_data.validator.base import FrameCheck

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import polars as pl

    from algomancy_data.relations.declared import Key


class StoredRows(StoredKeys, Protocol):
    """The rows of the dataset that others are added to."""

    def rows(self, table: str, query: Callable[[pl.LazyFrame], pl.LazyFrame]) -> pl.DataFrame:
        """Return what a query gives of a table: the dataset must remain as it is.

        Args:
            table: Name of a table that the dataset has.
            query: What is asked of its rows.
        """
        ...


class StoredKeyValidator(FrameCheck):
    """Reports rows with a key of which the dataset may have one only, and has it.

    Code: KEY_STORED (CRITICAL). The ``column`` of a message is the whole key, joined with ``","``.

    Args:
        stored: The keys that are stored.
        keys: The keys of each table of which it may have each once.
    """

    def __init__(self, stored: StoredKeys, keys: Mapping[str, Sequence[Key]]) -> None:
        super().__init__()
        self._stored = stored
        self._keys = keys

    def check(self, tables: dict[str, pl.DataFrame]) -> None:
        """Report what is stored already."""
        severity = ValidationSeverity.CRITICAL
        for table, frame in tables.items():
            stored = set(self._stored.columns(table))
            for key in self._keys.get(table, ()):
                if not stored.issuperset(key) or not set(frame.columns).issuperset(key):
                    continue
                values = side_by_side(frame[name] for name in key)
                if self.can_compare(values, table, severity):
                    rows = rows_where(self._stored.known(table, key, values))
                    problem = "Key is stored already"
                    self.report_rows(
                        severity, problem, rows, values, table=table, code="KEY_STORED"
                    )
