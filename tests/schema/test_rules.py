from __future__ import annotations

import pytest
from polars.exceptions import ComputeError

from algomancy_data.schema.rules import reason_of


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("it is wrong:\n\nplan", "it is wrong"),
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 200 + "…"),
    ],
    ids=["a plan", "short", "long"],
)
def test_a_reason_is_one_line_that_is_not_long(text, reason):
    assert reason_of(ComputeError(text)) == reason
