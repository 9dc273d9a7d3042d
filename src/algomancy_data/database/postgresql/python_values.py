"""Values of ADBC's PostgreSQL driver as the Python objects of psycopg, and back.

The driver has Arrow types for the usual types of PostgreSQL. Of the others, and of those that were
created after the connection, it hands over PostgreSQL's binary form, and the name of the type or
its number.
"""

from __future__ import annotations

import re
import struct
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from ipaddress import ip_address, ip_interface, ip_network
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import pyarrow as pa
from adbc_driver_manager import NotSupportedError
from sqlalchemy.dialects.postgresql import Range, ranges

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy.dialects.postgresql.ranges import (
        AbstractSingleRange,
        AbstractSingleRangeImpl,
        MultiRange,
    )
else:
    # Before 2.0.26 single ranges had the classes of all ranges, and a multirange was a list.
    _names: Final = vars(ranges)
    AbstractSingleRange = _names.get("AbstractSingleRange") or _names["AbstractRange"]
    AbstractSingleRangeImpl = _names.get("AbstractSingleRangeImpl") or _names["AbstractRangeImpl"]
    MultiRange = _names.get("MultiRange", list)

__all__ = [
    "AbstractSingleRange",
    "AbstractSingleRangeImpl",
    "MultiRange",
    "Values",
    "array_literal",
    "literal",
    "range_literal",
]

_UNNAMED: Final = re.compile(r"unnamed<oid:(\d+)>")
_EPOCH: Final = datetime(2000, 1, 1)  # noqa: DTZ001 - timestamp has no zone
_BASE: Final = 10_000
_NUMERIC_SIGNS: Final = {0xC000: "NaN", 0xD000: "Infinity", 0xF000: "-Infinity"}
_NEGATIVE: Final = 0x4000
# The flags of a range.
_EMPTY, _LOWER_INCLUSIVE, _UPPER_INCLUSIVE, _NO_LOWER, _NO_UPPER = 1, 2, 4, 8, 16
_DAYS_OF_MONTH: Final = 30
_DAYS_OF_YEAR: Final = 365


class Values:
    """Converts Arrow's values to Python objects, for the types of one database.

    Args:
        catalogue_row: Runs a query on the catalogue and returns its first row.
    """

    def __init__(self, catalogue_row: Callable[[str], tuple[Any, ...] | None]) -> None:
        self._catalogue_row = catalogue_row
        self._decoders: dict[str, Callable[[bytes], Any]] = {}

    def converter(self, type_: Any) -> Callable[[Any], Any] | None:
        """Return a function that converts Arrow's values, or None if they stay as they are."""
        if isinstance(type_, pa.OpaqueType):
            if pa.types.is_string(type_.storage_type):  # numeric
                return Decimal
            return self._decoder(type_.type_name)
        if pa.types.is_list(type_):
            item = self.converter(type_.value_type)
            if item is None:
                return None
            return lambda values: [None if value is None else item(value) for value in values]
        if pa.types.is_string(type_):
            return _no_character
        return _timedelta if pa.types.is_interval(type_) else None

    def _decoder(self, name: str) -> Callable[[bytes], Any]:
        """Return the decoder of a type's binary form."""
        known = _DECODERS.get(name) or self._decoders.get(name)
        if known is None:
            known = self._decoders[name] = self._catalogue_decoder(name)
        return known

    def _catalogue_decoder(self, name: str) -> Callable[[bytes], Any]:
        unnamed = _UNNAMED.fullmatch(name)
        number = unnamed[1] if unnamed else f"to_regtype({_sql_text(name)})"
        row = self._catalogue_row(
            "SELECT t.typname::text, t.typtype::text, t.typcategory::text, t.typbasetype::int8,"  # noqa: S608  quoted above
            " r.rngsubtype::int8 FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_range r"
            f" ON t.oid IN (r.rngtypid, r.rngmultitypid) WHERE t.oid = {number}"
        )
        if row is None:
            return _undecodable(name)
        name, kind, category, base, subtype = row
        if kind == "e":
            return _text
        if kind == "d":
            return self._by_oid(base)
        if kind in {"r", "m"}:
            decode = _range_of(self._by_oid(subtype))
            return decode if kind == "r" else _multirange_of(decode)
        if category == "A":
            return lambda data: _array(data, self._by_oid)
        return _DECODERS.get(name) or _undecodable(name)

    def _by_oid(self, oid: int) -> Callable[[bytes], Any]:
        return self._decoder(f"unnamed<oid:{oid}>")


