"""Uploads over a line that breaks: at any byte, on the way there or back, for each way in which a file is sent."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch
from urllib.request import ProxyHandler, build_opener

from klingstudio.domain.errors import StudioError
from klingstudio.providers import fal_storage
from klingstudio.providers.registry import SERVICES, Entry
from tests.fakes.sandbox import Sandbox
from tests.fakes.services import an_adapter, key_of
from tests.fakes.toxic import BadLine, LimitData, ResetPeer, Toxic, Way

FILE_BYTES = 320_000
PART_BYTES = 16_000


@dataclass(frozen=True, slots=True)
class How:
    """One way of sending a file."""

    name: str
    provider: str
    resumes: bool = False
    """What has arrived is not sent again."""
    faults: tuple[dict[str, object], ...] = ()
    sizes: dict[str, Any] = field(default_factory=dict)

    @property
    def entry(self) -> Entry:
        return next(entry for entry in SERVICES if entry.info.id == self.provider)


WAYS = (
    How("form", "oxen"),
    How("base64", "segmind"),
    How("whole", "fal"),
    How("parts", "fal", resumes=True, sizes={"WHOLE_MAX_BYTES": PART_BYTES, "PART_BYTES": PART_BYTES}),
    # The storage hands out a signed address where its CDN is out of order.
    How("signed", "fal", faults=({"call": "upload", "kind": "status", "code": 503, "times": 0},)),
)


@dataclass(slots=True)
class Tally:
    """What came of the uploads of one way."""

    cuts: int = 0
    right: int = 0
    most_extra: float = 0.0
    """The most that was sent beside one copy, as a share of what an undisturbed upload sends."""
    wrong: list[str] = field(default_factory=list)


async def cut_uploads(how: How, sandbox: Sandbox, file: Path, *, cuts: int, seed: int) -> Tally:
    """So many uploads, each over a line that breaks once."""
    random = Random(f"{how.name} {seed}")
    file.write_bytes(b"\0\0\0\x18ftypisom" + random.randbytes(FILE_BYTES))
    tally = Tally()
    with _sizes(how):
        sandbox.faults(how.faults)
        undisturbed = await _upload(how, sandbox, file, ())
        assert isinstance(undisturbed, dict), f"{how.name}: {undisturbed}"
        for number in range(cuts):
            way = Way.DOWN if number % 5 == 4 else Way.UP
            at = random.randrange(1, undisturbed[way])
            toxic: Toxic = LimitData(at) if number % 2 else ResetPeer(at)
            place = f"{how.name}, {toxic} {way}, seed {seed}"
            tally.cuts += 1
            sandbox.faults(how.faults)
            sent = await _upload(how, sandbox, file, ((way, toxic),))
            if isinstance(sent, str):
                tally.wrong.append(f"{place}: {sent}")
                continue
            tally.right += 1
            extra = sent[Way.UP] / undisturbed[Way.UP] - 1
            tally.most_extra = max(tally.most_extra, extra)
            most = 0.1 if how.resumes else 1.05
            if extra > most:
                tally.wrong.append(f"{place}: {extra:.0%} were sent beside one copy")
    sandbox.faults([])
    return tally


@contextlib.contextmanager
def _sizes(how: How) -> Iterator[None]:
    with patch.multiple(fal_storage, **how.sizes) if how.sizes else contextlib.nullcontext():
        yield


async def _upload(how: How, sandbox: Sandbox, file: Path, spoilt: Sequence[tuple[Way, Toxic]]) -> dict[Way, int] | str:
    """Bytes that passed in each direction, or what went wrong."""
    async with BadLine(sandbox.at(how.provider)) as line:
        for way, toxic in spoilt:
            line.spoil(way, toxic, connections=1)
        async with an_adapter(how.entry, line.url, key_of("network"), tries=4) as provider:
            try:
                url = await provider.upload(file, "clip.mp4", lambda done, total: None)
            except StudioError as error:
                return f"{error!r}"
        passed = dict(line.passed)
        if _read(url.replace(line.url, sandbox.at(how.provider))) != file.read_bytes():
            return "another file arrived"
        return passed


def _read(url: str) -> bytes:
    with build_opener(ProxyHandler({})).open(url, timeout=20) as reply:
        return bytes(reply.read())
