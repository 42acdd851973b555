"""One upload in a process of its own, ours or an official client's: `child_hosting.py SIDE ADDRESS FILE`. Prints JSON.

A small upload comes first, so that what is measured is the upload and not the imports.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import sys
import time
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from klingstudio.net.api import Api
from klingstudio.net.retry import Patience
from klingstudio.providers import registry
from klingstudio.providers.base import Provider
from tests.bench.memory import forget_highest, resident_mb

KEY = "0f0f0f0f-1111:5ecret-bench"
WARM_UP_BYTES = 1_000_000

Upload = Callable[[Path], Awaitable[object]]


async def ours(provider_id: str, address: str, measure: Callable[[Upload], Awaitable[None]]) -> None:
    """Our adapter through our own API client."""
    from datetime import UTC, datetime

    entry = registry.entry(provider_id)
    assert entry is not None
    api = Api(
        hosts=dict.fromkeys(entry.info.hosts, address),
        headers=entry.headers(KEY),
        tls=ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"]),
        patience=Patience(sleep=asyncio.sleep, random=lambda: 0.5),
    )
    provider: Provider = entry.create(entry.info, api, lambda: datetime.now(UTC))
    try:
        await measure(lambda file: provider.upload(file, f"{time.monotonic_ns()}.mp4", lambda done, total: None))
    finally:
        await api.aclose()


async def fal_client(address: str, measure: Callable[[Upload], Awaitable[None]]) -> None:
    """fal.ai's own client, its asynchronous side."""
    os.environ |= {
        "FAL_KEY": KEY,
        "FAL_RUN_HOST": urlsplit(address).netloc,
        "FAL_QUEUE_RUN_HOST": urlsplit(address).netloc,
    }
    client: Any = import_module("fal_client.client")
    client.REST_URL = client.CDN_URL = address
    theirs = client.AsyncClient(key=KEY)
    await measure(theirs.upload_file)


async def segmind(address: str, measure: Callable[[Upload], Awaitable[None]]) -> None:
    """Segmind's own client."""
    package: Any = import_module("segmind")
    client = package.SegmindClient(api_key=KEY, base_url=f"{address}/v1", timeout=300)
    files: Any = sys.modules["segmind.files"]
    files.Files.STORAGE_BASE_URL = address

    async def upload(file: Path) -> object:
        return client.files.upload(file)

    await measure(upload)


async def main(side: str, address: str, file: Path) -> None:
    """Warm up, upload, tell."""
    told: dict[str, float | None] = {}

    async def measure(upload: Upload) -> None:
        small = file.with_name(f"small-{os.getpid()}.mp4")
        small.write_bytes(os.urandom(WARM_UP_BYTES))
        await upload(small)
        small.unlink()
        is_exact = forget_highest()
        before_mb = resident_mb("VmRSS")
        began = time.perf_counter()
        await upload(file)
        told["took_s"] = time.perf_counter() - began
        highest_mb = resident_mb("VmHWM" if is_exact else "VmRSS")
        told["growth_mb"] = highest_mb - before_mb if highest_mb is not None and before_mb is not None else None

    match side:
        case "fal-client":
            await fal_client(address, measure)
        case "segmind-client":
            await segmind(address, measure)
        case provider_id:
            await ours(provider_id, address, measure)
    print(json.dumps(told))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
