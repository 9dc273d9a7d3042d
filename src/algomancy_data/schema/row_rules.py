"""Rules on rows and on groups of rows, made from methods of a schema by :func:`rule`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import MethodType
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast, overload

import polars as pl

from algomancy_data.components import source_of
from algomancy_data.errors import InvalidSchemaError
from algomancy_data.messages import ValidationSeverity
from algomancy_data.schema.column_rules import column_rules
from algomancy_data.schema.kinds import column_type_of
from algomancy_data.schema.rules import Rule, names_columns_by_kind, root_names

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from algomancy_data.schema.column import Column
    from algomancy_data.schema.declaration import Schema
    from algomancy_data.schema.rules import Dtypes

_PRIMARY_KEY: Final = "primary_key"

RuleMethod: TypeAlias = Callable[[Any], pl.Expr]
"""A method of a schema class that returns what is true for rows that are as they should be."""


@overload
def rule(method: RuleMethod, /) -> DeclaredRule: ...


@overload
def rule(
    *,
    group_by: str | Sequence[str] = ...,
    severity: ValidationSeverity = ...,
    table: str | None = ...,
) -> Callable[[RuleMethod], DeclaredRule]: ...


def rule(
    method: RuleMethod | None = None,
    /,
    *,
    group_by: str | Sequence[str] = (),
    severity: ValidationSeverity = ValidationSeverity.ERROR,
    table: str | None = None,
) -> DeclaredRule | Callable[[RuleMethod], DeclaredRule]:
    """Make a method of a schema class a rule on its rows, or on groups of them.

    The method is called with the class. It returns a Polars expression that is true for a row that
    is as it should be; null counts as true. Its name is that of the rule, and the first line of its
    docstring, if it has one, is what messages say.

    Args:
        method: The method, where ``@rule`` has no parentheses.
        group_by: The columns whose values make the groups; ``"primary_key"`` stands for those of
            the primary key. The expression then gives one value per group, by an aggregate such as
            ``pl.len()`` or ``.sum()``, and all rows of a group for which it is false fail.
        severity: Severity of each message.
        table: In a MULTI schema, the group of columns that the rule is about.

    Example:
        >>> import polars as pl
        >>> from algomancy_data import Column, DataType, RuleValidator, Schema, rule
        >>> class Stays(Schema):
        ...     _FILENAME, _EXTENSION, _SCHEMA_TYPE = "stays", "csv", "single"
        ...     GUEST = Column("guest", DataType.STRING)
        ...     COME = Column("come", DataType.INTEGER)
        ...     GO = Column("go", DataType.INTEGER)
        ...
        ...     @rule()
        ...     def goes_after_it_came(cls):
        ...         return cls.GO.col > cls.COME.col
        ...
        ...     @rule(group_by=["guest"])
        ...     def comes_back(cls):
        ...         '''Guest came only once.'''
        ...         return pl.len() > 1
        >>> stays = pl.DataFrame(
        ...     {"guest": ["Ann", "Bob", "Ann"], "come": [1, 3, 7], "go": [2, 3, 9]}
        ... )
        >>> for message in RuleValidator([Stays]).validate({"stays": stays}):
        ...     print(message.row, message.key, message.message)
        1 goes_after_it_came Rule 'goes_after_it_came' does not hold: go=3, come=3
        1 comes_back Guest came only once: guest='Bob'
    """
    columns = (group_by,) if isinstance(group_by, str) else tuple(group_by)

    def declare(method: RuleMethod) -> DeclaredRule:
        return DeclaredRule(method, columns, severity, table)

    return declare if method is None else declare(method)


@dataclass(frozen=True)
class DeclaredRule:
    """What :func:`rule` makes of a method; as an attribute of the class, it is that method.

    Args:
        method: The method.
        group_by: The columns whose values make the groups; none for a rule on rows.
        severity: Severity of each message.
        table: In a MULTI schema, the group of columns that the rule is about.
    """

    method: RuleMethod
    group_by: tuple[str, ...]
    severity: ValidationSeverity
    table: str | None

    def __set_name__(self, owner: type, name: str) -> None:
        """Refuse the name of a method of ``Schema``."""
        earlier = [vars(base).get(name) for base in owner.__mro__[1:]]
        if any(isinstance(one, classmethod) for one in earlier):
            problem = f"{name!r} cannot be a rule, since schemas have a method of that name."
            raise InvalidSchemaError.from_problem(owner.__name__, problem)

    def __get__(self, instance: object, owner: type, /) -> Callable[[], pl.Expr]:
        """Return the method of a class."""
        return MethodType(self.method, owner)


def rules_of_table(
    schema: type[Schema], table: str, declared: Mapping[str, DeclaredRule]
) -> dict[str, DeclaredRule]:
    """Return the rules of a MULTI schema on one of its tables, as rules of that table."""
    return {
        name: replace(one, method=_of_class(one.method, schema), table=None)
        for name, one in declared.items()
        if one.table == table
    }


def _of_class(method: RuleMethod, schema: type[Schema]) -> RuleMethod:
    return lambda _: method(schema)


def refuse_unknown_tables(
    schema: type[Schema], declared: Mapping[str, DeclaredRule], tables: Collection[str]
) -> None:
    """Make sure that each rule of a MULTI schema names its table.

    Raises:
        InvalidSchemaError: One names none, or one that there is not.
    """
    listed = ", ".join(map(repr, tables))
    for name, one in declared.items():
        if one.table not in tables:
            problem = f"rule {name!r} has table={one.table!r}; its tables are {listed}."
            raise InvalidSchemaError.from_problem(schema.__name__, problem)


def resolve_rules(
    schema: type[Schema], columns: Mapping[str, Column], declared: Mapping[str, DeclaredRule]
) -> tuple[Rule, ...]:
    """Return the rules of a table: those of its columns in order, then those on rows.

    Args:
        schema: The SINGLE schema.
        columns: Its columns.
        declared: Its rules on rows and groups, by name.

    Raises:
        InvalidSchemaError: One of them cannot be meant, or cannot be evaluated on the columns.
    """
    dtypes = {name: column_type_of(column.dtype).dtype for name, column in columns.items()}
    rules = [one for column in columns.values() for one in column_rules(column)]
    rules += [_rule_on_rows(schema, name, one, dtypes) for name, one in declared.items()]
    listed = ", ".join(map(repr, columns))
    for one in rules:
        if reason := one.problem_with(dtypes):
            problem = f"rule {one.title} cannot be evaluated: {reason}. Its columns: {listed}."
            raise InvalidSchemaError.from_problem(schema.__name__, problem)
    return tuple(_about(one, dtypes) for one in rules)


def _rule_on_rows(schema: type[Schema], name: str, declared: DeclaredRule, dtypes: Dtypes) -> Rule:
    try:
        made = cast("object", declared.method(schema))
        severity = ValidationSeverity(declared.severity)
    except Exception as error:  # of a user's code, whatever it is
        where = source_of(declared.method)
        problem = f"rule {name!r}{where} cannot be made: {type(error).__name__}: {error}"
        raise InvalidSchemaError.from_problem(schema.__name__, problem) from error
    if not isinstance(made, pl.Expr):
        problem = f"rule {name!r} must return a Polars expression, not {made!r}."
        raise InvalidSchemaError.from_problem(schema.__name__, problem)
    if declared.table is not None:
        problem = f"rule {name!r} has table={declared.table!r}, but there is one table only."
        raise InvalidSchemaError.from_problem(schema.__name__, problem)
    expression, keys = made, declared.group_by
    if keys == (_PRIMARY_KEY,) and _PRIMARY_KEY not in dtypes:
        keys = schema.primary_key()
    about = (declared.method.__doc__ or "").strip().partition("\n")[0].removesuffix(".")
    text = about or f"Rule {name!r} does not hold"
    return Rule(name, keys, severity, text, lambda _: expression, keys)


def _about(one: Rule, dtypes: Dtypes) -> Rule:
    """Return the rule with all columns that it refers to."""
    expression = one.passes(dtypes)
    named = dtypes if names_columns_by_kind(expression) else root_names(expression)
    columns = tuple(dict.fromkeys([*one.columns, *named]))
    return replace(one, columns=columns or tuple(dtypes)[:1])
