"""The logger that every component takes, and its stand-in when there is none."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "Logger",
    "Logging",
    "StandardLogger",
    "as_logger",
]

# Without this, Python prints the warnings of a library whose user configured no logging.
logging.getLogger("algomancy_data").addHandler(logging.NullHandler())


@runtime_checkable
class Logger(Protocol):
    """What the package asks of a logger: the interface of ``algomancy_utils.Logger``."""

    def log(self, message: str) -> None:
        """Record something that happened."""
        ...

    def success(self, message: str) -> None:
        """Record something that went well."""
        ...

    def warning(self, message: str) -> None:
        """Record something to look at."""
        ...

    def error(self, message: str) -> None:
        """Record something that failed."""
        ...

    def log_traceback(self, e: Exception, /) -> None:
        """Record an exception with its traceback."""
        ...


class StandardLogger:
    """The :class:`Logger` interface over a :class:`logging.Logger` of the standard library.

    Args:
        target: Where the records go.

    Example:
        >>> import logging
        >>> StandardLogger(logging.getLogger("algomancy_data")).log("loaded")
    """

    def __init__(self, target: logging.Logger) -> None:
        self._target = target

    def log(self, message: str) -> None:
        """Record at level INFO."""
        self._target.info(message)

    def success(self, message: str) -> None:
        """Record at level INFO, since the standard library has no level for success."""
        self._target.info(message)

    def warning(self, message: str) -> None:
        """Record at level WARNING."""
        self._target.warning(message)

    def error(self, message: str) -> None:
        """Record at level ERROR."""
        self._target.error(message)

    def log_traceback(self, e: Exception, /) -> None:
        """Record at level ERROR with the exception's traceback."""
        self._target.error("%s: %s", type(e).__name__, e, exc_info=e)


class LogLine(NamedTuple):
    """A line of a log.

    Args:
        method: By which of its methods.
        text: What.
    """

    method: str
    text: str


class LogLines(ABC):
    """A logger that keeps lines for another one."""

    @abstractmethod
    def _take(self, line: LogLine) -> None:
        """Keep a line."""

    def log(self, message: str) -> None:
        """Keep something that happened."""
        self._take(LogLine("log", message))

    def success(self, message: str) -> None:
        """Keep something that went well."""
        self._take(LogLine("success", message))

    def warning(self, message: str) -> None:
        """Keep something to look at."""
        self._take(LogLine("warning", message))

    def error(self, message: str) -> None:
        """Keep something that failed."""
        self._take(LogLine("error", message))

    def log_traceback(self, e: Exception, /) -> None:
        """Keep an exception, without its traceback."""
        self._take(LogLine("error", f"{type(e).__name__}: {e}"))


class KeptLog(LogLines):
    """A logger that keeps all lines.

    Example:
        >>> kept = KeptLog()
        >>> kept.warning("look at this")
        >>> kept.lines
        [LogLine(method='warning', text='look at this')]
    """

    def __init__(self) -> None:
        self.lines: list[LogLine] = []

    def _take(self, line: LogLine) -> None:
        self.lines.append(line)


def tell(logger: Logger, lines: Iterable[LogLine]) -> None:
    """Pass lines on to a logger."""
    for line in lines:
        getattr(logger, line.method)(line.text)


class Logging:
    """A component with a logger.

    Attributes:
        logger: As it was given, None included; may be set at any time.
    """

    logger: Logger | logging.Logger | None = None

    @property
    def _logger(self) -> Logger:
        return _STANDARD if self.logger is None else as_logger(self.logger)

    @_logger.setter
    def _logger(self, logger: Logger | logging.Logger | None) -> None:
        self.logger = logger


def as_logger(logger: Logger | logging.Logger | None) -> Logger:
    """Return something with the :class:`Logger` interface.

    Args:
        logger: The framework's logger (returned as it is), a standard library logger (wrapped),
            or None for the standard library's logger ``algomancy_data``.
    """
    if logger is None:
        return _STANDARD
    if isinstance(logger, logging.Logger):
        return StandardLogger(logger)
    return logger


_STANDARD: Final = StandardLogger(logging.getLogger("algomancy_data"))
