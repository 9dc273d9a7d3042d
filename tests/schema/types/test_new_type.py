"""A type that the package does not have takes one module, and a line in each of two lists."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import algomancy_data

HERE = Path(__file__).parent
MODULE = HERE / "toy" / "time_of_day.py"


def insert(path: Path, line: str, before: str) -> None:
    text = path.read_text()
    assert text.count(before) == 1
    path.write_text(text.replace(before, f"{line}\n{before}"))


@pytest.mark.long
def test_a_type_of_one_module_does_what_every_type_does(tmp_path):
    package = tmp_path / "algomancy_data"
    shutil.copytree(
        Path(algomancy_data.__file__).parent,
        package,
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    types = package / "schema" / "types"
    shutil.copy(MODULE, types)
    insert(
        types / "__init__.py",
        "from algomancy_data.schema.types.time_of_day import TimeOfDayType",
        "\nCOLUMN_TYPES: Final",
    )
    insert(types / "__init__.py", "        TimeOfDayType(),", "        IntervalType(),")
    insert(package / "schema" / "kinds.py", '    TIME_OF_DAY = "time"', '    INTERVAL = "interval"')

    tests = [HERE / "test_types.py", HERE / "test_slices.py"]
    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-k",
            "TIME_OF_DAY",
            *tests,
        ],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        cwd=HERE.parents[2],
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "5 passed" in ran.stdout
