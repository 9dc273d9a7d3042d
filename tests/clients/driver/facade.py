"""The scenario facade called from Python, where HTTP does not reach: uploads, folders, mistakes."""

from __future__ import annotations

import base64
import importlib
import json
from pathlib import Path
from typing import Any

import pandas as pd
from algomancy_scenario import ScenarioManager
from recording import Recording, rows
from web import document
from world import CORE, ITEMS, ORDERS, Depot, places

from algomancy_data import CSVFile, DataClassification

SETTINGS = {name: value for name, value in CORE.items() if name not in {"autocreate", "autorun"}}
AWKWARD = b"""id;name;weight;made;active
1;bolt;heavy;2024-01-31;true
1;;0.5;2024-02-30;maybe
;nut;1;2024-02-29;false
"""


def uri(content: bytes) -> str:
    """Write bytes as an uploader does."""
    return "data:application/octet-stream;base64," + base64.b64encode(content).decode()


def tables(manager: ScenarioManager, key: str):
    """Return the tables of a dataset as columns and rows."""
    return {name: rows(frame) for name, frame in manager.get_data(key).tables.items()}


def found(result):
    """Return what an ETL says about itself and about the data."""
    messages = [
        [str(m.severity), m.code, m.table, m.column, m.row] for m in result.messages if m.code
    ]
    return {"status": result.status, "messages": sorted(messages, key=str)}


def drive(recording: Recording, name: str, settings: dict[str, Any]):
    """Call everything on one kind of manager."""
    manager = open_manager(settings)
    uploads(recording, manager)
    calls(recording, manager)
    runs(recording, manager)
    if name == "folder":
        folder(recording, manager, Path(settings["data_folder"]))
    if name == "stateless":
        awkward(recording, manager)
        placeholder(recording)


def open_manager(settings: dict[str, Any]) -> ScenarioManager:
    """Make a ScenarioManager on no store, on a folder, or on a database."""
    settings = dict(settings)
    url = settings.pop("database_url", None)
    if url is not None:
        import sqlalchemy as sa  # noqa: PLC0415 - only what keeps data in one needs it
        from algomancy_scenario.persistence.sql_repository import (  # noqa: PLC0415
            SqlScenarioRepository,
        )

        from algomancy_data.database import DatabaseDataManager  # noqa: PLC0415

        engine = sa.create_engine(url)
        data = DatabaseDataManager(
            etl_factory=SETTINGS["etl_factory"],
            schemas=SETTINGS["schemas"],
            engine=engine,
            session_id="facade",
            data_object_type=Depot,
            datasource_cache_size=2,
        )
        scenarios = SqlScenarioRepository(
            engine, "facade", SETTINGS["algorithms"], SETTINGS["kpis"], data
        )
        settings |= {"data_manager": data, "scenario_repository": scenarios}
    return ScenarioManager(**SETTINGS, **settings)


def uploads(recording: Recording, manager: ScenarioManager):
    prepare = manager._dm.prepare_files
    files = prepare([("items", "csv", uri(ITEMS)), ("orders", "json", uri(ORDERS))])
    recording.keep("file classes", {key: type(file).__name__ for key, file in files.items()})
    recording.keep("etl of uploads", found(manager.etl_data(files, "uploaded")))
    recording.keep("tables of uploads", tables(manager, "uploaded"))
    files = prepare([("places", "xlsx", uri(places()))])
    recording.keep("etl of a workbook", found(manager.etl_data(files, "workbook")))
    recording.keep("tables of the workbook", tables(manager, "workbook"))
    recording.call("no comma", prepare, [("items", "csv", "no uri")])
    recording.call("no files", prepare)
    recording.call("no content", prepare, [("items", "csv", "")])
    recording.call("unknown extension", prepare, [("x", "odd", uri(b"x"))])
    recording.call("no file", prepare, None, [("items", "/nowhere/items.csv")])
    recording.call("no file of its own", CSVFile, name="items", path="/nowhere/items.csv")
    strange = prepare([("strange", "csv", uri(b"a;b\n1;2\n"))])
    recording.call("no schema", manager.etl_data, strange, "strange")


def awkward(recording: Recording, manager: ScenarioManager):
    """Load what converts in part; the pandas package has no place for that in a database."""
    files = manager._dm.prepare_files([("items", "csv", uri(AWKWARD))])
    recording.keep("etl of awkward data", found(manager.etl_data(files, "awkward")))
    recording.keep("awkward data", tables(manager, "awkward"))


