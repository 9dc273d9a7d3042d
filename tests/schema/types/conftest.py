"""A column of text, read in a declared type."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from algomancy_data.extractor import ConversionIssue, DataTypeConverter, TextConventions

if TYPE_CHECKING:
    from collections.abc import Callable

    from algomancy_data.schema import DataType


@pytest.fixture(scope="session")
def read() -> Callable[..., pl.Series]:
    """Read texts, of which each has to be a value."""

    def read(texts: pl.Series | list[str], target: DataType, **conventions: object) -> pl.Series:
        issues: list[ConversionIssue] = []
        frame = pl.DataFrame({"c": pl.Series(texts, dtype=pl.String)})
        converted = DataTypeConverter.convert_dtypes(
            frame, {"c": target}, issues, conventions=TextConventions(**conventions)
        )["c"]
        assert issues == []
        return converted

    return read
