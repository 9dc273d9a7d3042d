"""How many connections a server has left."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

# Of what there may be, this share stays for others.
_MARGIN: Final = 10

# Of the sessions of others, a role may see where they are but not what they are.
_LIMITS: Final = sa.text(
    "SELECT "
    "current_setting('max_connections')::bigint AS most, "
    "current_setting('superuser_reserved_connections')::bigint "
    "+ coalesce(current_setting('reserved_connections', true), '0')::bigint AS reserved, "
    "(SELECT sum(numbackends) FROM pg_stat_database)::bigint AS used, "
    "(SELECT datconnlimit FROM pg_database WHERE datname = current_database())::bigint "
    "AS most_here, "
    "(SELECT numbackends FROM pg_stat_database WHERE datname = current_database())::bigint "
    "AS used_here, "
    "(SELECT rolconnlimit FROM pg_roles WHERE rolname = session_user)::bigint AS most_own, "
    "(SELECT count(*) FROM pg_stat_activity WHERE usename = session_user)::bigint AS used_own"
)


def free_connections(connection: sa.Connection) -> int:
    """Return how many more connections server, role and database allow, minus a margin.

    Args:
        connection: A connection in a transaction, which is counted as one that is in use.
    """
    found = connection.execute(_LIMITS).one()
    limits = [
        (found.most - found.reserved, found.used),
        (found.most_here, found.used_here),
        (found.most_own, found.used_own),
    ]
    # The margin is for those who share a limit: a role's is its own.
    margins = [-(-limits[0][0] // _MARGIN), 0, 0]
    return min(
        most - used - margin
        for (most, used), margin in zip(limits, margins, strict=True)
        if most >= 0  # else there is none
    )
