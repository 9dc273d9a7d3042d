"""Does the same to a store and to a plain dict of datasets, and compares them after each step."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal

import polars as pl
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from algomancy_data.errors import AlgomancyDataError
from algomancy_data.metrics import recording
from algomancy_data.testing.model.datasets import (
    THINGS,
    THINGS_COLUMNS,
    Dataset,
    Datasets,
    Table,
    check_datasets,
)
from algomancy_data.testing.model.moments import Reports
from algomancy_data.testing.model.other_process import OtherProcess, StepOutcome
from algomancy_data.testing.model.steps import (
    Add,
    Delete,
    DeleteRows,
    Derive,
    Keep,
    Load,
    Overwrite,
    RefusedError,
)

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy
    from polars.datatypes import DataType as PolarsDataType

    from algomancy_data.datamanager import DataManager
    from algomancy_data.datasource import DataSource
    from algomancy_data.testing.model.model_contract import ModelContract
    from algomancy_data.testing.model.steps import Step

_MOMENT: Final = dt.datetime(2024, 2, 29, 23, 59, 59, 999_000)  # noqa: DTZ001  naive on purpose
_VALUES: Final[list[tuple[PolarsDataType, list[Any]]]] = [
    (pl.Int8(), [-128, 127]),
    (pl.Int64(), [2**63 - 1, 0]),
    (pl.UInt64(), [2**64 - 1, 0]),
    (pl.Float32(), [0.5, math.nan, -0.0]),
    (pl.Float64(), [0.1, math.inf, -0.0]),
    (pl.Decimal(10, 2), [Decimal("-0.01")]),
    (pl.Boolean(), [True, False]),
    (pl.String(), ["", "a\0b", "\U0001f986"]),
    (pl.Binary(), [b"", b"\0\xff"]),
    (pl.Date(), [_MOMENT.date()]),
    (pl.Time(), [_MOMENT.time()]),
    (pl.Datetime("ms"), [_MOMENT]),
    (pl.Duration("us"), [dt.timedelta(days=-1)]),
    (pl.Categorical(), ["b", "a"]),
    (pl.Enum(["unused", "a", "b"]), ["b", "a"]),
    (pl.List(pl.Int64()), [[], [1, None]]),
    (pl.Array(pl.Int8(), 2), [[1, 2]]),
    (pl.Struct({"a": pl.Int64(), "b": pl.String()}), [{"a": 1, "b": None}]),
    (pl.Null(), []),
]
_NAMES: Final = st.sampled_from(["a", "A", "b c"])
_IDS: Final = st.integers(0, 8)
_CODES: Final = st.none() | st.text("ab", min_size=1, max_size=2)
_THINGS: Final = st.tuples(_IDS, _CODES, st.sampled_from([None, 0.5, math.nan, -0.0, math.inf]))
_LOADED: Final = st.lists(st.tuples(_IDS, _CODES, st.sampled_from([None, 0.5])), max_size=5)
_PLACES: Final = st.lists(_IDS, max_size=4).map(tuple)
_MOMENTS: Final = st.integers(0, 1000)


@st.composite
def _tables(draw: st.DrawFn) -> Table:
    """Return a strategy of tables of any columns."""
    names = draw(st.lists(st.sampled_from(["x", "X", "q'\""]), min_size=1, max_size=2, unique=True))
    chosen = [draw(st.sampled_from(_VALUES)) for _ in names]
    row = st.tuples(*(st.sampled_from([*values, None]) for _, values in chosen))
    columns = {name: dtype for name, (dtype, _) in zip(names, chosen, strict=True)}
    return Table(columns, draw(st.lists(row, max_size=4)))


_ROWS: Final = st.lists(_THINGS, max_size=5).map(lambda rows: Table(THINGS_COLUMNS, rows))
_ANY: Final[SearchStrategy[dict[str, Table]]] = st.dictionaries(
    st.sampled_from(["u", "v"]), _tables(), max_size=2
)


@st.composite
def _datasets(draw: st.DrawFn) -> Dataset:
    """Return a strategy of datasets, of which the machine sets the identity."""
    things = draw(st.none() | _ROWS)
    tables = draw(_ANY)
    messages = draw(st.sampled_from([(), ("found",)]))
    return Dataset(
        {**({} if things is None else {THINGS: things}), **tables}, None, messages=messages
    )


@dataclass(frozen=True)
class Actor:
    """Who takes a step, and what comes in the middle of it.

    Args:
        who: One of two managers, or another process.
        comes: Nothing, an interrupt (Ctrl-C) of a manager, or a kill of another process.
        moment: When: after so many reports of progress, or so many thousandths of the calls of
            functions that such a step took before.
    """

    who: Literal["one", "other", "process"] = "one"
    comes: Literal["", "interrupt", "kill"] = ""
    moment: int = 0


_BY: Final = st.one_of(
    st.sampled_from([Actor("one"), Actor("other"), Actor("process")]),
    st.builds(Actor, st.sampled_from(["one", "other"]), st.just("interrupt"), st.integers(1, 8)),
    st.builds(Actor, st.just("process"), st.just("kill"), _MOMENTS),
)
_LIMITS: Final = st.sampled_from([{}, {"cache_size": 1}, {"cache_bytes": 1}])
_FIRST_GUESS: Final = 2000


class StoreMachine(RuleBasedStateMachine):
    """Does everything to a store and to a plain dict.

    Args:
        contract: Says how a manager is made, and what can be done to it.
        place: Where.
        other: Another process; None where the data is gone with the managers.
        with_kills: Whether it may be killed, after which it takes time to start another one.
    """

    def __init__(
        self,
        contract: ModelContract,
        place: Any,
        other: OtherProcess | None,
        *,
        with_kills: bool = False,
    ) -> None:
        super().__init__()
        self._contract = contract
        self._place = place
        self._other = other
        self._with_kills = with_kills
        self._count = 0
        self._calls: dict[type[Step], int] = {}
        first = contract.open_model(place)
        second = contract.open_model(place) if contract.keeps_data else first
        self._managers: dict[str, DataManager[DataSource]] = {"one": first, "other": second}
        self._datasets: Datasets = {}
        for name in first.get_data_keys():  # of an example that failed
            first.delete_data(name)

    # --- steps ------------------------------------------------------------------------------

    @rule(name=_NAMES, dataset=_datasets(), by=_BY)
    def keep(self, name: str, dataset: Dataset, by: Actor) -> None:
        """Write a dataset."""
        self._take(Keep({name: self._identified(dataset)}), by)

    @rule(datasets=st.dictionaries(_NAMES, _datasets(), max_size=3), by=_BY)
    def keep_several(self, datasets: dict[str, Dataset], by: Actor) -> None:
        """Write several at once."""
        step = Keep({name: self._identified(one) for name, one in datasets.items()})
        self._take(step, self._for_several(by))

    @rule(datasets=st.dictionaries(_NAMES, _datasets(), min_size=1), by=_BY)
    def keep_what_cannot_be_kept(self, datasets: dict[str, Dataset], by: Actor) -> None:
        """Write several, the last of which no store can have."""
        if self._contract.keeps_data:
            self._take(Keep(datasets, is_storable=False), self._for_several(by))

    @rule(dataset=_datasets(), by=_BY)
    def keep_under_no_name(self, dataset: Dataset, by: Actor) -> None:
        """Write what has no name."""
        self._take(Keep({"": dataset}), by)

    @rule(name=_NAMES, by=_BY, other=_NAMES)
    def overwrite(self, name: str, other: str, by: Actor) -> None:
        """Put one dataset in the place of another."""
        self._take(Overwrite(name, other), by)

    @rule(name=_NAMES, rows=_datasets(), by=_BY)
    def append(self, name: str, rows: Dataset, by: Actor) -> None:
        """Append rows."""
        self._take(Add(name, self._identified(rows), "append"), by)

    @rule(name=_NAMES, rows=_ROWS, by=_BY)
    def upsert(self, name: str, rows: Table, by: Actor) -> None:
        """Upsert rows."""
        self._take(Add(name, self._identified(Dataset({THINGS: rows}, None)), "upsert"), by)

    @rule(
        name=_NAMES,
        rows=_LOADED.map(tuple),
        mode=st.sampled_from(["replace", "append", "upsert"]),
        by=_BY,
    )
    def load(self, name: str, rows: Any, mode: Any, by: Actor) -> None:
        """Load a file."""
        self._take(Load(name, rows, mode), by)

    @rule(name=_NAMES, table=st.sampled_from([THINGS, THINGS, "u"]), wanted=_PLACES, by=_BY)
    def delete_rows(self, name: str, table: str, wanted: tuple[int, ...], by: Actor) -> None:
        """Delete rows."""
        self._take(DeleteRows(name, table, wanted), by)

    @rule(name=_NAMES, copy=_NAMES, by=_BY)
    def derive(self, name: str, copy: str, by: Actor) -> None:
        """Copy a dataset."""
        self._take(Derive(name, copy), by)

    @rule(name=_NAMES, by=_BY)
    def delete(self, name: str, by: Actor) -> None:
        """Delete a dataset."""
        self._take(Delete(name), by)

    @rule(name=_NAMES, other=_NAMES, by=_BY)
    def rename(self, name: str, other: str, by: Actor) -> None:
        """Give a dataset another name, which takes two steps."""
        self._take(Derive(name, other), by)
        if name != other and other in self._datasets:
            self._take(Delete(name), by)

    # --- managers ---------------------------------------------------------------------------

    @rule(who=st.sampled_from(["one", "other"]), limits=_LIMITS)
    def restart(self, who: str, limits: dict[str, int]) -> None:
        """Close a manager, and open another one with a cache of some size."""
        if self._other is not None:
            self._managers[who].close()
            self._managers[who] = self._contract.open_model(self._place, **limits)

    @rule(who=st.sampled_from(["one", "other"]))
    def close(self, who: str) -> None:
        """Close a manager that is used again."""
        if self._other is not None:
            self._managers[who].close()

    @rule(who=st.sampled_from(["one", "other"]))
    def refresh(self, who: str) -> None:
        """Forget what is in memory."""
        self._managers[who].refresh()

    # --- what must be true ------------------------------------------------------------------

    @invariant()
    def both_are_the_same(self) -> None:
        """Each manager has what the dict has, and nothing is damaged or left over."""
        self._count += 1
        for place, manager in enumerate(self._managers.values()):
            check_datasets(manager, self._datasets, lazy=(self._count + place) % 2 == 0)
        manager = self._managers["other"]
        assert manager.verify() == []
        assert manager.leftovers() == []

    def teardown(self) -> None:
        """Leave the place as it was."""
        manager = self._managers["one"]
        for name in manager.get_data_keys():
            manager.delete_data(name)
        assert manager.leftovers() == []
        for one in self._managers.values():
            one.close()

    def _identified(self, dataset: Dataset) -> Dataset:
        self._count += 1
        return replace(dataset, ds_id=f"id {self._count}")

    def _take(self, step: Step, by: Actor) -> None:
        """Take a step on both sides; compare what becomes of it."""
        kinds: tuple[type[Exception], ...] = ()
        before = after = self._datasets
        try:
            after = step.after(before)
        except RefusedError as refusal:
            kinds = refusal.kinds
        taken = self._taken(step, by)
        if taken.is_killed:
            manager = self._managers["other"]
            manager.clear_leftovers()
            self._datasets = after if _has(manager, after) else before
            return
        expected = {kind.__name__ for kind in kinds}
        assert bool(taken.raised) == bool(kinds), (taken.raised, expected)
        assert not kinds or expected & {*taken.raised}, (taken.raised, expected)
        self._datasets = after

    def _for_several(self, by: Actor) -> Actor:
        """Leave out a kill where only some of several datasets may be written before it."""
        if by.comes == "kill" and not self._contract.has_transactions:
            return replace(by, comes="")
        return by

    def _taken(self, step: Step, by: Actor) -> StepOutcome:
        """Have a step taken by whom it shall be."""
        if by.who != "process":
            return _interrupted(step, self._managers[by.who], by.moment)
        if self._other is None:
            return _interrupted(step, self._managers["one"], 0)
        calls = self._calls.get(type(step), _FIRST_GUESS)
        is_killed = self._with_kills and by.comes == "kill"
        taken = self._other.take(step, by.moment * calls // 1000 + 1 if is_killed else 0)
        if not taken.is_killed:
            self._calls[type(step)] = taken.calls
        return taken


def _has(manager: DataManager[DataSource], datasets: Datasets) -> bool:
    """Tell whether a manager has these datasets."""
    try:
        check_datasets(manager, datasets, lazy=True)
    except (AssertionError, LookupError):
        return False
    return True


def _interrupted(step: Step, manager: DataManager[DataSource], at: int) -> StepOutcome:
    """Take a step; Ctrl-C is pressed at that report of progress, if at any."""
    try:
        with recording(Reports(at, _press)):
            step.take(manager)
    except KeyboardInterrupt:
        return StepOutcome(is_killed=True)
    except AlgomancyDataError as error:
        return StepOutcome(tuple(one.__name__ for one in type(error).__mro__))
    return StepOutcome()


def _press() -> None:
    raise KeyboardInterrupt
