"""The outcome of a run, and how it is shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from algomancy_data.datasource import BaseDataSource, tables_of
from algomancy_data.datasource.display import size_facts, tables_grid
from algomancy_data.display.grid import Grid
from algomancy_data.display.objects import Display, Displayed
from algomancy_data.findings import count_by_severity, counts_in_words, counts_text, findings_grid
from algomancy_data.metrics import FrameSizes, Metrics
from algomancy_data.metrics.measurements import phases_grid

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from algomancy_data.messages import ValidationMessage
    from algomancy_data.provenance import Load
    from algomancy_data.validator import ValidationResult


@dataclass(repr=False)
class ETLResult(Displayed):
    """The outcome of a run.

    Args:
        status: ``"success"`` or ``"failed"``.
        datasource: The data, on success.
        validation_result: What was found in the data.
        raised: The exception that ended the extraction, if one did.
        metrics: What each phase that ended took, with their sums; any phases make one.
        quarantine: The bad rows by table, if a quarantine was asked for: as they were extracted,
            with their numbers and reasons. On success they are tables of the datasource, too.
        extracted: See :class:`~algomancy_data.provenance.Provenance`.
        sizes: Of the frames that the run measured.
        load: How many rows were added to a dataset, and how many they replaced, where the data is
            not a dataset of its own.
        skipped: Names of the files that were not read, since the dataset has them already.
        notes: What the store says of how it keeps the data.
    """

    status: Literal["success", "failed"]
    datasource: BaseDataSource | None = None
    validation_result: ValidationResult | None = None
    raised: Exception | None = None
    metrics: Metrics = field(default_factory=Metrics)
    quarantine: Mapping[str, pl.DataFrame] = field(
        default_factory=dict[str, "pl.DataFrame"], repr=False, compare=False
    )
    extracted: Mapping[str, tuple[str, ...] | None] = field(
        default_factory=dict[str, "tuple[str, ...] | None"], repr=False, compare=False
    )
    sizes: FrameSizes = field(default_factory=FrameSizes, repr=False, compare=False)
    load: Load | None = None
    skipped: tuple[str, ...] = ()
    notes: tuple[ValidationMessage, ...] = ()

    def __post_init__(self) -> None:
        """Accept the phases as a plain tuple as well."""
        self.metrics = Metrics(self.metrics)

    @property
    def is_success(self) -> bool:
        """Whether the run made a DataSource."""
        return self.status == "success"

    @property
    def is_failure(self) -> bool:
        """Whether the run made no DataSource."""
        return not self.is_success

    @property
    def messages(self) -> list[ValidationMessage]:
        """The messages of the run and of the store."""
        found = () if self.validation_result is None else self.validation_result.messages
        return [*found, *self.notes]

    def _display(self) -> Display:
        return _display_of(self)

    def __repr__(self) -> str:
        """Show the status, the data and the number of findings."""
        what = "no data" if self.datasource is None else repr(self.datasource)
        return f"<ETLResult {self.status}: {what}; {counts_text(count_by_severity(self.messages))}>"


def _display_of(result: ETLResult) -> Display:
    """Return the status, the tables, the findings, and how long each phase took.

    Args:
        result: The outcome; nothing in its tables is looked at.
    """
    source = result.datasource
    tables = tables_of(source)
    facts = [] if source is None else [f"{type(source).__name__} {source.name!r}"]
    if tables:
        facts += size_facts(tables)
    facts.append(counts_in_words(count_by_severity(result.messages)) or "no findings")
    if result.metrics:
        facts.append(f"{sum(phase.seconds for phase in result.metrics):.3f} s")
    grids = (
        tables_grid(tables),
        _quarantine_grid(result.quarantine),
        findings_grid(result.messages),
        phases_grid(result.metrics),
    )
    note = "" if result.raised is None else f"{type(result.raised).__name__}: {result.raised}"
    return Display(f"ETL: {result.status}", facts, grids, note)


def _quarantine_grid(quarantine: Mapping[str, pl.DataFrame]) -> Grid:
    rows = ((name, frame.height) for name, frame in quarantine.items())
    return Grid.from_first_rows(("in quarantine", "rows"), rows, len(quarantine), "more table")
