"""From the text that names a store to the manager that works on it."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

from algomancy_data.cli.passwords import check_visible
from algomancy_data.cli.settings import DEFAULT_SESSION, Setting
from algomancy_data.datamanager import StatefulDataManager
from algomancy_data.datasource import DataSource
from algomancy_data.errors import CommandLineError, StoreNotFoundError
from algomancy_data.etl import SimpleETLFactory
from algomancy_data.masking import mask

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from algomancy_data.cli.output import Output
    from algomancy_data.datamanager import DataManager
    from algomancy_data.datasource import BaseDataSource
    from algomancy_data.etl import ETLFactory
    from algomancy_data.schema import ReadLimits, Schema

_SCHEME: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+]*):(?P<slashes>//)?")
_SQLITE_MAGIC: Final = b"SQLite format 3\0"
_IN_MEMORY: Final = ("", ":memory:")


class CheckedETLFactory(SimpleETLFactory):
    """The pipeline of the command line: whatever the schemas declare is checked."""

    check_constraints = True
    check_foreign_keys = True


@dataclass(frozen=True)
class Place:
    """A store and, in a database, a session.

    Args:
        setting: The URL or the path.
        session: Whose datasets; means nothing in a folder.
    """

    setting: Setting
    session: str = DEFAULT_SESSION

    def __post_init__(self) -> None:
        """Refuse what cannot be a store.

        Raises:
            CommandLineError: It cannot; the message says how to write one.
        """
        text = self.setting.value
        scheme = _SCHEME.match(text)
        if scheme is None:
            path = self.setting.path()
            if path.is_file():
                raise CommandLineError(_meant_as_url(path))
            return
        name, slashes = scheme["scheme"], scheme["slashes"]
        if not slashes or not _is_database(name.partition("+")[0]):
            msg = (
                f"{mask(text)!r} is no store. Write sqlite:///data.db, postgresql://host/name, or "
                f"the path of a folder."
            )
            raise CommandLineError(msg)
        check_visible(self.setting)

    @property
    def is_database(self) -> bool:
        """Whether the store is a database."""
        return _SCHEME.match(self.setting.value) is not None

    @property
    def url(self) -> str:
        """The URL, in which the path of a SQLite file starts where it is meant to."""
        url, base = self.setting.value, self.setting.base
        head, separator, path = url.partition(":///")
        if head.startswith("sqlite") and separator and base is not None and self.sqlite_path:
            return f"{head}{separator}{base / path}"
        return url

    @property
    def sqlite_path(self) -> Path | None:
        """The file of a SQLite database; None for one in memory, and for other stores."""
        head, separator, rest = self.setting.value.partition(":///")
        path = rest.partition("?")[0]
        if not head.startswith("sqlite") or not separator or path in _IN_MEMORY:
            return None
        is_uri = path.startswith("file:") or ("uri", "true") in parse_qsl(urlsplit(rest).query)
        return None if is_uri else (self.setting.base or Path()) / path

    def __str__(self) -> str:
        """Return what it is called in messages."""
        return mask(self.setting.value)

    def describe(self) -> dict[str, str | None]:
        """Return what the JSON documents say about it."""
        return {"store": str(self), "session": self.session if self.is_database else None}


@dataclass(frozen=True)
class Making:
    """How a store turns files into datasets.

    Args:
        schemas: What the files hold.
        factory: Puts the pipelines together.
        data_class: Class of the DataSources.
        read_limits: How much each file may become in memory; None leaves it to its schema.
    """

    schemas: Sequence[type[Schema]] = ()
    factory: type[ETLFactory] = CheckedETLFactory
    data_class: type[BaseDataSource] = DataSource
    read_limits: ReadLimits | None = None


@contextmanager
def opened(
    place: Place,
    output: Output,
    making: Making | None = None,
    *,
    may_create: bool = False,
) -> Generator[DataManager[Any]]:
    """Open a store for the length of a block.

    Args:
        place: The store.
        output: Told what a folder could not read.
        making: How files become datasets there.
        may_create: Whether a store that does not exist is to be made.

    Raises:
        StoreNotFoundError: There is no such store, and none may be made.
        StoreError: It cannot be reached, or is of a version that this one does not understand.
    """
    making = making or Making()
    if place.is_database:
        # SQLAlchemy takes its time: it is imported when a database is used.
        from algomancy_data.cli.databases import opened_database  # noqa: PLC0415

        with opened_database(place, making, may_create=may_create) as manager:
            yield manager
        return
    path = place.setting.path()
    if not path.is_dir() and not may_create:
        msg = f"There is no folder {str(path)!r}."
        raise StoreNotFoundError(msg)
    manager = StatefulDataManager(
        making.factory,
        making.schemas,
        path,
        "json",
        making.data_class,
        read_limits=making.read_limits,
    )
    manager.startup()
    for item, error in manager.startup_errors:
        output.warning(f"{item} was skipped: {error}")
    yield manager


def sessions(place: Place) -> list[str]:
    """Return the sessions of a database that have datasets.

    Raises:
        StoreNotFoundError: There is no such database.
        StoreError: It cannot be reached.
    """
    from algomancy_data.cli.databases import sessions_of  # noqa: PLC0415  as above

    return sessions_of(place)


def _is_database(name: str) -> bool:
    from algomancy_data.database.backend import is_known  # noqa: PLC0415  with SQLAlchemy

    return is_known(name)


def _meant_as_url(path: Path) -> str:
    with path.open("rb") as stream:
        is_sqlite = stream.read(len(_SQLITE_MAGIC)) == _SQLITE_MAGIC
    if is_sqlite:
        return f"{str(path)!r} is a SQLite database: write it as sqlite:///{path}."
    return f"{str(path)!r} is a file. A store is a database or a folder."
