"""What a Polars predicate looks at: one row at a time, or several.

Polars does not say. So the expression is taken apart: what is not known to stay within a row may
look at others.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from algomancy_data.database.literals import literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

# Millions of literals take longer to look at than they can save.
_MOST_CHARACTERS: Final = 1_000_000


_OPERATORS: Final = frozenset(
    {
        *("Eq", "NotEq", "Lt", "LtEq", "Gt", "GtEq", "EqValidity", "NotEqValidity"),
        *("And", "Or", "Xor", "LogicalAnd", "LogicalOr"),
        *("Plus", "Minus", "Multiply", "TrueDivide", "FloorDivide", "Modulus"),
    }
)
_FUNCTIONS: Final[Mapping[str, frozenset[str]]] = {
    "Boolean": frozenset(
        {
            *("IsNull", "IsNotNull", "IsNan", "IsNotNan", "IsFinite", "IsInfinite", "IsClose"),
            *("Not", "IsBetween", "AnyHorizontal", "AllHorizontal"),
        }
    ),
    "StringExpr": frozenset(
        {
            *("StartsWith", "EndsWith", "Contains", "LenBytes", "LenChars", "Lowercase"),
            *("Uppercase", "StripChars", "Slice"),
        }
    ),
    "TemporalExpr": frozenset(
        {
            *("Year", "Quarter", "Month", "Day", "WeekDay", "Hour", "Minute", "Second"),
            *("Date", "Time"),
        }
    ),
}
_OTHER_FUNCTIONS: Final = frozenset({"Abs", "Negate", "Round", "FillNull", "Coalesce"})
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


def is_by_row(tree: Any) -> bool:
    """Tell whether a row alone decides if an expression takes it; if in doubt, no.

    Args:
        tree: What :func:`expression_tree` returns.

    Example:
        >>> import polars as pl
        >>> is_by_row(expression_tree(pl.col("x") > 1))
        True
        >>> is_by_row(expression_tree(pl.col("x") > pl.col("x").mean()))
        False
    """
    try:
        return _is_by_row(tree)
    except RecursionError:
        return False


def _is_by_row(tree: Any) -> bool:
    if not isinstance(tree, dict) or len(tree) != 1:
        return False
    match tree:
        case {"Column": str()} | {"Selector": _}:
            return True
        case {"Literal": {"Dyn": _, **others} | {"Scalar": _, **others}}:
            return not others
        case {"Alias": [inner, str()]}:
            return _is_by_row(inner)
        case {"BinaryExpr": {"left": left, "op": word, "right": right, **others}}:
            return not others and word in _OPERATORS and _are_by_row(left, right)
        case {"Ternary": {"predicate": test, "truthy": one, "falsy": other, **others}}:
            return not others and _are_by_row(test, one, other)
        case {"Cast": {"expr": inner, "dtype": {"Literal": str(name)}, "options": _, **others}}:
            return not others and name in _CASTS and _is_by_row(inner)
        case {"Function": {"input": list(inputs), "function": function, **others}}:
            return not others and _is_call_by_row(function, inputs)
        case _:
            return False


def _are_by_row(*trees: Any) -> bool:
    return all(map(_is_by_row, trees))


def _is_call_by_row(function: Any, inputs: list[Any]) -> bool:
    match function, inputs:
        # A column of values to look for is looked at as a whole, one of lists row by row.
        case {"Boolean": {"IsIn": _}}, [value, {"Literal": {"Scalar": _}}]:
            return _is_by_row(value)
        case {"Boolean": {"IsIn": _}}, [value, {"Literal": {"Series": _}} as values]:
            found = literal(values)
            is_one = found is not None and (len(found) == 1 or not found.dtype.is_nested())
            return is_one and _is_by_row(value)
        case _:
            return _is_known(function) and _are_by_row(*inputs)


def _is_known(function: Any) -> bool:
    """Tell whether a function is listed: ``{"Boolean": {"IsBetween": …}}`` is by two names."""
    family, member = _first(function)
    if family in _FUNCTIONS:
        name, _ = _first(member)
        return name in _FUNCTIONS[family]
    return family in _OTHER_FUNCTIONS


def _first(named: Any) -> tuple[str, Any]:
    if isinstance(named, dict) and len(named) == 1:
        ((name, options),) = named.items()
        return name, options
    return (named, None) if isinstance(named, str) else ("", None)
