"""A dataset to keep, executors, and a real Chromium, driven over its debugging pipe."""

from __future__ import annotations

import base64
import importlib
import json
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import Executor, Future
from pathlib import Path

import cloudpickle
import polars as pl
import pytest

from algomancy_data import DataSource

try:
    import fcntl
except ImportError:  # Windows, where nobody starts a browser for these tests
    fcntl = None

_NAMES = ("chromium-headless-shell", "chrome-headless-shell", "chromium", "google-chrome")
_PACKAGE = "chromium-headless-shell"
_HELP = (
    "These tests need Chromium. Install it (Debian: apt-get install {package}), or say where it "
    "is in the environment variable CHROMIUM. {reason}"
)
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
# The browser reads from descriptor 3 and writes to 4, wherever our pipes are.
_LAUNCHER = """
import os, sys
commands, answers, *browser = sys.argv[1:]
os.dup2(int(commands), 3)
os.dup2(int(answers), 4)
os.execv(browser[0], browser)
"""
_PATIENCE = 30.0


class Elsewhere(Executor):
    """Does all that it is given at once, on copies as another process would have them."""

    def __init__(self):
        self.calls = 0

    def submit(self, do, /, *given, **named):
        self.calls += 1
        future = Future()
        do, given, named = cloudpickle.loads(cloudpickle.dumps((do, given, named)))
        future.set_result(cloudpickle.loads(cloudpickle.dumps(do(*given, **named))))
        return future


@pytest.fixture(scope="session")
def elsewhere():
    """An executor that does all as another process would."""
    return Elsewhere()


@pytest.fixture
def workers_import(monkeypatch):
    """Import a module of a folder as workers will, by its name; it is gone after the test."""
    imported = []

    def run(folder, name):
        monkeypatch.syspath_prepend(folder)
        monkeypatch.setenv("PYTHONPATH", str(folder))
        imported.append(name)
        return importlib.import_module(name)

    yield run
    for name in imported:
        del sys.modules[name]


