"""Rows in quarantine go out to a spreadsheet, and come back."""

from __future__ import annotations

import polars as pl
import pytest

from algomancy_data import Quarantine
from algomancy_data.errors import QuarantineError
from algomancy_data.quarantine.sheets import read_sheet, write_sheet

ROWS = pl.DataFrame(
    {
        "day": ["2024-02-30", 'a "b", c', None],
        "amount": [1.5, None, 2.0],
        "_row": pl.Series([1, 4, 9], dtype=pl.UInt32),
        "_reasons": [["A"], ["A", "B"], []],
        "_messages": [["one"], ["one", "two"], []],
    }
)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_rows_come_back_as_text_whatever_a_spreadsheet_puts_between_them(tmp_path, separator):
    settings = Quarantine()
    write_sheet(ROWS, tmp_path / "out.csv", settings)
    shown = pl.read_csv(tmp_path / "out.csv", infer_schema=False)
    assert shown["_messages"].to_list()[1] == "one; two"
    shown.write_csv(tmp_path / "back.csv", separator=separator)
    back = read_sheet(tmp_path / "back.csv", settings)
    assert back.rows() == [("2024-02-30", "1.5", "1"), ('a "b", c', None, "4"), (None, "2.0", "9")]


def test_what_is_no_such_sheet_is_refused(tmp_path):
    (tmp_path / "x.csv").write_text("day,amount\n2024-02-29,1\n")
    with pytest.raises(QuarantineError, match="no column '_row'"):
        read_sheet(tmp_path / "x.csv", Quarantine())
    for content in (
        b"",
        b"_row,day\n1,2,3\n",
        b'_row,day\n1,"2\n',
        "_row,day\n1,ü\n".encode("cp1252"),
    ):
        (tmp_path / "x.csv").write_bytes(content)
        with pytest.raises(QuarantineError, match=r"are no CSV table\. Write them in UTF-8, each"):
            read_sheet(tmp_path / "x.csv", Quarantine())
