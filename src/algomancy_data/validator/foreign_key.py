"""Checks that foreign keys refer to existing rows."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Self, Unpack

from algomancy_data.messages import ValidationSeverity
from algomancy_data.relations import Relation, resolve_relations_from_schemas
from algomancy_data.relations.keys import dtype_conflict
from algomancy_data.relations.lookup import rows_without_parent
from algomancy_data.schema.table_names import Schemas, schema_classes, schema_table_map
from algomancy_data.validator.base import FrameCheck

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import polars as pl

    from algomancy_data.components import KnownAs
    from algomancy_data.relations.stored import StoredKeys


class ForeignKeyValidator(FrameCheck):
    """Reports rows of a table whose key is not among the keys of another one.

    Rows with a null in any key column refer to nothing and are skipped. Whole numbers are equal
    whatever their dtype, and so are texts and categories; other dtypes that differ have no value
    in common: that is said once (FK_DTYPE_MISMATCH), and every row with a key is a violation.

    Codes: FK_VIOLATION, FK_DTYPE_MISMATCH, TABLE_NOT_FOUND, COLUMN_NOT_FOUND; the check stops at
    the first missing table or column.

    Args:
        left_table: Logical name of the referring table.
        left_col: Its key column, or columns.
        right_table: Logical name of the table referred to.
        right_col: Its key column, or columns, in the same order.
        severity: Severity of every message.

    Raises:
        ValueError: Unequal numbers of columns, no column, or a column named twice.

    Example:
        >>> import polars as pl
        >>> from algomancy_data import ForeignKeyValidator
        >>> check = ForeignKeyValidator("flights", "carrier", "airlines", "carrier")
        >>> flights = pl.DataFrame({"carrier": ["AA", "ZZ", None]})
        >>> airlines = pl.DataFrame({"carrier": ["AA", "UA"]})
        >>> print(*check.validate({"flights": flights, "airlines": airlines}))
        ERROR: Key is not in airlines(carrier): carrier='ZZ' \
[table=flights, column=carrier, row=1, code=FK_VIOLATION, key=flights.carrier->airlines.carrier]
    """

    def __init__(
        self,
        left_table: str,
        left_col: str | Sequence[str],
        right_table: str,
        right_col: str | Sequence[str],
        severity: ValidationSeverity = ValidationSeverity.ERROR,
        **known_as: Unpack[KnownAs],
    ) -> None:
        super().__init__(**known_as)
        self.left_table = left_table
        self.left_col = [left_col] if isinstance(left_col, str) else list(left_col)
        self.right_table = right_table
        self.right_col = [right_col] if isinstance(right_col, str) else list(right_col)
        self.severity = severity
        self._may_be_absent: frozenset[str] = frozenset()
        self._absent_child: ValidationSeverity = severity
        self._absent_parent: ValidationSeverity = severity
        self._stored: StoredKeys | None = None
        self._check_arguments()

    @classmethod
    def from_schemas(
        cls, schemas: Schemas, severity: ValidationSeverity = ValidationSeverity.ERROR
    ) -> list[Self]:
        """Return one validator for each relation that the schemas declare.

        A relation whose referring column is declared optional and absent has nothing to check; nor
        has one whose referring table is absent, of which an INFO message tells.

        Args:
            schemas: Schema classes, in a list or as the values of a mapping.
            severity: Severity of every message.

        Warns:
            DeprecationWarning: A schema uses the legacy ``_DATATYPES``.

        Raises:
            SchemaError: A schema is declared wrongly.
        """
        classes = schema_classes(schemas)
        declared = schema_table_map(classes)
        validators: list[Self] = []
        for relation in resolve_relations_from_schemas(classes):
            validator = cls(
                relation.child_table,
                relation.child_cols,
                relation.parent_table,
                relation.parent_cols,
                severity,
            )
            columns = declared[relation.child_table].columns()
            validator._may_be_absent = frozenset(
                name for name in relation.child_cols if columns[name].optional
            )
            validator._absent_child = ValidationSeverity.INFO
            validators.append(validator)
        return validators

    def beside(self, stored: StoredKeys) -> Self:
        """Return a check of rows that are added to a dataset, whose keys count as well.

        Args:
            stored: The keys of the dataset.
        """
        made = copy.copy(self)
        made._stored = stored  # noqa: SLF001  it is one of ours
        return made

    def leaving_out(self, tables: Collection[str]) -> Self:
        """Return a check of data without some tables; references to them are reported as INFO.

        Args:
            tables: Those that are left out on purpose.
        """
        made = copy.copy(self)
        if self.right_table in tables:
            made._absent_parent = ValidationSeverity.INFO  # noqa: SLF001  it is one of ours
        return made

    @property
    def key(self) -> str:
        """The key as messages name it, such as ``flights.tail->planes.tail``."""
        left, right = tuple(self.left_col), tuple(self.right_col)
        return str(Relation(self.left_table, left, self.right_table, right))

    def check(self, tables: dict[str, pl.DataFrame]) -> None:
        """Report the keys without a match."""
        left = self.find_table(tables, self.left_table, self._absent_child, self.key)
        if left is None or any(name not in left.columns for name in self._may_be_absent):
            return
        if not self._has_columns(left, self.left_table, self.left_col):
            return
        keys = left.select(self.left_col)
        stored = self._stored_parent()
        if stored is not None and self.right_table not in tables:
            self._check_keys(keys, keys.clear(), stored)
            return
        right = self.find_table(tables, self.right_table, self._absent_parent, self.key)
        if right is None or not self._has_columns(right, self.right_table, self.right_col):
            return
        self._check_keys(keys, right.select(self.right_col), stored)

    def _stored_parent(self) -> StoredKeys | None:
        """Return the stored keys of the parent table, if the dataset has that table."""
        if self._stored is None:
            return None
        columns = set(self._stored.columns(self.right_table))
        return self._stored if columns.issuperset(self.right_col) else None

    def _has_columns(self, frame: pl.DataFrame, table: str, columns: Sequence[str]) -> bool:
        return all(self.has_column(frame, table, name, self.severity, self.key) for name in columns)

    def _check_keys(
        self, left: pl.DataFrame, right: pl.DataFrame, stored: StoredKeys | None
    ) -> None:
        rows = rows_without_parent(left, right, self._key_limits)
        if stored is not None and len(rows):
            rows = rows.filter(~stored.referred(self.right_table, self.right_col, left[rows]))
        parent = f"{self.right_table}({','.join(self.right_col)})"
        conflict = dtype_conflict(left, right) if len(rows) else None
        if conflict is not None:
            text = f"Key cannot be compared with {parent}: {conflict}."
            column = ",".join(self.left_col)
            code = "FK_DTYPE_MISMATCH"
            self.add_message(self.severity, text, self.left_table, column, code=code, key=self.key)
        problem = f"Key is not in {parent}"
        self.report_rows(
            self.severity,
            problem,
            rows,
            left,
            table=self.left_table,
            code="FK_VIOLATION",
            key=self.key,
        )

    def _check_arguments(self) -> None:
        problem = None
        if len(self.left_col) != len(self.right_col):
            problem = "left_col and right_col must have the same length"
        elif not self.left_col:
            problem = "left_col and right_col must name at least one column"
        elif any(len(set(names)) < len(names) for names in (self.left_col, self.right_col)):
            problem = "left_col and right_col must name each column once"
        if problem is not None:
            msg = f"{problem}, not {self.left_col!r} and {self.right_col!r}."
            raise ValueError(msg)
