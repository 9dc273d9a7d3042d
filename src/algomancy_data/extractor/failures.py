"""Files that bring down what reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polars.exceptions import PolarsError

from algomancy_data.engine_failures import engine_failures
from algomancy_data.errors import FileContentError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


def reading_failures(name: str) -> AbstractContextManager[None]:
    """Turn what ends the reading of a file into an error that names it.

    Args:
        name: Name of the file.

    Raises:
        FileContentError: Memory ended, or something in the file is beyond what can be held.
    """
    return engine_failures(FileContentError, f"Reading file {name!r}", (PolarsError,))
