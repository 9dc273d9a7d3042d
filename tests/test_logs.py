import importlib
import inspect
import logging
import pkgutil
import subprocess
import sys

import polars as pl
import pytest

import algomancy_data
from algomancy_data import (
    CSVFile,
    DataSource,
    DataSourceLoader,
    SimpleETLFactory,
    StatefulDataManager,
    StatelessDataManager,
    ValidationSequence,
)
from algomancy_data.database import DatabaseDataManager
from algomancy_data.extractor import ExtractionSequence
from algomancy_data.logs import Logger, StandardLogger, as_logger
from algomancy_data.testing.workloads import SCHEMAS, frames, write_csv
from algomancy_data.transformer import TransformationSequence


class Framework:
    """The interface of the framework's logger."""

    def __init__(self):
        self.lines = []

    def log(self, message):
        self.lines.append(message)

    success = warning = error = log

    def log_traceback(self, e):
        self.lines.append(repr(e))


def test_a_framework_logger_is_used_as_it_is():
    logger = Framework()
    assert as_logger(logger) is logger
    assert isinstance(logger, Logger)


def test_a_standard_logger_gets_everything_at_its_level(caplog):
    logger = as_logger(logging.getLogger("mine"))
    assert isinstance(logger, StandardLogger)
    with caplog.at_level(logging.INFO, "mine"):
        logger.log("a")
        logger.success("b")
        logger.warning("c")
        logger.error("d")
        logger.log_traceback(ValueError("e"))
    found = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert found == [
        ("INFO", "a"),
        ("INFO", "b"),
        ("WARNING", "c"),
        ("ERROR", "d"),
        ("ERROR", "ValueError: e"),
    ]


def test_without_a_logger_the_standard_one_is_used_and_prints_nothing():
    program = "from algomancy_data.logs import as_logger; as_logger(None).error('x')"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout + done.stderr == ""


def public_classes_that_take_a_logger():
    for info in pkgutil.walk_packages(algomancy_data.__path__, "algomancy_data."):
        module = importlib.import_module(info.name)
        for name, cls in inspect.getmembers(module, inspect.isclass):
            if cls.__module__ == info.name and not name.startswith("_"):
                parameters = inspect.signature(cls.__init__).parameters
                if "logger" in parameters:
                    yield pytest.param(parameters["logger"], id=f"{info.name}.{name}")


# What works inside gets the logger that a public class has made of the one it was given.
INSIDE = ("FolderStartup", "Sorting", "ReplayedTable")


@pytest.mark.parametrize("parameter", list(public_classes_that_take_a_logger()))
def test_every_public_class_takes_either_kind_of_logger(parameter, request):
    if request.node.callspec.id.endswith(INSIDE):
        assert "Logger" in parameter.annotation
    else:
        assert parameter.annotation in {"Logger | logging.Logger | None", "NameOrLogger"}


def used_everywhere(logger, folder):
    """Run what logs something, through every stage, on every kind of store."""
    paths = write_csv(frames(10), folder)
    files = {name: CSVFile(name, path=path) for name, path in paths.items()}
    database = DatabaseDataManager(
        SimpleETLFactory, SCHEMAS, "sqlite://", "s", DataSource, logger=logger
    )
    with pytest.warns(DeprecationWarning, match="StatefulDataManager"):
        kept = StatefulDataManager(
            SimpleETLFactory, SCHEMAS, folder / "store", "json", DataSource, logger
        )
    memory = StatelessDataManager(SimpleETLFactory, SCHEMAS, "json", DataSource, logger)
    for manager in (memory, kept, database):
        manager.startup()
        assert manager.etl_data(files, "d").is_success
        manager.derive_data("d", "e")
        manager.delete_data("e")
    database.close()
    schemas = {schema.file_name(): schema for schema in SCHEMAS}
    pipeline = SimpleETLFactory.build_pipeline("d", files, schemas, logger)
    source = pipeline.run().datasource
    source.add_table("more", pl.DataFrame({"x": [1]}), logger)


def test_both_kinds_of_logger_hear_the_same_of_every_stage_and_store(tmp_path, caplog):
    framework = Framework()
    places = tmp_path / "a", tmp_path / "b"
    for place in places:
        place.mkdir()
    used_everywhere(framework, places[0])
    with caplog.at_level(logging.INFO, "mine"):
        used_everywhere(logging.getLogger("mine"), places[1])
    heard = [record.getMessage() for record in caplog.records if record.name == "mine"]
    assert [line.replace(str(places[1]), "") for line in heard] == [
        line.replace(str(places[0]), "") for line in framework.lines
    ]
    for said in ("Loaded 2 tables", "ETL of dataset 'd' succeeded", "Added table 'more'"):
        assert any(line.startswith(said) for line in heard), said


def components(logger):
    """Make everything that has a logger as an attribute."""
    yield StatelessDataManager(SimpleETLFactory, [], "json", DataSource, logger)
    yield DataSourceLoader(logger)
    yield ExtractionSequence([], logger)
    yield ValidationSequence([], logger)
    yield TransformationSequence([], logger)
    yield SimpleETLFactory.build_pipeline("d", {}, {}, logger)


@pytest.mark.parametrize("logger", [None, Framework()], ids=["none", "framework"])
def test_a_component_has_the_logger_that_it_was_given(logger):
    for component in components(logger):
        assert component.logger is logger


def test_a_logger_may_be_set_later():
    for component in components(None):
        logger = component.logger = Framework()
        component._logger.log("heard")
        assert logger.lines == ["heard"]
    manager = StatelessDataManager(SimpleETLFactory, [], "json", DataSource)
    manager.logger = Framework()
    manager.etl_data({}, "d")
    assert "ETL of dataset 'd' succeeded." in manager.logger.lines


def test_a_factory_gets_no_logger_where_none_was_given():
    given = []

    class Factory(SimpleETLFactory):
        @classmethod
        def create_loader(cls, logger=None):
            given.append(logger)
            return super().create_loader(logger)

    for logger in (None, framework := Framework(), logging.getLogger("mine")):
        StatelessDataManager(Factory, [], "json", DataSource, logger).etl_data({}, "d")
    assert given[:2] == [None, framework]
    assert isinstance(given[2], StandardLogger)


def test_a_loader_that_keeps_its_logger_itself_works():
    class Own(DataSourceLoader):
        def __init__(self, logger):
            self.logger = logger
            self.data_object_type = None

    logger = Framework()
    Own(logger).load("d", {}, [])
    assert logger.lines == ["Loaded 0 tables into dataset 'd'."]
