"""Every exception of the package.

One root, :class:`AlgomancyDataError`. Each class also inherits the builtin that callers of the
pandas-based ``algomancy-data`` caught in the same situation, so their ``except`` clauses go on
working. Messages are written here, once, and say what was wrong, where, and what to do.

It is one long module: the list of what can go wrong, in one tone, is looked up in one place.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "AdditionError",
    "AlgomancyDataError",
    "ArgumentError",
    "BatchError",
    "ColumnNotFoundError",
    "CommandLineError",
    "ComponentError",
    "DamagedStoreError",
    "DatasetChangedError",
    "DatasetExistsError",
    "DatasetNameError",
    "DatasetNotFoundError",
    "DateFormatError",
    "ETLConstructionError",
    "EngineError",
    "ExecutorError",
    "ExecutorUnavailableError",
    "FileChangedError",
    "FileContentError",
    "ForkedProcessError",
    "FrameError",
    "InvalidSchemaError",
    "JobDoneError",
    "MasterDataProtectedError",
    "MemoryLimitError",
    "MissingExtraError",
    "NoSchemaListError",
    "PortablePathWarning",
    "QuarantineError",
    "ReadLimitError",
    "RepeatedFileError",
    "RuleError",
    "SchemaDriftError",
    "SchemaError",
    "SchemaKindError",
    "SchemaNotDeclaredError",
    "ScratchError",
    "SecondLibraryWarning",
    "SerializationError",
    "StoreBusyError",
    "StoreError",
    "StoreNotFoundError",
    "StoreUnavailableError",
    "StoredKeyError",
    "TableNotFoundError",
    "UndeclaredTableError",
    "UnknownClassificationError",
    "UnknownFileError",
    "UnknownSubschemaError",
    "UnreachableError",
    "UnstorableError",
    "UnsupportedSystemError",
    "ValidationError",
]


_LONGEST_ARGUMENT: Final = 100
DISK_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def _listing(names: Iterable[str], limit: int = 20) -> str:
    """Return the names quoted and comma-separated, cut after ``limit`` of them."""
    quoted = [repr(name) for name in names]
    if not quoted:
        return "none"
    shown = ", ".join(quoted[:limit])
    return shown if len(quoted) <= limit else f"{shown} and {len(quoted) - limit} more"


class AlgomancyDataError(Exception):
    """Root of every exception that this package raises on purpose."""

    def __str__(self) -> str:
        """Return the message itself (``KeyError`` would show its repr)."""
        return Exception.__str__(self)


# --- declarations -----------------------------------------------------------------------------


class SchemaError(AlgomancyDataError):
    """A schema is declared or used wrongly."""


class SchemaNotDeclaredError(SchemaError, NotImplementedError):
    """A schema lacks a declaration that the call needs."""

    @classmethod
    def from_missing(cls, schema: str, what: str, how: str) -> Self:
        """Name the schema, the missing declaration and how to write it."""
        return cls(f"Schema {schema!r} does not declare {what}. Add {how} to the class.")


class SchemaKindError(SchemaError, TypeError, ValueError, AssertionError):
    """A call that needs a SINGLE schema got a MULTI one, or the other way round."""

    @classmethod
    def from_call(cls, schema: str, call: str, *, needs: str, other: str) -> Self:
        """Name the call, the kind it needs, and the call that fits the other kind."""
        actual = "MULTI" if needs == "SINGLE" else "SINGLE"
        return cls(
            f"{schema}.{call}() needs a {needs} schema, but {schema!r} is a {actual} schema. "
            f"Use {other} instead.",
        )


class NoSchemaListError(SchemaError, TypeError):
    """Something else than several Schema classes was given where they are needed."""

    @classmethod
    def from_given(cls, given: object) -> Self:
        """Show what was given."""
        return cls(
            f"Schemas are given as a list of Schema classes, such as [Orders], not {given!r}."
        )


class InvalidSchemaError(SchemaError, ValueError, AssertionError):
    """A schema declares something that contradicts itself or cannot be understood."""

    @classmethod
    def from_problem(cls, schema: str, problem: str) -> Self:
        """Name the schema whose declaration is wrong."""
        return cls(f"Schema {schema!r} is declared wrongly: {problem}")


class UnknownSubschemaError(SchemaError, ValueError, KeyError):
    """A MULTI schema has no column group of that name."""

    @classmethod
    def from_available(cls, schema: str, name: str, available: Iterable[str]) -> Self:
        """Name the group asked for and those that exist."""
        return cls(f"Schema {schema!r} has no group {name!r}. Its groups: {_listing(available)}.")


class RuleError(AlgomancyDataError, ValueError):
    """A rule of a schema cannot be evaluated on a table whose columns are as declared."""

    @classmethod
    def from_reason(
        cls, schema: str, rule: str, table: str, reason: str, columns: Iterable[str]
    ) -> Self:
        """Name the schema, the rule, the table with its columns, and why."""
        return cls(
            f"Schema {schema!r}: rule {rule} cannot be evaluated on table {table!r}: {reason}. "
            f"Its columns: {_listing(columns)}."
        )


# --- data coming in ---------------------------------------------------------------------------


class ArgumentError(AlgomancyDataError, TypeError, ValueError):
    """An argument is of a kind that a call cannot take."""

    @classmethod
    def from_given(cls, name: str, given: object, possible: str) -> Self:
        """Return the error for an argument, with what it can be."""
        shown = f"the class {given.__name__}" if isinstance(given, type) else repr(given)
        if len(shown) > _LONGEST_ARGUMENT:
            shown = f"an object of {type(given).__name__}"
        return cls(f"{name} must be {possible}, not {shown}.")


class ComponentError(AlgomancyDataError, TypeError):
    """A transformer, validator, loader or factory of a user's own returned what it must not."""


