"""A store to work on."""

from __future__ import annotations

import pytest


@pytest.fixture
def filled(store, source):
    """A store with a dataset."""
    manager = store.manager()
    manager.add_data_source(source("a"))
    manager.close()
    return store
