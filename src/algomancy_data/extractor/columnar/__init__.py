"""Parquet and Arrow: a file is a table of columns."""
