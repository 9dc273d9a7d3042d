"""Sorting rows into good and bad ones during an ETL.

A row that refers to a bad one, directly or through others, is bad itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeAlias

import polars as pl

from algomancy_data.errors import QuarantineError
from algomancy_data.frames.lazy import kept_rows
from algomancy_data.memory import IN_MEMORY_BYTES
from algomancy_data.messages import ValidationMessage, ValidationSeverity
from algomancy_data.quarantine.bad_rows import separate
from algomancy_data.relations import resolve_relations_from_schemas
from algomancy_data.relations.cascade import CascadeDrop, find_drops
from algomancy_data.relations.keys import dtype_conflict, is_comparable, rows_where
from algomancy_data.relations.stored import known_in, with_stored_parents
from algomancy_data.validator.failures import RowFailures, failing_rows
from algomancy_data.validator.result import Checked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from algomancy_data.extractor.conversion import ConversionIssue
    from algomancy_data.extractor.extracted import Extracted, SeparatedTable
    from algomancy_data.quarantine.settings import Quarantine
    from algomancy_data.relations import Relation
    from algomancy_data.relations.stored import StoredKeys
    from algomancy_data.schema import Schema
    from algomancy_data.validator import ValidationResult

_Rule: TypeAlias = tuple[object, ...]

_DUPLICATES: Final = frozenset({"PK_DUPLICATE", "DUPLICATE_VALUE"})
_REASON: Final = {"row": pl.get_index_type(), "code": pl.String(), "message": pl.String()}


class Sorting:
    """Sorts the rows of one run: first those that do not convert, then those that fail a check.

    Args:
        settings: What goes into quarantine.
        extracted: The tables, and what was found in them when they were extracted.
        in_memory_bytes: Up to which size the good rows of a table are made in memory.
        stored: The keys of the dataset that the rows are added to; None if they are not.

    Attributes:
        frames: The rows that converted, by table: what is to be validated.

    Raises:
        QuarantineError: The name of a table or column is one that the quarantine needs.
    """

    def __init__(
        self,
        settings: Quarantine,
        extracted: Extracted,
        in_memory_bytes: int = IN_MEMORY_BYTES,
        stored: StoredKeys | None = None,
    ) -> None:
        self._settings = settings
        self._in_memory_bytes = in_memory_bytes
        self._stored = stored
        check_names(settings, extracted.frames)
        self._schemas = [table.schema for table in extracted.tables.values() if table.schema]
        self._tables = {
            name: separate(table, settings, in_memory_bytes=in_memory_bytes)
            for name, table in extracted.tables.items()
        }
        self._elsewhere = [
            issue for issue in extracted.issues if issue.table not in extracted.tables
        ]
        self.frames = {name: table.frame for name, table in self._tables.items()}
        # Which of the extracted rows were validated, and which of them are good.
        self._was_read = {name: _kept(table) for name, table in self._tables.items()}
        self._is_good = {name: read.clone() for name, read in self._was_read.items()}
        self._reasons: dict[str, list[pl.DataFrame]] = {name: [] for name in self._tables}
        for name, table in self._tables.items():
            if table.reasons is not None:
                self._reasons[name].append(table.reasons)
            self._reasons[name] += [_reasons_of(issue) for issue in table.taken]

    def sort(self, found: ValidationResult) -> Checked:
        """Return the good rows, the bad rows, and all other findings.

        Args:
            found: What the validation of :attr:`frames` found.
        """
        pardoned = self._quarantine_failing_rows(found)
        orphans = self._quarantine_orphans()
        quarantine = {
            name: self._quarantined(name) for name in self._tables if not self._is_good[name].all()
        }
        summary = self._summary(quarantine)
        left = [issue for table in self._tables.values() for issue in table.left]
        left += self._elsewhere
        taken = [issue for table in self._tables.values() for issue in table.taken]
        messages = [self._with_row_number(message) for message in found.messages]
        settled = self._settled_rules(found.row_failures, pardoned)
        still_open = [
            *(m for m in messages if _rule(m) not in settled and not self._is_in_quarantine(m)),
            *(issue.to_message() for issue in left),
            *(message for message in summary if message.code == "QUARANTINE_TOO_LARGE"),
        ]
        messages += [issue.to_message() for issue in (*taken, *left)]
        messages += [*orphans, *summary]
        failures = [self._numbered(failures) for failures in found.row_failures]
        good = {name: self._good(name) for name in self._tables}
        return Checked(good, messages, failures, still_open, quarantine)

    # --- validation -------------------------------------------------------------------------

    def _quarantine_failing_rows(self, found: ValidationResult) -> set[_Rule]:
        """Take out rows that failed checks; return the rules that keep one row per key."""
        mismatch = "FK_DTYPE_MISMATCH"  # is wrong with all keys, whatever rows they are in
        incomparable = {(m.table, m.key) for m in found.messages if m.code == mismatch}

        def takes(finding: RowFailures | ValidationMessage) -> bool:
            return (
                finding.table in self._tables
                and self._settings.takes(finding.severity, finding.code)
                and (finding.table, finding.key) not in incomparable
            )

        plain = [failures for failures in found.row_failures if takes(failures)]
        lenient: list[RowFailures] = []
        if self._settings.keep_first:
            lenient = [failures for failures in plain if failures.code in _DUPLICATES]
            plain = [failures for failures in plain if failures.code not in _DUPLICATES]
        pardoned = {_rule(failures) for failures in lenient}
        single = [
            message
            for message in found.messages
            if takes(message) and self._is_row(message) and _rule(message) not in pardoned
        ]
        self._quarantine_rows(plain, single)
        for failures in lenient:
            self._quarantine_rows([self._without_first(failures)])
        return pardoned

    def _is_row(self, message: ValidationMessage) -> bool:
        """Tell whether a message names a row that was validated."""
        frame = self.frames.get(message.table or "")
        return frame is not None and message.row is not None and 0 <= message.row < frame.height

    def _quarantine_rows(
        self, failures: Iterable[RowFailures], messages: Iterable[ValidationMessage] = ()
    ) -> None:
        """Take out rows, by their numbers among the validated rows."""
        found = failing_rows(failures, messages)
        for (table,), reasons in found.group_by("table", maintain_order=True):
            name = str(table)
            rows = self._numbers(name, reasons["row"])
            column = pl.col("column").cast(pl.String)
            text = pl.concat_str(column, "message", separator=": ", ignore_nulls=True)
            self._reasons[name].append(
                reasons.select(
                    rows.cast(_REASON["row"]).alias("row"),
                    pl.col("code").cast(pl.String).fill_null(""),
                    text.alias("message"),
                )
            )
            self._is_good[name].scatter(rows, values=False)

    def _without_first(self, failures: RowFailures) -> RowFailures:
        """Return duplicates without the first otherwise good row of each group."""
        name = failures.table
        standing = self._is_good[name].gather(self._numbers(name, failures.rows))
        rows = failures.rows.filter(standing)
        keys = self.frames[name].select(list(failures.columns))[rows]
        first = rows.filter(keys.select(pl.struct(pl.all()).is_first_distinct()).to_series())
        return replace(failures, rows=failures.rows.filter(~failures.rows.is_in(first.implode())))

    def _quarantine_orphans(self) -> list[ValidationMessage]:
        if not self._settings.orphans or not self._settings.takes(
            ValidationSeverity.ERROR, "QUARANTINE_ORPHAN"
        ):
            return []
        messages: list[ValidationMessage] = []
        standing = {name: rows_where(good) for name, good in self._is_good.items()}
        for orphans in find_orphans(
            self.frames, self._good, self._schemas, self._in_memory_bytes, self._stored
        ):
            name = orphans.table
            rows = standing[name].filter(orphans.mask)
            columns = ",".join(orphans.columns)
            text = f"Key is not among the good rows of {orphans.relation.parent_table}"
            self._reasons[name].append(
                pl.select(
                    rows.cast(_REASON["row"]).alias("row"),
                    pl.lit("QUARANTINE_ORPHAN").alias("code"),
                    pl.lit(f"{columns}: {text}").alias("message"),
                )
            )
            self._is_good[name].scatter(rows, values=False)
            total = f"{text}: {len(rows):,} row(s)"
            messages.append(
                ValidationMessage(
                    ValidationSeverity.ERROR,
                    total,
                    name,
                    columns,
                    code="QUARANTINE_ORPHAN",
                    key=str(orphans.relation),
                    count=len(rows),
                )
            )
        return messages

    # --- row numbers ------------------------------------------------------------------------

    def _good(self, name: str, columns: Iterable[str] | None = None) -> pl.DataFrame:
        """Return the good rows of a table, with all columns unless some are named."""
        table, good = self._tables[name], self._is_good[name]
        frame = table.frame if columns is None else table.frame.select(columns)
        kept = good if table.rows is None else good.filter(self._was_read[name])
        return frame if kept.all() else kept_rows(frame, kept, self._in_memory_bytes)

    def _numbers(self, name: str, rows: pl.Series) -> pl.Series:
        """Return the numbers of validated rows among the extracted rows."""
        numbers = self._tables[name].rows
        return rows if numbers is None else numbers.gather(rows)

    def _numbered(self, failures: RowFailures) -> RowFailures:
        if failures.table not in self._tables or self._tables[failures.table].rows is None:
            return failures
        return replace(failures, rows=self._numbers(failures.table, failures.rows))

    def _with_row_number(self, message: ValidationMessage) -> ValidationMessage:
        if message.table is None or message.row is None or not self._is_row(message):
            return message
        numbers = self._tables[message.table].rows
        return message if numbers is None else replace(message, row=int(numbers[message.row]))

    # --- what is left -----------------------------------------------------------------------

    def _settled_rules(self, failures: Iterable[RowFailures], pardoned: set[_Rule]) -> set[_Rule]:
        """Return the rules that no good row breaks, apart from first duplicates."""
        settled: dict[_Rule, bool] = {}
        for found in failures:
            rule = _rule(found)
            is_settled = rule in pardoned or (
                found.table in self._tables
                and not self._is_good[found.table]
                .gather(self._numbers(found.table, found.rows))
                .any()
            )
            settled[rule] = settled.get(rule, True) and is_settled
        return {rule for rule, is_settled in settled.items() if is_settled}

    def _is_in_quarantine(self, message: ValidationMessage) -> bool:
        """Tell whether a message is about a row in quarantine."""
        good = self._is_good.get(message.table or "")
        if good is None or message.row is None or not 0 <= message.row < len(good):
            return False
        return not good[message.row]

    def _quarantined(self, name: str) -> pl.DataFrame:
        rows = rows_where(~self._is_good[name])
        settings = self._settings
        reasons = (
            pl.concat(self._reasons[name])
            .sort("row", maintain_order=True)
            .group_by("row", maintain_order=True)
            .agg(pl.col("code").alias(settings.reasons), pl.col("message").alias(settings.messages))
        )
        frame = self._tables[name].original(rows)
        return frame.with_columns(
            rows.cast(pl.UInt32).alias(settings.row), *reasons.drop("row").get_columns()
        )

    def _summary(self, quarantine: Mapping[str, pl.DataFrame]) -> list[ValidationMessage]:
        messages: list[ValidationMessage] = []
        for name, frame in quarantine.items():
            count, height = frame.height, self._tables[name].height
            said = f"{count:,} of {height:,} row(s) are in quarantine"
            messages.append(
                ValidationMessage(
                    ValidationSeverity.INFO, f"{said}.", name, code="QUARANTINED", count=count
                )
            )
            if count > self._settings.max_share * height:
                text = f"{said}, more than max_share={self._settings.max_share} allows."
                messages.append(
                    ValidationMessage(
                        ValidationSeverity.CRITICAL, text, name, code="QUARANTINE_TOO_LARGE"
                    )
                )
        return messages


def check_names(settings: Quarantine, tables: Mapping[str, pl.DataFrame]) -> None:
    """Refuse tables and columns whose names the quarantine needs.

    Raises:
        QuarantineError: There is one.
    """
    for name, frame in tables.items():
        if settings.table(name) in tables:
            msg = (
                f"The quarantine of table {name!r} would be {settings.table(name)!r}, and there is "
                f"a table of that name. Choose another suffix: Quarantine(suffix=…)."
            )
            raise QuarantineError(msg)
        taken = [column for column in settings.columns if column in frame.columns]
        if taken:
            msg = (
                f"The quarantine of table {name!r} needs the column {taken[0]!r}, and the table "
                f"has one of that name. Choose another prefix: Quarantine(prefix=…)."
            )
            raise QuarantineError(msg)


def _kept(table: SeparatedTable) -> pl.Series:
    """Return which of the extracted rows are left."""
    kept = pl.repeat(table.rows is None, table.height, dtype=pl.Boolean, eager=True)
    return kept if table.rows is None else kept.scatter(table.rows, values=True)


def _reasons_of(issue: ConversionIssue) -> pl.DataFrame:
    return pl.select(
        pl.lit(issue.failing, _REASON["row"]).alias("row"),
        pl.lit(issue.code).alias("code"),
        pl.lit(f"{issue.column}: {issue.problem}").alias("message"),
    )


def _rule(found: RowFailures | ValidationMessage) -> _Rule:
    return found.severity, found.code, found.table, found.column, found.key


def find_orphans(
    tables: Mapping[str, pl.DataFrame],
    good: Callable[[str, Iterable[str]], pl.DataFrame],
    schemas: Iterable[type[Schema]],
    in_memory_bytes: int = IN_MEMORY_BYTES,
    stored: StoredKeys | None = None,
) -> list[CascadeDrop]:
    """Return the rows that refer to missing rows, by relation.

    A relation whose tables or columns are not there, or whose keys cannot be compared, says
    nothing about single rows.

    Args:
        tables: The tables by logical name, with good rows and bad ones.
        good: Returns some columns of the good rows of a table.
        schemas: What declares the relations.
        in_memory_bytes: Up to which size the keys of a table are looked at as a whole.
        stored: The keys of the dataset that the rows are added to, which may refer to it.
    """
    relations = [
        # A parent that lost its children is not bad itself.
        replace(relation, parent_requires_child=False, track_partial_loss=False)
        for relation in resolve_relations_from_schemas(list(dict.fromkeys(schemas)))
    ]
    tables, delivered = with_stored_parents(tables, relations, stored), tables
    usable = [relation for relation in relations if _is_usable(relation, tables)]
    keys: dict[str, dict[str, None]] = {}
    for relation in usable:
        for table, columns in (
            (relation.child_table, relation.child_cols),
            (relation.parent_table, relation.parent_cols),
        ):
            keys.setdefault(table, {}).update(dict.fromkeys(columns))
    kept = {
        table: good(table, list(names)) if table in delivered else tables[table].select(list(names))
        for table, names in keys.items()
    }
    return find_drops(kept, usable, None, in_memory_bytes, known_in(stored)).drops


def _is_usable(relation: Relation, tables: Mapping[str, pl.DataFrame]) -> bool:
    child, parent = tables.get(relation.child_table), tables.get(relation.parent_table)
    if child is None or parent is None:
        return False
    if not set(relation.child_cols) <= set(child.columns):
        return False
    if not set(relation.parent_cols) <= set(parent.columns):
        return False
    keys, others = child.select(relation.child_cols), parent.select(relation.parent_cols)
    comparable = all(is_comparable(dtype) for dtype in (*keys.dtypes, *others.dtypes))
    return comparable and dtype_conflict(keys, others) is None
