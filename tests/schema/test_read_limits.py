"""Limits on what a file may become in memory: what they refuse, when, and where they are set."""

import base64
import gzip
import io
import struct
import tracemalloc
import zipfile

import polars as pl
import pyarrow as pa
import pytest

from algomancy_data import (
    Column,
    CSVFile,
    CSVSingleExtractor,
    DataSource,
    DataType,
    JSONFile,
    JSONSingleExtractor,
    ParquetFile,
    ParquetSingleExtractor,
    ReadLimits,
    Schema,
    SimpleETLFactory,
    StatelessDataManager,
)
from algomancy_data.database import DatabaseDataManager
from algomancy_data.errors import FileContentError, InvalidSchemaError, ReadLimitError
from algomancy_data.inference import infer_schemas
from algomancy_data.schema import read_limits

MIB = 1 << 20
TRAP = bytes(64 * MIB)  # 1,000 times what gzip makes of it


class Items(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "items", "csv", "single"
    A = Column("a", DataType.STRING)


class Narrow(Items):
    _READ_LIMITS = ReadLimits(unpacked_bytes=100)


class Wide(Items):
    _READ_LIMITS = ReadLimits(unpacked_bytes=10_000)


PACKED = gzip.compress(b"a\n" + b"x\n" * 500)


def upload(data, **limits):
    text = "data:;base64," + base64.b64encode(data).decode()
    return CSVFile("items", content=text, **limits)


def zipped(data, method):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr("items.csv", data)
    return stream.getvalue()


def understated(archive):
    """Return a zip whose member says, in both of its headers, that it has 10 bytes."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        size = struct.pack("<L", opened.infolist()[0].file_size)
    return archive.replace(size, struct.pack("<L", 10))


PACKERS = {
    "gzip": gzip.compress,
    "zstd": pa.Codec("zstd").compress,
    "zip": lambda data: zipped(data, zipfile.ZIP_DEFLATED),
    "zip of bzip2": lambda data: zipped(data, zipfile.ZIP_BZIP2),
    "zip of lzma": lambda data: zipped(data, zipfile.ZIP_LZMA),
    "zip that lies": lambda data: understated(zipped(data, zipfile.ZIP_BZIP2)),
}


def packed(packer, data):
    result = PACKERS[packer](data)
    return result if isinstance(result, bytes) else result.to_pybytes()


@pytest.fixture
def _little_is_always_allowed(monkeypatch):
    monkeypatch.setattr(read_limits, "_ALWAYS_ALLOWED", 16 * MIB)


@pytest.mark.usefixtures("_little_is_always_allowed")
@pytest.mark.parametrize("packer", PACKERS)
def test_a_small_file_that_unpacks_to_a_huge_one_is_refused_before_it_is_in_memory(packer):
    file = upload(packed(packer, TRAP))
    tracemalloc.start()
    try:
        for read in (file.source, file.read_bytes, lambda: file.content):
            with pytest.raises(ReadLimitError, match=r"'items' unpacks to .* times its .*'ratio'"):
                read()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 40 * MIB


@pytest.mark.usefixtures("_little_is_always_allowed")
@pytest.mark.parametrize("packer", [packer for packer in PACKERS if packer != "zip that lies"])
def test_regular_files_unpack_and_a_trap_does_without_limits(packer):
    regular = b"a;b\n" + b"".join(b"%d;x\n" % number for number in range(200_000))
    assert upload(packed(packer, regular)).read_bytes() == regular
    if packer == "gzip":
        limits = ReadLimits(ratio=None)
        assert len(upload(packed(packer, TRAP), read_limits=limits).read_bytes()) == len(TRAP)


def test_a_damaged_bzip2_member_is_refused():
    archive = bytearray(zipped(b"a;b\n" * 1000, zipfile.ZIP_BZIP2))
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        crc = struct.pack("<L", opened.infolist()[0].CRC)
    with pytest.raises(FileContentError, match="is a zip that cannot be opened"):
        upload(bytes(archive).replace(crc, b"\0\0\0\0")).read_bytes()


def test_the_message_names_the_file_what_was_found_the_limit_and_how_to_raise_it():
    file = upload(PACKED, read_limits=ReadLimits(unpacked_bytes=100))
    with pytest.raises(ValueError, match="unpacks") as caught:
        file.read_bytes()
    assert str(caught.value) == (
        "File 'items' unpacks to more than 100 bytes; the limit 'unpacked_bytes' is 100. If the "
        "file is as it should be, read it with a higher limit, or None for no limit: "
        "read_limits=ReadLimits(unpacked_bytes=…) in Python, _READ_LIMITS in its schema, "
        "--read-limits unpacked_bytes=… at the prompt."
    )


def in_memory(schema, **limits):
    return StatelessDataManager(SimpleETLFactory, [schema], "json", DataSource, **limits)


def in_sqlite(schema, **limits):
    return DatabaseDataManager(SimpleETLFactory, [schema], "sqlite://", "s", DataSource, **limits)


@pytest.mark.parametrize("make", [in_memory, in_sqlite])
def test_the_innermost_limits_count(make):
    tight, loose = ReadLimits(unpacked_bytes=100), ReadLimits(unpacked_bytes=10_000)

    def outcome(schema, of_manager=None, of_call=None, of_file=None):
        manager = make(schema, read_limits=of_manager)
        manager.startup()
        file = upload(PACKED, read_limits=of_file)
        result = manager.etl_data({"items": file}, "d", read_limits=of_call)
        assert file.read_limits is of_file
        return "fine" if result.is_success else type(result.raised).__name__

    assert outcome(Items) == "fine"
    assert outcome(Items, tight) == "ReadLimitError"
    assert outcome(Wide, tight) == "fine"
    assert outcome(Narrow, loose) == "ReadLimitError"
    assert outcome(Narrow, tight, loose) == "fine"
    assert outcome(Items, loose, tight) == "ReadLimitError"
    assert outcome(Narrow, tight, tight, loose) == "fine"


def test_an_extractor_of_its_own_goes_by_its_schema():
    with pytest.raises(ReadLimitError):
        CSVSingleExtractor(upload(PACKED), Narrow).extract()
    assert CSVSingleExtractor(upload(PACKED), Wide).extract()["items"].height == 500


def test_inference_goes_by_limits_of_the_call(tmp_path):
    path = tmp_path / "items.csv.gz"
    path.write_bytes(PACKED)
    assert infer_schemas(path).schemas
    with pytest.raises(ReadLimitError):
        infer_schemas(path, read_limits=ReadLimits(unpacked_bytes=100))


def test_limits_that_are_none_are_refused():
    for wrong in (0, -1, "5", True):
        with pytest.raises(ValueError, match="cells must be a number above 0, or None"):
            ReadLimits(cells=wrong)

    class Wrong(Items):
        _READ_LIMITS = 5

    with pytest.raises(InvalidSchemaError, match="_READ_LIMITS must be ReadLimits or None, not 5"):
        Wrong.validate()


def test_limits_are_read_from_text():
    assert ReadLimits.from_text("off") == ReadLimits.off()
    found = ReadLimits.from_text(" cells = 1_000 , ratio=off")
    assert found == ReadLimits(cells=1000, ratio=None)
    for text, problem in {
        "": "'' is no limit. Write 'off', or <limit>=<number>, for: unpacked_bytes, ratio",
        "rows=5": "'rows=5' is no limit",
        "cells=many": "The limit 'cells' is a whole number or 'off', not 'many'",
        "cells=-3": "cells must be a number above 0",
    }.items():
        with pytest.raises(ValueError, match=problem):
            ReadLimits.from_text(text)


def test_a_shape_is_checked_against_columns_cells_and_the_stored_bytes():
    limits = ReadLimits(columns=10, cells=1000)
    limits.check_shape("t", 100, 10)
    with pytest.raises(ReadLimitError, match=r"'t' has 11 columns; the limit 'columns' is 10"):
        limits.check_shape("t", 1, 11)
    with pytest.raises(ReadLimitError, match=r"a table of 101 × 10 cells; the limit 'cells'"):
        limits.check_shape("t", 101, 10)
    honest = ReadLimits()
    honest.check_shape("lineitem", 600_000_000, 16, 75_000_000_000)
    honest.check_shape("regular", 50_000_000, 8, 15_000_000)
    with pytest.raises(ReadLimitError, match=r"at least 3,200,000,000 bytes, 6,987 times"):
        honest.check_shape("sparse", 20_000, 20_000, 458_000)
    honest.check_shape("constant", 10**9, 10)
    honest.check_text("t", 1 << 28)
    with pytest.raises(ReadLimitError, match=r"has a text of 268,435,457 bytes in column 'c'"):
        honest.check_text("t", (1 << 28) + 1, "c")
    ReadLimits.off().check_shape("t", 1 << 40, 1 << 30, 1)


def test_a_header_of_a_million_columns_is_refused():
    for name in (b"", b'"a;b"'):  # separators in quotes are none
        header = upload(name + b";" * 1_000_000)
        with pytest.raises(ReadLimitError, match=r"has (more than )?[\d,]+ columns; the limit"):
            CSVSingleExtractor(header, Items).extract()
    wide = upload(b";".join(b"c%d" % number for number in range(3000)) + b"\n" + b"1;2\n" * 50)
    assert CSVSingleExtractor(wide, Items).extract()["items"].shape == (50, 3000)


def test_records_that_are_far_too_short_are_refused_before_they_are_filled_up():
    header = b";".join(b"c%d" % number for number in range(2000)) + b"\n"
    file = upload(header + b"1\n" * 400_000)
    with pytest.raises(ReadLimitError, match=r"a table of 400,\d{3} × 2,000 cells, at least"):
        CSVSingleExtractor(file, Items).extract()


@pytest.mark.parametrize("made_from", [CSVSingleExtractor, ParquetSingleExtractor])
def test_what_an_extractor_of_a_users_own_makes_of_a_short_text_is_measured(tmp_path, made_from):
    class Own(made_from):
        def _extract_file(self):
            return super()._extract_file().with_columns(a=pl.lit("x" * 2000))

    frame = pl.DataFrame({"a": ["x"]})
    if made_from is CSVSingleExtractor:
        frame.write_csv(tmp_path / "items")
        file = CSVFile("items", tmp_path / "items", read_limits=ReadLimits(text_bytes=1999))
    else:
        frame.write_parquet(tmp_path / "items")
        file = ParquetFile("items", tmp_path / "items", read_limits=ReadLimits(text_bytes=1999))
    assert made_from(file, Items).extract()["items"].rows() == [("x",)]
    with pytest.raises(ReadLimitError, match=r"2,000 bytes"):
        Own(file, Items).extract()


def test_texts_are_measured_by_column():
    file = upload(b"a;b\n1;" + b"x" * 2000 + b"\n", read_limits=ReadLimits(text_bytes=1999))
    with pytest.raises(ReadLimitError, match=r"a text of 2,000 bytes in column 'b'"):
        CSVSingleExtractor(file, Items).extract()


class Keys(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "keys", "json", "single"
    A = Column("a", DataType.STRING, optional=True)


OTHER_KEYS = ",".join(f'{{"k{number}":1}}' for number in range(6_000))
MIXED_KEYS = ",".join(f'{{"k{number}":{number % 2 or chr(34) * 2}}}' for number in range(6_000))
BLOWN_UP = {
    "records": f"[{OTHER_KEYS}]",
    "lines": OTHER_KEYS.replace(",", "\n"),
    "a list in a record": f'[{{"x":[{OTHER_KEYS}]}}]',
    "lists in an object": f'{{"a":[{OTHER_KEYS}],"b":[{OTHER_KEYS}]}}',
    "values of two kinds": f"[{MIXED_KEYS}]",
    "objects in objects": "[" + OTHER_KEYS.replace(":1", ':{"a":{"b":1}}') + "]",
    "behind regular ones": "[" + '{"a":"b"},' * 10_000 + OTHER_KEYS + "]",
}


@pytest.mark.parametrize("document", BLOWN_UP.values(), ids=BLOWN_UP)
def test_records_with_other_keys_each_are_refused_before_they_are_a_table(document, tmp_path):
    path = tmp_path / "keys.json"
    path.write_text(document)
    with pytest.raises(ReadLimitError, match=r"'keys' has a table of .* cells, at least"):
        JSONSingleExtractor(JSONFile("keys", path), Keys).extract()
    with pytest.raises(ReadLimitError, match=r"'keys' has a table of .* cells, at least"):
        infer_schemas(path)


def test_records_with_some_other_keys_are_read():
    records = ",".join(f'{{"a":"b","k{number % 300}":1}}' for number in range(5_000))
    text = base64.b64encode(f"[{records}]".encode()).decode()
    file = JSONFile("keys", content=f"data:;base64,{text}")
    assert JSONSingleExtractor(file, Keys).extract()["keys"].shape == (5_000, 301)


TWO_LINES = b"a;b\n" + b'1;"x\ny\n\nz"\n' * 10


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_line_ends_in_quotes_make_no_records(pack):
    for cells, is_fine in ((20, True), (19, False)):
        # The last record has no line end, and a field that is quoted has a quote inside.
        for data in (TWO_LINES, TWO_LINES[:-1], TWO_LINES.replace(b"1;", b'5" pipe;', 1)):
            file = upload(pack(data), read_limits=ReadLimits(cells=cells))
            if is_fine:
                assert CSVSingleExtractor(file, Items).extract()["items"].shape == (10, 2)
                continue
            with pytest.raises(ReadLimitError, match=r"a table of 10 × 2 cells; the limit 'cells'"):
                CSVSingleExtractor(file, Items).extract()


def test_an_open_quote_hides_no_records_from_the_limits():
    header = b";".join(b"c%d" % number for number in range(2000)) + b"\n"
    file = upload(header + b'x"\n' + b"1\n" * 400_000 + b'x"\n')
    with pytest.raises(ReadLimitError, match=r"a table of 400,002 × 2,000 cells, at least"):
        CSVSingleExtractor(file, Items).extract()


def test_the_parts_of_a_table_keep_its_limits_together(tmp_path):
    for number in range(4):
        (tmp_path / f"{number}.csv").write_bytes(b"a;b\n" + b"1;2\n" * 10)
    fine = CSVFile("items", tmp_path, read_limits=ReadLimits(cells=80))
    assert CSVSingleExtractor(fine, Items).extract()["items"].shape == (40, 2)
    tight = CSVFile("items", tmp_path, read_limits=ReadLimits(cells=79))
    with pytest.raises(ReadLimitError, match=r"'items' has a table of 40 × 2 cells; the limit"):
        CSVSingleExtractor(tight, Items).extract()


def test_the_columns_of_all_parts_keep_the_limits_together(tmp_path):
    for number in range(4):
        (tmp_path / f"{number}.json").write_text(f'[{{"a":1,"b{number}":1}}]')
    fine = JSONFile("keys", tmp_path, read_limits=ReadLimits(columns=5))
    assert JSONSingleExtractor(fine, Keys).extract()["keys"].width == 5
    tight = JSONFile("keys", tmp_path, read_limits=ReadLimits(columns=4))
    with pytest.raises(ReadLimitError, match=r"'keys' has 5 columns; the limit 'columns' is 4"):
        JSONSingleExtractor(tight, Keys).extract()
