"""A dataset from files, as a user makes one: schemas, a manager, an ETL."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from algomancy_data import DataSource, Schema, SimpleETLFactory, StatelessDataManager
from algomancy_data.database import DatabaseDataManager

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from algomancy_data import ETLResult


@pytest.fixture(scope="session")
def schema_of() -> Callable[..., type[Schema]]:
    """Make a schema of a file from its columns or groups."""

    def make(*members: Any, extension: str = "csv", name: str = "t", **settings: Any) -> Any:
        kind = "multi" if settings.pop("multi", False) else "single"
        declared = {f"MEMBER_{position}": member for position, member in enumerate(members)}
        names = {"_FILENAME": name, "_EXTENSION": extension, "_SCHEMA_TYPE": kind}
        return type("Declared", (Schema,), names | declared | settings)

    return make


@pytest.fixture
def etl(tmp_path: Path) -> Callable[..., ETLResult]:
    """Run an ETL over one file per schema, given as text or bytes, or as a path."""

    def run(
        schemas: Any,
        *contents: str | bytes | Path,
        manager: Any = None,
        factory: Any = SimpleETLFactory,
    ) -> ETLResult:
        schemas = schemas if isinstance(schemas, list) else [schemas]
        items: list[tuple[str, str]] = []
        for schema, content in zip(schemas, contents, strict=False):
            path = content
            if isinstance(content, str | bytes):
                path = tmp_path / schema.file_name_with_extension()
                path.write_bytes(content.encode() if isinstance(content, str) else content)
            items.append((schema.file_name(), str(path)))
        if manager is None:
            manager = StatelessDataManager(factory, schemas, "json", DataSource)
        return manager.etl_data(manager.prepare_files(file_items_with_path=items), "d")

    return run


@pytest.fixture
def new_database(tmp_path: Path) -> Iterator[Callable[..., DatabaseDataManager[Any]]]:
    """Make started managers on one SQLite file."""
    managers: list[DatabaseDataManager[Any]] = []

    def make(
        schemas: Any = (), cls: type[Any] = DataSource, session: str = "s", **options: Any
    ) -> DatabaseDataManager[Any]:
        url = f"sqlite:///{tmp_path / 'data.db'}"
        made = DatabaseDataManager(SimpleETLFactory, schemas, url, session, cls, **options)
        managers.append(made)
        made.startup()
        return made

    yield make
    for each in managers:
        each.close()


@pytest.fixture(scope="session")
def codes() -> Callable[[ETLResult], list[str | None]]:
    """Return the codes of all messages that are worse than INFO."""
    return lambda result: [message.code for message in result.messages if message.severity.rank]


@pytest.fixture(scope="session")
def data_uri() -> Callable[[bytes], str]:
    """Write bytes as an uploader sends them."""
    return lambda content: "data:;base64," + base64.b64encode(content).decode()
