"""The programs of the child processes import each other as a program's own modules."""

from pathlib import Path

HERE = Path(__file__).parent

collect_ignore_glob = ["child.py", "reading.py", "readers/*"]


def pytest_collection_modifyitems(items):
    """Begin with these tests: nothing takes as long, and all else fits beside them."""
    items.sort(key=lambda item: HERE not in item.path.parents)
