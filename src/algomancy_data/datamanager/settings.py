"""What can be set for one ETL, for all of a manager, and for all of a factory."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from algomancy_data.messages import ValidationSeverity
from algomancy_data.quarantine import Quarantine

if TYPE_CHECKING:
    from algomancy_data.etl import ETLPipeline
    from algomancy_data.schema import ReadLimits


class _Inherit(Enum):
    INHERIT = "what the next outer level says"


INHERIT: Final = _Inherit.INHERIT
"""The default of a setting: the call leaves it to the manager, the manager to the factory."""

QuarantineSetting: TypeAlias = "Quarantine | Literal[_Inherit.INHERIT] | bool"
MessageLimit: TypeAlias = "int | Literal[_Inherit.INHERIT] | None"


@dataclass(frozen=True, slots=True)
class ETLSettings:
    """The settings of one level.

    Args:
        halt_on: Severity from which a finding makes an ETL fail; None inherits it.
        message_limit: Messages per check that are reported one by one, None for all of them.
        quarantine: Which rows are put aside.
        read_limits: How much each file may become in memory; None inherits it.
    """

    halt_on: ValidationSeverity | None = None
    message_limit: MessageLimit = INHERIT
    quarantine: QuarantineSetting = INHERIT
    read_limits: ReadLimits | None = None

    def within(self, outer: ETLSettings) -> ETLSettings:
        """Return these settings, and those of the outer level where nothing is set.

        Example:
            >>> ETLSettings(message_limit=None).within(ETLSettings(quarantine=True)).quarantine
            True
        """
        return ETLSettings(
            self.halt_on or outer.halt_on,
            outer.message_limit if self.message_limit is INHERIT else self.message_limit,
            outer.quarantine if self.quarantine is INHERIT else self.quarantine,
            self.read_limits or outer.read_limits,
        )

    def apply(self, pipeline: ETLPipeline) -> None:
        """Set in a pipeline what is set here; the rest stays as the factory made it."""
        if self.halt_on is not None:
            pipeline.validation_sequence.halt_on = ValidationSeverity(self.halt_on)
        if self.message_limit is not INHERIT:
            pipeline.validation_sequence.message_limit = self.message_limit
        if self.quarantine is not INHERIT:
            pipeline.quarantine = Quarantine.of(self.quarantine)
