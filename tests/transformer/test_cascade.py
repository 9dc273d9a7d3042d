from __future__ import annotations

import logging
from decimal import Decimal

import polars as pl
import pytest

from algomancy_data.messages import ValidationSeverity
from algomancy_data.relations import Relation
from algomancy_data.relations.cascade import CascadeRule
from algomancy_data.schema import Column, ColumnGroup, DataType, Schema
from algomancy_data.transformer import (
    CascadeDropTransformer,
    CascadeSnapshot,
    TransformationSequence,
    Transformer,
)

ERROR, WARNING = ValidationSeverity.ERROR, ValidationSeverity.WARNING
ORDER = Relation("lines", ("order",), "orders", ("id",))
STRICT = Relation("lines", ("order",), "orders", ("id",), parent_requires_child=True)
TRACKED = Relation("lines", ("order",), "orders", ("id",), track_partial_loss=True)


def cascade(relations, snapshot=None, **tables):
    """Run a cascade, and return the transformer and the tables."""
    data = {name: pl.DataFrame(table) for name, table in tables.items()}
    transformer = CascadeDropTransformer(extra_relations=relations, snapshot=snapshot)
    transformer.transform(data)
    return transformer, data


def dropped(transformer):
    return [(drop.table, drop.rule.name, drop.rows().to_list()) for drop in transformer.drops]


def found(transformer):
    return [(m.severity, m.code, m.table, m.column, m.row) for m in transformer.messages]


def test_a_child_whose_key_no_parent_has_is_dropped():
    transformer, data = cascade([ORDER], orders={"id": [1, 2]}, lines={"order": [1, 3, 2, 3]})
    assert data["lines"]["order"].to_list() == [1, 2]
    assert data["orders"]["id"].to_list() == [1, 2]
    assert found(transformer) == [(ERROR, "CASCADE_ORPHAN_DROP", "lines", "order", None)]
    assert transformer.messages[0].count == 2
    assert transformer.messages[0].message == (
        "2 row(s) dropped from 'lines' by CASCADE_ORPHAN_DROP on relation lines.order->orders.id"
    )


def test_a_child_without_a_complete_key_refers_to_nothing_and_stays():
    relation = Relation("c", ("x", "y"), "p", ("a", "b"))
    transformer, data = cascade(
        [relation],
        c={"x": [1, 1, None, 1, None], "y": ["a", "b", "z", None, None]},
        p={"a": [1, None], "b": ["a", "z"]},
    )
    assert data["c"].rows() == [(1, "a"), (None, "z"), (1, None), (None, None)]
    assert found(transformer) == [(ERROR, "CASCADE_ORPHAN_DROP", "c", "x,y", None)]
    assert transformer.messages[0].message.endswith("on relation c.x,y->p.a,b")


def test_a_parent_without_a_required_child_is_dropped_one_without_a_key_too():
    transformer, data = cascade(
        [STRICT], orders={"id": [1, 2, None]}, lines={"order": [1, None, 1]}
    )
    assert data["orders"]["id"].to_list() == [1]
    assert data["lines"].height == 3
    assert dropped(transformer) == [("orders", "REQUIRED_CHILD", [1, 2])]
    assert found(transformer) == [(ERROR, "CASCADE_REQUIRED_CHILD_DROP", "orders", "id", None)]


def test_a_parent_whose_only_child_is_an_orphan_elsewhere_goes_with_it():
    item = Relation("lines", ("item",), "items", ("id",))
    transformer, data = cascade(
        [STRICT, item],
        orders={"id": [1, 2]},
        lines={"order": [1, 2, 2], "item": ["a", "?", "?"]},
        items={"id": ["a"]},
    )
    assert data["orders"]["id"].to_list() == [1]
    assert data["lines"].rows() == [(1, "a")]
    assert dropped(transformer) == [
        ("lines", "ORPHAN", [1, 2]),
        ("orders", "REQUIRED_CHILD", [1]),
    ]


