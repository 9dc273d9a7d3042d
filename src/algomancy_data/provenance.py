"""The provenance of a dataset: files, schemas, version, and the time it took."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final, Self

from algomancy_data.display.grid import Grid
from algomancy_data.display.objects import Display, Displayed
from algomancy_data.display.words import counted, size_text, time_text
from algomancy_data.documents import expect, member, members_of
from algomancy_data.errors import ArgumentError, SerializationError
from algomancy_data.masking import without_secrets
from algomancy_data.messages import ValidationMessage, ValidationSeverity
from algomancy_data.metrics import PhaseMetrics
from algomancy_data.metrics.measurements import phases_grid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import polars as pl

__all__ = [
    "InputFile",
    "Load",
    "Provenance",
    "Sample",
    "TableSize",
    "files_from_list",
    "messages_from_list",
    "messages_to_list",
]

_SHOWN_DIGITS: Final = 12
_DISTRIBUTION: Final = "algomancy-data"


@cache
def _version() -> str:
    return version(_DISTRIBUTION)


def _library() -> str:
    try:
        return f"{_DISTRIBUTION} {_version()}"
    except PackageNotFoundError:  # so it is said of files, too, for which no descriptor is left
        return _DISTRIBUTION


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class InputFile:
    """A file that an ETL read.

    Args:
        name: Logical name.
        extension: Format.
        location: The path that was given, or None for uploaded content. An address is kept without
            user, password and what follows a ``?``.
        size: Bytes as stored, compressed ones if it is compressed; None if that is not known.
        sha256: Their SHA-256 as ``sha256sum`` prints it; None if that is not known.
    """

    name: str
    extension: str
    location: str | None = None
    size: int | None = None
    sha256: str | None = None

    def __post_init__(self) -> None:
        """Keep the location without secrets."""
        if self.location is not None and ":" in self.location:  # as every address
            object.__setattr__(self, "location", without_secrets(self.location))


@dataclass(frozen=True)
class TableSize:
    """How large a table is.

    Args:
        rows: Number of rows.
        bytes: Memory that the frame takes.
    """

    rows: int
    bytes: int

    @classmethod
    def of(cls, frame: pl.DataFrame) -> Self:
        """Return the size of a frame."""
        return cls(frame.height, int(frame.estimated_size()))


@dataclass(frozen=True)
class Load:
    """Rows that were added to a dataset, or deleted from it, after it was made.

    Args:
        mode: ``"append"``, ``"upsert"`` where rows took the place of those with their key, or
            ``"delete"``.
        added: By table, how many rows it has more.
        replaced: By table, how many rows others took the place of.
        files: What was read.
        made_at: When, in UTC.
        deleted: By table, how many rows it has less.
    """

    mode: str
    added: Mapping[str, int] = field(default_factory=dict[str, int])
    replaced: Mapping[str, int] = field(default_factory=dict[str, int])
    files: tuple[InputFile, ...] = ()
    made_at: datetime = field(default_factory=_now)
    deleted: Mapping[str, int] = field(default_factory=dict[str, int])

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            "mode": self.mode,
            "added": dict(self.added),
            "replaced": dict(self.replaced),
            "files": [asdict(file) for file in self.files],
            "made_at": self.made_at.isoformat(),
            "deleted": dict(self.deleted),
        }

    @classmethod
    def from_dict(cls, document: object) -> Self:
        """Return what :meth:`to_dict` described.

        Raises:
            SerializationError: It is not what :meth:`to_dict` describes.

        Example:
            >>> load = Load("append", added={"orders": 3})
            >>> Load.from_dict(load.to_dict()) == load
            True
        """
        known = expect(dict, document, "load")
        return cls(
            member(known, "mode", str),
            _counts(known, "added"),
            _counts(known, "replaced"),
            files_from_list(member(known, "files", list)),
            _moment(member(known, "made_at", str)),
            _counts(known, "deleted"),
        )


@dataclass(frozen=True)
class Sample:
    """A number of rows of each table, first or random ones, and the rows that they refer to.

    With these, a foreign key that is violated in the sample is violated in the data. Files are
    read whole: all values of a column decide how it is read.

    Args:
        rows: How many rows of each table.
        seed: Which random rows; None for the first ones.

    Raises:
        ArgumentError: There can be no such sample.

    Example:
        >>> str(Sample(100)), str(Sample(100, seed=1))
        ('the first 100 rows of each table', '100 random rows of each table (seed 1)')
    """

    rows: int
    seed: int | None = None

    def __post_init__(self) -> None:
        """Refuse an invalid number of rows."""
        if type(self.rows) is not int or self.rows < 1:
            raise ArgumentError.from_given("rows", self.rows, "a number of rows from 1")

    def __str__(self) -> str:
        """Return what it is in words."""
        if self.seed is not None:
            return f"{counted(self.rows, 'random row')} of each table (seed {self.seed})"
        return f"the first {'row' if self.rows == 1 else counted(self.rows, 'row')} of each table"

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {"rows": self.rows, "seed": self.seed}

    @classmethod
    def from_dict(cls, document: object) -> Self:
        """Return what :meth:`to_dict` described.

        Raises:
            SerializationError: It is not what :meth:`to_dict` describes.
        """
        known = expect(dict, document, "sample")
        seed = known.get("seed")
        return cls(
            expect(int, known.get("rows"), "rows"),
            None if seed is None else expect(int, seed, "seed"),
        )


@dataclass(frozen=True)
class Provenance(Displayed):
    """How a dataset came about.

    An ETL fills it in, a store keeps it with the dataset, and a derived dataset says what it was
    derived from.

    Args:
        library: Name and version of the package that made the dataset.
        made_at: When, in UTC.
        files: What was read.
        schemas: Fingerprint of each schema that was used, by file name.
        phases: What each phase of the ETL took; not the one that kept the result.
        tables: Size of each table when the dataset was kept, by name.
        derived_from: Name of the dataset that this is a copy of.
        extracted: The columns of each table as it was extracted, if they are in the dataset as
            they passed the validation; None for a table that a transformer changed. Only an ETL
            that put rows into quarantine says it, for the replay.
        loads: What was added and deleted since the dataset was made, in order.
        sample: Which rows of the files it has, if not all.

    Example:
        >>> provenance = Provenance(tables={"t": TableSize(rows=2, bytes=16)})
        >>> Provenance.from_dict(provenance.to_dict()) == provenance
        True
    """

    library: str = field(default_factory=_library)
    made_at: datetime = field(default_factory=_now)
    files: tuple[InputFile, ...] = ()
    schemas: Mapping[str, str] = field(default_factory=dict[str, str])
    phases: tuple[PhaseMetrics, ...] = ()
    tables: Mapping[str, TableSize] = field(default_factory=dict[str, TableSize])
    derived_from: str | None = None
    extracted: Mapping[str, tuple[str, ...] | None] = field(
        default_factory=dict[str, tuple[str, ...] | None]
    )
    loads: tuple[Load, ...] = ()
    sample: Sample | None = None

    @property
    def seconds(self) -> float:
        """Wall time of all phases."""
        return sum(phase.seconds for phase in self.phases)

    def derived(self, name: str) -> Self:
        """Return the provenance of a copy of the dataset of that name."""
        return replace(self, derived_from=name, library=_library(), made_at=_now(), phases=())

    def grown(self, load: Load, tables: Mapping[str, TableSize]) -> Self:
        """Return the provenance of the dataset with other rows.

        Args:
            load: What was added or deleted.
            tables: The size that its tables have now.
        """
        return replace(self, loads=(*self.loads, load), tables=tables)

    def _display(self) -> Display:
        facts = [f"made {time_text(self.made_at)} UTC by {self.library}"]
        if self.derived_from is not None:
            facts.append(f"derived from {self.derived_from!r}")
        if self.sample is not None:
            facts.append(f"a sample: {self.sample}, and what they refer to")
        return Display(
            "Provenance",
            facts,
            (
                _files_grid(self.files),
                Grid.from_first_rows(
                    ("table", "rows", "memory"),
                    ((name, one.rows, size_text(one.bytes)) for name, one in self.tables.items()),
                    len(self.tables),
                    "more table",
                    right=("memory",),
                ),
                Grid.from_first_rows(
                    ("rows of", "load", "more", "replaced", "deleted"),
                    (
                        (
                            f"{time_text(load.made_at)} UTC",
                            load.mode,
                            sum(load.added.values()),
                            sum(load.replaced.values()),
                            sum(load.deleted.values()),
                        )
                        for load in reversed(self.loads)
                    ),
                    len(self.loads),
                    "earlier load",
                ),
                phases_grid(self.phases),
            ),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            "library": self.library,
            "made_at": self.made_at.isoformat(),
            "files": [asdict(file) for file in self.files],
            "schemas": dict(self.schemas),
            "phases": [phase.to_dict() for phase in self.phases],
            "tables": {name: asdict(size) for name, size in self.tables.items()},
            "derived_from": self.derived_from,
            "extracted": {
                name: None if columns is None else list(columns)
                for name, columns in self.extracted.items()
            },
            "loads": [load.to_dict() for load in self.loads],
            **({} if self.sample is None else {"sample": self.sample.to_dict()}),
        }

    @classmethod
    def from_dict(cls, document: object) -> Self:
        """Return what :meth:`to_dict` described; what a later version added is left out.

        Raises:
            SerializationError: It is not what :meth:`to_dict` describes.
        """
        known = expect(dict, document, "provenance")
        sized = expect(dict, known.get("tables", {}), "tables").items()
        extracted = expect(dict, known.get("extracted", {}), "extracted").items()
        found: dict[str, Any] = {
            "files": files_from_list(expect(list, known.get("files", []), "files")),
            "schemas": {
                name: expect(str, fingerprint, "schemas")
                for name, fingerprint in expect(dict, known.get("schemas", {}), "schemas").items()
            },
            "phases": tuple(
                map(PhaseMetrics.from_dict, expect(list, known.get("phases", []), "phases"))
            ),
            "tables": {
                name: TableSize(**members_of(TableSize, size, "table")) for name, size in sized
            },
            "extracted": {
                name: None if columns is None else _texts(columns, "extracted")
                for name, columns in extracted
            },
            "loads": tuple(map(Load.from_dict, expect(list, known.get("loads", []), "loads"))),
        }
        if known.get("sample") is not None:
            found["sample"] = Sample.from_dict(known["sample"])
        if "library" in known:
            found["library"] = member(known, "library", str)
        if known.get("derived_from") is not None:
            found["derived_from"] = member(known, "derived_from", str)
        if "made_at" in known:
            found["made_at"] = _moment(member(known, "made_at", str))
        return cls(**found)


def _files_grid(files: Sequence[InputFile]) -> Grid:
    return Grid.from_first_rows(
        ("file", "format", "size", "SHA-256", "location"),
        (
            (
                one.name,
                one.extension,
                None if one.size is None else size_text(one.size),
                None if one.sha256 is None else f"{one.sha256[:_SHOWN_DIGITS]}…",
                one.location,
            )
            for one in files
        ),
        len(files),
        "more file",
        right=("size",),
    )


def messages_to_list(messages: Iterable[ValidationMessage]) -> list[dict[str, Any]]:
    """Return messages as plain JSON values, without empty fields."""
    return [
        {name: value for name, value in message.to_dict().items() if value is not None}
        for message in messages
    ]


def messages_from_list(document: object) -> list[ValidationMessage]:
    """Return the messages that :func:`messages_to_list` described.

    Raises:
        SerializationError: It is not what :func:`messages_to_list` describes.

    Example:
        >>> message = ValidationMessage(ValidationSeverity.ERROR, "null key", table="t", row=3)
        >>> messages_from_list(messages_to_list([message])) == [message]
        True
    """
    return [
        ValidationMessage(
            _severity(member(item, "severity", str, "message")),
            **members_of(ValidationMessage, item, "message"),
        )
        for item in expect(list, document, "messages")
    ]


def _severity(text: str) -> ValidationSeverity:
    try:
        return ValidationSeverity(text)
    except ValueError as error:
        msg = f"{text!r} is no severity"
        raise SerializationError(msg) from error


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        msg = f"'made_at' is {text!r} instead of a time"
        raise SerializationError(msg) from error
    # Without a zone it would be read in the reader's own.
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _counts(known: dict[str, Any], name: str) -> dict[str, int]:
    counts = expect(dict, known.get(name, {}), name)
    return {table: expect(int, rows, name) for table, rows in counts.items()}


def files_from_list(items: Iterable[object]) -> tuple[InputFile, ...]:
    """Return the files that JSON objects describe.

    Raises:
        SerializationError: One is none.
    """
    return tuple(InputFile(**members_of(InputFile, item, "file")) for item in items)


def _texts(document: object, where: str) -> tuple[str, ...]:
    return tuple(expect(str, item, where) for item in expect(list, document, where))
