"""The longest tests come first."""

from pathlib import Path

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    """Begin with these tests: nothing takes as long, and all else fits beside them."""
    items.sort(key=lambda item: HERE not in item.path.parents)
