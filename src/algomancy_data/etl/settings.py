"""Settings of one run, of a manager, and of a factory."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypedDict

from algomancy_data.errors import ArgumentError
from algomancy_data.messages import ValidationSeverity
from algomancy_data.quarantine.settings import Quarantine

if TYPE_CHECKING:
    from collections.abc import Collection

    from algomancy_data.datasource import BaseDataSource, DataClassification
    from algomancy_data.executors.workers import Workers
    from algomancy_data.memory import MemoryBudget
    from algomancy_data.metrics import ProgressListener
    from algomancy_data.provenance import Sample
    from algomancy_data.schema import ReadLimits


class _Inherit(Enum):
    INHERIT = "what the next outer level says"


INHERIT: Final = _Inherit.INHERIT
"""The default of a setting: the call leaves it to the manager, the manager to the factory."""

QuarantineSetting: TypeAlias = "Quarantine | Literal[_Inherit.INHERIT] | bool"
MessageLimit: TypeAlias = "int | Literal[_Inherit.INHERIT] | None"


class ManagerSettings(TypedDict, total=False):
    """What every :class:`~algomancy_data.DataManager` takes by keyword, which describes it."""

    halt_on: ValidationSeverity | None
    message_limit: MessageLimit
    progress: ProgressListener | None
    quarantine: QuarantineSetting
    read_limits: ReadLimits | None
    memory_limit: int | str | None


def check_settings(halt_on: object, limit: object, quarantine: object) -> None:
    """Refuse invalid settings.

    Args:
        halt_on: A severity, or None.
        limit: How many messages are reported one by one.
        quarantine: Which rows are put aside.

    Raises:
        ArgumentError: One of them is none that can be.
    """
    if halt_on is not None and halt_on not in set(ValidationSeverity):
        possible = ", ".join(f"ValidationSeverity.{name}" for name in ValidationSeverity)
        raise ArgumentError.from_given("halt_on", halt_on, f"one of {possible}, or None")
    is_number = isinstance(limit, int) and not isinstance(limit, bool) and limit >= 0
    if limit is not INHERIT and limit is not None and not is_number:
        possible = "a number of messages from 0, None for all, or INHERIT"
        raise ArgumentError.from_given("message_limit", limit, possible)
    if quarantine is not INHERIT and not isinstance(quarantine, (Quarantine, bool, type(None))):
        possible = "True, False, Quarantine(…) or INHERIT"
        raise ArgumentError.from_given("quarantine", quarantine, possible)


@dataclass(frozen=True, slots=True)
class RunSettings:
    """The settings of one level: a call or a manager. The outermost level is the factory.

    Args:
        halt_on: Severity from which a finding makes a run fail; None inherits it.
        message_limit: Messages per check that are reported one by one, None for all of them.
        quarantine: Which rows are put aside; True stands for the default settings, False for no
            quarantine.
        read_limits: How much each file may become in memory; None inherits it.
        progress: Told when a phase begins and ends.
        data_object_type: Class of the DataSource, if the loader leaves the choice.
        classification: What the DataSource is: master data, unless something else is set.
        memory: How much memory the process should take; None for no limit but what is there.
        only: Names of the files that are wanted, of those that the schemas declare; None for all.
        sample: Which rows of each table are wanted; None for all.
        workers: Who helps to read tables that lie in several files; None for no workers.

    Example:
        >>> call, manager = RunSettings(message_limit=None), RunSettings(quarantine=True)
        >>> settings = call.within(manager)
        >>> settings.message_limit, settings.quarantine, settings.halt_on
        (None, True, None)
    """

    halt_on: ValidationSeverity | None = None
    message_limit: MessageLimit = INHERIT
    quarantine: QuarantineSetting = INHERIT
    read_limits: ReadLimits | None = None
    progress: ProgressListener | None = None
    data_object_type: type[BaseDataSource] | None = None
    classification: DataClassification | None = None
    memory: MemoryBudget | None = None
    only: Collection[str] | None = None
    sample: Sample | None = None
    workers: Workers | None = None

    def within(self, outer: RunSettings) -> RunSettings:
        """Return these settings, and the outer level's where nothing is set."""
        return RunSettings(
            self.halt_on or outer.halt_on,
            outer.message_limit if self.message_limit is INHERIT else self.message_limit,
            outer.quarantine if self.quarantine is INHERIT else self.quarantine,
            self.read_limits or outer.read_limits,
            self.progress or outer.progress,
            self.data_object_type or outer.data_object_type,
            self.classification or outer.classification,
            self.memory or outer.memory,
            outer.only if self.only is None else self.only,
            self.sample or outer.sample,
            self.workers or outer.workers,
        )
