"""fal.ai: what is special about its queue, its storage and its platform, against the sandbox over real HTTP."""

from __future__ import annotations

import asyncio
import json
import random
import ssl
from collections.abc import AsyncIterator, Iterator
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
from klingstudio.domain.job import Asset, CancelAnswer, Order, Remote
from klingstudio.domain.price import Money
from klingstudio.domain.request import Request, Tier
from klingstudio.net.api import Api
from klingstudio.net.retry import Patience
from klingstudio.providers import fal, fal_storage
from klingstudio.providers.base import Cancelled, Failed, Finished, Missing, RemoteStatus, Waiting
from klingstudio.providers.fal_errors import KINDS
from klingstudio.providers.fal_storage import LIFETIME_S, PART_BYTES, WHOLE_MAX_BYTES
from tests.fakes.sandbox import Sandbox, run_sandbox
from tests.fakes.services import Clip
from tests.fakes.wire import Handler, Wire, reply

KEY = "0f0f0f0f-1111-2222-3333-444444444444:5ecret-anna"
NOWHERE = "https://inputs.invalid/clip.mp4"
TLS = ssl.create_default_context()


async def _no_sleep(seconds: float) -> None:
    await asyncio.sleep(0.005)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with run_sandbox(tmp_path_factory.mktemp("fal"), "--queue-delay", "0.1") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared: Sandbox) -> Sandbox:
    """Where nothing goes wrong unless the test says so."""
    shared.faults([])
    return shared


@asynccontextmanager
async def a_fal(base: Sandbox | str, key: str = KEY) -> AsyncIterator[fal.Fal]:
    url = base if isinstance(base, str) else base.at("fal")
    api = Api(
        hosts=dict.fromkeys(fal.INFO.hosts, url),
        headers=fal.headers(key),
        tls=TLS,
        patience=Patience(sleep=_no_sleep, random=lambda: 0.5),
    )
    yield fal.Fal(fal.INFO, api, lambda: datetime.now(UTC))
    await api.aclose()


def a_request(**changes: Any) -> Request:
    return Request(**({"source": "/clip.mp4", "prompt": "deep snow", "provider": "fal"} | changes))


def assets(*urls: str) -> tuple[Asset, ...]:
    return tuple(Asset(subject="source", url=url) for url in urls)


def an_order(url: str = NOWHERE, **changes: Any) -> Order:
    return fal.planned_order(a_request(**changes), assets(url), Clip())


async def submitted(provider: fal.Fal, url: str = NOWHERE, **changes: Any) -> Remote:
    receipt = await provider.submit(an_order(url, **changes))
    return Remote(id=receipt.ids[0], links=receipt.links)


async def end_of(provider: fal.Fal, remote: Remote) -> RemoteStatus:
    while isinstance(status := await provider.poll(remote), Waiting):
        await asyncio.sleep(0.05)
    return status


def silent(done: int, total: int) -> None:
    pass


def sent(sandbox: Sandbox, call: str, since: int = 0) -> list[dict[str, Any]]:
    return [one for one in sandbox.requests()[since:] if one["call"] == call and one["dialect"] == "fal"]


# ------------------------------------------------------------------------------------------------ the key and the money


async def test_the_mark_of_a_key_is_made_of_its_id_and_not_of_its_secret(sandbox: Sandbox) -> None:
    keys = ("id-1:5ecret-anna", "id-1:another-anna", "id-2:5ecret-anna")
    marks = []
    for key in keys:
        async with a_fal(sandbox, key) as provider:
            marks.append((await provider.authorize()).fingerprint)

    assert marks[0] == marks[1] != marks[2]


async def test_an_ordinary_key_shows_its_id_and_no_balance(sandbox: Sandbox) -> None:
    async with a_fal(sandbox) as provider:
        account = await provider.authorize()

    assert account.name == "key 0f0f0f0f…"
    assert account.balance is None


