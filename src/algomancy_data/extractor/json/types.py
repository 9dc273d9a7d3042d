"""The Arrow types of parsed records: how two pieces of one document agree on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator


ArrowArray: TypeAlias = Any
ArrowType: TypeAlias = Any
"""As Arrow has them; pyarrow is imported where it is used, and has no type stubs."""

LARGEST_EXACT: Final = 2.0**53
"""From here on a float may stand for an integer that is not the one in the document."""


class DisagreementError(Exception):
    """Records have values of different kinds in one place."""


def plain(dtype: ArrowType) -> ArrowType:
    """Return the type with text in place of the dates that Arrow's parser sees in text."""
    import pyarrow as pa  # noqa: PLC0415  import time that only JSON has to pay

    if pa.types.is_timestamp(dtype):
        return pa.string()
    if pa.types.is_struct(dtype):
        return pa.struct([pa.field(field.name, plain(field.type)) for field in dtype])
    if pa.types.is_list(dtype):
        return pa.list_(plain(dtype.value_type))
    return dtype


def merge(left: ArrowType, right: ArrowType) -> ArrowType:
    """Return the type that holds the values of both: the members of both, integers as floats.

    Raises:
        DisagreementError: One has a text where the other has a number, and the like.
    """
    import pyarrow as pa  # noqa: PLC0415

    types = pa.types
    if left == right or types.is_null(right):
        return left
    if types.is_null(left):
        return right
    if types.is_struct(left) and types.is_struct(right):
        members: dict[str, ArrowType] = {field.name: field.type for field in left}
        for field in right:
            own = members.get(field.name)
            members[field.name] = field.type if own is None else merge(own, field.type)
        return pa.struct(list(members.items()))
    if types.is_list(left) and types.is_list(right):
        return pa.list_(merge(left.value_type, right.value_type))
    if {left, right} == {pa.int64(), pa.float64()}:
        return pa.float64()
    raise DisagreementError


def has_inexact_numbers(array: ArrowArray) -> bool:
    """Tell whether a float may be a rounded integer, or a number beyond the range of floats."""
    import pyarrow as pa  # noqa: PLC0415

    for leaf in leaves(array):
        if leaf.type == pa.float64():
            values = series(leaf)
            if ((values.abs() >= LARGEST_EXACT) & values.is_not_nan()).any():
                return True
    return False


def leaves(array: ArrowArray) -> Iterator[ArrowArray]:
    """Give the values that are neither objects nor lists, of each place in the records."""
    import pyarrow as pa  # noqa: PLC0415

    if pa.types.is_struct(array.type):
        for position in range(array.type.num_fields):
            yield from leaves(array.field(position))
    elif pa.types.is_list(array.type):
        yield from leaves(array.values)
    else:
        yield array


def series(array: ArrowArray) -> pl.Series:
    """Return an Arrow array as a column."""
    values: Any = pl.from_arrow(array)
    return values
