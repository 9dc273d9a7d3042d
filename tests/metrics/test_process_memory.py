"""The memory of a process: its peak, what is its own, and what is mapped from files."""

import mmap
import sys
import threading
import time
from pathlib import Path

import pytest

from algomancy_data.frames.scratch import ScratchFile
from algomancy_data.metrics import PhaseRecorder, peak_memory, process_memory, recording
from algomancy_data.metrics.process_memory import MemoryWatch, resident_memory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

SIZE = 64 << 20


def looked_at() -> None:
    """Wait until the memory was looked at."""
    time.sleep(0.1)


def test_memory_that_is_gone_at_the_end_of_a_block_counts_if_somebody_wants_to_know():
    with MemoryWatch() as before:
        looked_at()
    with (
        MemoryWatch() as watch,
        # Pages from the system itself: an allocator may keep those that it was given back.
        mmap.mmap(-1, SIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as pages,
    ):
        pages[:: mmap.PAGESIZE] = bytes(SIZE // mmap.PAGESIZE)
        looked_at()
    assert resident_memory().anonymous < before.most.anonymous + SIZE // 2
    assert watch.most.anonymous > before.most.anonymous + SIZE // 2
    assert watch.most.mapped < before.most.mapped + SIZE // 2


def test_pages_of_a_mapped_file_are_not_anonymous():
    with ScratchFile() as file:
        file.write(bytes(SIZE))
        before = resident_memory()
        pages = file.mapped()
        assert sum(pages[:: 1 << 12]) == 0
        mapped = resident_memory()
    assert mapped.mapped > before.mapped + SIZE // 2
    assert mapped.anonymous < before.anonymous + SIZE // 2


def test_phases_tell_it_and_leave_no_thread():
    threads = threading.active_count()
    recorder = PhaseRecorder()
    with recorder.phase("extract"):
        assert threading.active_count() == threads
    with recording() as record, recorder.phase("read"):
        assert threading.active_count() == threads + 1
    assert threading.active_count() == threads
    with pytest.raises(ZeroDivisionError), recording(), recorder.phase("read"):
        raise ZeroDivisionError
    assert threading.active_count() == threads
    assert all(one.anonymous_memory > one.mapped_memory // 100 for one in recorder.metrics)
    assert record.metrics.anonymous_memory == recorder.metrics[1].anonymous_memory


def test_the_peak_is_what_the_kernel_says():
    status = Path("/proc/self/status").read_text(encoding="ascii")
    kibibytes = int(status.partition("VmHWM:")[2].split()[0])
    assert peak_memory() == pytest.approx(kibibytes * 1024, rel=0.02)


@pytest.mark.parametrize("has_rusage", [True, False])
def test_the_peak_where_the_system_has_no_proc(monkeypatch, tmp_path, has_rusage):
    monkeypatch.setattr(process_memory, "_STATUS", tmp_path / "missing")
    if not has_rusage:
        monkeypatch.setattr(process_memory, "resource", None)
    process_memory._inherited.cache_clear()
    peak = peak_memory()
    process_memory._inherited.cache_clear()
    assert (peak is not None) == has_rusage
