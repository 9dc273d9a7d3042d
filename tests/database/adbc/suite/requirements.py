"""What the databases and the drivers cannot do; all else is required of them."""

from __future__ import annotations

from typing import Any, Final

from deviations import DRIVER_LACKS
from sqlalchemy.testing import exclusions
from sqlalchemy.testing.requirements import SuiteRequirements

# What a requirement asks for does not exist in the database, whatever the driver.
_POSTGRESQL: Final = {
    "computed_columns_default_persisted": "generated columns are virtual by default since 18",
    "dbapi_lastrowid": "a row has no number",
    "denormalized_names": "names are folded to lower case, which is SQLAlchemy's convention",
    "fetch_percent": "no FETCH … PERCENT",
    "foreign_keys_reflect_as_index": "a foreign key makes no index",
    "materialized_views_reflect_pk": "a materialized view has no primary key",
    "no_sequences": "there are sequences",
    "nvarchar_types": "no NVARCHAR",
    "reflect_indexes_with_ascdesc_as_expression": "a descending column is reflected as a column",
    "repeated_remote_col_foreign_keys": "a foreign key refers to a column once",
    "unique_index_reflect_as_unique_constraints": "a unique index is no constraint",
}
_SQLITE: Final = {
    "array_type": "no arrays",
    "cast_precision_numerics_many_significant_digits": "NUMERIC is a float",
    "column_collation_reflection": "the collation of a column is not reflected",
    "comment_reflection": "no comments",
    "comment_reflection_full_unicode": "no comments",
    "computed_columns_default_persisted": "generated columns are virtual by default",
    "constraint_comment_reflection": "no comments",
    "create_or_replace_view": "no CREATE OR REPLACE VIEW",
    "cross_schema_fk_reflection": "a foreign key stays within one database file",
    "datetime_interval": "no intervals: SQLAlchemy emulates them by dates",
    "datetime_timezone": "no time zones",
    "datetime_timezone_historic": "no time zones",
    "default_schema_name_switch": "the default schema is always main",
    "delete_from": "no DELETE … USING",
    "denormalized_names": "names are not folded",
    "fetch_expression": "no FETCH FIRST",
    "fetch_first": "no FETCH FIRST",
    "fetch_no_order_by": "no FETCH FIRST",
    "fetch_offset_with_options": "no FETCH FIRST",
    "fetch_percent": "no FETCH FIRST",
    "fetch_ties": "no FETCH FIRST",
    "foreign_keys_reflect_as_index": "a foreign key makes no index",
    "identity_columns": "no identity columns",
    "identity_columns_standard": "no identity columns",
    "implicitly_named_constraints": "a constraint without a name has none",
    "index_reflects_included_columns": "indexes have no further columns",
    "indexes_with_ascdesc": "the order of an index is not reflected",
    "json_deserializer_binary": "JSON is text",
    "legacy_unconditional_json_extract": "JSON numbers are floats",
    "materialized_views": "no materialized views",
    "materialized_views_reflect_pk": "no materialized views",
    "nvarchar_types": "tested together with reflection of a type that is none",
    "parens_in_union_contained_select_w_limit_offset": "no parentheses in a UNION",
    "parens_in_union_contained_select_wo_limit_offset": "no parentheses in a UNION",
    "precision_numerics_many_significant_digits": "NUMERIC is a float",
    "reflect_indexes_with_ascdesc": "the order of an index is not reflected",
    "reflect_indexes_with_ascdesc_as_expression": "the order of an index is not reflected",
    "reflect_indexes_with_expressions": "expressions in an index are not reflected",
    "reflect_tables_no_columns": "a table has a column",
    "regexp_replace": "no regular expressions to replace",
    "repeated_column_foreign_keys": "a repeated column is reflected once",
    "repeated_remote_col_foreign_keys": "a repeated column is reflected once",
    "schema_create_delete": "a schema is a file that is attached",
    "sequences": "no sequences",
    "sequences_optional": "no sequences",
    "server_side_cursors": "no server",
    "supports_distinct_on": "no DISTINCT ON",
    "table_value_constructor": "VALUES has no names of columns",
    "temp_table_comment_reflection": "no comments",
    "time_timezone": "no time zones",
    "two_phase_transactions": "no two-phase transactions",
    "unique_constraints_reflect_as_index": "the index of a constraint is not reflected",
    "unique_index_reflect_as_unique_constraints": "a unique index is no constraint",
    "window_range_non_numeric": "the range of a window is a number",
}
_DATABASES: Final = {"postgresql": _POSTGRESQL, "sqlite": _SQLITE}
_COLLATIONS: Final = {"postgresql": "POSIX", "sqlite": "NOCASE"}


def _reason(config: Any, name: str) -> str | None:
    """Return why the database or the driver does not meet a requirement."""
    missing = dict(_DATABASES[config.db.name])
    if config.db.driver == "adbc":
        missing |= DRIVER_LACKS[config.db.name]
    return missing.get(name)


def _required(name: str) -> property:
    def requirement(self: SuiteRequirements) -> Any:
        del self  # all know their database from the configuration
        return exclusions.skip_if(
            exclusions.LambdaPredicate(lambda config: _reason(config, name) is not None, name)
        )

    return property(requirement)


class Requirements(SuiteRequirements):
    """Everything is required that the lists above do not name."""

    for _name, _value in list(vars(SuiteRequirements).items()):
        if type(_value) is property:
            locals()[_name] = _required(_name)

    def get_order_by_collation(self, config: Any) -> str:
        return _COLLATIONS[config.db.name]

    def get_isolation_levels(self, config: Any) -> dict[str, Any]:
        default = "SERIALIZABLE" if config.db.name == "sqlite" else "READ COMMITTED"
        with config.db.connect() as connection:
            levels = config.db.dialect.get_isolation_level_values(connection.connection)
        return {"default": default, "supported": levels}
