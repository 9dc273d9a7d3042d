"""The columns of a schema."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import polars as pl

from algomancy_data.messages import ValidationSeverity

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from algomancy_data.schema.kinds import DeclaredType

Check: TypeAlias = "pl.Expr | Callable[[pl.Expr], pl.Expr]"
"""What is true for values that are as they should be: an expression, or what makes one of that of
the column."""

Checks: TypeAlias = "Check | Sequence[Check] | Mapping[str, Check]"
"""One or more of them; those of a mapping have names of their own."""


@dataclass
class Column:
    """One column of a table.

    Args:
        name: Name of the column, exactly as in the file.
        dtype: Declared type: a :class:`DataType`, or a Polars dtype such as ``pl.Decimal(18, 4)``.
        optional: The column may be absent; it is then added with ``default``.
        primary_key: The column is (part of) the table's key: unique together, never null.
        default: Value of an absent optional column.
        nullable: Nulls are allowed. Checked by ``ConstraintValidator``.
        unique: No value appears twice. Checked by ``ConstraintValidator``.
        description: A sentence for people.
        foreign_key: ``(parent table, parent column)`` whose values this column repeats. Columns
            that refer to different columns of one parent form one composite key.
        parent_requires_child: Parents without a child are dropped by a cascade.
        track_partial_loss: Parents that lost some of their children are dropped by a cascade.
        min: The least value. The rules from here on are checked by ``RuleValidator``; nulls keep
            all of them.
        max: The greatest value; NaN is greater than any number.
        min_exclusive: What values are greater than, instead of ``min``.
        max_exclusive: What values are less than, instead of ``max``.
        is_in: The values that are allowed.
        regex: A pattern of Rust's ``regex`` that each text contains; ``^`` and ``$`` make it match
            all of the text.
        min_length: The least length: in bytes of UTF-8 of a text, in items of a list.
        max_length: The greatest length, likewise.
        allow_nan: Floats may be NaN.
        allow_inf: Floats may be infinite.
        check: A Polars expression, or a callable that makes one of that of the column, which is
            true for values that are as they should be; or several in a list, or by name.
        severity: Severity of each message on the rules; a mapping says it by the name of a rule.

    Raises:
        ValueError: ``parent_requires_child`` or ``track_partial_loss`` without ``foreign_key``.

    Example:
        >>> from algomancy_data import Column, DataType
        >>> Column("carrier", DataType.STRING, foreign_key=("airlines", "carrier")).optional
        False
    """

    name: str
    dtype: DeclaredType
    optional: bool = False
    primary_key: bool = False
    default: Any = None
    nullable: bool = False
    unique: bool = False
    description: str = ""
    foreign_key: tuple[str, str] | None = None
    parent_requires_child: bool = False
    track_partial_loss: bool = False
    min: Any = field(default=None, kw_only=True)
    max: Any = field(default=None, kw_only=True)
    min_exclusive: Any = field(default=None, kw_only=True)
    max_exclusive: Any = field(default=None, kw_only=True)
    is_in: Collection[Any] | None = field(default=None, kw_only=True)
    regex: str | None = field(default=None, kw_only=True)
    min_length: int | None = field(default=None, kw_only=True)
    max_length: int | None = field(default=None, kw_only=True)
    allow_nan: bool = field(default=True, kw_only=True)
    allow_inf: bool = field(default=True, kw_only=True)
    check: Checks | None = field(default=None, kw_only=True, compare=False)
    severity: ValidationSeverity | Mapping[str, ValidationSeverity] = field(
        default=ValidationSeverity.ERROR, kw_only=True
    )

    @property
    def col(self) -> pl.Expr:
        """The column as a Polars expression, for rules.

        Example:
            >>> from algomancy_data import DataType
            >>> Column("day", DataType.INTEGER).col.meta.output_name()
            'day'
        """
        return pl.col(self.name)

    def __post_init__(self) -> None:
        """Refuse relation flags on a column that takes part in no relation."""
        if self.foreign_key is not None:
            return
        for flag in ("parent_requires_child", "track_partial_loss"):
            if getattr(self, flag):
                msg = (
                    f"Column {self.name!r}: {flag}=True says something about a relation, "
                    f"so it needs foreign_key=(table, column)."
                )
                raise ValueError(msg)


@dataclass
class ColumnGroup:
    """One table of a MULTI schema.

    Args:
        name: Name of the table inside the file; its logical name is ``<file>.<name>``.
        columns: Its columns, in order.
        source_path: Keys that lead from a record to the nested list of this group's rows; empty
            for the root.
    """

    name: str
    columns: list[Column]
    source_path: tuple[str, ...] = field(default_factory=tuple)
