"""A command: options that several commands share, and what a command works with."""

from __future__ import annotations

import inspect
from functools import cached_property
from inspect import Parameter
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from algomancy_data.cli.configuration import Settings
from algomancy_data.cli.running import running
from algomancy_data.cli.stores import StoreAddress, opened

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from algomancy_data.cli.declarations import Declarations
    from algomancy_data.cli.output import Output
    from algomancy_data.datamanager import DataManager

_SETTINGS: Final[dict[str, Any]] = {
    "store": typer.Option(
        "--store",
        "-s",
        metavar="STORE",
        help="A database, such as sqlite:///data.db or postgresql://host/name, or a folder. "
        "Else: $ALGOMANCY_STORE, or the configuration file.",
        show_default=False,
    ),
    "session": typer.Option(
        "--session",
        metavar="NAME",
        help="Whose datasets, in a database. Else: $ALGOMANCY_SESSION, the configuration file, "
        "or 'default'.",
        show_default=False,
    ),
    "schemas": typer.Option(
        "--schemas",
        metavar="MODULE",
        help="What the files hold: path/to/schemas.py or package.module. Else: "
        "$ALGOMANCY_SCHEMAS, or the configuration file.",
        show_default=False,
    ),
    "factory": typer.Option(
        "--factory",
        metavar="MODULE:CLASS",
        help="The ETL factory. Else: $ALGOMANCY_FACTORY, the configuration file, or one that "
        "checks whatever the schemas declare.",
        show_default=False,
    ),
    "read_limits": typer.Option(
        "--read-limits",
        metavar="LIMITS",
        help="How much a file may become in memory: 'off', or such as "
        "ratio=1000,cells=off. Else: $ALGOMANCY_READ_LIMITS, the configuration file, or what "
        "its schema says.",
        show_default=False,
    ),
    "memory_limit": typer.Option(
        "--memory-limit",
        metavar="SIZE",
        help="How much memory to take, such as 2GiB: what does not fit is worked on in slices, or "
        "refused. Else: $ALGOMANCY_MEMORY_LIMIT, the configuration file, or what is there.",
        show_default=False,
    ),
    "keys": typer.Option(
        "--keys",
        metavar="FORM",
        help="What a database is told of the keys that the schemas declare: index, constraints "
        "(where the rows keep them), or none. Else: $ALGOMANCY_KEYS, the configuration file, or "
        "none.",
        show_default=False,
    ),
}
_FLAGS: Final[dict[str, Any]] = {
    "as_json": typer.Option("--json", help="Write one JSON document to standard output."),
    "quiet": typer.Option(
        "--quiet", "-q", help="Say only what was asked for, and what goes wrong."
    ),
    "verbose": typer.Option("--verbose", "-v", help="Show the log, and where an error comes from."),
}


class Command:
    """What a command works with while it runs.

    Args:
        output: Where it writes.
        flags: The values of its flags that are settings; None for those that were not given.
    """

    def __init__(self, output: Output, flags: Mapping[str, str | None]) -> None:
        self.output = output
        self._flags = flags

    @cached_property
    def settings(self) -> Settings:
        """The settings from flags, environment and configuration file.

        Raises:
            CommandLineError: The file cannot be read or understood.
        """
        return Settings(self._flags)

    @cached_property
    def address(self) -> StoreAddress:
        """The store given by the settings.

        Raises:
            CommandLineError: None is given, or it cannot be one.
        """
        return StoreAddress(self.settings.require("store"), self.settings.session)

    @cached_property
    def declarations(self) -> Declarations:
        """The declarations in the modules that the settings name.

        Raises:
            CommandLineError: A module cannot be imported, or has not in it what it should.
        """
        from algomancy_data.cli.declarations import declarations  # noqa: PLC0415  with the ETL

        return declarations(self.settings)

    def opened(
        self, address: StoreAddress | None = None, *, may_create: bool = False
    ) -> AbstractContextManager[DataManager[Any]]:
        """Open a store within a block: that of the settings, or another one."""
        return opened(
            address or self.address, self.declarations, self.output, may_create=may_create
        )


def command(*settings: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a command of a function, with ``--json``, ``--verbose`` and more options.

    Args:
        settings: Names of the settings that have a flag here.

    Returns:
        What turns a function of a :class:`Command` and its own options into one that Typer can
        call; it ends with :class:`typer.Exit`.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        def run(*, as_json: bool, quiet: bool, verbose: bool, **options: Any) -> None:
            flags = {name: options.pop(name) for name in settings}
            how = {"as_json": as_json, "quiet": quiet, "verbose": verbose}
            with running(function.__name__, **how) as output:
                function(Command(output, flags), **options)

        signature = inspect.signature(function, eval_str=True)
        _, *own = signature.parameters.values()
        shared = [
            *(_flag(name, str | None, _SETTINGS[name], default=None) for name in settings),
            *(_flag(name, bool, option, default=False) for name, option in _FLAGS.items()),
        ]
        made: Any = run
        made.__doc__ = function.__doc__
        made.__signature__ = signature.replace(parameters=[*own, *shared])
        return made

    return decorate


def _flag(name: str, kind: Any, option: object, *, default: object) -> Parameter:
    annotation = Annotated[kind, option]
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
