"""Whose a table is, said by the table itself, in a comment.

Names prove little: anybody can make a copy and call it ``ds__demo__orders__backup``. A table that
this package creates carries its session, dataset and name, which no copy does.
"""

from __future__ import annotations

import json
from typing import Final, NamedTuple

from algomancy_data.database.naming import is_name_of

_PREFIX: Final = "algomancy-data:"


class TableOwner(NamedTuple):
    """The dataset that a table is part of.

    Args:
        session: The session.
        dataset: Name of the dataset.
        table: Logical name of the table.
    """

    session: str
    dataset: str
    table: str

    def is_on(self, physical: str) -> bool:
        """Tell whether a table of that name is the one."""
        return is_name_of(*self, physical)

    def owns(self, physical: str, found: TableOwner | None) -> bool:
        """Tell whether a table is the one.

        Args:
            physical: Its name.
            found: Whose it says that it is; None if it does not say, such as in a database that
                was restored without comments. Then its name decides.
        """
        return self.is_on(physical) if found is None else found == self

    def to_text(self) -> str:
        r"""Return the comment, in ASCII and as it can stand in any SQL.

        Example:
            >>> TableOwner("s", "*/", "t").to_text()
            'algomancy-data:["s", "*\\/", "t"]'
        """
        return _PREFIX + json.dumps(list(self)).replace("/", r"\/")


def read_owner(text: str | None) -> TableOwner | None:
    """Return whose a table with that comment is; None if it does not say.

    Example:
        >>> read_owner(TableOwner("s", "*/", "t").to_text())
        TableOwner(session='s', dataset='*/', table='t')
        >>> read_owner("a comment of somebody's")
    """
    if text is None or not text.startswith(_PREFIX):
        return None
    try:
        return TableOwner(*map(str, json.loads(text.removeprefix(_PREFIX))))
    except (TypeError, ValueError):
        return None
