"""Parameters as Arrow data: what ``pyarrow`` itself makes of them, in less time."""

from __future__ import annotations

import pyarrow as pa
import pytest
from adbc_driver_manager import DataError

from algomancy_data.database.adbc.parameters import bound

COLUMNS = [
    (["a"], pa.string()),
    (["", "é", "x" * 1_000], pa.string()),
    ([b"ab", b"", b"\0"], pa.binary()),
    ([1, -(2**31)], pa.int32()),
    ([1, 2**31], pa.int64()),
    ([2**63 - 1, -(2**63)], pa.int64()),
    ([None, None], pa.null()),
    (["a", None], pa.string()),
    ([1, None], pa.int32()),
    ([1.5, 2.0], pa.float64()),
    ([True, False], pa.bool_()),
    ([1, 1.5], pa.float64()),
]


@pytest.mark.parametrize(("values", "type_"), COLUMNS)
def test_a_column_of_parameters_is_the_array_that_pyarrow_makes(values, type_):
    rows = [(value,) for value in values]
    batch = bound(rows, rows)
    batch.validate(full=True)
    assert batch.column(0).equals(pa.array(values, type_))


@pytest.mark.parametrize("value", ["\ud800", 2**64, object()])
def test_what_has_no_type_is_said(value):
    with pytest.raises(DataError, match="A parameter has no Arrow type"):
        bound([(value,)], [(value,)])
