"""Rows that cannot be read as declared, parted from those that can."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from algomancy_data.extractor.base import reading_failures
from algomancy_data.extractor.extracted import ExtractedTable, SeparatedTable
from algomancy_data.messages import ValidationSeverity

if TYPE_CHECKING:
    from algomancy_data.extractor.conversion import ConversionIssue
    from algomancy_data.quarantine.settings import Quarantine


def separate(
    table: ExtractedTable, settings: Quarantine, numbers: pl.Series | None = None
) -> SeparatedTable:
    """Take out the rows of issues, and convert the columns that they kept from converting.

    Without the bad rows, a column of which some values did not convert does. What stood behind a
    bad value may be the next one, so this goes on until nothing is found.

    Args:
        table: What was extracted.
        settings: Which issues take their rows out.
        numbers: Number of each row in the issues, ascending; None counts from 0.

    Raises:
        FileContentError: The conversion takes more memory than there is.
    """
    if table.separated is not None:
        return table.separated
    with reading_failures(table.file):
        return _separate(table, settings, numbers)


def _separate(
    table: ExtractedTable, settings: Quarantine, numbers: pl.Series | None
) -> SeparatedTable:
    frame, again = table.frame, table.again
    taken: list[ConversionIssue] = []
    left: list[ConversionIssue] = []
    mixed: set[str] = set()
    for issue in table.issues:
        by_conversion = not issue.while_reading
        is_taken = issue.failing is not None and settings.takes(issue.severity, issue.code)
        if again is None or not is_taken or (by_conversion and issue.column in again.lost):
            left.append(issue)
        elif by_conversion and issue.column in again.pieces:
            mixed.add(issue.column)  # what is wrong with it, the pieces say
        else:
            taken.append(issue)
    if again is None or not (taken or mixed):
        return SeparatedTable(frame, frame.height, frame.__getitem__, left=left)
    stuck = {issue.column for issue in left if issue.severity is ValidationSeverity.ERROR}
    columns = ({issue.column for issue in taken} | mixed) - stuck
    kept = pl.repeat(value=True, n=frame.height, dtype=pl.Boolean, eager=True)
    new = list(taken)
    while True:
        for issue in new:
            if issue.failing is not None:
                failing = issue.failing if numbers is None else numbers.search_sorted(issue.failing)
                kept = kept.scatter(failing, values=False)
        rows = kept.arg_true() if numbers is None else numbers.filter(kept)
        rest, found = again.convert(frame.filter(kept), columns, kept, rows)
        new = [
            issue
            for issue in found
            if issue.failing is not None and settings.takes(issue.severity, issue.code)
        ]
        taken += new
        if not new:
            break
    left += found
    return SeparatedTable(rest, frame.height, frame.__getitem__, rows, taken, left)
