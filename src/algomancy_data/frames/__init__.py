"""Frames: anything tabular becomes one; their dtypes, values, and when two are identical."""
