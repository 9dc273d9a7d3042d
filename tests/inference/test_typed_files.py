"""JSON, workbooks, Parquet and Arrow: their own types, their tables, their parts."""

from __future__ import annotations

import datetime as dt
import json

import polars as pl
import pytest
import xlsxwriter

from algomancy_data import DataType, SchemaType
from algomancy_data.errors import AlgomancyDataError, ETLConstructionError, FileContentError
from algomancy_data.inference import infer_schemas
from algomancy_data.relations import resolve_relations_from_schemas

ORDERS = [
    {
        "id": 100 + number,
        "at": f"2024-01-{number + 1:02}T10:00:00",
        "customer": {"name": f"n{number}", "vip": number % 2 == 0},
        "tags": ["a", "b"],
        "lines": [{"no": line, "sku": f"s{(number + line) % 9}"} for line in range(3)],
    }
    for number in range(20)
]


def relations(loaded):
    return sorted(map(str, resolve_relations_from_schemas(loaded.module["SCHEMAS"])))


@pytest.mark.parametrize("envelope", [False, True])
def test_lists_inside_records_become_groups_with_the_key_of_the_record_around(
    envelope, write, load
):
    document = {"count": 20, "orders": ORDERS} if envelope else ORDERS
    loaded = load(write("orders.json", json.dumps(document)))
    assert list(loaded.tables) == ["orders.root", "orders.lines"]
    root, lines = loaded.tables["orders.root"], loaded.tables["orders.lines"]
    assert root.schema["at"] == pl.Datetime("us")
    assert root["customer.name"].to_list() == [order["customer"]["name"] for order in ORDERS]
    assert root["tags"][0].to_list() == ["a", "b"]
    assert lines.rows() == [
        (order["id"], line["no"], line["sku"]) for order in ORDERS for line in order["lines"]
    ]
    assert relations(loaded) == ["orders.lines.order_id->orders.root.id"]
    schema = loaded.schema("orders")
    assert schema.get_subschema("root").primary_key() == ("id",)
    assert schema.get_subschema("lines").primary_key() == ("order_id", "no")


def test_lists_at_two_places_with_one_name_are_two_groups(write, load):
    records = [
        {"id": n, "in": {"items": [{"a": n}]}, "out": {"items": [{"b": n}, {"b": -n}]}}
        for n in range(20)
    ]
    loaded = load(write("flows.json", json.dumps(records)))
    assert list(loaded.tables) == ["flows.root", "flows.root.in.items", "flows.root.out.items"]
    assert loaded.tables["flows.root.out.items"].height == 40


@pytest.mark.parametrize("suffix", ["json", "ndjson", "jsonl"])
def test_flat_records_are_one_table(suffix, write, load):
    records = [{"id": n, "name": f"n{n}", "x": n / 2, "zip": f"{n:05}"} for n in range(20)]
    separator = "," if suffix == "json" else "\n"
    text = separator.join(map(json.dumps, records))
    loaded = load(write(f"people.{suffix}", f"[{text}]" if suffix == "json" else text))
    assert loaded.schema("people").schema_type() is SchemaType.SINGLE
    assert loaded.tables["people"].rows(named=True) == records
    assert loaded.schema("people").primary_key() == ("id",)


def test_texts_in_json_that_are_numbers_stay_texts(write, load):
    loaded = load(write("t.json", '[{"a": "1", "b": 1, "c": null}, {"a": "2", "b": 2.5}]'))
    assert loaded.tables["t"].rows() == [("1", 1.0, None), ("2", 2.5, None)]
    assert loaded.schema("t").datatypes()["c"] is DataType.STRING


@pytest.fixture
def workbook(tmp_path):
    path = tmp_path / "book.xlsx"
    book = xlsxwriter.Workbook(str(path))
    dates = book.add_format({"num_format": "yyyy-mm-dd"})
    customers = book.add_worksheet("Customers")
    customers.write_row(0, 0, ["id", "name", "since"])
    for number in range(12):
        customers.write_row(number + 1, 0, [number + 1, f"c{number}"])
        customers.write_datetime(number + 1, 2, dt.datetime(2024, 1, number + 1), dates)
    orders = book.add_worksheet("Orders 2024")
    orders.write_row(0, 0, ["no", "customer_id", "amount", "mixed"])
    for number in range(30):
        orders.write_row(number + 1, 0, [1000 + number, number % 12 + 1, number * 1.5])
        orders.write(number + 1, 3, number if number % 2 else "none")
    book.add_worksheet("Empty")
    book.close()
    return path


