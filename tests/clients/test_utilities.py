"""``algomancy_utils`` is used where it is installed, and never required."""

from __future__ import annotations

import importlib.util

import pytest

from algomancy_data import DataClassification, DataSource
from algomancy_data.datasource.parameters import BaseParameterSet, EmptyParameters


@pytest.mark.long
def test_parameters_are_those_of_the_framework_where_it_is_installed(ours):
    steps = ours.run(("parameters", {}))["parameters"][""]
    assert steps == {"module": "algomancy_utils.baseparameterset", "inputs": False, "logged": True}


def test_parameters_are_our_own_where_it_is_not():
    assert importlib.util.find_spec("algomancy_utils") is None
    parameters = DataSource(DataClassification.MASTER_DATA, name="a").initialize_data_parameters()
    assert type(parameters) is EmptyParameters
    assert isinstance(parameters, BaseParameterSet)
    assert EmptyParameters.__module__ == "algomancy_data.datasource.parameters"
