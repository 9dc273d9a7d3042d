"""How a toy keeps frames."""

from __future__ import annotations

from algomancy_data.database.portable.table_storage import PortableSQLiteStorage


class ToyStorage(PortableSQLiteStorage):
    integer = "WHOLE"

    def counterpart(self, column, layout, encoded):
        return None
