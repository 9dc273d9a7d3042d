"""PostgreSQL through ADBC."""

from sqlalchemy.dialects import registry

# The entry point does the same for an installed package; this serves a bare checkout.
registry.register("postgresql.adbc", f"{__name__}.dialect", "PostgreSQLADBCDialect")
