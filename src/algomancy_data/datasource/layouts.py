"""What a DataSource class can offer so that a store keeps it as Arrow data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    import polars as pl


@runtime_checkable
class ArrowPayloadLayout(Protocol):
    """A DataSource that is not tables for everyone to query, but has frames in it.

    The frames are kept as Arrow data, exactly and much faster than in JSON. A class without
    this protocol is kept as what its ``to_json`` returns.
    """

    def to_payload(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what JSON can hold (identity, settings, structure), and the frames by name."""
        ...

    @classmethod
    def from_payload(cls, metadata: dict[str, Any], tables: dict[str, pl.DataFrame]) -> Self:
        """Build the DataSource that :meth:`to_payload` described."""
        ...
