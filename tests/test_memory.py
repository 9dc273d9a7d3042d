"""How much memory there is, how much may be used, and what is refused before it is tried."""

import polars as pl
import pytest
import sqlalchemy

from algomancy_data import (
    DataSource,
    SimpleETLFactory,
    StatefulDataManager,
    StatelessDataManager,
)
from algomancy_data.database import DatabaseDataManager
from algomancy_data.errors import MemoryLimitError
from algomancy_data.frames.scratch import FilePages
from algomancy_data.memory import IN_MEMORY_BYTES, MemoryBudget, available_memory

pytestmark = pytest.mark.filterwarnings("ignore:StatefulDataManager:DeprecationWarning")
MIB = 1 << 20


# --- what is set ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (300 * MIB, 300 * MIB),
        ("2GiB", 2 << 30),
        ("1.5 gib", 3 << 29),
        ("500MB", 500_000_000),
        (" 268435456 B ", 1 << 28),
        (None, None),
    ],
)
def test_a_limit_is_a_number_of_bytes_or_a_size_in_words(given, expected):
    assert MemoryBudget.of(given).limit == expected


@pytest.mark.parametrize("given", ["2 G", "", "lots", "-1GiB", True, 2.5e9, b"2GiB"])
def test_what_is_no_size_is_refused(given):
    with pytest.raises(ValueError, match="such as '2GiB' or '500MB'"):
        MemoryBudget.of(given)


@pytest.mark.parametrize("given", [0, "255MiB"])
def test_a_limit_that_is_too_small_is_refused_with_the_smallest(given, tmp_path):
    with pytest.raises(ValueError, match="at least '256MiB'"):
        StatelessDataManager(SimpleETLFactory, [], "json", DataSource, memory_limit=given)
    with pytest.raises(ValueError, match="at least '256MiB'"):
        DatabaseDataManager(
            SimpleETLFactory, [], f"sqlite:///{tmp_path / 'd'}", "s", DataSource, memory_limit=given
        )
    assert MemoryBudget.of("256MiB").in_memory_bytes == 32 * MIB


def test_a_large_limit_changes_nothing_but_what_is_refused():
    assert MemoryBudget.of("64GiB").in_memory_bytes == IN_MEMORY_BYTES


def test_as_many_processes_fit_as_there_is_memory_for(monkeypatch):
    monkeypatch.setattr("algomancy_data.memory.available_memory", lambda: 3 << 30)
    assert MemoryBudget.of("1GiB").processes() == 3
    assert MemoryBudget.of("64GiB").processes() == 1
    assert MemoryBudget().processes() == 2  # what a load takes at most: 1.1 GiB
    assert MemoryBudget().processes(1 << 40) == 2
    assert MemoryBudget().processes(32 * MIB) == 12
    assert MemoryBudget.of("1GiB").processes(32 * MIB) == 3
    monkeypatch.setattr("algomancy_data.memory.available_memory", lambda: None)
    assert MemoryBudget().processes() is None


# --- what is refused --------------------------------------------------------------------------


def source(rows):
    data = DataSource("master_data", name="d")
    data.add_table("t", pl.DataFrame({"a": pl.int_range(rows, eager=True)}))
    return data


@pytest.fixture(params=["sqlite", "postgresql", "folder"])
def manager(request, tmp_path):
    if request.param == "folder":
        made = StatefulDataManager(SimpleETLFactory, [], tmp_path / "d", "json", DataSource)
    else:
        url = f"sqlite:///{tmp_path / 'd.db'}"
        if request.param == "postgresql":
            url = request.getfixturevalue("postgresql")
        made = DatabaseDataManager(SimpleETLFactory, [], url, "memory", DataSource)
    made.startup()
    yield made
    made.close()


def test_a_dataset_comes_back_in_small_batches_as_it_was(manager):
    manager.store.memory = MemoryBudget(128 * MIB + 100_000)
    assert manager.store.memory.in_memory_bytes == 25_000
    data = source(5000)  # 40 kB
    manager.add_data_source(data)
    manager.refresh()
    for lazy in (False, True):
        found = manager.get_data("d", lazy=lazy).get_table("t")
        assert found.equals(data.get_table("t"))
        assert found.n_chunks() > 1