async def test_an_admin_key_shows_name_and_balance_and_has_the_same_mark_when_they_are_not_told(
    sandbox: Sandbox,
) -> None:
    async with a_fal(sandbox, "admin:5ecret-rich") as provider:
        told = await provider.authorize()
    sandbox.faults([{"call": "credits", "kind": "status", "code": 503}])
    async with a_fal(sandbox, "admin:5ecret-rich") as provider:
        untold = await provider.authorize()

    assert (told.name, told.balance) == ("rich", Money(Decimal("100.0"), "USD"))
    assert (untold.name, untold.balance) == ("key admin…", None)
    assert told.fingerprint == untold.fingerprint


async def test_a_refused_key_is_a_key_problem(sandbox: Sandbox) -> None:
    async with a_fal(sandbox, "refused:key") as provider:
        with pytest.raises(KeyProblem) as failed:
            await provider.authorize()

    assert failed.value.problem.kind is Kind.KEY_REFUSED
    assert failed.value.problem.raw.startswith("HTTP 401")


async def test_a_key_that_may_not_read_prices_is_tested_with_a_token(sandbox: Sandbox) -> None:
    sandbox.faults([{"call": "authorize", "kind": "status", "code": 403, "body": {"detail": "admins only"}}])
    async with a_fal(sandbox) as provider:
        assert (await provider.authorize()).fingerprint


@pytest.mark.parametrize("call", ["authorize", "submit"])
async def test_an_empty_balance_is_never_called_a_wrong_key(sandbox: Sandbox, call: str) -> None:
    body = {"detail": "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."}
    sandbox.faults([{"call": call, "kind": "status", "code": 403, "body": body}])
    async with a_fal(sandbox) as provider:
        with pytest.raises(ProviderRefused) as failed:
            await (provider.authorize() if call == "authorize" else provider.submit(an_order()))

    assert failed.value.problem.kind is Kind.NO_CREDIT
    assert failed.value.problem.detail.startswith("User is locked")


@pytest.mark.parametrize(("tier", "rate"), [(Tier.PRO, "0.336"), (Tier.STANDARD, "0.252")])
async def test_the_price_of_each_quality_is_read_with_the_day(sandbox: Sandbox, tier: Tier, rate: str) -> None:
    async with a_fal(sandbox) as provider:
        price = await provider.price(tier)

    assert price is not None
    assert price.rate == Money(Decimal(rate), "USD")
    assert price.date == datetime.now(UTC).date().isoformat()


@pytest.mark.parametrize(
    "row",
    [
        {"unit_price": 0.3, "unit": "video", "currency": "USD"},
        {"unit_price": None, "unit": "second", "currency": "USD"},
        {"unit_price": -1, "unit": "second", "currency": "USD"},
        {"unit_price": True, "unit": "second", "currency": "USD"},
        {"unit_price": 0.3, "unit": "second"},
    ],
)
async def test_a_price_that_is_not_understood_is_unknown(row: dict[str, Any]) -> None:
    body = json.dumps({"prices": [{"endpoint_id": fal.ENDPOINTS[Tier.PRO], **row}]}).encode()
    async with Wire(reply(200, body)) as wire, a_fal(wire.url) as provider:
        assert await provider.price(Tier.PRO) is None


async def test_only_an_admin_key_learns_the_charge(sandbox: Sandbox, clip: Path) -> None:
    async with a_fal(sandbox, "admin:5ecret-boss") as boss, a_fal(sandbox) as ordinary:
        url = await boss.upload(clip, "one.mp4", silent)
        remote = await submitted(boss, url, tier=Tier.STANDARD)
        before = await boss.charge(remote)
        status = await end_of(boss, remote)

        assert isinstance(status, Finished)
        assert before is None
        assert await boss.charge(remote) == Money(Decimal("0.76"), "USD")
        assert await ordinary.charge(remote) is None


# ------------------------------------------------------------------------------------------------------------- the order


