"""What a DataSource is, beside its data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from datetime import datetime

    from algomancy_data.datasource.base import BaseDataSource, DataClassification
    from algomancy_data.messages import ValidationMessage
    from algomancy_data.provenance import Provenance


@dataclass(frozen=True)
class Identity:
    """What a DataSource is, beside its data."""

    ds_id: str
    name: str
    ds_type: DataClassification
    creation_datetime: datetime
    provenance: Provenance | None = None
    messages: tuple[ValidationMessage, ...] = ()

    @classmethod
    def of(cls, data: BaseDataSource) -> Self:
        """Return the identity of a DataSource."""
        return cls(
            data.id,
            data.name,
            data.ds_type,
            data.creation_datetime,
            data.provenance,
            tuple(data.validation_messages),
        )

    def give_back(self, data: BaseDataSource) -> None:
        """Tell a DataSource where it comes from and what was found in it."""
        data.provenance = self.provenance
        data.validation_messages = list(self.messages)
