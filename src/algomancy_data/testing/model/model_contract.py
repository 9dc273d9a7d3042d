"""The part of the contract that compares a store with a plain dict, whatever is done to both."""

from __future__ import annotations

from typing import Any, Final, cast

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from algomancy_data.datamanager import DataManager
from algomancy_data.datasource import DataSource
from algomancy_data.etl import SimpleETLFactory
from algomancy_data.testing.model.datasets import Things
from algomancy_data.testing.model.machine import StoreMachine
from algomancy_data.testing.model.other_process import OtherProcess

_STEPS: Final = 15
_SHARE: Final = 50


class ModelContract:
    """The part of :class:`DataManagerContract` that is about everything at once."""

    keeps_data = True
    """Whether another manager on the same place finds the data."""

    is_shared = True
    """Whether it is there when all managers are closed, and other processes find it."""

    has_transactions = True
    """Whether several datasets appear together, also if the process that saves them is killed."""

    model_examples = 2
    """How many times fifteen steps are taken: as often, or a fiftieth of Hypothesis' setting
    ``max_examples``, if that is more. Where it is more than twice, processes are killed, too."""

    def manager(self, place: Any, session: str = "s") -> DataManager[DataSource]:
        """Return a manager, not started, over the store on a place."""
        raise NotImplementedError

    def test_whatever_is_done_to_it_a_store_is_as_a_plain_dict(self, place: Any) -> None:
        """Hypothesis says what is done, by whom, and where it is interrupted or killed."""
        outlives = self.keeps_data and self.is_shared
        other = OtherProcess(type(self), place) if outlives else None
        examples = max(self.model_examples, settings().max_examples // _SHARE)
        with_kills = examples > ModelContract.model_examples

        def make() -> StoreMachine:
            return StoreMachine(self, place, other, with_kills=with_kills)

        try:
            run_state_machine_as_test(
                cast("type[RuleBasedStateMachine]", make),
                settings=settings(
                    max_examples=examples,
                    stateful_step_count=_STEPS,
                    deadline=None,
                    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
                ),
            )
        finally:
            if other is not None:
                other.close()

    def open_model(
        self, place: Any, *, cache_size: int | None = None, cache_bytes: int | None = None
    ) -> DataManager[DataSource]:
        """Return a started manager over the store, which knows the schema of the model.

        Args:
            place: Where.
            cache_size: How many DataSources it has in memory.
            cache_bytes: How many bytes they take.
        """
        manager = DataManager(
            SimpleETLFactory,
            [Things],
            "own",
            DataSource,
            store=self.manager(place).store,
            datasource_cache_size=cache_size,
            datasource_cache_bytes=cache_bytes,
        )
        manager.startup()
        return manager
