"""What we declare of a table, as a schema of dataframely and of pandera."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import dataframely as dy
import pandera.polars as pa
import polars as pl

from algomancy_data import DataType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from algomancy_data import Column, Schema
    from algomancy_data.schema import Rule

_DATAFRAMELY: dict[DataType, Callable[..., dy.Column]] = {
    DataType.INTEGER: dy.Int64,
    DataType.FLOAT: partial(dy.Float64, allow_inf=True, allow_nan=True),
    DataType.STRING: dy.String,
    DataType.BOOLEAN: dy.Bool,
    DataType.DATETIME: partial(dy.Datetime, time_unit="us"),
}


def dataframely(schema: type[Schema]) -> type[dy.Schema]:
    members: dict[str, object] = {
        name: _DATAFRAMELY[column.dtype](
            nullable=column.nullable,
            primary_key=column.primary_key,
            unique=column.unique,
            **_for_dataframely(column),
        )
        for name, column in schema.columns().items()
    }
    for one in schema.rules():
        if one.column is None:
            members[one.name] = dy.rule()(partial(_on_rows, one))
    return type(schema.__name__, (dy.Schema,), members)


_RULES = ("min", "max", "min_exclusive", "max_exclusive", "is_in", "regex", "min_length")
_RULES += ("max_length", "check")


def _given(column: Column, names: Iterable[str]) -> dict[str, Any]:
    values = {name: getattr(column, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _for_dataframely(column: Column) -> dict[str, Any]:
    """Return the rules of a column; its texts have no ``is_in``, which is a check of their own."""
    given = _given(column, _RULES)
    if "is_in" in given:
        values = given.pop("is_in")
        given["check"] = {"is_in": lambda texts: texts.is_in(values)}
    return given


def _on_rows(one: Rule, *_: object) -> pl.Expr:
    """Return a rule as dataframely has it: those on groups with ``over``."""
    passes = one.passes({})
    return passes.over(one.group_by) if one.group_by else passes


_PANDERA: dict[str, Callable[[Any], pa.Check]] = {
    "min": pa.Check.ge,
    "max": pa.Check.le,
    "min_exclusive": pa.Check.gt,
    "max_exclusive": pa.Check.lt,
    "is_in": pa.Check.isin,
    "regex": pa.Check.str_contains,
    "min_length": lambda length: pa.Check.str_length(min_value=length),
    "max_length": lambda length: pa.Check.str_length(max_value=length),
    "check": lambda check: pa.Check(lambda data: data.lazyframe.select(check(pl.col(data.key)))),
}


def pandera(schema: type[Schema], *, strict: bool = False) -> pa.DataFrameSchema:
    columns = {
        name: pa.Column(
            column.dtype.polars_dtype,
            [_PANDERA[rule](value) for rule, value in _given(column, _RULES).items()],
            nullable=column.nullable,
            unique=column.unique,
        )
        for name, column in schema.columns().items()
    }
    on_rows = [one for one in schema.rules() if one.column is None]
    return pa.DataFrameSchema(
        columns,
        [pa.Check(lambda data, one=one: data.lazyframe.select(_on_rows(one))) for one in on_rows],
        unique=list(schema.primary_key()) or None,
        strict=strict,
    )


def pandera_failures(schema: pa.DataFrameSchema, frame: pl.DataFrame) -> int:
    """Return how many bad values pandera finds."""
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        return error.failure_cases.height
    return 0
