"""How much of its files a run may have in memory."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING

from algomancy_data.memory import IN_MEMORY_BYTES, MemoryBudget

if TYPE_CHECKING:
    from collections.abc import Mapping

    from algomancy_data.file import File
    from algomancy_data.schema import ReadLimits, Schema


def limited_files(
    files: Mapping[str, File],
    schemas: Mapping[str, type[Schema]],
    inner: ReadLimits | None,
    outer: ReadLimits | None = None,
    budget: MemoryBudget | None = None,
) -> dict[str, File]:
    """Return files with the limits for reading them.

    Args:
        files: The files by logical name; limits of their own count first.
        schemas: What they hold, by the same names.
        inner: Limits that count before those of the schemas.
        outer: Limits that count after them.
        budget: The memory that the process should take.

    Example:
        >>> from algomancy_data import CSVFile
        >>> files = {name: CSVFile(name, content="data:,") for name in ("a", "b")}
        >>> limited = limited_files(files, {}, None, budget=MemoryBudget.of("300MiB"))
        >>> limited["a"].limits.in_memory_bytes, limited["a"].limits.memory_bytes
        (45088768, 180355072)
    """
    limited: dict[str, File] = {}
    for name, file in files.items():
        declared = schemas[name].read_limits() if name in schemas else None
        limited[name] = file.within(inner or declared or outer)
    return _within_budget(limited, budget or MemoryBudget())


def _within_budget(files: dict[str, File], budget: MemoryBudget) -> dict[str, File]:
    """Return files whose tables together keep a budget; limits that were set remain.

    The smallest are made in memory, as many as fit into it together, and the others in slices.
    """
    sizes = {name: file.stored_bytes() or 0 for name, file in files.items()}
    if budget.limit is None and sum(sizes.values()) <= IN_MEMORY_BYTES:
        return files
    left, room = budget.in_memory_bytes, budget.room
    limited = dict(files)
    for name in sorted(files, key=sizes.__getitem__):
        file = limited[name] = copy.copy(files[name])
        limits = file.limits
        if limits.memory_bytes is None:
            limits = replace(limits, memory_bytes=room)
        if limits.in_memory_bytes == IN_MEMORY_BYTES:  # it was not set
            is_sliced = budget.limit is not None and sizes[name] > left
            most = sizes[name] - 1 if is_sliced else IN_MEMORY_BYTES
            limits = replace(limits, in_memory_bytes=max(min(most, budget.in_memory_bytes), 1))
            left -= sizes[name]
        file.read_limits = limits
    return limited
