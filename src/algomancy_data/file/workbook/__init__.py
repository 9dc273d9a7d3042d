"""XLSX workbooks: their sheets as frames, and single cells as the file writes them."""

from algomancy_data.file.workbook.cells import Kind
from algomancy_data.file.workbook.sheet import SheetTable, read_sheet, typed
from algomancy_data.file.workbook.workbook import Workbook

__all__ = ["Kind", "SheetTable", "Workbook", "read_sheet", "typed"]
