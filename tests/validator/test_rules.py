from __future__ import annotations

import datetime as dt
import re
import string
from decimal import Decimal
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algomancy_data import (
    Column,
    DataType,
    RuleValidator,
    Schema,
    ValidationSequence,
    ValidationSeverity,
    rule,
)
from algomancy_data.errors import RuleError

NAN, INF = float("nan"), float("inf")
DAY = dt.date(2024, 5, 1)
MOMENT = dt.datetime(2024, 5, 1, 12, 30)
ZONE = ZoneInfo("Europe/Amsterdam")


def declare(**members):
    file = {"_FILENAME": "t", "_EXTENSION": "csv", "_SCHEMA_TYPE": "single"}
    return type("Things", (Schema,), {**file, **members})


def on(dtype, **rules):
    return declare(X=Column("x", dtype, **rules))


def broken(schema, frame, **limits):
    """Return the rows that break each rule."""
    check = RuleValidator([schema])
    vars(check).update(limits)
    check.message_limit = None
    found = {}
    for message in check.validate({"t": frame}):
        assert message.code == "RULE_VIOLATED"
        found.setdefault(message.key, []).append(message.row)
    return found


@pytest.mark.parametrize(
    ("dtype", "rules", "good", "bad"),
    [
        (pl.Int8, {"min": -128, "max": 5}, [-128, 5], [6, 127]),
        (pl.UInt64, {"max": 2**63}, [0, 2**63], [2**63 + 1]),
        (pl.Int128, {"min": 2**100}, [2**100], [2**100 - 1]),
        (DataType.INTEGER, {"min_exclusive": 0, "max_exclusive": 9}, [1, 8], [0, 9]),
        (DataType.INTEGER, {"is_in": [1, 3]}, [1, 3], [2]),
        (DataType.INTEGER, {"is_in": range(3)}, [0, 2], [3]),
        (pl.Float32, {"min": 0.1}, [0.1], [0.099]),
        (DataType.FLOAT, {"min": 0}, [0.0, -0.0, INF, NAN], [-1e-9, -INF]),
        (DataType.FLOAT, {"max": 0}, [0.0, -INF], [1e-9, INF, NAN]),
        (DataType.FLOAT, {"allow_nan": False}, [1.0, INF], [NAN]),
        (DataType.FLOAT, {"allow_inf": False}, [1.0, NAN], [INF, -INF]),
        (DataType.FLOAT, {"is_in": [1, 2.5]}, [1.0, 2.5], [2.0, NAN]),
        (pl.Decimal(18, 4), {"min": Decimal("0.5"), "max": 3}, ["0.5", "3"], ["0.4999", "3.0001"]),
        (pl.Decimal(18, 4), {"is_in": [Decimal("0.1"), 1]}, ["0.1", "1"], ["0.1001"]),
        (pl.Date, {"min": DAY, "max_exclusive": dt.date(2025, 1, 1)}, [DAY], [dt.date(2025, 1, 1)]),
        (pl.Time, {"min": dt.time(8)}, [dt.time(8)], [dt.time(7, 59, 59, 999999)]),
        (DataType.DATETIME, {"min": MOMENT}, [MOMENT], [MOMENT - dt.timedelta(microseconds=1)]),
        (DataType.DATETIME, {"is_in": [MOMENT]}, [MOMENT], [MOMENT + dt.timedelta(1)]),
        (
            pl.Datetime("ns", "Europe/Amsterdam"),
            {"max": MOMENT.replace(tzinfo=dt.UTC)},
            [dt.datetime(2024, 5, 1, 14, 30, tzinfo=ZONE)],
            [dt.datetime(2024, 5, 1, 14, 31, tzinfo=ZONE)],
        ),
        (pl.Duration("ms"), {"min": dt.timedelta(1)}, [dt.timedelta(1)], [dt.timedelta(0)]),
        (DataType.INTERVAL, {"max": dt.timedelta(1)}, [dt.timedelta(1)], [dt.timedelta(1, 1)]),
        (DataType.STRING, {"regex": "^[A-Z]{3}$"}, ["EWR"], ["ewr", "EWRX", ""]),
        (DataType.STRING, {"regex": "b"}, ["abc"], ["ac"]),
        (DataType.STRING, {"min_length": 1, "max_length": 3}, ["a", "abc"], ["", "abcd", "éé"]),
        (DataType.STRING, {"is_in": ["a", ""]}, ["a", ""], ["A"]),
        (DataType.CATEGORICAL, {"regex": "^a", "max_length": 2}, ["a", "ab"], ["b", "abc"]),
        (DataType.CATEGORICAL, {"is_in": ["a", "nowhere"]}, ["a"], ["b"]),
        (pl.Enum(["a", "b", "ccc"]), {"is_in": ["a"]}, ["a"], ["b", "ccc"]),
        (pl.Enum(["a", "b", "ccc"]), {"max_length": 2}, ["a", "b"], ["ccc"]),
        (DataType.BOOLEAN, {"is_in": [True]}, [True], [False]),
        (pl.Binary, {"min_length": 1, "max_length": 2}, [b"a", b"ab"], [b"", b"abc"]),
        (pl.Binary, {"is_in": [b"a"]}, [b"a"], [b"b"]),
        (pl.List(pl.Date), {"min_length": 1, "max_length": 2}, [[DAY], [None]], [[], [DAY] * 3]),
        (pl.List(pl.Int8), {"check": lambda x: x.list.sum() > 3}, [[4]], [[], [1, 2]]),
        (pl.Array(pl.Int8, 2), {"check": lambda x: x.arr.max() > 3}, [[1, 4]], [[1, 2]]),
        (
            pl.Struct({"a": pl.Int8}),
            {"check": lambda x: x.struct.field("a") > 1},
            [{"a": 2}],
            [{"a": 1}],
        ),
    ],
)
def test_each_type_keeps_its_rules_and_nulls_keep_all(dtype, rules, good, bad):
    schema = on(dtype, **rules)
    dtype = dtype.polars_dtype if isinstance(dtype, DataType) else dtype
    values = pl.Series("x", [*good, None, *bad])
    if isinstance(dtype, pl.Decimal):
        values = values.str.to_decimal(scale=4)
    frame = values.cast(dtype).to_frame()
    expected = set(range(len(good) + 1, frame.height))
    assert set().union(*map(set, broken(schema, frame).values())) == expected