def test_the_order_says_everything_and_leaves_out_what_is_not_there() -> None:
    plain = json.loads(an_order(keep_audio=False).body)
    full = fal.planned_order(
        a_request(
            tier=Tier.STANDARD,
            images=(Image(place="a"), Image(place="b")),
            elements=(Element(frontal="f", angles=("g", "h")), Element(frontal="i")),
        ),
        assets("u0", "u1", "u2", "u3", "u4", "u5", "u6"),
        Clip(),
    )

    assert plain == {"prompt": "deep snow", "video_url": NOWHERE, "keep_audio": False, "shot_type": "customize"}
    assert full.path == "/fal-ai/kling-video/o3/standard/video-to-video/edit"
    assert list(json.loads(full.body)) == ["prompt", "video_url", "image_urls", "keep_audio", "elements", "shot_type"]
    assert json.loads(full.body)["image_urls"] == ["u1", "u2"]
    assert json.loads(full.body)["elements"] == [
        {"frontal_image_url": "u3", "reference_image_urls": ["u4", "u5"]},
        {"frontal_image_url": "u6", "reference_image_urls": ["u6"]},
    ]


async def test_the_order_asks_for_this_endpoint_and_no_other(sandbox: Sandbox) -> None:
    since = len(sandbox.requests())
    async with a_fal(sandbox) as provider:
        await submitted(provider)

    (post,) = sent(sandbox, "submit", since)
    assert post["headers"]["x-fal-disable-fallbacks"] == "1"
    assert "x-fal-no-retry" not in post["headers"]


async def test_links_that_lead_elsewhere_are_left_out_and_the_order_is_kept() -> None:
    body = {
        "request_id": "r1",
        "status_url": "https://evil.example/fal-ai/kling-video/requests/r1/status",
        "response_url": 7,
        "cancel_url": "not an address",
    }
    answers: list[Handler] = [
        reply(200, json.dumps(body).encode()),
        reply(200, b'{"status":"IN_QUEUE","request_id":"r1","queue_position":3}'),
    ]
    async with Wire(*answers) as wire, a_fal(wire.url) as provider:
        remote = await submitted(provider)
        status = await provider.poll(remote)

    assert remote == Remote(id="r1", links={})
    assert status == Waiting("IN_QUEUE", position=3)
    assert wire.asked[1].path == "/fal-ai/kling-video/requests/r1/status?logs=true"


async def test_the_links_of_another_request_are_not_asked_about_this_one(sandbox: Sandbox) -> None:
    async with a_fal(sandbox) as provider:
        one, other = await submitted(provider), await submitted(provider)
        status = await end_of(provider, Remote(id=one.id, links=other.links))

    assert isinstance(status, Failed)


@pytest.mark.parametrize("body", [b"{}", b'{"request_id":""}', b'{"request_id":5}', b"[]", b"accepted", b"<html>"])
async def test_an_answer_without_an_id_leaves_the_order_unknown(body: bytes) -> None:
    async with Wire(reply(200, body)) as wire, a_fal(wire.url) as provider:
        with pytest.raises(SubmitUnconfirmed):
            await provider.submit(an_order())

    assert len(wire.asked) == 1


@pytest.mark.parametrize(
    ("code", "body", "kind"),
    [
        (404, {"detail": "Application not found"}, Kind.MODEL_GONE),
        (422, {"detail": [{"loc": ["body", "prompt"], "msg": "Field required", "type": "missing"}]}, Kind.REQUEST_REJECTED),
        (422, {"detail": [{"loc": [], "msg": "No", "type": "content_policy_violation"}]}, Kind.CONTENT_REFUSED),
        (400, {"detail": "No", "error_type": "bad_request"}, Kind.REQUEST_REJECTED),
        (402, {"detail": "Not enough credits"}, Kind.NO_CREDIT),
    ],
)  # fmt: skip
async def test_a_refused_order_says_why(sandbox: Sandbox, code: int, body: dict[str, Any], kind: Kind) -> None:
    sandbox.faults([{"call": "submit", "kind": "status", "code": code, "body": body}])
    async with a_fal(sandbox) as provider:
        with pytest.raises(ProviderRefused) as failed:
            await provider.submit(an_order())

    assert failed.value.problem.kind is kind
    assert failed.value.problem.raw.startswith(f"HTTP {code}")


