"""SQLAlchemy's types for ADBC's PostgreSQL driver.

The driver declares a parameter with the PostgreSQL type of its Arrow type, and a null with none.
So parameters get a cast to the type that SQLAlchemy knows them to have, and those that Arrow has
no type for are bound as text.
"""

from __future__ import annotations

import json
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import types
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.dialects.postgresql import ranges
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.postgresql.json import JSONPathType

from algomancy_data.database.postgresql.python_values import (
    AbstractSingleRange,
    AbstractSingleRangeImpl,
    array_literal,
    literal,
    range_literal,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["COLSPECS"]

_OIDS: Final = 2**32


class _Boolean(sa.Boolean):
    render_bind_cast = True


class _Integer(sa.Integer):
    render_bind_cast = True


class _SmallInteger(sa.SmallInteger):
    render_bind_cast = True


class _BigInteger(sa.BigInteger):
    render_bind_cast = True


class _String(sa.String):
    render_bind_cast = True


class _Char(sa.CHAR):
    render_bind_cast = True


class _Enum(pg.ENUM):
    render_bind_cast = True


class _LargeBinary(sa.LargeBinary):
    render_bind_cast = True


class _Date(sa.Date):
    render_bind_cast = True


class _DateTime(sa.DateTime):
    render_bind_cast = True


class _Time(sa.Time):
    render_bind_cast = True


class _Interval(pg.INTERVAL):
    render_bind_cast = True

    @classmethod
    def adapt_emulated_to_native(cls, interval: Any, **options: Any) -> _Interval:
        del options  # those of the emulation
        return cls(precision=interval.second_precision)


class _JSONIntIndexType(sa.JSON.JSONIntIndexType):
    __visit_name__ = "json_int_index"
    render_bind_cast = True


class _JSONStrIndexType(sa.JSON.JSONStrIndexType):
    __visit_name__ = "json_str_index"
    render_bind_cast = True


class _JSONPathType(JSONPathType):
    def bind_processor(self, dialect: sa.Dialect) -> Any:
        del dialect  # a path is the same for all
        # A text may be a path in its own language.
        return lambda value: value if isinstance(value, str) else list(map(str, value or ()))


class _RegConfig(pg.REGCONFIG):
    render_bind_cast = True


class _OID(pg.OID):
    render_bind_cast = True

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Any:
        del dialect, coltype  # the same for all
        return lambda value: None if value is None else value % _OIDS  # read as if it had a sign


class _Textual(types.TypeEngine[Any]):
    """A type that is bound as text."""

    render_bind_cast = True

    def bind_processor(self, dialect: sa.Dialect) -> Any:
        del dialect  # the same for all
        return lambda value: None if value is None else literal(value)


class _Numeric(_Textual, sa.Numeric[Any]):  # Arrow's decimals would lose trailing zeros
    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Any:
        del dialect, coltype  # the value's own type says it
        if not self.asdecimal:
            return lambda value: None if value is None else float(value)
        scale = self._effective_decimal_return_scale

        def to_decimal(value: Any) -> Any:
            return Decimal(f"{value:.{scale}f}") if isinstance(value, float) else value

        return to_decimal


class _Float(sa.Float[Any]):
    render_bind_cast = True

    def bind_processor(self, dialect: sa.Dialect) -> Any:
        del dialect  # the same for all
        return lambda value: None if value is None else float(value)

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Any:
        return _Numeric.result_processor(cast("_Numeric", self), dialect, coltype)


class _Inet(_Textual, pg.INET):
    pass


class _CIDR(_Textual, pg.CIDR):
    pass


class _MacAddr(_Textual, pg.MACADDR):
    pass


class _MacAddr8(_Textual, pg.MACADDR8):
    pass


class _Money(_Textual, pg.MONEY):
    def column_expression(self, colexpr: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return sa.cast(colexpr, pg.NUMERIC)  # the driver reads cents, or whatever the locale has


class _RegClass(_Textual, pg.REGCLASS):
    pass


class _HStore(pg.HSTORE):
    render_bind_cast = True

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Any:
        del dialect, coltype  # is a dictionary already


class _Range(AbstractSingleRangeImpl[Any]):
    def bind_processor(self, dialect: sa.Dialect) -> Any:
        del dialect  # the same for all
        return lambda value: range_literal(value) if isinstance(value, ranges.Range) else value


class _MultiRange(ranges.AbstractMultiRangeImpl[Any]):
    def bind_processor(self, dialect: sa.Dialect) -> Any:
        del dialect  # the same for all
        return lambda value: (
            value if value is None or isinstance(value, str) else range_literal(value)
        )


class _Array(pg.ARRAY[Any]):
    """An array; one with several declared dimensions is read as JSON.

    The driver makes one list of all the values of an array.
    """

    render_bind_cast = True

    def bind_processor(self, dialect: sa.Dialect) -> Any:
        convert = super().bind_processor(dialect)

        def to_literal(value: Any) -> Any:
            if value is None or isinstance(value, str):
                return value
            return array_literal(value if convert is None else convert(value))

        return to_literal

    def column_expression(self, colexpr: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return sa.func.array_to_json(colexpr, type_=self) if self._is_read_as_json() else colexpr

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Any:
        process = super().result_processor(dialect, coltype)
        if not self._is_read_as_json():
            return process
        item = _FROM_JSON.get(self.item_type.python_type)

        def items(values: Any) -> Any:
            if isinstance(values, list):
                return [items(value) for value in values]
            return values if item is None or values is None else item(values)

        def from_json(text: str | None) -> Any:
            values = None if text is None else json.loads(text, parse_float=Decimal)
            return process(items(values))

        return from_json

    def _is_read_as_json(self) -> bool:
        return self.dimensions is not None and self.dimensions > 1


_FROM_JSON: Final[dict[type, Callable[[Any], Any]]] = {
    bytes: lambda text: bytes.fromhex(text[2:]),
    date: date.fromisoformat,
    datetime: datetime.fromisoformat,
    Decimal: Decimal,
    float: float,
    time: time.fromisoformat,
    UUID: UUID,
}

COLSPECS: Final[dict[type[Any], type[Any]]] = {
    **PGDialect.colspecs,
    sa.ARRAY: _Array,
    sa.BigInteger: _BigInteger,
    sa.Boolean: _Boolean,
    sa.CHAR: _Char,
    sa.Date: _Date,
    sa.DateTime: _DateTime,
    sa.Enum: _Enum,
    sa.Float: _Float,
    sa.Integer: _Integer,
    sa.Interval: _Interval,
    sa.JSON.JSONIntIndexType: _JSONIntIndexType,
    sa.JSON.JSONPathType: _JSONPathType,
    sa.JSON.JSONStrIndexType: _JSONStrIndexType,
    sa.LargeBinary: _LargeBinary,
    sa.Numeric: _Numeric,
    sa.SmallInteger: _SmallInteger,
    sa.String: _String,
    sa.Time: _Time,
    pg.CIDR: _CIDR,
    **({pg.CITEXT: pg.CITEXT} if hasattr(pg, "CITEXT") else {}),  # from 2.0.7 on
    pg.HSTORE: _HStore,
    pg.INET: _Inet,
    pg.INTERVAL: _Interval,
    pg.MACADDR: _MacAddr,
    pg.MACADDR8: _MacAddr8,
    pg.MONEY: _Money,
    pg.OID: _OID,
    pg.REGCLASS: _RegClass,
    pg.REGCONFIG: _RegConfig,
    ranges.AbstractMultiRange: _MultiRange,
    AbstractSingleRange: _Range,
}
