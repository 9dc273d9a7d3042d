"""Polars' predicates as data, and whether one is well-typed, so that no value makes it fail.

Polars finds some errors only when it converts values, as when a duration is compared with a date. A
predicate that is not surely well-typed has to see all rows, to fail as it does in memory.
"""

from __future__ import annotations

import json
from io import StringIO
from typing import TYPE_CHECKING, Any, Final

import polars as pl
from polars.exceptions import PolarsError

from algomancy_data.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polars.datatypes import DataType as PolarsDataType

# Millions of literals take longer to look at than they can save.
_MOST_CHARACTERS: Final = 1_000_000
_BOOLEAN: Final = "Boolean"
_NUMBER: Final = "number"
_TEXT: Final = "text"
_MOMENTS: Final = ("Date", "Datetime")
_COMPARISONS: Final = frozenset(
    {"Eq", "NotEq", "Lt", "LtEq", "Gt", "GtEq", "EqValidity", "NotEqValidity"}
)
_YEARS: Final = frozenset({"Year", "Quarter", "Month", "Day", "WeekDay"})


def check_predicate(predicate: object) -> None:
    """Refuse what is not an expression, such as a condition in SQL.

    Raises:
        ArgumentError: It is none.
    """
    if not isinstance(predicate, pl.Expr):
        possible = "a Polars expression, such as pl.col('x') > 1"
        raise ArgumentError.from_given("predicate", predicate, possible)


def check_condition(predicate: pl.Expr, schema: Mapping[str, PolarsDataType]) -> None:
    """Refuse an expression that is no condition, such as one of whole numbers.

    Args:
        predicate: The expression.
        schema: The columns that it is about; all that it names are there.

    Raises:
        ArgumentError: It is none.
    """
    try:
        given = pl.LazyFrame(schema=schema).select(predicate).collect_schema().dtypes()
    except PolarsError:  # the consumer of the rows says so
        return
    wrong = [dtype for dtype in given if dtype not in {pl.Boolean(), pl.Null(), pl.Unknown()}]
    if wrong:
        possible = "an expression that is true or false, such as pl.col('x') > 1"
        msg = f"predicate must be {possible}, not one of {wrong[0]}."
        raise ArgumentError(msg)


def expression_tree(predicate: pl.Expr, most: int | None = _MOST_CHARACTERS) -> Any:
    """Return an expression as Polars writes it as JSON; None if it cannot, or is very long.

    Args:
        predicate: The expression.
        most: How many characters it may have; None for any number.

    Example:
        >>> import polars as pl
        >>> expression_tree(pl.col("x").is_null())
        {'Function': {'input': [{'Column': 'x'}], 'function': {'Boolean': 'IsNull'}}}
    """
    try:
        text = predicate.meta.serialize(format="json")
        return json.loads(text) if most is None or len(text) <= most else None
    except Exception:  # noqa: BLE001  functions are pickled, which may raise anything
        return None


def literal(tree: Any) -> pl.Series | None:
    """Return the values of a literal in an expression, or None if they are unknown.

    Args:
        tree: The part of the expression, as in ``{"Literal": {"Scalar": {"String": "a"}}}``.
    """
    try:
        expression = pl.Expr.deserialize(StringIO(json.dumps(tree)), format="json")
        return pl.select(expression).to_series()
    except Exception:  # noqa: BLE001  another version of Polars may write it in another way
        return None


def is_well_typed(tree: Any, dtypes: Mapping[str, PolarsDataType]) -> bool:
    """Tell whether an expression is a condition that no value makes an error.

    Args:
        tree: What :func:`expression_tree` returns.
        dtypes: The columns that there are.

    Example:
        >>> is_well_typed(expression_tree(pl.col("x") > 1), {"x": pl.Int8()})
        True
        >>> is_well_typed(expression_tree(pl.col("x") > 1), {"x": pl.String()})
        False
    """
    try:
        return _kind(tree, dtypes) == _BOOLEAN
    except RecursionError:
        return False


