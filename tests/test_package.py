import json
import subprocess
import sys

import pytest

import algomancy_data

SHOWN = ("markdown_it", "rich.console", "typer")
FOREIGN = (
    *SHOWN,
    "sqlalchemy",
    "pandas",
    "adbc_driver_manager",
    "adbc_driver_sqlite",
    "pyarrow",
)


def imported_by(program):
    """Return which of the heavy libraries a program imports."""
    program += f"; import sys; print(*[m for m in {('polars', *FOREIGN)!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()[-1].split()


def test_importing_the_package_imports_none_of_the_heavy_libraries():
    assert imported_by("import algomancy_data") == []


def test_what_is_not_about_databases_needs_polars_only():
    assert imported_by("from algomancy_data import *") == ["polars"]
    assert imported_by("import algomancy_data; algomancy_data.datamanager") == ["polars"]


ON_WINDOWS = r"""
import importlib, json, os, pkgutil, signal, socket, sys
from pathlib import Path
import algomancy_data
# What others are made of stays as it is here.
for module in sys.argv[1:]:
    importlib.import_module(module)
for name in ("fcntl", "grp", "pwd", "resource", "termios"):
    sys.modules[name] = None
for name in {*dir(os)} & {
    *("fork", "register_at_fork", "pread", "preadv", "pwrite", "pwritev", "mkfifo", "memfd_create"),
    *("sched_getaffinity", "geteuid", "getuid", "statvfs", "fchmod", "chown", "killpg", "setsid"),
    *("O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "O_SYNC", "posix_fallocate"),
}:
    delattr(os, name)
for module, names in (signal, ("SIGHUP", "SIGKILL", "SIGALRM")), (socket, ("AF_UNIX",)):
    for name in {*dir(module)} & {*names}:
        delattr(module, name)

for module in pkgutil.walk_packages(algomancy_data.__path__, "algomancy_data."):
    if not module.name.startswith(("algomancy_data.__main__", "algomancy_data.testing.")):
        importlib.import_module(module.name)
threads = [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]

from algomancy_data import Column, DataSource, DataType, ReadLimits, Schema, SimpleETLFactory
from algomancy_data.database import DatabaseDataManager
from algomancy_data.folder import FolderStore
from algomancy_data.folder.export import export_dataset

class Numbers(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "numbers", "csv", "single"
    N = Column("n", DataType.INTEGER, primary_key=True)

Path("numbers.csv").write_text("n\n" + "\n".join(map(str, range(5_000))))
limits = ReadLimits(in_memory_bytes=1_000)
with DatabaseDataManager(SimpleETLFactory, [Numbers], "sqlite:///numbers.db", "s") as manager:
    files = manager.prepare_files(file_items_with_path=[("numbers", "numbers.csv")])
    result = manager.etl_data(files, "numbers", read_limits=limits)
    data = manager.require_data("numbers")
    exported = export_dataset(data, Path("exported"), "csv")
    rows = data.get_table("numbers")["n"].to_list()
try:
    FolderStore(Path("folder"), DataSource)
    refused = None
except NotImplementedError as error:
    refused = str(error)
print(json.dumps({"threads": threads, "rows": rows, "refused": refused,
                  "exported": sorted(path.name for path in exported.iterdir())}))
"""
FOREIGN_MODULES = (
    *("asyncio", "concurrent.futures.process", "multiprocessing.context", "shutil", "subprocess"),
    *("adbc_driver_manager.dbapi", "polars", "pyarrow", "rich", "sqlalchemy", "typer"),
)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """What a process without all that Windows has not says of every module and a small run."""
    done = subprocess.run(
        [sys.executable, "-c", ON_WINDOWS, *FOREIGN_MODULES],
        cwd=tmp_path_factory.mktemp("elsewhere"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_no_import_starts_the_threads_of_polars(elsewhere):
    """A process that is forked later would wait for them forever."""
    assert [name for name in elsewhere["threads"] if name in {"polars-0", "tokio-rt-worker"}] == []


def test_every_module_is_imported_and_works_without_what_only_posix_systems_have(elsewhere):
    assert elsewhere["rows"] == list(range(5_000))
    assert elsewhere["exported"] == ["dataset.json", "numbers.csv"]


def test_a_folder_says_that_it_needs_locks_where_there_are_none(elsewhere):
    assert elsewhere["refused"].startswith("A folder of datasets needs locks of files that this")


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_need_no_heavy_library(option):
    program = f"import sys; sys.argv = ['algomancy-data', '{option}']"
    assert imported_by(f"{program}; from algomancy_data.cli import main; main()") == []


def test_the_help_of_a_listing_needs_no_library_of_data():
    program = "import sys; sys.argv = ['algomancy-data', 'ls', '--help']"
    imported = imported_by(f"{program}; from algomancy_data.cli import main; main()")
    assert {*imported} == {*SHOWN}


def test_what_the_package_does_not_have_is_named():
    with pytest.raises(AttributeError, match="'algomancy_data' has no attribute 'Nothing'"):
        algomancy_data.Nothing  # noqa: B018  asking is what is tested
    assert {"DataSource", "datamanager"} <= {*dir(algomancy_data)}


def test_the_public_names_are_sorted_and_exist():
    assert sorted(algomancy_data.__all__) == sorted(set(algomancy_data.__all__))
    assert [name for name in algomancy_data.__all__ if not hasattr(algomancy_data, name)] == []
