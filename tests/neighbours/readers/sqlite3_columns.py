"""Open a file with Python's sqlite3; tell storage class and first value of each column in JSON."""

import json
import sqlite3
import sys

path, name = sys.argv[1:]
connection = sqlite3.connect(path)
names = [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]
read = {}
for column in names:
    quoted = column.replace('"', '""')
    query = f'SELECT typeof("{quoted}"), "{quoted}" FROM {name} ORDER BY rowid LIMIT 1'
    kind, value = connection.execute(query).fetchone()
    read[column] = [kind, None if value is None else str(value)]
connection.close()
json.dump(read, sys.stdout)
