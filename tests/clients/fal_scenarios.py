"""What fal.ai's own client does when it is pointed at the sandbox: `python -m tests.clients.fal_scenarios NAME …`.

A process of its own for each group, because the client reads its hosts from the environment when it is imported, and keeps
threads and connections to the end. Prints one JSON object: every call with what came of it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import urllib.request
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path
from typing import Any

# Not a plain import: the client is installed for the tests only, and has no types that could be checked without it.
fal_client: Any = import_module("fal_client")
client: Any = import_module("fal_client.client")

PRO = "fal-ai/kling-video/o3/pro/video-to-video/edit"
STANDARD = "fal-ai/kling-video/o3/standard/video-to-video/edit"
NOWHERE = "https://127.0.0.1:9/clip.mp4"
ARGUMENTS = {
    "prompt": "@Element1 walks past @Image1 – “tief verschneit” 🎬",
    "video_url": "https://v3.fal.media/files/a/clip.mp4",
    "image_urls": ["https://v3.fal.media/files/a/1.png", "https://v3.fal.media/files/a/2.png"],
    "keep_audio": True,
    "elements": [
        {
            "frontal_image_url": "https://v3.fal.media/files/a/3.png",
            "reference_image_urls": ["https://v3.fal.media/files/a/4.png", "https://v3.fal.media/files/a/5.png"],
        }
    ],
    "shot_type": "customize",
}
"""The fixed request of which our own body must be the same, byte for byte."""


class Told:
    """Every call of the client and what came of it."""

    def __init__(self, address: str, inspection: str) -> None:
        self.address = address
        self.calls: list[dict[str, Any]] = []
        self._inspection = inspection

    def did(self, name: str, call: Callable[[], Any]) -> Any:
        """Make a call and note its answer or its error."""
        try:
            answer = call()
        except Exception as error:  # noqa: BLE001 - whatever the client raises is what is looked at
            return self._note(name, error)
        return self._note(name, answer)

    def saw(self, name: str, status: Any) -> None:
        """Note what an iteration over the states of a job gave."""
        self._note(name, status)

    async def does(self, name: str, call: Callable[[], Awaitable[Any]]) -> Any:
        """The same for a call that is awaited."""
        try:
            answer = await call()
        except Exception as error:  # noqa: BLE001 - as above
            return self._note(name, error)
        return self._note(name, answer)

    def faults(self, *rules: dict[str, Any]) -> None:
        """Replace what goes wrong at the sandbox."""
        body = json.dumps(rules).encode()
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(f"{self._inspection}/_sandbox/faults", body, headers)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10):
            pass

    def _note(self, name: str, answer: Any) -> Any:
        entry: dict[str, Any] = {"call": name, "type": type(answer).__name__, "text": str(answer)}
        if isinstance(answer, fal_client.client.FalClientHTTPError):
            entry |= {"code": answer.status_code, "error_type": answer.error_type, "message": answer.message}
        if isinstance(answer, dict):
            entry["answer"] = answer
        entry |= {key: value for key, value in getattr(answer, "__dict__", {}).items() if key in SHOWN}
        self.calls.append(entry)
        return answer


SHOWN = {"position", "logs", "error", "error_type", "metrics", "request_id", "status_url", "response_url", "cancel_url"}


def edit(told: Told, clip: Path) -> None:
    """The whole way, and what can be asked afterwards."""
    lifetime = client.StorageSettings(expires_in="1d")
    url = told.did("upload_file", lambda: fal_client.upload_file(clip, lifecycle=lifetime))
    told.did("upload", lambda: fal_client.upload(b"bytes", "image/png", "picture.png"))
    handle = told.did("submit", lambda: fal_client.submit(PRO, arguments={"prompt": "invert", "video_url": url}))
    for status in handle.iter_events(with_logs=True, interval=0.02):
        told.saw("status of the handle", status)
    told.did("get", handle.get)
    told.did("status", lambda: fal_client.status(PRO, handle.request_id, with_logs=True))
    told.did("status without logs", lambda: fal_client.status(PRO, handle.request_id))
    told.did("result", lambda: fal_client.result(PRO, handle.request_id))
    told.did("cancel after the end", handle.cancel)
    told.did("cancel of nothing", lambda: fal_client.cancel(PRO, "00000000-0000-4000-8000-000000000000"))
    told.did("status of nothing", lambda: fal_client.status(PRO, "00000000-0000-4000-8000-000000000000"))


def same_bytes(told: Told, _clip: Path) -> None:
    """The fixed request, once; it fails by itself, because nobody serves its inputs."""
    told.faults({"call": "submit", "kind": "fail_job"})
    told.did("submit", lambda: fal_client.submit(STANDARD, arguments=ARGUMENTS))


def large(told: Told, clip: Path) -> None:
    """A file above 100 MiB, by both clients, and one with a part that fails."""
    told.did("upload_file in parts", lambda: fal_client.upload_file(clip))
    asynchronous = fal_client.AsyncClient()

    async def rest() -> None:
        await told.does("async upload_file in parts", lambda: asynchronous.upload_file(clip))
        told.faults({"call": "part", "kind": "status", "code": 500, "after": 3})
        await told.does("async upload_file with a failed part", lambda: asynchronous.upload_file(clip))

    asyncio.run(rest())


def refusals(told: Told, clip: Path) -> None:
    """What is refused at once, what fails later, and what is cancelled."""
    arguments = {"prompt": "invert", "video_url": NOWHERE}
    told.did("submit refused", lambda: fal_client.SyncClient(key="refused:key").submit(PRO, arguments=arguments))
    told.did("submit broke", lambda: fal_client.SyncClient(key="broke:key").submit(PRO, arguments=arguments))
    told.did("submit unknown", lambda: fal_client.submit("fal-ai/unknown", arguments=arguments))
    told.did("upload refused", lambda: fal_client.SyncClient(key="refused:key").upload(b"x", "image/png"))
    for message in ("runner_disconnected: Runner gone", "content_policy_violation: No"):
        told.faults({"call": "submit", "kind": "fail_job", "message": message})
        failed = fal_client.submit(PRO, arguments=arguments)
        *_, status = failed.iter_events(interval=0.02)
        told.saw("status failed", status)
        told.did("get failed", failed.get)
    queued = fal_client.submit(PRO, arguments=arguments)
    told.did("cancel in the queue", queued.cancel)
    told.did("status cancelled", queued.status)
    told.did("get cancelled", queued.get)
    url = fal_client.upload_file(clip)
    running = fal_client.submit(PRO, arguments={"prompt": "snow", "video_url": url})
    for status in running.iter_events(interval=0.01):
        if isinstance(status, fal_client.InProgress):
            break
    told.did("cancel at work", running.cancel)


def faults(told: Told, clip: Path) -> None:
    """What the client makes of a service that is out of order."""
    arguments = {"prompt": "invert", "video_url": NOWHERE}
    told.faults({"call": "upload", "kind": "status", "code": 500})
    told.did("upload_file by the older storage", lambda: fal_client.upload_file(clip))
    page = "<html><body><center>nginx</center></body></html>"
    told.faults(
        {"call": "submit", "kind": "status", "code": 502, "body": page, "effect": True},
        {"call": "submit", "kind": "fail_job", "times": 2},
    )
    told.did("submit behind nginx", lambda: fal_client.submit(PRO, arguments=arguments))
    told.faults(
        {"call": "submit", "kind": "status", "code": 502, "body": page, "headers": {"x-fal-request-id": "r"}},
    )
    told.did("submit refused by fal", lambda: fal_client.submit(PRO, arguments=arguments))
    told.faults(
        {"call": "submit", "kind": "reset_after"},
        {"call": "submit", "kind": "fail_job", "times": 2},
    )
    told.did("submit reset", lambda: fal_client.submit(PRO, arguments=arguments))
    told.faults({"call": "poll", "kind": "status", "code": 429}, {"call": "submit", "kind": "fail_job"})
    busy = fal_client.submit(PRO, arguments=arguments)
    told.did("status busy", busy.status)
    told.faults({"call": "poll", "kind": "unknown_status"})
    told.did("status strange", busy.status)


def subscribe(told: Told, clip: Path) -> None:
    """One call that waits for the end, and one that does not wait long enough."""
    url = told.did("upload_file", lambda: fal_client.upload_file(clip))
    seen: list[str] = []

    def update(status: Any) -> None:
        seen.append(type(status).__name__)

    told.did(
        "subscribe",
        lambda: fal_client.subscribe(
            PRO, arguments={"prompt": "invert", "video_url": url}, with_logs=True, interval=0.02, on_queue_update=update
        ),
    )
    told.calls[-1]["seen"] = sorted(set(seen))
    told.faults({"call": "poll", "kind": "slow", "seconds": 1.5})
    told.did(
        "subscribe impatient",
        lambda: fal_client.subscribe(STANDARD, arguments={"prompt": "snow", "video_url": url}, client_timeout=1.05),
    )


def asynchronous(told: Told, clip: Path) -> None:
    """The whole way of the other client."""

    async def run() -> None:
        one = fal_client.AsyncClient()
        url = await told.does("async upload_file", lambda: one.upload_file(clip))
        arguments = {"prompt": "invert", "video_url": url}
        handle = await told.does("async submit", lambda: one.submit(PRO, arguments=arguments))
        async for status in handle.iter_events(with_logs=True, interval=0.02):
            told.saw("async status of the handle", status)
        await told.does("async get", handle.get)
        await told.does("async status", lambda: one.status(PRO, handle.request_id, with_logs=True))
        await told.does("async result", lambda: one.result(PRO, handle.request_id))
        await told.does("async cancel after the end", lambda: one.cancel(PRO, handle.request_id))
        await told.does("async subscribe", lambda: one.subscribe(STANDARD, arguments=arguments, interval=0.02))

    asyncio.run(run())


def main() -> None:
    """Run one group and print what was told."""
    name, address, inspection, clip = sys.argv[1:]
    client.REST_URL = client.CDN_URL = address
    told = Told(address, inspection)
    groups = (edit, same_bytes, large, refusals, faults, subscribe, asynchronous)
    {group.__name__: group for group in groups}[name](told, Path(clip))
    print(json.dumps(told.calls))


if __name__ == "__main__":
    main()
