"""Engines on other drivers than ADBC, through SQLAlchemy."""
