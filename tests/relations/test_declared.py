from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from algomancy_data.relations import (
    Relation,
    merge_relations,
    resolve_relations_from_schemas,
)
from algomancy_data.relations.declared import DeclaredKeys
from algomancy_data.schema import Column, ColumnGroup, DataType, Schema


def single(name, *columns):
    members = {f"C{number}": column for number, column in enumerate(columns)}
    members |= {"_FILENAME": name, "_EXTENSION": "csv", "_SCHEMA_TYPE": "single"}
    return type(name, (Schema,), members)


def multi(name, *groups):
    members = {f"G{number}": group for number, group in enumerate(groups)}
    members |= {"_FILENAME": name, "_EXTENSION": "json", "_SCHEMA_TYPE": "multi"}
    return type(name, (Schema,), members)


def reference(name, parent, parent_col, **flags):
    return Column(name, DataType.STRING, foreign_key=(parent, parent_col), **flags)


def test_a_relation_is_frozen_and_its_key_is_the_child_side():
    relation = Relation("c", ("x", "y"), "p", ("a", "b"))
    assert relation.key == ("c", ("x", "y"))
    assert not relation.parent_requires_child
    assert not relation.track_partial_loss
    with pytest.raises(FrozenInstanceError):
        relation.child_table = "d"


def test_the_columns_of_a_relation_may_be_one_name_or_a_list():
    relation = Relation("c", "tail", "p", ["number"])
    assert relation == Relation("c", ("tail",), "p", ("number",))
    assert merge_relations([relation], [relation]) == [relation]


def test_a_relation_is_named_as_child_and_parent_columns():
    assert str(Relation("c", ("x",), "p", ("a",))) == "c.x->p.a"
    assert str(Relation("c", ("x", "y"), "p", ("a", "b"))) == "c.x,y->p.a,b"


@pytest.mark.parametrize(("child", "parent"), [((), ()), (("x",), ("a", "b")), (("x",), ())])
def test_columns_that_cannot_be_paired_are_a_value_error(child, parent):
    with pytest.raises(ValueError, match="pairs the columns"):
        Relation("c", child, "p", parent)


def test_columns_that_refer_to_different_parent_columns_form_one_composite_relation():
    schema = single(
        "c",
        reference("x", "p", "a", parent_requires_child=True),
        Column("other", DataType.STRING),
        reference("z", "q", "k"),
        reference("y", "p", "b", track_partial_loss=True),
    )
    assert resolve_relations_from_schemas([schema]) == [
        Relation(
            "c",
            ("x", "y"),
            "p",
            ("a", "b"),
            parent_requires_child=True,
            track_partial_loss=True,
        ),
        Relation("c", ("z",), "q", ("k",)),
    ]


def test_a_parent_column_referred_to_again_starts_a_new_relation():
    schema = single(
        "flights",
        reference("origin", "airports", "faa", parent_requires_child=True),
        reference("dest", "airports", "faa"),
    )
    assert resolve_relations_from_schemas([schema]) == [
        Relation("flights", ("origin",), "airports", ("faa",), parent_requires_child=True),
        Relation("flights", ("dest",), "airports", ("faa",)),
    ]


def test_two_composite_references_to_one_parent_are_two_composite_relations():
    schema = single(
        "c",
        reference("from_a", "p", "a"),
        reference("from_b", "p", "b"),
        reference("to_a", "p", "a"),
        reference("to_b", "p", "b"),
    )
    relations = resolve_relations_from_schemas([schema])
    assert [relation.child_cols for relation in relations] == [
        ("from_a", "from_b"),
        ("to_a", "to_b"),
    ]
    assert {relation.parent_cols for relation in relations} == {("a", "b")}


def test_references_of_different_tables_stay_apart():
    schemas = [single("c", reference("x", "p", "a")), single("d", reference("x", "p", "b"))]
    assert [relation.key for relation in resolve_relations_from_schemas(schemas)] == [
        ("c", ("x",)),
        ("d", ("x",)),
    ]


def test_groups_of_a_multi_schema_refer_to_each_other_and_to_other_files():
    schema = multi(
        "orders",
        ColumnGroup("head", [Column("id", DataType.STRING)]),
        ColumnGroup("lines", [reference("order", "head", "id"), reference("item", "items", "id")]),
    )
    assert resolve_relations_from_schemas([schema]) == [
        Relation("orders.lines", ("order",), "orders.head", ("id",)),
        Relation("orders.lines", ("item",), "items", ("id",)),
    ]


def test_a_full_table_name_is_taken_as_it_is():
    schema = single("returns", reference("order", "orders.head", "id"))
    assert resolve_relations_from_schemas([schema])[0].parent_table == "orders.head"


def test_a_table_may_refer_to_itself():
    schema = single("staff", Column("id", DataType.STRING), reference("boss", "staff", "id"))
    assert resolve_relations_from_schemas([schema]) == [
        Relation("staff", ("boss",), "staff", ("id",))
    ]


def test_schemas_may_come_as_a_mapping_or_instances():
    schema = single("c", reference("x", "p", "a"))
    expected = resolve_relations_from_schemas([schema])
    assert resolve_relations_from_schemas({"c": schema}) == expected
    assert resolve_relations_from_schemas([schema()]) == expected


def test_merge_replaces_in_place_and_appends_the_rest():
    first, second = Relation("c", ("x",), "p", ("a",)), Relation("c", ("y",), "p", ("a",))
    changed = Relation("c", ("x",), "q", ("b",), track_partial_loss=True)
    added = Relation("d", ("x",), "p", ("a",))
    assert merge_relations([first, second], [added, changed]) == [changed, second, added]
    assert merge_relations([], []) == []


def test_the_keys_of_a_table_are_its_primary_key_its_unique_columns_and_what_it_refers_to():
    class Planes(Schema):
        _FILENAME, _EXTENSION, _SCHEMA_TYPE = "planes", "csv", "single"
        TAIL = Column("tail", DataType.STRING, primary_key=True, unique=True)
        SERIAL = Column("serial", DataType.STRING, unique=True)
        CARRIER = Column("carrier", DataType.STRING, foreign_key=("airlines", "code"))

    keys = DeclaredKeys.of([Planes])
    assert keys.by_table == {"planes": [("tail",), ("serial",)]}
    assert keys.of_table("planes", ["serial", "carrier"]) == [("serial",)]
    assert keys.of_table("airlines", ["code"]) == []
    assert keys.parents == {"planes": (("airlines", ("code",)),)}