@pytest.mark.parametrize("length", [1, 2, 5])
def test_a_loss_goes_down_a_chain_of_tables_in_any_order_of_the_relations(length):
    relations = [Relation(f"t{n + 1}", ("up",), f"t{n}", ("id",)) for n in range(length)]
    tables = {f"t{n}": {"id": [1, 2], "up": [1, 2]} for n in range(1, length + 1)}
    for ordered in (relations, relations[::-1]):
        transformer, data = cascade(ordered, t0={"id": [2]}, **tables)
        assert all(frame["id"].to_list() == [2] for frame in data.values())
        assert len(transformer.messages) == length


def test_losses_of_all_passes_are_one_message_for_a_table_rule_and_relation():
    relations = [
        Relation("a", ("b",), "b", ("id",)),
        Relation("b", ("a",), "a", ("id",)),
    ]
    transformer, data = cascade(
        relations,
        a={"id": [1, 2, 3], "b": [9, 1, 2]},
        b={"id": [1, 2, 3], "a": [1, 2, 3]},
    )
    assert {name: frame.height for name, frame in data.items()} == {"a": 0, "b": 0}
    assert [message.message.split(" on ")[0] for message in transformer.messages] == [
        "3 row(s) dropped from 'a' by CASCADE_ORPHAN_DROP",
        "3 row(s) dropped from 'b' by CASCADE_ORPHAN_DROP",
    ]


def test_a_cycle_of_rows_that_need_each_other_stays():
    relations = [
        Relation("a", ("b",), "b", ("id",), parent_requires_child=True),
        Relation("b", ("a",), "a", ("id",), parent_requires_child=True),
    ]
    transformer, data = cascade(
        relations, a={"id": [1, 2], "b": [1, 2]}, b={"id": [1, 2], "a": [2, 1]}
    )
    assert data["a"].height == data["b"].height == 2
    assert transformer.messages == []


def test_two_relations_between_the_same_tables_are_judged_apart():
    relations = [
        Relation("flights", ("origin",), "airports", ("faa",)),
        Relation("flights", ("dest",), "airports", ("faa",)),
    ]
    transformer, data = cascade(
        relations,
        flights={"origin": ["EWR", "EWR", "?"], "dest": ["IAH", "?", "?"]},
        airports={"faa": ["EWR", "IAH"]},
    )
    assert data["flights"].rows() == [("EWR", "IAH")]
    # A row that breaks both is counted with the first.
    assert dropped(transformer) == [("flights", "ORPHAN", [2]), ("flights", "ORPHAN", [1])]


BOSS = Relation("staff", ("boss",), "staff", ("id",))


@pytest.mark.parametrize(
    ("ids", "bosses", "left"),
    [
        ([1, 2, 3, 4], [None, 1, 9, 3], [1, 2]),
        ([1, 2, 3], [2, 3, 1], [1, 2, 3]),
        ([1, 2], [1, 1], [1, 2]),
        ([1, 2, 3, 4], [2, 1, 4, 9], [1, 2]),
        ([5, 4, 3, 2, 1], [4, 3, 2, 1, 0], []),
        # A key that two rows have counts as long as one of them stays.
        ([1, 1, 2, 3], [9, None, 1, 2], [1, 2, 3]),
        ([1, 1, 2, 3], [9, 8, 1, 2], []),
        ([None, None], [9, None], [None]),
    ],
)
def test_a_table_that_refers_to_itself_loses_all_that_hangs_on_a_missing_row(ids, bosses, left):
    schema = {"id": pl.Int64, "boss": pl.Int64}
    _, data = cascade([BOSS], staff=pl.DataFrame({"id": ids, "boss": bosses}, schema=schema))
    assert data["staff"]["id"].to_list() == left


@pytest.mark.parametrize("broken", [True, False])
def test_a_chain_through_a_whole_table_takes_a_few_rounds(broken):
    rows = 50_000
    ids = pl.Series("id", range(rows)).shuffle(seed=1)
    boss = pl.when(ids > 0).then(ids - 1).otherwise(-1 if broken else None)
    staff = pl.select(ids, boss.alias("boss"))
    transformer, data = cascade([BOSS], staff=staff)
    assert data["staff"].height == (0 if broken else rows)
    assert len(transformer.messages) == broken


