"""References to cells: openpyxl knows them too."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openpyxl.utils import cell as openpyxl

from algomancy_data.errors import FileContentError
from algomancy_data.file.workbook.cell_references import (
    COLUMNS,
    ROWS,
    beyond,
    cell_at,
    column_letters,
    column_number,
)

CELLS = st.tuples(st.integers(0, ROWS - 1), st.integers(0, COLUMNS - 1))


def test_every_column_has_the_letters_that_openpyxl_gives_it():
    for number in range(COLUMNS):
        letters = column_letters(number)
        assert letters == openpyxl.get_column_letter(number + 1)
        assert column_number(letters) == column_number(letters.lower()) == number


@given(CELLS)
def test_a_reference_is_that_cell_however_it_is_written(cell):
    row, column = cell
    reference = f"{openpyxl.get_column_letter(column + 1)}{row + 1}"
    for written in (reference, reference.lower(), openpyxl.absolute_coordinate(reference)):
        assert cell_at(written) == cell


@pytest.mark.parametrize(
    "reference", ["", "A", "1", "A0", "A1:B2", "A-1", "A1 ", "\u0391" + "1", "R1C1"]
)
def test_what_is_no_reference_is_refused(reference):
    with pytest.raises(FileContentError, match="a cell at"):
        cell_at(reference)


@pytest.mark.parametrize("reference", ["XFE1", "ZZZ1", "A1048577", "A9999999"])
def test_a_cell_behind_the_end_of_a_sheet_is_refused_with_that_end(reference):
    with pytest.raises(FileContentError, match=rf"'{reference}'; a sheet ends at 'XFD1048576'"):
        cell_at(reference)


@given(CELLS, CELLS)
@example((0, 0), (0, 0))
@example((9, 25), (99, 26))
def test_what_lies_outside_a_range_is_told_by_its_text(last, cell):
    pattern = re.compile(beyond(last[1], last[0]))
    reference = f"{openpyxl.get_column_letter(cell[1] + 1)}{cell[0] + 1}"
    is_outside = cell[0] > last[0] or cell[1] > last[1]
    assert (pattern.fullmatch(reference) is not None) is is_outside
