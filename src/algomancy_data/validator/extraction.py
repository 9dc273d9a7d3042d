"""Did the extraction give any rows?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from algomancy_data.messages import ValidationSeverity
from algomancy_data.validator.frame_check import FrameCheck

if TYPE_CHECKING:
    import polars as pl


class ExtractionSuccessVerification(FrameCheck):
    """Reports tables without rows or without columns (EMPTY_EXTRACTION, CRITICAL).

    Example:
        >>> import polars as pl
        >>> from algomancy_data import ExtractionSuccessVerification
        >>> print(*ExtractionSuccessVerification().validate({"flights": pl.DataFrame()}))
        CRITICAL: Table 'flights' is empty: 0 rows, 0 columns. \
[table=flights, code=EMPTY_EXTRACTION]
    """

    def check(self, tables: dict[str, pl.DataFrame]) -> None:
        """Report the empty tables."""
        for table, frame in tables.items():
            if not (frame.height and frame.width):
                text = f"Table {table!r} is empty: {frame.height} rows, {frame.width} columns."
                severity = ValidationSeverity.CRITICAL
                self.add_message(severity, text, table, code="EMPTY_EXTRACTION")
