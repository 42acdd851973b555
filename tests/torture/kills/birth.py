"""What a life is told when it begins, and the lines in which life and parent speak to each other."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Birth:
    """One life of the engine."""

    home: str
    environ: Mapping[str, str] = field(default_factory=dict)
    """Addresses and keys of the services."""
    seed: int = 0
    point: str = ""
    """Where it kills itself; empty: nowhere."""
    nth: int = 1
    """At which passing of the point."""
    plant: str = ""
    """`package.module:function`, called before anything else: a defect on purpose."""
    is_window: bool = False
    """The whole program with its window, instead of the engine alone."""

    def line(self) -> bytes:
        """For the way through a pipe."""
        return line_of(asdict(self))

    @classmethod
    def of(cls, line: bytes) -> Birth:
        """What `line` wrote."""
        return cls(**json.loads(line))


def line_of(message: Mapping[str, Any]) -> bytes:
    """One message, with its end."""
    return json.dumps(message, default=str).encode() + b"\n"


class Said:
    """Messages of the other side, as they come in piece by piece."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> list[dict[str, Any]]:
        """The messages that are whole now. A torn last one is what a kill leaves."""
        *whole, self._rest = (self._rest + piece).split(b"\n")
        return [json.loads(line) for line in whole]


class Mouth:
    """Says messages into a pipe. What was said is out of the process, so that a kill cannot take it back."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe

    def say(self, **message: Any) -> None:
        """One message."""
        left = line_of(message)
        while left:
            left = left[os.write(self._pipe, left) :]
