"""The view of all tables, as PostgreSQL makes it."""

from __future__ import annotations

from typing import Final

from algomancy_data.database.models import datasets_table
from algomancy_data.database.tables_view import TABLES_VIEW, VERSION, TablesView

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

VIEW: Final = TablesView(
    found="SELECT coalesce(obj_description(oid, 'pg_class'), '') FROM pg_class "
    "WHERE oid = to_regclass(:view)",
    current=VERSION,
    statements=(
        _READ,
        f"CREATE OR REPLACE VIEW {TABLES_VIEW} AS SELECT * FROM {_FUNCTION}()",  # noqa: S608  as above
        f"COMMENT ON VIEW {TABLES_VIEW} IS '{VERSION}'",
    ),
)
