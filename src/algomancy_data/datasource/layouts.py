"""How the data of a DataSource can be kept: as tables, as Arrow data, or else as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    import polars as pl


@runtime_checkable
class SqlTableLayout(Protocol):
    """A DataSource whose data is named frames; :class:`DataSource` is one.

    A class may hand out and expect pandas frames instead of Polars ones: see
    ``algomancy_data.database.protocols.expects_pandas``.
    """

    def to_sql_tables(self) -> dict[str, Any]:
        """Return the frames to keep, by name."""
        ...

    def from_sql_tables(self, tables: dict[str, Any]) -> None:
        """Take over the frames that were kept."""
        ...


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