def literal(value: Any) -> str:
    r"""Return a value as PostgreSQL writes it, outside of an array.

    Example:
        >>> literal(b"ab"), literal(True), literal([1, None, "a,b"])
        ('\\x6162', 'true', '{1,NULL,"a,b"}')
    """
    match value:
        case bool():
            return "true" if value else "false"
        case bytes() | bytearray() | memoryview():
            return f"\\x{bytes(value).hex()}"
        case timedelta():
            return f"{value.days} days {value.seconds}.{value.microseconds:06} seconds"
        case list() | tuple():
            return array_literal(value)
        case Range():
            return range_literal(value)
        case _:
            return str(value)


def array_literal(values: Iterable[Any]) -> str:
    """Return an array as PostgreSQL writes it, whatever its dimensions.

    Example:
        >>> array_literal([[1, 2], [3, None]])
        '{{1,2},{3,NULL}}'
    """
    return f"{{{','.join(map(_array_item, values))}}}"


def range_literal(value: Range[Any] | Iterable[Range[Any]]) -> str:
    """Return a range or a multirange as PostgreSQL writes it.

    Example:
        >>> range_literal(Range(1, 5)), range_literal([Range(None, 2), Range(empty=True)])
        ('["1","5")', '{[,"2"),empty}')
    """
    if not isinstance(value, Range):
        return f"{{{','.join(map(range_literal, value))}}}"
    if value.empty:
        return "empty"
    lower, upper = (
        "" if bound is None else _in_quotes(literal(bound)) for bound in (value.lower, value.upper)
    )
    return f"{value.bounds[0]}{lower},{upper}{value.bounds[1]}"


def _array_item(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, (list, tuple)):
        return array_literal(value)
    text = literal(value)
    return text if isinstance(value, (int, float, Decimal)) else _in_quotes(text)


def _in_quotes(text: str) -> str:
    escaped = text.replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'


def _sql_text(text: str) -> str:
    escaped = text.replace("'", "''")
    return f"'{escaped}'"


def _no_character(value: str) -> str:
    # An empty value of type "char" is a NUL in binary form; a text cannot be one.
    return "" if value == "\0" else value


def _timedelta(value: Any) -> timedelta:
    years, months = divmod(abs(value.months), 12)
    days = years * _DAYS_OF_YEAR + months * _DAYS_OF_MONTH
    return timedelta(
        days=value.days + (days if value.months > 0 else -days),
        microseconds=value.nanoseconds // 1000,
    )


def _undecodable(name: str) -> Callable[[bytes], Any]:
    def refuse(data: bytes) -> Any:
        del data  # nobody knows what it means
        msg = f"A value of type {name} has no Python object. Cast it to text in the statement."
        raise NotSupportedError(msg)

    return refuse


def _text(data: bytes) -> str:
    return data.decode()


def _versioned_text(data: bytes) -> str:
    return data[1:].decode()


def _unpacked(format_: str) -> Callable[[bytes], Any]:
    return lambda data: struct.unpack(f"!{format_}", data)[0]


def _numeric(data: bytes) -> Decimal:
    count, weight, sign, scale = struct.unpack_from("!hhHH", data)
    if sign in _NUMERIC_SIGNS:
        return Decimal(_NUMERIC_SIGNS[sign])
    number = 0
    for digit in struct.unpack_from(f"!{count}h", data, 8):
        number = number * _BASE + digit
    shift = 4 * (weight - count + 1) + scale
    number = number * 10**shift if shift >= 0 else number // 10**-shift
    return Decimal((int(sign == _NEGATIVE), tuple(map(int, str(number))), -scale))


def _date(data: bytes) -> date:
    return _EPOCH.date() + timedelta(days=_unpacked("i")(data))


def _timestamp(data: bytes) -> datetime:
    return _EPOCH + timedelta(microseconds=_unpacked("q")(data))


def _timestamptz(data: bytes) -> datetime:
    return _timestamp(data).replace(tzinfo=UTC)


def _time(data: bytes) -> time:
    return _timestamp(data).time()


def _timetz(data: bytes) -> time:
    west = _unpacked("i")(data[8:])
    return _time(data[:8]).replace(tzinfo=timezone(timedelta(seconds=-west)))


