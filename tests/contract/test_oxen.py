"""The adapter against the sandbox: what is sent, what is understood, and to whom the key is shown."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from klingstudio.domain.element import Element, Image
from klingstudio.domain.errors import (
    KeyProblem,
    Kind,
    NetworkProblem,
    ProviderRefused,
    SubmitUnconfirmed,
    UnexpectedReply,
)
from klingstudio.domain.job import Asset, Clip, Order, Remote
from klingstudio.domain.price import Money
from klingstudio.domain.request import Request, Tier
from klingstudio.net.api import Api
from klingstudio.net.retry import Patience
from klingstudio.providers import oxen
from klingstudio.providers.base import Cancelled, Failed, Finished, Missing, RemoteStatus, Waiting
from tests.fakes.sandbox import Sandbox


async def _no_sleep(seconds: float) -> None:
    await asyncio.sleep(0.01)


@asynccontextmanager
async def an_oxen(sandbox: Sandbox, key: str = "canary-5ecret-key") -> AsyncIterator[oxen.Oxen]:
    api = Api(
        hosts={"hub": sandbox.url},
        headers=oxen.headers(key),
        tls=ssl.create_default_context(),
        patience=Patience(sleep=_no_sleep, random=lambda: 0.5),
    )
    yield oxen.Oxen(oxen.INFO, api, lambda: datetime.now(UTC))
    await api.aclose()


def a_request(**changes: Any) -> Request:
    return Request(**({"source": "/clip.mp4", "prompt": "deep snow", "provider": "oxen"} | changes))


def an_order(body: dict[str, Any]) -> Order:
    return Order(path=oxen.QUEUE, body=json.dumps(body))


CLIP = Clip(
    path="/clip.mp4",
    sha256="",
    size_bytes=1,
    duration_s=3.0,
    width_px=720,
    height_px=720,
    frame_count=72,
    is_source=True,
)


async def submitted_ids(provider: oxen.Oxen, order: Order) -> tuple[str, ...]:
    return (await provider.submit(order)).ids


def assets(*urls: str) -> tuple[Asset, ...]:
    return tuple(Asset(subject="source", url=url) for url in urls)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    import av

    path = tmp_path / "clip.mp4"
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


async def submitted(provider: oxen.Oxen, clip: Path, request: Request | None = None) -> str:
    url = await provider.upload(clip, "unique.mp4", lambda done, total: None)
    receipt = await provider.submit(await provider.order(request or a_request(), assets(url), CLIP))
    (remote_id,) = receipt.ids
    return remote_id


async def end_of(provider: oxen.Oxen, remote_id: str) -> RemoteStatus:
    while isinstance(status := await provider.poll(Remote(id=remote_id)), Waiting):
        await asyncio.sleep(0.1)
    return status


async def test_a_clip_goes_in_and_a_take_can_be_fetched(sandbox: Sandbox, clip: Path) -> None:
    async with an_oxen(sandbox) as provider:
        remote_id = await submitted(provider, clip)
        status = await end_of(provider, remote_id)

        assert isinstance(status, Finished)
        assert await provider.charge(Remote(id=remote_id)) == Money(Decimal("1.01"), "USD")
        assert len(sandbox.ledger()) == 1


async def test_everything_that_could_be_left_to_a_default_is_sent(sandbox: Sandbox) -> None:
    request = a_request(
        images=(Image(place="a"), Image(place="b")),
        elements=(Element(frontal="f", angles=("g",)), Element(frontal="h")),
        keep_audio=False,
        billed_to="studio-inc",
    )
    async with an_oxen(sandbox) as provider:
        body = json.loads((await provider.order(request, assets("u0", "u1", "u2", "u3", "u4", "u5"), CLIP)).body)

    assert body == {
        "model": "kling-video-o3-pro-video-to-video-edit",
        "prompt": "deep snow",
        "input_video": "u0",
        "input_image": ["u1", "u2"],
        "elements": [
            {"frontal_image_url": "u3", "reference_image_urls": ["u4"]},
            {"frontal_image_url": "u5", "reference_image_urls": []},
        ],
        "keep_audio": False,
        "response_format": "url",
        "num_generations": 1,
        "target_namespace": "studio-inc",
    }


async def test_a_retired_model_is_replaced_by_its_successor(sandbox: Sandbox) -> None:
    sandbox.faults([{"call": "models", "kind": "old_model_gone", "times": 9}])

    async with an_oxen(sandbox) as provider:
        body = json.loads((await provider.order(a_request(), assets("u"), CLIP)).body)

    assert (body["model"], body["resolution"], body["video_mode"]) == ("kling-video-o3-omni", "1080p", "edit")
    assert "aspect_ratio" not in body


async def test_the_standard_tier_is_the_lower_resolution(sandbox: Sandbox) -> None:
    async with an_oxen(sandbox) as provider:
        body = json.loads((await provider.order(a_request(tier=Tier.STANDARD), assets("u"), CLIP)).body)

    assert (body["model"], body["resolution"]) == ("kling-video-o3-omni", "720p")


async def test_the_price_is_read_with_its_date(sandbox: Sandbox) -> None:
    async with an_oxen(sandbox) as provider:
        price = await provider.price(Tier.PRO)

    assert price is not None
    assert price.rate == Money(Decimal("0.336"), "USD")
    assert price.date == datetime.now(UTC).date().isoformat()


async def test_uploads_go_into_one_public_repository_and_are_readable_by_anybody(sandbox: Sandbox, clip: Path) -> None:
    async with an_oxen(sandbox) as provider:
        seen: list[tuple[int, int]] = []
        first = await provider.upload(clip, "one.mp4", lambda done, total: seen.append((done, total)))
        second = await provider.upload(clip, "two.mp4", lambda done, total: None)

    assert first != second
    assert seen[-1] == (clip.stat().st_size, clip.stat().st_size)
    assert len(sandbox.requests("POST", "/api/repos")) == 1
    heads = sandbox.requests("HEAD")
    assert len(heads) == 2
    assert all("authorization" not in request["headers"] for request in heads)


async def test_a_refused_key_is_a_key_problem(sandbox: Sandbox) -> None:
    async with an_oxen(sandbox, "refused-key") as provider:
        with pytest.raises(KeyProblem) as failed:
            await provider.authorize()

    assert failed.value.problem.kind is Kind.KEY_REFUSED


async def test_the_account_is_the_same_for_the_same_user(sandbox: Sandbox) -> None:
    async with an_oxen(sandbox) as first, an_oxen(sandbox) as second, an_oxen(sandbox, "other-somebody") as other:
        fingerprints = [(await one.authorize()).fingerprint for one in (first, second, other)]

    assert fingerprints[0] == fingerprints[1] != fingerprints[2]


async def test_an_empty_account_is_told_from_a_wrong_key(sandbox: Sandbox) -> None:
    async with an_oxen(sandbox, "broke-key") as provider:
        with pytest.raises(ProviderRefused) as failed:
            await provider.submit(an_order({"model": oxen.EDIT_MODEL, "prompt": "x", "input_video": "u"}))

    assert failed.value.problem.kind is Kind.NO_CREDIT
    assert sandbox.ledger() == []


@pytest.mark.parametrize("kind", ["reset_after", "drop_after", "not_json", "no_id", "html", "truncated"])
async def test_an_order_whose_answer_is_lost_is_found_in_the_list_and_charged_once(sandbox: Sandbox, kind: str) -> None:
    sandbox.faults([{"call": "submit", "kind": kind}])
    body = an_order({"model": oxen.EDIT_MODEL, "prompt": "x", "input_video": "https://h.invalid/u.mp4"})

    async with an_oxen(sandbox) as provider:
        with pytest.raises(SubmitUnconfirmed):
            await provider.submit(body)
        listed = await provider.find(datetime.now(UTC) - timedelta(minutes=10))

    posts = sandbox.requests("POST", "/api/ai/queue")
    assert len(posts) == 1
    if kind != "html":
        assert [job.input_video for job in listed] == ["https://h.invalid/u.mp4"]


async def test_a_clock_that_is_days_ahead_does_not_hide_a_paid_job(sandbox: Sandbox) -> None:
    body = an_order({"model": oxen.EDIT_MODEL, "prompt": "x", "input_video": "https://h.invalid/u.mp4"})

    async with an_oxen(sandbox) as provider:
        (remote_id,) = (await provider.submit(body)).ids
        listed = await provider.find(datetime.now(UTC) + timedelta(days=3))

    assert [job.remote_id for job in listed] == [remote_id]


async def test_a_paid_job_below_many_younger_ones_is_found(sandbox: Sandbox) -> None:
    def body(n: int) -> Order:
        video = f"https://h.invalid/{n}.mp4"
        return an_order({"model": oxen.EDIT_MODEL, "prompt": "x", "input_video": video, "num_generations": 4})

    async with an_oxen(sandbox) as provider:
        first = (await provider.submit(body(0))).ids
        for n in range(1, oxen.PAGE_SIZE // 4 + 1):
            await provider.submit(body(n))
        listed = await provider.find(datetime.now(UTC) - timedelta(minutes=10))

    assert set(first) <= {job.remote_id for job in listed}


async def test_two_ids_for_one_order_are_both_kept(sandbox: Sandbox) -> None:
    sandbox.faults([{"call": "submit", "kind": "two_ids"}])

    async with an_oxen(sandbox) as provider:
        ids = await submitted_ids(provider, an_order({"model": oxen.EDIT_MODEL, "prompt": "x", "input_video": "u"}))

    assert len(set(ids)) == 2


async def test_an_input_that_cannot_be_fetched_fails_the_job_with_the_reason(sandbox: Sandbox) -> None:
    async with an_oxen(sandbox) as provider:
        (remote_id,) = await submitted_ids(
            provider,
            an_order(
                {"model": oxen.EDIT_MODEL, "prompt": "x", "input_video": f"{sandbox.url}/api/repos/no/no/file/main/x"}
            ),
        )
        status = await end_of(provider, remote_id)

    assert isinstance(status, Failed)
    assert status.reason


async def test_a_cancelled_job_ends_cancelled_and_a_second_cancel_is_no_error(sandbox: Sandbox, clip: Path) -> None:
    async with an_oxen(sandbox) as provider:
        remote_id = await submitted(provider, clip)
        await provider.cancel(Remote(id=remote_id))
        status = await end_of(provider, remote_id)
        await provider.cancel(Remote(id=remote_id))

    assert isinstance(status, Cancelled)


async def test_an_unknown_id_is_missing_and_an_unknown_word_is_waiting(sandbox: Sandbox, clip: Path) -> None:
    async with an_oxen(sandbox) as provider:
        assert isinstance(await provider.poll(Remote(id="no-such-id")), Missing)

        remote_id = await submitted(provider, clip)
        sandbox.faults([{"call": "poll", "kind": "unknown_status"}])
        assert isinstance(await provider.poll(Remote(id=remote_id)), Waiting)


@pytest.mark.parametrize("kind", ["html", "not_json", "truncated", "redirect"])
async def test_a_poll_that_makes_no_sense_is_never_a_failed_job(sandbox: Sandbox, clip: Path, kind: str) -> None:
    async with an_oxen(sandbox) as provider:
        remote_id = await submitted(provider, clip)
        sandbox.faults([{"call": "poll", "kind": kind, "times": 9}])

        with pytest.raises((UnexpectedReply, NetworkProblem)):
            await provider.poll(Remote(id=remote_id))
