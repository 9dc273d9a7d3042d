"""The Schema class that users subclass."""

from __future__ import annotations

import warnings
from abc import ABC
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from algomancy_data.errors import (
    InvalidSchemaError,
    SchemaKindError,
    SchemaNotDeclaredError,
    UnknownSubschemaError,
)
from algomancy_data.schema.column import Column, ColumnGroup
from algomancy_data.schema.csv_dialect import CSVDialect
from algomancy_data.schema.kinds import FileExtension, SchemaType
from algomancy_data.schema.misplaced import nearest_setting
from algomancy_data.schema.read_limits import ReadLimits
from algomancy_data.schema.resolved import (
    Tables,
    declares,
    members_of,
    resolve_columns,
    resolve_groups,
)
from algomancy_data.schema.row_rules import (
    DeclaredRule,
    refuse_unknown_tables,
    resolve_rules,
    rules_of_table,
)

if TYPE_CHECKING:
    from algomancy_data.schema.kinds import DeclaredType
    from algomancy_data.schema.rules import Rule

_NOT_DECLARED: Final = "<not declared>"


class Schema(ABC):
    """What a file holds: its name, format, tables and columns.

    A schema is a class that is never instantiated. Columns are class attributes, inherited ones
    included; ``_FILENAME``, ``_EXTENSION`` and ``_SCHEMA_TYPE`` say which file they are in,
    ``_CSV`` how a CSV file is written, ``_SHEET`` which sheet of a workbook is meant,
    ``_READ_LIMITS`` how much the file may become in memory, ``_EXTRA_COLUMNS`` and
    ``_MISSING_COLUMNS`` what becomes of columns that are not as declared, and ``_SQL_KEYS`` what a
    database is told of the keys. Nothing is checked at class creation: a wrong declaration is named
    when it is first used. From then on it stays as it is: the columns are resolved once. Methods
    with :func:`rule` are rules on its rows.

    Example:
        >>> from algomancy_data import Column, DataType, FileExtension, Schema, SchemaType
        >>> class Airlines(Schema):
        ...     _FILENAME = "airlines"
        ...     _EXTENSION = FileExtension.CSV
        ...     _SCHEMA_TYPE = SchemaType.SINGLE
        ...     CARRIER = Column("carrier", DataType.STRING, primary_key=True)
        ...     NAME = Column("name", DataType.STRING)
        >>> Airlines.primary_key(), Airlines.required_columns()
        (('carrier',), ['carrier', 'name'])
    """

    _FILENAME: str = _NOT_DECLARED
    _EXTENSION: FileExtension | StrEnum | str = _NOT_DECLARED
    _SCHEMA_TYPE: SchemaType | str = _NOT_DECLARED
    _CSV: CSVDialect = CSVDialect()
    _SHEET: str | int | None = None
    _READ_LIMITS: ReadLimits | None = None
    _SQL_KEYS: str | None = None
    _EXTRA_COLUMNS: str = "keep"
    _MISSING_COLUMNS: str = "error"
    _resolved: Tables
    _resolved_rules: tuple[Rule, ...]

    # --- the file ---------------------------------------------------------------------------

    @classmethod
    def file_name(cls) -> str:
        """Return the logical name of the file, without its extension.

        Raises:
            SchemaNotDeclaredError: ``_FILENAME`` is missing.
        """
        if cls._FILENAME == _NOT_DECLARED:
            raise cls._not_declared("its file", '_FILENAME = "<name>"')
        return cls._FILENAME

    @classmethod
    def extension(cls) -> FileExtension:
        """Return the file's format.

        A text that names a :class:`FileExtension` becomes that; any other one is returned as it
        is, so that users can register extractors for formats of their own.

        Raises:
            SchemaNotDeclaredError: ``_EXTENSION`` is missing.
        """
        extension = cls._EXTENSION
        if extension == _NOT_DECLARED:
            raise cls._not_declared("its format", "_EXTENSION = FileExtension.CSV (or another)")
        if isinstance(extension, StrEnum):
            return cast("FileExtension", extension)
        try:
            return FileExtension(extension)
        except ValueError:
            return cast("FileExtension", extension)

    @classmethod
    def schema_type(cls) -> SchemaType:
        """Return whether the file holds one table (SINGLE) or several (MULTI).

        Raises:
            SchemaNotDeclaredError: ``_SCHEMA_TYPE`` is missing.
            ValueError: It is neither "single" nor "multi".
        """
        declared = cls._SCHEMA_TYPE
        if declared == _NOT_DECLARED:
            raise cls._not_declared("its type", "_SCHEMA_TYPE = SchemaType.SINGLE (or MULTI)")
        try:
            return SchemaType(declared)
        except ValueError as error:
            problem = f'_SCHEMA_TYPE is {declared!r}; it must be "single" or "multi".'
            raise InvalidSchemaError.from_problem(cls.__name__, problem) from error

    @classmethod
    def file_name_with_extension(cls) -> str:
        """Return ``"<name>.<extension>"``."""
        return f"{cls._FILENAME}.{cls._EXTENSION}"

    @classmethod
    def csv_dialect(cls) -> CSVDialect:
        """Return the dialect of the CSV file.

        Raises:
            InvalidSchemaError: ``_CSV`` is no dialect, or one that no reader understands.
        """
        dialect = cast("object", cls._CSV)
        if not isinstance(dialect, CSVDialect):
            problem = f"_CSV must be a CSVDialect, not {dialect!r}."
            raise InvalidSchemaError.from_problem(cls.__name__, problem)
        if problem := dialect.problem():
            raise InvalidSchemaError.from_problem(cls.__name__, f"_CSV: {problem}")
        return dialect

    @classmethod
    def sheet(cls) -> str | int | None:
        """Return which sheet of a workbook holds the table: a name, an index, None for the first.

        Raises:
            InvalidSchemaError: ``_SHEET`` is none of these.
        """
        sheet = cast("object", cls._SHEET)
        if isinstance(sheet, bool) or not isinstance(sheet, str | int | None):
            problem = f"_SHEET must be the name or the index of a sheet, not {sheet!r}."
            raise InvalidSchemaError.from_problem(cls.__name__, problem)
        return sheet

    @classmethod
    def read_limits(cls) -> ReadLimits | None:
        """Return how much the file may become in memory; None leaves it to the manager.

        Raises:
            InvalidSchemaError: ``_READ_LIMITS`` is something else.
        """
        limits = cast("object", cls._READ_LIMITS)
        if not isinstance(limits, ReadLimits | None):
            problem = f"_READ_LIMITS must be ReadLimits or None, not {limits!r}."
            raise InvalidSchemaError.from_problem(cls.__name__, problem)
        return limits

    @classmethod
    def extra_columns(cls) -> Literal["keep", "drop", "forbid"]:
        """Return how undeclared columns are handled.

        ``"keep"`` it, with an ERROR of ``SchemaValidator``; ``"drop"`` it when the file is read;
        ``"forbid"`` it, by a finding that is CRITICAL.

        Raises:
            InvalidSchemaError: ``_EXTRA_COLUMNS`` is something else.
        """
        extra = cast("object", cls._EXTRA_COLUMNS)
        if extra not in {"keep", "drop", "forbid"}:
            problem = f'_EXTRA_COLUMNS must be "keep", "drop" or "forbid", not {extra!r}.'
            raise InvalidSchemaError.from_problem(cls.__name__, problem)
        return cast('Literal["keep", "drop", "forbid"]', extra)

    @classmethod
    def missing_columns(cls) -> Literal["error", "null"]:
        """Return how declared columns that a file lacks are handled.

        It is an ``"error"`` of ``RequiredColumnsValidator``, unless it is optional, or ``"null"``
        in each row.

        Raises:
            InvalidSchemaError: ``_MISSING_COLUMNS`` is something else.
        """
        missing = cast("object", cls._MISSING_COLUMNS)
        if missing not in {"error", "null"}:
            problem = f'_MISSING_COLUMNS must be "error" or "null", not {missing!r}.'
            raise InvalidSchemaError.from_problem(cls.__name__, problem)
        return cast('Literal["error", "null"]', missing)

    @classmethod
    def sql_keys(cls) -> Literal["index", "constraints", "none"] | None:
        """Return what a database is told of the keys; None leaves it to the manager.

        Raises:
            InvalidSchemaError: ``_SQL_KEYS`` is something else.
        """
        keys = cast("object", cls._SQL_KEYS)
        if keys not in {"index", "constraints", "none", None}:
            problem = f'_SQL_KEYS must be "index", "constraints", "none" or None, not {keys!r}.'
            raise InvalidSchemaError.from_problem(cls.__name__, problem)
        return cast('Literal["index", "constraints", "none"] | None', keys)

    # --- SINGLE -----------------------------------------------------------------------------

    @classmethod
    def columns(cls) -> dict[str, Column]:
        """Return the columns of a SINGLE schema by name, in order, inherited ones first.

        Warns:
            DeprecationWarning: The schema uses the legacy ``_DATATYPES``.

        Raises:
            SchemaKindError: The schema is MULTI (also a ``TypeError``).
            SchemaNotDeclaredError: No column is declared.
            InvalidSchemaError: Two columns have one name, or a column contradicts itself.
        """
        if cls.is_multi():
            raise SchemaKindError.from_call(
                cls.__name__, "columns", needs="SINGLE", other="column_groups()"
            )
        tables = cls._tables()
        if tables.is_legacy:
            return cls.get_legacy_columns_with_warning()
        return dict(tables.columns[""])

    @classmethod
    def get_legacy_columns_with_warning(cls) -> dict[str, Column]:
        """Return the columns of a legacy ``_DATATYPES`` declaration.

        Warns:
            DeprecationWarning: Always, naming the class.

        Raises:
            SchemaNotDeclaredError: There is no ``_DATATYPES`` either.
        """
        columns = cls._tables().columns[""]
        cls._warn_legacy("Column(...) attributes", stacklevel=4)
        return dict(columns)

    @classmethod
    def required_columns(cls) -> list[str]:
        """Return the names of the columns that a file must have."""
        return [name for name, column in cls.columns().items() if not column.optional]

    @classmethod
    def optional_columns(cls) -> list[str]:
        """Return the names of the columns that a file may lack."""
        return [name for name, column in cls.columns().items() if column.optional]

    @classmethod
    def primary_key(cls) -> tuple[str, ...]:
        """Return the names of the columns that together identify a row; may be empty."""
        return tuple(name for name, column in cls.columns().items() if column.primary_key)

    @classmethod
    def datatypes(cls) -> dict[str, DeclaredType]:
        """Return the declared type of each column of a SINGLE schema; never warns.

        Raises:
            SchemaKindError: The schema is MULTI (also a ``ValueError``).
        """
        if cls.is_multi():
            raise SchemaKindError.from_call(
                cls.__name__, "datatypes", needs="SINGLE", other="datatype_groups()"
            )
        return dict(cls._tables().datatypes[""])

    @classmethod
    def rules(cls) -> tuple[Rule, ...]:
        """Return the rules on the values of a SINGLE schema.

        Those of its columns come first, then those that methods with :func:`rule` declare.

        Raises:
            SchemaKindError: The schema is MULTI; each of its subschemas has rules of its own.
            InvalidSchemaError: A rule cannot be meant, or evaluated on the declared columns.
        """
        if cls.is_multi():
            raise SchemaKindError.from_call(
                cls.__name__, "rules", needs="SINGLE", other="get_subschema(name).rules()"
            )
        resolved: tuple[Rule, ...] | None = vars(cls).get("_resolved_rules")
        if resolved is None:
            columns = cls._tables().columns[""]
            resolved = resolve_rules(cls, columns, cls.declared_rules())
            cls._resolved_rules = resolved
        return resolved

    @classmethod
    def declared_rules(cls) -> dict[str, DeclaredRule]:
        """Return the declared rules by name, inherited ones first."""
        return dict(cls._tables().rules)

    # --- MULTI ------------------------------------------------------------------------------

    @classmethod
    def column_groups(cls) -> dict[str, dict[str, Column]]:
        """Return the columns of each table of a MULTI schema.

        Warns:
            DeprecationWarning: The schema uses the legacy ``_DATATYPES``.

        Raises:
            SchemaKindError: The schema is SINGLE (also a ``ValueError``).
            SchemaNotDeclaredError: No group is declared.
            InvalidSchemaError: Two groups, or two columns of a group, have one name.
        """
        cls._require_multi("column_groups", "columns()")
        tables = cls._tables()
        if tables.is_legacy:
            cls._warn_legacy("ColumnGroup(...) attributes", stacklevel=3)
        return {group: dict(columns) for group, columns in tables.columns.items()}

    @classmethod
    def declared_groups(cls) -> dict[str, ColumnGroup]:
        """Return the :class:`ColumnGroup` declarations of a MULTI schema by name.

        Raises:
            InvalidSchemaError: Two groups have one name.
        """
        return resolve_groups(cls)

    @classmethod
    def datatype_groups(cls) -> dict[str, dict[str, DeclaredType]]:
        """Return the declared types per table of a MULTI schema; never warns.

        Raises:
            SchemaKindError: The schema is SINGLE (also a ``ValueError``).
        """
        cls._require_multi("datatype_groups", "datatypes()")
        return {group: dict(types) for group, types in cls._tables().datatypes.items()}

    @classmethod
    def sub_names(cls) -> list[str]:
        """Return the names of the tables of a MULTI schema.

        Raises:
            SchemaKindError: The schema is SINGLE (also a ``ValueError``).
        """
        cls._require_multi("sub_names", "file_name()")
        return list(cls._tables().datatypes)

    @classmethod
    def get_subschema(cls, key: str) -> type[Schema]:
        """Return one table of a MULTI schema as a SINGLE schema of its own.

        Raises:
            SchemaKindError: The schema is SINGLE.
            UnknownSubschemaError: There is no such table (also a ``ValueError``).
        """
        cls._require_multi("get_subschema", "the schema itself")
        subschemas = cls._tables().subschemas
        if key not in subschemas:
            raise UnknownSubschemaError.from_available(cls.__name__, key, list(subschemas))
        return subschemas[key]

    # --- both -------------------------------------------------------------------------------

    @classmethod
    def is_multi(cls) -> bool:
        """Tell whether the file holds several tables."""
        return cls.schema_type() is SchemaType.MULTI

    @classmethod
    def is_single(cls) -> bool:
        """Tell whether the file holds one table."""
        return cls.schema_type() is SchemaType.SINGLE

    @classmethod
    def is_legacy(cls) -> bool:
        """Tell whether the deprecated ``_DATATYPES`` declares the columns."""
        resolved: Tables | None = vars(cls).get("_resolved")
        if resolved is not None:
            return resolved.is_legacy
        return not declares(cls, ColumnGroup if cls.is_multi() else Column)

    @classmethod
    def validate(cls) -> None:
        """Check the whole declaration at once, for a user's own tests.

        Raises:
            SchemaError: Something is missing or contradictory; the message names it.
        """
        cls.file_name()
        cls.extension()
        cls.csv_dialect()
        cls.sheet()
        cls.read_limits()
        cls.sql_keys()
        cls.extra_columns()
        cls.missing_columns()
        tables = cls._tables()
        for one in tables.subschemas.values() if cls.is_multi() else [cls]:
            one.rules()

    @classmethod
    def get_data_members(cls) -> list[str]:
        """Return the names of public attributes that are neither columns, groups nor methods."""
        inherited = set(dir(Schema))
        return [
            name
            for name in dir(cls)
            if not name.startswith("_")
            and name not in inherited
            and not isinstance(getattr(cls, name), Column | ColumnGroup)
            and not callable(getattr(cls, name))
        ]

    # --- internals --------------------------------------------------------------------------

    @classmethod
    def _tables(cls) -> Tables:
        """Return the tables, resolved at the first call."""
        resolved: Tables | None = vars(cls).get("_resolved")
        if resolved is None:
            columns = resolve_columns(cls)
            resolved = Tables(
                columns,
                {
                    group: {name: column.dtype for name, column in members.items()}
                    for group, members in columns.items()
                },
                cls._subschemas(columns) if cls.is_multi() else {},
                cls.is_legacy(),
                members_of(cls, DeclaredRule),
            )
            cls._resolved = resolved
        return resolved

    @classmethod
    def _subschemas(cls, columns: dict[str, dict[str, Column]]) -> dict[str, type[Schema]]:
        refuse_unknown_tables(cls, members_of(cls, DeclaredRule), columns)
        return {group: cls._subschema(group, columns[group]) for group in columns}

    @classmethod
    def _subschema(cls, key: str, columns: dict[str, Column]) -> type[Schema]:
        # Numbered attributes: names made from column names collide ("a b", "a.b").
        members: dict[str, Any] = {
            f"COLUMN_{position}": column for position, column in enumerate(columns.values())
        }
        members |= {
            "__doc__": f"Table {key!r} of {cls.__name__}.",
            "_FILENAME": cls._FILENAME,
            "_EXTENSION": cls._EXTENSION,
            "_SCHEMA_TYPE": SchemaType.SINGLE,
            "_CSV": cls._CSV,
            "_READ_LIMITS": cls._READ_LIMITS,
            "_SQL_KEYS": cls._SQL_KEYS,
            "_EXTRA_COLUMNS": cls._EXTRA_COLUMNS,
            "_MISSING_COLUMNS": cls._MISSING_COLUMNS,
        }
        members |= rules_of_table(cls, key, members_of(cls, DeclaredRule))
        # The name of a class has neither a NUL nor half of a surrogate pair, that of a group may.
        shown = key.encode(errors="backslashreplace").decode().replace("\0", r"\0")
        return type(f"{cls.__name__}[{shown}]", (Schema,), members)

    @classmethod
    def _not_declared(cls, what: str, how: str) -> SchemaNotDeclaredError:
        setting = how.partition(" ")[0]
        known = vars(Schema)
        near = [name for name in dir(cls) if name not in known and nearest_setting(name) == setting]
        how = f"{how}, in place of {near[0]}," if near else how
        return SchemaNotDeclaredError.from_missing(cls.__name__, what, how)

    @classmethod
    def _require_multi(cls, call: str, other: str) -> None:
        if cls.is_single():
            raise SchemaKindError.from_call(cls.__name__, call, needs="MULTI", other=other)

    @classmethod
    def _warn_legacy(cls, replacement: str, *, stacklevel: int) -> None:
        warnings.warn(
            f"Schema {cls.__name__!r} declares _DATATYPES, which is deprecated. "
            f"Declare {replacement} instead.",
            DeprecationWarning,
            stacklevel=stacklevel,
        )
