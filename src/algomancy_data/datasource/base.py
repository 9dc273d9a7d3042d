"""What every DataSource has: a name, an identity, a classification and a serial form."""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Self, TypeVar

from algomancy_data.components import named
from algomancy_data.datasource.parameters import EmptyParameters
from algomancy_data.errors import ArgumentError, DatasetNameError
from algomancy_data.provenance import Provenance

if TYPE_CHECKING:
    from algomancy_data.datasource.parameters import BaseParameterSet
    from algomancy_data.messages import ValidationMessage

_MASTER_NAME: Final = "Master Data"


class DataClassification(StrEnum):
    """Where the data of a DataSource comes from."""

    MASTER_DATA = "master_data"
    DERIVED_DATA = "derived_data"
    DUMMY_DATA = "dummy_data"


class BaseDataSource(ABC):
    """The base of every DataSource.

    Args:
        ds_type: Where the data comes from.
        name: Name of the dataset; master data may go without and is then ``"Master Data"``.
        validation_messages: What the ETL found in the data.
        ds_id: Identity; a new UUID if not given.
        creation_datetime: When the data was created, also as text in ISO 8601; now if not given.

    Attributes:
        validation_messages: What the ETL found in the data.
        provenance: How the data came about; None if that is not known.

    Raises:
        DatasetNameError: Data other than master data has no name (also a ``ValueError``).
        ArgumentError: ``creation_datetime`` is no moment.
    """

    def __init__(
        self,
        ds_type: DataClassification,
        name: str | None = None,
        validation_messages: list[ValidationMessage] | None = None,
        ds_id: str | None = None,
        creation_datetime: datetime | None = None,
    ) -> None:
        self._ds_type = DataClassification(ds_type)
        if name is None and self._ds_type is not DataClassification.MASTER_DATA:
            msg = f"A DataSource of type {self._ds_type} needs a name."
            raise DatasetNameError(msg)
        self._name = _MASTER_NAME if name is None else name
        self._id = str(uuid.uuid4()) if ds_id is None else ds_id
        # Local time without a zone, as the pandas package writes it.
        self._creation_datetime = _moment(creation_datetime) or datetime.now()  # noqa: DTZ005
        self.validation_messages: list[ValidationMessage] = list(validation_messages or [])
        self.provenance: Provenance | None = None

    @property
    def name(self) -> str:
        """Name of the dataset."""
        return self._name

    @property
    def id(self) -> str:
        """Identity of this DataSource; a derived one has its own."""
        return self._id

    @property
    def ds_type(self) -> DataClassification:
        """Where the data comes from."""
        return self._ds_type

    @property
    def creation_datetime(self) -> datetime:
        """When the data was created, in local time."""
        return self._creation_datetime

    def is_master_data(self) -> bool:
        """Tell whether this is master data."""
        return self._ds_type is DataClassification.MASTER_DATA

    def set_to_master_data(self) -> None:
        """Declare this master data."""
        self._ds_type = DataClassification.MASTER_DATA

    def derive(self, new_data_key: str) -> Self:
        """Return a copy with a name and an identity of its own, classified as derived data.

        The copy goes through :meth:`to_json` and :meth:`from_json`, so a subclass with state of
        its own need not override this. Validation messages are about the original and stay
        there; the creation time is that of the data.

        Args:
            new_data_key: Name of the copy.
        """
        with named("DataSource", self._post_derive):
            derived = self._duplicate()
            derived._become_derived(new_data_key, self.creation_datetime)  # noqa: SLF001  own class
        derived.provenance = (self.provenance or Provenance()).derived(self.name)
        return derived

    def _duplicate(self) -> Self:
        return type(self).from_json(self.to_json())

    def _become_derived(self, name: str, creation_datetime: datetime) -> None:
        self._name = name
        self._id = str(uuid.uuid4())
        self._ds_type = DataClassification.DERIVED_DATA
        self._creation_datetime = creation_datetime
        self._post_derive()

    def _post_derive(self) -> None:  # noqa: B027  a hook: doing nothing is its default
        """Adjust a DataSource that was just derived; called on the new one only."""

    def initialize_data_parameters(self) -> BaseParameterSet:
        """Return the parameters that a user can set for this data: none by default."""
        return EmptyParameters()

    @abstractmethod
    def to_json(self) -> str:
        """Return everything needed to build this DataSource again."""

    @classmethod
    @abstractmethod
    def from_json(cls, json_string: str) -> Self:
        """Build the DataSource that :meth:`to_json` described."""

    def __eq__(self, other: object) -> bool:
        """Two DataSources are equal when they have the same identity."""
        return self._id == other._id if isinstance(other, BaseDataSource) else NotImplemented

    def __hash__(self) -> int:
        """Hash of the identity."""
        return hash(self._id)


BASEDATASOURCE = TypeVar("BASEDATASOURCE", bound=BaseDataSource)
"""The class of the DataSources that a manager keeps."""


def _moment(given: object) -> datetime | None:
    """Return when data was created; the pandas package had it as text after a way through JSON.

    Raises:
        ArgumentError: It is no moment.
    """
    moment = given
    if isinstance(given, str):
        with suppress(ValueError):
            moment = datetime.fromisoformat(given)
    if moment is None or isinstance(moment, datetime):
        return moment
    possible = "a datetime, or its text in ISO 8601"
    raise ArgumentError.from_given("creation_datetime", given, possible)
