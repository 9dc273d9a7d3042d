"""The depth of nested values and types, checked before Polars or Arrow recurses into them.

Neither limits the depth, and at some thousands of levels the process dies.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, Final, cast

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from polars.datatypes import DataType as PolarsDataType

# As many as Arrow allows in what one library hands to another.
_DEEPEST: Final = 64
# More than a JSON file has.
_DEEPEST_OF_POLARS: Final = 128
DEEPEST_IN_FILES: Final = 63
"""As many levels as Arrow reads from its files: one less than it hands to others."""
# Until here a look for containers that are met twice costs more than it saves.
_FEW: Final = 8
NESTED: Final = frozenset({pl.List, pl.Array, pl.Struct, pl.Map})
"""The classes of dtypes that have others in them."""

# What an extension type and a dictionary of pyarrow are made of.
_INNER: Final = ("storage_type", "value_type")


def check_depth(table: Any) -> None:
    """Make sure that a table of Python's lists, tuples and dicts is not nested too deeply.

    Level by level, since a look that recurses would itself fail; a list that is in itself has no
    end of levels.

    Args:
        table: The table. What is no container passes, as do frames.

    Raises:
        RecursionError: It is nested more than 64 levels deep.

    Example:
        >>> check_depth({"a": [[1, 2], [3]]})
        >>> endless = []
        >>> endless.append(endless)
        >>> check_depth({"a": endless})
        Traceback (most recent call last):
        ...
        RecursionError: more than 64 levels
    """
    level: list[Any] = [table]
    for depth in range(_DEEPEST + 2):  # the table and its columns are no levels
        kinds = set(map(type, level))
        lists = tuple(kind for kind in kinds if issubclass(kind, list | tuple))
        dicts = tuple(kind for kind in kinds if issubclass(kind, dict))
        # Of numpy, which need not be there.
        arrays = tuple(kind for kind in kinds if hasattr(kind, "__array_interface__"))
        if not (lists or dicts or arrays):
            return
        inner: list[Any] = []
        for these in filter(None, (lists, dicts, arrays)):
            found: Iterable[Any] = level
            if len(kinds) > 1:
                found = [value for value in level if isinstance(value, these)]
            if depth > _FEW:
                found = {id(value): value for value in found}.values()
            if these is dicts:
                found = map(dict[Any, Any].values, found)
            elif these is arrays:
                found = (array.tolist() for array in found if array.dtype.hasobject)
            inner += chain.from_iterable(found)
        level = inner
    raise _too_deep()


def check_type_depth(dtype: Any) -> None:
    """Make sure that an Arrow type is not nested too deeply.

    Args:
        dtype: The type, one of pyarrow's.

    Raises:
        RecursionError: It is nested more than 64 levels deep.
    """
    level = [dtype]
    for _ in range(_DEEPEST + 1):
        level = [inner for one in level for inner in _inside_type(one)]
        if not level:
            return
    raise _too_deep()


def check_dtype_depth(dtypes: Iterable[PolarsDataType], deepest: int = _DEEPEST_OF_POLARS) -> None:
    """Make sure that no Polars dtype is nested too deeply.

    Args:
        dtypes: The dtypes.
        deepest: How many levels are allowed; if not given, more than a JSON file has.

    Raises:
        RecursionError: One is nested more deeply.

    Example:
        >>> check_dtype_depth([pl.Int8(), pl.List(pl.Int8())])
    """
    level = list(dtypes)
    if NESTED.isdisjoint(map(type, level)):
        return
    for _ in range(deepest + 1):
        level = [inner for dtype in level if dtype.is_nested() for inner in _inside(dtype)]
        if not level:
            return
    raise _too_deep(deepest)


def _inside_type(dtype: Any) -> list[Any]:
    for name in _INNER:
        if dtype.num_fields == 0 and hasattr(dtype, name):
            return [getattr(dtype, name)]
    return [dtype.field(number).type for number in range(dtype.num_fields)]


def _inside(dtype: PolarsDataType) -> list[PolarsDataType]:
    match dtype:
        case pl.List() | pl.Array():
            return [cast("PolarsDataType", dtype.inner)]
        case pl.Struct():
            return [cast("PolarsDataType", field.dtype) for field in dtype.fields]
        case pl.Map():
            return [cast("PolarsDataType", part) for part in (dtype.key, dtype.value)]
        case _:
            return []


def _too_deep(levels: int = _DEEPEST) -> RecursionError:
    return RecursionError(f"more than {levels} levels")
