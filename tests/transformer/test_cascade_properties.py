"""The cascade beside a model that looks at one row after the other, in plain Python."""

from __future__ import annotations

from collections import Counter

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from algomancy_data.relations import Relation, merge_relations
from algomancy_data.transformer import CascadeDropTransformer, CascadeSnapshot

TABLES = ("t", "u")
COLUMNS = ("a", "b", "c")
SCHEMA = {"a": pl.Int64, "b": pl.String, "c": pl.Int64, "row": pl.Int64}

numbers = st.sampled_from([0, 1, 2, 3, 4, None])
letters = st.sampled_from(["x", "y", None])
rows = st.lists(st.tuples(numbers, letters, numbers), min_size=2, max_size=8)
datasets = st.fixed_dictionaries(dict.fromkeys(TABLES, rows))
keys = st.sampled_from([("a",), ("b",), ("c",), ("a", "b"), ("c", "b")])


@st.composite
def relations(draw):
    """Return relations between columns of equal dtypes, whichever tables they connect."""
    found = []
    for _ in range(draw(st.integers(2, 4))):
        child_cols = draw(keys)
        like = {"a": ("a", "c"), "b": ("b",), "c": ("a", "c")}
        parent_cols = tuple(draw(st.sampled_from(like[name])) for name in child_cols)
        found.append(
            Relation(
                draw(st.sampled_from(TABLES)),
                child_cols,
                draw(st.sampled_from(TABLES)),
                parent_cols,
                parent_requires_child=draw(st.booleans()),
                track_partial_loss=draw(st.booleans()),
            )
        )
    return merge_relations(found, [])


class Model:
    """Rows, sets and loops; every rule is asked again until none has anything to drop."""

    def __init__(self, tables, relations, before):
        self.tables = tables
        self.relations = relations
        self.before = before
        self.alive = {name: set(range(len(rows))) for name, rows in tables.items()}
        self.counts = Counter()

    def key(self, table, columns, row):
        key = tuple(self.tables[table][row][COLUMNS.index(name)] for name in columns)
        return None if None in key else key

    def key_counts(self, table, columns):
        counts = Counter(self.key(table, columns, row) for row in self.alive[table])
        del counts[None]
        return counts

    def rows_where(self, table, columns, condition):
        return {row for row in self.alive[table] if condition(self.key(table, columns, row))}

    def drop(self, table, rule, relation, rows):
        self.alive[table] -= rows
        if rows:
            self.counts[table, f"CASCADE_{rule}_DROP", str(relation)] += len(rows)
        return bool(rows)

    def drop_orphans(self, relation):
        known = self.key_counts(relation.parent_table, relation.parent_cols)
        orphans = self.rows_where(
            relation.child_table,
            relation.child_cols,
            lambda key: key is not None and key not in known,
        )
        return self.drop(relation.child_table, "ORPHAN", relation, orphans)

    def drop_childless(self, relation):
        if not relation.parent_requires_child:
            return False
        used = self.key_counts(relation.child_table, relation.child_cols)
        childless = self.rows_where(
            relation.parent_table, relation.parent_cols, lambda key: key not in used
        )
        return self.drop(relation.parent_table, "REQUIRED_CHILD", relation, childless)

    def diminished(self, relation):
        now = self.key_counts(relation.child_table, relation.child_cols)
        before = self.before.get(relation.key, {})
        return self.rows_where(
            relation.parent_table,
            relation.parent_cols,
            lambda key: key is not None and 0 < now[key] < before.get(key, 0),
        )

    def settle(self):
        changed = True
        while changed:
            changed = False
            for relation in self.relations:
                while self.drop_orphans(relation):
                    changed = True
                changed |= self.drop_childless(relation)

    def run(self):
        changed = True
        while changed:
            self.settle()
            found = [(relation, self.diminished(relation)) for relation in self.relations]
            changed = False
            for relation, rows in found:
                alive = rows & self.alive[relation.parent_table]
                changed |= self.drop(relation.parent_table, "PARTIAL_LOSS", relation, alive)
        return {name: sorted(rows) for name, rows in self.alive.items()}


def frames(tables):
    return {
        name: pl.DataFrame(
            [(*row, number) for number, row in enumerate(rows)], schema=SCHEMA, orient="row"
        )
        for name, rows in tables.items()
    }


def run_cascade(tables, relations, snapshot=None):
    data = frames(tables)
    cascade = CascadeDropTransformer(extra_relations=relations, snapshot=snapshot)
    cascade.transform(data)
    return cascade, {name: frame["row"].to_list() for name, frame in data.items()}


def count_children(tables, relations):
    counts = {}
    for relation in relations:
        if relation.track_partial_loss:
            model = Model(tables, [], {})
            counts[relation.key] = model.key_counts(relation.child_table, relation.child_cols)
    return counts


@given(tables=datasets, relations=relations())
def test_rows_and_counts_are_those_of_the_model(tables, relations):
    model = Model(tables, relations, {})
    expected = model.run()
    cascade, left = run_cascade(tables, relations)
    assert left == expected
    assert {
        (drop.table, str(drop.rule), str(drop.relation)): drop.count for drop in cascade.drops
    } == model.counts
    assert {
        (message.table, message.code): message.message for message in cascade.messages
    }.keys() == {(table, code) for table, code, _ in model.counts}


@given(tables=datasets, later=datasets, relations=relations())
def test_rows_and_counts_after_a_snapshot_are_those_of_the_model(tables, later, relations):
    """``later`` is any other state of the tables: rows gone, changed and added."""
    snapshot = CascadeSnapshot(extra_relations=relations)
    snapshot.transform(frames(tables))
    before = count_children(tables, relations)
    for relation in relations:
        assert snapshot.counts_for(relation) == before.get(relation.key)
    model = Model(later, relations, before)
    expected = model.run()
    cascade, left = run_cascade(later, relations, snapshot)
    assert left == expected
    assert {
        (drop.table, str(drop.rule), str(drop.relation)): drop.count for drop in cascade.drops
    } == model.counts


@given(tables=datasets, later=datasets, relations=relations(), data=st.data())
def test_the_order_of_the_relations_does_not_decide_which_rows_go(tables, later, relations, data):
    snapshot = CascadeSnapshot(extra_relations=relations)
    snapshot.transform(frames(tables))
    _, expected = run_cascade(later, relations, snapshot)
    _, left = run_cascade(later, data.draw(st.permutations(relations)), snapshot)
    assert left == expected


@given(tables=datasets, relations=relations())
def test_every_dropped_row_has_one_reason(tables, relations):
    cascade, left = run_cascade(tables, relations)
    for table, rows in tables.items():
        dropped = [
            row for drop in cascade.drops if drop.table == table for row in drop.rows().to_list()
        ]
        assert sorted(dropped + left[table]) == list(range(len(rows)))
