"""What the pages of a Parquet file say of themselves, against its footer and the file.

A reader that believes a page asks for as much memory as it says. So the head of each page is looked
at before any is read; its check sum too, if it has one; and the levels before its values, where
they are not packed: by these, Polars' decoder breaks down if they are fewer than the values.
"""

from __future__ import annotations

import zlib
from itertools import cycle
from typing import TYPE_CHECKING, Final, NamedTuple

from algomancy_data.display.words import counted
from algomancy_data.extractor.columnar.parquet_layout import MOST_VALUES, ParquetLayoutError
from algomancy_data.extractor.columnar.thrift import (
    NUMBER,
    SOME_LEAVES,
    Bytes,
    Numbers,
    ThriftError,
    Wanted,
    form,
    matched_number,
    read_struct,
    read_varint,
)

if TYPE_CHECKING:
    from algomancy_data.extractor.columnar.parquet_layout import Chunk, ParquetLayout, Widths

_DATA, _DICTIONARY, _DATA_2 = 0, 2, 3
# Which field of a page's head has its number of values, and which of that one's their encoding.
_DETAILS: Final = {_DATA: (5, 2), _DICTIONARY: (7, 2), _DATA_2: (8, 4)}
_PLAIN: Final = 0
# All that there are, by their numbers: Polars breaks down at others.
_ENCODINGS: Final = frozenset({0, *range(2, 10)})
# Delta encodings (binary packed, byte array) of which Polars' decoder breaks down, if they are
# damaged; pyarrow takes 0.6 of its time.
_UNSURE: Final = frozenset({5, 7})
# By their number in a dictionary, which has at most so many bits.
_NUMBERED: Final = frozenset({2, 8})
_MOST_BITS: Final = 32
_CHECK_SUM: Final = 4
_PAGE: Final[Wanted] = {
    **dict.fromkeys((1, 2, 3, _CHECK_SUM)),
    5: dict.fromkeys((1, 2, 3, 4)),
    7: {1: None, 2: None},
    8: dict.fromkeys((1, 4, 5, 6)),
}
# The unpacked and the packed length, a check sum, the number of values and their encoding.
_SIZES: Final = rb"\x15" + NUMBER + rb"\x15" + NUMBER
_USUAL_DATA: Final = form(
    rb"\x15\0" + _SIZES + rb"(?:\x2c|\x15" + NUMBER + rb"\x1c)\x15" + NUMBER,
    rb"\x15" + NUMBER + rb"((?:\x15[\x06\x08]){2})(?:\x1c" + SOME_LEAVES + rb"\0)?\0\0",
)
_USUAL_DICTIONARY: Final = form(
    rb"\x15\x04" + _SIZES + rb"(?:\x4c|\x15" + NUMBER + rb"\x3c)\x15" + NUMBER,
    rb"\x15" + NUMBER + rb"[\x11\x12]?()\0\0",
)
_RUNS: Final = 3
_LENGTH_BYTES: Final = 4
# Looking at a run takes as long as reading a hundred values, so not all of many are looked at.
_FEW_RUNS: Final = 8
_VALUES_PER_RUN: Final = 4096
# The longest run that has a head of one byte, which writers repeat: 63 groups of 8 values.
_FULL_RUN: Final = 0x7F


class _Place(NamedTuple):
    """Where the levels of a page are, which say what is null and where lists begin.

    Args:
        are_runs: Whether those of repetition and of definition are runs. (What they were at first,
            Polars takes for runs.)
        lengths: How long they are, before what is packed; None if each says so itself.
    """

    are_runs: tuple[bool, bool]
    lengths: tuple[int, int] | None = None


_IN_PAGE: Final = _Place((True, True))
# By how the levels of definition and of repetition are encoded, as it is written.
_PLACES: Final = {
    b"\x15\x06\x15\x06": _IN_PAGE,
    b"\x15\x08\x15\x06": _Place((True, False)),
    b"\x15\x06\x15\x08": _Place((False, True)),
    b"\x15\x08\x15\x08": _Place((False, False)),
}


class ParquetPages(NamedTuple):
    """What the pages of a file say of themselves.

    Args:
        unpacked_bytes: What all of them unpack to.
        are_sure: Nothing was found in them at which Polars' decoder may break down.
        texts: How many bytes the texts of each column have at most, each as often as it is there,
            if all columns are plain and the pages are sure.
    """

    unpacked_bytes: int
    are_sure: bool
    texts: list[int]


def parquet_pages(view: Bytes, layout: ParquetLayout) -> ParquetPages:
    """Return what all pages say of themselves, if that can be true.

    Args:
        view: The whole file.
        layout: What its footer says.

    Raises:
        ParquetLayoutError: It cannot.
    """
    unsure: list[bytes | str] = []
    numbers = Numbers()
    unpacked = 0
    are_texts = layout.are_texts
    texts = [0] * len(are_texts)
    for chunk, number in zip(layout.chunks(len(view)), cycle(range(layout.columns))):
        size, dictionary = _unpacked(view, chunk, numbers, unsure)
        unpacked += size
        if are_texts and are_texts[number]:
            # Each value may be all of the dictionary, or is in its page.
            texts[number] += chunk[3] * dictionary + size
    return ParquetPages(unpacked, not unsure, texts)


