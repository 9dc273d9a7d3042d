"""What commands write: something new, unless it may take the place of what is there."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from algomancy_data.errors import CommandLineError

if TYPE_CHECKING:
    from pathlib import Path

Overwrite: TypeAlias = Annotated[
    bool, typer.Option("--overwrite", help="Take the place of what is there, without asking.")
]


def check_target(path: Path, *, overwrite: bool) -> bool:
    """Make sure that something may be written; ask a person whether it takes another's place.

    Args:
        path: Where to.
        overwrite: Whether it may take the place of what is there.

    Returns:
        Whether it may, as far as anything is there.

    Raises:
        CommandLineError: There is no folder for it, or something is there that is to stay.
    """
    if not path.parent.is_dir():
        msg = f"There is no folder {str(path.parent)!r} to write {path.name!r} to. Make it first."
        raise CommandLineError(msg)
    if overwrite or not path.exists():
        return overwrite
    if sys.stdin.isatty() and typer.confirm(f"Write over {str(path)!r}?", err=True):
        return True
    msg = f"{str(path)!r} is there already. Give another name, or --overwrite."
    raise CommandLineError(msg)
