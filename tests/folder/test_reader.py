from __future__ import annotations

import json

import pytest

from algomancy_data import DataSource
from algomancy_data.errors import DamagedStoreError
from algomancy_data.folder.reader import PRIVATE, FolderReader

pytestmark = pytest.mark.filterwarnings("ignore:StatefulDataManager:DeprecationWarning")


class Noted(DataSource):
    """Has a text of its own beside its tables."""

    def to_json(self):
        return json.dumps({"rest": super().to_json()})

    @classmethod
    def from_json(cls, json_string):
        return super().from_json(json.loads(json_string)["rest"])


@pytest.mark.parametrize("cls", [DataSource, Noted])
def test_a_file_that_is_gone_is_no_damage_since_the_dataset_may_have_been_replaced(
    open_manager, folder, cls
):
    source = cls("master_data", name="d")
    source.add_table("t", {"x": [1]})
    open_manager(cls).add_data_source(source)
    reader = FolderReader(folder)
    found = reader.read_quietly(folder / "d.json")
    assert found is not None
    for path in (folder / PRIVATE / found.manifest.directory).iterdir():
        content = path.read_bytes()
        path.write_bytes(b"")
        with pytest.raises(DamagedStoreError, match=f"'d'.*{path.name}' is damaged"):
            reader.load(found.manifest)
        path.unlink()
        with pytest.raises(FileNotFoundError):
            reader.load(found.manifest)
        path.write_bytes(content)
    reader.load(found.manifest)
