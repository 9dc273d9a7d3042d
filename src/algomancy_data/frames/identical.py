"""Identity of columns and frames: the same dtypes, values and order, to the last bit.

``Series.equals`` takes 0.0 and -0.0 as equal, and has rules of its own for nulls inside structs.
Here a column is split into flat parts: which rows are null, how long each list is, and the leaves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import TypeAlias

    _Typed: TypeAlias = tuple[pl.Series, object]
    """A column and its dtype."""

_NAME: Final = "x"
_NESTED: Final = (pl.List, pl.Array, pl.Struct)
_NOT_IN_ARROW: Final = (pl.Int128(), pl.UInt128())


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
    # Polars takes some names for patterns. The first difference ends it.
    pairs = zip(_parts(left.alias(_NAME)), _parts(right.alias(_NAME)), strict=False)
    return all(_equal(*pair) for pair in pairs)


def identical_frames(left: pl.DataFrame, right: pl.DataFrame) -> bool:
    """Tell whether two frames have the same columns in the same order, and identical values.

    Example:
        >>> frame = pl.DataFrame({"x": [2**100, None]}, schema={"x": pl.Int128})
        >>> identical_frames(frame, frame.clone()), identical_frames(frame, frame.reverse())
        (True, False)
    """
    return (
        left.height == right.height
        and list(left.schema.items()) == list(right.schema.items())
        and all(map(identical, left, right))
    )


def identical_tables(left: Mapping[str, pl.DataFrame], right: Mapping[str, pl.DataFrame]) -> bool:
    """Tell whether two mappings have the same names in the same order, and identical frames."""
    return list(left) == list(right) and all(
        identical_frames(left[name], right[name]) for name in left
    )


def share_memory(left: pl.DataFrame, right: pl.DataFrame) -> bool:
    """Tell whether two frames share the memory of all columns, without looking at values.

    Columns of 128 bits are never known to be.

    Example:
        >>> frame = pl.DataFrame({"x": [1, 2], "s": ["a", None]})
        >>> share_memory(frame, frame.clone())
        True
        >>> share_memory(frame, frame.with_columns(x=pl.col("x") + 0))
        False
    """
    return list(left.schema.items()) == list(right.schema.items()) and all(
        one.dtype not in _NOT_IN_ARROW and _places(one) == _places(other)
        for one, other in zip(left, right, strict=True)
    )


def leaves(column: pl.Series) -> Iterator[pl.Series]:
    """Yield the innermost values, one series for each place in the dtype.

    Example:
        >>> [leaf.to_list() for leaf in leaves(pl.Series([[{"a": 1, "b": "x"}], []]))]
        [[1], ['x']]
    """
    waiting: list[_Typed] = [(column, column.dtype)]
    while waiting:
        part, dtype = waiting.pop()
        if isinstance(dtype, _NESTED):
            waiting += reversed(_split(part.alias(_NAME), dtype)[1])
        else:
            yield part


def _parts(column: pl.Series) -> Iterator[pl.Series]:
    waiting: list[_Typed] = [(column, column.dtype)]
    while waiting:
        part, inside = _split(*waiting.pop())
        yield part
        waiting += inside


def _places(column: pl.Series) -> list[list[int]]:
    """Return where each chunk of a column lies: its length, its offset, and its buffers."""
    # Arrow would make texts of categories, and takes no name with NUL.
    is_coded = isinstance(column.dtype, pl.Categorical | pl.Enum)
    plain = (column.to_physical() if is_coded else column).alias(_NAME)
    arrays: list[Any] = [
        chunk.to_arrow(compat_level=pl.CompatLevel.newest()) for chunk in plain.get_chunks()
    ]
    return [
        [len(array), array.offset, *(0 if one is None else one.address for one in array.buffers())]
        for array in arrays
    ]


def _split(column: pl.Series, dtype: object) -> tuple[pl.Series, list[_Typed]]:
    """Return facts about a column's rows, and the columns nested in it.

    A dtype comes with each: Polars makes that of a column anew, with all that is nested in it.
    """
    match dtype:
        case pl.List(inner=inner):
            lengths = column.list.len()  # null where the list is
            return lengths, [(column.filter(lengths > 0).explode(), inner)]
        case pl.Array(inner=inner, size=size):
            arrays = column.drop_nulls()
            items = (arrays if size else arrays.clear()).arr.to_list().explode()
            return column.is_null(), [(items, inner)]
        case pl.Struct(fields=[_, *_] as fields):
            names = [str(number) for number in range(len(fields))]
            found = column.drop_nulls().struct.rename_fields(names).struct.unnest()
            return column.is_null(), [
                (values, field.dtype) for values, field in zip(found, fields, strict=True)
            ]
        case pl.Struct():
            return column.is_null(), []
        case _:
            return column, []


def _equal(left: pl.Series, right: pl.Series) -> bool:
    if len(left) != len(right):
        return False
    if left.dtype == pl.Object:
        objects: Iterator[tuple[Any, Any]] = zip(left, right, strict=True)
        return all(one is other for one, other in objects)
    if not left.equals(right, null_equal=True):
        return False
    return not left.dtype.is_float() or _negative(left).equals(_negative(right))


def _negative(floats: pl.Series) -> pl.Series:
    """Tell which zeros are negative."""
    return ((floats == 0) & ((1 / floats) < 0)).fill_null(value=False)
