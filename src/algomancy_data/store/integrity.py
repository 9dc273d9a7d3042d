"""What can be wrong with a store: data that is not what was written, and data of no dataset."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Damage:
    """A file or table that is not what was written.

    Args:
        dataset: Name of the dataset; empty if it concerns the whole store.
        path: The file, or the name of the table in the database.
        problem: What is wrong with it.
    """

    dataset: str
    path: str
    problem: str


@dataclass(frozen=True)
class Leftover:
    """Something in a store that no dataset refers to.

    Args:
        path: The directory, or the name of the table in the database.
        what: What it was.
        is_proven: Whether it is known to have been made by this package for this session, so that
            it may be removed.
    """

    path: str
    what: str
    is_proven: bool = True