def calls(recording: Recording, manager: ScenarioManager):
    data = Depot(DataClassification.MASTER_DATA, name="handed in")
    frame = pd.DataFrame(
        {  # the columns of Items: the pandas package has one table for those of all datasets
            "id": [1, 2],
            "name": ["a", "b"],
            "weight": [0.5, 2.25],
            "made": pd.to_datetime(["2024-01-31 10:30", "2024-02-29 00:00"]),
            "active": [True, False],
        },
        index=[7, 9],
    )
    data.add_table("items", frame)
    manager.set_data("handed in", data)
    recording.keep("handed in", tables(manager, "handed in"))
    recording.keep("parameters", manager.get_data_parameters("handed in").get_values())
    manager.derive_data("handed in", "derived")
    derived = manager.get_data("derived")
    recording.keep("derived", [derived.name, derived.is_master_data(), tables(manager, "derived")])
    recording.keep("a new id", derived.id != data.id)
    recording.call("derive unknown", manager.derive_data, "nothing", "x")
    recording.call("derive twice", manager.derive_data, "handed in", "derived")
    recording.call("delete unknown", manager.delete_data, "nothing")
    recording.call("get unknown", manager.get_data, "nothing")
    recording.call("unknown as json", manager.get_data_as_json, "nothing")
    recording.call("unknown table", data.get_table, "nothing")
    recording.call("bad json", manager.add_datasource_from_json, "{")
    recording.call("json without metadata", manager.add_datasource_from_json, "{}")
    manager.add_datasource_from_json(manager.get_data_as_json("handed in"))
    recording.keep("through json", tables(manager, "handed in"))
    recording.keep("keys", sorted(manager.get_data_keys()))
    manager.delete_data("derived")
    recording.keep("keys after a delete", sorted(manager.get_data_keys()))
    recording.keep("validators", len(manager._dm.create_validation_sequence()._validators))


def runs(recording: Recording, manager: ScenarioManager):
    manager.toggle_autorun(value=True)
    scenario = manager.create_scenario("auto", "handed in", "Weigh", {"factor": 4.0})
    manager.wait_for_processing()
    recording.keep("result", [str(scenario.status), scenario.result.to_dict()["rows"]])
    recording.keep("kpi", scenario.kpis["Total"].to_dict())
    recording.call("delete what is used", manager.delete_data, "handed in")
    recording.call("scenario on unknown data", manager.create_scenario, "x", "nothing", "Weigh")
    recording.call("tag twice", manager.create_scenario, "auto", "handed in", "Weigh")
    manager.toggle_autocreate(value=True, default_algo_name="Weigh")
    manager.derive_data("handed in", "with scenario")
    manager.wait_for_processing()
    recording.keep("scenarios", sorted(manager.list_tags()))
    made = manager.get_by_tag("with scenario [auto]")
    recording.keep("result on derived data", made.result.to_dict()["rows"])
    manager.delete_scenario(made.id)
    manager.delete_data("with scenario")
    manager.toggle_autocreate(value=False)
    manager.toggle_autorun(value=False)
    manager.shutdown_processing()


def folder(recording: Recording, manager: ScenarioManager, home: Path):
    frames = {"items": pd.DataFrame({"id": [1], "name": ["x"], "weight": [0.5]})}
    manager.store_data("stored", frames)
    written = home / "stored" / "items.csv"
    recording.keep("csv", written.read_text(encoding="utf-8"))
    recording.call("store twice", manager.store_data, "stored", frames)
    manager.store_data_as_json("uploaded")
    recording.keep("a document", (home / "uploaded.json").is_file())
    recording.call("document of unknown", manager.store_data_as_json, "nothing")
    (home / "import").mkdir()
    (home / "import" / "items.v2.csv").write_bytes(ITEMS)
    manager.debug_etl_data("import")
    recording.keep("loaded directory", tables(manager, "import"))
    (home / "foreign.json").write_bytes(document("foreign"))
    manager.debug_load_serialized_data("foreign.json")
    recording.keep("loaded document", tables(manager, "foreign"))
    recording.call("load nothing", manager.debug_load_data, "nothing")
    recording.call("load no document", manager.debug_load_serialized_data, "nothing.json")
    (home / "broken.json").write_text("{", encoding="utf-8")
    (home / "meta.json").write_text(json.dumps({"id": "1"}), encoding="utf-8")
    (home / "notes.txt").write_text("hello", encoding="utf-8")
    again = open_manager({"has_persistent_state": True, "data_folder": str(home)})
    errors = again._dm.startup_errors
    recording.keep("startup errors", sorted(Path(path).name for path, _ in errors))
    recording.keep("keys after a restart", sorted(again.get_data_keys()))
    again.delete_data("import")
    recording.keep("directory deleted", not (home / "import").exists())


def placeholder(recording: Recording):
    """The placeholders of algomancy-content; its pages need a GUI, which is another matter."""
    backend = importlib.import_module("backend")
    manager = ScenarioManager(
        etl_factory=backend.PlaceholderETLFactory,
        kpis={"Placeholder": backend.PlaceholderKPI},
        algorithms={"As is": backend.PlaceholderAlgorithm},
        schemas=[backend.PlaceholderSchema],
        data_object_type=Depot,
        autorun=True,
    )
    content = b"id;name\n1;a\n"
    file = CSVFile(name="placeholder_data", content=uri(content))
    result = manager.etl_data({"placeholder_data": file}, "placeholder")
    recording.keep("placeholder etl", [result.status, result.datasource.list_tables()])
    recording.call("placeholder schema", backend.PlaceholderSchema.datatypes)
    scenario = manager.create_scenario("s", "placeholder", "As is", {})
    manager.wait_for_processing()
    recording.keep("placeholder scenario", str(scenario.status))
