"""fal.ai's own client, unchanged and over https, works against the sandbox; and it sends the same bytes as we do."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import trustme

from klingstudio.domain.element import Element, Image
from klingstudio.domain.errors import SubmitUnconfirmed
from klingstudio.domain.job import Asset, Remote
from klingstudio.domain.request import Request, Tier
from klingstudio.net.api import Api
from klingstudio.net.retry import Patience
from klingstudio.providers import fal
from klingstudio.providers.base import Finished, Waiting
from tests.clients import fal_scenarios
from tests.fakes.sandbox import ROOT, Sandbox, run_sandbox
from tests.fakes.services import Clip

KEY = "0f0f0f0f-1111-2222-3333-444444444444:theirs-anna"
"""Without the mark that our own keys have: official clients send theirs to every address that they are given."""
Calls = list[dict[str, Any]]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate authority of our own, with a certificate for this computer beside it."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    authority.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
        str(folder / "server.pem")
    )
    return folder / "authority.pem"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, authority: Path) -> Iterator[Sandbox]:
    certificate = authority.with_name("server.pem")
    with pytest.MonkeyPatch.context() as patch:
        # It loads inputs from its own https address, as anybody would.
        patch.setenv("SSL_CERT_FILE", str(authority))
        folder = tmp_path_factory.mktemp("sandbox")
        with run_sandbox(folder, "--queue-delay", "0.3", "--certificate", str(certificate)) as sandbox:
            yield sandbox


@pytest.fixture
def sandbox(shared: Sandbox) -> Sandbox:
    shared.faults([])
    return shared


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import av

    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=24, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 720, 720, "yuv420p"
        for n in range(72):
            frame = av.VideoFrame(720, 720, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes([(n * 3) % 256]) * plane.buffer_size)
            frame.pts = n
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """101 MiB that take no room on the disk."""
    path = tmp_path_factory.mktemp("large") / "large.mp4"
    with path.open("wb") as out:
        out.truncate(101 * 1024 * 1024)
    return path


@pytest.fixture
def told(
    sandbox: Sandbox, authority: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> Callable[[str, Path], Calls]:
    """Runs one group of calls in a process of its own."""

    def run(name: str, file: Path) -> Calls:
        address = sandbox.at("fal")
        host = urlsplit(address).netloc
        environ = {
            **{key: value for key, value in os.environ.items() if not key.upper().endswith("_PROXY")},
            "FAL_KEY": KEY,
            "FAL_RUN_HOST": host,
            "FAL_QUEUE_RUN_HOST": host,
            "FAL_HOME_DIR": str(tmp_path),
            "SSL_CERT_FILE": str(authority),
        }
        ended = subprocess.run(
            [sys.executable, "-m", "tests.clients.fal_scenarios", name, address, sandbox.url, str(file)],
            cwd=ROOT,
            env=environ,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        calls: Calls = json.loads(ended.stdout)
        record_property("client_calls", len(calls))
        return calls

    return run


def by_name(calls: Calls) -> dict[str, dict[str, Any]]:
    return {one["call"]: one for one in calls}


def sent(sandbox: Sandbox, call: str, since: int) -> list[dict[str, Any]]:
    return [one for one in sandbox.requests()[since:] if (one["dialect"], one["call"]) == ("fal", call)]


@asynccontextmanager
async def ours(sandbox: Sandbox, authority: Path) -> AsyncIterator[fal.Fal]:
    """Our own adapter, over the same https."""

    async def no_sleep(seconds: float) -> None:
        pass

    api = Api(
        hosts=dict.fromkeys(fal.INFO.hosts, sandbox.at("fal")),
        headers=fal.headers(KEY),
        tls=ssl.create_default_context(cafile=str(authority)),
        patience=Patience(sleep=no_sleep, random=lambda: 0.5),
    )
    yield fal.Fal(fal.INFO, api, lambda: datetime.now(UTC))
    await api.aclose()


def test_an_edit_goes_all_the_way(sandbox: Sandbox, told: Callable[[str, Path], Calls], clip: Path) -> None:
    calls = told("edit", clip)
    one = by_name(calls)

    assert one["upload_file"]["text"].endswith("/clip.mp4")
    assert one["upload"]["text"].endswith("/picture.png")
    place = f"{sandbox.at('fal')}/fal-ai/kling-video/requests/{one['submit']['request_id']}"
    assert [one["submit"][name] for name in ("response_url", "status_url", "cancel_url")] == [
        place,
        f"{place}/status",
        f"{place}/cancel",
    ]
    seen = [call for call in calls if call["call"] == "status of the handle"]
    assert [kind for kind in ("Queued", "InProgress", "Completed") if kind in {call["type"] for call in seen}] == [
        "Queued",
        "InProgress",
        "Completed",
    ]
    # Edits of earlier tests may still be before this one.
    positions = [call["position"] for call in seen if call["type"] == "Queued"]
    assert positions == sorted(positions, reverse=True)
    assert positions[-1] >= 0
    assert any(call["logs"] for call in seen if call["type"] == "InProgress")
    assert seen[-1]["logs"][-1]["message"] == "Done"
    assert seen[-1]["metrics"]["inference_time"] > 0
    assert seen[-1]["error"] is None
    assert one["get"]["answer"]["video"]["content_type"] == "video/mp4"
    assert one["result"]["answer"]["video"]["file_size"] == one["get"]["answer"]["video"]["file_size"] > 0
    assert (one["status"]["type"], one["status without logs"]["logs"]) == ("Completed", None)
    assert (one["cancel after the end"]["code"], one["cancel of nothing"]["code"]) == (400, 404)
    assert json.loads(one["cancel after the end"]["message"]) == {"status": "ALREADY_COMPLETED"}
    assert one["status of nothing"]["code"] == 404


def test_waiting_for_the_end_tells_what_happens_and_gives_up_in_time(
    sandbox: Sandbox, told: Callable[[str, Path], Calls], clip: Path
) -> None:
    since = len(sandbox.requests())
    one = by_name(told("subscribe", clip))

    assert one["subscribe"]["seen"] == ["Completed", "InProgress", "Queued"]
    assert one["subscribe"]["answer"]["video"]["url"].startswith(sandbox.at("fal"))
    assert one["subscribe impatient"]["type"] == "FalClientTimeoutError"
    assert len(sent(sandbox, "cancel", since)) == 1


def test_the_other_client_goes_all_the_way_too(told: Callable[[str, Path], Calls], clip: Path) -> None:
    one = by_name(told("asynchronous", clip))

    assert one["async status of the handle"]["type"] == "Completed"
    assert one["async get"]["answer"]["video"]["file_size"] > 0
    assert one["async result"]["answer"]["video"]["file_size"] > 0
    assert one["async cancel after the end"]["code"] == 400
    assert one["async subscribe"]["answer"]["video"]["file_size"] > 0


def test_a_large_file_goes_in_parts_in_any_order(
    sandbox: Sandbox, told: Callable[[str, Path], Calls], large: Path
) -> None:
    since = len(sandbox.requests())
    one = by_name(told("large", large))

    for name in ("upload_file in parts", "async upload_file in parts"):
        assert one[name]["text"].endswith("/large.mp4")
    parts = sent(sandbox, "part", since)
    whole = [part for part in parts if not part["faults"]]
    assert sum(part["body_bytes"] for part in whole[:22]) == 2 * large.stat().st_size
    # One part fails, and with it the whole upload: this client does not repeat a part.
    assert one["async upload_file with a failed part"]["code"] == 500
    assert sum(bool(part["faults"]) for part in parts) == 1
    assert len(sent(sandbox, "complete", since)) == 2


def test_refusals_and_failures_are_understood(told: Callable[[str, Path], Calls], clip: Path) -> None:
    calls = told("refusals", clip)
    one = by_name(calls)

    assert (one["submit refused"]["code"], one["submit unknown"]["code"]) == (401, 404)
    assert one["submit broke"]["code"] == 403
    assert one["submit broke"]["message"].startswith("User is locked. Reason: Exhausted balance.")
    assert one["upload refused"]["type"] == "HTTPStatusError"
    platform, model = (call for call in calls if call["call"] == "status failed")
    assert (platform["error"], platform["error_type"]) == ("Runner gone", "runner_disconnected")
    assert (model["error"], model["error_type"]) == ("No", None)
    platform, model = (call for call in calls if call["call"] == "get failed")
    assert (platform["code"], platform["error_type"], platform["message"]) == (
        503,
        "runner_disconnected",
        "Runner gone",
    )
    assert (model["code"], model["message"][0]["type"]) == (422, "content_policy_violation")
    assert one["cancel in the queue"]["type"] == "NoneType"
    assert one["status cancelled"]["error_type"] == "client_cancelled"
    assert one["get cancelled"]["code"] == 499
    assert one["cancel at work"]["type"] == "NoneType"


def test_a_service_out_of_order_shows_why_this_client_does_not_order_for_us(
    sandbox: Sandbox, told: Callable[[str, Path], Calls], clip: Path
) -> None:
    since, charged = len(sandbox.requests()), len(sandbox.ledger())
    one = by_name(told("faults", clip))

    assert one["upload_file by the older storage"]["text"].endswith("/clip.mp4")
    # It shows its key to the host of the signed address, which ours does not.
    (put,) = sent(sandbox, "put", since)
    assert put["headers"]["authorization"] == f"Key {KEY}"
    assert one["submit behind nginx"]["type"] == one["submit reset"]["type"] == "SyncRequestHandle"
    assert one["submit refused by fal"]["code"] == 502
    # Behind nginx two, refused by fal one, reset two, busy one: what it was asked for is four orders, three of them good.
    assert len(sent(sandbox, "submit", since)) == 6
    assert len(sandbox.ledger()) - charged == 5
    assert one["status busy"]["type"] in {"Queued", "InProgress", "Completed"}
    assert (one["status strange"]["type"], one["status strange"]["text"]) == (
        "ValueError",
        "Unknown status: rehearsing",
    )


async def test_our_order_has_the_same_bytes_as_its_own(
    sandbox: Sandbox, told: Callable[[str, Path], Calls], authority: Path, clip: Path
) -> None:
    since = len(sandbox.requests())
    told("same_bytes", clip)
    arguments = fal_scenarios.ARGUMENTS
    request = Request(
        source="/clip.mp4",
        provider="fal",
        tier=Tier.STANDARD,
        prompt=str(arguments["prompt"]),
        images=(Image(place="1"), Image(place="2")),
        elements=(Element(frontal="3", angles=("4", "5")),),
    )
    urls = ["clip.mp4", *(f"{n}.png" for n in range(1, 6))]
    assets = [Asset(subject="x", url=f"https://v3.fal.media/files/a/{name}") for name in urls]
    sandbox.faults([{"call": "submit", "kind": "fail_job"}])
    async with ours(sandbox, authority) as provider:
        await provider.submit(await provider.order(request, assets, Clip()))

    theirs, mine = sent(sandbox, "submit", since)
    assert theirs["headers"]["user-agent"].startswith("fal-client/")
    for name in ("path", "query", "body_bytes", "body_sha256"):
        assert mine[name] == theirs[name]
    for name in ("content-type", "authorization"):
        assert mine["headers"][name] == theirs["headers"][name]


async def test_our_own_adapter_goes_all_the_way_over_https(sandbox: Sandbox, authority: Path, clip: Path) -> None:
    async with ours(sandbox, authority) as provider:
        assert (await provider.authorize()).name
        url = await provider.upload(clip, "one.mp4", lambda done, total: None)
        request = Request(source="/clip.mp4", provider="fal", prompt="invert")
        order = await provider.order(request, [Asset(subject="source", url=url)], Clip())
        receipt = await provider.submit(order)
        remote = Remote(id=receipt.ids[0], links=receipt.links)
        while isinstance(status := await provider.poll(remote), Waiting):
            pass

    assert isinstance(status, Finished)
    assert url.startswith("https://127.0.0.1:")


@pytest.mark.parametrize("kind", ["reset_after", "reset_before", "drop_after", "truncated"])
async def test_a_connection_can_be_broken_under_tls_as_well(sandbox: Sandbox, authority: Path, kind: str) -> None:
    since = len(sandbox.requests())
    request = Request(source="/clip.mp4", provider="fal", prompt="invert")
    sandbox.faults([{"call": "submit", "kind": kind}, {"call": "submit", "kind": "fail_job"}])
    async with ours(sandbox, authority) as provider:
        order = fal.planned_order(request, [Asset(subject="source", url=fal_scenarios.NOWHERE)], Clip())
        with pytest.raises(SubmitUnconfirmed):
            await provider.submit(order)

    assert len(sent(sandbox, "submit", since)) == 1


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_certificate_that_cannot_be_used_is_named(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "server.pem"
    if content is not None:
        file.write_text(content)
    command: Sequence[str] = [sys.executable, "-m", "klingstudio", "sandbox", "--certificate", str(file)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    assert ended.returncode == 2
    assert f"{file} cannot be used as a certificate" in ended.stderr