def test_sheets_become_groups_and_refer_to_each_other(workbook, load):
    loaded = load(workbook)
    schema = loaded.schema("book")
    assert schema.sub_names() == ["Customers", "Orders 2024"]
    assert schema.datatype_groups()["Orders 2024"] == {
        "no": DataType.INTEGER,
        "customer_id": DataType.INTEGER,
        "amount": DataType.FLOAT,
        "mixed": DataType.STRING,
    }
    assert schema.datatype_groups()["Customers"]["since"] == pl.Date()
    assert relations(loaded) == ["book.Orders 2024.customer_id->book.Customers.id"]
    assert "# Without a table: 'Empty'." in loaded.inferred.to_module()


def test_one_sheet_among_empty_ones_is_named(tmp_path, load):
    book = xlsxwriter.Workbook(str(tmp_path / "one.xlsx"))
    book.add_worksheet("Cover")
    sheet = book.add_worksheet("Data")
    sheet.write_row(0, 0, ["a", "b"])
    sheet.write_row(1, 0, [1, "x"])
    book.close()
    loaded = load(tmp_path / "one.xlsx")
    assert loaded.schema("one").sheet() == "Data"
    assert loaded.tables["one"].rows() == [(1, "x")]


FRAME = pl.DataFrame(
    {
        "small": pl.Series([1, 2, 3], dtype=pl.UInt8),
        "large": pl.Series([1, 2, 2**64 - 1], dtype=pl.UInt64),
        "day": [dt.date(2024, 1, 1), None, dt.date(2024, 1, 3)],
        "price": pl.Series(["1.10", "2.25", "3.5"]).str.to_decimal(scale=2),
        "list": [[1], [2, None], None],
        "kind": pl.Series(["a", "b", "a"], dtype=pl.Categorical),
        "clock": [dt.time(1), dt.time(2), dt.time(3)],
        "nothing": pl.Series([None, None, None], dtype=pl.Null),
        "length": [dt.timedelta(hours=1), None, dt.timedelta(days=1)],
        "text": ["1", "2", "NA"],
        "float": pl.Series([1.5, None, 3], dtype=pl.Float32),
        "words": pl.Series(["b", "a", None], dtype=pl.Enum(["b", "a"])),
        "blob": [b"\xff", b"", None],
        "nested": [{"a": [dt.date(2024, 1, 1)], "b": 1}, None, {"a": [], "b": None}],
        "empty": pl.Series([[], [None], None], dtype=pl.List(pl.Null)),
        "half": pl.Series([1.5, None, 3], dtype=pl.Float16),
        "pair": pl.Series([[1, 2], None, [3, 4]], dtype=pl.Array(pl.Int8, 2)),
        "at": pl.Series([dt.datetime(2024, 1, 1)] * 3, dtype=pl.Datetime("ms", "Europe/Paris")),
    }
)
TYPES = {
    "small": pl.UInt8(),
    "large": pl.UInt64(),
    "day": pl.Date(),
    "price": pl.Decimal(38, 2),
    "list": pl.List(pl.Int64),
    "kind": DataType.CATEGORICAL,
    "clock": pl.Time(),
    "nothing": DataType.STRING,
    "length": DataType.INTERVAL,
    "text": DataType.STRING,
    "float": pl.Float32(),
    "words": pl.Enum(["b", "a"]),
    "blob": pl.Binary(),
    "nested": pl.Struct({"a": pl.List(pl.Date), "b": pl.Int64}),
    "empty": pl.List(pl.String),
    "half": pl.Float32(),
    "pair": pl.Array(pl.Int8, 2),
    "at": pl.Datetime("ms", "Europe/Paris"),
}


@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_columns_keep_the_types_that_a_format_gives_them(form, tmp_path, load):
    path = tmp_path / f"all.{form}"
    (FRAME.write_parquet if form == "parquet" else FRAME.write_ipc)(path)
    loaded = load(path)
    assert loaded.schema("all").datatypes() == TYPES
    assert loaded.tables["all"].to_dict(as_series=False) == FRAME.to_dict(as_series=False)
    assert loaded.warnings == []


def test_a_long_list_of_words_is_not_declared(tmp_path, load):
    words = [f"w{number}" for number in range(21)]
    frame = pl.DataFrame({"kind": pl.Series(words, dtype=pl.Enum(words))})
    frame.write_parquet(tmp_path / "t.parquet")
    loaded = load(tmp_path / "t.parquet")
    assert loaded.schema("t").datatypes() == {"kind": DataType.CATEGORICAL}
    assert loaded.tables["t"].equals(frame)


