import copy

import polars as pl

from algomancy_data import ETLResult, PhaseMetrics


def test_a_result_without_validation_has_no_messages():
    assert ETLResult("failed").messages == []


def test_a_result_takes_phases_as_a_plain_tuple():
    result = ETLResult("failed", metrics=(PhaseMetrics("extract", 0.5, 2),))
    assert result.metrics.seconds == 0.5
    assert ETLResult("failed").metrics == ()


def test_the_outcome_of_a_run_can_be_copied_deeply():
    result = ETLResult("failed")
    result.sizes.of(pl.DataFrame({"x": [1]}))
    assert copy.deepcopy(result).status == "failed"
