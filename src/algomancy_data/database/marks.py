"""The mark of a table: what it holds, said by the table itself.

Names prove little: anybody can make a copy and call it ``ds__demo__orders__backup``. A table that
this package creates carries its session, dataset and name, which no copy does.
"""

from __future__ import annotations

import json
from typing import Final, NamedTuple

from algomancy_data.database.naming import is_name_of

_PREFIX: Final = "algomancy-data:"


class Mark(NamedTuple):
    """What a table holds.

    Args:
        session: The session.
        dataset: Name of the dataset.
        table: Logical name of the table.
    """

    session: str
    dataset: str
    table: str

    def is_on(self, physical: str) -> bool:
        """Tell whether a table of that name is the one that the mark was made for."""
        return is_name_of(*self, physical)

    def owns(self, physical: str, found: Mark | None) -> bool:
        """Tell whether a table is the one that the mark was made for.

        Args:
            physical: Its name.
            found: The mark that it carries; None if it carries none, such as in a database that
                was restored without comments. Then its name decides.
        """
        return self.is_on(physical) if found is None else found == self

    def to_text(self) -> str:
        r"""Return the mark in ASCII, as it can stand in a comment of SQL.

        Example:
            >>> Mark("s", "*/", "t").to_text()
            'algomancy-data:["s", "*\\/", "t"]'
        """
        return _PREFIX + json.dumps(list(self)).replace("/", r"\/")


def read_mark(text: str | None) -> Mark | None:
    """Return the mark that a text is; None if it is none.

    Example:
        >>> read_mark(Mark("s", "*/", "t").to_text())
        Mark(session='s', dataset='*/', table='t')
        >>> read_mark("a comment of somebody's")
    """
    if text is None or not text.startswith(_PREFIX):
        return None
    try:
        return Mark(*map(str, json.loads(text.removeprefix(_PREFIX))))
    except (TypeError, ValueError):
        return None
