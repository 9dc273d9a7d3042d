"""Samples of tables, with the rows that they refer to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from algomancy_data.errors import ArgumentError
from algomancy_data.etl.settings import INHERIT
from algomancy_data.messages import ValidationMessage, ValidationSeverity
from algomancy_data.relations.lookup import rows_without_parent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from algomancy_data.etl.settings import QuarantineSetting
    from algomancy_data.provenance import Sample
    from algomancy_data.relations import Relation
    from algomancy_data.validator.failures import RowFailures


def check_sampling(mode: str, quarantine: QuarantineSetting) -> None:
    """Refuse a sample that would not be one.

    Args:
        mode: What becomes of the dataset that has the name.
        quarantine: Which rows are put aside.

    Raises:
        ArgumentError: Rows are added to others, or put aside.
    """
    if mode != "replace":
        raise ArgumentError.from_given("mode", mode, "'replace' for a sample, which is not added")
    if quarantine is not INHERIT and quarantine:
        possible = "False for a sample: rows in quarantine have their places in the whole table"
        raise ArgumentError.from_given("quarantine", quarantine, possible)


def sampled(
    sample: Sample, frames: Mapping[str, pl.DataFrame], relations: Iterable[Relation]
) -> SampledTables:
    """Return a sample of tables.

    Args:
        sample: Which rows.
        frames: The tables.
        relations: Which tables refer to which.

    Example:
        >>> from algomancy_data.provenance import Sample
        >>> from algomancy_data.relations import Relation
        >>> orders = pl.DataFrame({"id": [1, 2], "customer": [9, 7]})
        >>> customers = pl.DataFrame({"id": [7, 8, 9]})
        >>> relation = Relation("orders", ("customer",), "customers", ("id",))
        >>> tables = {"orders": orders, "customers": customers}
        >>> found = sampled(Sample(1), tables, [relation]).frames
        >>> found["orders"].rows(), found["customers"].rows()
        ([(1, 9)], [(7,), (9,)])
    """
    picked = {name: _rows_of(sample, frame) for name, frame in frames.items()}
    relations = [one for one in relations if _is_there(one, frames)]
    is_complete = False
    while not is_complete:  # a row that is added may refer to others
        is_complete = True
        for one in relations:
            keys = frames[one.child_table].select(one.child_cols)
            parents = frames[one.parent_table].select(one.parent_cols)
            before = picked[one.parent_table]
            wanted = _referred(parents, keys.filter(picked[one.child_table]))
            picked[one.parent_table] = before | wanted
            is_complete = is_complete and not (wanted & ~before).any()
    return SampledTables(frames, {name: rows.arg_true() for name, rows in picked.items()})


class SampledTables:
    """A sample of tables.

    Args:
        frames: The whole tables.
        numbers: Of each, the numbers of the rows that are in the sample.
    """

    def __init__(
        self, frames: Mapping[str, pl.DataFrame], numbers: Mapping[str, pl.Series]
    ) -> None:
        self._frames = frames
        self._numbers = numbers

    @property
    def frames(self) -> dict[str, pl.DataFrame]:
        """The rows of each table, in order."""
        return {name: frame[self._numbers[name]] for name, frame in self._frames.items()}

    @property
    def notes(self) -> list[ValidationMessage]:
        """A message for each table that is not complete."""
        return [
            ValidationMessage(
                ValidationSeverity.INFO,
                f"This is a sample: {len(self._numbers[name]):,} of {frame.height:,} rows.",
                table=name,
                code="SAMPLED",
            )
            for name, frame in self._frames.items()
            if len(self._numbers[name]) < frame.height
        ]

    def messages(self, found: Iterable[ValidationMessage]) -> list[ValidationMessage]:
        """Return messages about the sample, with row numbers of the whole tables."""
        numbers = self._numbers
        return [
            replace(one, row=int(numbers[one.table][one.row]))
            if one.row is not None and one.table is not None and one.table in numbers
            else one
            for one in found
        ]

    def failures(self, found: Iterable[RowFailures]) -> list[RowFailures]:
        """Return failing rows, likewise renumbered."""
        return [
            replace(one, rows=self._numbers[one.table].gather(one.rows))
            if one.table in self._numbers
            else one
            for one in found
        ]


def _is_there(relation: Relation, frames: Mapping[str, pl.DataFrame]) -> bool:
    sides = (
        (relation.child_table, relation.child_cols),
        (relation.parent_table, relation.parent_cols),
    )
    return all(
        table in frames and set(columns) <= set(frames[table].columns) for table, columns in sides
    )


def _referred(parents: pl.DataFrame, keys: pl.DataFrame) -> pl.Series:
    """Return which rows have one of some keys."""
    others = rows_without_parent(parents, keys)
    is_whole = parents.select(pl.all_horizontal(pl.all().is_not_null())).to_series()
    return is_whole & ~pl.int_range(parents.height, eager=True).is_in(others.implode())


def _rows_of(sample: Sample, frame: pl.DataFrame) -> pl.Series:
    """Return which rows are in the sample, apart from those that others refer to."""
    numbers = pl.int_range(frame.height, eager=True)
    if sample.seed is None or frame.height <= sample.rows:
        return numbers < sample.rows
    return numbers.shuffle(sample.seed) < sample.rows
