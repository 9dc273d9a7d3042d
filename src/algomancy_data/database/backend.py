"""What a kind of database can do, and the registry of kinds.

A kind of database is a folder beside this module, such as ``sqlite``, with a registered
:class:`Backend`. It answers for everything that differs between databases, so none is mistaken for
another.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import sqlalchemy as sa

from algomancy_data.errors import StoreError
from algomancy_data.masking import mask

if TYPE_CHECKING:
    from collections.abc import Iterable

    from algomancy_data.database.table_storage import TableStorage
    from algomancy_data.database.tables_view import TablesView

__all__ = [
    "Backend",
    "backend_for",
    "backend_of_url",
    "fast_url",
    "is_known",
    "register_backend",
    "shown",
]


class Backend(ABC):
    """A kind of database, and how it is reached."""

    name: ClassVar[str]
    """SQLAlchemy's name of its dialect, with which URLs begin."""

    aliases: ClassVar[tuple[str, ...]] = ()
    """What else a URL may begin with, if it names no driver."""

    driver: ClassVar[str | None]
    """SQLAlchemy's name of the driver; None for all those that no other backend is for."""

    title: ClassVar[str]
    """What the database is called in messages."""

    example: ClassVar[str]
    """A URL, for messages that say how to write one."""

    asks_password: ClassVar[bool] = True
    """Whether there are users, who may need passwords."""

    locked: ClassVar[tuple[str, ...]] = ()
    """What its errors say when others kept a lock for too long."""

    lock_limit: ClassVar[str]
    """Where one says how long to wait for locks."""

    read_only: ClassVar[str | None] = None
    """The statement that lets the rest of a transaction change nothing, if there is one."""

    @property
    @abstractmethod
    def tables_view(self) -> TablesView:
        """How the view of all tables is made."""

    @abstractmethod
    def table_storage(self) -> TableStorage:
        """Return how it keeps frames, for one store."""

    @abstractmethod
    def as_text(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Return a column as text or bytes, which cannot fail whatever it holds.

        Moments come as ``2026-03-01 09:00:00.000000``.
        """

    def new_engine(self, url: sa.URL) -> sa.Engine:
        """Return an engine for all stores on a database."""
        return sa.create_engine(url)

    def is_private(self, url: sa.URL) -> bool:
        """Tell whether each engine has a database of its own, such as one in memory."""
        del url
        return False

    def folder(self, url: sa.URL) -> Path:
        """Return the folder in which a URL's path begins; the same one if that makes none."""
        del url
        return Path()

    def why_unopened(self, url: sa.URL) -> str:
        """Return why a database cannot be opened, if the driver says only that it cannot."""
        del url
        return ""

    def is_replaced(self, engine: sa.Engine) -> bool:
        """Tell whether the database that an engine has open has been replaced."""
        del engine
        return False


_registered: Final[dict[tuple[str, str | None], Backend]] = {}


def register_backend(backend: Backend) -> None:
    """Let stores work on a kind of database."""
    _registered[backend.name, backend.driver] = backend


def is_known(name: str) -> bool:
    """Tell whether a URL may begin with a name."""
    return any(name in {one.name, *one.aliases} for one in _registered.values())


def backend_for(bound: sa.Engine | sa.Connection) -> Backend:
    """Return the backend of an engine or a connection.

    Raises:
        StoreError: It is another database than those that are known, or reached otherwise.
    """
    return _backend(bound.dialect.name, bound.dialect.driver, bound.engine.url)


def backend_of_url(url: sa.URL) -> Backend:
    """Return the backend of a URL.

    Raises:
        StoreError: It is another database than those that are known, or reached otherwise.

    Example:
        >>> from algomancy_data.database.engines import database_url
        >>> backend_of_url(database_url("postgres://host/name")).title
        'PostgreSQL'
    """
    name, _, driver = url.drivername.partition("+")
    return _backend(name, driver, url)


def fast_url(url: sa.URL, backend: Backend) -> sa.URL | None:
    """Return the URL with a driver that has a backend; None if its database has none."""
    own = _of(backend.name)[0]
    return None if own.driver is None else url.set(drivername=f"{own.name}+{own.driver}")


def shown(url: sa.URL) -> str:
    """Return a URL as it is given to a manager: without its password, and without our driver.

    Example:
        >>> shown(sa.make_url("postgresql+adbc://me:secret@host/data"))
        'postgresql://me:***@host/data'
    """
    name, _, driver = url.drivername.partition("+")
    is_ours = driver != "" and (name, driver) in _registered
    plain = url.set(drivername=name) if is_ours else url
    return mask(plain.render_as_string(hide_password=True))


def _backend(name: str, driver: str, url: sa.URL) -> Backend:
    if (name, driver) in _registered:
        return _registered[name, driver]
    known = _of(name)
    if not known:
        raise StoreError(
            f"Datasets are kept in {_listed(one.title for one in _first_of_each())}, but "
            f"{shown(url)} is another database. Write "
            f"{_listed(one.example for one in _first_of_each())}."
        )
    for one in known:
        if not driver or one.driver in {driver, None}:
            return one
    drivers = _listed(f"{one.name}+{one.driver}" for one in known)
    raise StoreError(f"{known[0].title} is reached by {drivers}, but not by {shown(url)}.")


def _of(name: str) -> list[Backend]:
    """Return the backends of a database; the one for all other drivers comes last."""
    found = [one for one in _registered.values() if name in {one.name, *one.aliases}]
    return sorted(found, key=lambda one: one.driver is None)


def _first_of_each() -> list[Backend]:
    return list({one.name: one for one in reversed(_registered.values())}.values())[::-1]


def _listed(words: Iterable[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last
