"""A value that a frame would change is refused."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from algomancy_data.errors import FrameError
from algomancy_data.frames.tabular import to_frame

ZONED = dt.time(1, 2, tzinfo=dt.UTC)


NANO = pd.Timestamp("2024-01-01T00:00:00.123456789")


AWARE, NAIVE = dt.datetime(2024, 1, 1, tzinfo=dt.UTC), dt.datetime(2024, 1, 1)


CHANGED = {
    "a day far away": {"a": np.array([2**40, 1], "datetime64[D]")},
    "days of numpy in a list": {"a": [np.datetime64("2024-01-01"), None]},
    "days of numpy in arrays": {"a": [np.array([1, 2], "datetime64[D]")]},
    "a time with a zone": {"a": [ZONED]},
    "a time with a zone in rows": [{"a": ZONED}],
    "a time with a zone in lists": {"a": [[ZONED], None]},
    "a time with a zone in structs": {"a": [{"x": ZONED}]},
    "a time with a zone in pandas": pd.DataFrame({"a": [ZONED]}),
    "the longest duration": {"a": [dt.timedelta.max]},
    "the longest duration in lists": {"a": [[dt.timedelta.max]]},
    "nanoseconds": {"a": [NANO]},
    "nanoseconds in rows": [{"a": NANO}],
    "nanoseconds of a duration": {"a": [pd.Timedelta(1, "ns")]},
    "a zone and none": {"a": [AWARE, NAIVE]},
    "none and a zone": {"a": [NAIVE, AWARE]},
    "a large number among floats": {"a": [0.5, 2**53 + 1]},
    "a large number in rows": [{"a": 2**53 + 1}, {"a": 0.5}],
    "truth among numbers": {"a": [2, True]},
    "text and a number in rows": [{"a": 1}, {"a": "x"}],
    "text and a number in lists of rows": [{"a": [1]}, {"a": ["x"]}],
    "text and a number in tuples": [(1, 0), ("x", 0), (2, 0)],
}


@pytest.mark.parametrize("table", CHANGED.values(), ids=CHANGED)
def test_a_value_that_a_frame_would_change_is_refused(table):
    with pytest.raises(FrameError, match=r"^Table 't'.* of one type") as caught:
        to_frame(table, "t")
    assert "supertype" not in str(caught.value)


@pytest.mark.parametrize(
    "values",
    [
        [[True], [1]],
        [[[True]], [[1]]],
        [[0.1], [2**53 + 1]],
        [{"x": 1}, {"y": 2}],
        [{"x": [0.1]}, {"x": [2**53 + 1]}],
        [{}, {"x": 1}],
    ],
)
def test_a_changed_value_inside_others_is_refused(values):
    with pytest.raises(FrameError, match=r"'a' would have|cannot be turned"):
        to_frame({"a": values})
