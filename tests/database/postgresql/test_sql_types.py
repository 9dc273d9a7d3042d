"""Values of every type go into both databases and come back as they were."""

from __future__ import annotations

import enum
import math
import subprocess
import sys
import uuid
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from ipaddress import ip_address, ip_interface, ip_network

import pytest
import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.dialects import postgresql as pg

from algomancy_data.database.postgresql.python_values import MultiRange

pytestmark = [
    pytest.mark.filterwarnings("ignore:Dialect sqlite.adbc does .not. support Decimal"),
    pytest.mark.filterwarnings("ignore:Type object .*MONEY.* does not refer to an OperatorClass"),
]

EAST = timezone(timedelta(hours=5, minutes=30))
INSTANT = datetime(2013, 1, 2, 6, 5, 4, 123_456, tzinfo=EAST)


class Size(enum.Enum):
    SMALL = "small"
    LARGE = "large, 'quoted'"


COMMON = {
    "small integer": (sa.SmallInteger(), [-(2**15), 2**15 - 1]),
    "integer": (sa.Integer(), [-(2**31), 0, 2**31 - 1]),
    "big integer": (sa.BigInteger(), [-(2**63), 2**63 - 1]),
    "float": (sa.Float(53), [0.1, -0.0, 5e-324, math.inf, -math.inf]),
    "decimal": (sa.Numeric(10, 2), [Decimal("12.50"), Decimal("-0.01"), Decimal("99999999.99")]),
    "decimal as float": (sa.Numeric(10, 2, asdecimal=False), [12.5, -0.01]),
    "float as decimal": (sa.Float(53, asdecimal=True), [Decimal("0.5")]),
    "string": (sa.String(40), ["", "a", "é ' \" \\ % : $1 ? {} \n", "名前"]),
    "text": (sa.Text(), ["x" * 100_000, "\N{PILE OF POO}"]),
    "boolean": (sa.Boolean(), [True, False]),
    "date": (sa.Date(), [date(1, 1, 1), date(2013, 1, 2), date(9999, 12, 31)]),
    "datetime": (sa.DateTime(), [datetime(1, 1, 1), datetime(2013, 1, 2, 6, 5, 4, 123_456)]),
    "time": (sa.Time(), [time(0), time(23, 59, 59, 999_999)]),
    "interval": (sa.Interval(), [timedelta(days=1, seconds=2, microseconds=3), timedelta(days=-4)]),
    "bytes": (sa.LargeBinary(), [b"", b"\0\xff\x80", bytes(range(256)) * 100]),
    "json": (sa.JSON(), [{"a": [1, None, "é"]}, [], "text", 1.5, False]),
    "enum": (sa.Enum(Size), [Size.SMALL, Size.LARGE]),
    "uuid": (sa.Uuid(), [uuid.UUID(int=0), uuid.UUID(int=2**128 - 1)]),
    "uuid as text": (sa.Uuid(as_uuid=False), ["00000000-0000-0000-0000-000000000001"]),
}
POSTGRESQL = {
    "real": (pg.REAL(), [0.5, -math.inf]),
    "numeric": (pg.NUMERIC(), [Decimal("1.50"), Decimal(10) ** 40, Decimal("1E-30"), Decimal(0)]),
    "timestamptz": (pg.TIMESTAMP(timezone=True), [INSTANT, datetime(1, 1, 2, tzinfo=UTC)]),
    "timetz": (pg.TIME(timezone=True), [time(6, 5, 4, 123_456, EAST), time(0, tzinfo=UTC)]),
    "interval": (pg.INTERVAL(), [timedelta(days=800, microseconds=1), timedelta(seconds=-1)]),
    "jsonb": (pg.JSONB(), [{"a": {"b": [1, 2.5]}}, None]),
    "integers": (pg.ARRAY(sa.Integer), [[], [1, None, -3]]),
    "texts": (pg.ARRAY(sa.Text), [["", "NULL", None, 'a"b', "c\\d", "e,f", "{g}", " "]]),
    "decimals": (pg.ARRAY(sa.Numeric), [[Decimal("1.50"), None]]),
    "dates": (pg.ARRAY(sa.Date), [[date(2013, 1, 2)]]),
    "instants": (pg.ARRAY(sa.DateTime(timezone=True)), [[INSTANT, None]]),
    "booleans": (pg.ARRAY(sa.Boolean), [[True, False, None]]),
    "bytes": (pg.ARRAY(sa.LargeBinary), [[b"\0\\\"'", None]]),
    "intervals": (pg.ARRAY(sa.Interval), [[timedelta(days=-1, seconds=3)]]),
    "uuids": (pg.ARRAY(sa.Uuid), [[uuid.UUID(int=7)]]),
    "documents": (pg.ARRAY(pg.JSONB), [[{"a": '"'}, [1]]]),
    "enums": (pg.ARRAY(sa.Enum(Size)), [[Size.LARGE, None, Size.SMALL]]),
    "matrix": (pg.ARRAY(sa.Integer, dimensions=2), [[[1, 2], [3, None]], []]),
    "decimal matrix": (pg.ARRAY(sa.Numeric, dimensions=2), [[[Decimal("1.5")], [Decimal(2)]]]),
    "date cube": (pg.ARRAY(sa.Date, dimensions=3), [[[[date(2013, 1, 2)]]]]),
    "float matrix": (pg.ARRAY(sa.Float, dimensions=2), [[[0.1, math.inf]]]),
    "bytes matrix": (pg.ARRAY(sa.LargeBinary, dimensions=2), [[[b"\0a"]]]),
    "uuid matrix": (pg.ARRAY(sa.Uuid, dimensions=2), [[[uuid.UUID(int=7)]]]),
    "bits": (pg.BIT(11), [pg.BitString("10100000001")]),
    "varying bits": (pg.BIT(varying=True), [pg.BitString("1"), pg.BitString("")]),
    "inet": (pg.INET(), [ip_address("10.0.0.1"), ip_interface("10.0.0.1/8"), ip_address("::1")]),
    "cidr": (pg.CIDR(), [ip_network("10.0.0.0/8"), ip_network("::/3")]),
    "macaddr": (pg.MACADDR(), ["08:00:2b:01:02:03"]),
    "macaddr8": (pg.MACADDR8(), ["08:00:2b:01:02:03:04:05"]),
    "money": (pg.MONEY(), [Decimal("12.50"), Decimal("-0.01")]),
    "oid": (pg.OID(), [0, 2**32 - 1]),
    "char": (sa.CHAR(3), ["abc"]),
    "int range": (pg.INT4RANGE(), [pg.Range(1, 5), pg.Range(None, 5), pg.Range(empty=True)]),
    "big range": (pg.INT8RANGE(), [pg.Range(2**40, None)]),
    "decimal range": (pg.NUMRANGE(), [pg.Range(Decimal("-1.50"), Decimal(2), bounds="(]")]),
    "date range": (pg.DATERANGE(), [pg.Range(date(2013, 1, 2), date(2014, 1, 2))]),
    "time range": (pg.TSRANGE(), [pg.Range(datetime(2013, 1, 2), datetime(2013, 1, 2, 6, 5))]),
    "instant range": (pg.TSTZRANGE(), [pg.Range(INSTANT, None, bounds="[)")]),
    "multirange": (pg.INT4MULTIRANGE(), [MultiRange([pg.Range(1, 2), pg.Range(4, 9)])]),
    "date multirange": (pg.DATEMULTIRANGE(), [MultiRange([])]),
}


