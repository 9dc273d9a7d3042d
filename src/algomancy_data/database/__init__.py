"""DataSources as real SQL tables: SQLite and PostgreSQL through ADBC.

Needs the extra ``algomancy-data[database]``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

from algomancy_data.errors import MissingExtraError

try:
    import adbc_driver_manager
    import adbc_driver_sqlite
    import sqlalchemy
except ImportError as error:
    raise MissingExtraError.from_extra("algomancy_data.database", "database") from error

from algomancy_data.database.backend import register_backend
from algomancy_data.database.key_plan import WantedKeys
from algomancy_data.database.portable import PortablePostgreSQL, PortableSQLite
from algomancy_data.database.postgresql import PostgreSQL
from algomancy_data.database.protocols import ArrowPayloadLayout, SqlTableLayout
from algomancy_data.database.sqlite import SQLite
from algomancy_data.database.store import DatabaseStore

if TYPE_CHECKING:
    from algomancy_data.database.database_manager import DatabaseDataManager
    from algomancy_data.database.pandas_databases import read_pandas_database
    from algomancy_data.database.schema_translator import column_to_sa, dtype_to_sa_type

for kind in (SQLite, PostgreSQL, PortableSQLite, PortablePostgreSQL):
    register_backend(kind())

del adbc_driver_manager, adbc_driver_sqlite, kind, sqlalchemy

__all__ = [
    "ArrowPayloadLayout",
    "DatabaseDataManager",
    "DatabaseStore",
    "SqlTableLayout",
    "WantedKeys",
    "column_to_sa",
    "dtype_to_sa_type",
    "read_pandas_database",
]

# They need the ETL, which takes its time to import.
_MODULES: Final = {
    "DatabaseDataManager": "database_manager",
    "read_pandas_database": "pandas_databases",
    "column_to_sa": "schema_translator",
    "dtype_to_sa_type": "schema_translator",
}


def __getattr__(name: str) -> object:
    """Import what is asked for, when it is first asked for."""
    if name in _MODULES:
        found = globals()[name] = getattr(__getattr__(_MODULES[name]), name)
        return found
    if name in _MODULES.values():
        return import_module(f"{__name__}.{name}")
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    """Return the public names, imported or not."""
    return sorted({*globals(), *__all__, *_MODULES.values()})
