"""Frames: made from anything tabular; their dtypes, their values, and when two are identical."""
