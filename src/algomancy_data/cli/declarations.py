"""Declarations in users' modules: schemas, an ETL factory, a DataSource class."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from algomancy_data.datasource import BaseDataSource, DataSource
from algomancy_data.display.words import meant
from algomancy_data.errors import AlgomancyDataError, CommandLineError, SchemaNotDeclaredError
from algomancy_data.etl import ETLFactory, SimpleETLFactory
from algomancy_data.schema import Schema
from algomancy_data.schema.table_names import schema_classes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from algomancy_data.cli.configuration import Setting, Settings
    from algomancy_data.schema import ReadLimits

_Class = TypeVar("_Class")

_LIST = "SCHEMAS"


class CheckedETLFactory(SimpleETLFactory):
    """The pipeline of the command line: it checks everything that the schemas declare."""

    check_constraints = True
    check_foreign_keys = True


@dataclass(frozen=True)
class Declarations:
    """How files become datasets.

    Args:
        schemas: What the files hold.
        factory: Puts the pipelines together.
        data_class: Class of the DataSources.
        read_limits: How much each file may become in memory; None leaves it to its schema.
        memory_limit: How much memory the process should take; None for no limit but what is there.
        keys: What a database is told of keys; None for nothing. Means nothing in a folder.
    """

    schemas: Sequence[type[Schema]] = ()
    factory: type[ETLFactory] = CheckedETLFactory
    data_class: type[BaseDataSource] = DataSource
    read_limits: ReadLimits | None = None
    memory_limit: str | None = None
    keys: Literal["index", "constraints"] | None = None


def declarations(settings: Settings) -> Declarations:
    """Return the declarations in the modules that the settings name.

    Raises:
        CommandLineError: A module cannot be imported, or has not in it what it should.
    """
    schemas = settings.get("schemas")
    factory, data_class = settings.get("factory"), settings.get("data_class")
    return Declarations(
        () if schemas is None else declared_schemas(schemas),
        CheckedETLFactory if factory is None else _named_class(factory, ETLFactory),
        DataSource if data_class is None else _named_class(data_class, BaseDataSource),
        settings.read_limits,
        settings.memory_limit,
        settings.keys,
    )


def declared_schemas(setting: Setting) -> list[type[Schema]]:
    """Return the schemas of a module: its list ``SCHEMAS``, or all of its classes."""
    module = _module(setting, setting.value)
    if hasattr(module, _LIST):
        try:
            return list(schema_classes(getattr(module, _LIST)))
        except AlgomancyDataError as error:
            msg = f"{_LIST} in {setting.value!r} ({setting.origin}): {error}"
            raise CommandLineError(msg) from error
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Schema)
        and value.__module__ == module.__name__
        and _is_about_a_file(value)
    ]
    if not found:
        msg = (
            f"{setting.value!r} ({setting.origin}) declares no Schema with a _FILENAME, and has no "
            f"list {_LIST}. Declare one, or let infer write it."
        )
        raise CommandLineError(msg)
    return found


def _is_about_a_file(schema: type[Schema]) -> bool:
    try:
        schema.file_name()
    except SchemaNotDeclaredError:  # what others have in common
        return False
    return True


def _named_class(setting: Setting, base: type[_Class]) -> type[_Class]:
    name, separator, attribute = setting.value.rpartition(":")
    if not separator:
        msg = f"{setting.value!r} ({setting.origin}) must be written as module:Class."
        raise CommandLineError(msg)
    module = _module(setting, name)
    if not hasattr(module, attribute):
        classes = [one for one, value in vars(module).items() if isinstance(value, type)]
        msg = f"{setting.value!r} ({setting.origin}): there is no {attribute!r} in {name!r}."
        raise CommandLineError(msg + meant(attribute, classes))
    found = getattr(module, attribute)
    if not isinstance(found, type) or not issubclass(found, base):
        msg = f"{setting.value!r} ({setting.origin}) is no subclass of {base.__name__}."
        raise CommandLineError(msg)
    return found


def _module(setting: Setting, name: str) -> ModuleType:
    """Import a module by its path or by its name."""
    is_path = name.endswith(".py") or "/" in name
    path = (setting.base or Path()) / Path(name).expanduser()
    if is_path and not path.is_file():
        what = "is a folder" if path.is_dir() else "is not there"
        msg = f"The file {str(path)!r} ({setting.origin}) {what}. Name a Python file or a module."
        raise CommandLineError(msg)
    if not is_path and not all(part.isidentifier() for part in name.split(".")):
        msg = f"{name!r} ({setting.origin}) is no module. Write path/to/file.py or package.module."
        raise CommandLineError(msg)
    if not is_path and path.is_file():
        msg = f"{name!r} ({setting.origin}) is no Python file, whose name ends in .py."
        raise CommandLineError(msg)
    home = path.parent if is_path else (setting.base or Path())
    sys.path.insert(0, str(home.resolve()))  # as for a program that is there
    try:
        return _from_path(path) if is_path else importlib.import_module(name)
    except SyntaxError as error:
        where = f"{error.filename}, line {error.lineno}"
        msg = f"{name!r} ({setting.origin}) cannot be imported: {error.msg} ({where})."
        raise CommandLineError(msg) from error
    except Exception as error:
        msg = (
            f"{name!r} ({setting.origin}) cannot be imported: {type(error).__name__}: {error}. "
            f"--verbose shows where."
        )
        raise CommandLineError(msg) from error


def _from_path(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path.resolve())
    if spec is None or spec.loader is None:
        msg = "it is no Python file"
        raise ImportError(msg)
    module: Any = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module
