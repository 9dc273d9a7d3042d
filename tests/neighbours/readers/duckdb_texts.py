"""Attach a SQLite file in DuckDB, all columns as text; tell the first row of a query in JSON."""

import json
import sys
from pathlib import Path

import duckdb
import duckdb_extension_sqlite_scanner

path, query = sys.argv[1:]
(library,) = Path(duckdb_extension_sqlite_scanner.__file__).parent.rglob("*.duckdb_extension")
duck = duckdb.connect()
duck.load_extension(str(library))
duck.execute("SET sqlite_all_varchar = true")
duck.execute(f"ATTACH '{path}' AS db (TYPE sqlite, READ_ONLY)")
relation = duck.sql(query)
json.dump([str(text) for text in relation.project("COLUMNS(*)::VARCHAR").fetchone()], sys.stdout)
