"""The DataSources that a manager has in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import polars as pl

from algomancy_data.datasource import BASEDATASOURCE, SqlTableLayout
from algomancy_data.frames.identical import identical
from algomancy_data.frames.scratch import FilePages
from algomancy_data.frames.tabular import numbered
from algomancy_data.store import DatasetInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.metrics import FrameSizes

_Addresses: TypeAlias = list[tuple[int | None, int, int]]


@dataclass(frozen=True)
class _Kept:
    """A DataSource in memory, and what is known of it.

    Args:
        version: Version of the dataset that it is.
        info: What was known of it, but for its tables, when it was kept.
        tables: Its frames then; clones share their memory.
        bytes: Memory that the frames take; 0 where there is no limit to it.
    """

    version: str
    info: DatasetInfo
    tables: Mapping[str, pl.DataFrame]
    bytes: int


class DataSourceCache(dict[str, BASEDATASOURCE]):
    """DataSources by name, the least recently used first.

    Args:
        max_count: Number to keep at most; None for no limit.
        max_bytes: Memory that their frames may take together; None for no limit. One DataSource
            is kept even if it alone takes more. Columns that are mapped from files do not count.
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

    def version(self, name: str) -> str | None:
        """Return the version of a DataSource in the cache, or None."""
        return self._kept[name].version if name in self else None

    def use(self, name: str, version: str | None) -> BASEDATASOURCE | None:
        """Return a DataSource if it is cached in this version; it becomes the last used."""
        if name not in self or self._kept[name].version != version:
            return None
        self[name] = data = self.pop(name)
        return data

    def keep(self, name: str, data: BASEDATASOURCE, version: str, sizes: FrameSizes) -> None:
        """Keep a DataSource, and evict the least recently used ones beyond the limits.

        Args:
            name: Its name.
            data: The DataSource.
            version: Version of the dataset that it is.
            sizes: Those of its frames that were measured already.
        """
        self.forget(name)
        frames = _frames(data)
        counts = self._max_bytes is not None
        size = sum(_in_memory(frame, sizes) for frame in frames.values()) if counts else 0
        clones = {table: frame.clone() for table, frame in frames.items()}
        self[name] = data
        self._kept[name] = _Kept(version, DatasetInfo.of(name, data, {}), clones, size)
        while len(self) > 1 and self._is_too_much():
            self.forget(next(iter(self)))

    def forget(self, name: str) -> None:
        """Forget a DataSource, if it is cached."""
        self.pop(name, None)
        self._kept.pop(name, None)

    def forget_all(self) -> None:
        """Forget all DataSources."""
        self.clear()
        self._kept.clear()

    def is_changed(self, name: str) -> bool:
        """Tell whether a cached DataSource has changed since it was kept."""
        if name not in self:
            return False
        now, kept = _frames(self[name]), self._kept[name]
        return (
            DatasetInfo.of(name, self[name], {}) != kept.info
            or list(now) != list(kept.tables)
            or not all(_is_same(now[table], kept.tables[table]) for table in now)
        )

    def _is_too_much(self) -> bool:
        if self._max_count is not None and len(self) > self._max_count:
            return True
        if self._max_bytes is None:
            return False
        return sum(kept.bytes for kept in self._kept.values()) > self._max_bytes


def _frames(data: object) -> dict[str, pl.DataFrame]:
    """Return the Polars frames of a DataSource, the only part that can be measured."""
    tables = data.to_sql_tables() if isinstance(data, SqlTableLayout) else {}
    return {name: table for name, table in tables.items() if isinstance(table, pl.DataFrame)}


def _in_memory(frame: pl.DataFrame, sizes: FrameSizes) -> int:
    """Return the bytes that a frame takes in memory, without columns mapped from files."""
    size, pages = sizes.of(frame), FilePages()
    for column, places in zip(frame, _addresses(frame), strict=True):
        addresses = [address for address, _, _ in places or () if address is not None]
        if addresses and all(address in pages for address in addresses):
            size -= int(column.estimated_size())
    return size


def _is_same(now: pl.DataFrame, before: pl.DataFrame) -> bool:
    """Tell whether two frames are identical; columns that share memory are not compared."""
    return (
        now.height == before.height
        and list(now.schema.items()) == list(before.schema.items())
        and all(
            (there is not None and there == place) or identical(column, other)
            for column, other, there, place in zip(
                now, before, _addresses(now), _addresses(before), strict=True
            )
        )
    )


def _has_addresses(dtype: PolarsDataType) -> bool:
    """Tell whether Arrow's C interface has a type, and so tells where the values are."""
    match dtype:
        case pl.List() | pl.Array():
            return _has_addresses(cast("PolarsDataType", dtype.inner))
        case pl.Struct():
            return all(
                "\0" not in one.name and _has_addresses(cast("PolarsDataType", one.dtype))
                for one in dtype.fields
            )
        case _:
            return not isinstance(dtype, pl.Int128 | pl.UInt128 | pl.Object)


def _addresses(frame: pl.DataFrame) -> list[_Addresses | None]:
    """Return the addresses of each column's values; None for dtypes without addresses."""
    found: list[_Addresses | None] = [None] * frame.width
    has_addresses = {dtype: _has_addresses(dtype) for dtype in set(frame.dtypes)}
    named = numbered(frame)  # Arrow takes no name with NUL
    names = [
        name
        for name, dtype in zip(named.columns, frame.dtypes, strict=True)
        if has_addresses[dtype]
    ]
    # Columns of several chunks by themselves: Polars would make those of all columns alike.
    is_whole = set(named.n_chunks("all")) == {1}
    for columns in [names] if is_whole else [[name] for name in names]:
        arrow = named.select(columns).to_arrow(compat_level=pl.CompatLevel.newest())
        for name, chunked in zip(columns, arrow.columns, strict=True):
            chunks: list[Any] = chunked.chunks
            found[int(name)] = [
                (None if buffer is None else buffer.address, chunk.offset, len(chunk))
                for chunk in chunks
                for buffer in chunk.buffers()
            ]
    return found
