"""Assertion that two frames are identical."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polars.testing import assert_frame_equal

from algomancy_data.frames.identical import identical

if TYPE_CHECKING:
    import polars as pl


def assert_identical(actual: pl.DataFrame, expected: pl.DataFrame) -> None:
    """Make sure that two frames have the same schema, shape and values, in the same order.

    NaN is NaN, null is null, and 0.0 is not -0.0.

    Raises:
        AssertionError: They differ; the message says where.

    Example:
        >>> import polars as pl
        >>> assert_identical(pl.DataFrame({"x": [0.0]}), pl.DataFrame({"x": [-0.0]}))
        Traceback (most recent call last):
        ...
        AssertionError: column 'x': the signs of zeros differ
    """
    if list(actual.schema.items()) != list(expected.schema.items()):
        msg = f"the schema is {actual.schema} instead of {expected.schema}"
        raise AssertionError(msg)
    if actual.shape != expected.shape:
        msg = f"the shape is {actual.shape} instead of {expected.shape}"
        raise AssertionError(msg)
    assert_frame_equal(actual, expected, check_exact=True)
    for name in expected.columns:
        if not identical(actual[name], expected[name]):
            msg = f"column {name!r}: the signs of zeros differ"
            raise AssertionError(msg)
