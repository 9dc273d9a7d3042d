"""Stores by name: parsed into an address, opened with a manager."""

from __future__ import annotations

import re
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

from algomancy_data.cli.configuration import DEFAULT_SESSION, Setting
from algomancy_data.cli.passwords import check_visible, with_password
from algomancy_data.errors import (
    CommandLineError,
    StoreError,
    StoreNotFoundError,
)
from algomancy_data.masking import mask

if TYPE_CHECKING:
    from collections.abc import Generator

    from algomancy_data.cli.configuration import Settings
    from algomancy_data.cli.declarations import Declarations
    from algomancy_data.cli.output import Output
    from algomancy_data.database import DatabaseDataManager
    from algomancy_data.datamanager import DataManager, StatefulDataManager
    from algomancy_data.store import DatasetInfo

_SCHEME: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+]*):(?P<slashes>//)?")
_SQLITE_MAGIC: Final = b"SQLite format 3\0"
_ABOUT_FOLDERS: Final = ("bench", "copy", "migrate")
_IN_MEMORY: Final = ("", ":memory:")


@dataclass(frozen=True)
class StoreAddress:
    """Where a store is and, in a database, the session.

    Args:
        setting: The URL or the path.
        session: Whose datasets; means nothing in a folder.
    """

    setting: Setting
    session: str = DEFAULT_SESSION

    def __post_init__(self) -> None:
        """Refuse an invalid store.

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
        self._check_url()

    def _check_url(self) -> None:
        """Refuse a URL that is not a database's.

        Raises:
            CommandLineError: It cannot.
        """
        from algomancy_data.database.engines import (  # noqa: PLC0415  with SQLAlchemy
            database_url,
            store_engine,
        )

        text = self.setting.value
        try:
            url = database_url(text)
            if url.query:  # only an engine knows which options there are
                store_engine(url).dispose()
        except StoreError as error:
            raise CommandLineError(str(error)) from error
        head, _, rest = text.partition("://")
        if not head.startswith("sqlite"):
            return
        if rest and not rest.startswith(("/", "?")):
            msg = f"{text!r} has no path behind {head}://. Write {head}:///{rest}."
            raise CommandLineError(msg)
        if self.sqlite_path is not None and (problem := _problem_of_file(self.sqlite_path)):
            raise CommandLineError(problem)

    @property
    def place(self) -> tuple[str, str]:
        """What identifies the store, however its path is written."""
        if not self.is_database:
            return str(self.setting.path().resolve()), ""
        file = self.sqlite_path
        return self.url if file is None else str(file.resolve()), self.session

    @property
    def is_database(self) -> bool:
        """Whether the store is a database."""
        return _SCHEME.match(self.setting.value) is not None

    @property
    def url(self) -> str:
        """The URL, with the path of a SQLite file resolved."""
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
        """Return its name in messages."""
        return mask(self.setting.value)

    def to_dict(self) -> dict[str, str | None]:
        """Return the JSON document's members about it."""
        return {"store": str(self), "session": self.session if self.is_database else None}


@contextmanager
def opened(
    address: StoreAddress, declared: Declarations, output: Output, *, may_create: bool = False
) -> Generator[DataManager[Any]]:
    """Open a store within a block.

    Args:
        address: The store.
        declared: How files become datasets there.
        output: Told what a folder could not read.
        may_create: Whether to create a store that does not exist.

    Raises:
        StoreNotFoundError: There is no such store, and none may be made.
        StoreError: It cannot be reached, or is of a version that this one does not understand.
    """
    if address.is_database:
        store = _opened_database(address, declared, may_create=may_create)
        with store as manager:
            yield manager
        return
    path = address.setting.path()
    if not path.is_dir() and not may_create:
        msg = f"There is no folder {str(path)!r}. Check the name: load makes new ones."
        raise StoreNotFoundError(msg)
    if output.command not in _ABOUT_FOLDERS:
        output.warning(
            f"Folders are deprecated as stores. Copy the datasets into a database: algomancy-data "
            f"migrate {path} sqlite:///data.db"
        )
    manager = _folder_manager(address, declared)
    manager.startup()
    for item, error in manager.startup_errors:
        output.warning(f"{item} was skipped: {error}")
    yield manager


@dataclass(frozen=True)
class ManagerMaker:
    """Makes managers according to the settings, in any process.

    Args:
        settings: What the flags, the environment and the configuration file say.
    """

    settings: Settings

    def __call__(self) -> DataManager[Any]:
        """Return a started manager of a store, which is created if necessary."""
        from algomancy_data.cli.declarations import declarations  # noqa: PLC0415  with the ETL

        declared = declarations(self.settings)
        address = StoreAddress(self.settings.require("store"), self.settings.session)
        make = _database_manager if address.is_database else _folder_manager
        manager: DataManager[Any] = make(address, declared)
        manager.startup()
        return manager


def _folder_manager(address: StoreAddress, declared: Declarations) -> StatefulDataManager[Any]:
    # Who opens a folder at the prompt is told in the prompt's words.
    warnings.filterwarnings("ignore", "StatefulDataManager", DeprecationWarning)
    from algomancy_data.datamanager import StatefulDataManager  # noqa: PLC0415  with the ETL

    return StatefulDataManager(
        declared.factory,
        declared.schemas,
        address.setting.path(),
        "json",
        declared.data_class,
        read_limits=declared.read_limits,
        memory_limit=declared.memory_limit,
    )


# SQLAlchemy takes its time: the following import it when a database is used.


def sessions(address: StoreAddress) -> list[str]:
    """Return the sessions of a database that have datasets.

    Raises:
        StoreNotFoundError: There is no such database.
        StoreError: It cannot be reached.
    """
    from algomancy_data.database import catalogue, engines  # noqa: PLC0415

    _check_file(address)
    engine = engines.store_engine(with_password(engines.database_url(address.url)))
    try:
        return catalogue.session_names(engine) if catalogue.has_catalogue(engine) else []
    finally:
        engine.dispose()


def listed(address: StoreAddress) -> list[DatasetInfo]:
    """Return what the catalogue of a database says, without importing the ETL.

    Raises:
        StoreNotFoundError: There is no such database.
        StoreError: It cannot be reached, or is of a version that this one does not understand.
    """
    from algomancy_data.database.engines import database_url  # noqa: PLC0415
    from algomancy_data.database.store import DatabaseStore  # noqa: PLC0415

    _check_file(address)
    store = DatabaseStore(with_password(database_url(address.url)), address.session)
    try:
        _check_catalogue(address, store.engine)
        store.open()
        return store.describe_all()
    finally:
        store.close()


@contextmanager
def _opened_database(
    address: StoreAddress, declared: Declarations, *, may_create: bool
) -> Generator[DataManager[Any]]:
    if not may_create:
        _check_file(address)
    manager = _database_manager(address, declared)
    try:
        if not may_create:
            _check_catalogue(address, manager.engine)
        manager.startup()
        yield manager
    finally:
        manager.close()


def _check_catalogue(address: StoreAddress, engine: Any) -> None:
    from algomancy_data.database.catalogue import has_catalogue  # noqa: PLC0415

    if not has_catalogue(engine):
        msg = f"The database {address} has no datasets: it has no table 'algomancy_datasets'."
        raise StoreNotFoundError(msg)


def _database_manager(address: StoreAddress, declared: Declarations) -> DatabaseDataManager[Any]:
    from algomancy_data.database import DatabaseDataManager  # noqa: PLC0415
    from algomancy_data.database.engines import database_url  # noqa: PLC0415

    return DatabaseDataManager(
        declared.factory,
        declared.schemas,
        with_password(database_url(address.url)),
        address.session,
        declared.data_class,
        read_limits=declared.read_limits,
        memory_limit=declared.memory_limit,
        keys=declared.keys,
    )


def _check_file(address: StoreAddress) -> None:
    if address.sqlite_path is not None and not address.sqlite_path.exists():
        msg = (
            f"There is no database file {str(address.sqlite_path)!r}. Check the name: load makes "
            f"new ones."
        )
        raise StoreNotFoundError(msg)


def _is_database(name: str) -> bool:
    from algomancy_data.database.backend import is_known  # noqa: PLC0415  with SQLAlchemy

    return is_known(name)


def _meant_as_url(path: Path) -> str:
    if _is_sqlite(path):
        return f"{str(path)!r} is a SQLite database: write it as sqlite:///{path}."
    return f"{str(path)!r} is a file. A store is a database or a folder."


def _problem_of_file(path: Path) -> str | None:
    """Return why a path cannot be that of a SQLite database, or None."""
    if path.is_dir():
        return f"{str(path)!r} is a folder. As a store, write it without sqlite:///."
    if path.is_file() and path.stat().st_size and not _is_sqlite(path):
        return f"{str(path)!r} is no SQLite database. The file is something else: choose another."
    if not path.parent.is_dir():
        return f"There is no folder {str(path.parent)!r} for the database {path.name!r}. Make it."
    return None


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(_SQLITE_MAGIC)) == _SQLITE_MAGIC
