"""Where the ADBC drivers, or the dialects on purpose, do other than SQLAlchemy's suite expects.

The page docs/dialects.md tells users of them.
"""

# By database, the requirements of the suite that a driver does not meet.
DRIVER_LACKS = {
    "postgresql": {
        "json_deserializer_binary": "JSON comes as text, which a json_deserializer gets",
    },
    "sqlite": {
        "regexp_match": "SQLite calls a function for REGEXP, and the driver cannot register one",
    },
}

# By database, the classes of tests that fail, with the tests.
FAILURES = {
    "postgresql": {},
    "sqlite": {
        # These tests empty a table that a foreign key refers to by columns without a key.
        "UnicodeSchemaTest": ["test_col_targeting", "test_insert", "test_reflect", "test_repr"],
    },
}
