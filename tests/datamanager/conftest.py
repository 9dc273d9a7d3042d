"""The module of schemas that workers import."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def parted(workers_import):
    """The module of schemas."""
    return workers_import(Path(__file__).parent, "parted")
