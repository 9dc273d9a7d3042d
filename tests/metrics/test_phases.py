"""What a phase measures, and what its metrics become."""

from __future__ import annotations

import time
import weakref

import polars as pl
import pytest

from algomancy_data import (
    Column,
    DataSource,
    DataType,
    FileExtension,
    Schema,
    SchemaType,
    SimpleETLFactory,
)
from algomancy_data.database import DatabaseDataManager
from algomancy_data.metrics import FrameSizes, PhaseRecorder, measuring


class People(Schema):
    _FILENAME, _EXTENSION, _SCHEMA_TYPE = "people", FileExtension.CSV, SchemaType.SINGLE
    ID = Column("id", DataType.INTEGER, primary_key=True)
    NAME = Column("name", DataType.STRING)


def test_a_listener_hears_of_each_phase_as_it_happens(listener):
    recorder = PhaseRecorder(listener)
    with recorder.phase("extract") as phase:
        phase.rows = 3
        assert listener.heard == [("started", "extract")]
    assert listener.heard[1:] == [("finished", "extract", 3)]


def test_a_phase_that_raises_is_not_recorded(listener):
    recorder = PhaseRecorder(listener)
    with pytest.raises(ZeroDivisionError), recorder.phase("extract"):
        raise ZeroDivisionError
    assert recorder.metrics == ()


def test_wall_and_cpu_time_are_told_apart():
    recorder = PhaseRecorder()
    with recorder.phase("sleep"):
        time.sleep(0.05)
    with recorder.phase("work"):
        end = time.process_time() + 0.05
        while time.process_time() < end:
            pass
    sleep, work = recorder.metrics
    assert sleep.seconds >= 0.05 > sleep.cpu_seconds
    assert work.cpu_seconds >= 0.05
    assert recorder.metrics.seconds == sleep.seconds + work.seconds
    assert recorder.metrics.cpu_seconds == sleep.cpu_seconds + work.cpu_seconds


def test_a_phase_inside_another_one_is_measured_and_not_told(listener):
    outer, inner = PhaseRecorder(listener), PhaseRecorder(listener)
    with outer.phase("startup"), inner.phase("extract") as phase:
        phase.advance(5)
    assert listener.heard == [("started", "startup"), ("finished", "startup", 0)]
    assert [one.rows for one in inner.metrics] == [5]


def test_nothing_is_kept_where_nobody_wants_to_know():
    with measuring("persist") as phase, measuring("read") as other:
        phase.advance(3)
        assert phase is other
    assert phase.done_rows == 0


@pytest.fixture
def measured(monkeypatch):
    """Collect the frames whose memory is looked at."""
    frames = []
    estimate = pl.DataFrame.estimated_size

    def estimated_size(frame):
        frames.append(frame)
        return estimate(frame)

    monkeypatch.setattr(pl.DataFrame, "estimated_size", estimated_size)
    return frames


def test_no_frame_is_measured_twice_from_its_file_to_the_database(measured, tmp_path):
    manager = DatabaseDataManager(
        SimpleETLFactory,
        [People],
        f"sqlite:///{tmp_path}/x.db",
        "s",
        DataSource,
        datasource_cache_bytes=10**6,
    )
    manager.startup()
    path = tmp_path / "people.csv"
    path.write_text("id;name\n1;Ann\n2;Bob\n")
    result = manager.etl_data(manager.prepare_files([], [("people", str(path))]), "d")
    assert result.is_success
    assert len({id(frame) for frame in measured}) == len(measured) > 0
    (table,) = result.datasource.tables.values()
    assert manager.describe("d").bytes == table.estimated_size()
    manager.close()


def test_what_measures_frames_keeps_none_of_them(measured):
    sizes = FrameSizes()
    frame = pl.DataFrame({"x": [1, 2]})
    assert sizes.of(frame) == 16
    assert len(measured) == 1
    measured.clear()
    gone = weakref.ref(frame)
    del frame
    assert gone() is None


def test_a_frame_that_was_changed_is_measured_again():
    sizes = FrameSizes()
    frame = pl.DataFrame({"x": [1, 2]})
    before = sizes.of(frame)
    frame.insert_column(1, pl.Series("y", [1, 2]))
    assert sizes.of(frame) == 2 * before
