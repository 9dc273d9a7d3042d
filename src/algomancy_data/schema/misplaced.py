"""Attributes of a schema that declare nothing as they are written: they would be ignored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from algomancy_data.display.words import nearest
from algomancy_data.schema.column import Column, ColumnGroup
from algomancy_data.schema.csv_dialect import CSVDialect
from algomancy_data.schema.read_limits import ReadLimits

if TYPE_CHECKING:
    from collections.abc import Mapping

SETTINGS: Final = (
    *("_FILENAME", "_EXTENSION", "_SCHEMA_TYPE", "_CSV", "_SHEET", "_READ_LIMITS"),
    *("_SQL_KEYS", "_EXTRA_COLUMNS", "_MISSING_COLUMNS"),
)
_KNOWN: Final = {*SETTINGS, "_DATATYPES"}
_NEAR: Final = 0.75  # "_CVS" is as near as this to "_CSV"
_HOW_ELSE: Final = {
    **dict.fromkeys(("_PRIMARY_KEY", "_PRIMARY_KEYS"), "primary_key=True"),
    **dict.fromkeys(("_FOREIGN_KEY", "_FOREIGN_KEYS"), 'foreign_key=("table", "column")'),
}
_CALLS: Final = ("Column(", "ColumnGroup(")
_SETTING_OF: Final = ((CSVDialect, "_CSV"), (ReadLimits, "_READ_LIMITS"))


def misplaced(bodies: list[Mapping[str, Any]], *, is_multi: bool) -> str:
    """Return what is wrong with the first attribute that would silently be ignored, or nothing.

    Args:
        bodies: The attributes of a schema and of those that it is derived from, by name.
        is_multi: Whether the schema has groups of columns.

    Example:
        >>> misplaced([{"_CVS": CSVDialect(separator=";")}], is_multi=False)
        "_CVS is no setting of a schema. Is '_CSV' meant? What is your own needs another name."
    """
    for body in bodies:
        for name, value in body.items():
            if problem := _misspelt(name, value, body) or _unused_value(name, value, bodies):
                return problem
        for name, value in body.get("__annotations__", {}).items():
            # As text, where the module has annotations of the future.
            if isinstance(value, Column | ColumnGroup) or str(value).startswith(_CALLS):
                return f"{name} is annotated with its column. Write = in place of the colon."
    # Of an attribute that a derived schema declares anew, its own value counts.
    members = {name: value for body in reversed(bodies) for name, value in body.items()}
    groups = [one for one in members.values() if isinstance(one, ColumnGroup)]
    grouped = {id(column) for group in groups for column in group.columns}
    for name, value in members.items():
        if isinstance(value, ColumnGroup) and not is_multi:
            return f"{name} is a ColumnGroup, which needs _SCHEMA_TYPE = SchemaType.MULTI."
        if isinstance(value, Column) and is_multi and id(value) not in grouped:
            return f"{name} is a Column outside of all groups. Put it into a ColumnGroup."
        if isinstance(value, tuple) and len(value) == 1 and _is_lost(value[0], members, grouped):
            return f"{name} is a tuple with a {type(value[0]).__name__}. Is a comma too much?"
    return ""


def nearest_setting(name: str) -> str:
    """Return the setting that a name is likely to mean, or nothing.

    Example:
        >>> nearest_setting("_file_name"), nearest_setting("_UNITS")
        ('_FILENAME', '')
    """
    return nearest(name, SETTINGS, _NEAR)


def _misspelt(name: str, value: object, body: Mapping[str, Any]) -> str:
    """Return what is wrong with a name, or nothing."""
    is_own = not name.startswith("_") or name.startswith("__") or name in _KNOWN
    if is_own or callable(value) or isinstance(value, Column | ColumnGroup):
        return ""
    if how := _HOW_ELSE.get(name.upper()):
        return f"{name} is no setting of a schema. Keys are declared by Column(…, {how})."
    near = nearest_setting(name)
    # Who declares both knows the setting.
    if not near or near in body:
        return ""
    return (
        f"{name} is no setting of a schema. Is {near!r} meant? What is your own needs another name."
    )


def _unused_value(name: str, value: object, bodies: list[Mapping[str, Any]]) -> str:
    """Return what is wrong with a value that only one setting takes, or nothing."""
    for kind, setting in _SETTING_OF:
        if isinstance(value, kind) and not any(setting in body for body in bodies):
            return f"{name} is a {kind.__name__}, which counts as {setting} only."
    return ""


def _is_lost(value: object, members: Mapping[str, Any], grouped: set[int]) -> bool:
    """Tell whether a value is a column or a group that is declared nowhere else."""
    is_member = any(value is one for one in members.values())
    return isinstance(value, Column | ColumnGroup) and not is_member and id(value) not in grouped