def test_a_table_whose_rows_need_a_row_that_refers_to_them_keeps_only_its_cycles():
    relation = Relation("staff", ("boss",), "staff", ("id",), parent_requires_child=True)
    bosses = {"id": [1, 2, 3, 4, 5], "boss": [None, 1, 2, 5, 4]}
    transformer, data = cascade([relation], staff=bosses)
    assert data["staff"]["id"].to_list() == [4, 5]
    assert dropped(transformer) == [("staff", "REQUIRED_CHILD", [0, 1, 2])]


def test_a_self_reference_of_types_without_a_common_value_ends():
    _, data = cascade([BOSS], staff={"id": [1, 2], "boss": ["1", None]})
    assert data["staff"].rows() == [(2, None)]


def test_an_empty_parent_has_no_keys_so_all_its_children_are_orphans():
    transformer, data = cascade(
        [ORDER], orders={"id": pl.Series([], dtype=pl.Int64)}, lines={"order": [1, None, 2]}
    )
    assert data["lines"]["order"].to_list() == [None]
    assert transformer.drops[0].count == 2


def test_an_empty_child_leaves_the_parents_unless_they_require_one():
    empty = {"order": pl.Series([], dtype=pl.Int64)}
    transformer, data = cascade([ORDER], orders={"id": [1]}, lines=empty)
    assert data["orders"].height == 1
    assert transformer.messages == []
    _, data = cascade([STRICT], orders={"id": [1]}, lines=empty)
    assert data["orders"].height == 0


@pytest.mark.parametrize("present", [{"orders": {"id": [1]}}, {"lines": {"order": [1]}}, {}])
def test_a_relation_of_an_absent_table_is_passed_over(present):
    transformer, data = cascade([STRICT], **present)
    assert {name: frame.height for name, frame in data.items()} == dict.fromkeys(present, 1)
    assert transformer.messages == []


@pytest.mark.parametrize(
    ("tables", "table", "column"),
    [
        # Nothing says that these orders have no lines.
        ({"orders": {"id": [1, 2]}, "lines": {"x": [1]}}, "lines", "order"),
        ({"orders": {"x": [1]}, "lines": {"order": [1, 2]}}, "orders", "id"),
    ],
)
def test_a_relation_that_lacks_a_key_column_drops_nothing_and_says_so(tables, table, column):
    transformer, data = cascade([STRICT], **tables)
    assert {name: frame.to_dict(as_series=False) for name, frame in data.items()} == tables
    assert found(transformer) == [(WARNING, "CASCADE_RULE_SKIPPED", table, column, None)]
    assert f"{table!r} has no column {column!r}" in transformer.messages[0].message


