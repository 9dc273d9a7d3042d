"""SQLAlchemy dialects over ADBC.

ADBC's SQLite driver carries its own SQLite library, and two libraries must never have one file
open in one process (https://www.sqlite.org/howtocorrupt.html, section 2.2.1). So SQLAlchemy does
not get a driver of its own beside the bulk path: it speaks through ADBC as well.
"""

from sqlalchemy.dialects import registry

# The entry points do the same for an installed package; this serves a bare checkout.
registry.register(
    "postgresql.adbc", "algomancy_data.database.dialects.postgresql", "PostgreSQLADBCDialect"
)
registry.register("sqlite.adbc", "algomancy_data.database.dialects.sqlite", "SQLiteADBCDialect")
