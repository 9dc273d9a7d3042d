from __future__ import annotations

import logging

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

from algomancy_data.errors import ComponentError, FrameError
from algomancy_data.messages import ValidationMessage, ValidationSeverity
from algomancy_data.transformer import NoopTransformer, TransformationSequence, Transformer

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


def test_without_transformers_the_tables_come_out_as_they_went_in():
    data = {"t": FRAME}
    out = TransformationSequence().run_transformation(data)
    assert out is not data
    assert_frame_equal(out["t"], FRAME)


def test_transformers_run_in_order_and_the_mapping_handed_in_stays():
    data = {"t": FRAME}
    sequence = TransformationSequence([Puts("u", FRAME.head(1))])
    sequence.add_transformer(Puts("t", FRAME.tail(1)))
    sequence.add_transformers([Puts("u", FRAME.head(0))])
    out = sequence.run_transformation(data)
    assert {name: frame.height for name, frame in out.items()} == {"t": 1, "u": 0}
    assert list(data) == ["t"]
    assert data["t"].height == 2


def test_a_frame_changed_in_place_does_not_change_the_one_handed_in():
    class InPlace(Transformer):
        def transform(self, data):
            data["t"].insert_column(0, pl.Series("new", [0, 0]))

    data = {"t": FRAME.clone()}
    out = TransformationSequence([InPlace()]).run_transformation(data)
    assert out["t"].columns == ["new", "a"]
    assert data["t"].columns == ["a"]


def test_tables_can_be_removed():
    class Removes(Transformer):
        def transform(self, data):
            data.clear()

    assert TransformationSequence([Removes()]).run_transformation({"t": FRAME}) == {}


@pytest.mark.parametrize(
    "table", [pd.DataFrame({"a": [1, 2]}), pa.table({"a": [1, 2]}), FRAME.lazy(), {"a": [1, 2]}]
)
def test_what_a_transformer_puts_in_is_turned_into_polars_for_the_next_one(table):
    class Needs(Transformer):
        def transform(self, data):
            assert_frame_equal(data["t"], FRAME)

    out = TransformationSequence([Puts("t", table), Needs()]).run_transformation({})
    assert_frame_equal(out["t"], FRAME)
    assert_frame_equal(TransformationSequence().run_transformation({"t": table})["t"], FRAME)


def test_what_is_no_table_is_named():
    with pytest.raises(FrameError, match="'t'"):
        TransformationSequence([Puts("t", 5)]).run_transformation({})


def test_messages_are_those_of_the_last_run():
    sequence = TransformationSequence([Puts("t", FRAME), Puts("u", FRAME)])
    assert sequence.collect_messages() == []
    for _ in range(3):
        sequence.run_transformation({})
        assert [message.message for message in sequence.collect_messages()] == ["t", "u"]


@pytest.mark.parametrize("attributes", [{}, {"messages": None}])
def test_anything_with_transform_is_a_transformer(attributes):
    def transform(_, data):
        data["t"] = FRAME

    duck = type("Duck", (), {"transform": transform, **attributes})()
    sequence = TransformationSequence([duck])
    assert list(sequence.run_transformation({})) == ["t"]
    assert sequence.collect_messages() == []


def test_another_mapping_that_comes_back_does_not_count_but_is_reported():
    class Returns(Transformer):
        def transform(self, data):
            return {**data, "new": FRAME}

    sequence = TransformationSequence([Returns("maker"), NoopTransformer()])
    assert list(sequence.run_transformation({"t": FRAME})) == ["t"]
    [message] = sequence.collect_messages()
    assert message.severity == ValidationSeverity.WARNING
    assert message.code == "TRANSFORM_RESULT_IGNORED"
    assert "'maker'" in message.message


def test_each_transformer_is_logged(caplog):
    with caplog.at_level(logging.INFO, "mine"):
        TransformationSequence([Puts("t", FRAME)], logging.getLogger("mine")).run_transformation({})
    assert caplog.messages == ["Transformed by 'Puts t': 1 table."]


def test_an_error_in_a_transformer_comes_out():
    class Broken(Transformer):
        def transform(self, data):
            raise LookupError(str(len(data)))

    with pytest.raises(LookupError):
        TransformationSequence([Broken()]).run_transformation({})


def test_what_is_no_message_is_refused_with_the_name_of_the_transformer():
    class Chatty(Transformer):
        def transform(self, data):
            self.messages.append("done")

    sequence = TransformationSequence([Chatty()])
    sequence.run_transformation({"t": FRAME})
    with pytest.raises(ComponentError, match="'Chatty' has an object of str among its messages"):
        sequence.collect_messages()
