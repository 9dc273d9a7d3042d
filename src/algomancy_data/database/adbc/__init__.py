"""SQLAlchemy and PEP 249 over ADBC: what the drivers of all databases have in common.

ADBC's SQLite driver carries its own SQLite library, and two libraries must never have one file
open in one process (https://www.sqlite.org/howtocorrupt.html, section 2.2.1). So SQLAlchemy does
not get a driver of its own beside the bulk path: it speaks through ADBC as well.
"""