@pytest.fixture(scope="session")
def engines(postgresql_server, new_database, tmp_path_factory):
    """An engine of each dialect for all of these tests: to connect takes longer than they do."""
    new_database("types")
    file = tmp_path_factory.mktemp("types") / "data.db"
    made = {
        "postgresql": sa.create_engine(postgresql_server.set(database="types")),
        "sqlite": sa.create_engine(f"sqlite+adbc:///{file}"),
    }
    yield made
    for engine in made.values():
        engine.dispose()


@pytest.fixture
def postgresql_engine(engines):
    yield engines["postgresql"]
    with engines["postgresql"].begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")


@pytest.fixture
def sqlite_engine(engines):
    yield engines["sqlite"]
    with engines["sqlite"].begin() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS things")


@pytest.fixture(params=["postgresql", "sqlite"])
def engine(request):
    return request.getfixturevalue(f"{request.param}_engine")


def cases(types):
    return pytest.mark.parametrize(("type_", "values"), types.values(), ids=list(types))


def round_trip(engine, type_, values):
    """Store each value by itself, then all in one statement; read them by all the ways."""
    metadata = sa.MetaData()
    identity = sa.Column("id", sa.Integer, primary_key=True)
    table = sa.Table("things", metadata, identity, sa.Column("value", type_))
    metadata.create_all(engine)
    order = sa.select(table.c.value).order_by(table.c.id)
    with engine.begin() as connection:
        for value in values:
            insert = table.insert().values(value=value).returning(table.c.value)
            assert connection.scalar(insert) == value
        connection.execute(table.insert(), [{"value": value} for value in values])
        found = connection.scalars(order).all()
        for value in values:
            if value is not None and not isinstance(type_, sa.JSON | pg.MONEY):
                again = order.where(table.c.value == value)
                assert connection.scalars(again).first() == value
    assert [type(value) for value in found] == [type(value) for value in values] * 2
    return found


