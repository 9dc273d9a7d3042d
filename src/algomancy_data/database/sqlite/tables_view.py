"""The view of all tables, as SQLite makes it."""

from __future__ import annotations

from typing import Final

from algomancy_data.database.models import datasets_table
from algomancy_data.database.tables_view import TABLES_VIEW, VERSION, TablesView

_LONGEST: Final = 5000  # of all names in a row together, which is more than they can have


# SQLite lets nobody drop a column that a view needs. Without ``sub_tables`` in the catalogue it is
# that of ``absent``; and what is part of the primary key cannot be dropped. Names that are no valid
# UTF-8, on which drivers fail (upstream.md), are found character by character.
_CREATE: Final = f"""\
CREATE VIEW {TABLES_VIEW} AS /*{VERSION}*/
SELECT
  d.session_id AS session,
  d.name AS dataset,
  json_extract(t.value, '$.name') AS "table",
  json_extract(t.value, '$.physical') AS sql_name,
  json_extract(t.value, '$.height') AS rows,
  json_array_length(t.value, '$.columns') AS columns
FROM (SELECT '[]' AS sub_tables) AS absent
JOIN {datasets_table.name} AS d
JOIN json_each((
  SELECT iif(typeof(sub_tables) = 'text' AND json_valid(sub_tables), sub_tables, '[]')
  FROM {datasets_table.name} AS own
  WHERE own.session_id = d.session_id AND own.name = d.name
)) AS t
WHERE t.type = 'object'
  AND json_type(t.value, '$.physical') = 'text'
  AND json_type(t.value, '$.height') = 'integer'
  AND NOT EXISTS (
    WITH RECURSIVE rest(names) AS (
      SELECT d.session_id || '/' || d.name || '/' || json_extract(t.value, '$.physical')
        || '/' || coalesce(json_extract(t.value, '$.name'), '')
      UNION ALL
      SELECT substr(names, 2) FROM rest WHERE length(names) BETWEEN 2 AND {_LONGEST}
    )
    SELECT 1 FROM rest
    WHERE length(names) > {_LONGEST}
      OR instr(names, char(0))
      OR substr(names, 1, 1) <> char(unicode(names))
  )
ORDER BY d.session_id, d.name, t.key"""  # noqa: S608  names of ours

VIEW: Final = TablesView(
    found="SELECT sql FROM sqlite_schema WHERE name = :view COLLATE NOCASE",
    current=_CREATE,
    statements=(f"DROP VIEW IF EXISTS {TABLES_VIEW}", _CREATE),
)
