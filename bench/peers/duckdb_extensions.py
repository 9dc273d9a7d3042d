"""DuckDB's extensions come as Python packages: nothing is fetched at run time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    import duckdb


def load(connection: duckdb.DuckDBPyConnection, package: ModuleType) -> None:
    """Load the extension that is in a package."""
    assert package.__file__ is not None
    (path,) = Path(package.__file__).parent.rglob("*.duckdb_extension")
    connection.execute(f"LOAD '{path}'")
