"""Checks the rules that schemas declare."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Final, Self, Unpack

import polars as pl
from polars.exceptions import PolarsError

from algomancy_data.components import KnownAs, note_rule
from algomancy_data.display.words import counted
from algomancy_data.errors import RuleError
from algomancy_data.frames.row_wise import is_row_wise
from algomancy_data.schema.kinds import column_types
from algomancy_data.schema.rules import reason_of
from algomancy_data.schema.table_names import Schemas, schema_table_map
from algomancy_data.validator.added_rows import Broken, broken_together
from algomancy_data.validator.base import FrameCheck
from algomancy_data.validator.rule_rows import rows_by_rule

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.relations.declared import Key
    from algomancy_data.schema import Rule, Schema
    from algomancy_data.schema.types import ColumnType
    from algomancy_data.validator.stored import StoredRows

# Each part takes a look at the keys of all rows.
_MOST_PARTS: Final = 64


class RuleValidator(FrameCheck):
    """Reports rows that break a rule on a column, on rows, or on groups of rows.

    A value that is null keeps all rules of its column; the ``nullable`` of a column is checked by
    :class:`ConstraintValidator`. An optional column that is absent counts as one of nulls.

    Codes: RULE_VIOLATED for every row that breaks a rule, whose name is the ``key`` of the message;
    RULE_NOT_CHECKED for a rule about a column that is absent, or of another dtype than declared.
    Each has the severity of its rule.

    Args:
        schemas: Schema classes, in a list or as the values of a mapping.

    Raises:
        SchemaError: A schema, or one of its rules, is declared wrongly.

    Example:
        >>> import polars as pl
        >>> from algomancy_data import Column, DataType, RuleValidator, Schema
        >>> class Airports(Schema):
        ...     _FILENAME, _EXTENSION, _SCHEMA_TYPE = "airports", "csv", "single"
        ...     FAA = Column("faa", DataType.STRING, regex="^[A-Z]{3}$")
        >>> airports = pl.DataFrame({"faa": ["EWR", "N77"]})
        >>> print(*RuleValidator([Airports]).validate({"airports": airports}))
        ERROR: Value does not match '^[A-Z]{3}$': faa='N77' \
