"""The longest tests come first; modules are imported from here."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.append(str(HERE))


def pytest_collection_modifyitems(items):
    """Begin with the long of these tests: nothing takes as long, and all else fits beside them."""
    items.sort(key=lambda item: HERE not in item.path.parents)
