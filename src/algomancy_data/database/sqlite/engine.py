"""Engines on SQLite files, which somebody may move or replace while they are open."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import event

from algomancy_data.database.adbc.dialect import pooled_engine
from algomancy_data.database.sqlite.second_library import identity

if TYPE_CHECKING:
    import sqlalchemy as sa


class _OpenedFile(NamedTuple):
    """The file that an engine's last new connection is on."""

    path: str
    file: tuple[int, int] | None


_opened_files: Final[weakref.WeakKeyDictionary[sa.Engine, _OpenedFile]] = (
    weakref.WeakKeyDictionary()
)


def file_engine(url: sa.URL) -> sa.Engine:
    """Return an engine on a file, which is remembered when it is opened."""
    engine = pooled_engine(url)
    reference = weakref.ref(engine)

    @event.listens_for(engine, "connect")
    def note_file(connection: Any, record: Any) -> None:
        del record
        if (own := reference()) is not None:
            _opened_files[own] = _OpenedFile(connection.path, connection.file)

    del note_file  # the engine has it
    return engine


def is_replaced(engine: sa.Engine) -> bool:
    """Tell whether the file that an engine has opened is no longer the one of that name."""
    opened = _opened_files.get(engine)
    return opened is not None and identity(opened.path) != opened.file
