"""The numbers of Thrift, of any length."""

from __future__ import annotations

from algomancy_data.extractor.columnar.thrift import Numbers


def test_numbers_of_any_length_are_read():
    numbers = Numbers()
    for number in (0, 1, -1, 63, -64, 8191, 2**21, 2**27, -(2**27), 2**28, 2**62, -(2**63)):
        bits, out = (number << 1) ^ (number >> 63), []
        while bits > 0x7F:
            out.append(bits & 0x7F | 0x80)
            bits >>= 7
        assert numbers[bytes([*out, bits])] == number
