import subprocess
import sys

import pytest

import algomancy_data

FOREIGN = ("sqlalchemy", "pandas", "adbc_driver_manager", "adbc_driver_sqlite", "pyarrow")


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


def test_no_import_starts_the_threads_of_polars():
    """A process that is forked later would wait for them forever."""
    program = """
import pkgutil
from pathlib import Path
import algomancy_data
for module in pkgutil.walk_packages(algomancy_data.__path__, "algomancy_data."):
    if not module.name.startswith(("algomancy_data.__main__", "algomancy_data.testing.")):
        __import__(module.name)
print(*(path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    threads = done.stdout.splitlines()[-1].split()
    assert [name for name in threads if name in {"polars-0", "tokio-rt-worker"}] == []


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_need_no_heavy_library(option):
    program = f"import sys; sys.argv = ['algomancy-data', '{option}']"
    assert imported_by(f"{program}; from algomancy_data.cli import main; main()") == []


def test_what_the_package_does_not_have_is_named():
    with pytest.raises(AttributeError, match="'algomancy_data' has no attribute 'Nothing'"):
        algomancy_data.Nothing  # noqa: B018  asking is what is tested
    assert {"DataSource", "datamanager"} <= {*dir(algomancy_data)}


def test_the_public_names_are_sorted_and_exist():
    assert sorted(algomancy_data.__all__) == sorted(set(algomancy_data.__all__))
    assert [name for name in algomancy_data.__all__ if not hasattr(algomancy_data, name)] == []
