"""Limits for reading files, settable on a schema, a manager, a file or a command."""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import inf
from typing import Final, Self

from algomancy_data.display.words import counted, size_text
from algomancy_data.errors import ReadLimitError
from algomancy_data.memory import IN_MEMORY_BYTES

_OFF: Final = "off"
_BYTES_PER_CELL: Final = 8
# What any computer has to spare, so small files are as regular as they like.
_ALWAYS_ALLOWED: Final = 1 << 27
# As fast as larger ones, and little of the memory.
_LARGEST_SLICE: Final = 1 << 25
_FEW_CELLS: Final = _ALWAYS_ALLOWED // _BYTES_PER_CELL


@dataclass(frozen=True, kw_only=True)
class ReadLimits:
    """How much a file may become in memory, so that a small one cannot exhaust it.

    They are checked before memory is taken, where a format states its size beforehand. Set
    them on a schema (or on a base class of several schemas) as ``_READ_LIMITS``, or give them as
    ``read_limits`` to a manager, an ETL, :func:`~algomancy_data.inference.infer_schemas` or a
    file; the prompt has ``--read-limits``. One that is set for a file counts first, then those of
    the call, the schema and the manager, and else the default ones. Each is a number, or None for
    no limit.

    Args:
        unpacked_bytes: Size of what one compressed file unpacks to, and of what is fetched from an
            address. A plain file on the disk is as large as everybody can see.
        ratio: How many times larger than the stored file its content may be in memory: the
            bytes that it unpacks to, four times those of a workbook's cells, 8 bytes for each cell,
            or all texts of a Parquet or Arrow file, each as often as it is there. It counts from
            128 MiB on. Tables in gzip or zstd reach 5 to 20, very regular ones 200; a file made to
            be a trap, 1,000 and more.
        cells: Rows × columns of one table, all of its parts together.
        columns: Columns of one table.
        text_bytes: Size of one text, as UTF-8.
        in_memory_bytes: Size of a file up to which its table is made in memory. That of a larger
            one is made in a scratch file, slice by slice, and mapped; None makes all in memory.
        memory_bytes: What a file may take that cannot be read in slices: its unpacked bytes, four
            times those of a workbook's cells. In a manager, None stands for what its
            ``memory_limit`` leaves, or else for the memory that is available.

    Raises:
        ValueError: A limit is no number above 0.

    Example:
        >>> from algomancy_data import Column, DataType, Schema
        >>> class Genes(Schema):
        ...     _FILENAME, _EXTENSION, _SCHEMA_TYPE = "genes", "csv", "single"
        ...     _READ_LIMITS = ReadLimits(columns=500_000, ratio=None)
        ...     CELL = Column("cell", DataType.STRING, primary_key=True)
        >>> Genes.read_limits().columns
        500000
    """

    # 128 GiB: TPC-H's largest table at scale factor 100 has 75 GB of text.
    unpacked_bytes: int | None = 1 << 37
    ratio: float | None = 250
    # 160 GB at 8 bytes: that same table has 9.6 billion cells.
    cells: int | None = 20_000_000_000
    # A workbook has 16,384, a PostgreSQL table 1,600; measurements of all human genes 60,000.
    columns: int | None = 100_000
    text_bytes: int | None = 1 << 28
    in_memory_bytes: int | None = IN_MEMORY_BYTES
    memory_bytes: int | None = None

    def __post_init__(self) -> None:
        """Refuse invalid limits.

        Raises:
            ValueError: One is neither a number above 0 nor None.
        """
        for name in _NAMES:
            value: object = getattr(self, name)
            is_positive = isinstance(value, int | float) and value is not True and value > 0
            if value is not None and not is_positive:
                msg = f"{name} must be a number above 0, or None for no limit, not {value!r}."
                raise ValueError(msg)

    @property
    def slice_bytes(self) -> int:
        """How many bytes of a large file are read at once."""
        return min(max((self.in_memory_bytes or 0) // 8, 1), _LARGEST_SLICE)

    @classmethod
    def off(cls) -> Self:
        """Return no limits at all; large tables are still made in scratch files.

        Example:
            >>> ReadLimits.off().cells is None
            True
        """
        return cls(unpacked_bytes=None, ratio=None, cells=None, columns=None, text_bytes=None)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return the limits in a text: ``"off"``, or those that differ from the defaults.

        Raises:
            ValueError: It is not written like that.

        Example:
            >>> ReadLimits.from_text("columns=500_000, ratio=off").columns
            500000
        """
        if text.strip() == _OFF:
            return cls.off()
        given: dict[str, int | None] = {}
        for entry in text.split(","):
            name, equals, value = (part.strip() for part in entry.partition("="))
            if name not in _NAMES or not equals:
                msg = f"{entry.strip()!r} is no limit. Write {_OFF!r}, or <limit>=<number>, for: "
                raise ValueError(msg + ", ".join(_NAMES))
            try:
                given[name] = None if value == _OFF else int(value)
            except ValueError as error:
                msg = f"The limit {name!r} is a whole number or {_OFF!r}, not {value!r}."
                raise ValueError(msg) from error
        return cls(**given)

    def check_unpacked(self, name: str, unpacked: int, stored: int) -> None:
        """Refuse a file that unpacks to too much.

        Args:
            name: Name of the file in messages.
            unpacked: How many bytes there are, or were unpacked up to now.
            stored: How many bytes the file has as it is stored.

        Raises:
            ReadLimitError: It does.
        """
        if self.unpacked_bytes is not None and unpacked > self.unpacked_bytes:
            found = f"unpacks to more than {counted(self.unpacked_bytes, 'byte')}"
            raise ReadLimitError.from_found(name, found, "unpacked_bytes", self.unpacked_bytes)
        self._check_ratio(name, "unpacks to", unpacked, stored)

    def check_fetched(self, name: str, fetched: int) -> None:
        """Refuse the content of an address that is too large.

        Args:
            name: Logical name of the file.
            fetched: How many bytes there are, or were fetched up to now.

        Raises:
            ReadLimitError: It is.
        """
        if self.unpacked_bytes is not None and fetched > self.unpacked_bytes:
            found = f"has more than {counted(self.unpacked_bytes, 'byte')}"
            raise ReadLimitError.from_found(name, found, "unpacked_bytes", self.unpacked_bytes)

    def check_memory(self, name: str, size: int, stored: int) -> None:
        """Refuse a file whose content takes too much memory, also in relation to the file's size.

        Args:
            name: Logical name of the file.
            size: How many bytes its content takes, at least.
            stored: How many bytes the file has as it is stored.

        Raises:
            ReadLimitError: It does.
        """
        if self.memory_bytes is not None and size > self.memory_bytes:
            raise ReadLimitError.from_memory(name, size_text(size), size_text(self.memory_bytes))
        self._check_ratio(name, "takes in memory at least", size, stored)

    def check_shape(self, name: str, rows: int, columns: int, stored: int | None = None) -> None:
        """Refuse a table with too many columns or cells.

        Args:
            name: Logical name of the file or table.
            rows: How many rows it has, or may have.
            columns: How many columns it has.
            stored: How many bytes its file has; None where that says nothing about the cells.

        Raises:
            ReadLimitError: It has.
        """
        if self.columns is not None and columns > self.columns:
            found = f"has {columns:,} columns"
            raise ReadLimitError.from_found(name, found, "columns", self.columns)
        cells = rows * columns
        if cells <= _FEW_CELLS and (self.cells is None or cells <= self.cells):
            return
        shape = f"has a table of {rows:,} × {columns:,} cells"
        if self.cells is not None and cells > self.cells:
            raise ReadLimitError.from_found(name, shape, "cells", self.cells)
        if stored is not None:
            self._check_ratio(name, f"{shape}, at least", cells * _BYTES_PER_CELL, stored)

    def check_text(self, name: str, size: int, column: str | None = None) -> None:
        """Refuse a text that is too long.

        Args:
            name: Logical name of the file or table.
            size: How many bytes it has.
            column: The column that it is in, if that is known.

        Raises:
            ReadLimitError: It is.
        """
        if self.text_bytes is not None and size > self.text_bytes:
            place = "" if column is None else f" in column {column!r}"
            found = f"has a text of {size:,} bytes{place}"
            raise ReadLimitError.from_found(name, found, "text_bytes", self.text_bytes)

    def allows_cells(self, cells: int, stored: int) -> bool:
        """Tell whether a table with that many cells passes :meth:`check_shape` at any width.

        So a reader need not count rows where even the most that there can be are allowed.
        """
        if self.cells is not None and cells > self.cells:
            return False
        return not self._is_out_of_ratio(cells * _BYTES_PER_CELL, stored)

    def most_memory(self, stored: int) -> float:
        """Return how many bytes a file's content may take; see :meth:`check_memory`.

        Args:
            stored: How many bytes the file has as it is stored.

        Example:
            >>> ReadLimits(ratio=1000).most_memory(1_000_000)
            1000000000
        """
        return inf if self.ratio is None else max(_ALWAYS_ALLOWED, self.ratio * max(stored, 1))

    def _check_ratio(self, name: str, what: str, size: int, stored: int) -> None:
        if self.ratio is not None and self._is_out_of_ratio(size, stored):
            found = f"{what} {size:,} bytes, {size / max(stored, 1):,.0f} times its {stored:,}"
            raise ReadLimitError.from_found(name, found, "ratio", self.ratio)

    def _is_out_of_ratio(self, size: int, stored: int) -> bool:
        return size > self.most_memory(stored)


_NAMES: Final = tuple(field.name for field in fields(ReadLimits))

DEFAULT_LIMITS: Final = ReadLimits()
"""The limits that apply unless others are set."""
