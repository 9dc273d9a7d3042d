"""What stands on a terminal while a command is imported: something is there at once."""

from __future__ import annotations

import os
import sys
from typing import Final

_CLEAR: Final = "\r\x1b[K"
_shown: Final[list[str]] = []


def show(text: str) -> None:
    """Write a line to standard error, if that is a terminal; what is written next replaces it."""
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb" and "COMP_WORDS" not in os.environ:
        sys.stderr.write(text)
        sys.stderr.flush()
        _shown.append(text)


def clear() -> None:
    """Take the line away."""
    if _shown:
        _shown.clear()
        sys.stderr.write(_CLEAR)
        sys.stderr.flush()
