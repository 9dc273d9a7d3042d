"""Quarantine: bad rows are kept apart, so that the good ones can be loaded now."""

from algomancy_data.quarantine.settings import Quarantine

__all__ = ["Quarantine"]
