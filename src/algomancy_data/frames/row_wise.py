"""Whether an expression looks at each row by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from algomancy_data.frames.predicates import expression_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

# As Polars writes expressions down. What is not listed is taken for one that compares rows.
_LEAVES: Final = frozenset({"Column", "Literal", "Selector"})
_INNER: Final[dict[str, tuple[str, ...]]] = {
    "BinaryExpr": ("left", "right"),
    "Ternary": ("predicate", "truthy", "falsy"),
    "Cast": ("expr",),
    "Eval": ("expr",),  # what it does with each list stays in the row
}
_FAMILIES: Final = frozenset({"ListExpr", "ArrayExpr", "StructExpr", "BinaryExpr", "TemporalExpr"})
_BOOLEAN: Final = frozenset(
    {
        *("IsNull", "IsNotNull", "IsNan", "IsNotNan", "IsFinite", "IsInfinite"),
        *("Not", "AllHorizontal", "AnyHorizontal", "IsBetween", "IsIn", "IsClose"),
    }
)
_FUNCTIONS: Final = frozenset(
    {
        *("Abs", "Negate", "Sign", "Round", "Floor", "Ceil", "Pow", "Log", "Exp", "Clip"),
        *("FillNull", "Coalesce", "AsStruct", "Hash", "Replace", "ReplaceStrict"),
        *("MaxHorizontal", "MinHorizontal", "SumHorizontal", "MeanHorizontal"),
    }
)


def is_row_wise(expression: pl.Expr) -> bool:
    """Tell whether an expression certainly looks at each row by itself.

    Polars itself splits ``pl.col("x").is_unique()`` and ``.mean()`` by rows when it is asked.

    Example:
        >>> import polars as pl
        >>> is_row_wise(pl.col("a") > pl.col("b").abs()), is_row_wise(pl.col("a").is_unique())
        (True, False)
    """
    return _is_row_wise(expression_tree(expression, None))


def _is_row_wise(node: Any) -> bool:
    if not isinstance(node, dict) or len(cast("dict[str, Any]", node)) != 1:
        return False  # such as "Len", or Python code, which cannot be written down
    [(kind, content)] = cast("dict[str, Any]", node).items()
    if kind in _LEAVES:
        return True
    if kind == "Alias":
        return _is_row_wise(content[0])
    if kind == "KeepName":
        return _is_row_wise(content)
    if kind == "Function":
        return _is_known(content["function"]) and all(map(_is_row_wise, content["input"]))
    return kind in _INNER and all(_is_row_wise(content[name]) for name in _INNER[kind])


def _is_known(function: Any) -> bool:
    name, *details = _words(function)
    if name == "Boolean":
        return details[0] in _BOOLEAN
    if name == "StringExpr":
        return details[0] != "ConcatVertical"
    return name in _FAMILIES or name in _FUNCTIONS


def _words(function: Any) -> Iterator[str]:
    """Yield the name of a function and, for one of a family, which of them it is."""
    while isinstance(function, dict):
        name, function = next(iter(cast("dict[str, Any]", function).items()))
        yield name
    if isinstance(function, str):
        yield function
