"""SQLAlchemy's types of ranges, by one name in each of its versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy.dialects.postgresql import Range, ranges

if TYPE_CHECKING:
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

__all__ = ["AbstractSingleRange", "AbstractSingleRangeImpl", "MultiRange", "Range"]
