"""Quarantine: bad rows are set apart, so that good ones can be loaded."""

from algomancy_data.quarantine.settings import Quarantine

__all__ = ["Quarantine"]
