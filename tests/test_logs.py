import logging
import subprocess
import sys

from algomancy_data.logs import Logger, StandardLogger, as_logger


class Framework:
    """The interface of the framework's logger."""

    def __init__(self):
        self.lines = []

    def log(self, message):
        self.lines.append(message)

    success = warning = error = log

    def log_traceback(self, e):
        self.lines.append(repr(e))


def test_a_framework_logger_is_used_as_it_is():
    logger = Framework()
    assert as_logger(logger) is logger
    assert isinstance(logger, Logger)


def test_a_standard_logger_gets_everything_at_its_level(caplog):
    logger = as_logger(logging.getLogger("mine"))
    assert isinstance(logger, StandardLogger)
    with caplog.at_level(logging.INFO, "mine"):
        logger.log("a")
        logger.success("b")
        logger.warning("c")
        logger.error("d")
        logger.log_traceback(ValueError("e"))
    found = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert found == [
        ("INFO", "a"),
        ("INFO", "b"),
        ("WARNING", "c"),
        ("ERROR", "d"),
        ("ERROR", "ValueError: e"),
    ]


def test_without_a_logger_the_standard_one_is_used_and_prints_nothing():
    program = "from algomancy_data.logs import as_logger; as_logger(None).error('x')"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout + done.stderr == ""
