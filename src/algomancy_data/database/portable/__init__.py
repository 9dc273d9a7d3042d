"""Engines on other drivers: rows as Python objects, on the engine's own connection.

It is exact like the others, and slow: it is for users who must bring their engine, since a second
driver beside theirs on one SQLite file would lose data.
"""
