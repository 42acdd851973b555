"""A service on loopback, in the loop's own time, that speaks the little of the first provider's API that following
needs: whose key, one job's state, the list. It goes away in several ways, and counts what it is asked meanwhile."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from enum import StrEnum

from klingstudio.providers import oxen
from tests.fakes.wire import Asked, Wire, reply, reset


class Away(StrEnum):
    """How a service is out of reach."""

    BUSY = "503"
    ASKS_TO_WAIT = "429"
    RESETS = "reset"
    HANGS = "hang"
    PORTAL = "portal"


@dataclass(slots=True)
class Arrival:
    """One request."""

    at_s: float
    path: str
    in_flight: int
    """With it."""


@dataclass(slots=True)
class Service:
    """`away`: None while it answers."""

    loop: asyncio.AbstractEventLoop
    away: Away | None = None
    is_done: bool = False
    """Every job has ended well."""
    retry_after: str = "30"
    takes_s: float = 0.0
    """How long each answer takes."""
    arrivals: list[Arrival] = field(default_factory=list)
    listed: list[dict[str, str]] = field(default_factory=list)
    """Rows of the list of jobs."""
    _in_flight: int = 0
    wire: Wire = field(init=False)

    def __post_init__(self) -> None:
        self.wire = Wire(self._answer)

    @property
    def environ(self) -> dict[str, str]:
        """Where the program finds it."""
        return {str(oxen.INFO.url_variable): self.wire.url, str(oxen.INFO.key_variable): "canary-5ecret-key"}

    async def _answer(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        self._in_flight += 1
        self.arrivals.append(Arrival(self.loop.time(), asked.path, self._in_flight))
        try:
            if self.takes_s:
                await asyncio.sleep(self.takes_s)
            match self.away:
                case None:
                    status, body = self._known(asked.path)
                    await reply(status, json.dumps(body).encode())(asked, writer)
                case Away.BUSY:
                    await reply(503, b"<html>busy</html>")(asked, writer)
                case Away.ASKS_TO_WAIT:
                    await reply(429, b"{}", Retry_After=self.retry_after)(asked, writer)
                case Away.RESETS:
                    await reset(asked, writer)
                case Away.PORTAL:
                    await reply(200, b"<html>Welcome to our hotel</html>")(asked, writer)
                case Away.HANGS:
                    await asyncio.sleep(3600)
        finally:
            self._in_flight -= 1

    def _known(self, path: str) -> tuple[int, object]:
        match path.split("?", maxsplit=1)[0].strip("/").split("/"):
            case ["api", "authorize"]:
                return 200, {"user": {"username": "ada", "name": "Ada", "email": "ada@example.org"}}
            case ["api", "ai", "queue"]:
                return 200, {"generations": []}
            case ["api", "ai", "generations"]:
                return 200, {"generations": self.listed}
            case ["api", "ai", "queue", remote_id] if self.is_done:
                url = f"{self.wire.url}/results/{remote_id}.mp4"
                return 200, {"generation_id": remote_id, "status": "succeeded", "result_url": url}
            case ["api", "ai", "queue", remote_id]:
                return 200, {"generation_id": remote_id, "status": "processing"}
            case ["api", "ai", "generations", _]:
                return 200, {"generation": {"cost": "0.50"}}
            case _:
                return 404, {"error": "no such place"}
