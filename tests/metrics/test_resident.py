"""What of the memory of a process is its own, and what is mapped from files."""

import mmap
import sys
import threading
import time

import pytest

from algomancy_data.frames.scratch import ScratchFile
from algomancy_data.metrics import PhaseRecorder, recording
from algomancy_data.metrics.resident import ResidentMemory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

SIZE = 64 << 20


def looked_at() -> None:
    """Wait until the memory was looked at."""
    time.sleep(0.1)


def test_memory_that_is_gone_at_the_end_of_a_block_counts_if_somebody_wants_to_know():
    with ResidentMemory(often=True) as before:
        looked_at()
    with (
        ResidentMemory(often=True) as often,
        ResidentMemory() as once,
        # Pages from the system itself: an allocator may keep those that it was given back.
        mmap.mmap(-1, SIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as pages,
    ):
        pages[:: mmap.PAGESIZE] = bytes(SIZE // mmap.PAGESIZE)
        looked_at()
    assert once.anonymous < before.anonymous + SIZE // 2
    assert often.anonymous > before.anonymous + SIZE // 2
    assert often.mapped < before.mapped + SIZE // 2


def test_pages_of_a_mapped_file_are_not_anonymous():
    with ResidentMemory() as before, ScratchFile() as file:
        file.write(bytes(SIZE))
    with ResidentMemory() as memory, ScratchFile() as file:
        file.write(bytes(SIZE))
        pages = file.mapped()
        assert sum(pages[:: 1 << 12]) == 0
        with ResidentMemory() as mapped:
            pass
    assert mapped.mapped > before.mapped + SIZE // 2
    assert mapped.anonymous < before.anonymous + SIZE // 2
    assert memory.mapped is not None


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
