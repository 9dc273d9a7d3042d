"""Bytes that are nearly right: one valid input, changed in a few places."""

import struct

LARGEST = 1_000_000
_NUMBERS = (0, 1, -1, 127, 255, 32767, 65535, 2**31 - 1, -(2**31), 2**32 - 1, 2**60, 2**63 - 1)
_TOKENS = (
    *(b"", b"\0", b"\0\0\0\0", b"\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"\n", b"\r\n", b" ", b"\t"),
    *(b'"', b'""', b"'", b",", b";", b":", b"[", b"]", b"{", b"}", b"<", b">", b"&", b"/", b"\\"),
    *(b"null", b"true", b"NaN", b"-", b"-0", b"1e999", b"1e-999", b"0x10", b"9" * 400, b"." * 9),
    *(b"\\ud800", b"\\u0000", b"\xc3\x28", "ß€😀".encode(), b"9999-12-31", b"0001-01-01"),
    *(b"24:00:00", b"[" * 3000, b'{"a":' * 300, b"a" * 70_000, b"=1+1", b"../", b"__class__"),
)


def mutated(seeds, random, structured=()):
    """Return one of the seeds with one to five changes, at most 1 MB.

    Half of them are changed by functions that know the structure, where there are any.
    """
    data = bytearray(random.choice(seeds))
    changes = structured if structured and random.random() < 0.5 else _CHANGES
    for _ in range(random.choice((1, 1, 1, 2, 3, 5))):
        random.choice(changes)(data, random, seeds)
    return bytes(data[:LARGEST])


def _span(data, random):
    """Return where a piece of the data begins and ends: mostly a short one."""
    start = random.randrange(len(data) + 1)
    longest = random.choice((1, 4, 16, 256, len(data)))
    return start, min(len(data), start + random.randint(0, longest))


def _flip_bits(data, random, _seeds):
    for _ in range(random.choice((1, 1, 2, 8))):
        if data:
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _set_byte(data, random, _seeds):
    if data:
        data[random.randrange(len(data))] = random.randrange(256)


def _set_number(data, random, _seeds):
    code = random.choice("bhiq")
    size = struct.calcsize(f"<{code}")
    number = random.choice(_NUMBERS) & ((1 << 8 * size) - 1)
    start = random.randrange(len(data) + 1)
    data[start : start + size] = number.to_bytes(size, random.choice(("little", "big")))


def _cut(data, random, _seeds):
    del data[random.randrange(len(data) + 1) :]


def _delete(data, random, _seeds):
    start, end = _span(data, random)
    del data[start:end]


def _duplicate(data, random, _seeds):
    start, end = _span(data, random)
    data[end:end] = data[start:end] * random.choice((1, 1, 2, 50))


def _swap(data, random, _seeds):
    (first, first_end), (second, second_end) = sorted((_span(data, random), _span(data, random)))
    if first_end <= second:
        one, other = data[first:first_end], data[second:second_end]
        data[second:second_end] = one
        data[first:first_end] = other


def _insert_token(data, random, _seeds):
    start, end = _span(data, random)
    data[start : random.choice((start, end))] = random.choice(_TOKENS)


def _insert_noise(data, random, _seeds):
    start, _ = _span(data, random)
    data[start:start] = random.randbytes(random.choice((1, 4, 64)))


def _splice(data, random, seeds):
    other = random.choice(seeds)
    start, end = _span(other, random)
    here, there = _span(data, random)
    data[here:there] = other[start:end]


_CHANGES = (
    *(_flip_bits, _set_byte, _set_number, _cut, _delete, _duplicate, _swap),
    *(_insert_token, _insert_token, _insert_noise, _splice),
)