@cases(COMMON)
def test_values_of_both(engine, type_, values):
    assert round_trip(engine, type_, values) == values * 2


@cases(POSTGRESQL)
def test_values_of_postgresql(postgresql_engine, type_, values):
    assert round_trip(postgresql_engine, type_, values) == values * 2


@cases(COMMON)
def test_null_of_every_type(engine, type_, values):
    assert null_round_trip(engine, type_, values) == [None, values[0], None, values[0], None]


@cases(POSTGRESQL)
def test_null_of_every_type_of_postgresql(postgresql_engine, type_, values):
    assert null_round_trip(postgresql_engine, type_, values) == [
        None,
        values[0],
        None,
        values[0],
        None,
    ]


def null_round_trip(engine, type_, values):
    metadata = sa.MetaData()
    identity = sa.Column("id", sa.Integer, primary_key=True)
    if isinstance(type_, sa.JSON):
        type_ = type(type_)(none_as_null=True)
    table = sa.Table("things", metadata, identity, sa.Column("value", type_))
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(table.insert().values(value=None))
        connection.execute(table.insert(), [{"value": v} for v in (values[0], None, values[0])])
        connection.execute(table.insert(), [{"value": None}])
        return connection.scalars(sa.select(table.c.value).order_by(table.c.id)).all()


def test_nan_is_a_value_of_postgresql(postgresql_engine):
    assert math.isnan(round_trip_one(postgresql_engine, sa.Float(), math.nan))
    assert round_trip_one(postgresql_engine, pg.NUMERIC(), Decimal("NaN")).is_nan()


def round_trip_one(engine, type_, value):
    with engine.connect() as connection:
        return connection.scalar(sa.select(sa.literal(value, type_)))


def test_a_comparison_does_not_round(postgresql_engine):
    price = sa.Table("t", sa.MetaData(), sa.Column("price", sa.Numeric(10, 2)))
    price.create(postgresql_engine)
    with postgresql_engine.begin() as connection:
        connection.execute(price.insert().values(price=Decimal("1.01")))
        found = sa.select(price).where(price.c.price == Decimal("1.009"))
        assert connection.execute(found).all() == []


def test_a_naive_time_is_in_the_zone_of_the_session(postgresql_engine):
    at = sa.literal(datetime(2013, 1, 2, 6), sa.DateTime(timezone=True))
    with postgresql_engine.connect() as connection:
        connection.exec_driver_sql("SET TIME ZONE 'Asia/Kolkata'")
        assert connection.scalar(sa.select(at)) == datetime(2013, 1, 2, 6, tzinfo=EAST)


def test_an_instant_is_the_same_one_whatever_else_is_imported(postgresql):
    program = """
import sys, pandera, sqlalchemy as sa
from datetime import datetime, timedelta, timezone
zone = timezone(timedelta(hours=5, minutes=30))
given = {"at": datetime(2013, 1, 2, 6, tzinfo=zone), "list": [datetime(2013, 1, 2, 7, tzinfo=zone)]}
with sa.create_engine(sys.argv[1]).connect() as connection:
    query = sa.text("SELECT extract(epoch FROM :at), extract(epoch FROM (:list)[1])")
    print(*map(int, connection.execute(query, given).one()))
"""
    url = postgresql.replace("postgresql://", "postgresql+adbc://")
    done = subprocess.run(
        [sys.executable, "-c", program, url], capture_output=True, text=True, check=True
    )
    assert done.stdout == "1357086600 1357090200\n"


@pytest.mark.parametrize("value", [2**63, object(), 1j])
def test_a_parameter_without_an_arrow_type_is_refused(engine, value):
    with engine.connect() as connection, pytest.raises(exc.DataError, match="no Arrow type"):
        connection.execute(sa.text("SELECT :value"), {"value": value})
