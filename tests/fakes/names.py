"""A look-up of names that says what it is told to: no name of the world can be looked up in a test."""

from __future__ import annotations

import socket
from typing import Any

import pytest


def answering(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """The system's look-up says these in turn, the last for ever. Gives the names that were asked for."""
    asked: list[str] = []
    left = list(answers)

    def look_up(host: Any, port: Any, *more: Any, **named: Any) -> list[Any]:
        asked.append(str(host))
        numbers = left.pop(0) if len(left) > 1 else left[0]
        if not numbers:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        kinds = [(socket.AF_INET6 if ":" in one else socket.AF_INET) for one in numbers]
        return [(kind, socket.SOCK_STREAM, 6, "", (one, port)) for kind, one in zip(kinds, numbers, strict=True)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked
