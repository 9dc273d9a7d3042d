"""What a quarantine adds to a DataSource, and what it needs to know for a replay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from algomancy_data.datasource import DataSource
from algomancy_data.errors import QuarantineError
from algomancy_data.frames.identical import identical_frames

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from algomancy_data.datasource import BaseDataSource
    from algomancy_data.logs import Logger
    from algomancy_data.quarantine.settings import Quarantine


def add_quarantine(
    source: BaseDataSource,
    quarantine: Mapping[str, pl.DataFrame],
    settings: Quarantine,
    logger: Logger,
) -> None:
    """Put the bad rows into a DataSource, as tables beside the others.

    Raises:
        QuarantineError: It has a table of such a name.
    """
    if not isinstance(source, DataSource):
        if quarantine:
            logger.warning(
                f"Dataset {source.name!r} is no DataSource: its quarantine is in the ETLResult "
                f"only."
            )
        return
    for name, frame in quarantine.items():
        table = settings.table(name)
        if table in source.tables:
            msg = (
                f"The quarantine of table {name!r} would be {table!r}, and there is a table of "
                f"that name. Choose another suffix: Quarantine(suffix=…)."
            )
            raise QuarantineError(msg)
        source.add_table(table, frame)
        logger.log(f"Quarantined {frame.height:,} row(s) of table {name!r}.")


def untouched_columns(
    before: Mapping[str, pl.DataFrame], after: Mapping[str, pl.DataFrame]
) -> dict[str, tuple[str, ...] | None]:
    """Return the columns of each table that no transformer changed; None if one did.

    Args:
        before: The tables as they were validated.
        after: The tables as they are loaded.
    """
    return {
        name: tuple(frame.columns) if _is_untouched(frame, after.get(name)) else None
        for name, frame in before.items()
    }


def _is_untouched(before: pl.DataFrame, after: pl.DataFrame | None) -> bool:
    if after is before:
        return True
    if after is None or not set(before.columns) <= set(after.columns):
        return False
    return identical_frames(after[before.columns], before)
