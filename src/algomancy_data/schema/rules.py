"""Rules on the values of a table: expressions that are true for valid rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import polars as pl
from polars.exceptions import PolarsError, ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.messages import ValidationSeverity

Dtypes: TypeAlias = "Mapping[str, PolarsDataType]"
"""The dtype of each column of a table."""

_LONGEST_REASON: Final = 200


@dataclass(frozen=True)
class Rule:
    """A rule that a schema declares.

    Args:
        name: Its name: that of an argument of the column, such as ``"min"``, or of a method.
        columns: The columns that it is about.
        severity: Severity of each message.
        problem: What is wrong with a row that breaks it, as the start of a sentence.
        passes: Returns the expression that is true for rows that are as they should be, for the
            dtypes that the columns have. Null counts as true.
        group_by: The columns whose values make the groups that it is about; none if it is about
            rows. The expression then gives one value per group.
        column: The column that declares it; None for a rule of the schema.
    """

    name: str
    columns: tuple[str, ...]
    severity: ValidationSeverity
    problem: str
    passes: Callable[[Dtypes], pl.Expr]
    group_by: tuple[str, ...] = ()
    column: str | None = None

    @property
    def title(self) -> str:
        """What the rule is called in an error.

        Example:
            >>> from algomancy_data import Column, DataType, Schema
            >>> class Stays(Schema):
            ...     _FILENAME, _EXTENSION, _SCHEMA_TYPE = "stays", "csv", "single"
            ...     NIGHTS = Column("nights", DataType.INTEGER, min=1)
            >>> Stays.rules()[0].title
            "'min' of column 'nights'"
        """
        return (
            repr(self.name) if self.column is None else f"{self.name!r} of column {self.column!r}"
        )

    def problem_with(self, dtypes: Dtypes) -> str | None:
        """Return why the rule cannot be evaluated on columns of some dtypes, or None."""
        rows = pl.DataFrame(schema=dict(dtypes))
        expression = self.passes(dtypes)
        unknown = [name for name in (*self.group_by, *root_names(expression)) if name not in dtypes]
        if unknown:
            return f"there is no column {unknown[0]!r}"
        try:
            given = rows.select(expression)
            if given.width != 1:
                return f"it gives {given.width} columns; join them with pl.all_horizontal"
            found = given.dtypes[0]
            if self.group_by:
                found = rows.group_by(self.group_by).agg(expression.alias("")).schema[""]
        except PolarsError as error:
            return reason_of(error)
        if self.group_by and isinstance(found, pl.List):
            return (
                "it gives a value per row; end it with an aggregate such as .all() or .sum() == 1"
            )
        if found not in {pl.Boolean(), pl.Null()}:
            return f"it gives {found}, not Boolean"
        return None


def root_names(expression: pl.Expr) -> list[str]:
    """Return the columns that an expression names.

    Example:
        >>> root_names((pl.col("a") > pl.col("b")) | pl.col("a").is_null())
        ['a', 'b']
    """
    return list(dict.fromkeys(expression.meta.root_names()))


def names_columns_by_kind(expression: pl.Expr) -> bool:
    """Tell whether an expression selects columns by kind, as ``pl.all()`` does."""
    return expression.meta.has_multiple_outputs()


def reason_of(error: Exception) -> str:
    """Return why an expression cannot be evaluated, in one line without a query plan."""
    if isinstance(error, ShapeError):
        return "it gives another number of values than there are rows"
    first = str(error).strip().partition("\n")[0].rstrip(".: ")
    return first if len(first) <= _LONGEST_REASON else f"{first[:_LONGEST_REASON]}…"
