"""What workers import: a schema, a pipeline that may come to grief, and who makes managers."""

from __future__ import annotations

import os
import signal
import time
import warnings
from pathlib import Path

from algomancy_data import (
    Column,
    DataSource,
    DataType,
    Schema,
    SimpleETLFactory,
    StatefulDataManager,
    StatelessDataManager,
    Transformer,
    ValidationSeverity,
)
from algomancy_data.database import DatabaseDataManager
from algomancy_data.errors import StoreUnavailableError
from algomancy_data.transformer import TransformationSequence


class Sales(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "sales", "csv", "single"
    ID = Column("id", DataType.INTEGER, primary_key=True)
    AMOUNT = Column("amount", DataType.FLOAT)


KILL, HANG, BREAK, BE_AWAY = -1, -2, -3, -4
"""Amounts with which a job kills its worker, hangs, raises, and finds the store away once."""


class Grief(Transformer):
    def transform(self, data):
        time.sleep(float(os.environ.get("NIGHT_PAUSE", "0")))
        amounts = data["sales"]["amount"].to_list() if "sales" in data else []
        if KILL in amounts:
            os.kill(os.getpid(), signal.SIGKILL)
        if HANG in amounts:
            time.sleep(600)
        if BREAK in amounts:
            raise ZeroDivisionError("by hand")
        mark = Path(os.environ["NIGHT_STORE"].removeprefix("sqlite:///") + ".away")
        if BE_AWAY in amounts and not mark.exists():
            mark.touch()
            raise StoreUnavailableError("away")


class Factory(SimpleETLFactory):
    @classmethod
    def create_transformation_sequence(cls, *_):
        return TransformationSequence([Grief("grief")])


def make_manager():
    store = os.environ["NIGHT_STORE"]
    common = {"halt_on": ValidationSeverity.ERROR}
    if store == "memory":
        manager = StatelessDataManager(Factory, [Sales], "json", DataSource, **common)
    elif "://" in store:
        session = os.environ.get("NIGHT_SESSION", "s")
        manager = DatabaseDataManager(Factory, [Sales], store, session, DataSource, **common)
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            manager = StatefulDataManager(Factory, [Sales], store, "json", DataSource, **common)
    manager.startup()
    return manager
