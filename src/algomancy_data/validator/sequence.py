"""Runs validators one after the other."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterable
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self, cast

from algomancy_data.components import check_parts, note_component, returned_wrongly
from algomancy_data.display.words import counted
from algomancy_data.engine_failures import raise_engine_failure
from algomancy_data.errors import EngineError
from algomancy_data.frames.pandas_frames import PandasTables, wants_pandas
from algomancy_data.frames.tabular import to_frames
from algomancy_data.logs import Logging
from algomancy_data.messages import ValidationMessage, ValidationSeverity
from algomancy_data.validator.base import Validator, checked_message_limit
from algomancy_data.validator.columns import RequiredColumnsValidator
from algomancy_data.validator.foreign_key import ForeignKeyValidator
from algomancy_data.validator.result import ValidationResult
from algomancy_data.validator.rules import RuleValidator
from algomancy_data.validator.stored import StoredKeyValidator

if TYPE_CHECKING:
    import logging
    from collections.abc import Collection, Mapping, Sequence
    from types import EllipsisType

    import polars as pl

    from algomancy_data.frames.tabular import Tabular
    from algomancy_data.logs import Logger
    from algomancy_data.relations.declared import Key
    from algomancy_data.validator.failures import RowFailures
    from algomancy_data.validator.stored import StoredRows

_LOGGED_PER_CHECK: Final = 3


class ValidationSequence(Logging):
    """Runs validators in order over the same tables and judges what they find.

    Every run starts fresh: it empties the messages of the validators first. Of messages with the
    same severity, code and table the first three are logged, then the number of the others.

    Args:
        validators: The validators, in order.
        logger: Where findings are logged: the framework's logger, one of the standard library, or
            None for the standard library's ``algomancy_data``.
        halt_on: The least severity that makes data invalid.
        message_limit: Set as ``message_limit`` on each validator before it runs: how many bad
            rows a check reports singly, None for all. Without it, each validator keeps its own.

    Attributes:
        logger: As it was given.
        halt_on: As above; may be set between runs.
        message_limit: As above; may be set between runs.
        in_memory_bytes: Up to which size keys are looked at as a whole, by any validator; None
            leaves it to each. May be set between runs.

    Raises:
        ValueError: ``message_limit`` is negative, or ``halt_on`` is no severity.

    Example:
        >>> import polars as pl
        >>> from algomancy_data import MissingValueValidator, ValidationSequence
        >>> sequence = ValidationSequence([MissingValueValidator("airports", ["faa"])])
        >>> result = sequence.run_validation({"airports": pl.DataFrame({"faa": ["EWR", None]})})
        >>> bool(result), result.counts_by_severity
        (True, {'ERROR': 1})
    """

    # Whether the validators keep the limit of the sequence after a run.
    _limits_stay = True

    def __init__(
        self,
        validators: Iterable[Validator] | None = None,
        logger: Logger | logging.Logger | None = None,
        halt_on: ValidationSeverity = ValidationSeverity.CRITICAL,
        *,
        message_limit: int | EllipsisType | None = ...,
    ) -> None:
        self._validators: list[Validator] = []
        self.add_validators(validators or [])
        self.logger = logger
        self._result: ValidationResult | None = None
        self.halt_on = ValidationSeverity(halt_on)
        self.message_limit = message_limit
        self.in_memory_bytes: int | None = None
        if message_limit is not ...:
            checked_message_limit(message_limit)

    @property
    def is_of_this_package(self) -> bool:
        """Whether it and all its validators are this package's own."""
        parts = [self, *self._validators]
        return all(type(one).__module__.startswith("algomancy_data.") for one in parts)

    @property
    def is_valid(self) -> bool:
        """Whether the last run found nothing as bad as ``halt_on``; False before the first run."""
        return self._result is not None and self._result.is_valid

    @property
    def messages(self) -> list[ValidationMessage]:
        """The messages of the last run; none before the first."""
        return [] if self._result is None else list(self._result.messages)

    @property
    def completed(self) -> bool:
        """Whether a run has ended."""
        return self._result is not None

    def add_validator(self, validator: Validator) -> None:
        """Put a validator at the end."""
        self.add_validators([validator])

    def add_validators(self, validators: Iterable[Validator]) -> None:
        """Put validators at the end."""
        given: list[Any] = list(validators)  # whatever a user takes for one
        if not all(isinstance(one, Validator) for one in given):
            check_parts("validator", "validate", given)
        self._validators += given

    def judging(
        self,
        halt_on: ValidationSeverity | None = None,
        message_limit: int | EllipsisType | None = ...,
    ) -> Self:
        """Return a sequence of the same validators that judges otherwise; this one stays as it is.

        Args:
            halt_on: The least severity that makes data invalid; None for that of this one.
            message_limit: How many bad rows each check reports singly while it runs here, None for
                all; ``...`` for what this one says. Afterwards it has its own limit again.

        Example:
            >>> sequence = ValidationSequence()
            >>> str(sequence.judging(ValidationSeverity.ERROR).halt_on), str(sequence.halt_on)
            ('ERROR', 'CRITICAL')
        """
        made = copy.copy(self)
        if halt_on is not None:
            made.halt_on = ValidationSeverity(halt_on)
        if message_limit is not ...:
            made.message_limit = message_limit
            made._limits_stay = False  # noqa: SLF001  it is one of ours
        return made

    def beside(
        self,
        stored: StoredRows,
        keys: Mapping[str, Sequence[Key]],
        replacing: Mapping[str, Key] = MappingProxyType({}),
    ) -> Self:
        """Return a sequence for rows that are added to a dataset; this one stays as it is.

        What they refer to may be stored as well, keys that there may be once may not, and rules on
        groups hold for stored rows and new ones together.

        Args:
            stored: The rows of the dataset.
            keys: The keys of each table of which it may have each once.
            replacing: The key of each table by which new rows take the place of stored ones.
        """

        def placed(one: Validator) -> Validator:
            if isinstance(one, ForeignKeyValidator | RequiredColumnsValidator):
                return one.beside(stored)
            return one.beside(stored, replacing) if isinstance(one, RuleValidator) else one

        made = copy.copy(self)
        made._validators = list(map(placed, self._validators))  # noqa: SLF001  it is one of ours
        made.add_validator(StoredKeyValidator(stored, keys))
        return made

    def leaving_out(self, tables: Collection[str]) -> Self:
        """Return a sequence for data without some tables; this one stays as it is.

        Args:
            tables: Those that are left out on purpose.
        """
        made = copy.copy(self)
        made._validators = [  # noqa: SLF001  it is one of ours
            one.leaving_out(tables) if isinstance(one, ForeignKeyValidator) else one
            for one in self._validators
        ]
        return made

    def run_validation(self, data: Mapping[str, Tabular]) -> ValidationResult:
        """Run all validators; none is left out because of what another one found.

        Args:
            data: Anything tabular by logical table name; validators get Polars frames.

        Raises:
            FrameError: A table cannot be turned into a frame.
        """
        self._result = None
        frames = to_frames(data)
        messages: list[ValidationMessage] = []
        failures: list[RowFailures] = []
        wants = [wants_pandas(validator, "validate") for validator in self._validators]
        for validator, in_pandas in zip(self._validators, wants, strict=True):
            found, rows = self._run(validator, frames, in_pandas=in_pandas)
            if found:
                self._log(found)
            messages += found
            failures += rows
        threshold = self.halt_on.rank
        is_valid = all(message.severity.rank < threshold for message in messages)
        self._result = ValidationResult(is_valid, messages, self.halt_on, row_failures=failures)
        self._log_verdict(self._result)
        return self._result

    def _run(
        self, validator: Validator, frames: dict[str, pl.DataFrame], *, in_pandas: bool
    ) -> tuple[list[ValidationMessage], list[RowFailures]]:
        # A validator may drop or replace tables in its own mapping, not in that of the others.
        given: dict[str, Any] = PandasTables(frames).tables if in_pandas else dict(frames)
        # Anything with `validate` will do.
        is_ours = isinstance(validator, Validator)  # pyright: ignore[reportUnnecessaryIsInstance]
        limit = validator.message_limit if is_ours else None
        most = validator.in_memory_bytes if is_ours else None
        if is_ours:
            validator.reset()
            if self.message_limit is not ...:
                validator.message_limit = self.message_limit
            if self.in_memory_bytes is not None:
                validator.in_memory_bytes = self.in_memory_bytes
        try:
            found = _messages(validator, validator.validate(given))
            return found, list(validator.row_failures) if is_ours else []
        except BaseException as failure:
            name = type(validator).__name__
            doing = f"The check {name} of {', '.join(map(repr, frames))}"
            raise_engine_failure(failure, EngineError, doing)
            note_component(failure, "validator", validator.validate, frames)
            raise
        finally:
            if is_ours and not self._limits_stay:
                validator.message_limit = limit
            if most is not None and self.in_memory_bytes is not None:
                validator.in_memory_bytes = most

    def _log(self, messages: list[ValidationMessage]) -> None:
        kinds: dict[tuple[ValidationSeverity, str | None, str | None], list[ValidationMessage]]
        kinds = defaultdict(list)
        for message in messages:
            kinds[message.severity, message.code, message.table].append(message)
        for (severity, code, table), kind in kinds.items():
            for message in kind[:_LOGGED_PER_CHECK]:
                self._log_line(severity, str(message))
            if (rest := len(kind) - _LOGGED_PER_CHECK) and rest > 0:
                where = "" if table is None else f" in table {table!r}"
                more = counted(rest, "more message")
                line = f"{severity}: {more} {code or 'without a code'}{where}"
                self._log_line(severity, line)

    def _log_line(self, severity: ValidationSeverity, line: str) -> None:
        match severity:
            case ValidationSeverity.INFO:
                self._logger.log(line)
            case ValidationSeverity.WARNING:
                self._logger.warning(line)
            case ValidationSeverity.ERROR:
                self._logger.error(line)
            case _:
                marked = f"[CRITICAL] {line.removeprefix('CRITICAL: ')}"
                self._logger.error(marked)

    def _log_verdict(self, result: ValidationResult) -> None:
        counts = ", ".join(
            f"{count:,} {severity}" for severity, count in result.counts_by_severity.items()
        )
        if result:
            verdict = f"Validation passed: {counts or 'no messages'}."
            self._logger.success(verdict)
        else:
            verdict = f"Validation failed (halts on {result.halt_on}): {counts}."
            self._logger.error(verdict)


def _messages(validator: Validator, returned: object) -> list[ValidationMessage]:
    """Return the messages that a validator returned.

    Raises:
        ComponentError: They are none.
    """
    found = list(returned) if isinstance(returned, Iterable) else None
    if found is not None and all(isinstance(one, ValidationMessage) for one in found):
        return cast("list[ValidationMessage]", found)
    expected = "it must return a list of ValidationMessage. End it with `return self.messages`"
    if found is not None:
        wrong = next(one for one in found if not isinstance(one, ValidationMessage))
        expected = f"there is an object of {type(wrong).__name__} in it, and {expected}"
    raise returned_wrongly("validator", validator.validate, returned, expected)
