"""For those who write a store: the contract that every DataManager keeps, as tests.

Needs the extra ``algomancy-data[testing]``.
"""

from algomancy_data.errors import MissingExtraError

try:
    import hypothesis
    import pytest
except ImportError as error:
    raise MissingExtraError.from_extra("algomancy_data.testing", "testing") from error

from algomancy_data.testing.comparison import assert_identical
from algomancy_data.testing.manager_contract import DataManagerContract
from algomancy_data.testing.sample_frames import any_frame, sample_frames

del hypothesis, pytest

__all__ = ["DataManagerContract", "any_frame", "assert_identical", "sample_frames"]
