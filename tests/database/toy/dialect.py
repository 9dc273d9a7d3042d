"""``toy+plain://``."""

from __future__ import annotations

from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite


class ToyDialect(SQLiteDialect_pysqlite):
    name = "toy"
    driver = "plain"
    supports_statement_cache = True
