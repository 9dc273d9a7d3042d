"""Every row of the tables in docs/relations.md does what it says."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from algomancy_data.relations import Relation
from algomancy_data.relations.lookup import rows_without_parent
from algomancy_data.transformer import CascadeDropTransformer, CascadeSnapshot

PAGE = Path(__file__).parents[2] / "docs" / "relations.md"


def rows_under(header: str) -> list[list[str]]:
    """Return the cells of the rows of the table with that header."""
    lines = iter(PAGE.read_text(encoding="utf-8").splitlines())
    for line in lines:
        if line == header:
            break
    next(lines)
    table = []
    for line in lines:
        if not line.startswith("|"):
            return table
        table.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return table


def values_of(cell: str) -> list[object]:
    return eval(cell.strip("`"), {"__builtins__": {"float": float}})  # noqa: S307  NaN is no literal


def as_keys(values: list[object], like: list[object]) -> pl.DataFrame:
    """Return the key columns; an empty list has the dtypes of the other one."""
    rows = [value if isinstance(value, tuple) else (value,) for value in values or like]
    names = [f"c{number}" for number in range(len(rows[0]))]
    frame = pl.DataFrame(rows, schema=names, orient="row")
    return frame if values else frame.clear()


@pytest.mark.parametrize(
    ("child", "parent", "unmatched"), rows_under("| child | parent | without a match |")
)
def test_keys_are_equal_as_the_page_says(child, parent, unmatched):
    child, parent = values_of(child), values_of(parent)
    rows = rows_without_parent(as_keys(child, parent), as_keys(parent, child))
    assert [child[row] for row in rows] == values_of(unmatched)


@pytest.mark.parametrize(
    ("children", "parents", "required", "children_left", "parents_left"),
    rows_under("| children | parents | required | children left | parents left |"),
)
def test_the_cascade_leaves_what_the_page_says(
    children, parents, required, children_left, parents_left
):
    children, parents = values_of(children), values_of(parents)
    data = {"lines": as_keys(children, parents), "orders": as_keys(parents, children)}
    relation = Relation(
        "lines", ("c0",), "orders", ("c0",), parent_requires_child=required == "yes"
    )
    CascadeDropTransformer(extra_relations=[relation]).transform(data)
    assert data["lines"]["c0"].to_list() == values_of(children_left)
    assert data["orders"]["c0"].to_list() == values_of(parents_left)


@pytest.mark.parametrize("required", [False, True])
@pytest.mark.parametrize(
    ("before", "now", "outcome"), rows_under("| children before | children now | the parent |")
)
def test_a_partial_loss_does_what_the_page_says(before, now, outcome, required):
    relation = Relation(
        "lines",
        ("order",),
        "orders",
        ("id",),
        parent_requires_child=required,
        track_partial_loss=True,
    )

    def tables(count: int) -> dict[str, pl.DataFrame]:
        lines = pl.DataFrame({"order": [7] * count}, schema={"order": pl.Int64})
        return {"orders": pl.DataFrame({"id": [7]}), "lines": lines}

    snapshot = CascadeSnapshot(extra_relations=[relation])
    snapshot.transform(tables(int(before)))
    data = tables(int(now))
    CascadeDropTransformer(extra_relations=[relation], snapshot=snapshot).transform(data)
    stays = outcome == "stays" or (outcome.startswith("stays, unless") and not required)
    assert data["orders"].height == stays
    assert data["lines"].height == (int(now) if stays else 0)


def test_the_page_has_its_tables():
    assert [
        len(rows_under(header))
        for header in (
            "| child | parent | without a match |",
            "| children | parents | required | children left | parents left |",
            "| children before | children now | the parent |",
        )
    ] == [8, 8, 5]
