"""The settings of a command: from flags, else the environment, else a configuration file."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Self, cast

from algomancy_data.display.words import meant
from algomancy_data.errors import CommandLineError
from algomancy_data.memory import MemoryBudget

if TYPE_CHECKING:
    from collections.abc import Mapping

    from algomancy_data.schema import ReadLimits

KEYS: Final = (
    "store",
    "session",
    "schemas",
    "factory",
    "data_class",
    "read_limits",
    "memory_limit",
    "keys",
)
"""What can be set in the environment (as ``ALGOMANCY_STORE``) and in a configuration file."""

DEFAULT_SESSION: Final = "default"

_OWN_FILE: Final = "algomancy.toml"
_PROJECT_FILE: Final = "pyproject.toml"


@dataclass(frozen=True)
class Setting:
    """A value and its origin.

    Args:
        value: The text that was given.
        origin: Its flag, environment variable or file, for messages.
        base: The folder from which its relative paths start; None for the working directory.
        is_flag: Whether it was given on the command line, where others can see it.
    """

    value: str
    origin: str
    base: Path | None = None
    is_flag: bool = False

    def path(self) -> Path:
        """Return the value as a path."""
        path = Path(self.value).expanduser()
        return path if self.base is None else self.base / path


class Settings:
    """All settings of a command.

    Args:
        flags: The values of flags; None for those that were not given.

    Raises:
        CommandLineError: The configuration file cannot be read or understood.
    """

    def __init__(self, flags: Mapping[str, str | None]) -> None:
        self._found: dict[str, Setting] = _from_file()
        for key in KEYS:
            variable = f"ALGOMANCY_{key.upper()}"
            if value := os.environ.get(variable):
                self._found[key] = Setting(value, f"${variable}")
        for key, flag in flags.items():
            if flag is not None:
                option = key.replace("_", "-")
                if not flag:
                    msg = f"--{option} is empty. Give it a value, or leave it out."
                    raise CommandLineError(msg)
                self._found[key] = Setting(flag, f"--{option}", is_flag=True)

    def get(self, key: str) -> Setting | None:
        """Return a setting, if there is one."""
        return self._found.get(key)

    def require(self, key: str) -> Setting:
        """Return a setting.

        Raises:
            CommandLineError: There is none; the message says how to make it.
        """
        if key in self._found:
            return self._found[key]
        option = key.replace("_", "-")
        verb = "are" if key == "schemas" else "is"
        msg = (
            f"No {option} {verb} given. Add --{option}, set ALGOMANCY_{key.upper()}, or write it "
            f"as {key} = … into {_OWN_FILE}."
        )
        raise CommandLineError(msg)

    def anchor(self) -> Self:
        """Return the settings with absolute paths, for other working directories."""
        self._found = {
            key: replace(found, base=(found.base or Path()).resolve())
            for key, found in self._found.items()
        }
        return self

    @property
    def read_limits(self) -> ReadLimits | None:
        """How much each file may become in memory, if set.

        Raises:
            CommandLineError: It is not written like that.
        """
        found = self.get("read_limits")
        if found is None:
            return None
        from algomancy_data.schema import ReadLimits  # noqa: PLC0415  with Polars

        try:
            return ReadLimits.from_text(found.value)
        except ValueError as error:
            msg = f"{found.value!r} ({found.origin}) are no limits: {error}"
            raise CommandLineError(msg) from error

    @property
    def memory_limit(self) -> str | None:
        """How much memory the process should take, if set.

        Raises:
            CommandLineError: It is no size, or too small to work with.
        """
        found = self.get("memory_limit")
        if found is None:
            return None
        try:
            MemoryBudget.of(found.value)
        except ValueError as error:
            msg = f"{found.value!r} ({found.origin}) is no memory limit: {error}"
            raise CommandLineError(msg) from error
        return found.value

    @property
    def keys(self) -> Literal["index", "constraints"] | None:
        """What a database is told of keys, if set.

        Raises:
            CommandLineError: It is no word for it.
        """
        found = self.get("keys")
        if found is None or found.value == "none":
            return None
        if found.value not in {"index", "constraints"}:
            msg = f"{found.value!r} ({found.origin}) must be index, constraints or none."
            raise CommandLineError(msg)
        return cast('Literal["index", "constraints"]', found.value)

    @property
    def session(self) -> str:
        """The session."""
        found = self.get("session")
        return DEFAULT_SESSION if found is None else found.value


def _from_file() -> dict[str, Setting]:
    for folder in (here := Path.cwd(), *here.parents):
        own, project = folder / _OWN_FILE, folder / _PROJECT_FILE
        if own.is_file():
            return _settings(own, _parse(own), "")
        if project.is_file():
            tool = _table(_parse(project).get("tool"))
            if "algomancy" in tool:
                return _settings(project, tool["algomancy"], "tool.algomancy.")
    return {}


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        msg = f"The configuration file {str(path)!r} cannot be read: {error}."
        raise CommandLineError(msg) from error


def _settings(path: Path, content: object, prefix: str) -> dict[str, Setting]:
    found: dict[str, Setting] = {}
    for key, value in _table(content).items():
        if key not in KEYS:
            raise _unknown_key(path, f"{prefix}{key}", key)
        if not isinstance(value, str) or not value:
            msg = f"{prefix}{key} in {str(path)!r} must be a text, not {value!r}."
            raise CommandLineError(msg)
        found[key] = Setting(value, str(path), path.parent)
    return found


def _unknown_key(path: Path, name: str, key: str) -> CommandLineError:
    if "password" in key:
        return CommandLineError(
            f"{name} in {str(path)!r}: a password is not kept in a file. Set ALGOMANCY_PASSWORD, "
            f"or put it into the keyring."
        )
    hint = meant(key, KEYS) or f" Known keys: {', '.join(KEYS)}."
    return CommandLineError(f"{str(path)!r} has the unknown key {name!r}.{hint}")


def _table(content: object) -> dict[str, Any]:
    return cast("dict[str, Any]", content) if isinstance(content, dict) else {}
