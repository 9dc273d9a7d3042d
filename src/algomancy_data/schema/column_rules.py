"""The rules of a column: bounds, allowed values, pattern, lengths and checks."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias, cast

import polars as pl
from polars.exceptions import PolarsError

from algomancy_data.components import source_of
from algomancy_data.messages import ValidationSeverity
from algomancy_data.schema.kinds import column_type_of
from algomancy_data.schema.rule_values import is_among, keeps_bound, problem_of_value
from algomancy_data.schema.rules import Rule

if TYPE_CHECKING:
    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.schema.column import Column
    from algomancy_data.schema.rules import Dtypes

_PROBLEMS: Final = {
    "min": "Value is less than",
    "min_exclusive": "Value is not greater than",
    "max": "Value is greater than",
    "max_exclusive": "Value is not less than",
}
_BOUNDS: Final = tuple(_PROBLEMS)
_LENGTHS: Final = ("min_length", "max_length")
_SWITCHES: Final = ("allow_nan", "allow_inf")
_VALUES: Final = (*_BOUNDS, "is_in", "regex", *_LENGTHS)
RULE_FIELDS: Final = (*_VALUES, *_SWITCHES, "check", "severity")
"""The arguments of a column that say something about rules."""

_MOST_SHOWN: Final = 5
_LAMBDA: Final = "<lambda>"

_Made: TypeAlias = "tuple[str, str, Callable[[PolarsDataType], pl.Expr]]"
"""Name, problem, and what gives the expression for the dtype of the column."""


class RuleDeclarationError(ValueError):
    """A rule of a column is invalid; the caller adds the name of the schema."""


def column_rules(column: Column) -> list[Rule]:
    """Return the rules that a column declares.

    Args:
        column: The column, of a type that can be declared.

    Raises:
        RuleDeclarationError: One of them cannot be meant.

    Example:
        >>> from algomancy_data import Column, DataType
        >>> [rule.problem for rule in column_rules(Column("n", DataType.INTEGER, min=0, is_in=[1]))]
        ['Value is less than 0', 'Value is none of 1']
    """
    given = {name: value for name in _VALUES if (value := getattr(column, name)) is not None}
    given |= {name: False for name in _SWITCHES if not getattr(column, name)}
    if not given and column.check is None and column.severity is ValidationSeverity.ERROR:
        return []
    dtype = column_type_of(column.dtype).dtype
    possible = _possible(dtype)
    for name, value in given.items():
        if name not in possible:
            _refuse(column, f"{name}={value!r}", f"{dtype} has no such rule", possible)
    _refuse_contradiction(column, given, dtype)
    made = [_made(column, name, value, dtype) for name, value in given.items()]
    made += [
        (check, f"Rule {check!r} does not hold", _always(expression))
        for check, expression in column_checks(column).items()
    ]
    severities = _severities(column, [name for name, *_ in made])
    return [
        Rule(
            name,
            (column.name,),
            severities[name],
            problem,
            _of_column(column.name, passes),
            column=column.name,
        )
        for name, problem, passes in made
    ]


def _of_column(
    name: str, passes: Callable[[PolarsDataType], pl.Expr]
) -> Callable[[Dtypes], pl.Expr]:
    return lambda dtypes: passes(dtypes[name])


def _refuse(column: Column, given: str, why: str, possible: Sequence[str] = ()) -> NoReturn:
    """Refuse a rule, and list what is possible.

    Raises:
        RuleDeclarationError: Always.
    """
    listed = f" Possible are {', '.join(possible)}." if possible else ""
    msg = f"column {column.name!r} has the rule {given}: {why}.{listed}"
    raise RuleDeclarationError(msg)


def _possible(dtype: PolarsDataType) -> tuple[str, ...]:
    """Return the rules that columns of a dtype can have."""
    match dtype:
        case pl.String() | pl.Categorical() | pl.Enum():
            return ("is_in", "regex", *_LENGTHS, "check")
        case pl.Binary():
            return ("is_in", *_LENGTHS, "check")
        case pl.List():
            return (*_LENGTHS, "check")
        case pl.Boolean():
            return ("is_in", "check")
        case _ if dtype.is_float():
            return (*_BOUNDS, "is_in", *_SWITCHES, "check")
        case _ if dtype.is_numeric() or dtype.is_temporal():
            return (*_BOUNDS, "is_in", "check")
        case _:
            return ("check",)


def _refuse_contradiction(column: Column, given: Mapping[str, Any], dtype: PolarsDataType) -> None:
    """Refuse bounds that are redundant, or leave nothing between them."""
    for low, high in (("min", "min_exclusive"), ("max", "max_exclusive")):
        if low in given and high in given:
            _refuse(column, _as_given(given, low, high), "say one of the two")
    bounds = [(name, given[name]) for name in _BOUNDS if name in given]
    for name, value in bounds:
        if reason := problem_of_value(value, dtype):
            _refuse(column, _as_given(given, name), reason)
        if isinstance(value, float) and not math.isfinite(value):
            _refuse(column, _as_given(given, name), "a bound is a finite number")
    if len(bounds) > 1:
        (low, least), (high, greatest) = bounds
        is_open = "exclusive" in low + high
        if least > greatest or (is_open and least == greatest):
            _refuse(column, _as_given(given, low, high), "no value lies between them")
    for name in _LENGTHS:
        length = given.get(name, 0)
        if isinstance(length, bool) or not isinstance(length, int) or length < 0:
            _refuse(column, _as_given(given, name), "a length is a whole number from 0")
    least, greatest = (given.get(name) for name in _LENGTHS)
    if greatest is not None and (least or 0) > greatest:
        _refuse(column, _as_given(given, *_LENGTHS), "no value has such a length")


def _as_given(given: Mapping[str, Any], *names: str) -> str:
    return ", ".join(f"{name}={given[name]!r}" for name in names)


# --- values -----------------------------------------------------------------------------------


def _made(column: Column, name: str, value: Any, dtype: PolarsDataType) -> _Made:
    """Return the rule of an argument, if columns of the dtype can have it."""
    col = pl.col(column.name)
    match name:
        case "is_in":
            allowed = _allowed(column, value, dtype)
            shown = ", ".join(map(_shown, allowed[:_MOST_SHOWN]))
            rest = len(allowed) - _MOST_SHOWN
            text = f"Value is none of {shown}{f' and {rest:,} more' if rest > 0 else ''}"
            return name, text, lambda have: is_among(col, allowed, have)
        case "regex":
            _refuse_pattern(column, value)
            text = f"Value does not match {value!r}"
            return name, text, lambda _: col.cast(pl.String).str.contains(value)
        case "min_length" | "max_length":
            what, unit = ("List", "item") if isinstance(dtype, pl.List) else ("Value", "byte")
            than = f"{'fewer' if name == 'min_length' else 'more'} than {value:,}"
            text = f"{what} has {than} {unit}{'' if value == 1 else 's'}"
            return name, text, lambda _: _has_length(col, name, value, dtype)
        case "allow_nan":
            return "nan", "Value is NaN", lambda _: col.is_not_nan()
        case "allow_inf":
            return "inf", "Value is infinite", lambda _: col.is_infinite().not_()
        case _:
            text = f"{_PROBLEMS[name]} {_shown(value)}"
            return name, text, lambda have: keeps_bound(col, name, value, have)


def _shown(value: Any) -> str:
    is_plain = isinstance(value, dt.date | dt.time | dt.timedelta | Decimal)
    return str(value) if is_plain else repr(value)


def _allowed(column: Column, values: Any, dtype: PolarsDataType) -> list[Any]:
    """Return the values that are allowed.

    Raises:
        RuleDeclarationError: They are not several values that the dtype can hold.
    """
    if isinstance(values, str | bytes) or not isinstance(values, Collection):
        _refuse(column, f"is_in={values!r}", "give a list of values")
    allowed = list(cast("Collection[Any]", values))
    if not allowed:
        _refuse(column, f"is_in={values!r}", "no value would be allowed")
    for value in allowed:
        if value is None:
            _refuse(column, "is_in=[None]", "nulls keep all rules; nullable=False is about them")
        if reason := problem_of_value(value, dtype):
            _refuse(column, f"is_in=[{value!r}]", reason)
    return allowed


def _refuse_pattern(column: Column, pattern: object) -> None:
    given = f"regex={pattern!r}"
    if not isinstance(pattern, str):
        _refuse(column, given, "a pattern is a text")
    try:
        pl.select(pl.lit("").str.contains(pattern))
    except PolarsError as error:
        # Behind a drawing of the pattern stands what is wrong with it.
        reason = str(error).rpartition("error: ")[2].partition("\n")[0]
        _refuse(column, given, f"it does not compile: {reason}")


def _has_length(col: pl.Expr, name: str, length: int, dtype: PolarsDataType) -> pl.Expr:
    match dtype:
        case pl.List():
            size = col.list.len()
        case pl.Binary():
            size = col.bin.size()
        case _:
            size = col.cast(pl.String).str.len_bytes()
    return size >= length if name == "min_length" else size <= length


# --- checks -----------------------------------------------------------------------------------


def column_checks(column: Column) -> dict[str, pl.Expr]:
    """Return the checks of a column by name: ``check``, or ``check__`` and a name of their own.

    Raises:
        RuleDeclarationError: One is no Polars expression, nor makes one.
    """
    given: Any = column.check
    if isinstance(given, Mapping):
        named = {f"check__{name}": check for name, check in given.items()}
    else:
        is_one = given is None or isinstance(given, pl.Expr) or not isinstance(given, Sequence)
        checks = [given] if is_one else list(cast("Sequence[Any]", given))
        names = [_name_of(check) for check in checks if check is not None]
        counts = Counter(names)
        numbered = (
            f"{name}__{names[:place].count(name)}" if counts[name] > 1 else name
            for place, name in enumerate(names)
        )
        named = dict(zip(numbered, checks, strict=False))
    return {name: _expression(column, name, check) for name, check in named.items()}


def _name_of(check: Any) -> str:
    name = getattr(check, "__name__", _LAMBDA)
    return "check" if isinstance(check, pl.Expr) or name == _LAMBDA else f"check__{name}"


def _always(expression: pl.Expr) -> Callable[[PolarsDataType], pl.Expr]:
    return lambda _: expression


def _expression(column: Column, name: str, check: Any) -> pl.Expr:
    made: object = check
    if not isinstance(check, pl.Expr):
        if not callable(check):
            reason = "a check is a Polars expression, or a callable that makes one"
            _refuse(column, f"{name}={check!r}", reason)
        try:
            made = check(pl.col(column.name))
        except Exception as error:  # of a user's code, whatever it is
            msg = (
                f"column {column.name!r} has the rule {name!r}{source_of(check)}, which cannot "
                f"be made: {type(error).__name__}: {error}"
            )
            raise RuleDeclarationError(msg) from error
    if not isinstance(made, pl.Expr):
        _refuse(column, name, f"it makes {made!r}, no Polars expression")
    return made


def _severities(column: Column, names: Sequence[str]) -> dict[str, ValidationSeverity]:
    """Return the severity of each rule."""
    given: Any = column.severity
    by_name = dict(given) if isinstance(given, Mapping) else dict.fromkeys(names, given)
    if unknown := [name for name in by_name if name not in names]:
        listed = ", ".join(names) or "none"
        msg = f"column {column.name!r} has a severity of {unknown[0]!r}; its rules are {listed}."
        raise RuleDeclarationError(msg)
    try:
        chosen = {name: ValidationSeverity(value) for name, value in by_name.items()}
    except ValueError as error:
        listed = ", ".join(ValidationSeverity)
        msg = f"column {column.name!r} has severity={given!r}; possible are {listed}."
        raise RuleDeclarationError(msg) from error
    return dict.fromkeys(names, ValidationSeverity.ERROR) | chosen
