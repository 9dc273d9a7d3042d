"""Whose parameter sets and loggers a DataSource and a manager work with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from algomancy_data import DataClassification, DataSource, SimpleETLFactory, StatelessDataManager

if TYPE_CHECKING:
    from recording import Recording


def drive(recording: Recording):
    """Ask a DataSource for its parameters, and a manager to use the framework's logger."""
    from algomancy_utils import Logger  # noqa: PLC0415 - only this part needs it

    source = DataSource(DataClassification.MASTER_DATA, name="a")
    parameters = source.initialize_data_parameters()
    recording.keep("module", type(parameters).__module__)
    recording.keep("inputs", parameters.has_inputs())
    logger = Logger()
    manager = StatelessDataManager(SimpleETLFactory, [], "json", DataSource, logger)
    manager.add_data_source(source)
    manager.derive_data("a", "b")
    recording.keep("logged", len(logger.get_logs()) > 0)
