"""A kind of database that is added by one folder and one registration.

It is SQLite under a name that this package has never heard of, and keeps to what a database must
do: it has no fast driver, and answers no predicate.
"""

from __future__ import annotations

from sqlalchemy.dialects import registry

from algomancy_data.database.backend import register_backend
from algomancy_data.database.portable import PortableSQLite
from algomancy_data.database.portable.bulk import RowBulk
from toy.table_storage import ToyStorage


class Toy(PortableSQLite):
    name = "toy"
    driver = "plain"
    title = "Toy"
    example = "toy:///data.toy"

    def table_storage(self):
        return ToyStorage(RowBulk())


registry.register("toy.plain", f"{__name__}.dialect", "ToyDialect")
register_backend(Toy())