# ------------------------------------------------------------------------------------------------------------- the queue


async def test_an_edit_waits_runs_and_ends_with_a_video_that_needs_no_key(sandbox: Sandbox, clip: Path) -> None:
    async with a_fal(sandbox) as provider:
        url = await provider.upload(clip, "one.mp4", silent)
        remote = await submitted(provider, url)
        seen: list[Waiting] = []
        while isinstance(status := await provider.poll(remote), Waiting):
            seen.append(status)
            await asyncio.sleep(0.02)

        assert isinstance(status, Finished)
        assert provider.result_headers(status.url) == {}
    assert seen[0].word == "IN_QUEUE"
    assert seen[0].position is not None
    assert ("IN_PROGRESS", "Editing the video") in {(one.word, one.line) for one in seen}


@pytest.mark.parametrize("error_type", sorted(KINDS))
async def test_every_documented_type_of_failure_has_its_kind(error_type: str) -> None:
    # Once as the platform says it, once as the model does.
    status = b'{"status":"COMPLETED","request_id":"r","error":"It went wrong"}'
    shapes = (
        {"detail": "It went wrong", "error_type": error_type},
        {"detail": [{"loc": ["body", "image_urls", 1], "msg": "It went wrong", "type": error_type}]},
    )
    ends = []
    for body in shapes:
        answers = reply(200, status), reply(503, json.dumps(body).encode())
        async with Wire(*answers) as wire, a_fal(wire.url) as provider:
            ends.append(await provider.poll(Remote(id="r")))

    if error_type == "client_cancelled":
        assert ends == [Cancelled(), Cancelled()]
        return
    assert [end.kind for end in ends if isinstance(end, Failed)] == [KINDS[error_type]] * 2
    assert [end.reason for end in ends if isinstance(end, Failed)] == ["It went wrong", "image_urls.1: It went wrong"]


@pytest.mark.parametrize(
    ("message", "kind", "reason"),
    [
        ("content_policy_violation: No weapons", Kind.CONTENT_REFUSED, "No weapons"),
        ("runner_disconnected: Runner gone", Kind.PROVIDER_FAULT, "Runner gone"),
        ("generation_timeout: Too slow", Kind.PROVIDER_TIMEOUT, "Too slow"),
        ("something new", Kind.EDIT_FAILED, "video_url: something new"),
    ],
)
async def test_a_completed_job_with_an_error_has_failed(
    sandbox: Sandbox, message: str, kind: Kind, reason: str
) -> None:
    sandbox.faults([{"call": "submit", "kind": "fail_job", "message": message}])
    async with a_fal(sandbox) as provider:
        status = await end_of(provider, await submitted(provider))

    assert isinstance(status, Failed)
    assert (status.kind, status.reason) == (kind, reason)
    assert status.raw.startswith("HTTP ")


async def test_an_input_that_nobody_can_load_is_named(sandbox: Sandbox) -> None:
    async with a_fal(sandbox) as provider:
        status = await end_of(provider, await submitted(provider, f"{sandbox.at('fal')}/files/u/{'0' * 32}/x.mp4"))

    assert isinstance(status, Failed)
    assert status.kind is Kind.INPUT_NOT_READABLE
    assert status.reason.startswith("video_url: 404 Client Error")


async def test_a_result_that_cannot_be_read_is_never_a_failed_job(sandbox: Sandbox, clip: Path) -> None:
    answers = (
        (502, "<html><center>nginx</center></html>"),
        (503, '{"message": "no healthy upstream"}'),
        (500, '{"detail": "Internal Server Error"}'),
        (429, '{"detail": "Too many requests"}'),
        (200, "<html>Log in to use this network</html>"),
        (418, "<html>"),
        (302, ""),
    )
    async with a_fal(sandbox) as provider:
        remote = await submitted(provider, await provider.upload(clip, "one.mp4", silent))
        assert isinstance(await end_of(provider, remote), Finished)
        for code, body in answers:
            sandbox.faults([{"call": "record", "kind": "status", "code": code, "body": body}])
            with pytest.raises((NetworkProblem, UnexpectedReply)):
                await provider.poll(remote)
        assert isinstance(await provider.poll(remote), Finished)


