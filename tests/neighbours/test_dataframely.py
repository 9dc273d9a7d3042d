"""Rules of dataframely's documentation, written one to one, find the same rows of a frame."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import dataframely as dy
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algomancy_data import Column, DataType, Schema, SimpleETLFactory, rule

D = Decimal
DAY = dt.date(2025, 1, 1)


class AllChecked(SimpleETLFactory):
    check_constraints = True


class File(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "t", "csv", "single"


def ours(schema, frame):
    """Return the rows that break each rule, which is called as dataframely calls it."""
    sequence = AllChecked.create_validation_sequence({"t": schema})
    sequence.message_limit = None
    failing = sequence.run_validation({"t": frame}).failing_rows()
    names = {"NULL_VALUE": "nullability", "PK_NULL": "nullability", "PK_DUPLICATE": "primary_key"}
    on_rows = {one.name for one in schema.rules() if one.column is None}
    found = {}
    for code, column, key, row in failing.select("code", "column", "key", "row").iter_rows():
        name = names.get(code, key)
        if name not in on_rows and name != "primary_key":
            name = f"{column}|{name}"
        found.setdefault(name, set()).add(row)
    return found


def theirs(schema, frame):
    """Return the same of dataframely, which gives the failing rows in the order of the frame."""
    _, failure = schema.filter(frame)
    rules = list(failure.counts())
    details = failure.details()
    columns = pl.struct(frame.columns)
    number = frame.with_row_index("#")
    failing = number.filter(
        number.select(columns.is_in(details.select(columns).to_series().implode())).to_series()
    )
    assert failing.drop("#").equals(details.select(frame.columns))
    return {name: set(failing["#"].filter(details[name] == "invalid")) for name in rules}


# --- the quickstart -----------------------------------------------------------------------------


class House(dy.Schema):
    zip_code = dy.String(nullable=False, min_length=3)
    num_bedrooms = dy.UInt8(nullable=False)
    num_bathrooms = dy.UInt8(nullable=False)
    price = dy.Float64(nullable=False)

    @dy.rule()
    def reasonable_bathroom_to_bedroom_ratio(cls) -> pl.Expr:
        ratio = pl.col("num_bathrooms") / pl.col("num_bedrooms")
        return (ratio >= 1 / 3) & (ratio <= 3)

    @dy.rule()
    def minimum_zip_code_count(cls) -> pl.Expr:
        return (pl.len() >= 2).over("zip_code")


class OurHouse(File):
    ZIP_CODE = Column("zip_code", DataType.STRING, min_length=3)
    NUM_BEDROOMS = Column("num_bedrooms", pl.UInt8)
    NUM_BATHROOMS = Column("num_bathrooms", pl.UInt8)
    PRICE = Column("price", pl.Float64, allow_nan=False, allow_inf=False)

    @rule()
    def reasonable_bathroom_to_bedroom_ratio(cls):
        ratio = pl.col("num_bathrooms") / pl.col("num_bedrooms")
        return (ratio >= 1 / 3) & (ratio <= 3)

    @rule(group_by=["zip_code"])
    def minimum_zip_code_count(cls):
        return pl.len() >= 2


HOUSES = {
    "zip_code": ["01234", "01234", "1", "213", "123", "213"],
    "num_bedrooms": [2, 2, 1, None, None, 2],
    "num_bathrooms": [1, 2, 1, 1, 0, 8],
    "price": [100_000, 110_000, 50_000, 80_000, 60_000, 160_000],
}

# --- the real-world example ---------------------------------------------------------------------


class Invoice(dy.Schema):
    invoice_id = dy.String(primary_key=True)
    admission_date = dy.Date(nullable=False)
    discharge_date = dy.Date(nullable=False)
    received_at = dy.Datetime(nullable=False)
    amount = dy.Decimal(18, 2, nullable=False, min_exclusive=D(0))

    @dy.rule()
    def discharge_after_admission(cls) -> pl.Expr:
        return pl.col("discharge_date") >= pl.col("admission_date")

    @dy.rule()
    def received_at_after_discharge(cls) -> pl.Expr:
        return pl.col("received_at").dt.date() >= pl.col("discharge_date")


class OurInvoice(File):
    INVOICE_ID = Column("invoice_id", DataType.STRING, primary_key=True)
    ADMISSION_DATE = Column("admission_date", pl.Date)
    DISCHARGE_DATE = Column("discharge_date", pl.Date)
    RECEIVED_AT = Column("received_at", DataType.DATETIME)
    AMOUNT = Column("amount", pl.Decimal(18, 2), min_exclusive=D(0))

    @rule()
    def discharge_after_admission(cls):
        return cls.DISCHARGE_DATE.col >= cls.ADMISSION_DATE.col

    @rule()
    def received_at_after_discharge(cls):
        return cls.RECEIVED_AT.col.dt.date() >= cls.DISCHARGE_DATE.col


INVOICES = {
    "invoice_id": ["001", "002", "003", "003", None],
    "admission_date": [DAY, dt.date(2025, 1, 5), DAY, None, DAY],
    "discharge_date": [dt.date(2025, 1, 4), DAY, DAY, DAY, dt.date(2025, 2, 1)],
    "received_at": [dt.datetime(2025, 1, day) for day in (5, 8, 2, 1, 3)],
    "amount": [D("1000"), D("0.00"), D("-1"), D("0.01"), None],
}


class Diagnosis(dy.Schema):
    invoice_id = dy.String(primary_key=True)
    diagnosis_code = dy.String(primary_key=True, regex=r"[A-Z][0-9]{2,4}")
    is_main = dy.Bool(nullable=False)

    @dy.rule()
    def exactly_one_main_diagnosis(cls) -> pl.Expr:
        return (pl.col("is_main").sum() == 1).over("invoice_id")


class OurDiagnosis(File):
    INVOICE_ID = Column("invoice_id", DataType.STRING, primary_key=True)
    CODE = Column("diagnosis_code", DataType.STRING, primary_key=True, regex=r"[A-Z][0-9]{2,4}")
    IS_MAIN = Column("is_main", DataType.BOOLEAN)

    @rule(group_by=["invoice_id"])
    def exactly_one_main_diagnosis(cls):
        return pl.col("is_main").sum() == 1


DIAGNOSES = {
    "invoice_id": ["1", "1", "2", "2", "3", "3", "4"],
    "diagnosis_code": ["A123", "B00", "a12", "B1", "C123", "C123", "XA99Y"],
    "is_main": [True, False, True, True, None, True, False],
}

# --- the questions, and how validation works ----------------------------------------------------


class User(dy.Schema):
    user_id = dy.UInt64(primary_key=True, nullable=False)
    username = dy.String(nullable=False)
    email = dy.String(nullable=True)

    @dy.rule()
    def unique_username(cls) -> pl.Expr:
        return (pl.len() == 1).over("username")

    @dy.rule()
    def unique_email_or_null(cls) -> pl.Expr:
        return pl.col("email").is_null() | pl.col("email").is_unique()


class OurUser(File):
    USER_ID = Column("user_id", pl.UInt64, primary_key=True)
    USERNAME = Column("username", DataType.STRING)
    EMAIL = Column("email", DataType.STRING, nullable=True)

    @rule(group_by=["username"])
    def unique_username(cls):
        return pl.len() == 1

    @rule()
    def unique_email_or_null(cls):
        return pl.col("email").is_null() | pl.col("email").is_unique()


USERS = {
    "user_id": [1, 2, 3, 4, 5],
    "username": ["a", "b", "a", "c", "d"],
    "email": ["x", None, None, "y", "x"],
}


class Order(dy.Schema):
    order_id = dy.Int64(nullable=False, primary_key=True)
    status = dy.String(nullable=False, regex=r"^(open|closed|cancelled)$")
    amount = dy.Float64(nullable=False, min=0.0)

    @dy.rule()
    def positive_amount_when_open(cls) -> pl.Expr:
        return (pl.col("status") != "open") | (pl.col("amount") > 0)

    @dy.rule()
    def at_least_two_orders_per_status(cls) -> pl.Expr:
        return (pl.len() >= 2).over("status")


class OurOrder(File):
    ORDER_ID = Column("order_id", DataType.INTEGER, primary_key=True)
    STATUS = Column("status", DataType.STRING, regex=r"^(open|closed|cancelled)$")
    AMOUNT = Column("amount", DataType.FLOAT, min=0.0, allow_nan=False, allow_inf=False)

    @rule()
    def positive_amount_when_open(cls):
        return (pl.col("status") != "open") | (pl.col("amount") > 0)

    @rule(group_by=["status"])
    def at_least_two_orders_per_status(cls):
        return pl.len() >= 2


ORDERS = {
    "order_id": [1, 2, 3, 4, 4, 6],
    "status": ["open", "open", "closed", "Open", None, "open"],
    "amount": [0.0, 1.0, -1.0, float("nan"), float("inf"), None],
}


class Product(dy.Schema):
    sku = dy.String(
        nullable=False,
        check={"starts_with_letter": lambda col: col.str.slice(0, 1).str.contains(r"[A-Z]")},
    )


class OurProduct(File):
    SKU = Column(
        "sku",
        DataType.STRING,
        check={"starts_with_letter": lambda col: col.str.slice(0, 1).str.contains(r"[A-Z]")},
    )


PRODUCTS = {"sku": ["A1", "1A", None, "", "É"]}


@pytest.mark.parametrize(
    ("declared", "same", "values"),
    [
        (House, OurHouse, HOUSES),
        (Invoice, OurInvoice, INVOICES),
        (Diagnosis, OurDiagnosis, DIAGNOSES),
        (User, OurUser, USERS),
        (Order, OurOrder, ORDERS),
        (Product, OurProduct, PRODUCTS),
    ],
)
def test_the_rules_of_its_documentation_find_the_same_rows(declared, same, values):
    frame = pl.DataFrame(values, schema=pl.Schema(declared))
    found = theirs(declared, frame)
    assert ours(same, frame) == found
    assert found


# --- all rules of columns, on any frame ---------------------------------------------------------


class Anything(dy.Schema):
    n = dy.Int16(nullable=True, min=-3, max_exclusive=5)
    k = dy.Int64(nullable=True, is_in=[1, 2, 3])
    f = dy.Float64(nullable=True, min_exclusive=0.5, max=2)
    s = dy.String(nullable=True, regex="^[ab]", min_length=2, max_length=3)
    d = dy.Decimal(9, 2, nullable=True, min=D("0.5"), max_exclusive=D(2))
    day = dy.Date(nullable=True, min=DAY)
    at = dy.Datetime(nullable=True, max_exclusive=dt.datetime(2025, 1, 1), time_unit="us")
    time = dy.Time(nullable=True, min_exclusive=dt.time(8))
    span = dy.Duration(nullable=True, max=dt.timedelta(hours=1))
    many = dy.List(dy.Int64(nullable=True), nullable=True, min_length=1, max_length=2)
    checked = dy.Int64(nullable=True, check=[lambda x: x > 1, lambda x: x < 3])

    @dy.rule()
    def less(cls) -> pl.Expr:
        return cls.n.col < cls.k.col


class OurAnything(File):
    N = Column("n", pl.Int16, min=-3, max_exclusive=5, nullable=True)
    K = Column("k", pl.Int64, is_in=[1, 2, 3], nullable=True)
    F = Column(
        "f",
        pl.Float64,
        min_exclusive=0.5,
        max=2,
        allow_nan=False,
        allow_inf=False,
        nullable=True,
    )
    S = Column("s", pl.String, regex="^[ab]", min_length=2, max_length=3, nullable=True)
    D = Column("d", pl.Decimal(9, 2), min=D("0.5"), max_exclusive=D(2), nullable=True)
    DAY = Column("day", pl.Date, min=DAY, nullable=True)
    AT = Column("at", DataType.DATETIME, max_exclusive=dt.datetime(2025, 1, 1), nullable=True)
    TIME = Column("time", pl.Time, min_exclusive=dt.time(8), nullable=True)
    SPAN = Column("span", pl.Duration("us"), max=dt.timedelta(hours=1), nullable=True)
    MANY = Column("many", pl.List(pl.Int64), min_length=1, max_length=2, nullable=True)
    CHECKED = Column("checked", pl.Int64, check=[lambda x: x > 1, lambda x: x < 3], nullable=True)

    @rule()
    def less(cls):
        return cls.N.col < cls.K.col


SMALL = st.integers(-5, 6)
ROW = {
    "n": SMALL,
    "k": SMALL,
    "f": st.floats(allow_subnormal=False) | st.sampled_from([0.5, 2.0]),
    "s": st.text("abé", max_size=4),
    "d": st.decimals(-3, 3, places=2),
    "day": st.dates(DAY - dt.timedelta(2), DAY + dt.timedelta(2)),
    "at": st.datetimes(dt.datetime(2024, 12, 31), dt.datetime(2025, 1, 2)),
    "time": st.times() | st.just(dt.time(8)),
    "span": st.timedeltas(dt.timedelta(0), dt.timedelta(hours=2)),
    "many": st.lists(SMALL, max_size=3),
    "checked": SMALL,
}
FRAMES = st.lists(st.fixed_dictionaries({name: st.none() | one for name, one in ROW.items()}))


@given(rows=FRAMES)
def test_the_rules_of_columns_find_the_same_rows_of_any_frame(rows):
    frame = pl.DataFrame(rows, schema=pl.Schema(Anything))
    assert ours(OurAnything, frame) == theirs(Anything, frame)
