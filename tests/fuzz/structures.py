"""Changes that know what they change: members of JSON, cells of CSV, what is in a packed file."""

import gzip
import io
import json
import zipfile
import zlib

import pyarrow as pa

MEMBERS = (
    *(None, True, -1, 0, 1, 3, 2**62, 2**64, 10**400, 0.5, 1e308, float("nan"), "", "a" * 300),
    *("\0", "\ud800", "ß", [], {}, [None], [[]], {"": None}, {"a": {"a": [1, "x"]}}, "1", "1,5"),
    *("2024-02-30", "2024-01-01T00:00:00+14:00", [1] * 70, "t", "x", "Int8", "String", "d"),
)
CELLS = (
    *("", " ", '""', '"', '"a\nb"', "NULL", "null", "NaN", "1e5", "1.000,50", "1,000.50", "-"),
    *("+1", "0x1F", "\u0663", "\uff11", "9" * 20, "1e400", "-0", "0001-01-01", "9999-12-31"),
    *("24:00", "31/12/2024", "12/31/2024", "2024-W01", "1 day", "P1D", "=1+1", "\ufeff", "\0"),
    *("a" * 5000, '"' * 3, "a;b", "a,b", "a\tb", "#N/A", "01", "1 000", "\xa0", "€ 5", "5%"),
    *("\r", "(5)", "yes", "01/02/2024"),
)
_ENDS = (b"\n", b"\r\n", b"\r", b"\n\n", b"")
_SEPARATORS = (b";", b",", b"\t", b"|", b":")


def change_member(document, random, members=MEMBERS):
    """Give one member of lists and objects another value, take it out, or put it there twice."""
    places = []
    found = [document]
    while found:
        one = found.pop()
        for key in one if isinstance(one, dict) else range(len(one)):
            places.append((one, key))
            if isinstance(one[key], dict | list):
                found.append(one[key])
    if not places:
        return
    owner, key = random.choice(places)
    value = random.choice((*members, ..., random.choice(places)[0]))
    if value is ...:
        del owner[key]
        return
    value = json.loads(json.dumps(value))  # a copy: nothing is within itself
    if isinstance(owner, list) and random.random() < 0.3:
        owner.insert(key, value)
    else:
        owner[key] = value


def change_json(data, random, _seeds):
    """Change a member of a JSON document, or of one of its lines; leave what is none as it is."""
    lines = bytes(data).split(b"\n")
    start = random.randrange(len(lines))
    for place in (slice(0, len(lines)), slice(start, start + 1)):
        try:
            document = json.loads(b"\n".join(lines[place]))
        except (ValueError, RecursionError):
            continue
        if isinstance(document, dict | list):
            change_member(document, random)
        lines[place] = [json.dumps(document, indent=random.choice((None, None, 1))).encode()]
        data[:] = b"\n".join(lines)
        return


def change_csv(data, random, _seeds):
    """Change a cell, a line, or how all of them end or are separated."""
    separator = max(_SEPARATORS, key=bytes(data).count)
    lines = [line.split(separator) for line in bytes(data).split(b"\n")]
    line = random.choice(lines)
    cell = random.randrange(len(line))
    ending = b"\n"
    match random.randrange(8):
        case 0 | 1 | 2:
            line[cell] = random.choice(CELLS).encode()
        case 3:
            line.insert(cell, random.choice(line))
        case 4:
            del line[cell]
        case 5:
            lines.insert(random.randrange(len(lines)), random.choice(lines))
        case 6:
            separator = random.choice(_SEPARATORS)
        case _:
            ending = random.choice(_ENDS)
    data[:] = ending.join(separator.join(line) for line in lines)


def repacked(change):
    """Return a change of what a packed file has in it."""

    def changed(data, random, seeds):
        try:
            content, pack = _opened(bytes(data))
        except (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error):
            return
        inside = bytearray(content)
        change(inside, random, seeds)
        data[:] = pack(bytes(inside))

    return changed


def _opened(data):
    """Return what a packed file has in it, and how to pack something else in the same way."""
    if data.startswith(b"\x1f\x8b"):
        return gzip.decompress(data), lambda content: gzip.compress(content, mtime=0)
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            info = archive.infolist()[0]
            return archive.read(info), lambda content: zipped(content, info.compress_type)
    with pa.CompressedInputStream(io.BytesIO(data), "zstd") as stream:
        return stream.read(), lambda content: bytes(pa.compress(content, "zstd"))


def zipped(content, method):
    """Return a zip file of one CSV file."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr(zipfile.ZipInfo("orders.csv"), content, method)
    return stream.getvalue()