async def test_a_result_that_is_not_known_any_more_is_missing_and_one_behind_a_lost_key_waits_for_the_key() -> None:
    done = reply(200, b'{"status":"COMPLETED","request_id":"r"}')
    gone, shut = reply(404, b'{"detail":"Request not found"}'), reply(401, b'{"detail":"Authentication is required"}')
    async with Wire(done, gone, done, shut) as wire, a_fal(wire.url) as provider:
        assert await provider.poll(Remote(id="r")) == Missing()
        with pytest.raises(KeyProblem):
            await provider.poll(Remote(id="r"))


async def test_a_failure_whose_result_cannot_be_read_is_told_in_the_words_of_the_status(sandbox: Sandbox) -> None:
    sandbox.faults(
        [
            {"call": "submit", "kind": "fail_job", "message": "runner_disconnected: Runner gone"},
            {"call": "record", "kind": "status", "code": 502, "body": "<center>nginx</center>"},
        ]
    )
    async with a_fal(sandbox) as provider:
        status = await end_of(provider, await submitted(provider))

    assert status == Failed("Runner gone", Kind.PROVIDER_FAULT, status.raw)  # type: ignore[union-attr]


async def test_a_result_that_is_not_there_yet_is_waited_for(sandbox: Sandbox, clip: Path) -> None:
    async with a_fal(sandbox) as provider:
        remote = await submitted(provider, await provider.upload(clip, "one.mp4", silent))
        body = {"detail": "Request is still in progress"}
        sandbox.faults([{"call": "record", "kind": "status", "code": 400, "body": body}])

        assert isinstance(await end_of(provider, remote), Finished)


async def test_an_unknown_word_is_waiting_and_an_unknown_request_is_missing(sandbox: Sandbox) -> None:
    async with a_fal(sandbox) as provider, a_fal(sandbox, "id:5ecret-stranger") as stranger:
        remote = await submitted(provider)
        sandbox.faults([{"call": "poll", "kind": "unknown_status"}])

        assert await provider.poll(remote) == Waiting("rehearsing")
        assert await stranger.poll(remote) == Missing()


async def test_the_answer_about_another_request_is_not_believed() -> None:
    body = b'{"status":"COMPLETED","request_id":"other"}'
    async with Wire(reply(200, body)) as wire, a_fal(wire.url) as provider:
        with pytest.raises(UnexpectedReply):
            await provider.poll(Remote(id="mine"))


async def test_a_job_in_the_queue_is_stopped_and_an_ended_one_is_not(sandbox: Sandbox) -> None:
    async with a_fal(sandbox) as provider:
        remote = await submitted(provider)
        answers = [await provider.cancel(remote), await provider.cancel(remote)]
        answers.append(await provider.cancel(Remote(id="nobody-knows-me")))

        assert answers == [CancelAnswer.STOPPED, CancelAnswer.TOO_LATE, CancelAnswer.TOO_LATE]
        assert await end_of(provider, remote) == Cancelled()


async def test_a_running_job_is_only_asked_to_stop(sandbox: Sandbox, clip: Path) -> None:
    async with a_fal(sandbox) as provider:
        remote = await submitted(provider, await provider.upload(clip, "one.mp4", silent))
        while (await provider.poll(remote)) != Waiting("IN_PROGRESS", line="Editing the video"):
            await asyncio.sleep(0.01)

        assert await provider.cancel(remote) is CancelAnswer.ASKED
        assert await end_of(provider, remote) == Cancelled()


# -------------------------------------------------------------------------------------------------------------- the list