def _kind(tree: Any, dtypes: Mapping[str, PolarsDataType]) -> str | None:
    """Return the kind of an expression's values, or None if unknown."""
    match tree:
        case {"Column": str(name)} if name in dtypes:
            return _kind_of(dtypes[name])
        case {"Literal": {"Dyn": {"Int": _} | {"Float": _}}}:
            return _NUMBER
        case {"Literal": {"Scalar": _}}:
            found = literal(tree)
            return None if found is None else _kind_of(found.dtype)
        case {"Alias": [inner, _]}:
            return _kind(inner, dtypes)
        case {"BinaryExpr": {"left": left, "op": "And" | "Or" | "Xor", "right": right}}:
            kinds = {_kind(left, dtypes), _kind(right, dtypes)}
            return _BOOLEAN if kinds == {_BOOLEAN} else None
        case {"BinaryExpr": {"left": left, "op": word, "right": right}} if word in _COMPARISONS:
            return _comparison([left, right], dtypes)
        case {"Function": {"input": [{"Column": str(name)}], "function": {"Boolean": word}}} if (
            word in {"IsNull", "IsNotNull"} and name in dtypes
        ):
            return _BOOLEAN
        case {"Function": {"input": [value, several], "function": {"Boolean": {"IsIn": _}}}}:
            found = literal(several)
            if found is None or (len(found) > 1 and found.dtype.is_nested()):
                return None  # or each row has values of its own, as many as the table has rows
            dtype = found.dtype.inner if isinstance(found.dtype, pl.List) else found.dtype
            return _BOOLEAN if _kind(value, dtypes) == _kind_of(dtype) else None
        case {"Function": {"input": list(inputs), "function": {"Boolean": {"IsBetween": _}}}}:
            return _comparison(inputs, dtypes)
        case {"Function": {"input": list(inputs), "function": function}}:
            return _kind_of_call(function, [_kind(one, dtypes) for one in inputs])
        case _:
            return None


def _comparison(sides: list[Any], dtypes: Mapping[str, PolarsDataType]) -> str | None:
    kinds = {_kind(side, dtypes) for side in sides}
    # Two columns of texts may have different categories.
    is_plain = _TEXT not in kinds or all("Literal" in side for side in sides[1:])
    return _BOOLEAN if len(kinds) == 1 and None not in kinds and is_plain else None


def _kind_of_call(function: Any, kinds: list[str | None]) -> str | None:
    match function, kinds:
        case {"Boolean": "Not"}, ["Boolean"]:
            return _BOOLEAN
        case {"Boolean": "AllHorizontal" | "AnyHorizontal"}, _ if set(kinds) == {_BOOLEAN}:
            return _BOOLEAN
        case {"Boolean": "IsNan" | "IsNotNan" | "IsFinite" | "IsInfinite"}, ["number"]:
            return _BOOLEAN
        case {"StringExpr": "StartsWith" | "EndsWith" | {"Contains": _}}, ["text", "text"]:
            return _BOOLEAN
        case {"StringExpr": "LenBytes" | "LenChars"}, ["text"]:
            return _NUMBER
        case {"StringExpr": "Lowercase" | "Uppercase"}, ["text"]:
            return _TEXT
        case {"TemporalExpr": word}, [str(kind)] if word in _YEARS and kind.startswith(_MOMENTS):
            return _NUMBER
        case _:
            return None


def _kind_of(dtype: Any) -> str | None:
    match dtype:
        case pl.Null():
            return None
        case pl.String() | pl.Categorical() | pl.Enum():
            return _TEXT
        case pl.Datetime(time_zone=zone):
            return f"Datetime of {zone}"
        case pl.Duration():
            return "Duration"
        case pl.UInt128():  # beside numbers with a sign it becomes Int128, which may be too small
            return str(dtype)
        case _ if dtype.is_integer() or dtype.is_float():
            return _NUMBER
        case _:
            return str(dtype)