class Chromium:
    """A running browser. Commands are those of the Chrome DevTools Protocol."""

    def __init__(self, binary, home):
        self.events = []
        self._buffer = b""
        self._last = 0
        commands, self._to_browser = os.pipe()
        self._from_browser, answers = os.pipe()
        given = [fcntl.fcntl(pipe, fcntl.F_DUPFD, 10) for pipe in (commands, answers)]
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-c", _LAUNCHER, *map(str, given)),
                *(binary, *_FLAGS, f"--user-data-dir={home}", "about:blank"),
            ],
            pass_fds=given,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for pipe in (commands, answers, *given):
            os.close(pipe)

    def open(self, page, width, *, scheme="light"):
        """Open a file, or an address, in a window of that width and return the tab."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        url = page if isinstance(page, str) else page.as_uri()
        return Tab(self, attached["sessionId"], url, width, scheme)

    def send(self, method, session=None, **params):
        """Send a command and return its result."""
        self._last += 1
        command = {"id": self._last, "method": method, "params": params}
        if session is not None:
            command["sessionId"] = session
        os.write(self._to_browser, json.dumps(command).encode() + b"\0")
        while True:
            message = self.receive()
            if message.get("id") == self._last:
                assert "error" not in message, (method, message["error"])
                return message["result"]

    def receive(self):
        """Return the next answer or event; events are kept as well."""
        deadline = time.monotonic() + _PATIENCE
        while b"\0" not in self._buffer:
            ready, *_ = select.select([self._from_browser], [], [], deadline - time.monotonic())
            assert ready, "Chromium does not answer"
            chunk = os.read(self._from_browser, 1 << 20)
            assert chunk, f"Chromium ended with {self._process.wait(_PATIENCE)}"
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\0")
        message = json.loads(line)
        if "method" in message:
            self.events.append(message)
        return message

    def close(self):
        """End the browser."""
        os.close(self._to_browser)
        os.close(self._from_browser)
        self._process.terminate()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Tab:
    """An open page."""

    def __init__(self, browser, session, url, width, scheme):
        self._browser = browser
        self._session = session
        self._url = url
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        size = {"width": width, "height": 900, "deviceScaleFactor": 1}
        self.send("Emulation.setDeviceMetricsOverride", mobile=width < 600, **size)
        preference = {"name": "prefers-color-scheme", "value": scheme}
        self.send("Emulation.setEmulatedMedia", features=[preference])
        self.send("Page.navigate", url=self._url)
        while not self._seen("Page.loadEventFired"):
            browser.receive()

    def send(self, method, **params):
        """Send a command to the page."""
        return self._browser.send(method, self._session, **params)

    def run(self, script):
        """Return the value of a JavaScript expression."""
        done = self.send("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")  # a statement has none

    @property
    def complaints(self):
        """What the page wrote to the console, and what the browser says against it."""
        kinds = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
        return [event["params"] for kind in kinds for event in self._seen(kind)]

    @property
    def requests(self):
        """What was asked for besides the page itself and the data in it."""
        asked = [e["params"]["request"]["url"] for e in self._seen("Network.requestWillBeSent")]
        return [url for url in asked if url != self._url and not url.startswith("data:")]

    @property
    def overflow(self):
        """By how many pixels the page is wider than the window."""
        self.run("scrollTo(1e6, 0)")
        return self.run("scrollX")

    def picture(self, path):
        """Write the whole page to a PNG file."""
        shot = self.send("Page.captureScreenshot", captureBeyondViewport=True)
        Path(path).write_bytes(base64.b64decode(shot["data"]))

    def _seen(self, method):
        return [
            event
            for event in self._browser.events
            if event["method"] == method and event.get("sessionId") == self._session
        ]


@pytest.fixture
def source():
    """Make a DataSource of whatever tables."""

    def source(name="d", ds_type="master_data", **tables):
        made = DataSource(ds_type, name=name)
        made.tables = tables or {"t": pl.DataFrame({"x": [1, 2, 3], "s": ["a", None, "b"]})}
        return made

    return source


@pytest.fixture(scope="session")
def watched():
    """Run a program until it prints a line; return that, and its most anonymous memory until then.

    The program is watched from outside: its mapped files do not count, which are no load.
    """

    def watched(program, *arguments, scratch):
        child = subprocess.Popen(
            [sys.executable, "-c", program, *map(str, arguments)],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"ALGOMANCY_SCRATCH": str(scratch)},
        )
        status = Path(f"/proc/{child.pid}/status")
        os.set_blocking(child.stdout.fileno(), False)
        most = 0
        while not (said := child.stdout.readline()):
            assert child.poll() is None
            found = re.search(r"RssAnon:\s+(\d+)", status.read_text())
            most = max(most, int(found[1]) * 1024 if found else 0)
            time.sleep(0.005)
        child.stdout.close()
        assert child.wait(_PATIENCE) == 0
        return said.split(), most

    return watched


@pytest.fixture
def dask_cluster(tmp_path):
    """A client of a Dask scheduler, and the pids of its two workers, which a nanny starts again."""
    file = tmp_path / "scheduler.json"
    common = ("--scheduler-file", str(file), "--no-dashboard")
    errors = (tmp_path / "dask").open("w")
    command = (sys.executable, "-m", "dask")

    def start(*arguments):
        return subprocess.Popen([*command, *arguments], stdout=errors, stderr=errors)

    scheduler = start("scheduler", *common, "--host", "127.0.0.1", "--port", "0")
    workers = [
        start("worker", *common, "--nthreads", "1", "--local-directory", str(tmp_path))
        for _ in range(2)
    ]
    deadline = time.monotonic() + 60
    while not file.exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    import distributed  # noqa: PLC0415  slow

    with distributed.Client(scheduler_file=str(file), set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
        yield client, [worker.pid for worker in workers]
    for process in (*workers, scheduler):
        process.terminate()
    for process in (*workers, scheduler):
        process.wait(30)
    errors.close()


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """A Chromium; where there is none it is installed, or the tests fail."""
    chromium = Chromium(_find(), tmp_path_factory.mktemp("chromium"))
    yield chromium
    chromium.close()


def _find():
    with Path(tempfile.gettempdir(), "install-chromium.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several test processes, one installation
        if (found := _installed()) is not None:
            return found
        if "CHROMIUM" in os.environ:
            reason = f"There is none at {os.environ['CHROMIUM']!r}."
        elif os.geteuid() == 0 and shutil.which("apt-get"):
            reason = _install()
        else:
            reason = "It can be installed for you only by root, with apt-get."
    if (found := _installed()) is not None:
        return found
    pytest.fail(_HELP.format(package=_PACKAGE, reason=reason), pytrace=False)


def _installed():
    names = [os.environ["CHROMIUM"]] if "CHROMIUM" in os.environ else _NAMES
    return next((path for path in map(shutil.which, names) if path is not None), None)


def _install():
    """Install the browser into the system, and return what was said."""
    said = ""
    for command in (["update"], ["install", "-y", "--no-install-recommends", _PACKAGE]):
        done = subprocess.run(
            ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", *command],
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        said = f"apt-get said: {done.stdout[-500:]}{done.stderr[-500:]}"
    return said