def _unpacked(
    view: Bytes, chunk: Chunk, numbers: Numbers, unsure: list[bytes | str]
) -> tuple[int, int]:
    """Return what the pages of a column unpack to, all of them and those of its dictionary.

    If a decoder may break down at it, note it.
    """
    path, at, last, expected, is_packed, widths = chunk
    values = unpacked = dictionary = 0
    while values < expected:
        # Behind the end of the pages are those of others, or the footer.
        found = (_USUAL_DATA if view[at + 1] == 0 else _USUAL_DICTIONARY).match(view, at)
        if found:
            start = found.end()
            written, packed, check, number, how, levels = found.groups()
            kind = _DATA if levels else _DICTIONARY
            size, end = matched_number(written), start + matched_number(packed)
            count, encoding = numbers[number], numbers[how]
            check_sum = None if check is None else matched_number(check)
            place = _PLACES.get(levels)
        else:
            kind, size, start, end, check_sum, count, encoding, place = _page(view, at, path)
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
        if encoding not in _ENCODINGS:
            raise ParquetLayoutError.from_pages(path, "has a page in an unknown encoding")
        if kind != _DICTIONARY:
            values += count
            if encoding in _UNSURE or (
                not (is_packed and place is _IN_PAGE)
                and not _is_sure(view, start, end, place, widths, count, encoding, is_packed)
            ):
                unsure.append(path)
        else:
            dictionary += size
        unpacked += size
        at = end
    if values != expected:
        raise ParquetLayoutError.from_pages(
            path, f"has pages of {counted(values, 'value')} instead of {expected:,}"
        )
    return unpacked, dictionary


def _page(
    view: Bytes, at: int, path: bytes | str
) -> tuple[int | None, int, int, int, int | None, int, int, _Place | None]:
    """Return what the head of a page says, and where what follows it begins and ends."""
    try:
        head, start = read_struct(view, at, _PAGE)
    except (ThriftError, IndexError) as error:
        raise ParquetLayoutError.from_pages(path, "has a page that is none") from error
    kind = head.get(1)
    count: int | None = 0  # of a page of another kind, such as an index
    encoding = _PLAIN
    place = None
    if kind in _DETAILS:
        field, encoded = _DETAILS[kind]
        details = head.get(field, {})
        count, encoding = details.get(1), details.get(encoded, _PLAIN)
        if kind == _DATA:
            place = _Place((details.get(4) == _RUNS, details.get(3) == _RUNS))
        elif kind == _DATA_2:
            place = _Place((True, True), (details.get(6, -1), details.get(5, -1)))
    if count is None:
        raise ParquetLayoutError.from_pages(path, "has a page that is none")
    end = start + head.get(3, -1)
    return kind, head.get(2, -1), start, end, head.get(_CHECK_SUM), count, encoding, place


def _is_sure(
    view: Bytes,
    at: int,
    end: int,
    place: _Place | None,
    widths: Widths,
    count: int,
    encoding: int,
    is_packed: bool,  # noqa: FBT001
) -> bool:
    """Tell whether what comes before the values of a page can be, as far as it is not packed."""
    if place is None:
        return True
    for which, width in enumerate(widths):
        if place.lengths is not None:
            length = place.lengths[which]
        elif not width:
            continue
        elif not place.are_runs[which]:
            return False
        elif is_packed:
            continue
        else:
            length = int.from_bytes(view[at : at + _LENGTH_BYTES], "little")
            at += _LENGTH_BYTES
        if not 0 <= length <= end - at:
            return False
        if width and not _are_levels(view, at, at + length, width, count):
            return False
        at += length
    return is_packed or encoding not in _NUMBERED or at >= end or view[at] <= _MOST_BITS


def _are_levels(view: Bytes, at: int, end: int, width: int, count: int) -> bool:
    """Tell whether runs hold a number of levels; of many runs, whether the first ones can be."""
    size = (width + 7) // 8
    for _ in range(_FEW_RUNS + count // _VALUES_PER_RUN):
        if count <= 0:
            return True
        if at >= end:
            return False
        head = view[at]
        if head == _FULL_RUN:  # all of these that follow each other
            step = 1 + (head >> 1) * width
            heads = bytes(view[at:end:step])
            runs = len(heads) - len(heads.lstrip(b"\x7f"))
            at += runs * step
            count -= runs * (head >> 1) * 8
        else:
            try:
                head, at = read_varint(view, at)
            except (ThriftError, IndexError):
                return False
            if head & 1:
                at += (head >> 1) * width
                count -= (head >> 1) * 8
            elif int.from_bytes(view[at : at + size], "little") >> width:
                return False
            else:
                at += size
                count -= head >> 1
        if at > end:
            return False
    return True
