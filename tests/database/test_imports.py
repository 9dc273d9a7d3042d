"""What is imported when, and what happens without the extra."""

from __future__ import annotations

import subprocess
import sys

import pytest

DATABASE_PACKAGES = "{'sqlalchemy', 'pandas', 'adbc_driver_manager', 'adbc_driver_sqlite'}"

BLOCKED = """
import sys
from importlib.abc import MetaPathFinder

class Blocker(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "{package}":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Blocker())
import algomancy_data
try:
    import algomancy_data.database
except ImportError as error:
    print(type(error).__name__, error)
"""


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_package_itself_imports_no_database_and_no_pandas():
    found = run(f"import sys, algomancy_data; print({DATABASE_PACKAGES} & sys.modules.keys())")
    assert found == "set()\n"


def test_the_database_works_without_pandas():
    assert run(BLOCKED.format(package="pandas")) == ""


@pytest.mark.parametrize("package", ["sqlalchemy", "adbc_driver_manager", "adbc_driver_sqlite"])
def test_without_the_extra_the_error_names_it(package):
    said = run(BLOCKED.format(package=package))
    assert said.startswith("MissingExtraError algomancy_data.database needs packages")
    assert "pip install 'algomancy-data[database]'" in said


def test_the_dialect_is_found_without_importing_the_package():
    code = "import sqlalchemy; print(sqlalchemy.create_engine('sqlite+adbc://').dialect.driver)"
    assert run(code) == "adbc\n"
