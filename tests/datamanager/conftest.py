"""The module of schemas that workers import."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

_HERE = str(Path(__file__).parent)


@pytest.fixture
def parted(monkeypatch):
    """The module of schemas, by the name that workers import."""
    monkeypatch.syspath_prepend(_HERE)
    monkeypatch.setenv("PYTHONPATH", _HERE)
    import parted  # noqa: PLC0415

    yield parted
    del sys.modules["parted"]
