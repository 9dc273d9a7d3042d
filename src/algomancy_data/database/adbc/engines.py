"""Engines whose connections several stores share."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

# Connections that stay open when nobody uses them; there may be more in use.
_KEPT: Final = 4


def pooled_engine(url: sa.URL, **options: Any) -> sa.Engine:
    """Return an engine that has as many connections as are in use, and keeps a few.

    Args:
        url: The database.
        options: Further ones of ``create_engine``.
    """
    return sa.create_engine(url, pool_size=_KEPT, max_overflow=-1, **options)
