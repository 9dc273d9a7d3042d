"""What a user of the pandas package writes who followed the framework's tutorial.

Places from files of three formats become one table, from which a second one is derived; a loader of
one's own makes objects of them. All components work in pandas.
"""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import openpyxl
import pandas as pd

import algomancy_data as ad
from algomancy_data.extractor import (
    CSVSingleExtractor,
    ExtractionSequence,
    XLSXMultiExtractor,
    XLSXSingleExtractor,
)
from algomancy_data.transformer import TransformationSequence

if TYPE_CHECKING:
    from recording import Recording

PLACES, LEGS = "all_places", "legs"


def columns() -> list[ad.Column]:
    return [
        ad.Column("ID", ad.DataType.STRING, primary_key=True),
        ad.Column("x", ad.DataType.INTEGER),
        ad.Column("y", ad.DataType.INTEGER),
    ]


class Depots(ad.Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "depots", ad.FileExtension.XLSX, ad.SchemaType.SINGLE
    ID, X, Y = columns()


class Shops(ad.Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "shops", ad.FileExtension.CSV, ad.SchemaType.SINGLE
    ID, X, Y = columns()


class Others(ad.Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "others", ad.FileExtension.XLSX, ad.SchemaType.MULTI
    CUSTOMERS = ad.ColumnGroup("customers", columns())
    DOCKS = ad.ColumnGroup("docks", columns())


class StartPlaces(ad.Transformer):
    """Makes the empty table that the others fill."""

    def __init__(self, logger=None) -> None:
        super().__init__(name="start places", logger=logger)

    def transform(self, data: dict[str, pd.DataFrame]) -> None:
        if data.get(PLACES) is None:
            data[PLACES] = pd.DataFrame(columns=["id", "x", "y"])


class AddPlaces(ad.Transformer):
    """Appends the places of one table."""

    def __init__(self, source: str, logger=None) -> None:
        super().__init__(name=f"add {source}", logger=logger)
        self.source = source

    def transform(self, data: dict[str, pd.DataFrame]) -> None:
        found, places = data.get(self.source), data.get(PLACES)
        if found is None or places is None:
            return
        if self._logger:
            self._logger.log(f"{len(found)} from {self.source}")
        renamed = found.rename(columns={"ID": "id"}).reindex(columns=places.columns)
        renamed = renamed.astype(places.dtypes.to_dict())
        data[PLACES] = pd.concat([places, renamed], ignore_index=True)


class DeriveLegs(ad.Transformer):
    """Combines each place with each other one."""

    def transform(self, data: dict[str, pd.DataFrame]) -> None:
        places = data[PLACES]
        legs = places.merge(places, how="cross", suffixes=("_from", "_to"))
        legs = legs[legs["id_from"] != legs["id_to"]]
        legs["cost"] = legs.apply(
            lambda row: (
                ((row["x_from"] - row["x_to"]) ** 2 + (row["y_from"] - row["y_to"]) ** 2) ** 0.5
            ),
            axis=1,
        )
        data[LEGS] = legs


def make_model(base: type[ad.DataSource]) -> type[ad.DataSource]:
    """Return a data class with a plain dict of objects beside its tables."""

    class Model(base):
        def __init__(
            self,
            ds_type: ad.DataClassification,
            name: str | None = None,
            tables: dict[str, pd.DataFrame] | None = None,
            validation_messages: list[ad.ValidationMessage] | None = None,
            ds_id: str | None = None,
            creation_datetime: Any = None,
        ) -> None:
            super().__init__(
                ds_type=ds_type,
                name=name,
                validation_messages=validation_messages,
                ds_id=ds_id,
                creation_datetime=creation_datetime,
            )
            if tables is not None:
                self.tables = tables
            self.costs: dict[tuple[str, str], float] = {}

    return Model


class ModelLoader(ad.Loader):
    """Makes the objects."""

    model: type[ad.DataSource]

    def load(
        self,
        name: str,
        data: dict[str, pd.DataFrame],
        validation_messages: list[ad.ValidationMessage],
        ds_type: ad.DataClassification = ad.DataClassification.MASTER_DATA,
    ):
        if self.logger:
            self.logger.log("making the model")
        model = self.model(
            tables=data, ds_type=ds_type, name=name, validation_messages=validation_messages
        )
        for _, row in model.get_table(LEGS).iterrows():
            model.costs[row["id_from"], row["id_to"]] = row["cost"]
        return model


class Factory(ad.SimpleETLFactory):
    """Wires everything by hand."""

    @classmethod
    def create_extraction_sequence(cls, files=None, schemas=None, logger=None):
        sequence = ExtractionSequence(logger=logger)
        sequence.add_extractor(
            XLSXSingleExtractor(
                file=files["depots"], schema=Depots(), sheet_name="Sheet1", logger=logger
            )
        )
        sequence.add_extractor(
            XLSXMultiExtractor(file=files["others"], schema=Others, logger=logger)
        )
        sequence.add_extractor(
            CSVSingleExtractor(file=files["shops"], schema=Shops(), logger=logger, separator=",")
        )
        return sequence

    @classmethod
    def create_validation_sequence(cls, schemas, logger=None):
        sequence = ad.ValidationSequence(logger=logger)
        sequence.add_validator(ad.ExtractionSuccessVerification())
        critical = ad.ValidationSeverity.CRITICAL
        sequence.add_validator(
            ad.SchemaValidator(schemas=list(schemas.values()), severity=critical)
        )
        return sequence

    @classmethod
    def create_transformation_sequence(cls, schemas=None, logger=None):
        sequence = TransformationSequence()
        sequence.add_transformer(StartPlaces(logger=logger))
        for source in ("others.customers", "others.docks", "shops", "depots"):
            sequence.add_transformer(AddPlaces(source, logger=logger))
        sequence.add_transformer(DeriveLegs(logger=logger))
        return sequence

    @classmethod
    def create_loader(cls, logger=None):
        return ModelLoader(logger)


class Logger:
    """Remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, message: str) -> None:
        self.lines.append(message)

    success = warning = error = log


def drive(recording: Recording, base: str):
    """Load the files and write down what came of it."""
    names: dict[str, Any] = {"DataSource": ad.DataSource}
    exec(base, names)  # noqa: S102  it is our own guide
    ModelLoader.model = make_model(names["InPandas"])
    logger = Logger()
    schemas = [Depots, Shops, Others]
    manager = ad.StatelessDataManager(Factory, schemas, "json", ModelLoader.model, logger)
    shops = "ID,x,y\ns1,0,3\n"
    uploads = [
        ("depots", "xlsx", workbook({"Sheet1": [("d1", 4, 3)]})),
        ("others", "xlsx", workbook({"customers": [("c1", 0, 0)], "docks": [("k1", 4, 0)]})),
        ("shops", "csv", "data:;base64," + base64.b64encode(shops.encode()).decode()),
    ]
    result = manager.etl_data(manager.prepare_files(uploads), "trip")
    recording.keep("status", result.status)
    model = manager.get_data("trip")
    recording.keep("tables", sorted(model.tables))
    recording.keep("places", sorted(model.get_table(PLACES)["id"]))
    costs = sorted(model.costs.items())
    recording.keep("costs", [[*pair, round(float(cost), 9)] for pair, cost in costs])
    lines = ("making the model", "1 from shops", "1 from depots")
    recording.keep("logged", [line in logger.lines for line in lines])
    manager.logger.log("still mine")
    recording.keep("logger", manager.logger.lines[-1])


def workbook(sheets: dict[str, list[tuple[Any, ...]]]) -> str:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in [("ID", "x", "y"), *rows]:
            sheet.append(row)
    written = io.BytesIO()
    book.save(written)
    return "data:;base64," + base64.b64encode(written.getvalue()).decode()