[table=airports, column=faa, row=1, code=RULE_VIOLATED, key=regex]
    """

    def __init__(self, schemas: Schemas, **known_as: Unpack[KnownAs]) -> None:
        super().__init__(**known_as)
        self._stored: StoredRows | None = None
        self._replacing: Mapping[str, Key] = {}
        self._schemas = {
            table: schema for table, schema in schema_table_map(schemas).items() if schema.rules()
        }

    def beside(self, stored: StoredRows, replacing: Mapping[str, Key]) -> Self:
        """Return a check of rows that are added to a dataset, together with the stored ones.

        Args:
            stored: The rows of the dataset.
            replacing: The key of each table by which rows take the place of others.
        """
        made = copy.copy(self)
        made._stored, made._replacing = stored, replacing  # noqa: SLF001  it is one of ours
        return made

    def check(self, tables: dict[str, pl.DataFrame]) -> None:
        """Report the rows of the tables that are there."""
        for table, schema in self._schemas.items():
            if table in tables and tables[table].height:
                self._check_table(table, schema, tables[table])

    def _check_table(self, table: str, schema: type[Schema], frame: pl.DataFrame) -> None:
        rules = self._checkable(table, schema, frame)
        declared = _declared_columns(frame, schema)
        try:
            # A group keeps its memory until the last row: of many, some are looked at at a time.
            limits = self._key_limits
            needed = 1 if frame.height <= limits.large else -(-frame.height // limits.part_rows)
            parts = min(needed, _MOST_PARTS)
            broken = self._broken(table, declared, rules, parts)
        except Exception as error:
            self._raise_for_rule(error, table, schema, declared, rules)
            raise
        for one, found in zip(rules, broken, strict=True):
            if found.stored:
                rows = counted(found.stored, "stored row")
                text = f"{one.problem}: {rows}, with those that are added."
                column, code = ",".join(one.columns), "RULE_VIOLATED"
                self.add_message(
                    one.severity, text, table, column, code=code, key=one.name, count=found.stored
                )
            if len(found.rows):
                shown = [name for name in one.columns if name in frame.columns]
                self.report_rows(
                    one.severity,
                    one.problem,
                    found.rows,
                    frame.select(shown or frame.columns[:1]),
                    table=table,
                    code="RULE_VIOLATED",
                    key=one.name,
                )

    def _broken(
        self, table: str, declared: pl.LazyFrame, rules: Sequence[Rule], parts: int
    ) -> list[Broken]:
        """Return the rows that break each rule."""
        stored = self._stored
        if stored is None or not stored.columns(table):
            return list(map(Broken, rows_by_rule(declared, rules, parts)))
        dtypes = declared.collect_schema()
        alone = [not one.group_by and is_row_wise(one.passes(dtypes)) for one in rules]
        on_rows = [one for one, is_alone in zip(rules, alone, strict=True) if is_alone]
        others = [one for one, is_alone in zip(rules, alone, strict=True) if not is_alone]
        by_itself = iter(rows_by_rule(declared, on_rows))
        key = self._replacing.get(table, ())
        together = iter(broken_together(declared, others, table, stored, key))
        return [Broken(next(by_itself)) if is_alone else next(together) for is_alone in alone]

    def _checkable(self, table: str, schema: type[Schema], frame: pl.DataFrame) -> list[Rule]:
        """Return the rules whose columns are as declared, and report the others."""
        types, optional = column_types(schema.datatypes()), schema.optional_columns()
        present = frame.schema
        checkable: list[Rule] = []
        for one in schema.rules():
            reason = _reason_not_to_check(one, present, types, optional)
            if reason is None:
                checkable.append(one)
                continue
            text = f"Rule {one.title} was not checked: {reason}."
            column, code = ",".join(one.columns), "RULE_NOT_CHECKED"
            self.add_message(one.severity, text, table, column, code=code, key=one.name)
        return checkable

    def _raise_for_rule(
        self,
        error: Exception,
        table: str,
        schema: type[Schema],
        declared: pl.LazyFrame,
        rules: Sequence[Rule],
    ) -> None:
        """Raise an error that names the rule that cannot be evaluated.

        What a function in one of them raises is named by a note, and propagates.

        Raises:
            RuleError: It is one of them.
        """
        for one in rules:
            try:
                rows_by_rule(declared, [one])
            except PolarsError as failure:
                columns = declared.collect_schema().names()
                reason = reason_of(failure)
                name = schema.__name__
                raise RuleError.from_reason(name, one.title, table, reason, columns) from error
            except Exception:  # noqa: BLE001  of a function in the rule: that of all is raised
                note_rule(error, one.title, schema, table)
                return


def _reason_not_to_check(
    one: Rule,
    present: Mapping[str, PolarsDataType],
    types: Mapping[str, ColumnType],
    optional: Collection[str],
) -> str | None:
    """Return which column of a rule is not as declared, or None."""
    for name in one.columns:
        dtype = present.get(name)
        if dtype is None:
            if name not in optional:
                return f"column {name!r} is not there"
        elif not types[name].accepts(dtype):
            return f"column {name!r} holds {dtype}, not {types[name].dtype}"
    return None


def _declared_columns(frame: pl.DataFrame, schema: type[Schema]) -> pl.LazyFrame:
    """Return the declared columns of a table, absent optional ones as nulls."""
    types = column_types(schema.datatypes())
    absent = [
        pl.lit(None, types[name].dtype).alias(name)
        for name in schema.optional_columns()
        if name not in frame.columns
    ]
    names = {*frame.columns, *(one.meta.output_name() for one in absent)}
    return frame.lazy().with_columns(absent).select(name for name in types if name in names)
