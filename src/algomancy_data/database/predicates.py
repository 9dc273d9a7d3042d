"""What a Polars predicate looks at: one row at a time, or several.

Polars does not say. So the expression is taken apart: what is not known to stay within a row may
look at others.
"""

from __future__ import annotations

import json
from enum import IntEnum
from io import StringIO
from typing import TYPE_CHECKING, Any, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

# Millions of literals take longer to look at than they can save.
_MOST_CHARACTERS: Final = 1_000_000


class Reach(IntEnum):
    """What decides whether a predicate takes a row."""

    TABLE = 0
    """Possibly other rows: it must see all of them at once."""

    ROW = 1
    """The row alone, but some values may be an error."""

    SAFE_ROW = 2
    """The row alone, and no value is an error."""


_OPERATORS: Final[Mapping[str, Reach]] = {
    **dict.fromkeys(("Eq", "NotEq", "Lt", "LtEq", "Gt", "GtEq"), Reach.SAFE_ROW),
    **dict.fromkeys(("EqValidity", "NotEqValidity"), Reach.SAFE_ROW),
    **dict.fromkeys(("And", "Or", "Xor", "LogicalAnd", "LogicalOr"), Reach.SAFE_ROW),
    **dict.fromkeys(("Plus", "Minus", "Multiply"), Reach.ROW),
    **dict.fromkeys(("TrueDivide", "FloorDivide", "Modulus"), Reach.ROW),
}
_FUNCTIONS: Final[Mapping[tuple[str, ...], Reach]] = {
    **dict.fromkeys(
        [
            ("Boolean", name)
            for name in (
                *("IsNull", "IsNotNull", "IsNan", "IsNotNan", "IsFinite", "IsInfinite", "Not"),
                *("IsBetween", "AnyHorizontal", "AllHorizontal"),
            )
        ],
        Reach.SAFE_ROW,
    ),
    **dict.fromkeys(
        [("StringExpr", name) for name in ("StartsWith", "EndsWith", "LenBytes", "LenChars")]
        + [("StringExpr", name) for name in ("Lowercase", "Uppercase")],
        Reach.SAFE_ROW,
    ),
    **dict.fromkeys(
        [
            ("TemporalExpr", name)
            for name in ("Year", "Quarter", "Month", "Day", "WeekDay", "Hour", "Minute", "Second")
        ],
        Reach.SAFE_ROW,
    ),
    **dict.fromkeys([("TemporalExpr", "Date"), ("TemporalExpr", "Time")], Reach.ROW),
    **dict.fromkeys(
        [("StringExpr", name) for name in ("Contains", "StripChars", "Slice")]
        + [("Boolean", "IsClose"), ("Abs",), ("Negate",), ("Round",), ("FillNull",), ("Coalesce",)],
        Reach.ROW,
    ),
}
# Texts become dates in a form that the first of them decides.
_CASTS: Final = frozenset(
    {
        *("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64"),
        *("Float32", "Float64", "Boolean", "String"),
    }
)


def expression_tree(predicate: pl.Expr) -> Any:
    """Return an expression as Polars writes it as JSON, or None if it does not or is very long.

    Example:
        >>> import polars as pl
        >>> expression_tree(pl.col("x").is_null())
        {'Function': {'input': [{'Column': 'x'}], 'function': {'Boolean': 'IsNull'}}}
    """
    try:
        text = predicate.meta.serialize(format="json")
        return json.loads(text) if len(text) <= _MOST_CHARACTERS else None
    except Exception:  # noqa: BLE001  functions are pickled, which may raise anything
        return None


def reach(tree: Any) -> Reach:
    """Return what an expression looks at; whatever is not known counts as the table.

    Args:
        tree: What :func:`expression_tree` returns.

    Example:
        >>> import polars as pl
        >>> reach(expression_tree(pl.col("x") > 1)).name
        'SAFE_ROW'
        >>> reach(expression_tree(pl.col("x") > pl.col("x").mean())).name
        'TABLE'
    """
    try:
        return _reach(tree)
    except RecursionError:
        return Reach.TABLE


def literal(tree: Any) -> pl.Series | None:
    """Return the values of a literal in an expression, or None if they cannot be had.

    Args:
        tree: The part of the expression, as in ``{"Literal": {"Scalar": {"String": "a"}}}``.
    """
    try:
        expression = pl.Expr.deserialize(StringIO(json.dumps(tree)), format="json")
        return pl.select(expression).to_series()
    except Exception:  # noqa: BLE001  another version of Polars may write it in another way
        return None


def _reach(tree: Any) -> Reach:
    if not isinstance(tree, dict) or len(tree) != 1:
        return Reach.TABLE
    match tree:
        case {"Column": str()} | {"Selector": _}:
            return Reach.SAFE_ROW
        case {"Literal": {"Dyn": _, **others} | {"Scalar": _, **others}} if not others:
            return Reach.SAFE_ROW
        case {"Alias": [inner, str()]}:
            return _reach(inner)
        case {"BinaryExpr": {"left": left, "op": str(operator), "right": right, **others}}:
            own = Reach.TABLE if others else _OPERATORS.get(operator, Reach.TABLE)
            return min(own, _reach(left), _reach(right))
        case {"Ternary": {"predicate": test, "truthy": one, "falsy": other, **others}}:
            return Reach.TABLE if others else min(_reach(test), _reach(one), _reach(other))
        case {"Cast": {"expr": inner, "dtype": {"Literal": str(name)}, "options": how, **others}}:
            if others or name not in _CASTS:
                return Reach.TABLE
            return min(Reach.SAFE_ROW if how == "NonStrict" else Reach.ROW, _reach(inner))
        case {"Function": {"input": list(inputs), "function": function, **others}} if not others:
            return _reach_of_call(function, inputs)
        case _:
            return Reach.TABLE


def _reach_of_call(function: Any, inputs: list[Any]) -> Reach:
    match function, inputs:
        # A column of values to look for is looked at as a whole, one of lists row by row.
        case {"Boolean": {"IsIn": _}}, [value, {"Literal": {"Scalar": _}}]:
            return _reach(value)
        case {"Boolean": {"IsIn": _}}, [value, {"Literal": {"Series": _}} as values]:
            found = literal(values)
            is_flat = found is not None and not found.dtype.is_nested()
            return _reach(value) if is_flat else Reach.TABLE
        case {"StringExpr": {"Contains": _}}, [value, {"Literal": {"Scalar": {"String": _}}}]:
            return _reach(value)  # a pattern that is wrong is so without any row
        case _:
            own = _FUNCTIONS.get(_path(function), Reach.TABLE)
            return min([own, *map(_reach, inputs)])


def _path(function: Any) -> tuple[str, ...]:
    """Return the names on the way to a function: ``{"Boolean": {"IsBetween": …}}`` has two."""
    if isinstance(function, str):
        return (function,)
    if isinstance(function, dict) and len(function) == 1:
        ((family, member),) = function.items()
        if family in {"Boolean", "StringExpr", "TemporalExpr"}:
            return (family, *_path(member)[:1])
        return (family,)
    return ()
