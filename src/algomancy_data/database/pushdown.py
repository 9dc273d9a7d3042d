"""Predicate pushdown: a Polars predicate as an SQL condition that holds for all matching rows.

It may be true for more: the caller applies the predicate to what comes back. So whatever is
not surely the same in SQL is left out, which leaves more rows, never fewer.
"""

from __future__ import annotations

import math
import operator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import sqlalchemy as sa
from polars.exceptions import PanicException, PolarsError

from algomancy_data.database import nested
from algomancy_data.frames.predicates import expression_tree, is_well_typed, literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from algomancy_data.database.layout import ColumnLayout, TableLayout
    from algomancy_data.database.table_storage import TableStorage

    Condition = sa.ColumnElement[bool]
    from collections.abc import Sequence

    from polars.datatypes import DataType as PolarsDataType


# SQLite takes conditions that are nested 1,000 deep, which a chain of so many "or" is.
_MOST_LITERALS: Final = 500
_NEGATED: Final[Mapping[str, str]] = {
    "Eq": "NotEq",
    "NotEq": "Eq",
    "Lt": "GtEq",
    "GtEq": "Lt",
    "Gt": "LtEq",
    "LtEq": "Gt",
}
_BOUNDS: Final[Mapping[str, tuple[str, str]]] = {
    "Both": ("GtEq", "LtEq"),
    "Left": ("GtEq", "Lt"),
    "Right": ("Gt", "LtEq"),
    "None": ("Gt", "Lt"),
}
_ORDERS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "Lt": operator.lt,
    "LtEq": operator.le,
    "Gt": operator.gt,
    "GtEq": operator.ge,
}
# NaN is the largest number, and differs from all others.
_TRUE_OF_NAN: Final = frozenset({"NotEq", "NotIn", "Gt", "GtEq"})


def pushdown_condition(
    storage: TableStorage, table: sa.Table, layout: TableLayout, predicate: pl.Expr
) -> Condition | None:
    """Return a condition that holds for all rows that match a predicate, or None.

    Args:
        storage: How the database keeps frames.
        table: The table.
        layout: Its layout.
        predicate: A Polars expression that looks at one row at a time.
    """
    tree = expression_tree(predicate)
    if not is_well_typed(tree, {column.name: column.dtype for column in layout.columns}):
        return None
    return _Translator(storage, table, layout).condition(tree, negated=False)


class _Translator:
    def __init__(self, storage: TableStorage, table: sa.Table, layout: TableLayout) -> None:
        self._storage = storage
        self._columns = {column.name: column for column in layout.columns}
        self._physical = {str(column.name): column for column in table.columns}
        self._literals_left = _MOST_LITERALS

    def condition(self, tree: Any, *, negated: bool) -> Condition | None:
        """Return a condition that holds wherever an expression is true or, negated, false."""
        match tree:
            case {"Alias": [inner, _]}:
                return self.condition(inner, negated=negated)
            case {"Function": {"input": [inner], "function": {"Boolean": "Not"}}}:
                return self.condition(inner, negated=not negated)
            case {"BinaryExpr": {"left": left, "op": "And" | "Or" as word, "right": right}}:
                sides = (self.condition(side, negated=negated) for side in (left, right))
                return _both(*sides) if (word == "And") != negated else _either(*sides)
            case {"Column": str(name)}:
                return self._compared(
                    name, "Eq", _fitting(pl.Series([not negated]), self._columns[name].dtype)
                )
            case {"BinaryExpr": {"left": {"Column": str(name)}, "op": word, "right": value}}:
                return self._compared_with(name, word, value, negated=negated)
            case {"Function": {"input": [{"Column": str(name)}, *values], "function": function}}:
                return self._call(name, function, values, negated=negated)
            case _:
                return None

    def _call(
        self, name: str, function: Any, values: list[Any], *, negated: bool
    ) -> Condition | None:
        match function, values:
            case {"Boolean": "IsNull" | "IsNotNull" as word}, []:
                return self._null(name, is_null=(word == "IsNull") != negated)
            case {"Boolean": {"IsBetween": {"closed": str(closed)}}}, [low, high] if (
                closed in _BOUNDS
            ):
                bounds = _compared_bounds(low, high, self._columns[name].dtype)
                words = (_NEGATED[word] if negated else word for word in _BOUNDS[closed])
                if bounds is None:
                    return None
                sides = map(partial(self._compared, name), words, bounds)
                return _either(*sides) if negated else _both(*sides)
            case {"Boolean": {"IsIn": {"nulls_equal": False}}}, [{"Literal": _} as several]:
                found = literal(several)
                if found is None:
                    return None
                if isinstance(found.dtype, pl.List):
                    found = found.explode()
                some = _fitting(found.drop_nulls(), self._columns[name].dtype)
                return self._compared(name, "NotIn" if negated else "In", some)
            case _:
                return None

    def _null(self, name: str, *, is_null: bool) -> Condition | None:
        column = self._columns[name]
        if column.storage in nested.WORDS:
            return None
        stored = self._physical[column.physical]
        return stored.is_(None) if is_null else self._or_nan(column, stored.is_not(None))

    def _compared_with(self, name: str, word: str, tree: Any, *, negated: bool) -> Condition | None:
        values = _compared_literal(tree, self._columns[name].dtype)
        if values is None or word not in _NEGATED:
            return None
        return self._compared(name, _NEGATED[word] if negated else word, values)

    def _compared(self, name: str, word: str, values: pl.Series | None) -> Condition | None:
        column = self._columns[name]
        if values is None or values.is_empty() or len(values) > self._literals_left:
            return None
        self._literals_left -= len(values)
        try:
            alone = replace(column, mask=None)
            encoded = self._storage.codec.encode(values.alias("x").to_frame(), [alone])
            stored = encoded.to_series().to_list()
        except (PolarsError, PanicException, ValueError, OverflowError):
            return None  # such as a date that Python has not
        found = self._storage.counterpart(self._physical[column.physical], column, stored)
        if found is None:
            return None
        if word in _ORDERS:
            if not found.keeps_order:
                return None
            condition = _ORDERS[word](found.column, found.literals[0])
            if found.besides is not None:
                condition = sa.or_(condition, found.besides)
        elif word in {"Eq", "In"}:
            condition = found.column.in_(found.literals)
        else:
            condition = found.column.not_in(found.literals)
        return self._or_nan(column, condition) if word in _TRUE_OF_NAN else condition

    def _or_nan(self, column: ColumnLayout, condition: Condition) -> Condition:
        if column.mask is None:
            return condition
        mask = sa.type_coerce(self._physical[column.mask], sa.Integer())
        return sa.or_(condition, mask == sa.literal(1, sa.Integer()))


