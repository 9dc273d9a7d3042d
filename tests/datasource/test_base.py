import datetime as dt
import json

import pytest

from algomancy_data import BaseDataSource, DataClassification
from algomancy_data.errors import ArgumentError, DatasetNameError

MASTER, DERIVED = DataClassification.MASTER_DATA, DataClassification.DERIVED_DATA


class Notes(BaseDataSource):
    """A DataSource that knows only its serial form."""

    def __init__(self, *args, text="", **kwargs):
        super().__init__(*args, **kwargs)
        self.text = text
        self.derived_hook_calls = 0

    def to_json(self):
        return json.dumps({"name": self.name, "text": self.text})

    @classmethod
    def from_json(cls, json_string):
        return cls(MASTER, **json.loads(json_string))

    def _post_derive(self):
        self.derived_hook_calls += 1


def test_master_data_without_a_name_has_the_default_one():
    assert Notes(MASTER).name == "Master Data"


@pytest.mark.parametrize("ds_type", [DERIVED, DataClassification.DUMMY_DATA])
def test_other_data_needs_a_name(ds_type):
    with pytest.raises(DatasetNameError, match="needs a name"):
        Notes(ds_type)
    with pytest.raises(ValueError, match="needs a name"):
        Notes(ds_type)


def test_identity_and_time_are_given_or_made():
    created = dt.datetime(2020, 1, 2)
    given = Notes(MASTER, ds_id="7", creation_datetime=created)
    assert (given.id, given.creation_datetime) == ("7", created)
    made = Notes(MASTER)
    assert made.id != Notes(MASTER).id
    assert isinstance(made.creation_datetime, dt.datetime)


def test_a_time_may_be_text_as_json_has_it_and_is_refused_if_it_is_none():
    given = Notes(MASTER, creation_datetime="2024-01-31 10:30:00")
    assert given.creation_datetime == dt.datetime(2024, 1, 31, 10, 30)
    for wrong in ("2024", 5):
        with pytest.raises(ArgumentError, match="creation_datetime must be a datetime"):
            Notes(MASTER, creation_datetime=wrong)


def test_equality_and_hash_follow_the_identity():
    assert Notes(MASTER, ds_id="7") == Notes(DERIVED, name="other", ds_id="7")
    assert Notes(MASTER) != Notes(MASTER)
    assert Notes(MASTER) != "text"
    assert len({Notes(MASTER, ds_id="7"), Notes(MASTER, ds_id="7")}) == 1


def test_a_derived_copy_goes_through_the_serial_form_and_is_its_own():
    original = Notes(MASTER, name="a", text="kept", creation_datetime=dt.datetime(2020, 1, 2))
    derived = original.derive("b")
    assert (derived.name, derived.text, derived.ds_type) == ("b", "kept", DERIVED)
    assert derived.id != original.id
    assert derived.creation_datetime == original.creation_datetime
    assert (original.name, original.ds_type) == ("a", MASTER)


def test_the_hook_runs_on_the_derived_copy_only():
    original = Notes(MASTER)
    assert original.derive("b").derived_hook_calls == 1
    assert original.derived_hook_calls == 0


def test_data_can_be_declared_master_data():
    source = Notes(DERIVED, name="a")
    assert not source.is_master_data()
    source.set_to_master_data()
    assert source.is_master_data()


def test_there_are_no_parameters_by_default():
    assert type(Notes(MASTER).initialize_data_parameters()).__name__ == "EmptyParameters"
