"""Reading a folder without the package: as docs/folder-format.md says, with pyarrow alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import polars as pl
import pyarrow as pa

if TYPE_CHECKING:
    from pathlib import Path


def read_folder(root: Path) -> dict[str, dict[str, pl.DataFrame]]:
    """Return the tables of each dataset of a folder."""
    documents = [json.loads(path.read_bytes()) for path in root.glob("*.json")]
    return {
        document["key"]: {
            table["name"]: _table(root / ".algomancy-data" / document["directory"], table)
            for table in document["tables"]
        }
        for document in documents
    }


def _table(home: Path, table: dict[str, Any]) -> pl.DataFrame:
    files = [part["file"] for part in table.get("parts", [table])]
    read = [
        pa.ipc.open_file(pa.BufferReader((home / one).read_bytes())).read_all() for one in files
    ]
    return cast("pl.DataFrame", pl.from_arrow(pa.concat_tables(read)))
