"""What the methods of a store return: what was written or read, is damaged or left over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic

from algomancy_data.datasource import BASEDATASOURCE

if TYPE_CHECKING:
    from algomancy_data.messages import ValidationMessage
    from algomancy_data.provenance import Load, Provenance


@dataclass(frozen=True)
class Saved:
    """A dataset that was written.

    Args:
        version: Another one with every write of the dataset.
        provenance: How the data came about, as the store has it now.
        notes: What there is to say of how the data is kept.
    """

    version: str
    provenance: Provenance | None
    notes: tuple[ValidationMessage, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True)
class Copied(Saved):
    """A copy of a dataset that was written.

    Args:
        ds_id: Identity of the copy.
        source_version: The version of the dataset that was copied.
    """

    ds_id: str
    source_version: str


@dataclass(frozen=True)
class Added(Saved):
    """A dataset to which rows were added.

    Args:
        load: How many rows were added and replaced; the provenance has it as well.
    """

    load: Load


@dataclass(frozen=True)
class Loaded(Generic[BASEDATASOURCE]):
    """A dataset that was read.

    Args:
        data: The DataSource.
        version: Its version: see :class:`Saved`.
    """

    data: BASEDATASOURCE
    version: str


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
