"""Arrow tables of unusual types and values, as other programs may write them."""

import datetime as dt
from decimal import Decimal

import pyarrow as pa

ROWS = 12
_MOMENT = dt.datetime(2024, 2, 29, 23, 59, 59, 999_999)
VALUES = (
    (pa.int8(), (0, -128, 127)),
    (pa.uint64(), (0, 2**64 - 1)),
    (pa.float16(), (0.5, float("nan"))),
    (pa.float64(), (0.1, float("inf"), -0.0)),
    (pa.decimal128(38, 10), (Decimal("1.5"), Decimal(-1))),
    (pa.decimal256(50, 0), (Decimal(10**45),)),
    (pa.date32(), (dt.date(1, 1, 1), dt.date(9999, 12, 31))),
    (pa.date64(), (dt.date(2024, 1, 1),)),
    (pa.time32("s"), (dt.time(23, 59, 59),)),
    (pa.time64("ns"), (0, 86_399_999_999_999)),
    (pa.timestamp("s"), (0, 2**40, -(2**40))),
    (pa.timestamp("ns", "Europe/Amsterdam"), (0, 2**62)),
    (pa.timestamp("us", "+05:30"), (_MOMENT,)),
    (pa.timestamp("ms", "Mars/Olympus"), (0,)),
    (pa.duration("us"), (dt.timedelta(days=1),)),
    (pa.month_day_nano_interval(), ((1, 2, 3),)),
    (pa.string(), ("", "a", "ß€😀", "a" * 300)),
    (pa.large_string(), ("a\0b",)),
    (pa.string_view(), ("longer than twelve bytes",)),
    (pa.binary(), (b"", b"\xff\0")),
    (pa.binary(3), (b"abc",)),
    (pa.bool_(), (True, False)),
    (pa.null(), (None,)),
    (pa.list_(pa.int64()), ([], [1, None])),
    (pa.large_list(pa.string()), (["a"],)),
    (pa.list_(pa.int8(), 2), ([1, 2],)),
    (pa.struct([("a", pa.int64()), ("b", pa.list_(pa.string()))]), ({"a": 1, "b": ["x"]},)),
    (pa.struct([]), ({},)),
    (pa.map_(pa.string(), pa.int64()), ([("k", 1), ("k", 2)],)),
    (pa.dictionary(pa.int8(), pa.string()), ("a", "b")),
    (pa.dictionary(pa.int32(), pa.int64()), (1, 2)),
)
NAMES = ("id", "day", "note", "items", "", "a.b", "ID", "a\0b", "ß", "row_id")


def any_table(random):
    """Return a table of some columns."""
    names = [random.choice(NAMES) for _ in range(random.randrange(6))]
    rows = random.choice((0, 1, ROWS))
    columns = []
    for _ in names:
        dtype, values = random.choice(VALUES)
        given = [random.choice((*values, None)) for _ in range(rows)]
        columns.append(pa.array(given, dtype))
    return pa.Table.from_arrays(columns, names)


def another_file(write):
    """Return a change that puts a file of another table in place of the data."""

    def changed(data, random, _seeds):
        try:
            data[:] = write(any_table(random), random)
        except (pa.ArrowException, NotImplementedError):  # a type that the format does not have
            return

    return changed
