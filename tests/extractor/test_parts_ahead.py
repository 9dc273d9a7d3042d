"""Parts that are read while others are looked at: the same table, and nothing is read later."""

from __future__ import annotations

import threading
from itertools import count
from typing import TYPE_CHECKING

import polars as pl
import pytest

from algomancy_data import (
    ArrowFile,
    ArrowSingleExtractor,
    Column,
    CSVFile,
    CSVSingleExtractor,
    DataType,
    ParquetFile,
    ParquetSingleExtractor,
    Schema,
)
from algomancy_data.errors import FileContentError
from algomancy_data.extractor.parts_ahead import PartsAhead

if TYPE_CHECKING:
    from pathlib import Path

PARTS = 40
THREAD = "algomancy-data part"


class Numbers(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "numbers", "csv", "single"
    NUMBER = Column("number", DataType.INTEGER)
    NAME = Column("name", DataType.STRING)


WRITERS = {
    "csv": (CSVFile, CSVSingleExtractor, lambda frame, path: frame.write_csv(path, separator=";")),
    "parquet": (ParquetFile, ParquetSingleExtractor, pl.DataFrame.write_parquet),
    "arrow": (ArrowFile, ArrowSingleExtractor, pl.DataFrame.write_ipc),
}


def readers() -> list[str]:
    """Return the threads that read parts."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(THREAD)]


@pytest.fixture(autouse=True)
def no_readers_are_left():
    yield
    assert readers() == []


def csv(folder: Path) -> CSVSingleExtractor:
    return CSVSingleExtractor(CSVFile("numbers", folder), Numbers)


@pytest.mark.parametrize("extension", WRITERS)
def test_the_parts_come_in_their_order_whichever_is_read_first(tmp_path, extension) -> None:
    file, extractor, write = WRITERS[extension]
    numbers, parts = count(), list[pl.DataFrame]()
    for part in range(PARTS):
        height = 5_000 if part % 7 == 0 else part % 3
        rows = [next(numbers) for _ in range(height)]
        frame = pl.DataFrame({"number": rows, "name": map(str, rows)}, {"number": int, "name": str})
        parts.append(frame)
        write(frame, tmp_path / f"{part}.{extension}")
    found = extractor(file("numbers", tmp_path), Numbers).extract()["numbers"]
    assert found.equals(pl.concat(parts))
    assert found["number"].to_list() == list(range(next(numbers)))


@pytest.mark.parametrize("short", [[0], [3], [3, 4, 5, 39], list(range(PARTS))], ids=str)
def test_rows_of_which_something_is_noticed_have_their_numbers_in_the_whole(
    tmp_path, short
) -> None:
    texts = [f"{part};a\n{part}\n" if part in short else f"{part};a\n" for part in range(PARTS)]
    folder = tmp_path / "parts"
    folder.mkdir()
    for part, text in enumerate(texts):
        (folder / f"{part}.csv").write_text(f"number;name\n{text}")
    whole = tmp_path / "whole.csv"
    whole.write_text("number;name\n" + "".join(texts))
    in_parts, at_once = csv(folder), csv(whole)
    assert in_parts.extract()["numbers"].equals(at_once.extract()["numbers"])
    rows = [row for issue in in_parts.conversion_issues for row in issue.failing.to_list()]
    assert rows == [row for issue in at_once.conversion_issues for row in issue.failing.to_list()]


def test_the_first_part_that_cannot_be_read_is_named_and_nothing_is_read_later(tmp_path) -> None:
    for part in range(PARTS):
        fault = '"' if part in {5, 6} else ""
        (tmp_path / f"{part}.csv").write_text(f"number;name\n1;{fault}a\n")
    with pytest.raises(FileContentError, match=r"numbers/5\.csv") as caught:
        csv(tmp_path).extract()
    assert caught.value.__traceback__ is not None  # which holds on to all that was going on
    assert readers() == []


def test_code_of_a_users_own_reads_one_part_after_the_other_in_its_thread(tmp_path) -> None:
    class Own(CSVSingleExtractor):
        def _extract_file(self) -> pl.DataFrame:
            read.append((self.file.name, threading.current_thread()))
            return super()._extract_file()

    for part in range(PARTS):
        (tmp_path / f"{part}.csv").write_text("number;name\n1;a\n")
    read = list[tuple[str, threading.Thread]]()
    Own(CSVFile("numbers", tmp_path), Numbers).extract()
    assert read == [(f"numbers/{n}.csv", threading.current_thread()) for n in range(PARTS)]


def test_whoever_stops_in_the_middle_waits_for_what_is_being_read(tmp_path) -> None:
    for part in range(PARTS):
        (tmp_path / f"{part}.csv").write_text("number;name\n1;a\n")
    extractor = csv(tmp_path)
    begun = list[str]()

    def read(file, first_row, as_text):
        begun.append(file.name)
        return extractor._read_part(file, first_row, as_text)

    with PartsAhead(read) as parts:
        found = parts(extractor.file.parts() or [], frozenset())
        assert next(found)[0].rows() == [(1, "a")]
    assert readers() == []
    assert len(begun) < PARTS
