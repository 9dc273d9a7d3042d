"""Quarantined rows as CSV files that can be mended in a spreadsheet, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
from polars.exceptions import PolarsError

from algomancy_data.engine_failures import interrupted_once
from algomancy_data.errors import QuarantineError

if TYPE_CHECKING:
    from pathlib import Path

    from algomancy_data.quarantine.settings import Quarantine


def write_sheet(quarantined: pl.DataFrame, path: Path, settings: Quarantine) -> None:
    """Write quarantined rows as CSV, with their reasons as text.

    Args:
        quarantined: The table with the rows.
        path: A new file.
        settings: Those that the dataset was loaded with.

    Raises:
        QuarantineError: A column is of a type that CSV has no text for.
        OSError: It cannot be written, or is there.
    """
    texts = [
        pl.col(name).list.join("; ").alias(name) for name in (settings.reasons, settings.messages)
    ]
    try:
        with interrupted_once(), path.open("xb") as stream:
            quarantined.with_columns(texts).write_csv(stream)
    except KeyboardInterrupt:
        path.unlink(missing_ok=True)
        raise
    except PolarsError as error:
        path.unlink()
        msg = f"Rows of {path.stem!r} cannot be written as CSV. Mend them with replay_data()."
        raise QuarantineError(msg) from error


def read_sheet(path: Path, settings: Quarantine) -> pl.DataFrame:
    """Return the mended rows of a file, as text, without the reasons.

    Args:
        path: A file as :func:`write_sheet` writes it; a spreadsheet may have put semicolons or
            tabs in place of the commas.
        settings: Those that the dataset was loaded with.

    Raises:
        QuarantineError: It is no such file.
        OSError: It cannot be read.
    """
    content = path.read_bytes()
    header = content.partition(b"\n")[0]
    separator = max(",;\t", key=lambda one: header.count(one.encode()))
    try:
        rows = pl.read_csv(content, separator=separator, infer_schema=False)
    except PolarsError as error:
        msg = (
            f"The mended rows in {str(path)!r} are no CSV table. Write them in UTF-8, each row "
            f"with as many fields as the header."
        )
        raise QuarantineError(msg) from error
    if settings.row not in rows.columns:
        msg = (
            f"The mended rows in {str(path)!r} have no column {settings.row!r}, which says which "
            f"rows they are. Leave it as it was written."
        )
        raise QuarantineError(msg)
    return rows.drop(settings.reasons, settings.messages, strict=False)
