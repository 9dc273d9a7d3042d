from __future__ import annotations

import logging

import polars as pl
import pytest

from algomancy_data.extractor import CSVSingleExtractor, ExtractionSequence, SingleExtractor
from algomancy_data.file import CSVFile
from algomancy_data.schema import Column, DataType, Schema, SchemaType

FILE = CSVFile("f", content="data:,")


class One(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "f", "csv", SchemaType.SINGLE
    NUMBER = Column("number", DataType.INTEGER)


class Fixed(SingleExtractor):
    def __init__(self, frame: pl.DataFrame, file: CSVFile = FILE, logger=None) -> None:
        super().__init__(file, One, logger)
        self.frame = frame
        self.runs = 0

    def _extract_file(self) -> pl.DataFrame:
        self.runs += 1
        return self.frame


def test_a_sequence_extracts_once() -> None:
    extractor = Fixed(pl.DataFrame({"number": [1]}))
    sequence = ExtractionSequence([extractor])
    assert not sequence.completed
    assert sequence.data is sequence.data
    assert sequence.completed
    assert extractor.runs == 1


def test_a_sequence_with_a_further_extractor_extracts_anew() -> None:
    sequence = ExtractionSequence()
    assert sequence.data == {}
    sequence.add_extractor(Fixed(pl.DataFrame({"number": [1]})))
    sequence.add_extractors([Fixed(pl.DataFrame(), CSVFile("g", content="data:,"))])
    assert not sequence.completed
    assert list(sequence.data) == ["f", "g"]


def test_a_sequence_keeps_the_list_it_was_given() -> None:
    extractors = []
    sequence = ExtractionSequence(extractors)
    sequence.add_extractor(Fixed(pl.DataFrame()))
    assert len(extractors) == 1


def test_a_table_extracted_twice_is_replaced_with_a_warning(caplog) -> None:
    first, second = pl.DataFrame({"number": [1]}), pl.DataFrame({"number": [2]})
    sequence = ExtractionSequence([Fixed(first), Fixed(second)], logging.getLogger("own"))
    assert sequence.run_extraction()["f"].equals(second)
    assert "Table 'f' is extracted twice" in caplog.text


def test_whatever_has_an_extract_will_do_in_a_sequence() -> None:
    class Duck:
        def extract(self) -> dict[str, dict[str, list[int]]]:
            return {"t": {"number": [1]}}

    sequence = ExtractionSequence([Duck()])
    assert sequence.run_extraction()["t"].rows() == [(1,)]
    assert sequence.extraction().tables["t"].issues == ()


def test_the_issues_of_a_sequence_are_a_copy() -> None:
    sequence = ExtractionSequence([Fixed(pl.DataFrame({"number": ["x"]}))])
    sequence.run_extraction()
    sequence.conversion_issues.clear()
    assert len(sequence.conversion_issues) == 1


class Counted(CSVFile):
    """A file that counts how often it is asked for its size."""

    asked = 0

    def stored_bytes(self) -> int | None:
        type(self).asked += 1
        return super().stored_bytes()


@pytest.mark.parametrize("parts", [1, 3])
def test_a_file_is_asked_for_its_size_once(tmp_path, monkeypatch, parts) -> None:
    monkeypatch.setattr(Counted, "asked", 0)
    for number in range(parts):
        (tmp_path / f"{number}.csv").write_text(f"number\n{number}\n")
    file = Counted("f", path=tmp_path if parts > 1 else tmp_path / "0.csv")
    sequence = ExtractionSequence([CSVSingleExtractor(file, One)])
    assert sequence.data["f"]["number"].to_list() == list(range(parts))
    size = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert sequence.stored_bytes() == size
    assert Counted.asked == (1 if parts == 1 else 1 + parts)  # a part is a file as well
