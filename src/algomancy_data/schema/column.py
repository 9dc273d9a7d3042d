"""The columns of a schema."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from algomancy_data.schema.kinds import DeclaredType


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
