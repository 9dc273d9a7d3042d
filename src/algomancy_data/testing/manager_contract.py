"""The contract of every DataManager, whatever its store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from polars import selectors

from algomancy_data.datamanager import DataManager
from algomancy_data.datasource import DataClassification, DataSource
from algomancy_data.errors import (
    DatasetExistsError,
    DatasetNameError,
    DatasetNotFoundError,
    MasterDataProtectedError,
    TableNotFoundError,
    UnstorableError,
)
from algomancy_data.etl import SimpleETLFactory
from algomancy_data.messages import ValidationMessage, ValidationSeverity
from algomancy_data.metrics import PhaseMetrics, recording
from algomancy_data.provenance import InputFile, Provenance, TableSize
from algomancy_data.testing.addition_contract import AdditionContract
from algomancy_data.testing.comparison import assert_identical
from algomancy_data.testing.model.model_contract import ModelContract
from algomancy_data.testing.samples import any_frame, any_named_frame, sample_frames, source_of

if TYPE_CHECKING:
    from algomancy_data.store import Store

_FRAMES = sample_frames()
_ANY = settings(
    suppress_health_check=[
        HealthCheck.differing_executors,  # each subclass is one
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
    ],
    deadline=None,
)
_AWKWARD = ["a-b", "a_b", "A_B", "a__b", "../x", "q'\"`", "%s", "\U0001f986", "x" * 300, "select"]


class _EndError(Exception):
    """Ends the work."""


class _Impatient:
    """Ends the work as soon as rows were done so many times."""

    def __init__(self, times: int) -> None:
        self._times = times

    def phase_started(self, phase: str) -> None:
        """Let it begin."""

    def phase_finished(self, metrics: PhaseMetrics) -> None:
        """Let it end."""

    def progressed(self, phase: str, done_rows: int, total_rows: int | None) -> None:
        """End it, perhaps."""
        del phase, done_rows, total_rows
        self._times -= 1
        if not self._times:
            raise _EndError


class DataManagerContract(ModelContract, AdditionContract):
    """Subclass it in a test module, with a :meth:`store`, and pytest runs every test.

    A class that has a manager of its own overrides :meth:`manager` instead.

    Example:
        >>> from algomancy_data.store import MemoryStore
        >>> class TestMemoryStore(DataManagerContract):
        ...     keeps_data = False
        ...
        ...     def store(self, place, session="s"):
        ...         return MemoryStore()
    """

    def store(self, place: Any, session: str = "s") -> Store:
        """Return a store, not opened, on a place.

        Args:
            place: What the fixture ``place`` gives: a folder of the test's own, unless overridden.
            session: Whose data it is, where a store knows sessions.
        """
        raise NotImplementedError

    def manager(self, place: Any, session: str = "s") -> DataManager[DataSource]:
        """Return a manager, not started, over the store on a place; see :meth:`store`."""
        return DataManager(
            SimpleETLFactory, [], "own", DataSource, store=self.store(place, session)
        )

    @pytest.fixture
    def place(self, tmp_path: Any) -> Any:
        """Where the data of one test is kept."""
        return tmp_path

    @pytest.fixture
    def managers(self) -> list[Any]:
        """The managers that were opened."""
        return []

    @pytest.fixture
    def opened(self, place: Any, managers: list[Any]) -> Any:
        """Open started managers on the place; they are closed after the test."""

        def opened(session: str = "s") -> DataManager[DataSource]:
            if managers and not self.keeps_data:
                return managers[0]
            manager = self.manager(place, session)
            manager.startup()
            managers.append(manager)
            return manager

        yield opened
        for manager in managers:
            manager.close()

    # --- started and closed -----------------------------------------------------------------

    def test_a_block_starts_a_manager_and_closes_it(self, place: Any) -> None:
        """It can be used inside, without another word."""
        frame = _FRAMES["nested"]
        with self.manager(place) as manager:
            manager.add_data_source(source_of("d", {"t": frame}))
            assert_identical(manager.require_data("d").get_table("t"), frame)

    # --- identical --------------------------------------------------------------------------

    @pytest.mark.parametrize("case", _FRAMES)
    def test_a_frame_comes_back_identical(self, opened: Any, case: str) -> None:
        """Every dtype, value, null and name; also through a derived dataset."""
        opened().add_data_source(source_of("d", {"t": _FRAMES[case]}))
        reader = opened()
        assert_identical(reader.get_data("d").get_table("t"), _FRAMES[case])
        reader.derive_data("d", "derived")
        assert_identical(opened().get_data("derived").get_table("t"), _FRAMES[case])

    @pytest.mark.parametrize("case", _FRAMES)
    def test_a_frame_comes_back_identical_without_being_in_memory(
        self, opened: Any, case: str
    ) -> None:
        """Mapped from a file, where the store can do so."""
        opened().add_data_source(source_of("d", {"t": _FRAMES[case], "u": _FRAMES["nested"]}))
        reader = opened()
        data = reader.get_data("d", lazy=True)
        assert_identical(data.get_table("t"), _FRAMES[case])
        assert_identical(data.scan("t").collect(), _FRAMES[case])
        assert_identical(data.get_table("u"), _FRAMES["nested"])
        assert reader.get_data("other", lazy=True) is None

    @pytest.mark.parametrize("case", _FRAMES)
    def test_a_table_is_scanned_as_it_was_written(self, opened: Any, case: str) -> None:
        """As a whole, by its first rows, and by its last column, however that is named."""
        frame = _FRAMES[case]
        opened().add_data_source(source_of("d", {"t": frame}))
        lazy = opened().scan_table("d", "t")
        assert lazy.collect_schema() == frame.schema
        assert_identical(lazy.collect(), frame)
        assert_identical(lazy.collect(engine="streaming"), frame)
        assert_identical(lazy.head(2).collect(), frame.head(2))
        last = frame.columns[-1:]
        assert_identical(lazy.select(selectors.by_name(*last)).collect()[last], frame[last])

    def test_what_is_not_there_cannot_be_scanned(self, opened: Any) -> None:
        """Neither a dataset nor a table; the error names what there is."""
        opened().add_data_source(source_of("d", {"t": pl.DataFrame({"x": [1]})}))
        with pytest.raises(DatasetNotFoundError, match="'d'"):
            opened().scan_table("other", "t")
        with pytest.raises(TableNotFoundError, match="'t'"):
            opened().scan_table("d", "other")

    @_ANY
    @given(frame=any_frame())
    def test_any_frame_comes_back_identical(
        self, opened: Any, managers: list[Any], frame: pl.DataFrame
    ) -> None:
        """Whatever Hypothesis thinks of; the reader notices each time that there is a new one."""
        while len(managers) < (2 if self.keeps_data else 1):
            opened()  # for all examples: a server takes some dozens of managers, not hundreds
        managers[0].add_data_source(source_of("d", {"t": frame}))
        assert_identical(managers[-1].get_data("d").get_table("t"), frame)

    @_ANY
    @given(frame=any_named_frame())
    def test_whatever_columns_are_called_they_come_back(
        self, opened: Any, managers: list[Any], frame: pl.DataFrame
    ) -> None:
        """Also with control characters and NUL, in the names of fields and categories, too."""
        while len(managers) < (2 if self.keeps_data else 1):
            opened()
        managers[0].add_data_source(source_of("d", {"t": frame}))
        assert_identical(managers[-1].get_data("d").get_table("t"), frame)
        managers[-1].derive_data("d", "derived")
        assert_identical(managers[0].get_data("derived").get_table("t"), frame)
        managers[-1].delete_data("derived")

    def test_a_dataset_comes_back_with_all_that_it_is(self, opened: Any) -> None:
        """Identity, type and time; tables in order, under their exact names."""
        tables = {name: pl.DataFrame({"x": [number]}) for number, name in enumerate(_AWKWARD)}
        written = source_of("d", tables, DataClassification.DUMMY_DATA)
        opened().add_data_source(written)
        read = opened().get_data("d")
        assert read == written
        assert (read.name, read.ds_type) == (written.name, written.ds_type)
        assert read.creation_datetime == written.creation_datetime
        assert read.list_tables() == _AWKWARD
        assert [frame.item() for frame in read.tables.values()] == list(range(len(_AWKWARD)))

    def test_where_it_comes_from_and_what_was_found_comes_back(self, opened: Any) -> None:
        """Provenance and messages are as the ETL left them."""
        source = source_of("d", {"t": pl.DataFrame({"x": [1, 2]})})
        source.provenance = Provenance(
            files=(
                InputFile("t", "csv", "/data/t\udcff.csv", 12, "ab" * 32),
                InputFile("u", "json"),
            ),
            schemas={"t": "cd" * 32},
            phases=(PhaseMetrics("extract", 0.25, 2),),
            tables={"t": TableSize.of(source.get_table("t"))},
        )
        source.validation_messages = [
            ValidationMessage(ValidationSeverity.ERROR, "null\n\U0001f986", "t", "x", 3, "PK_NULL"),
            ValidationMessage(ValidationSeverity.INFO, "checked"),
        ]
        opened().add_data_source(source)
        read = opened().get_data("d")
        assert read.provenance == source.provenance
        assert read.validation_messages == source.validation_messages
        opened().derive_data("d", "e")
        derived = opened().get_data("e")
        assert derived.validation_messages == []
        assert derived.provenance is not None
        assert derived.provenance.derived_from == "d"
        assert derived.provenance.files == source.provenance.files

    def test_many_rows_come_back_in_order(self, opened: Any) -> None:
        """More rows than are written or read at a time."""
        frame = pl.DataFrame({"i": range(300_000)}).with_columns(s=pl.col("i").cast(pl.String))
        opened().add_data_source(source_of("d", {"t": frame}))
        assert_identical(opened().get_data("d").get_table("t"), frame)

    # --- datasets ---------------------------------------------------------------------------

    def test_datasets_are_in_order_of_creation(self, opened: Any) -> None:
        """A replaced one keeps its place."""
        manager = opened()
        for name in ("b", "a", "c", "b"):
            manager.add_data_source(source_of(name))
        assert manager.get_data_keys() == ["b", "a", "c"]
        assert opened().get_data_keys() == ["b", "a", "c"]

    def test_the_metadata_says_what_is_there(self, opened: Any) -> None:
        """Sizes and findings of all datasets, or of the newest, without their data."""
        manager = opened()
        found = ValidationMessage(ValidationSeverity.ERROR, "null", count=3)
        for name in ("b", "a"):
            source = source_of(name, {"t": _FRAMES["texts"], "u": _FRAMES["no rows"]})
            source.validation_messages = [found]
            manager.add_data_source(source)
        old, new = opened().describe_all()
        assert (old.name, new.name) == ("b", "a")
        assert {name: size.rows for name, size in new.tables.items()} == {
            "t": _FRAMES["texts"].height,
            "u": 0,
        }
        assert (new.messages, new.findings) == ((found,), {"ERROR": 3})
        assert new.ds_type == DataClassification.MASTER_DATA
        assert new.creation_datetime == manager.get_data("a").creation_datetime
        assert opened().describe_all(newest=1) == [new]
        assert "2 datasets" in str(opened())

    def test_what_others_did_is_told_at_once(self, opened: Any) -> None:
        """Names in order and metadata are those of now, also where they were told before."""
        one, other = opened(), opened()
        for name in ("a", "b"):
            one.add_data_source(source_of(name, {"t": pl.DataFrame({"x": [1, 2, 3]})}))
        assert [info.rows for info in other.describe_all()] == [3, 3]
        one.delete_rows("b", "t", pl.col("x") > 1)
        assert [info.rows for info in other.describe_all()] == [3, 1]
        assert other.describe("b").rows == 1
        one.delete_data("a")
        one.add_data_source(source_of("a"))
        assert other.get_data_keys() == ["b", "a"]
        assert [info.rows for info in other.describe_all()] == [1, 0]

    def test_awkward_names_are_as_good_as_any(self, opened: Any) -> None:
        """No two names share data, however alike they are."""
        manager = opened()
        for number, name in enumerate(_AWKWARD):
            manager.add_data_source(source_of(name, {"t": pl.DataFrame({"x": [number]})}))
        read = [opened().get_data(name).get_table("t").item() for name in _AWKWARD]
        assert read == list(range(len(_AWKWARD)))

    def test_a_replaced_dataset_is_the_new_one_only(self, opened: Any) -> None:
        """Nothing is left of tables that the new one does not have."""
        manager = opened()
        manager.add_data_source(source_of("d", {"t": _FRAMES["texts"], "u": _FRAMES["floats"]}))
        manager.add_data_source(source_of("d", {"u": _FRAMES["texts"]}))
        assert opened().get_data("d").list_tables() == ["u"]

    def test_set_data_keeps_under_the_key_that_it_is_given(self, opened: Any) -> None:
        """Whatever the DataSource itself is called."""
        opened().set_data("key", source_of("name", {"t": _FRAMES["texts"]}))
        assert opened().get_data_keys() == ["key"]
        assert_identical(opened().get_data("key").get_table("t"), _FRAMES["texts"])

    def test_several_datasets_are_kept_at_once(self, opened: Any) -> None:
        """In their order, where a replaced one keeps its place; no two of one name."""
        manager = opened()
        manager.add_data_source(source_of("b", {"t": _FRAMES["floats"]}))
        kept = {name: source_of(name, {"t": _FRAMES["texts"]}) for name in ("c", "b", "a")}
        manager.add_data_sources(kept.values())
        manager.add_data_sources([])
        with pytest.raises(DatasetNameError, match="'d'"):
            manager.add_data_sources([source_of("d"), source_of("d")])
        assert opened().get_data_keys() == ["b", "c", "a"]
        for name, source in kept.items():
            assert manager.get_data(name) is source
            assert opened().get_data(name) == source

    def test_several_datasets_may_differ_in_case_alone(self, opened: Any) -> None:
        """Also where one of them replaces one that had another table."""
        opened().add_data_source(source_of("a", {"t": _FRAMES["texts"]}))
        kept = [source_of(name, {"u": _FRAMES["floats"]}) for name in ("a", "A")]
        opened().add_data_sources(kept)
        for source in kept:
            if self.keeps_data:
                assert opened().get_data(source.name) == source

    def test_of_several_datasets_all_are_kept_or_none(self, opened: Any) -> None:
        """Whether one is refused, or the work is ended when some of them are written."""
        if not self.keeps_data:
            return  # memory keeps everything
        manager = opened()
        before = source_of("b", {"t": _FRAMES["texts"]})
        manager.add_data_source(before)
        more = [source_of(name, {"t": _FRAMES["floats"]}) for name in ("a", "b", "c")]
        wrong = pl.DataFrame({"wrong": [object()]}, schema={"wrong": pl.Object})
        with pytest.raises(UnstorableError, match="'wrong'"):
            manager.add_data_sources([*more, source_of("d", {"t": wrong})])
        with pytest.raises(_EndError), recording(_Impatient(2)):
            manager.add_data_sources(more)
        for one in (manager, opened()):
            assert one.get_data_keys() == ["b"]
            assert one.get_data("b") == before
        manager.add_data_sources(more)
        assert opened().get_data_keys() == ["b", "a", "c"]

    def test_derived_data_is_a_dataset_of_its_own(self, opened: Any) -> None:
        """It outlives its original."""
        manager = opened()
        manager.add_data_source(source_of("d", {"t": _FRAMES["texts"]}))
        manager.derive_data("d", "derived")
        original, derived = manager.get_data("d"), manager.get_data("derived")
        assert derived.id != original.id
        assert derived.ds_type is DataClassification.DERIVED_DATA
        assert derived.creation_datetime == original.creation_datetime
        manager.delete_data("d")
        assert_identical(opened().get_data("derived").get_table("t"), _FRAMES["texts"])

    def test_a_deleted_dataset_is_gone_for_good(self, opened: Any) -> None:
        """It does not come back with another manager."""
        manager = opened()
        manager.add_data_source(source_of("d"))
        manager.delete_data("d")
        assert manager.get_data("d") is None
        assert opened().get_data_keys() == []

    def test_what_is_not_there_is_said_to_be_missing(self, opened: Any) -> None:
        """As the errors that callers of the pandas package caught."""
        manager = opened()
        assert manager.get_data("nobody") is None
        for call in (
            lambda: manager.delete_data("nobody"),
            lambda: manager.derive_data("nobody", "new"),
        ):
            with pytest.raises(DatasetNotFoundError, match="Data 'nobody' not found"):
                call()
            with pytest.raises(AssertionError):
                call()

    def test_an_existing_dataset_is_not_derived_over(self, opened: Any) -> None:
        """The old one stays as it is."""
        manager = opened()
        for name in ("a", "b"):
            manager.add_data_source(source_of(name, {"t": pl.DataFrame({"x": [name]})}))
        with pytest.raises(DatasetExistsError, match="Data 'b' already exists"):
            manager.derive_data("a", "b")
        assert opened().get_data("b").get_table("t").item() == "b"

    def test_master_data_can_be_protected(self, opened: Any) -> None:
        """Derived data cannot."""
        manager = opened()
        manager.add_data_source(source_of("d"))
        manager.derive_data("d", "derived")
        with pytest.raises(MasterDataProtectedError):
            manager.delete_data("d", prevent_masterdata_removal=True)
        manager.delete_data("derived", prevent_masterdata_removal=True)
        assert opened().get_data_keys() == ["d"]

    # --- refusals ---------------------------------------------------------------------------

    def test_what_cannot_be_kept_is_refused_and_changes_nothing(self, opened: Any) -> None:
        """The error names table and column; memory and store are as before."""
        if not self.keeps_data:
            return  # memory keeps everything
        manager = opened()
        before = source_of("d", {"t": _FRAMES["texts"]})
        manager.add_data_source(before)
        wrong = pl.DataFrame({"wrong": [object()]}, schema={"wrong": pl.Object})
        with pytest.raises(UnstorableError, match=r"'wrong'.*'second'"):
            manager.add_data_source(source_of("d", {"first": _FRAMES["texts"], "second": wrong}))
        assert manager.get_data("d") == before
        assert opened().get_data("d") == before
        assert opened().get_data("d").list_tables() == ["t"]
