"""Open a file with ibis' SQLite backend; tell type and first value of each column in JSON."""

import json
import sys

import ibis

path, name = sys.argv[1:]
table = ibis.sqlite.connect(path).table(name)
read = {}
for column, dtype in table.schema().items():
    try:
        value = str(table.select(column).to_pyarrow()[column][0].as_py())
    except Exception as error:  # noqa: BLE001  whatever it is, the table in the docs says it
        value = type(error).__name__
    read[column] = [str(dtype), value]
json.dump(read, sys.stdout)