def test_text_in_json_is_what_json_has_no_values_for(write, load):
    record = {
        "day": "2024-01-05",
        "at": "2024-01-05T10:00:00",
        "moment": "2024-01-05T10:00:00+01:00",
        "clock": "10:30",
        "price": "12.50",
        "zip": "007",
        "tags": ["a"],
        "scores": [[1.5], []],
    }
    loaded = load(write("t.json", json.dumps([record])))
    assert loaded.schema("t").datatypes() == {
        "day": pl.Date(),
        "at": DataType.DATETIME,
        "moment": pl.Datetime("us", "UTC"),
        "clock": pl.Time(),
        "price": DataType.STRING,
        "zip": DataType.STRING,
        "tags": pl.List(pl.String),
        "scores": pl.List(pl.List(pl.Float64)),
    }
    assert loaded.warnings == []


@pytest.mark.parametrize("pattern", ["parts", "parts/part-*.csv", "parts/*.csv"])
def test_parts_are_one_table(pattern, tmp_path, load):
    folder = tmp_path / "parts"
    folder.mkdir()
    for part in range(3):
        frame = pl.DataFrame({"id": range(part * 5, part * 5 + 5), "x": [part + 0.5] * 5})
        frame.write_csv(folder / f"part-{part}.csv", separator=";")
    loaded = load(str(tmp_path / pattern))
    (table,) = loaded.tables.values()
    assert table.height == 15
    assert list(loaded.tables) == ["part" if "part-" in pattern else "parts"]


def test_a_part_with_other_values_decides_with_the_others(tmp_path, load):
    (tmp_path / "p-1.csv").write_text("id,x\n1,5\n2,6\n", encoding="utf-8")
    (tmp_path / "p-2.csv").write_text("id,x\n3,007\n4,n\n", encoding="utf-8")
    loaded = load(str(tmp_path / "p-*.csv"))
    assert loaded.tables["p"].rows() == [(1, "5"), (2, "6"), (3, "007"), (4, "n")]


def test_folders_that_are_columns_are_declared(tmp_path, load):
    for year in (2023, 2024):
        (tmp_path / "sales" / f"year={year}").mkdir(parents=True)
        (tmp_path / "sales" / f"year={year}" / "a.csv").write_text(f"id,x\n{year},1\n")
    loaded = load(tmp_path / "sales")
    assert loaded.tables["sales"].rows() == [(2023, 1, 2023), (2024, 1, 2024)]


def test_names_may_be_given(write, load):
    path = write("export-2024-12.csv", "id\n1\n")
    loaded = load({"orders": path})
    assert loaded.schema("orders").__name__ == "Orders"


@pytest.mark.parametrize(
    ("name", "content", "error", "words"),
    [
        ("nowhere.csv", None, ETLConstructionError, "there is no file at"),
        ("t.txt", b"a", ETLConstructionError, "unknown extension 'txt'"),
        ("t", b"a", ETLConstructionError, "no extension"),
        ("t.json", b"[]", FileContentError, "has no columns"),
        ("t.json", b"[1, 2]", FileContentError, "without objects"),
        ("t.json", b"{", FileContentError, "'t'"),
        ("t.json", b"", FileContentError, "is empty"),
        ("t.ndjson", b"", FileContentError, "has no columns"),
        ("t.parquet", b"abc", FileContentError, "is no Parquet file"),
        ("t.arrow", b"abc", FileContentError, "is neither an Arrow file"),
        ("t.xlsx", b"abc", FileContentError, "'t'"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_name_and_the_reason(
    name, content, error, words, tmp_path
):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(error, match=words) as raised:
        infer_schemas(path)
    assert isinstance(raised.value, AlgomancyDataError)


def test_no_file_and_two_files_of_one_name_are_refused(tmp_path, write):
    with pytest.raises(ETLConstructionError, match="No file was given"):
        infer_schemas([])
    write("a.csv", "id\n1\n")
    (tmp_path / "other").mkdir()
    path = write("other/a.csv", "id\n1\n")
    with pytest.raises(ETLConstructionError, match="'a' is given 2 times"):
        infer_schemas([tmp_path / "a.csv", path])


def test_a_title_above_the_header_of_a_sheet_is_a_comment(tmp_path, load):
    book = xlsxwriter.Workbook(str(tmp_path / "t.xlsx"))
    sheet = book.add_worksheet()
    sheet.merge_range(0, 0, 0, 2, "Sales 2024")
    sheet.write_row(1, 0, ["id", "day", "amount"])
    book.close()
    module = load(tmp_path / "t.xlsx").inferred.to_module()
    assert "# Of a sheet, the first row names 1 of 3 columns ('Sales 2024'), like a title" in module