async def test_a_lost_order_is_found_in_either_quality_and_whatever_the_clock_says(sandbox: Sandbox) -> None:
    sandbox.faults([{"call": "submit", "kind": "drop_after", "times": 2}])
    async with a_fal(sandbox, "id:5ecret-lost") as provider:
        for tier in (Tier.PRO, Tier.STANDARD):
            with pytest.raises(SubmitUnconfirmed):
                await provider.submit(an_order(f"https://inputs.invalid/{tier}.mp4", tier=tier))
        for now in (datetime.now(UTC), datetime.now(UTC) + timedelta(days=3), datetime.now(UTC) - timedelta(days=3)):
            listed = await provider.find(now)
            assert {job.input_video for job in listed} == {
                "https://inputs.invalid/pro.mp4",
                "https://inputs.invalid/standard.mp4",
            }


async def test_the_list_is_read_page_by_page(sandbox: Sandbox) -> None:
    # So many edits that begin would keep the machine busy for long.
    sandbox.faults([{"call": "submit", "kind": "fail_job", "times": 0}])
    async with a_fal(sandbox, "id:5ecret-busy") as provider:
        for n in range(fal.PAGE_SIZE + 3):
            await submitted(provider, f"https://inputs.invalid/{n}.mp4")
        listed = await provider.find(datetime.now(UTC) - timedelta(minutes=10))

    assert len({job.input_video for job in listed}) == fal.PAGE_SIZE + 3


@pytest.mark.parametrize("code", [401, 403])
async def test_a_key_that_may_not_list_is_still_a_good_key(sandbox: Sandbox, code: int) -> None:
    sandbox.faults([{"call": "list", "kind": "status", "code": code, "times": 9}])
    async with a_fal(sandbox) as provider:
        with pytest.raises(ProviderRefused) as failed:
            await provider.find(datetime.now(UTC))

    assert failed.value.problem.detail == "this key may not list requests"


