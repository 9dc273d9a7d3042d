"""A network between clients and a server that delays, swallows and cuts."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from enum import Enum
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path

_PIECE = 4_096
_LONGEST_DELAY = 0.05


class Weather(Enum):
    """What becomes of what is sent."""

    FAIR = "fair"
    SLOW = "slow"
    """It arrives, each piece a little later."""

    LOST = "lost"
    """Nothing arrives any more, and nobody is told."""

    CUT = "cut"
    """Connections are closed, new ones as soon as they are made."""


class Proxy:
    """A port of this machine that leads to the socket of a server, through the weather.

    Args:
        server: The server's Unix socket.
        seed: Decides how long what is slow takes.

    Attributes:
        port: The port.
    """

    def __init__(self, server: Path, seed: int) -> None:
        self.port = 0
        self._server = server
        self._chance = random.Random(seed)  # noqa: S311  no secrets
        self._weather = Weather.FAIR
        self._ends: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._is_ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        """Open the port."""
        self._thread.start()
        self._is_ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        """Close it, and all connections."""
        self.let(Weather.CUT)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def let(self, weather: Weather) -> None:
        """Change the weather; connections whose data was lost are closed when it is fair again."""
        self._loop.call_soon_threadsafe(self._let, weather)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        self._loop.run_forever()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))

    async def _listen(self) -> None:
        listening = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = listening.sockets[0].getsockname()[1]
        self._is_ready.set()

    def _let(self, weather: Weather) -> None:
        was, self._weather = self._weather, weather
        if weather is Weather.CUT or (was is Weather.LOST and weather is Weather.FAIR):
            for end in self._ends:
                end.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._weather is Weather.CUT:
            writer.transport.abort()
            return
        there, further = await asyncio.open_unix_connection(str(self._server))
        self._ends |= {writer, further}
        try:
            await asyncio.gather(self._carry(reader, further), self._carry(there, writer))
        except asyncio.CancelledError:
            pass  # the run is over, and asyncio would say so
        finally:
            self._ends -= {writer, further}
            for end in (writer, further):
                end.transport.abort()

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while piece := await source.read(_PIECE):
                if self._weather is Weather.LOST:
                    continue
                if self._weather is Weather.SLOW:
                    await asyncio.sleep(self._chance.uniform(0, _LONGEST_DELAY))
                target.write(piece)
                await target.drain()
        if self._weather is not Weather.LOST:
            target.transport.abort()
