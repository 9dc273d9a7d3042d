"""A small project as users of the framework write it: schemas, files, an algorithm, a KPI."""

from __future__ import annotations

import io
import json

import openpyxl
import pandas as pd
from algomancy_scenario import (
    BaseAlgorithm,
    BaseKPI,
    BaseParameterSet,
    BaseScenarioResult,
    FloatParameter,
    ImprovementDirection,
    IntegerParameter,
)
from algomancy_utils import QUANTITIES, BaseMeasurement

from algomancy_data import (
    Column,
    ColumnGroup,
    DataSource,
    DataType,
    FileExtension,
    Schema,
    SchemaType,
    SimpleETLFactory,
)


class Items(Schema):
    _FILENAME = "items"
    _EXTENSION = FileExtension.CSV
    _SCHEMA_TYPE = SchemaType.SINGLE

    ID = Column("id", DataType.INTEGER, primary_key=True)
    NAME = Column("name", DataType.STRING)
    WEIGHT = Column("weight", DataType.FLOAT)
    MADE = Column("made", DataType.DATETIME)
    ACTIVE = Column("active", DataType.BOOLEAN)


class Orders(Schema):
    _FILENAME = "orders"
    _EXTENSION = FileExtension.JSON
    _SCHEMA_TYPE = SchemaType.MULTI

    HEAD = ColumnGroup(
        "head",
        [
            Column("id", DataType.INTEGER, primary_key=True),
            Column("customer.name", DataType.STRING),
        ],
    )
    LINE = ColumnGroup(
        "line",
        [
            Column("order", DataType.INTEGER, foreign_key=("head", "id")),
            Column("item", DataType.STRING),
            Column("pieces", DataType.INTEGER),
        ],
        ("lines",),
    )


class Places(Schema):
    _FILENAME = "places"
    _EXTENSION = FileExtension.XLSX
    _SCHEMA_TYPE = SchemaType.MULTI

    TOWN = ColumnGroup(
        "town", [Column("code", DataType.STRING), Column("people", DataType.INTEGER)]
    )
    ROAD = ColumnGroup("road", [Column("from", DataType.STRING), Column("km", DataType.FLOAT)])


SCHEMAS = [Items, Orders, Places]

ITEMS = b"""id;name;weight;made;active
1;bolt;0,5;2024-01-31;true
2;nut;0,25;2024-02-29;false
3;plate \xe2\x82\xac;12,125;2023-12-31;true
"""
ORDERS = json.dumps(
    [
        {"id": 1, "customer": {"name": "Ann"}, "lines": [{"item": "bolt", "pieces": 3}]},
        {"id": 2, "customer": {"name": "Bob"}, "lines": []},
    ]
).encode()


def places() -> bytes:
    """Return a workbook."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "town"
    for row in (["code", "people"], ["A", 1200], ["B", 35]):
        sheet.append(row)
    sheet = book.create_sheet("road")
    for row in (["from", "km"], ["A", 12.5], ["B", 0.25]):
        sheet.append(row)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


class Parameters(BaseParameterSet):
    def __init__(self, name, *parameters):
        super().__init__(name=name)
        self.add_parameters(list(parameters))

    def validate(self):
        pass


class Depot(DataSource):
    """A DataSource with a parameter per scenario."""

    def initialize_data_parameters(self):
        return Parameters("depot", IntegerParameter("first_id", minvalue=0, default=0))


class Weights(BaseScenarioResult):
    """A result that is a table, kept as one by the scenarios' repository."""

    def __init__(self, data_id, frame=None):
        super().__init__(data_id)
        self.frame = frame

    def to_dict(self):
        return {"data_id": self.data_id, "rows": self.frame.to_dict(orient="records")}

    def to_json(self):
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, json_string):
        read = json.loads(json_string)
        return cls(read["data_id"], pd.DataFrame(read["rows"]))

    def to_sql_tables(self):
        return {"weights": self.frame}

    def from_sql_tables(self, tables):
        self.frame = tables["weights"]


class Weigh(BaseAlgorithm):
    """Works on Polars and pandas columns alike."""

    result_class = Weights

    def __init__(self, params):
        super().__init__("Weigh", params)

    @staticmethod
    def initialize_parameters():
        return Parameters("Weigh", FloatParameter("factor", minvalue=0.0, default=1.0))

    def run(self, data):
        items = data.get_table("items")
        factor = self.params.get_values()["factor"]
        total = [float(each) * factor for each in items["weight"]]
        self.set_progress(100)
        return Weights(data.id, pd.DataFrame({"item": list(items["name"]), "weight": total}))


class Total(BaseKPI):
    def __init__(self):
        super().__init__(
            "Total", ImprovementDirection.LOWER, BaseMeasurement(QUANTITIES["mass"]["kg"])
        )

    def compute(self, result):
        return float(result.frame["weight"].sum())


CORE = {
    "etl_factory": SimpleETLFactory,
    "kpis": {"Total": Total},
    "algorithms": {"Weigh": Weigh},
    "schemas": SCHEMAS,
    "data_object_type": Depot,
    "autocreate": False,
    "autorun": False,
}
