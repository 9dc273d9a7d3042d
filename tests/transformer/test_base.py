from __future__ import annotations

import polars as pl
import pytest

from algomancy_data.messages import ValidationMessage, ValidationSeverity
from algomancy_data.transformer import NoopTransformer, Transformer

FRAME = pl.DataFrame({"a": [1, 2]})


class Puts(Transformer):
    """Puts a table into the mapping."""

    def __init__(self, table, frame):
        super().__init__(f"Puts {table}")
        self.table = table
        self.frame = frame

    def transform(self, data):
        data[self.table] = self.frame
        self.messages.append(ValidationMessage(ValidationSeverity.INFO, self.table))


def test_a_transformer_has_a_name_a_logger_and_no_messages():
    transformer = Puts("t", FRAME)
    assert transformer.name == "Puts t"
    assert transformer.messages == []
    transformer._logger.log("works without a logger of one's own")


def test_a_transformer_needs_no_name():
    class Bare(Transformer):
        def transform(self, data):
            data.clear()

    assert Bare().name == "Abstract Transformer"


def test_a_transformer_must_say_how_it_transforms():
    with pytest.raises(TypeError, match="transform"):
        Transformer()


def test_noop_returns_the_same_object():
    data = {"t": FRAME}
    assert NoopTransformer().transform(data) is data
    assert data == {"t": FRAME}
    assert NoopTransformer().name == "No Operation Transformer"