# ----------------------------------------------------------------------------------------------------------- the storage


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One byte more than what goes in one piece, and different in each part."""
    path = tmp_path_factory.mktemp("large") / "large.mp4"
    with path.open("wb") as out:
        for n in range(0, WHOLE_MAX_BYTES + 1, PART_BYTES):
            out.seek(n)
            out.write(random.Random(n).randbytes(64))
        out.truncate(WHOLE_MAX_BYTES + 1)
    return path


@pytest.fixture
def clip(meadow_clip: Path) -> Path:
    return meadow_clip


@pytest.fixture(scope="module")
def meadow_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
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


async def test_a_file_goes_to_the_cdn_with_a_token_for_a_day_and_is_seen_without(sandbox: Sandbox, clip: Path) -> None:
    since = len(sandbox.requests())
    seen: list[tuple[int, int]] = []
    async with a_fal(sandbox) as provider:
        first = await provider.upload(clip, "one.mp4", lambda done, total: seen.append((done, total)))
        second = await provider.upload(clip, "two.mp4", silent)

    assert first != second
    assert first.endswith("/one.mp4")
    assert seen[-1] == (clip.stat().st_size, clip.stat().st_size)
    assert len(sent(sandbox, "token", since)) == 1
    for upload in sent(sandbox, "upload", since):
        assert upload["headers"]["authorization"].startswith("Bearer ")
        assert json.loads(upload["headers"]["x-fal-object-lifecycle"]) == {"expiration_duration_seconds": LIFETIME_S}
        assert upload["body_bytes"] == clip.stat().st_size
    heads = sent(sandbox, "fetch", since)
    assert [one["method"] for one in heads] == ["HEAD", "HEAD"]
    assert all("authorization" not in one["headers"] for one in heads)


@pytest.mark.parametrize("code", [401, 403])
async def test_a_token_that_has_ceased_to_be_good_is_replaced(sandbox: Sandbox, clip: Path, code: int) -> None:
    since = len(sandbox.requests())
    sandbox.faults([{"call": "upload", "kind": "status", "code": code}])
    async with a_fal(sandbox) as provider:
        await provider.upload(clip, "one.mp4", silent)

    assert (len(sent(sandbox, "token", since)), len(sent(sandbox, "upload", since))) == (2, 2)


async def test_where_the_cdn_is_out_of_order_the_older_storage_takes_the_file_and_sees_no_key(
    sandbox: Sandbox, clip: Path
) -> None:
    since = len(sandbox.requests())
    sandbox.faults([{"call": "upload", "kind": "status", "code": 500, "times": 99}])
    async with a_fal(sandbox) as provider:
        url = await provider.upload(clip, "one.mp4", silent)
        sandbox.faults([])
        status = await end_of(provider, await submitted(provider, url))

    assert isinstance(status, Finished)
    (initiate,) = sent(sandbox, "initiate", since)
    (put,) = sent(sandbox, "put", since)
    assert initiate["headers"]["authorization"].startswith("Key ")
    assert json.loads(initiate["headers"]["x-fal-object-lifecycle-preference"]) == {
        "expiration_duration_seconds": LIFETIME_S
    }
    assert "authorization" not in put["headers"]
    assert KEY not in json.dumps(put)
    assert put["body_bytes"] == clip.stat().st_size


@pytest.mark.parametrize("code", [400, 403])
async def test_a_signed_address_that_expired_on_the_way_is_replaced(sandbox: Sandbox, clip: Path, code: int) -> None:
    since = len(sandbox.requests())
    sandbox.faults(
        [
            {"call": "upload", "kind": "status", "code": 500, "times": 99},
            {"call": "put", "kind": "status", "code": code, "body": "<Error><Code>ExpiredToken</Code></Error>"},
        ]
    )
    async with a_fal(sandbox) as provider:
        await provider.upload(clip, "one.mp4", silent)

    assert (len(sent(sandbox, "initiate", since)), len(sent(sandbox, "put", since))) == (2, 2)


async def test_the_lost_answer_to_the_last_step_of_an_upload_does_no_harm(
    sandbox: Sandbox, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fal_storage, "WHOLE_MAX_BYTES", 1000)
    since = len(sandbox.requests())
    sandbox.faults([{"call": "complete", "kind": "drop_after"}])
    async with a_fal(sandbox) as provider:
        await provider.upload(clip, "one.mp4", silent)

    assert len(sent(sandbox, "complete", since)) == 2


async def test_a_storage_that_refuses_every_signed_address_is_believed(sandbox: Sandbox, clip: Path) -> None:
    since = len(sandbox.requests())
    sandbox.faults(
        [{"call": call, "kind": "status", "code": code, "times": 99} for call, code in (("upload", 500), ("put", 403))]
    )
    async with a_fal(sandbox) as provider:
        with pytest.raises(ProviderRefused) as failed:
            await provider.upload(clip, "one.mp4", silent)

    assert failed.value.problem.kind is Kind.UPLOAD_REFUSED
    assert len(sent(sandbox, "put", since)) == 2


@pytest.mark.parametrize("code", [400, 403, 413])
async def test_what_the_cdn_refuses_is_not_taken_elsewhere(sandbox: Sandbox, clip: Path, code: int) -> None:
    since = len(sandbox.requests())
    sandbox.faults([{"call": "upload", "kind": "status", "code": code, "body": {"detail": "No"}, "times": 9}])
    async with a_fal(sandbox) as provider:
        with pytest.raises(ProviderRefused) as failed:
            await provider.upload(clip, "one.mp4", silent)

    assert (failed.value.problem.kind, failed.value.problem.detail) == (Kind.UPLOAD_REFUSED, "No")
    assert sent(sandbox, "initiate", since) == []


async def test_a_file_that_nobody_can_read_is_found_out_before_paying(sandbox: Sandbox, clip: Path) -> None:
    sandbox.faults([{"call": "fetch", "kind": "status", "code": 404}])
    async with a_fal(sandbox) as provider:
        with pytest.raises(ProviderRefused) as failed:
            await provider.upload(clip, "one.mp4", silent)

    assert failed.value.problem.kind is Kind.UPLOAD_REFUSED


async def test_the_largest_file_that_goes_whole_goes_whole(sandbox: Sandbox, tmp_path: Path) -> None:
    since = len(sandbox.requests())
    path = tmp_path / "just.mp4"
    with path.open("wb") as out:
        out.truncate(WHOLE_MAX_BYTES)
    async with a_fal(sandbox) as provider:
        await provider.upload(path, "just.mp4", silent)

    assert [one["body_bytes"] for one in sent(sandbox, "upload", since)] == [WHOLE_MAX_BYTES]
    assert sent(sandbox, "part", since) == []


async def test_a_larger_file_goes_in_parts_and_only_a_failed_part_goes_twice(sandbox: Sandbox, large: Path) -> None:
    since = len(sandbox.requests())
    seen: list[tuple[int, int]] = []
    # One part is cut off, and for another one the token has ceased to be good.
    sandbox.faults(
        [
            {"call": "part", "kind": "reset_before", "after": 2},
            {"call": "part", "kind": "status", "code": 401, "after": 5},
        ]
    )
    async with a_fal(sandbox) as provider:
        url = await provider.upload(large, "large.mp4", lambda done, total: seen.append((done, total)))

    parts = sent(sandbox, "part", since)
    numbers = [int(one["path"].rsplit("/", 1)[1]) for one in parts]
    assert sorted(set(numbers)) == list(range(1, 12))
    assert len(numbers) == 13
    assert all(one["headers"]["authorization"].startswith("Bearer ") for one in parts)
    assert len(sent(sandbox, "token", since)) == 2
    assert seen[-1] == (WHOLE_MAX_BYTES + 1, WHOLE_MAX_BYTES + 1)
    assert await asyncio.to_thread(_same, url, large)


async def test_an_upload_that_broke_off_goes_on_where_it_was(sandbox: Sandbox, large: Path) -> None:
    since = len(sandbox.requests())
    sandbox.faults([{"call": "part", "kind": "status", "code": 503, "after": 6, "times": 99}])
    async with a_fal(sandbox) as provider:
        with pytest.raises(NetworkProblem):
            await provider.upload(large, "first.mp4", silent)
        arrived = [one for one in sent(sandbox, "part", since) if not one["faults"]]
        sandbox.faults([])
        url = await provider.upload(large, "second.mp4", silent)

    whole = [one["path"] for one in sent(sandbox, "part", since) if not one["faults"]]
    assert len(arrived) == 6
    assert len(whole) == len(set(whole)) == 11
    assert len(sent(sandbox, "create", since)) == 1
    assert sent(sandbox, "initiate", since) == []
    assert await asyncio.to_thread(_same, url, large)


async def test_two_jobs_with_one_large_file_get_an_address_each(sandbox: Sandbox, large: Path) -> None:
    async with a_fal(sandbox) as provider:
        urls = await asyncio.gather(*(provider.upload(large, f"{name}.mp4", silent) for name in ("one", "two")))

    assert len(set(urls)) == 2, "the address is what tells one paid request from another"


async def test_an_upload_that_the_cdn_has_forgotten_begins_anew(sandbox: Sandbox, large: Path) -> None:
    since = len(sandbox.requests())
    sandbox.faults([{"call": "complete", "kind": "status", "code": 404, "body": {"detail": "Upload not found"}}])
    async with a_fal(sandbox) as provider:
        with pytest.raises(ProviderRefused):
            await provider.upload(large, "first.mp4", silent)
        await provider.upload(large, "second.mp4", silent)

    assert len(sent(sandbox, "create", since)) == 2


def _same(url: str, path: Path) -> bool:
    import urllib.request

    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url) as served, path.open("rb") as file:
        while piece := file.read(1024 * 1024):
            if served.read(len(piece)) != piece:
                return False
        return not served.read(1)
