"""Nested columns taken apart, to compare two of them to the last bit."""

from __future__ import annotations

from algomancy_data.identity import identical, leaves

__all__ = ["identical", "leaves"]
