"""SQLite through ADBC."""

from sqlalchemy.dialects import registry

# The entry point does the same for an installed package; this serves a bare checkout.
registry.register("sqlite.adbc", f"{__name__}.dialect", "SQLiteADBCDialect")
