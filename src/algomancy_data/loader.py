"""Loaders, the last stage of the ETL: frames become a DataSource."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from algomancy_data.components import Component, NameOrLogger, note_component
from algomancy_data.datasource import BaseDataSource, DataClassification, DataSource
from algomancy_data.display.words import counted

if TYPE_CHECKING:
    import polars as pl

    from algomancy_data.messages import ValidationMessage

__all__ = ["DataSourceLoader", "Loader"]


class Loader(Component, ABC):
    """Turns the frames of a pipeline into a DataSource.

    It may ask for pandas frames as a :class:`~algomancy_data.Transformer` does.

    Args:
        logger: Told what happens.
        name: What it is called in the log. The two may change places: a text is the name.

    Attributes:
        logger: As it was given.
        name: As it was given, or that of its class.
    """

    def __init__(self, logger: NameOrLogger = None, name: NameOrLogger = None) -> None:
        super().__init__(logger, name)

    @abstractmethod
    def load(
        self,
        name: str,
        data: dict[str, pl.DataFrame],
        validation_messages: list[ValidationMessage],
        ds_type: DataClassification,
    ) -> BaseDataSource:
        """Return a DataSource that holds the frames."""


class DataSourceLoader(Loader):
    """Loads into :class:`DataSource`, or the manager's subclass of it.

    Args:
        logger: Told what happens.
        data_object_type: Class of the result. None leaves the choice to the manager, and
            without a manager it is :class:`DataSource`.
        name: What it is called in the log.
    """

    def __init__(
        self,
        logger: NameOrLogger = None,
        data_object_type: type[DataSource] | None = None,
        name: NameOrLogger = None,
    ) -> None:
        super().__init__(logger, name)
        self.data_object_type = data_object_type

    def load(
        self,
        name: str,
        data: dict[str, pl.DataFrame],
        validation_messages: list[ValidationMessage],
        ds_type: DataClassification = DataClassification.MASTER_DATA,
    ) -> DataSource:
        """Return a DataSource with the frames as tables, in order.

        Args:
            name: Name of the dataset.
            data: Frames by logical table name.
            validation_messages: What was found in the data; attached to the result.
            ds_type: Where the data comes from.
        """
        made = self.data_object_type or DataSource
        try:
            source = made(ds_type=ds_type, name=name, validation_messages=validation_messages)
            for table, frame in data.items():
                source.add_table(table, frame)
        except BaseException as error:
            note_component(error, "DataSource", made, data)
            raise
        self._logger.log(f"Loaded {counted(len(data), 'table')} into dataset {name!r}.")
        return source
