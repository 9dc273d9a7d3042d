"""SQLAlchemy's plugin takes pytest over: test_compliance.py runs what is in ``suite`` by itself."""

collect_ignore = ["suite"]
