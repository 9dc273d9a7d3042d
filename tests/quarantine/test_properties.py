"""Quarantine and replay beside a model that looks at one row after the other."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from algomancy_data import SimpleETLFactory, ValidationSeverity
from algomancy_data.testing.comparison import assert_identical

COLUMNS = {
    "customers": ("id", "name"),
    "orders": ("id", "customer", "day", "note"),
    "lines": ("order", "price", "note"),
}
numbers = st.sampled_from(["1", "2", "3", "4", "5", "", "x", "1.5"])
days = st.sampled_from(["2024-01-31", "2024-02-30", "soon", "2024-03-01", ""])
prices = st.sampled_from(["1.5", "2", "free", ""])
words = st.just("n")
cells = {
    "customers": (numbers, words),
    "orders": (numbers, numbers, days, words),
    "lines": (numbers, prices, words),
}
files = st.fixed_dictionaries(
    {name: st.lists(st.tuples(*columns), max_size=8) for name, columns in cells.items()}
)


class Checked(SimpleETLFactory):
    check_foreign_keys = True


def whole(text):
    return int(text)


def day(text):
    return datetime.fromisoformat(text)


READ = {"id": whole, "customer": whole, "order": whole, "day": day, "price": float}


def read(column, text):
    """Return the value of a cell, or raise ValueError."""
    if column not in READ:
        return text
    return None if text == "" else READ[column](text)


def convert(name, row):
    """Return the values of a row and what is wrong with it."""
    values, reasons = [], []
    for column, text in zip(COLUMNS[name], row, strict=True):
        try:
            values.append(read(column, text))
        except ValueError:
            reasons.append("CONVERSION_FAILED")
    return values, reasons


def model(tables, *, checked):
    """Return the good rows by number and the reasons of the others, by table."""
    good, bad = {}, {}
    for name, rows in tables.items():
        found = [convert(name, row) for row in rows]
        good[name] = {n: values for n, (values, reasons) in enumerate(found) if not reasons}
        bad[name] = {n: reasons for n, (_, reasons) in enumerate(found) if reasons}
    new = []
    for name in ("customers", "orders"):
        counts = Counter(values[0] for values in good[name].values())
        for n, values in good[name].items():
            if values[0] is None:
                new.append((name, n, "PK_NULL"))
            elif counts[values[0]] > 1:
                new.append((name, n, "PK_DUPLICATE"))
    if checked:
        new += [(*orphan, "FK_VIOLATION") for orphan in orphans(good)]
    put_aside(new, good, bad)
    while new := [(*orphan, "QUARANTINE_ORPHAN") for orphan in orphans(good)]:
        put_aside(new, good, bad)
    return good, bad


def put_aside(found, good, bad):
    for name, n, reason in found:
        good[name].pop(n, None)
        bad[name].setdefault(n, []).append(reason)


def orphans(good):
    for child, position, parent in (("orders", 1, "customers"), ("lines", 0, "orders")):
        known = {values[0] for values in good[parent].values()}
        for n, values in good[child].items():
            if values[position] is not None and values[position] not in known:
                yield child, n


def as_csv(tables):
    return {
        name: "\n".join(";".join(row) for row in [COLUMNS[name], *rows]) + "\n"
        for name, rows in tables.items()
    }


def as_text(value):
    if isinstance(value, datetime):
        return value.date().isoformat()
    return "" if value is None else str(value)


def aside(result):
    """Return each quarantined row as text with its sorted reasons, by table and number."""
    return {
        (name, row["_row"]): (
            [as_text(value) for column, value in row.items() if not column.startswith("_")],
            sorted(row["_reasons"]),
        )
        for name, frame in result.quarantine.items()
        for row in frame.iter_rows(named=True)
    }


@given(tables=files, checked=st.booleans())
def test_every_row_is_good_or_in_quarantine_as_the_model_says(open_shop, tables, checked):
    shop = open_shop(factory=Checked if checked else SimpleETLFactory)
    result = shop.load(**as_csv(tables), halt_on=ValidationSeverity.ERROR)
    good, bad = model(tables, checked=checked)
    assert result.is_success, result.messages
    for name, rows in tables.items():
        loaded = result.datasource.get_table(name)
        assert [list(row) for row in loaded.iter_rows()] == list(good[name].values())
        found = result.quarantine.get(name, pl.DataFrame(schema={"_row": pl.UInt32}))
        assert found["_row"].to_list() == sorted(bad[name])
        assert loaded.height + found.height == len(rows)
    assert {key: reasons for key, (_, reasons) in aside(result).items()} == {
        (name, n): sorted(reasons) for name, rows in bad.items() for n, reasons in rows.items()
    }
    for (name, n), (values, _) in aside(result).items():
        given_values = list(tables[name][n])
        assert [normal(name, *pair) for pair in enumerate(values)] == [
            normal(name, *pair) for pair in enumerate(given_values)
        ]


def normalised(result):
    return {
        (name, row): ([normal(name, *pair) for pair in enumerate(values)], reasons)
        for (name, row), (values, reasons) in aside(result).items()
    }


def normal(name, position, text):
    """Return a number as such: 2 may have been read as 2.0."""
    try:
        return read(COLUMNS[name][position], text)
    except ValueError:
        return text


@given(tables=files, data=st.data())
def test_a_replay_gives_what_the_corrected_files_would_have_given(open_shop, tables, data):
    shop = open_shop()
    first = shop.load(**as_csv(tables))
    if not first.quarantine:
        return
    corrected = {name: [list(row) for row in rows] for name, rows in tables.items()}
    mended = {}
    for name, frame in first.quarantine.items():
        rows = data.draw(st.lists(st.sampled_from(frame["_row"].to_list()), unique=True))
        values = [data.draw(st.tuples(*cells[name])) for _ in rows]
        if rows:
            table = pl.DataFrame(values, COLUMNS[name], orient="row").cast(pl.String)
            mended[name] = table.with_columns(_row=pl.Series(rows))
        for row, new in zip(rows, values, strict=True):
            corrected[name][row] = list(new)
    replayed = shop.manager.replay_data("shop", mended)
    expected = open_shop().load(**as_csv(corrected))
    assert replayed.is_success
    assert normalised(replayed) == normalised(expected)
    for name in tables:
        assert_identical(replayed.datasource.get_table(name), expected.datasource.get_table(name))
    assert shop.manager.get_data("shop") == replayed.datasource
