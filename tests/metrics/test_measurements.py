"""What was measured, as values: sums, speeds, documents."""

from __future__ import annotations

import json

import pytest

from algomancy_data import (
    Metrics,
    PhaseMetrics,
)
from algomancy_data.provenance import Provenance


@pytest.mark.parametrize(("seconds", "speed"), [(2.0, 5.0), (0.0, 0.0)])
def test_rows_per_second(seconds, speed):
    assert PhaseMetrics("load", seconds, 10).rows_per_second == speed


def test_sums_are_none_where_a_part_is_not_known():
    known = PhaseMetrics("read", 1.0, 2, 0.5, 10, 20, 1_000, "a", 600, 400)
    metrics = Metrics([known, PhaseMetrics("read", 2.0, 3, dataset="b"), known])
    largest = {"peak_memory": 1_000, "anonymous_memory": 600, "mapped_memory": 400}
    assert metrics.by_phase() == {"read": PhaseMetrics("read", 4.0, 7, **largest)}
    assert (metrics.seconds, metrics.cpu_seconds, metrics.peak_memory) == (4.0, None, 1_000)
    twice = Metrics([known, known]).by_phase()["read"]
    assert twice == PhaseMetrics("read", 2.0, 4, 1.0, 20, 40, 1_000, "a", 600, 400)
    nothing = dict.fromkeys(("peak_memory", "anonymous_memory", "mapped_memory"))
    assert Metrics().to_dict() == {"seconds": 0, "cpu_seconds": 0, "phases": []} | nothing


def test_a_document_of_an_earlier_and_of_a_later_version_is_read():
    old = {"phases": [{"phase": "extract", "seconds": 0.5, "rows": 2}]}
    assert Metrics.from_dict(old) == (PhaseMetrics("extract", 0.5, 2),)
    assert Provenance.from_dict(old).phases == (PhaseMetrics("extract", 0.5, 2),)
    later = {"phases": [old["phases"][0] | {"joules": 3}], "watts": 4}
    assert Metrics.from_dict(later) == Metrics.from_dict(old)
    stored = json.loads(json.dumps(Provenance(phases=Metrics.from_dict(old)).to_dict()))
    assert Provenance.from_dict(stored).phases == Metrics.from_dict(old)
