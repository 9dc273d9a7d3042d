"""Attach a database in DuckDB; tell type and first value of each column of a table in JSON."""

import json
import sys
from pathlib import Path

import duckdb
import duckdb_extension_postgres_scanner
import duckdb_extension_sqlite_scanner

kind, where, name = sys.argv[1:]
package = {
    "sqlite": duckdb_extension_sqlite_scanner,
    "postgres": duckdb_extension_postgres_scanner,
}[kind]
(library,) = Path(package.__file__).parent.rglob("*.duckdb_extension")
duck = duckdb.connect()
duck.load_extension(str(library))
duck.execute(f"ATTACH '{where}' AS db (TYPE {kind}, READ_ONLY)")
read = {}
for column, dtype, *_ in duck.execute(f"DESCRIBE db.{name}").fetchall():
    quoted = column.replace('"', '""')
    try:
        (value,) = duck.execute(f'SELECT "{quoted}"::VARCHAR FROM db.{name}').fetchone()
    except duckdb.Error as error:
        value = type(error).__name__
    read[column] = [dtype, value]
json.dump(read, sys.stdout)
