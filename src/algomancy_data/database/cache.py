"""The DataSources that a manager has in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import polars as pl

from algomancy_data.database.protocols import SqlTableLayout
from algomancy_data.datasource import BASEDATASOURCE
from algomancy_data.identity import identical_tables

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class _Kept:
    """What is known about a DataSource in memory.

    Args:
        version: Version of the dataset that it is.
        tables: Its frames when it was kept; clones share their memory.
        bytes: Memory that the frames take.
    """

    version: str
    tables: Mapping[str, pl.DataFrame]
    bytes: int


class DataSourceCache(dict[str, BASEDATASOURCE]):
    """DataSources by name, the least recently used first.

    Args:
        max_count: Number to keep at most; None for no limit.
        max_bytes: Memory that their frames may take together; None for no limit. One DataSource
            is kept even if it alone takes more.
    """

    def __init__(self, max_count: int | None = None, max_bytes: int | None = None) -> None:
        super().__init__()
        for name, limit in (
            ("datasource_cache_size", max_count),
            ("datasource_cache_bytes", max_bytes),
        ):
            if not isinstance(cast("object", limit), int | None):
                msg = f"{name} is a number, or None for no limit, not {limit!r}."
                raise TypeError(msg)
            if limit is not None and limit < 1:
                msg = f"{name} must be at least 1, or None for no limit, not {limit}."
                raise ValueError(msg)
        self._max_count = max_count
        self._max_bytes = max_bytes
        self._kept: dict[str, _Kept] = {}

    def use(self, name: str, version: str | None) -> BASEDATASOURCE | None:
        """Return a DataSource if it is here in this version; it becomes the last used."""
        if name not in self or self._kept[name].version != version:
            return None
        self[name] = data = self.pop(name)
        return data

    def keep(self, name: str, data: BASEDATASOURCE, version: str) -> None:
        """Keep a DataSource, and forget the least recently used ones beyond the limits."""
        self.forget(name)
        frames = _frames(data)
        size = sum(int(frame.estimated_size()) for frame in frames.values())
        self[name] = data
        self._kept[name] = _Kept(version, {key: f.clone() for key, f in frames.items()}, size)
        while len(self) > 1 and self._is_too_much():
            self.forget(next(iter(self)))

    def forget(self, name: str) -> None:
        """Forget a DataSource, if it is here."""
        self.pop(name, None)
        self._kept.pop(name, None)

    def forget_all(self) -> None:
        """Forget all DataSources."""
        self.clear()
        self._kept.clear()

    def is_unchanged(self, name: str) -> bool:
        """Tell whether a DataSource has the frames that it had when it was kept."""
        return identical_tables(_frames(self[name]), self._kept[name].tables)

    def _is_too_much(self) -> bool:
        too_many = self._max_count is not None and len(self) > self._max_count
        total = sum(kept.bytes for kept in self._kept.values())
        return too_many or (self._max_bytes is not None and total > self._max_bytes)


def _frames(data: object) -> dict[str, pl.DataFrame]:
    """Return the Polars frames of a DataSource; of others nothing is known."""
    tables = data.to_sql_tables() if isinstance(data, SqlTableLayout) else {}
    return {name: table for name, table in tables.items() if isinstance(table, pl.DataFrame)}
