"""XLSX workbooks: their sheets as frames, and single cells as the file writes them."""

from algomancy_data.file.workbook.cells import CellKind
from algomancy_data.file.workbook.sheet import SheetTable, read_sheet, typed
from algomancy_data.file.workbook.workbook import Workbook

__all__ = ["CellKind", "SheetTable", "Workbook", "read_sheet", "typed"]
