from __future__ import annotations

import pytest

from algomancy_data.schema import (
    Column,
    ColumnGroup,
    DataType,
)


@pytest.mark.parametrize("flag", ["parent_requires_child", "track_partial_loss"])
def test_a_relation_flag_without_foreign_key_is_a_value_error_that_names_it(flag):
    with pytest.raises(ValueError, match=flag):
        Column("x", DataType.STRING, **{flag: True})
    assert getattr(Column("x", DataType.STRING, foreign_key=("p", "y"), **{flag: True}), flag)


def test_a_column_is_mutable_and_required_and_free_of_constraints_unless_told_otherwise():
    column = Column("x", DataType.STRING)
    column.nullable = True
    assert column == Column(
        "x",
        DataType.STRING,
        optional=False,
        primary_key=False,
        default=None,
        nullable=True,
        unique=False,
        description="",
        foreign_key=None,
        parent_requires_child=False,
        track_partial_loss=False,
    )
    assert ColumnGroup("g", []).source_path == ()
