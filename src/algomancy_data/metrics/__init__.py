"""What a run measures about itself, and reports while it happens."""

from algomancy_data.metrics.measurements import Metrics, PhaseMetrics
from algomancy_data.metrics.phases import (
    NO_PHASE,
    FrameSizes,
    Phase,
    PhaseRecorder,
    ProgressListener,
    Recording,
    RowProgressListener,
    measuring,
    recording,
)
from algomancy_data.metrics.process_memory import peak_memory

__all__ = [
    "NO_PHASE",
    "FrameSizes",
    "Metrics",
    "Phase",
    "PhaseMetrics",
    "PhaseRecorder",
    "ProgressListener",
    "Recording",
    "RowProgressListener",
    "measuring",
    "peak_memory",
    "recording",
]
