"""Every route of the HTTP interface that touches data, in one conversation."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import openpyxl
from algomancy_api import ApiConfiguration, ApiLauncher
from fastapi.testclient import TestClient
from world import CORE, ITEMS, ORDERS, places

if TYPE_CHECKING:
    from recording import Recording

BROKEN = {
    "broken json": ("orders.json", b'[{"id": 1'),
    "no json": ("orders.json", b"hello"),
    "a scalar in json": ("orders.json", b"5"),
    "broken workbook": ("places.xlsx", b"PK\x03\x04 no"),
    "no workbook": ("places.xlsx", b"hello"),
    "an empty csv": ("items.csv", b""),
    "a ragged csv": ("items.csv", b"id;name\n1;a\n2;b;c;d\n"),
    "an open quote": ("items.csv", b'id;name\n1;"a\n'),
    "no text": ("items.csv", b"id;name\n1;\xff\xfe\n"),
    "columns missing": ("items.csv", b"id;name\n1;a\n"),
    "values that do not convert": (
        "items.csv",
        b"id;name;weight;made;active\n1;a;heavy;2024-01-31;true\n",
    ),
    "a header only": ("items.csv", b"id;name;weight;made;active\n"),
    "duplicate keys": (
        "items.csv",
        b"id;name;weight;made;active\n1;a;0.5;2024-01-31;true\n1;b;0.5;2024-01-31;false\n",
    ),
    "an unknown file": ("strange.csv", b"a;b\n1;2\n"),
    "another extension": ("items.txt", b"a;b\n1;2\n"),
    "a missing sheet": ("places.xlsx", None),
}
DOCUMENTS = {
    "empty": b"",
    "no json": b"{",
    "no utf-8": b"\xff",
    "a list": b"[]",
    "a number": b"5",
    "no metadata": b"{}",
    "no id": b'{"metadata": {"name": "x", "type": "master_data"}, "tables": {}}',
    "another type": b'{"metadata": {"id": "1", "name": "x", "type": "odd",'
    b'"creation_datetime": "2024-01-31 10:30:00", "tables": []}, "tables": {}}',
}


def document(name: str) -> bytes:
    """Return a dataset as the pandas package writes it."""
    data = {
        "metadata": {
            "id": "11111111-2222-3333-4444-555555555555",
            "name": name,
            "type": "master_data",
            "creation_datetime": "2024-01-31 10:30:00.123456",
            "tables": ["items"],
        },
        "tables": {
            "items": {
                "data": [
                    {"id": 1, "name": "bolt", "weight": 0.5, "at": "2024-01-31T10:30:00"},
                    {"id": 2, "name": None, "weight": 1.5, "at": None},
                ],
                "columns": ["id", "name", "weight", "at"],
                "dtypes": {
                    "id": "int64",
                    "name": "object",
                    "weight": "float64",
                    "at": "datetime64[ns]",
                },
                "index": [0, 1],
            }
        },
    }
    return json.dumps(data).encode()


class Conversation:
    """One client and one server on one store."""

    def __init__(self, settings: dict[str, Any], recording: Recording):
        self.settings = settings
        self.recording = recording
        self.start()

    def start(self):
        app = ApiLauncher.build(ApiConfiguration(**CORE, **self.settings))
        self.manager = app.state.session_manager
        self.client = TestClient(app, raise_server_exceptions=False)
        self.root = "/api/v1/sessions"
        self.session = f"{self.root}/{self.manager.start_session_id}"

    def ask(self, step, method, path, **arguments):
        response = self.client.request(method, path, **arguments)
        return self.recording.ask(step, response)

    def upload(self, step, *files, name="first"):
        parts = [("files", (file, content)) for file, content in files]
        return self.ask(
            step, "POST", f"{self.session}/etl", data={"dataset_name": name}, files=parts
        )

    def add(self, step, body):
        return self.ask(step, "POST", f"{self.session}/data/from-json", content=body)


def talk(settings: dict[str, Any], recording: Recording) -> Conversation:
    """Have the whole conversation, with a restart in the middle; return it for a look."""
    with_state = settings != {}
    chat = Conversation(settings, recording)
    chat.ask("health", "GET", "/health")
    chat.ask("sessions", "GET", chat.root)
    chat.ask("no data yet", "GET", f"{chat.session}/data")
    data(chat)
    mistakes(chat)
    scenarios(chat)
    if with_state:
        chat.start()
        chat.ask("after a restart: data", "GET", f"{chat.session}/data")
        for key in ("first", "derived", "added", "all"):
            chat.ask(f"after a restart: {key}", "GET", f"{chat.session}/data/{key}")
        chat.ask("after a restart: scenarios", "GET", f"{chat.session}/scenarios")
    sessions(chat)
    return chat


def data(chat: Conversation):
    chat.upload("upload csv", ("items.csv", ITEMS))
    chat.ask("list", "GET", f"{chat.session}/data")
    chat.ask("list by the session's name", "GET", f"{chat.root}/main/data")
    chat.ask("get csv", "GET", f"{chat.session}/data/first")
    files = [("items.csv", ITEMS), ("orders.json", ORDERS), ("places.xlsx", places())]
    chat.upload("upload all", *files, name="all")
    chat.ask("get all", "GET", f"{chat.session}/data/all")
    chat.upload("upload again", ("items.csv", ITEMS))
    chat.ask("parameters", "GET", f"{chat.session}/data/first/parameters")
    chat.add("add", document("added"))
    chat.ask("get added", "GET", f"{chat.session}/data/added")
    chat.ask("parameters of added", "GET", f"{chat.session}/data/added/parameters")
    back = chat.client.get(f"{chat.session}/data/all").json()
    back["metadata"]["name"] = "back"
    chat.add("add what was got", json.dumps(back).encode())
    chat.ask("get what was added", "GET", f"{chat.session}/data/back")
    chat.ask("derive", "POST", f"{chat.session}/data/first/derive", json={"new_key": "derived"})
    chat.ask("get derived", "GET", f"{chat.session}/data/derived")
    chat.ask("delete", "DELETE", f"{chat.session}/data/back")


def mistakes(chat: Conversation):
    session = chat.session
    chat.ask("get unknown", "GET", f"{session}/data/nothing")
    chat.ask("parameters of unknown", "GET", f"{session}/data/nothing/parameters")
    chat.ask("delete again", "DELETE", f"{session}/data/back")
    chat.ask("derive again", "POST", f"{session}/data/first/derive", json={"new_key": "derived"})
    chat.ask("derive unknown", "POST", f"{session}/data/nothing/derive", json={"new_key": "x"})
    chat.ask("derive without a name", "POST", f"{session}/data/first/derive", json={"new_key": ""})
    chat.ask("unknown session", "GET", f"{chat.root}/nothing/data")
    for what, body in DOCUMENTS.items():
        chat.add(f"add {what}", body)
    for what, (file, content) in BROKEN.items():
        chat.upload(
            f"upload {what}", (file, one_sheet() if content is None else content), name="broken"
        )
        answer = chat.client.get(f"{session}/data/broken")
        if answer.status_code == 200:
            tables = answer.json()["tables"]
            chat.recording.keep(f"upload {what}: rows", {t: tables[t]["data"] for t in tables})
            chat.client.delete(f"{session}/data/broken")
    chat.ask("upload nothing", "POST", f"{session}/etl", data={"dataset_name": "x"})
    chat.ask("list after mistakes", "GET", f"{session}/data")


def one_sheet() -> bytes:
    """Return a workbook without the second sheet."""
    book = openpyxl.Workbook()
    book.active.title = "town"
    book.active.append(["code", "people"])
    book.active.append(["A", 1])
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def scenarios(chat: Conversation):
    path = f"{chat.session}/scenarios"
    body = {"tag": "one", "dataset_key": "added", "algo_name": "Weigh"}
    body |= {"algo_params": {"factor": 2.0}, "data_params": {"first_id": 3}}
    made = chat.ask("scenario", "POST", path, json=body)
    chat.ask("scenario of unknown data", "POST", path, json=body | {"dataset_key": "nothing"})
    chat.ask("scenario again", "POST", path, json=body)
    chat.ask("run", "POST", f"{path}/{made['id']}/run")
    scenario_manager = chat.manager.get_scenario_manager(chat.manager.start_session_id)
    scenario_manager.wait_for_processing()
    chat.ask("status", "GET", f"{path}/{made['id']}/status")
    chat.ask("scenario that ran", "GET", f"{path}/{made['id']}")
    chat.ask("scenarios", "GET", path)
    chat.ask("processing", "GET", f"{chat.session}/processing")
    chat.ask("delete data in use", "DELETE", f"{chat.session}/data/added")
    other = chat.ask("scenario to reset", "POST", path, json=body | {"tag": "two"})
    chat.client.post(f"{path}/{other['id']}/run")
    scenario_manager.wait_for_processing()
    chat.ask("reset", "POST", f"{path}/{other['id']}/reset")
    chat.ask("delete scenario", "DELETE", f"{path}/{other['id']}")


def sessions(chat: Conversation):
    chat.upload("upload under an odd name", ("items.csv", ITEMS), name="Mixed Case – 1")
    chat.ask("new session", "POST", chat.root, json={"display_name": "second"})
    chat.ask("new session again", "POST", chat.root, json={"display_name": "second"})
    chat.ask("copy", "POST", f"{chat.session}/copy", json={"new_display_name": "copy"})
    chat.ask("copy again", "POST", f"{chat.session}/copy", json={"new_display_name": "copy"})
    chat.ask("copied data", "GET", f"{chat.root}/copy/data")
    chat.ask("a copied dataset", "GET", f"{chat.root}/copy/data/all")
    chat.ask("the original", "GET", f"{chat.session}/data/all")
    chat.ask("rename", "PATCH", f"{chat.root}/second", json={"display_name": "third"})
    if chat.settings:
        chat.start()
        main = chat.manager.resolve_id_by_display_name("main")
        chat.session = f"{chat.root}/{main}"
        chat.ask("copied data after a restart", "GET", f"{chat.root}/copy/data")

    chat.ask("delete a session", "DELETE", f"{chat.root}/copy")
    chat.ask("data of a deleted session", "GET", f"{chat.root}/copy/data")
    chat.ask("data of the other session", "GET", f"{chat.session}/data")
    chat.ask("delete third", "DELETE", f"{chat.root}/third")
    chat.ask("delete the last session", "DELETE", f"{chat.root}/main")
    chat.ask("sessions in the end", "GET", chat.root)
    chat.ask("data in the end", "GET", f"{chat.root}/main/data")
    chat.recording.keep("data tables in the end", data_tables(chat))


def data_tables(chat: Conversation) -> list[str]:
    """Return the names of the tables of datasets, but not of those that all datasets share."""
    engine = chat.manager._db_engine
    if engine is None:
        return []
    import sqlalchemy as sa  # noqa: PLC0415 - only what keeps data in one needs it

    return [name for name in sa.inspect(engine).get_table_names() if name.startswith("ds__")]


def drive(recording: Recording, name: str, settings: dict[str, Any]):
    """Have the conversation on a store."""
    talk(settings, recording)