class Lines(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "lines", "csv", "single"
    ORDER = Column(
        "order",
        DataType.INTEGER,
        optional=True,
        foreign_key=("orders", "id"),
        parent_requires_child=True,
    )


class Orders(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "orders", "csv", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)


def test_an_optional_key_column_may_be_absent_without_a_word():
    data = {"orders": pl.DataFrame({"id": [1]}), "lines": pl.DataFrame({"x": [1]})}
    transformer = CascadeDropTransformer([Lines, Orders])
    transformer.transform(data)
    assert data["orders"].height == 1
    assert transformer.messages == []


def test_relations_come_from_the_schemas_unless_overridden():
    data = {"orders": pl.DataFrame({"id": [1, 2]}), "lines": pl.DataFrame({"order": [1, 3]})}
    strict, mild = dict(data), dict(data)
    CascadeDropTransformer({"lines": Lines, "orders": Orders}).transform(strict)
    CascadeDropTransformer(iter([Lines]), [ORDER]).transform(mild)
    assert (strict["orders"].height, strict["lines"].height) == (1, 1)
    assert (mild["orders"].height, mild["lines"].height) == (2, 1)


class Document(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "doc", "json", "multi"
    HEAD = ColumnGroup("head", [Column("id", DataType.INTEGER, primary_key=True)])
    LINE = ColumnGroup(
        "line", [Column("doc", DataType.INTEGER, foreign_key=("head", "id"))], ("lines",)
    )


def test_keys_declared_in_the_groups_of_a_multi_schema_take_part():
    data = {
        "doc.head": pl.DataFrame({"id": [1]}),
        "doc.line": pl.DataFrame({"doc": [1, 2]}),
    }
    CascadeDropTransformer([Document]).transform(data)
    assert data["doc.line"]["doc"].to_list() == [1]


def test_nothing_declared_is_nothing_dropped():
    transformer, data = cascade(None, t={"a": [1]})
    assert data["t"].height == 1
    assert transformer.drops == []


@pytest.mark.parametrize(
    ("child", "parent", "left"),
    [
        (pl.Series([1, 2, 3]), pl.Series([1.0, 2.5, 3.0]), [1, 3]),
        (pl.Series([2**53 + 1, 2**53]), pl.Series([2.0**53]), [2**53]),
        (pl.Series([1, 2], dtype=pl.Int8), pl.Series([2], dtype=pl.UInt64), [2]),
        (pl.Series([Decimal("1.50"), Decimal("2.00")]), pl.Series([2]), [Decimal("2.00")]),
        (pl.Series(["a", "b"], dtype=pl.Categorical), pl.Series(["b"]), ["b"]),
        (pl.Series(["", " a", "a"]), pl.Series(["a"]), ["a"]),
        (pl.Series([[1], [2]]), pl.Series([[2]]), [[2]]),
    ],
)
def test_keys_are_equal_where_they_hold_the_same_value_whatever_the_dtypes(child, parent, left):
    relation = Relation("c", ("k",), "p", ("k",))
    transformer, data = cascade([relation], c={"k": child}, p={"k": parent})
    assert data["c"]["k"].to_list() == left
    assert data["c"]["k"].dtype == child.dtype
    assert [code for _, code, *_ in found(transformer)] == ["CASCADE_ORPHAN_DROP"]


def test_keys_of_types_without_a_common_value_are_never_equal_and_that_is_explained():
    transformer, data = cascade([STRICT], orders={"id": [1]}, lines={"order": ["1", None]})
    assert data["lines"]["order"].to_list() == [None]
    assert data["orders"].height == 0
    assert [code for _, code, *_ in found(transformer)] == [
        "FK_DTYPE_MISMATCH",
        "CASCADE_ORPHAN_DROP",
        "CASCADE_REQUIRED_CHILD_DROP",
    ]
    assert "'order' is String and 'id' is Int64" in transformer.messages[0].message
    assert {message.key for message in transformer.messages} == {"lines.order->orders.id"}


def test_python_objects_cannot_be_compared_so_nothing_is_dropped():
    objects = pl.Series("order", [object()], dtype=pl.Object)
    transformer, data = cascade([STRICT], orders={"id": [1]}, lines={"order": objects})
    assert data["lines"].height == data["orders"].height == 1
    assert found(transformer) == [(WARNING, "CASCADE_RULE_SKIPPED", "lines", "order", None)]
    assert transformer.messages[0].message == (
        "Relation lines.order->orders.id was not applied: 'order' holds Python objects."
    )


class DropItems(Transformer):
    """Loses lines, as a transformer between snapshot and cascade may."""

    def transform(self, data):
        data["lines"] = data["lines"].filter(pl.col("item") != "bad")


WHOLE = {
    "orders": {"id": [1, 2, 3, 4, None]},
    "lines": {
        "order": [1, 1, 2, 2, 3, None],
        "item": ["ok", "ok", "ok", "bad", "bad", "bad"],
    },
}


def after_a_loss(relation, tables):
    snapshot = CascadeSnapshot(extra_relations=[relation])
    transformer = CascadeDropTransformer(extra_relations=[relation], snapshot=snapshot)
    sequence = TransformationSequence([snapshot, DropItems(), transformer])
    data = sequence.run_transformation(
        {name: pl.DataFrame(table) for name, table in tables.items()}
    )
    return sequence, data


def test_a_parent_that_lost_some_of_its_children_is_dropped_with_the_others():
    sequence, data = after_a_loss(TRACKED, WHOLE)
    # 1 lost none, 2 lost one of two, 3 lost all, 4 had none.
    assert data["orders"]["id"].to_list() == [1, 3, 4, None]
    assert data["lines"].rows() == [(1, "ok"), (1, "ok")]
    assert [(m.code, m.table, m.column) for m in sequence.collect_messages()] == [
        ("CASCADE_PARTIAL_LOSS_DROP", "orders", "id"),
        ("CASCADE_ORPHAN_DROP", "lines", "order"),
    ]


def test_a_partial_loss_climbs_a_table_that_refers_to_itself():
    relation = Relation("parts", ("of",), "parts", ("id",), track_partial_loss=True)
    parts = pl.DataFrame({"id": [1, 2, 3, 4, 5, 6], "of": [None, 1, 1, 2, 2, None]})
    snapshot = CascadeSnapshot(extra_relations=[relation])
    snapshot.transform({"parts": parts})
    _, data = cascade([relation], snapshot, parts=parts.filter(pl.col("id") != 5))
    assert data["parts"]["id"].to_list() == [6]


def test_a_parent_that_lost_all_its_children_is_the_matter_of_the_required_child():
    relation = Relation(
        "lines", ("order",), "orders", ("id",), parent_requires_child=True, track_partial_loss=True
    )
    sequence, data = after_a_loss(relation, WHOLE)
    assert data["orders"]["id"].to_list() == [1]
    assert [message.code for message in sequence.collect_messages()] == [
        "CASCADE_REQUIRED_CHILD_DROP",
        "CASCADE_PARTIAL_LOSS_DROP",
        "CASCADE_ORPHAN_DROP",
    ]


def test_children_that_were_added_are_no_loss():
    snapshot = CascadeSnapshot(extra_relations=[TRACKED])
    snapshot.transform({"lines": pl.DataFrame({"order": [1]})})
    _, data = cascade([TRACKED], snapshot, orders={"id": [1, 2]}, lines={"order": [1, 1, 2]})
    assert data["orders"].height == 2


def test_a_loss_is_seen_when_the_key_has_got_another_dtype_since():
    snapshot = CascadeSnapshot(extra_relations=[TRACKED])
    snapshot.transform({"lines": pl.DataFrame({"order": [1.0, 1.0]})})
    _, data = cascade([TRACKED], snapshot, orders={"id": [1]}, lines={"order": [1]})
    assert data["orders"].height == 0


def test_partial_losses_are_not_looked_for_without_a_snapshot():
    transformer, data = cascade([TRACKED], orders={"id": [1]}, lines={"order": [1]})
    assert data["orders"].height == 1
    assert transformer.messages == []


def test_a_snapshot_that_did_not_count_is_reported():
    transformer, _ = cascade([TRACKED], CascadeSnapshot(), orders={"id": [1]}, lines={"order": [1]})
    assert found(transformer) == [(WARNING, "CASCADE_RULE_SKIPPED", "orders", "id", None)]
    assert transformer.messages[0].message == (
        "Partial losses on relation lines.order->orders.id were not looked for: "
        "the snapshot did not count it. Run it earlier, with the same relations."
    )


@pytest.mark.parametrize("kind", [CascadeDropTransformer, CascadeSnapshot])
def test_a_transformer_has_the_name_that_it_is_given(kind):
    assert kind(name="mine").name == "mine"
    assert kind().name.startswith("Cascade ")


def test_a_snapshot_counts_complete_keys_of_tracked_relations_only():
    pair = Relation("c", ("x", "y"), "p", ("a", "b"), track_partial_loss=True)
    untracked = Relation("c", ("x",), "p", ("a",))
    absent = Relation("nowhere", ("x",), "p", ("a",), track_partial_loss=True)
    lacking = Relation("c", ("z",), "p", ("a",), track_partial_loss=True)
    snapshot = CascadeSnapshot(extra_relations=[pair, untracked, absent, lacking])
    assert snapshot.counts_for(pair) is None
    frame = pl.DataFrame({"x": [1, 1, None, 2], "y": ["a", "a", "a", None]})
    data = {"c": frame}
    snapshot.transform(data)
    assert snapshot.counts_for(pair) == {(1, "a"): 2}
    assert [snapshot.counts_for(relation) for relation in (untracked, absent, lacking)] == [
        None
    ] * 3
    assert data == {"c": frame}
    snapshot.transform({})
    assert snapshot.counts_for(pair) is None


def test_a_snapshot_takes_its_relations_from_the_schemas():
    snapshot = CascadeSnapshot([Lines], [TRACKED])
    snapshot.transform({"lines": pl.DataFrame({"order": [7]})})
    assert snapshot.counts_for(TRACKED) == {(7,): 1}


def test_every_run_starts_without_messages_and_drops():
    transformer = CascadeDropTransformer(extra_relations=[ORDER])
    broken = {"orders": pl.DataFrame({"id": [1]}), "lines": pl.DataFrame({"order": [2]})}
    for _ in range(3):
        transformer.transform(dict(broken))
        assert len(transformer.messages) == len(transformer.drops) == 1
    transformer.transform({})
    assert transformer.messages == transformer.drops == []


def test_frames_without_a_loss_are_the_same_objects_and_others_keep_columns_and_order():
    orders, lines = (
        pl.DataFrame({"id": [2, 1]}),
        pl.DataFrame({"n": list("abc"), "order": [1, 9, 2]}),
    )
    data = {"orders": orders, "lines": lines}
    CascadeDropTransformer(extra_relations=[ORDER]).transform(data)
    assert data["orders"] is orders
    assert data["lines"].equals(lines[[0, 2]])
    assert lines.height == 3


def test_what_would_be_dropped_can_be_asked_without_dropping_it():
    data = {
        "orders": pl.DataFrame({"id": [1, 2, 3]}),
        "lines": pl.DataFrame({"order": [9, 1, 2, 9]}),
    }
    outcome = CascadeDropTransformer(extra_relations=[STRICT]).find_drops(data)
    assert [frame.height for frame in data.values()] == [3, 4]
    orphans, childless = outcome.drops
    assert (orphans.table, orphans.rule, orphans.relation) == ("lines", CascadeRule.ORPHAN, STRICT)
    assert orphans.columns == ("order",)
    assert orphans.mask.to_list() == [True, False, False, True]
    assert (orphans.count, orphans.rows().to_list()) == (2, [0, 3])
    assert (childless.rule, childless.columns) == (CascadeRule.REQUIRED_CHILD, ("id",))
    assert {name: kept.to_list() for name, kept in outcome.kept.items()} == {
        "lines": [False, True, True, False],
        "orders": [True, True, False],
    }


def test_each_drop_is_logged(caplog):
    cascade([ORDER], orders={"id": [1]}, lines={"order": [2]})
    assert "1 row(s) dropped from 'lines'" in caplog.text


def test_relations_and_snapshot_may_be_looked_at_and_set():
    snapshot = CascadeSnapshot(extra_relations=[TRACKED, Relation("a", ("x",), "b", ("y",))])
    assert snapshot.relations == [TRACKED]
    transformer = CascadeDropTransformer(extra_relations=[ORDER])
    assert (transformer.relations, transformer.snapshot) == ([ORDER], None)
    transformer.relations, transformer.snapshot = [TRACKED], snapshot
    whole = {"orders": pl.DataFrame({"id": [1, 2]}), "lines": pl.DataFrame({"order": [1, 1, 2]})}
    snapshot.transform(whole)
    data = whole | {"lines": whole["lines"].head(1)}
    transformer.transform(data)
    assert transformer.drops[0].rule is CascadeRule.PARTIAL_LOSS
    assert data["orders"]["id"].to_list() == [2]


def test_a_cascade_that_has_not_run_has_dropped_nothing_and_has_the_logger_that_it_was_given():
    logger = logging.getLogger("cascade")
    transformer = CascadeDropTransformer(logger=logger)
    assert transformer.drops == []
    assert transformer.logger is logger
