"""Every service of the registry as the contract suite sees it: an adapter with a key, on the sandbox that plays it."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import pytest

from klingstudio.domain.job import Asset
from klingstudio.domain.request import Request
from klingstudio.net.api import PATIENT, Api, Deadlines
from klingstudio.net.retry import Patience
from klingstudio.providers.base import Provider
from klingstudio.providers.registry import SERVICES, Entry
from tests.fakes.astray import TOKEN_CALLS, is_keyless, said
from tests.fakes.sandbox import Sandbox

INPUT = "https://inputs.invalid/clip.mp4"
"""The address of a clip that nobody will ever fetch."""

HURRIED = Deadlines(reply_s=0.15, order_s=0.15, stall_s=0.15)
"""For calls that will not be answered."""

each_service = pytest.mark.parametrize("entry", SERVICES, ids=[entry.info.id for entry in SERVICES])


@dataclass(frozen=True, slots=True)
class Clip:
    """What an order may have to say of the clip."""

    duration_s: float = 3.0
    width_px: int = 720
    height_px: int = 720


def key_of(account: str, *, mood: str = "canary") -> str:
    """A key of this account of the sandbox. `mood`: `refused` and `broke` mean what they say."""
    return f"{mood}-5ecret-{account}"


async def _at_once(seconds: float) -> None:
    await asyncio.sleep(min(seconds, 0.01))


@lru_cache(maxsize=1)
def plain_tls() -> ssl.SSLContext:
    """The system's own trust; made once, for it takes a while."""
    return ssl.create_default_context()


@contextlib.asynccontextmanager
async def an_adapter(
    entry: Entry, base: str, key: str, *, deadlines: Deadlines = PATIENT, tries: int = 3
) -> AsyncIterator[Provider]:
    """The real adapter through the real API client, with every host of the service at `base`."""
    api = Api(
        hosts=dict.fromkeys(entry.info.hosts, base),
        headers=entry.headers(key),
        tls=plain_tls(),
        patience=Patience(sleep=_at_once, random=lambda: 0.5, tries=tries),
        deadlines=deadlines,
    )
    try:
        yield entry.create(entry.info, api, lambda: datetime.now(UTC))
    finally:
        await api.aclose()


def a_request(entry: Entry, **changes: Any) -> Request:
    """An edit of a source that nobody will read."""
    return Request(**({"source": "/clip.mp4", "prompt": "deep snow", "provider": entry.info.id} | changes))


def inputs(url: str = INPUT) -> tuple[Asset, ...]:
    """The clip alone."""
    return (Asset(subject="source", url=url),)


def charges(sandbox: Sandbox, entry: Entry, account: str) -> list[dict[str, Any]]:
    """What this account was charged at this service."""
    return [charge for charge in sandbox.ledger() if (charge["dialect"], charge["account"]) == (entry.info.id, account)]


def strangers_with(secret: str, entry: Entry, log: list[dict[str, Any]]) -> list[str]:
    """Requests that carried the key to where it has no business."""
    return [
        f"{one['dialect']} {one['method']} {one['path']}"
        for one in log
        if secret in said(one) and (one["dialect"] != entry.info.id or is_keyless(one))
    ]


def tokens_astray(entry: Entry, log: list[dict[str, Any]]) -> list[str]:
    """Requests that carried an upload's token to where it has no business."""
    places = TOKEN_CALLS.get(entry.info.id, frozenset())
    at_home = [one for one in log if one["dialect"] == entry.info.id and one["call"] in places]
    tokens = {one["headers"].get("authorization", "").rpartition(" ")[2] for one in at_home} - {""}
    others = [one for one in log if one not in at_home]
    return [f"{one['dialect']} {one['path']}" for one in others if any(token in said(one) for token in tokens)]