def _both(one: Condition | None, other: Condition | None) -> Condition | None:
    if one is None or other is None:
        return other if one is None else one
    return sa.and_(one, other)


def _either(one: Condition | None, other: Condition | None) -> Condition | None:
    return None if one is None or other is None else sa.or_(one, other)


# --- literals, as the columns that they are compared with have them

_MAX_INTEGER: Final = 2**63 - 1
# Whole numbers below are themselves as floats, and no other number rounds to them.
_EXACT_FLOATS: Final = 2**53


def _compared_literal(tree: Any, dtype: PolarsDataType) -> pl.Series | None:
    """Return the literal that a column is compared with as a value of the column's dtype.

    Args:
        tree: The literal, as in :func:`literal`.
        dtype: The column's dtype.

    Returns:
        The value; None if there is none, or if it compares in another way than as such a value.
    """
    is_exact = False
    match tree:
        case {"Literal": {"Dyn": {"Int": int(number)}}} if abs(number) <= _MAX_INTEGER:
            # Polars takes the column's own type, whatever the number.
            values, is_exact = pl.Series([number], dtype=pl.Int64()), dtype.is_integer()
        case {"Literal": {"Dyn": {"Float": float(number)}}}:
            values = pl.Series([number])
        case {"Literal": {"Scalar": {"Float64": float(number)}}}:
            values = pl.Series([number])
        case {"Literal": {"Scalar": {"Float32": _}}}:
            return None  # its digits need not be read as the same number
        case {"Literal": {"Scalar": _}}:
            values = literal(tree)
        case _:
            return None
    if values is None or values.null_count():
        return None
    return _fitting(values, dtype, is_exact=is_exact)


def _compared_bounds(
    low: Any, high: Any, dtype: PolarsDataType
) -> tuple[pl.Series, pl.Series] | None:
    """Return the two literals that the values of a column are compared with, as above.

    Polars compares all three in one dtype: with a float for one bound, it may round the other.
    """
    first, last = _compared_literal(low, dtype), _compared_literal(high, dtype)
    if first is None or last is None:
        return None
    numbers = [*first.to_list(), *last.to_list()] if dtype.is_integer() else []
    return (first, last) if _form(low) == _form(high) or _are_small(numbers) else None


def _form(tree: Any) -> tuple[str, ...]:
    """Return what kind of literal it is: ``("Dyn", "Int")`` or ``("Scalar", "Int8")``."""
    ((family, value),) = tree["Literal"].items()
    return (family, *value)


def _fitting(
    values: pl.Series, dtype: PolarsDataType, *, is_exact: bool = False
) -> pl.Series | None:
    """Return literals in a column's dtype, or None if they may compare differently.

    Numbers of two dtypes are compared as those of a third, which may round them.
    """
    try:
        return _cast(values, dtype, is_exact=is_exact)
    except PolarsError:
        return None


def _cast(values: pl.Series, dtype: PolarsDataType, *, is_exact: bool) -> pl.Series | None:
    if dtype.is_integer() and values.dtype.is_integer():
        if is_exact or values.dtype == dtype or _are_small(values.to_list()):
            return values.cast(dtype)
        return None
    if dtype.is_float() and (values.dtype.is_integer() or values.dtype.is_float()):
        numbers = values.to_list()
        cast = pl.Series(numbers, dtype=pl.Float64()).cast(dtype)
        is_same = all(map(math.isfinite, numbers)) and cast.cast(pl.Float64()).to_list() == numbers
        return cast if is_same else None
    if isinstance(dtype, pl.String | pl.Categorical | pl.Enum):
        return values if values.dtype == pl.String() else None
    return values if values.dtype == dtype else None


def _are_small(numbers: Sequence[int]) -> bool:
    return all(abs(number) < _EXACT_FLOATS for number in numbers)
