"""Integers that a column of floats cannot hold exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from algomancy_data.extractor.conversion import ConversionIssue
from algomancy_data.messages import ValidationSeverity
from algomancy_data.schema import DataType

if TYPE_CHECKING:
    from collections.abc import Mapping

# Every integer with fewer digits is exactly a float.
_LONG_INTEGER: Final = r"^-?[0-9]{16,}$"
_EXAMPLES: Final = 5


def rounded_integers(
    frame: pl.DataFrame, types: Mapping[str, DataType], table: str
) -> list[ConversionIssue]:
    """Return a warning for each FLOAT column with integers that its conversion rounds.

    They are in columns of text, beside fractions or beyond 64 bits; a column of integers alone is
    converted exactly or not at all.

    Args:
        frame: The table as it was read.
        types: Declared type by column name.
        table: Name of the table in the issues.
    """
    issues: list[ConversionIssue] = []
    for name, dtype in types.items():
        if dtype is not DataType.FLOAT or frame.schema.get(name) != pl.String:
            continue
        written = frame[name]
        integers = written.filter(written.str.contains(_LONG_INTEGER))
        if integers.is_empty():
            continue
        exact = integers.cast(pl.Int128, strict=False)
        rounded = integers.cast(pl.Float64).cast(pl.Int128, strict=False)
        # Beyond 128 bits, nothing is compared: an integer of that size is hardly ever a float.
        inexact = integers.filter((exact != rounded) | exact.is_null() | rounded.is_null())
        concerned = written.is_in(inexact.implode()).fill_null(value=False)
        count = int(concerned.sum())
        if not count:
            continue
        rows = tuple(concerned.arg_true().head(_EXAMPLES).to_list())
        shown = ", ".join(f"{written[row]} (row {row})" for row in rows)
        subject = "1 integer is" if count == 1 else f"{count} integers are"
        reason = f"{subject} rounded to the nearest float: {shown}."
        issues.append(
            ConversionIssue(table, name, dtype, reason, ValidationSeverity.WARNING, count, rows)
        )
    return issues
