"""The view ``algomancy_tables``: where everything is, for whoever sits at a prompt.

It says what the catalogue says, one row per table. A row of the catalogue that somebody damaged
is passed over, and the others are shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from algomancy_data.database.models import datasets_table

if TYPE_CHECKING:
    from collections.abc import Sequence

TABLES_VIEW: Final = "algomancy_tables"

_OURS: Final = "algomancy-data: what tables there are"
_VERSION: Final = f"{_OURS}, 1"
_LONGEST: Final = 5000  # of all names in a row together, which is more than they can have

# SQLite lets nobody drop a column that a view needs. Without ``sub_tables`` in the catalogue it is
# that of ``absent``; and what is part of the primary key cannot be dropped. Names that are no valid
# UTF-8, on which drivers fail, are found character by character.
_SQLITE: Final = f"""\
CREATE VIEW {TABLES_VIEW} AS /*{_VERSION}*/
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

# The view reads a function, so that nothing depends on the catalogue: it can still be dropped.
_FUNCTION: Final = f"{TABLES_VIEW}_in_catalogue"
_READ: Final = f"""\
CREATE OR REPLACE FUNCTION {_FUNCTION}() RETURNS TABLE (
  session text, dataset text, "table" text, sql_name text, rows bigint, columns bigint
) LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
DECLARE
  d record;
  described json;
BEGIN
  FOR d IN
    SELECT c.session_id, c.name, c.sub_tables FROM {datasets_table.name} AS c
    ORDER BY c.session_id, c.name
  LOOP
    BEGIN
      described := d.sub_tables;
      IF json_typeof(described) = 'array' THEN
        RETURN QUERY SELECT
          d.session_id, d.name, t->>'name', t->>'physical', (t->>'height')::bigint,
          json_array_length(t->'columns')::bigint
        FROM json_array_elements(described) AS t
        WHERE json_typeof(t) = 'object'
          AND json_typeof(t->'physical') = 'string'
          AND json_typeof(t->'height') = 'number';
      END IF;
    EXCEPTION WHEN data_exception OR statement_too_complex THEN
      CONTINUE;
    END;
  END LOOP;
END
$$"""  # noqa: S608  names of ours
_POSTGRESQL: Final = (
    _READ,
    f"CREATE OR REPLACE VIEW {TABLES_VIEW} AS SELECT * FROM {_FUNCTION}()",  # noqa: S608  as above
    f"COMMENT ON VIEW {TABLES_VIEW} IS '{_VERSION}'",
)

_FOUND: Final = {
    "sqlite": "SELECT sql FROM sqlite_schema WHERE name = :view COLLATE NOCASE",
    "postgresql": "SELECT coalesce(obj_description(oid, 'pg_class'), '') FROM pg_class "
    "WHERE oid = to_regclass(:view)",
}


def must_be_made(connection: sa.Connection) -> bool:
    """Tell whether there is no such view, or one that this package made otherwise.

    What somebody else called so is left as it is.
    """
    found = connection.scalar(sa.text(_FOUND[connection.dialect.name]), {"view": TABLES_VIEW})
    if found is None:
        return True
    is_current = found in (_SQLITE, _VERSION)
    return _OURS in found and not is_current


def make_view(connection: sa.Connection) -> None:
    """Make the view, or make it anew, in a transaction that nobody else makes it in."""
    if must_be_made(connection):
        for statement in _statements(connection):
            connection.exec_driver_sql(statement)


def _statements(connection: sa.Connection) -> Sequence[str]:
    if connection.dialect.name == "sqlite":
        return (f"DROP VIEW IF EXISTS {TABLES_VIEW}", _SQLITE)
    return _POSTGRESQL
