"""Every declared type, whichever there are: its texts come from a file into the stores and back."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from algomancy_data import Column, CSVFile, DataSource, Schema, SimpleETLFactory
from algomancy_data.database import DatabaseStore
from algomancy_data.folder import FolderStore
from algomancy_data.inference import infer_schemas
from algomancy_data.schema import DataType
from algomancy_data.schema.kinds import DeclaredType, column_type_of
from algomancy_data.schema.types import TextConventions
from algomancy_data.testing.samples import POLARS_DTYPES, any_texts, sample_values

# Text in which few values repeat is declared CATEGORICAL by people only.
NOT_INFERRED = {"CATEGORICAL"}


def name_of(declared: DeclaredType) -> str:
    return column_type_of(declared).name


of_every_type = pytest.mark.parametrize("declared", [*DataType, *POLARS_DTYPES], ids=name_of)


def read(declared: DeclaredType, texts: list[str | None] | pl.Series) -> pl.Series | None:
    """Return the values of texts, None if they are none, or only by a guess."""
    outcome = column_type_of(declared).from_text([pl.Series(texts)], TextConventions())
    return outcome.values if outcome.is_certain else None


def write_csv(path: Path, texts: list[str | None]) -> None:
    frame = pl.DataFrame({"name": [str(row) for row in range(len(texts))], "values": texts})
    frame.write_csv(path, separator=";", quote_style="non_numeric")


@of_every_type
@settings(max_examples=3)  # each one is two stores
@given(data=st.data())
def test_text_of_a_csv_file_is_kept_in_the_stores_as_its_values(declared, data) -> None:
    texts = data.draw(any_texts(declared))
    assume(any(text is not None for text in texts))
    values = read(declared, texts)
    assume(values is not None)

    members = {
        "_FILENAME": "table",
        "_EXTENSION": "csv",
        "_SCHEMA_TYPE": "single",
        "NAME": Column("name", DataType.STRING),
        "VALUES": Column("values", declared, nullable=True),
    }
    with TemporaryDirectory() as folder:
        path = Path(folder, "table.csv")
        Path(folder, "datasets").mkdir()
        write_csv(path, texts)
        schemas = {"table": type("Table", (Schema,), members)}
        files = {"table": CSVFile("table", path)}
        result = SimpleETLFactory.build_pipeline("d", files, schemas).run()
        for make in (
            lambda: FolderStore(Path(folder, "datasets"), DataSource),
            lambda: DatabaseStore(f"sqlite:///{folder}/data.db", "s"),
        ):
            store = make()
            store.open()
            store.save("d", result.datasource)
            store.close()
            store = make()  # that has not seen it yet
            store.open()
            found = store.load("d", DataSource).data.get_table("table")["values"]
            store.close()
            assert found.equals(values, check_dtypes=True, null_equal=True), found


@pytest.mark.parametrize("data_type", DataType, ids=name_of)
def test_a_column_of_its_plainest_text_is_found_to_be_of_the_type(data_type, tmp_path) -> None:
    plainest = data_type.column_type.samples[0]
    write_csv(tmp_path / "table.csv", [plainest] * 3)
    (schema,) = infer_schemas(tmp_path / "table.csv").schemas
    expected = DataType.STRING if data_type.name in NOT_INFERRED else data_type
    assert schema.datatypes()["values"] is expected


@of_every_type
def test_its_values_written_as_text_are_read_as_the_same_values(declared) -> None:
    values = sample_values(declared)
    written = DataType.STRING.column_type.convert(values, TextConventions())
    if written.refused is None and values.dtype != pl.Binary:  # as text, bytes are UTF-8
        assert read(declared, written.values).equals(values, check_dtypes=True)


@of_every_type
def test_the_first_of_its_samples_are_texts_that_it_reads(declared) -> None:
    samples = column_type_of(declared).samples
    assert len(set(samples)) == len(samples)
    assert sample_values(declared).len() > 1
    assert all(read(declared, [text]) is not None for text in samples[:2])
