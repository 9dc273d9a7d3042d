"""Texts that only the rest of their column could explain: 1,234 and 03/04/2024."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from algomancy_data.extractor.conversion import ConversionIssue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from algomancy_data.schema import DataType
    from algomancy_data.schema.types import TextConventions

_EXAMPLES: Final = 5


def doubtful_values(
    frame: pl.DataFrame,
    types: Mapping[str, DataType],
    conventions: TextConventions,
    table: str,
    numbers: pl.Series,
) -> list[ConversionIssue]:
    """Return an issue for each column with texts that can be read in two ways.

    Args:
        frame: Some rows of a table.
        types: Declared type by column name.
        conventions: How text is written, as far as the schema says it.
        table: Logical name of the table.
        numbers: Number of each row.
    """
    issues: list[ConversionIssue] = []
    for name, target in types.items():
        if name not in frame.columns or frame.schema[name] != pl.String:
            continue
        texts = conventions.strip(frame[name])
        doubtful = target.column_type.doubtful(texts, conventions)
        if doubtful is None or not doubtful.any():
            continue
        failing = numbers.filter(doubtful)
        values = texts.filter(doubtful).head(_EXAMPLES)
        first = failing.head(_EXAMPLES).to_list()
        shown = ", ".join(
            f"{value!r} (row {row})" for row, value in zip(first, values, strict=True)
        )
        issue = ConversionIssue(
            table,
            name,
            target,
            f"{len(failing)} value(s) can be read in two ways, and the column that decided it is "
            f"not here: {shown}. Give numbers, dates and times as such or in ISO 8601, or declare "
            f"decimal_mark or day_first in the schema's CSVDialect.",
            count=len(failing),
            rows=tuple(first),
            problem="Value can be read in two ways",
            failing=failing,
        )
        issues.append(issue)
    return issues
