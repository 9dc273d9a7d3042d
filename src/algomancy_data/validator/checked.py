"""Tables that were validated."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from algomancy_data.messages import ValidationMessage
    from algomancy_data.validator.failures import RowFailures


@dataclass(frozen=True, eq=False)
class Checked:
    """What goes on after the validation, and what was found.

    Args:
        tables: The tables, or their good rows, in order.
        messages: All that was found, with row numbers of the extracted tables.
        failures: All rows that checks found bad, likewise.
        still_open: Those of the messages that no quarantine settles.
        quarantine: The bad rows by table as they were extracted, with row number and reasons;
            only tables that have some.
    """

    tables: dict[str, pl.DataFrame]
    messages: Sequence[ValidationMessage]
    failures: Sequence[RowFailures]
    still_open: Sequence[ValidationMessage]
    quarantine: Mapping[str, pl.DataFrame] = field(default_factory=dict[str, "pl.DataFrame"])
