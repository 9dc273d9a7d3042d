"""XLSX: a sheet is a table; the reading of workbooks is in :mod:`algomancy_data.file.workbook`."""