class FrameError(AlgomancyDataError, TypeError):
    """An object given as a table cannot become a Polars frame, or a frame not one of pandas."""


class FileContentError(AlgomancyDataError, ValueError):
    """A file exists but its content is not what its name, format or schema says."""


class ReadLimitError(FileContentError):
    """A file would become more in memory than its limits allow."""

    @classmethod
    def from_found(cls, name: str, found: str, limit: str, allowed: float) -> Self:
        """Name the file, what was found, the limit, and how to raise it."""
        return cls(
            f"File {name!r} {found}; the limit {limit!r} is {allowed:,}. If the file is as it "
            f"should be, read it with a higher limit, or None for no limit: "
            f"read_limits=ReadLimits({limit}=…) in Python, _READ_LIMITS in its schema, "
            f"--read-limits {limit}=… at the prompt."
        )

    @classmethod
    def from_memory(cls, name: str, needed: str, room: str) -> Self:
        """Name the file, what it takes, what there is, and the ways out."""
        return cls(
            f"File {name!r} cannot be read in slices, and takes at least {needed} of memory, where "
            f"{room} are left. Give its table as CSV or Parquet, or insist, with a higher "
            f"memory_limit=… (--memory-limit at the prompt) or ReadLimits(memory_bytes=…)."
        )


class UnreachableError(FileContentError, OSError):
    """A store or server does not answer, or a file does not let itself be read."""


class FileChangedError(FileContentError):
    """A file became another one while it was loaded."""

    @classmethod
    def from_name(cls, name: str) -> Self:
        """Name the file."""
        return cls(f"File {name!r} was changed while it was loaded. Load it when it is complete.")


class EngineError(AlgomancyDataError, RuntimeError):
    """What the package is built on could not go on: memory ended, or data is beyond its types."""


class ScratchError(EngineError, OSError):
    """A scratch file, which holds what is larger than memory, cannot be made or written."""

    @classmethod
    def from_failure(cls, directory: str, variable: str, failure: OSError) -> Self:
        """Name the directory, what the system says of it, and how to choose another one."""
        reason = "there is no room left" if failure.errno in DISK_FULL else failure.strerror
        return cls(
            f"Scratch files cannot be kept in {directory!r}: {reason}. Make room there, or name "
            f"another directory: {variable}=<directory> in the environment."
        )


