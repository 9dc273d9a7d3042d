from __future__ import annotations

import polars as pl
import pytest

from algomancy_data.database.codec import ForeignValueError, decoded, first_failure
from algomancy_data.database.layout import ColumnLayout

LAYOUT = ColumnLayout("Amount", pl.Int8(), "amount", "integer", "smallint")


def test_a_value_of_somebody_else_is_said_with_its_column_and_row():
    error = ForeignValueError(LAYOUT, "t", "1,000").at(1234)
    assert error.problem == "column 'Amount' holds 1,000, in row 1,234"
    assert str(error) == (
        "Column 'amount' of table 't' holds 1,000, in row 1,234. Undo the change, or delete the "
        "dataset and load it again."
    )
    assert error.at(None).problem == "column 'Amount' holds 1,000"


@pytest.mark.parametrize("row", range(5))
def test_the_first_value_that_cannot_be_decoded_is_found(row):
    texts = ["1", None, "2", "3", "4"]
    texts[row:] = ["x" * 200] * (5 - row)
    stored = pl.DataFrame({"0": texts})
    value = pl.col("0").cast(pl.Int8)
    assert first_failure(stored, value) == row
    with pytest.raises(ForeignValueError) as caught:
        decoded(stored, [LAYOUT], [value], "t")
    assert caught.value.row == row
    assert caught.value.what == (
        f"'{'x' * 59}…, which is no Int8 and was not written by this package"
    )
    assert first_failure(stored.head(row), value) is None