def test_a_dataset_that_surely_does_not_fit_is_refused_before_it_is_read(tmp_path):
    url = f"sqlite:///{tmp_path / 'd.db'}"
    first = DatabaseDataManager(SimpleETLFactory, [], url, "s", DataSource)
    first.startup()
    data = source(3)
    data.add_table("empty", pl.DataFrame(schema={f"c{n}": pl.Int64 for n in range(9)}))
    first.add_data_source(data)
    engine = first.engine
    with engine.begin() as connection:
        text = connection.exec_driver_sql("SELECT provenance FROM algomancy_datasets").scalar()
        assert '"bytes":24' in text.replace(" ", "")
        larger = text.replace(" ", "").replace('"bytes":24', f'"bytes":{200 * MIB}')
        connection.exec_driver_sql("UPDATE algomancy_datasets SET provenance = ?", (larger,))
    first.close()
    limited = DatabaseDataManager(SimpleETLFactory, [], url, "s", DataSource, memory_limit="256MiB")
    limited.startup()
    said = r"Dataset 'd' takes at least 209.7 MB of memory, and memory_limit=268,435,456 leaves"
    with pytest.raises(MemoryLimitError, match=said):
        limited.get_data("d")
    assert limited.get_data("d", lazy=True).get_table("t")["a"].to_list() == [0, 1, 2]
    assert limited.scan_table("d", "t").collect().height == 3
    limited.close()
    first.startup()
    assert first.get_data("d") is not None
    first.close()


class Payload(DataSource):
    """Is no tables, but has frames."""

    to_sql_tables = None

    def to_payload(self):
        return {"name": self.name}, self.tables

    @classmethod
    def from_payload(cls, metadata, tables):
        data = cls("master_data", **metadata)
        for name, table in tables.items():
            data.add_table(name, table)
        return data


def test_the_frames_of_a_payload_are_mapped_when_memory_need_not_hold_them(tmp_path):
    url = f"sqlite:///{tmp_path / 'd.db'}"
    manager = DatabaseDataManager(SimpleETLFactory, [], url, "s", Payload)
    manager.startup()
    data = Payload("master_data", name="d")
    data.add_table("t", pl.DataFrame({"a": pl.int_range(10_000, eager=True)}))
    manager.add_data_source(data)
    assert sqlalchemy.inspect(manager.engine).has_table("ds__s__d__t") is False
    manager.refresh()
    manager.store.memory = MemoryBudget(128 * MIB + 100_000)
    for lazy in (True, False):  # what is in memory would be given back
        table = manager.get_data("d", lazy=lazy).get_table("t")
        assert table.equals(data.get_table("t"))
        address = table["a"].get_chunks()[0].to_arrow().buffers()[1].address
        assert (address in FilePages()) is lazy
    manager.close()


def test_without_a_limit_what_is_available_counts():
    available = available_memory()
    if available is None:
        pytest.skip("the system does not say")
    MemoryBudget().check("It", None)
    MemoryBudget().check("It", 1 << 20)
    with pytest.raises(MemoryLimitError, match="are available"):
        MemoryBudget().check("It", 1 << 60)
    MemoryBudget.of("2000000TiB").check("It", 1 << 60)  # who says so, is believed


# --- what there is ----------------------------------------------------------------------------

MEMINFO = "MemTotal: 8000000 kB\nMemFree: 10 kB\nMemAvailable: 4000000 kB\nSwapFree: 1000 kB\n"


def system(root, groups, files):
    """Write what a system says of its memory and of the groups of a process."""
    texts = {"proc/meminfo": MEMINFO, "proc/self/cgroup": groups} | files
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return available_memory(root)


def group(limit, used, cached, *, version=2):
    """Return the files of a group."""
    names, prefix = ("memory.max", "memory.current"), ""
    if version == 1:
        names, prefix = ("memory.limit_in_bytes", "memory.usage_in_bytes"), "total_"
    return {
        names[0]: f"{limit}\n",
        names[1]: f"{used}\n",
        "memory.stat": f"anon 5\n{prefix}inactive_file {cached}\n{prefix}active_file 1\n",
    }


def within(path, files):
    return {f"sys/fs/cgroup/{path}/{name}": text for name, text in files.items()}


SWAP = 1_024_000


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        ("", {}, 4_096_000_000),
        ("0::/\n", within(".", group(1000, 900, 50)), 151),  # of a container
        ("0::/a/b\n", within("a/b", group("max", 900, 0)), 4_096_000_000),
        ("0::/a/b\n", within("a/b", group(1000, 0, 0)) | within("a", group(700, 600, 9)), 110),
        ("0::/host/only\n", within(".", group(1000, 400, 0)), 601),
        ("3:cpu:/\n4:memory:/x\n", within("memory/x", group(500, 100, 20, version=1)), 421),
        ("0::/\n", within(".", group(1000, 2000, 0)), 0),
    ],
)
def test_the_least_that_the_system_and_the_groups_leave_is_available(
    tmp_path, groups, files, expected
):
    assert system(tmp_path, groups, files) == expected + SWAP


def test_nobody_knows_where_the_system_does_not_say(tmp_path):
    assert available_memory(tmp_path) is None
    MemoryBudget().check("It", 1)
