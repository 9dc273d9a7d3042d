"""Writers of a SQLite file take turns, whatever becomes of those before them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from algomancy_data.database.sqlite.writer_queue import Turn

_LOCKS = Path("/proc/locks")
_HOLDER = """
import fcntl, sys
log = open(sys.argv[1], "rb+")
fcntl.flock(log, fcntl.LOCK_EX)
print("has it", flush=True)
sys.stdin.read()
"""

pytestmark = pytest.mark.skipif(not _LOCKS.exists(), reason="only Linux says who waits for a lock")


@pytest.fixture
def log(path):
    return Path(f"{path}-wal")


def _write(engine, value):
    with engine.execution_options(isolation_level="IMMEDIATE").begin() as connection:
        connection.exec_driver_sql(f"INSERT INTO t VALUES ({value})")


def _values(engine):
    with engine.connect() as connection:
        return list(connection.exec_driver_sql("SELECT x FROM t").scalars())


def _waiting(log):
    """Return how many wait for a turn, as the system says."""
    inode = f":{log.stat().st_ino} "
    return sum("-> FLOCK" in line and inode in line for line in _LOCKS.read_text().splitlines())


def _until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_writers_come_in_the_order_in_which_they_asked(engine, log):
    first = Turn.taken(str(log), 0)
    writers = [threading.Thread(target=_write, args=(engine, number)) for number in range(4)]
    for number, writer in enumerate(writers):
        writer.start()
        _until(lambda number=number: _waiting(log) == number + 1)
    first.end()
    for writer in writers:
        writer.join()
    assert _values(engine) == [0, 1, 2, 3]


def test_the_turn_of_a_process_that_is_killed_is_the_next_ones(engine, log):
    command = [sys.executable, "-c", _HOLDER, log]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"has it\n"
        writer = threading.Thread(target=_write, args=(engine, 1))
        writer.start()
        _until(lambda: _waiting(log) == 1)
        holder.kill()
        writer.join()
    assert _values(engine) == [1]


def test_a_turn_that_comes_too_late_is_nobodys(log, engine):
    first = Turn.taken(str(log), 0)
    assert Turn.taken(str(log), 0.01) is None
    assert _waiting(log) == 1
    first.end()
    _write(engine, 1)
    assert _values(engine) == [1]


def test_whoever_has_waited_in_vain_writes_if_the_file_is_not_locked(path, log, engine):
    impatient = sa.create_engine(f"sqlite+adbc:///{path}?busy_timeout=0.2")
    with impatient.connect():
        first = Turn.taken(str(log), 0)
    _write(impatient, 1)
    first.end()
    writing = engine.execution_options(isolation_level="IMMEDIATE")
    with writing.begin(), pytest.raises(exc.OperationalError, match="database is locked"):
        _write(impatient, 2)
    with impatient.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 200
    impatient.dispose()
    assert _values(engine) == [1]


@pytest.mark.parametrize("end", ["commit", "rollback", "invalidate", "close"])
def test_a_turn_ends_with_the_transaction(engine, log, end):
    writing = engine.execution_options(isolation_level="IMMEDIATE")
    with engine.connect(), writing.connect() as connection:
        connection.exec_driver_sql("INSERT INTO t VALUES (1)")
        assert Turn.taken(str(log), 0) is None
        getattr(connection, end)()
        turn = Turn.taken(str(log), 60)
    turn.end()
    assert _values(engine) == ([1] if end == "commit" else [])


def test_a_transaction_that_does_not_begin_has_no_turn(path, log, engine):
    hasty = sa.create_engine(f"sqlite+adbc:///{path}?busy_timeout=0")
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO t VALUES (1)")  # asks for no turn
        with pytest.raises(exc.OperationalError, match="database is locked"):
            _write(hasty, 2)
        turn = Turn.taken(str(log), 0)
    turn.end()
    hasty.dispose()


def test_a_turn_that_nobody_has_any_more_ends(engine, log):
    assert Turn.taken(str(log), 0) is not None
    turn = Turn.taken(str(log), 0)
    assert turn is not None
    turn.end()


def test_ctrl_c_ends_the_wait_for_a_turn(engine, log):
    first = Turn.taken(str(log), 0)
    main = threading.main_thread().ident

    def interrupt():
        _until(lambda: _waiting(log) == 1)
        signal.pthread_kill(main, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        _write(engine, 1)
    thread.join()
    first.end()
    _write(engine, 2)
    assert _values(engine) == [2]


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_keeps_no_turn_of_its_parent(engine, log):
    first = Turn.taken(str(log), 0)
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(writer)
        first.end()
        os.read(reader, 1)
        os._exit(0)
    os.close(reader)
    assert Turn.taken(str(log), 0) is None
    first.end()
    turn = Turn.taken(str(log), 60)
    turn.end()
    os.close(writer)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    _write(engine, 1)
