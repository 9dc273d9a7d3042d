import pytest

from algomancy_data import PhaseMetrics
from algomancy_data.metrics import PhaseRecorder


class Listener:
    def __init__(self):
        self.heard = []

    def phase_started(self, phase):
        self.heard.append(("started", phase))

    def phase_finished(self, metrics):
        self.heard.append(("finished", metrics.phase, metrics.rows))


def test_a_listener_hears_of_each_phase_as_it_happens():
    listener = Listener()
    recorder = PhaseRecorder(listener)
    with recorder.phase("extract") as phase:
        phase.rows = 3
        assert listener.heard == [("started", "extract")]
    assert listener.heard[1:] == [("finished", "extract", 3)]


def test_a_phase_that_raises_is_not_recorded():
    recorder = PhaseRecorder(Listener())
    with pytest.raises(ZeroDivisionError), recorder.phase("extract"):
        raise ZeroDivisionError
    assert recorder.metrics == ()


@pytest.mark.parametrize(("seconds", "speed"), [(2.0, 5.0), (0.0, 0.0)])
def test_rows_per_second(seconds, speed):
    assert PhaseMetrics("load", seconds, 10).rows_per_second == speed
