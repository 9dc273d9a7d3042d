"""What the pages of a Parquet file say of themselves.

A reader that believes a page asks for as much memory as it says. So the head of each page is looked
at before any is read, against the footer and against the file; its check sum too, if it has one.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final, NamedTuple

from algomancy_data.extractor.parquet_footer import MOST_VALUES, ParquetLayoutError
from algomancy_data.extractor.thrift import Bytes, ThriftError, Wanted, read_struct
from algomancy_data.extractor.thrift_forms import (
    ANY_NUMBER,
    NUMBER,
    SOME_LEAVES,
    Numbers,
    form,
)

if TYPE_CHECKING:
    from algomancy_data.extractor.parquet_footer import Chunk, ParquetLayout

_DATA, _DICTIONARY, _DATA_2 = 0, 2, 3
# Which field of a page's head has its number of values, and which of that one's their encoding.
_DETAILS: Final = {_DATA: (5, 2), _DICTIONARY: (7, 2), _DATA_2: (8, 4)}
_PLAIN: Final = 0
_CHECK_SUM: Final = 4
_PAGE: Final[Wanted] = {
    **dict.fromkeys((1, 2, 3, _CHECK_SUM)),
    5: {1: None, 2: None},
    7: {1: None, 2: None},
    8: {1: None, 4: None},
}
# The unpacked and the packed length, a check sum, the number of values and their encoding.
_SIZES: Final = rb"\x15" + NUMBER + rb"\x15" + NUMBER
_USUAL_DATA: Final = form(
    rb"\x15\0" + _SIZES + rb"(?:\x2c|\x15" + NUMBER + rb"\x1c)\x15" + NUMBER,
    rb"\x15" + NUMBER + (rb"\x15" + ANY_NUMBER) * 2 + rb"(?:\x1c" + SOME_LEAVES + rb"\0)?\0\0",
)
_USUAL_DICTIONARY: Final = form(
    rb"\x15\x04" + _SIZES + rb"(?:\x4c|\x15" + NUMBER + rb"\x3c)\x15" + NUMBER,
    rb"\x15" + NUMBER + rb"[\x11\x12]?\0\0",
)


class ParquetPages(NamedTuple):
    """What the pages of a file say of themselves.

    Args:
        unpacked_bytes: What all of them unpack to.
        encodings: How their values are written, by the numbers that Parquet has for that.
    """

    unpacked_bytes: int
    encodings: set[int]


def parquet_pages(view: Bytes, layout: ParquetLayout) -> ParquetPages:
    """Return what all pages say of themselves, if that can be true.

    Args:
        view: The whole file.
        layout: What its footer says.

    Raises:
        ParquetLayoutError: It cannot.
    """
    encodings: set[int] = set()
    numbers = Numbers()
    chunks = layout.chunks(len(view), numbers)
    unpacked = sum(_unpacked(view, chunk, numbers, encodings) for chunk in chunks)
    return ParquetPages(unpacked, encodings)


def _unpacked(view: Bytes, chunk: Chunk, numbers: Numbers, encodings: set[int]) -> int:
    """Return what the pages of a column unpack to, and note their encodings."""
    path, at, last, expected = chunk
    values = unpacked = 0
    while values < expected:
        found = _USUAL_DATA.match(view, at) or _USUAL_DICTIONARY.match(view, at)
        if found:
            kind = _DATA if found.re is _USUAL_DATA else _DICTIONARY
            start = found.end()
            written, packed, check, number, how = found.groups()
            size, end, count = numbers[written], start + numbers[packed], numbers[number]
            check_sum = None if check is None else numbers[check]
            encoding = numbers[how]
        else:
            kind, size, start, end, check_sum, count, encoding = _page(view, at, path)
        if size < 0:
            raise ParquetLayoutError.from_pages(path, "has a page that is none")
        if not start <= end <= last:
            raise ParquetLayoutError.from_pages(path, "has a page that would go on behind its end")
        if not 0 <= count <= MOST_VALUES or (kind == _DICTIONARY and count > size):
            raise ParquetLayoutError.from_pages(
                path, f"has a page that would have {count:,} values"
            )
        if check_sum is not None and zlib.crc32(view[start:end]) != check_sum & 0xFFFFFFFF:
            raise ParquetLayoutError.from_pages(path, "has a page whose check sum is another one")
        if kind != _DICTIONARY:
            values += count
            encodings.add(encoding)
        unpacked += size
        at = end
    if values != expected:
        raise ParquetLayoutError.from_pages(
            path, f"has pages of {values:,} values instead of {expected:,}"
        )
    return unpacked


def _page(
    view: Bytes, at: int, path: bytes | str
) -> tuple[int | None, int, int, int, int | None, int, int]:
    """Return what the head of a page says, and where what follows it begins and ends."""
    try:
        head, start = read_struct(view, at, _PAGE)
    except (ThriftError, IndexError) as error:
        raise ParquetLayoutError.from_pages(path, "has a page that is none") from error
    kind = head.get(1)
    count: int | None = 0  # of a page of another kind, such as an index
    encoding = _PLAIN
    if kind in _DETAILS:
        field, encoded = _DETAILS[kind]
        details = head.get(field, {})
        count, encoding = details.get(1), details.get(encoded, _PLAIN)
    if count is None:
        raise ParquetLayoutError.from_pages(path, "has a page that is none")
    end = start + head.get(3, -1)
    return kind, head.get(2, -1), start, end, head.get(_CHECK_SUM), count, encoding
