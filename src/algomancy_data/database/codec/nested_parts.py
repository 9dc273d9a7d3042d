"""Nested columns taken apart, to compare two of them to the last bit.

``Series.equals`` holds 0.0 and -0.0 for one value, and what it says of nulls inside structs is its
own affair. Here a column falls into flat parts: which rows are null, how long each list is, and
the leaves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator


def identical(left: pl.Series, right: pl.Series) -> bool:
    """Tell whether two columns have the same dtype and values; NaN equals NaN, 0.0 is not -0.0.

    Example:
        >>> identical(pl.Series([[float("nan")], None]), pl.Series([[float("nan")], None]))
        True
        >>> identical(pl.Series([[0.0]]), pl.Series([[-0.0]]))
        False
    """
    if left.dtype != right.dtype or len(left) != len(right):
        return False
    pairs = zip(_parts(left), _parts(right), strict=False)  # the first difference ends it
    return all(_equal(*pair) for pair in pairs)


def leaves(column: pl.Series) -> Iterator[pl.Series]:
    """Yield the values without further values in them, one series for each place in the dtype.

    Example:
        >>> [leaf.to_list() for leaf in leaves(pl.Series([[{"a": 1, "b": "x"}], []]))]
        [[1], ['x']]
    """
    for inner in _inside(column):
        yield from leaves(inner)
    if not isinstance(column.dtype, pl.List | pl.Array | pl.Struct):
        yield column


def _parts(column: pl.Series) -> Iterator[pl.Series]:
    yield column.is_null()
    if isinstance(column.dtype, pl.List):
        yield column.list.len()
    for inner in _inside(column):
        yield from _parts(inner)
    if not isinstance(column.dtype, pl.List | pl.Array | pl.Struct):
        yield column


def _inside(column: pl.Series) -> Iterator[pl.Series]:
    """Yield the items of all lists, or the values of each field; nothing for a plain column."""
    match column.dtype:
        case pl.List():
            lists = column.drop_nulls()
            yield lists.filter(lists.list.len() > 0).explode()
        case pl.Array(size=size):
            arrays = column.drop_nulls()
            yield (arrays if size else arrays.clear()).arr.to_list().explode()
        case pl.Struct():
            yield from column.drop_nulls().struct.unnest()
        case _:
            return


def _equal(left: pl.Series, right: pl.Series) -> bool:
    if len(left) != len(right):
        return False
    if not left.equals(right, null_equal=True):
        return False
    return not left.dtype.is_float() or _negative(left).equals(_negative(right))


def _negative(floats: pl.Series) -> pl.Series:
    """Tell which zeros have a sign."""
    return ((floats == 0) & ((1 / floats) < 0)).fill_null(value=False)
