"""The tables that anyone can make again."""

from __future__ import annotations

import subprocess
import sys

import pytest

from algomancy_data import (
    testing,
)


@pytest.mark.parametrize("package", ["pytest", "hypothesis"])
def test_the_workloads_need_no_extra_and_the_contract_names_it(package):
    program = f"""
import sys
sys.modules[{package!r}] = None
from algomancy_data.testing import assert_identical, workloads
print(workloads.orders(3).height)
try:
    from algomancy_data.testing import DataManagerContract
except ImportError as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True
    )
    rows, said = done.stdout.splitlines()
    assert rows == "3"
    assert said.startswith("MissingExtraError algomancy_data.testing.DataManagerContract needs")
    assert "algomancy-data[testing]" in said


def test_the_names_of_the_testing_package_are_what_they_say():
    assert callable(testing.sample_frames)
    assert {name for name in testing.__all__ if not hasattr(testing, name)} == set()
    with pytest.raises(AttributeError, match="no attribute 'missing'"):
        testing.missing  # noqa: B018  asking is the test