def test_a_bound_is_exact_in_the_unit_of_time_that_a_file_has():
    schema = on(DataType.DATETIME, max=MOMENT)
    late = pl.DataFrame({"x": [MOMENT, MOMENT]}).cast(pl.Datetime("ns"))
    late = late.with_columns(pl.col("x") + pl.duration(nanoseconds=pl.Series([0, 1])))
    assert broken(schema, late) == {"max": [1]}


class Houses(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "csv", "single"
    ZIP = Column("zip", DataType.STRING, min_length=3, severity=ValidationSeverity.WARNING)
    BEDS = Column("beds", DataType.INTEGER, nullable=True)
    BATHS = Column("baths", DataType.INTEGER, optional=True)
    NOTE = Column("note", DataType.STRING, optional=True, max_length=5)

    @rule()
    def enough_baths(cls):
        """There are not enough baths."""
        return cls.BATHS.col * 3 >= cls.BEDS.col

    @rule(group_by=["zip"], severity=ValidationSeverity.CRITICAL)
    def neighbours(cls):
        return pl.len() >= 2


HOUSES = pl.DataFrame(
    {"zip": ["011", "011", "1", "213", None, None], "beds": [2, 4, 1, None, 9, 0], "baths": [1] * 6}
)


def test_a_row_that_breaks_a_rule_is_a_message_that_says_where_and_which():
    found = RuleValidator([Houses]).validate({"t": HOUSES})
    zips = "WARNING: Value has fewer than 3 bytes: zip='1' [table=t, column=zip"
    baths = "ERROR: There are not enough baths: baths=1, beds={} [table=t, column=baths,beds"
    neighbours = "CRITICAL: Rule 'neighbours' does not hold: zip='{}' [table=t, column=zip"
    assert [str(message).removesuffix("]") for message in found] == [
        f"{zips}, row=2, code=RULE_VIOLATED, key=min_length",
        f"{baths.format(4)}, row=1, code=RULE_VIOLATED, key=enough_baths",
        f"{baths.format(9)}, row=4, code=RULE_VIOLATED, key=enough_baths",
        f"{neighbours.format(1)}, row=2, code=RULE_VIOLATED, key=neighbours",
        f"{neighbours.format(213)}, row=3, code=RULE_VIOLATED, key=neighbours",
    ]


def test_an_absent_optional_column_counts_as_one_of_nulls():
    assert broken(Houses, HOUSES.drop("baths")) == {"min_length": [2], "neighbours": [2, 3]}


def test_rules_on_columns_that_are_not_as_declared_are_named_and_the_others_are_checked():
    frame = HOUSES.drop("beds").with_columns(pl.lit(5).alias("zip"))
    found = RuleValidator([Houses]).validate({"t": frame})
    assert [(m.code, m.key, str(m.severity)) for m in found] == [
        ("RULE_NOT_CHECKED", "min_length", "WARNING"),
        ("RULE_NOT_CHECKED", "enough_baths", "ERROR"),
        ("RULE_NOT_CHECKED", "neighbours", "CRITICAL"),
    ]
    assert [m.message for m in found][:2] == [
        "Rule 'min_length' of column 'zip' was not checked: column 'zip' holds Int32, not String.",
        "Rule 'enough_baths' was not checked: column 'beds' is not there.",
    ]


def test_a_rule_that_fails_on_the_values_is_an_error_without_a_plan():
    schema = declare(
        X=Column("x", DataType.STRING, min_length=1),
        digits=rule()(lambda _: pl.col("x").cast(pl.Int64) > 0),
    )
    with pytest.raises(RuleError) as caught:
        RuleValidator([schema]).validate({"t": pl.DataFrame({"x": ["1", "a"]})})
    text = str(caught.value)
    assert text.startswith("Schema 'Things': rule 'digits' cannot be evaluated on table 't': ")
    assert text.endswith("Its columns: 'x'.")
    assert "\n" not in text
    assert "FROM" not in text


def test_a_rule_that_gives_another_number_of_values_is_an_error():
    schema = declare(X=Column("x", DataType.INTEGER), few=rule()(lambda _: pl.col("x").head(2) > 0))
    with pytest.raises(RuleError, match="another number of values than there are rows"):
        RuleValidator([schema]).validate({"t": pl.DataFrame({"x": [1, 2, 3]})})


def test_a_rule_that_gives_one_value_is_about_all_rows():
    schema = declare(X=Column("x", DataType.INTEGER), few=rule()(lambda _: pl.len() < 3))
    assert broken(schema, pl.DataFrame({"x": [1, 2]})) == {}
    assert broken(schema, pl.DataFrame({"x": [1, 2, 3]})) == {"few": [0, 1, 2]}


def test_undeclared_columns_and_names_like_ours_do_not_disturb():
    schema = declare(
        ROW=Column("row", DataType.INTEGER),
        ONE=Column("row_0", DataType.INTEGER),
        filled=rule()(lambda _: pl.all_horizontal(pl.all() > 0)),
        once=rule(group_by=["row"])(lambda _: pl.len() == 1),
    )
    frame = pl.DataFrame({"other": [0, 0, 0], "row": [1, 1, 2], "row_0": [5, 0, 5]})
    assert broken(schema, frame) == {"filled": [1], "once": [0, 1]}


def test_tables_without_rows_or_rules_say_nothing():
    assert broken(Houses, HOUSES.clear()) == {}
    assert RuleValidator([Houses]).validate({"other": HOUSES}) == []


def test_rows_beyond_the_limit_are_counted_and_all_are_kept():
    check = RuleValidator([on(DataType.INTEGER, max=0)])
    check.message_limit = 2
    *rows, total = check.validate({"t": pl.DataFrame({"x": [1] * 10})})
    assert [message.row for message in rows] == [0, 1]
    assert total.message == "Value is greater than 0: 10 rows in all; the first 2 are reported."
    assert (total.count, total.key) == (8, "max")
    assert check.failing_rows()["row"].to_list() == list(range(10))
    assert check.failing_rows()["key"].unique().to_list() == ["max"]


def test_all_rules_of_a_table_are_one_query(monkeypatch):
    queries = []
    for owner, name in ((pl.LazyFrame, "collect"), (pl, "collect_all")):
        run = getattr(owner, name)

        def counted(*given, run=run, **named):
            queries.append(run)
            return run(*given, **named)

        monkeypatch.setattr(owner, name, counted)
    check = RuleValidator([Houses])
    before = len(queries)
    clean = HOUSES.filter(pl.col("zip") == "011").with_columns(beds=pl.lit(1, pl.Int64))
    assert check.validate({"t": clean}) == []
    assert len(queries) - before == 1


# --- against a model in Python ------------------------------------------------------------------

VALUES = st.none() | st.integers(-3, 3)
FLOATS = st.none() | st.sampled_from([NAN, 0.0, -0.0, 1.0, INF])
TEXTS = st.none() | st.text("aé", max_size=3)
ROWS = st.lists(st.tuples(VALUES, FLOATS, TEXTS), min_size=1, max_size=30)


class Modelled(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "csv", "single"
    N = Column("n", pl.Int8, min=-2, max_exclusive=3)
    F = Column("f", DataType.FLOAT, max=1, allow_nan=False)
    S = Column("s", DataType.STRING, regex="^a*$", max_length=3, is_in=["", "a", "aé", "aaa"])

    @rule()
    def sum_is_small(cls):
        return cls.N.col + cls.S.col.str.len_chars() < 4

    @rule(group_by=["n", "f"])
    def alone(cls):
        return pl.len() == 1

    @rule(group_by=["s"])
    def sums_up(cls):
        return cls.N.col.sum() >= 0

    @rule(group_by=["s"])
    def has_a_number(cls):
        return cls.N.col.max() > 0


def same_float(value):
    return "nan" if value != value else value  # noqa: PLR0124


def model(rows):
    """Return the rows that break each rule, found one by one."""
    passes = {
        "min": lambda n, f, s: n is None or n >= -2,
        "max_exclusive": lambda n, f, s: n is None or n < 3,
        "max": lambda n, f, s: f is None or f <= 1,
        "nan": lambda n, f, s: f is None or f == f,  # noqa: PLR0124
        "is_in": lambda n, f, s: s is None or s in {"", "a", "aé", "aaa"},
        "regex": lambda n, f, s: s is None or re.fullmatch("a*", s) is not None,
        "max_length": lambda n, f, s: s is None or len(s.encode()) <= 3,
        "sum_is_small": lambda n, f, s: None in {n, s} or n + len(s) < 4,
        "alone": lambda n, f, s: (
            sum((a, same_float(b)) == (n, same_float(f)) for a, b, _ in rows) == 1
        ),
        "sums_up": lambda n, f, s: sum(a or 0 for a, _, c in rows if c == s) >= 0,
        "has_a_number": lambda n, f, s: (
            max((a for a, _, c in rows if c == s and a is not None), default=1) > 0
        ),
    }
    found = {
        name: [number for number, row in enumerate(rows) if not check(*row)]
        for name, check in passes.items()
    }
    return {name: numbers for name, numbers in found.items() if numbers}


@given(rows=ROWS, chunk=st.integers(1, 40))
def test_rules_hold_as_in_a_model_whole_and_in_slices(rows, chunk):
    frame = pl.DataFrame(rows, {"n": pl.Int8, "f": pl.Float64, "s": pl.String}, orient="row")
    expected = model(rows)
    assert broken(Modelled, frame) == expected
    sliced = pl.concat([frame.slice(at, chunk) for at in range(0, frame.height, chunk)])
    assert broken(Modelled, sliced) == expected
    assert broken(Modelled, frame, in_memory_bytes=1) == expected  # groups in parts


def test_a_sequence_judges_by_the_severity_of_a_rule():
    letters = on(DataType.STRING, max_length=2, severity=ValidationSeverity.WARNING)
    check = ValidationSequence([RuleValidator([letters])], halt_on="WARNING")
    assert not check.run_validation({"t": pl.DataFrame({"x": [string.ascii_letters]})})
    assert check.run_validation({"t": pl.DataFrame({"x": ["a"]})})