def _interval(data: bytes) -> timedelta:
    microseconds, days, months = struct.unpack("!qii", data)
    return _timedelta(pa.MonthDayNano([months, days, microseconds * 1000]))


def _inet(data: bytes) -> Any:
    bits, address = data[1], ip_address(data[4:])
    return address if bits == address.max_prefixlen else ip_interface((address, bits))


def _cidr(data: bytes) -> Any:
    return ip_network((data[4:], data[1]))


def _macaddr(data: bytes) -> str:
    return data.hex(":")


def _bits(data: bytes) -> str:
    count = _unpacked("i")(data[:4])
    return "".join(f"{byte:08b}" for byte in data[4:])[:count]


def _prefixed(data: bytes, start: int, count: int) -> Iterator[bytes | None]:
    """Yield length-prefixed parts; None for a length of -1."""
    for _ in range(count):
        (length,) = struct.unpack_from("!i", data, start)
        start += 4
        yield None if length < 0 else data[start : start + length]
        start += max(length, 0)


def _hstore(data: bytes) -> dict[str, str | None]:
    parts = [
        None if part is None else part.decode()
        for part in _prefixed(data, 4, 2 * _unpacked("i")(data[:4]))
    ]
    return {str(key): value for key, value in zip(parts[::2], parts[1::2], strict=True)}


def _array(data: bytes, decoder_of: Callable[[int], Callable[[bytes], Any]]) -> list[Any]:
    dimensions, _, element = struct.unpack_from("!iiI", data)
    decode = decoder_of(element)
    sizes: list[int] = [struct.unpack_from("!i", data, 12 + 8 * i)[0] for i in range(dimensions)]
    count = 1 if dimensions else 0
    for size in sizes:
        count *= size
    parts = _prefixed(data, 12 + 8 * dimensions, count)
    values: list[Any] = [None if part is None else decode(part) for part in parts]
    for size in reversed(sizes[1:]):
        values = [values[i : i + size] for i in range(0, len(values), size)]
    return values


def _range_of(decode: Callable[[bytes], Any]) -> Callable[[bytes], Range[Any]]:
    def decode_range(data: bytes) -> Range[Any]:
        flags = data[0]
        if flags & _EMPTY:
            return Range(empty=True)
        bounds = [not flags & _NO_LOWER, not flags & _NO_UPPER]
        parts = iter([part and decode(part) for part in _prefixed(data, 1, sum(bounds))])
        lower, upper = (next(parts) if bound else None for bound in bounds)
        brackets: Any = ("[" if flags & _LOWER_INCLUSIVE else "(") + (
            "]" if flags & _UPPER_INCLUSIVE else ")"
        )
        return Range(lower, upper, bounds=brackets)

    return decode_range


def _multirange_of(decode: Callable[[bytes], Range[Any]]) -> Callable[[bytes], MultiRange[Any]]:
    def decode_multirange(data: bytes) -> MultiRange[Any]:
        parts = _prefixed(data, 4, _unpacked("i")(data[:4]))
        return MultiRange(decode(part) for part in parts if part is not None)

    return decode_multirange


_DECODERS: Final[dict[str, Callable[[bytes], Any]]] = {
    **dict.fromkeys(("text", "varchar", "bpchar", "name", "char", "unknown", "void"), _text),
    **dict.fromkeys(("json", "xml", "citext"), _text),
    **dict.fromkeys(("jsonb", "jsonpath", "ltree", "lquery"), _versioned_text),
    **dict.fromkeys(("oid", "xid", "cid", "regclass", "regproc", "regtype"), _unpacked("I")),
    **dict.fromkeys(("macaddr", "macaddr8"), _macaddr),
    **dict.fromkeys(("bit", "varbit"), _bits),
    "bool": _unpacked("?"),
    "bytea": bytes,
    "int2": _unpacked("h"),
    "int4": _unpacked("i"),
    "int8": _unpacked("q"),
    "xid8": _unpacked("Q"),
    "float4": _unpacked("f"),
    "float8": _unpacked("d"),
    "numeric": _numeric,
    "uuid": lambda data: UUID(bytes=data),
    "date": _date,
    "time": _time,
    "timetz": _timetz,
    "timestamp": _timestamp,
    "timestamptz": _timestamptz,
    "interval": _interval,
    "inet": _inet,
    "cidr": _cidr,
    "hstore": _hstore,
}
