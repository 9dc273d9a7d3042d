"""Ctrl-C while the driver is busy: KeyboardInterrupt, and the engine stays usable."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from algomancy_data.database.adbc.interrupts import interruptible

# Says when it starts to wait, and what it can still do after Ctrl-C.
SLEEPER = """
import signal
import sys
import sqlalchemy as sa
import algomancy_data.database

# What a shell starts in the background ignores Ctrl-C otherwise.
signal.signal(signal.SIGINT, signal.default_int_handler)
engine = sa.create_engine(sys.argv[1])
with engine.connect() as connection:
    try:
        print("ready", flush=True)
        while True:  # however late Ctrl-C comes
            connection.execute(sa.text(sys.argv[2])).all()
    except KeyboardInterrupt:
        print("interrupted", flush=True)
with engine.connect() as connection:
    print(connection.scalar(sa.text("SELECT 6 * 7")), flush=True)
engine.dispose()
"""
SLEEPS = {
    "postgresql": "SELECT pg_sleep(60)",
    # This driver cannot cancel: it goes on to the end, which takes some tenths of a second.
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)"
    " SELECT count(*) FROM n",
}


def test_ctrl_c_ends_a_statement(url):
    sleeper = subprocess.Popen(
        [
            *(sys.executable, "-c", SLEEPER, url.render_as_string(hide_password=False)),
            SLEEPS[url.get_backend_name()],
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    with sleeper:
        assert sleeper.stdout.readline() == "ready\n"
        timer = threading.Timer(0.1, sleeper.send_signal, [signal.SIGINT])
        timer.start()
        said, _ = sleeper.communicate(timeout=50)
        timer.join()
    assert said == "interrupted\n42\n"
    assert sleeper.returncode == 0


@pytest.fixture
def ctrl_c():
    """Python's own way with Ctrl-C, which the processes of pytest-xdist switch off."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press_ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.usefixtures("ctrl_c")
def test_an_interrupted_call_is_asked_to_end_and_waited_for():
    asked, ended = threading.Event(), []

    def call():
        press_ctrl_c()
        assert asked.wait(10)
        ended.append(True)

    with pytest.raises(KeyboardInterrupt):
        interruptible(call, asked.set)
    assert ended


@pytest.mark.usefixtures("ctrl_c")
def test_an_impatient_user_waits_for_what_cannot_be_cancelled():
    begun, pressed = threading.Event(), []

    def refuse():
        begun.set()
        raise NotImplementedError

    def call():
        press_ctrl_c()
        assert begun.wait(10)
        for _ in range(3):
            press_ctrl_c()
            pressed.append(True)

    with pytest.raises(KeyboardInterrupt):
        interruptible(call, refuse)
    assert len(pressed) == 3


def test_an_error_of_the_call_is_raised():
    def call():
        raise LookupError("nothing there")

    with pytest.raises(LookupError, match="nothing there"):
        interruptible(call, cancel=lambda: None)


def test_another_thread_makes_its_calls_itself():
    found = []
    thread = threading.Thread(
        target=lambda: found.append(interruptible(threading.get_ident, cancel=lambda: None))
    )
    thread.start()
    thread.join()
    assert found == [thread.ident]


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_forked_process_makes_calls_too():
    assert interruptible(os.getpid, cancel=lambda: None) == os.getpid()
    child = os.fork()
    if child == 0:  # nothing of pytest's may run in here
        signal.alarm(10)
        os._exit(0 if interruptible(lambda: 42, cancel=lambda: None) == 42 else 1)
    assert os.waitpid(child, 0)[1] == 0


_HAMMER = """
import signal
import sys
import time
from algomancy_data.database.adbc.interrupts import interruptible

signal.signal(signal.SIGALRM, signal.default_int_handler)
made = []
def call():
    time.sleep(0.0005)
    made.append(True)

interruptible(call, cancel=lambda: None)
for number in range(int(sys.argv[1])):
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, 1e-5 + number % 120 / 1e5)
            interruptible(call, cancel=lambda: None)
            time.sleep(1)
        except KeyboardInterrupt:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        pass
    before = len(made)
    interruptible(call, cancel=lambda: None)
    assert len(made) == before + 1
print("usable")
"""


@pytest.mark.parametrize("rounds", [240, pytest.param(5_000, marks=pytest.mark.long)])
def test_whenever_ctrl_c_comes_the_next_call_is_made(rounds):
    command = [sys.executable, "-c", _HAMMER, str(rounds)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.stderr) == ("usable\n", "")


def test_a_call_that_failed_is_not_cancelled():
    cancelled = []
    with pytest.raises(ZeroDivisionError):
        interruptible(lambda: 1 / 0, cancel=lambda: cancelled.append("asked"))
    assert cancelled == []
