"""The command ``algomancy-data``: loads files into stores, and works with them there.

Needs the extra ``algomancy-data[cli]``.
"""

from __future__ import annotations

import sys

from algomancy_data.cli.overview import answer
from algomancy_data.errors import MissingExtraError

__all__ = ["INTERRUPTED", "INTERRUPTED_MESSAGE", "main"]

INTERRUPTED = 130
INTERRUPTED_MESSAGE = (
    "Interrupted. Every dataset in the store is whole: as it was before, or as it was to be."
)
_PACKAGES = ("typer", "rich")


def main() -> int:
    """Run the command that the process was started with; return its exit code."""
    arguments = sys.argv[1:]
    try:
        if (said := answer(arguments)) is not None:
            (sys.stdout if arguments else sys.stderr).write(said)
            return 0 if arguments else 2
        from algomancy_data.cli.app import run  # noqa: PLC0415  it needs what may be missing

        return run(arguments)
    except ModuleNotFoundError as missing:
        if missing.name not in _PACKAGES:
            raise
        error = MissingExtraError.from_extra("The command algomancy-data", "cli")
        print(f"error: {error}", file=sys.stderr)  # noqa: T201  there is no Rich to print with
        return 2
    except KeyboardInterrupt:  # what is imported takes longest of all that many commands do
        print(INTERRUPTED_MESSAGE, file=sys.stderr)  # noqa: T201
        return INTERRUPTED