class MemoryLimitError(EngineError):
    """Something would take more memory than there is, or than a limit leaves for it."""

    @classmethod
    def from_sizes(cls, what: str, needed: str, left: str) -> Self:
        """Name what it is, its size, what is left, and the ways out."""
        return cls(
            f"{what} takes at least {needed} of memory, and {left}. Read it with "
            f"get_data(…, lazy=True), or what you need of it with scan_table; or insist: with "
            f"memory_limit=… (--memory-limit at the prompt) what you say counts."
        )


class TableNotFoundError(AlgomancyDataError, KeyError):
    """A table that was asked for by name does not exist."""

    @classmethod
    def from_available(cls, name: str, available: Iterable[str]) -> Self:
        """Name the table asked for and those that exist."""
        return cls(f"Table {name!r} not found. Tables: {_listing(available)}.")


class ETLConstructionError(AlgomancyDataError):
    """A pipeline cannot be put together from these files and schemas.

    Args:
        message: What is missing or contradictory, and what to do.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class UnknownFileError(ETLConstructionError, ValueError):
    """A file was handed in that no schema declares."""

    @classmethod
    def from_declared(cls, name: str, declared: Iterable[str]) -> Self:
        """Name the file, and those that schemas declare."""
        return cls(
            f"No Schema available for {name}. Schemas exist for: {_listing(declared)}. Declare a "
            f'Schema with _FILENAME = "{name}" and give it to the manager.'
        )


class ValidationError(AlgomancyDataError):
    """A component refuses to go on with the data it got.

    Args:
        message: What is wrong with the data.
        context: Anything that helps the caller to find the data in question.
    """

    def __init__(self, message: str = "Validation failed.", context: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.context = context


class ColumnNotFoundError(ValidationError, KeyError):
    """A table lacks a column that a component works with."""

    @classmethod
    def from_available(cls, table: str, name: str, available: Iterable[str]) -> Self:
        """Name the table, the column asked for and those that exist."""
        message = f"Table {table!r} has no column {name!r}. Columns: {_listing(available)}."
        return cls(message, context=table)


class UndeclaredTableError(ValidationError, AssertionError):
    """A table was extracted that the schema does not declare."""

    @classmethod
    def from_declared(cls, file: str, name: str, schema: str, declared: Iterable[str]) -> Self:
        """Name the file, the table, and the tables that the schema declares."""
        message = (
            f"File {file!r}: table {name!r} was extracted, but schema {schema!r} declares "
            f"{_listing(declared)}."
        )
        return cls(message, context=name)


class DateFormatError(AlgomancyDataError, ValueError):
    """A text column does not follow any known date format."""


class SerializationError(AlgomancyDataError, ValueError, KeyError):
    """A serialised DataSource cannot be read, or a DataSource cannot be serialised."""


# --- datasets ---------------------------------------------------------------------------------


class DatasetNotFoundError(AlgomancyDataError, AssertionError, KeyError):
    """No dataset has that name."""

    @classmethod
    def from_available(cls, name: str, available: Iterable[str]) -> Self:
        """Name the dataset asked for and those that exist."""
        return cls(f"Data '{name}' not found. Datasets: {_listing(available)}.")


class DatasetExistsError(AlgomancyDataError, AssertionError, ValueError):
    """A dataset of that name exists and would be overwritten."""

    @classmethod
    def from_name(cls, name: str) -> Self:
        """Name the dataset."""
        return cls(f"Data '{name}' already exists. Choose another name or delete it first.")


class DatasetNameError(AlgomancyDataError, ValueError):
    """A dataset, table or session name cannot be used."""


class MasterDataProtectedError(AlgomancyDataError, ValueError):
    """Master data would be deleted although the caller asked for protection."""

    @classmethod
    def from_name(cls, name: str) -> Self:
        """Name the dataset."""
        return cls(
            f"Data '{name}' is master data and prevent_masterdata_removal=True forbids its "
            f"removal. Delete it with prevent_masterdata_removal=False if you mean it.",
        )


class QuarantineError(AlgomancyDataError, ValueError):
    """Rows cannot be put into quarantine, or replayed from there, as asked."""


class AdditionError(AlgomancyDataError, ValueError):
    """Rows cannot be added to a dataset, or deleted from it, as asked; it is as it was."""

    @classmethod
    def from_missing_column(cls, table: str, column: str) -> Self:
        """Name the column that the rows do not have."""
        return cls(
            f"The rows for table {table!r} have no column {column!r}, which the table has. Add it "
            f"to them, with nulls if there is nothing to say (for files, the schema does so with "
            f"_MISSING_COLUMNS = 'null'), or replace the dataset."
        )

    @classmethod
    def from_dtype(cls, table: str, column: str, given: str, stored: str) -> Self:
        """Name the column whose dtype is another one."""
        return cls(
            f"Column {column!r} of the rows for table {table!r} is {given}, and in the table it is "
            f"{stored}. Cast it to {stored}, or replace the dataset."
        )

    @classmethod
    def from_missing_key(cls, table: str) -> Self:
        """Name the table without a primary key."""
        return cls(
            f"Rows of table {table!r} cannot replace others: no primary key is declared. Declare "
            f"it in the schema with primary_key=True, or add the rows with mode='append'."
        )

    @classmethod
    def from_unfit_key(cls, table: str, key: Iterable[str], problem: str) -> Self:
        """Name the key, and say why it does not tell which rows to replace."""
        return cls(
            f"Rows of table {table!r} cannot replace others by the primary key "
            f"({', '.join(key)}): {problem}. Mend the rows, and load them again."
        )

    @classmethod
    def from_lost_parents(cls, table: str, key: Iterable[str], count: int, shown: str) -> Self:
        """Name the key that rows refer to, say how many of its values are gone, show the first."""
        return cls(
            f"Rows refer to keys ({', '.join(key)}) of table {table!r} that are no longer there, "
            f"{count:,} in all, such as {shown}: somebody changed the dataset since they were "
            f"checked. Load the rows again."
        )

    @classmethod
    def from_orphans(cls, table: str, child: str, key: object, count: int) -> Self:
        """Name the table, and the one of which so many rows would refer to none of its rows."""
        return cls(
            f"{count:,} {'row' if count == 1 else 'rows'} of table {child!r} would refer to rows "
            f"that table {table!r} no longer has, which its {key} forbids. Delete or change these "
            f"first, or replace the dataset."
        )

    @classmethod
    def from_other_rows(cls, tables: Iterable[str]) -> Self:
        """Name the tables whose rows a rule was checked on."""
        return cls(
            f"The rows keep their rules together with those of {_listing(tables)} that were there "
            f"when they were checked, and somebody changed the dataset meanwhile. Load them again."
        )

    @classmethod
    def from_payload(cls, name: str) -> Self:
        """Name the dataset that is not made of tables."""
        return cls(f"Data '{name}' is not made of tables, so it can only be replaced as a whole.")

    @classmethod
    def from_changed(cls, name: str) -> Self:
        """Name the dataset that is another one in memory than in the store."""
        return cls(
            f"Data '{name}' was changed in memory and not kept. Keep it with set_data(), or forget "
            f"the change with refresh(), and then add or delete rows."
        )

    @classmethod
    def from_finding(cls, finding: object) -> Self:
        """Say what was found in the rows."""
        return cls(f"The rows are not added: {finding} Mend them, or add what they refer to.")


class StoredKeyError(AdditionError):
    """Rows that are added have a key that is stored already."""

    @classmethod
    def from_keys(cls, table: str, key: Iterable[str], count: int, shown: str) -> Self:
        """Name the key, say how many rows have a stored one, and show the first."""
        return cls(
            f"Table {table!r} has the key ({', '.join(key)}) of {count:,} of the rows already, "
            f"such as {shown}. Leave them out, or replace rows by their primary key: mode='upsert'."
        )


class RepeatedFileError(AdditionError):
    """A file was loaded into the dataset before."""

    @classmethod
    def from_file(cls, name: str, file: str, moment: str) -> Self:
        """Name the dataset and the file, and say when it was loaded."""
        return cls(
            f"File {file!r} was loaded into data '{name}' on {moment}: the content is the same. "
            f"Leave it out, or skip such files with repeated='skip' (--skip-repeated)."
        )


# --- stores -----------------------------------------------------------------------------------


class StoreError(AlgomancyDataError, RuntimeError):
    """A store refuses, or fails, to do what it was asked."""

    @classmethod
    def from_replaced(cls, name: str) -> Self:
        """Name the dataset that was replaced in the meantime."""
        return cls(f"Data '{name}' was replaced while its rows were replayed. Replay them again.")


class DatasetChangedError(StoreError):
    """A dataset was written or deleted after it was scanned, and its query would mix two states."""

    @classmethod
    def from_name(cls, name: str) -> Self:
        """Name the dataset."""
        return cls(
            f"Data '{name}' was written or deleted after it was scanned. Call scan_table again."
        )


class UnknownClassificationError(StoreError):
    """A dataset is classified as something that this version does not know."""


class SchemaDriftError(StoreError):
    """Tables in a database do not have the columns that this version writes and reads."""

    @classmethod
    def from_change(cls, change: str) -> Self:
        """Say how a table was changed by hand, and what to do."""
        return cls(f"{change}. Undo the change, or delete the dataset and load it again.")


class DamagedStoreError(StoreError):
    """What a store holds is not what was written there."""


class StoreBusyError(StoreError):
    """Another process kept the store locked for longer than the time limit."""


class StoreUnavailableError(StoreError):
    """The store does not answer, or has no room for one more connection; later it may."""


class JobDoneError(StoreError):
    """A job is not done again; what the first one wrote is as it was."""

    @classmethod
    def from_attempt(cls, dataset: str, worker: str) -> Self:
        """Name the dataset, and who did the job."""
        return cls(f"The job for data {dataset!r} was done by {worker} meanwhile.")


class ForkedProcessError(StoreError):
    """A process that was forked goes on with what its parent had opened."""

    @classmethod
    def from_process(cls, parent: int) -> Self:
        """Name the parent, and how to start a process that works."""
        return cls(
            f"This process is a fork of process {parent}, which has used algomancy-data: its "
            f"threads and connections do not work here. Start processes with "
            f"multiprocessing.get_context('spawn'), and make a manager in each."
        )


class UnstorableError(StoreError, ValueError, TypeError):
    """A value, dtype or name cannot be kept exactly by the store, so nothing was written."""


class UnsupportedSystemError(StoreError, NotImplementedError):
    """The operating system lacks what a part of the package cannot do without."""


class StoreNotFoundError(StoreError):
    """There is no store at the place that was given."""


class PortablePathWarning(UserWarning):
    """A database is reached through a driver that moves rows one by one."""


class SecondLibraryWarning(RuntimeWarning):
    """Two SQLite libraries have one file open in one process, which can lose commits."""


class MissingExtraError(AlgomancyDataError, ImportError):
    """A feature needs an optional dependency that is not installed."""

    @classmethod
    def from_extra(cls, feature: str, extra: str) -> Self:
        """Name the feature and the extra to install."""
        return cls(
            f"{feature} needs packages that are not installed. "
            f"Run: pip install 'algomancy-data[{extra}]'",
        )

    @classmethod
    def from_package(cls, feature: str, package: str) -> Self:
        """Name the feature and the package of others to install."""
        return cls(f"{feature} needs {package}, which is not installed. Run: pip install {package}")


class ExecutorError(AlgomancyDataError, ValueError):
    """An executor is none, has no workers, or loses them."""


class ExecutorUnavailableError(ExecutorError):
    """The scheduler of a cluster does not answer; later it may."""


class BatchError(AlgomancyDataError, ValueError):
    """There can be no batch of these jobs."""

    @classmethod
    def from_no_files(cls, dataset: str) -> Self:
        """Name the dataset whose job has no files."""
        return cls(f"The job of {dataset!r} has no files. Give them by their logical names.")

    @classmethod
    def from_private_store(cls, location: str) -> Self:
        """Name the store that other processes do not see."""
        return cls(
            f"The store {location} is not one that several processes share. Keep the data in a "
            f"database or a folder, or give a ThreadPoolExecutor."
        )


class CommandLineError(AlgomancyDataError, ValueError):
    """A command, its configuration, or a module that it names is written wrongly."""


TEMPORARY: Final = (
    StoreBusyError,
    StoreUnavailableError,
    UnreachableError,
    FileChangedError,
    ExecutorUnavailableError,
)
"""What may go away by itself, so that the same may be tried again."""
