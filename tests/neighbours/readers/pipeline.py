"""Load a dataset of two tables into a file again and again, until the standard input ends.

In run number n both tables have 50 + n % 7 rows, and n in all of them.
"""

import pathlib
import select
import sys
from itertools import count

from algomancy_data import CSVFile, DataSource, DataType, Schema, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager
from algomancy_data.schema import Column


class Left(Schema):
    """One table."""

    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "left", "csv", "single"
    RUN = Column("run", DataType.INTEGER)


class Right(Schema):
    """The other one."""

    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "right", "csv", "single"
    RUN = Column("run", DataType.INTEGER)


path, folder = sys.argv[1:]
manager = DatabaseDataManager(
    SimpleETLFactory, [Left, Right], f"sqlite:///{path}", "s", DataSource, datasource_cache_size=1
)
manager.startup()
for number in count():
    files = {}
    for name in ("left", "right"):
        file = f"{folder}/{name}.csv"
        with pathlib.Path(file).open("w", encoding="utf-8") as stream:
            stream.write("run\n" + f"{number}\n" * (50 + number % 7))
        files[name] = CSVFile(name, path=file)
    manager.etl_data(files, "live")
    manager.derive_data("live", "copy")
    manager.delete_data("copy")
    if number == 0:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
    if select.select([sys.stdin], [], [], 0)[0]:
        break
manager.close()
sys.stdout.write(str(number))
