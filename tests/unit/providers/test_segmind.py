"""The Segmind adapter: what it sends, every form of an answer it may get, and where it looks when a record is gone."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from klingstudio.domain.element import Element, Image
from klingstudio.domain.errors import (
    Charged,
    KeyProblem,
    Kind,
    NetworkProblem,
    ProviderRefused,
    SubmitUnconfirmed,
    UnexpectedReply,
)
from klingstudio.domain.job import Asset, Order, Remote
from klingstudio.domain.price import Money
from klingstudio.domain.request import Request, Tier
from klingstudio.net.api import REPLY_MAX_BYTES
from klingstudio.providers.base import Failed, Finished, Missing, Provider, RemoteStatus, Waiting
from klingstudio.providers.registry import SEGMIND
from klingstudio.providers.segmind import HISTORY, INFO, SUBMIT, planned_order
from tests.fakes.sandbox import Sandbox, run_sandbox
from tests.fakes.services import Clip, an_adapter, charges, key_of
from tests.fakes.studio_run import a_clip
from tests.fakes.wire import Handler, Wire, reply

ME = Remote(id="job-1")
SINCE = datetime(2026, 9, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with run_sandbox(tmp_path_factory.mktemp("sandbox"), "--queue-delay", "0.05") as running:
        yield running


@pytest.fixture
def sandbox(shared: Sandbox) -> Sandbox:
    shared.faults([])
    shared.forget_requests()
    return shared


@pytest.fixture(scope="module")
def waiting_room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Its jobs never begin."""
    with run_sandbox(tmp_path_factory.mktemp("waiting"), "--queue-delay", "99999") as running:
        yield running


@asynccontextmanager
async def adapter(base: str, account: str = "somebody", **options: Any) -> AsyncIterator[Provider]:
    key = options.pop("key", key_of(account))
    async with an_adapter(SEGMIND, base, key, **options) as provider:
        yield provider


@asynccontextmanager
async def answered_by(*handlers: Handler) -> AsyncIterator[tuple[Provider, Wire]]:
    """The adapter with a server that says exactly this."""
    async with Wire(*handlers) as wire, adapter(wire.url, tries=1) as provider:
        yield provider, wire


def says(tree: object, status: int = 200, **headers: str) -> Handler:
    return reply(status, json.dumps(tree).encode(), **headers)


GONE = says({"error": "Request job-1 not found"}, 404)


def assets(*urls: str) -> tuple[Asset, ...]:
    return tuple(Asset(subject="source", url=url) for url in urls)


def an_order(video: str = "https://inputs.invalid/clip.mp4", clip: Clip | None = None, **changes: Any) -> Order:
    request = Request(**({"source": "/clip.mp4", "prompt": "deep snow", "provider": "segmind"} | changes))
    return planned_order(request, assets(video), clip or Clip())


def body_of(order: Order) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(order.body)
    return body


async def end_of(provider: Provider, remote: Remote) -> RemoteStatus:
    while isinstance(status := await provider.poll(remote), Waiting):
        await asyncio.sleep(0.05)
    return status


def ignore(done: int, total: int) -> None:
    """Nobody watches this upload."""


# ---------------------------------------------------------------------------------------------------------------- orders


def test_every_field_is_written_out_and_nothing_is_left_to_a_default() -> None:
    request = Request(
        source="/clip.mp4",
        prompt="deep snow ❄",
        provider="segmind",
        tier=Tier.STANDARD,
        images=(Image(place="a"), Image(place="b")),
        elements=(Element(frontal="f", angles=("g", "h")), Element(frontal="i")),
        keep_audio=False,
    )

    order = planned_order(request, assets("u0", "u1", "u2", "u3", "u4", "u5", "u6"), Clip(5.0, 1280, 720))

    assert order.path == "/v2/kling-o3-video2video-edit"
    assert body_of(order) == {
        "prompt": "deep snow ❄",
        "video_url": "u0",
        "image_urls": ["u1", "u2"],
        "elements": [
            {"frontal_image_url": "u3", "reference_image_urls": ["u4", "u5"]},
            {"frontal_image_url": "u6", "reference_image_urls": []},
        ],
        "mode": "std",
        "duration": "5",
        "aspect_ratio": "16:9",
        "keep_audio": False,
        "shot_type": "customize",
    }


@pytest.mark.parametrize(
    ("length_s", "told"),
    [
        (3.0, "3"),
        (2.97, "3"),
        (4.49, "4"),
        (4.5, "5"),
        (5.5, "6"),
        (9.99, "10"),
        (10.04, "10"),
        (15.04, "15"),
        (15.6, "15"),
    ],
)
def test_the_length_is_told_as_text_to_the_nearest_second(length_s: float, told: str) -> None:
    assert body_of(an_order(clip=Clip(length_s)))["duration"] == told


@pytest.mark.parametrize(
    ("width", "height", "shape"),
    [
        (1920, 1080, "16:9"),
        (1080, 1920, "9:16"),
        (720, 720, "1:1"),
        (960, 720, "16:9"),
        (720, 960, "9:16"),
        (958, 720, "1:1"),
        (720, 958, "1:1"),
        (1080, 720, "16:9"),
        (720, 1080, "9:16"),
        (2160, 900, "16:9"),
    ],
)
def test_the_shape_is_the_nearest_of_the_three_that_there_are(width: int, height: int, shape: str) -> None:
    assert body_of(an_order(clip=Clip(5.0, width, height)))["aspect_ratio"] == shape


@pytest.mark.parametrize("keep", [True, False])
def test_the_sound_is_always_said(keep: bool) -> None:
    assert body_of(an_order(keep_audio=keep))["keep_audio"] is keep


# ------------------------------------------------------------------------------------------------------------- whole way


async def test_a_clip_goes_in_and_a_take_comes_out_with_its_cost(sandbox: Sandbox, tmp_path: Path) -> None:
    clip = a_clip(tmp_path / "clip.mp4")
    seen: list[tuple[int, int]] = []
    async with adapter(sandbox.at("segmind"), "annie") as provider:
        before = (await provider.authorize()).balance
        url = await provider.upload(clip, "unique.mp4", lambda done, total: seen.append((done, total)))
        receipt = await provider.submit(an_order(url, tier=Tier.STANDARD))
        remote = Remote(id=receipt.ids[0], links=receipt.links)
        status = await end_of(provider, remote)
        charge = await provider.charge(remote)

    assert isinstance(status, Finished)
    assert provider.result_headers(status.url) == {}
    assert before == Money(Decimal("100.018"), "USD")
    (charged,) = charges(sandbox, SEGMIND, "annie")
    assert charge == Money(Decimal(charged["amount"]), "USD")
    assert seen[-1] == (clip.stat().st_size, clip.stat().st_size)
    assert set(receipt.links) == {"status_url", "response_url"}
    assert all("x-api-key" not in one["headers"] for one in sandbox.requests("HEAD"))


async def test_a_record_that_is_the_video_itself_is_fetched_there_with_the_key(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    clip = a_clip(tmp_path / "clip.mp4")
    async with adapter(sandbox.at("segmind"), "bert") as provider:
        url = await provider.upload(clip, "unique.mp4", ignore)
        receipt = await provider.submit(an_order(url))
        remote = Remote(id=receipt.ids[0], links=receipt.links)
        sandbox.faults([{"call": "record", "kind": "other_form", "times": 0}])
        status = await end_of(provider, remote)
        charge = await provider.charge(remote)

    assert status == Finished(receipt.links["response_url"])
    assert provider.result_headers(receipt.links["response_url"]) == {"x-api-key": key_of("bert")}
    assert charge == Money(Decimal(charges(sandbox, SEGMIND, "bert")[0]["amount"]), "USD")


async def test_a_film_larger_than_any_answer_is_not_read_by_a_poll() -> None:
    film = b"\0\0\0\x18ftypmp42" + bytes(REPLY_MAX_BYTES + 1000)
    async with answered_by(says({"status": "COMPLETED"}), reply(200, film, Content_Type="video/mp4")) as (
        provider,
        wire,
    ):
        status = await provider.poll(ME)

        assert status == Finished(f"{wire.url}/v2/requests/job-1")


async def test_after_an_hour_the_history_tells_the_rest(sandbox: Sandbox, tmp_path: Path) -> None:
    clip = a_clip(tmp_path / "clip.mp4")
    async with adapter(sandbox.at("segmind"), "carla") as provider:
        url = await provider.upload(clip, "unique.mp4", ignore)
        receipt = await provider.submit(an_order(url))
        remote = Remote(id=receipt.ids[0])
        sandbox.faults([{"call": call, "kind": "record_gone", "times": 0} for call in ("poll", "record")])
        first = await provider.poll(remote)
        status = await end_of(provider, remote)
        charge = await provider.charge(remote)

    assert isinstance(first, Waiting)
    assert isinstance(status, Finished)
    assert charge == Money(Decimal(charges(sandbox, SEGMIND, "carla")[0]["amount"]), "USD")


# ---------------------------------------------------------------------------------------------------------------- keys


async def test_the_credits_are_read_once_with_their_hyphen() -> None:
    async with answered_by(says({"credits": 1.5, "free-credits": 0.018})) as (provider, wire):
        account = await provider.authorize()
        again = await provider.authorize()

        assert account.balance == Money(Decimal("1.518"), "USD")
        assert again is account
        assert [(one.method, one.path) for one in wire.asked] == [("GET", "/v1/get-user-credits")]
        assert wire.asked[0].headers["x-api-key"] == key_of("somebody")
        assert "authorization" not in wire.asked[0].headers


async def test_an_account_that_never_paid_has_a_good_key_and_nothing_to_spend(sandbox: Sandbox) -> None:
    async with adapter(sandbox.at("segmind"), key="empty-5ecret-dora") as provider:
        assert (await provider.authorize()).balance == Money(Decimal(0), "USD")


@pytest.mark.parametrize(
    "tree", [{"error": "Not Found"}, {"error": "Model not found"}, {}], ids=["address", "model", "silent"]
)
async def test_any_other_404_is_no_key_test(tree: object) -> None:
    async with answered_by(says(tree, 404)) as (provider, _):
        with pytest.raises(ProviderRefused):
            await provider.authorize()


async def test_a_refused_key_is_a_key_problem_with_the_reply_kept(sandbox: Sandbox) -> None:
    async with adapter(sandbox.at("segmind"), key="refused-5ecret-emil") as provider:
        with pytest.raises(KeyProblem) as failed:
            await provider.authorize()

    assert failed.value.problem.kind is Kind.KEY_REFUSED
    assert failed.value.problem.raw.startswith("HTTP 401\n")
    assert "invalid or may have expired" in failed.value.problem.raw


async def test_an_account_is_told_by_its_key_and_never_shows_it(sandbox: Sandbox) -> None:
    key = "SG_0123456789abcdef"
    async with (
        adapter(sandbox.at("segmind"), key=key) as first,
        adapter(sandbox.at("segmind"), key=key) as second,
        adapter(sandbox.at("segmind"), key="SG_0123456789abcdee") as other,
    ):
        accounts = [await one.authorize() for one in (first, second, other)]

    prints = [account.fingerprint for account in accounts]
    assert prints[0] == prints[1] != prints[2]
    assert len(prints[0]) == 8
    assert all(key[n : n + 4] not in account.fingerprint + account.name for account in accounts for n in range(3, 16))


# ---------------------------------------------------------------------------------------------------------------- uploads


@pytest.mark.parametrize("form", ["urls", "file_urls"])
async def test_both_forms_of_the_answer_to_an_upload_are_read(form: str, sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "clip.mp4"
    file.write_bytes(os.urandom(100_001))
    if form == "urls":
        sandbox.faults([{"call": "upload", "kind": "other_form"}])

    async with adapter(sandbox.at("segmind")) as provider:
        url = await provider.upload(file, "unique.mp4", ignore)

    (head,) = sandbox.requests("HEAD")
    assert url.endswith(head["path"])


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("a.mp4", "video/mp4"), ("a.mov", "video/quicktime"), ("a.png", "image/png"), ("a.jpg", "image/jpeg")],
)
async def test_an_upload_is_the_json_of_the_official_client(name: str, media_type: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_bytes(os.urandom(1000))
    async with Wire(reply(200, file.read_bytes())) as storage:
        async with answered_by(says({"file_urls": [f"{storage.url}/assets/x"]})) as (provider, wire):
            url = await provider.upload(file, name, ignore)

            data = base64.b64encode(file.read_bytes()).decode()
            expected = json.dumps({"data_urls": [f"data:{media_type};base64,{data}"]}, separators=(",", ":"))
            assert [(one.path, one.body) for one in wire.asked] == [("/upload-asset", expected.encode())]
        assert url == f"{storage.url}/assets/x"
        assert [(one.method, "x-api-key" in one.headers) for one in storage.asked] == [("HEAD", False)]


async def test_a_file_that_arrived_shorter_is_no_upload(tmp_path: Path) -> None:
    file = tmp_path / "clip.mp4"
    file.write_bytes(b"film")
    async with Wire(reply(200, b"fil")) as storage, answered_by(says({"urls": [f"{storage.url}/x"]})) as (provider, _):
        with pytest.raises(UnexpectedReply):
            await provider.upload(file, "unique.mp4", ignore)


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ([says({"error": "File too large"}, 413)], Kind.UPLOAD_REFUSED),
        ([says({"error": "Bad data url"}, 400)], Kind.REQUEST_REJECTED),
        ([says({"error": "Insufficient credits"}, 406)], Kind.NO_CREDIT),
        ([reply(405, b"<html>405</html>")], Kind.REQUEST_REJECTED),
        ([says({"message": "uploaded"})], Kind.UNEXPECTED_REPLY),
        ([says({"urls": []})], Kind.UNEXPECTED_REPLY),
        ([says({"urls": [7]})], Kind.UNEXPECTED_REPLY),
        ([says({"urls": ["http://storage.invalid/x"]})], Kind.UNEXPECTED_REPLY),
        ([says({"urls": ["ftp://storage.invalid/x"]})], Kind.UNEXPECTED_REPLY),
        ([says({"urls": ["https://name:word@storage.invalid/x"]})], Kind.UNEXPECTED_REPLY),
    ],
)
async def test_an_upload_that_went_wrong_says_why(answers: list[Handler], kind: Kind, tmp_path: Path) -> None:
    file = tmp_path / "clip.mp4"
    file.write_bytes(b"film")
    async with answered_by(*answers) as (provider, _):
        with pytest.raises((ProviderRefused, UnexpectedReply)) as failed:
            await provider.upload(file, "unique.mp4", ignore)

    assert failed.value.problem.kind is kind
    assert failed.value.problem.raw or kind is Kind.UNEXPECTED_REPLY


@pytest.mark.parametrize(("status", "kind"), [(403, Kind.UPLOAD_REFUSED), (404, Kind.UPLOAD_REFUSED)])
async def test_a_file_that_nobody_can_read_is_no_upload(status: int, kind: Kind, tmp_path: Path) -> None:
    file = tmp_path / "clip.mp4"
    file.write_bytes(b"film")
    async with Wire(reply(status, b"")) as storage:
        async with answered_by(says({"urls": [f"{storage.url}/x"]})) as (provider, _):
            with pytest.raises(ProviderRefused) as failed:
                await provider.upload(file, "unique.mp4", ignore)

        assert failed.value.problem.kind is kind
        assert [(one.method, "x-api-key" in one.headers) for one in storage.asked] == [("HEAD", False)]


@pytest.mark.slow
async def test_200_mb_go_up_within_8_mb_of_memory(sandbox: Sandbox, tmp_path: Path) -> None:
    status = Path("/proc/self/status")
    if not status.exists():
        pytest.skip("memory is measured on Linux only")
    file = tmp_path / "clip.mp4"
    with file.open("wb") as out:
        for _ in range(200):
            out.write(os.urandom(1_000_000))
    async with adapter(sandbox.at("segmind")) as provider:
        small = tmp_path / "small.mp4"
        small.write_bytes(os.urandom(2_000_000))
        await provider.upload(small, "small.mp4", ignore)
        Path("/proc/self/clear_refs").write_text("5")
        before = _memory_kb("VmRSS")
        began = time.monotonic()
        url = await provider.upload(file, "unique.mp4", ignore)
        took_s = time.monotonic() - began
        grew_mb = (_memory_kb("VmHWM") - before) / 1024

    assert grew_mb <= 8, f"{grew_mb:.1f} MB in {took_s:.1f} s"
    (post,) = [one for one in sandbox.requests("POST", "/upload-asset") if one["body_bytes"] > 200_000_000]
    assert post["body_bytes"] == len('{"data_urls":["data:video/mp4;base64,"]}') + -(-200_000_000 // 3) * 4
    assert url.startswith(sandbox.at("segmind"))


def _memory_kb(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


# ---------------------------------------------------------------------------------------------------------------- submits


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        (400, "Invalid parameters", Kind.REQUEST_REJECTED),
        (404, "Model not found", Kind.MODEL_GONE),
        (405, "Method not allowed", Kind.REQUEST_REJECTED),
        (406, "Insufficient credits", Kind.NO_CREDIT),
        (406, "", Kind.NO_CREDIT),
        (406, "Invalid content type", Kind.REQUEST_REJECTED),
        (406, "Invalid content-type header", Kind.REQUEST_REJECTED),
        (406, "Team spending limit exceeded", Kind.ACCOUNT_LIMIT),
        (406, "Monthly quota reached", Kind.ACCOUNT_LIMIT),
        (410, "This model has been retired", Kind.MODEL_GONE),
        (413, "Too large", Kind.REQUEST_REJECTED),
        (422, "validation failed", Kind.REQUEST_REJECTED),
    ],
)
async def test_a_definite_no_has_its_kind_its_words_and_its_reply(status: int, words: str, kind: Kind) -> None:
    async with answered_by(says({"error": words}, status)) as (provider, wire):
        with pytest.raises(ProviderRefused) as failed:
            await provider.submit(an_order())

        problem = failed.value.problem
        assert (problem.kind, problem.charged) == (kind, Charged.NO)
        assert problem.detail == (words or f"HTTP {status}")
        assert problem.raw == f'HTTP {status}\n{{"error": "{words}"}}'
        assert len(wire.asked) == 1


@pytest.mark.parametrize("status", [401, 403])
async def test_a_key_without_rights_is_a_key_problem(status: int) -> None:
    async with answered_by(says({"error": "Missing Authorization or x-api-key in header"}, status)) as (provider, _):
        with pytest.raises(KeyProblem) as failed:
            await provider.submit(an_order())

    assert failed.value.problem.kind is Kind.KEY_REFUSED
    assert failed.value.problem.raw.startswith(f"HTTP {status}")


@pytest.mark.parametrize("status", [500, 502, 504])
async def test_a_broken_machine_leaves_a_submit_unknown_with_its_reply(status: int) -> None:
    async with answered_by(says({"error": "bad parameters"}, status)) as (provider, wire):
        with pytest.raises(SubmitUnconfirmed) as failed:
            await provider.submit(an_order())

        assert failed.value.problem.charged is Charged.MAYBE
        assert "bad parameters" in failed.value.problem.raw
        assert len(wire.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        says({}),
        says([]),
        says({"request_id": ""}),
        says({"request_id": 7}),
        says({"request_id": "x" * 201}),
        reply(200, b"<html>"),
        reply(200, b""),
        reply(200, b"film", Content_Type="video/mp4"),
    ],
    ids=["empty", "list", "no id", "number", "endless", "page", "nothing", "film"],
)
async def test_an_acceptance_without_an_id_is_unknown(answer: Handler) -> None:
    async with answered_by(answer) as (provider, _):
        with pytest.raises(SubmitUnconfirmed):
            await provider.submit(an_order())


async def test_a_limit_is_waited_for_until_the_moment_it_names() -> None:
    reset = (datetime.now(UTC) + timedelta(seconds=20)).isoformat()
    async with answered_by(says({"error": "rate_limit_exceeded"}, 429, X_Rate_Limit_Reset_At_Utc=reset)) as (
        provider,
        _,
    ):
        with pytest.raises(NetworkProblem) as failed:
            await provider.submit(an_order())

    assert failed.value.problem.kind is Kind.PROVIDER_BUSY
    assert failed.value.retry_after_s is not None
    assert 15 < failed.value.retry_after_s <= 20


async def test_foreign_addresses_are_not_kept_and_never_asked() -> None:
    answer = {
        "request_id": "job-1",
        "status_url": "https://elsewhere.invalid/v2/requests/job-1/status",
        "response_url": "//elsewhere.invalid/x",
    }
    async with answered_by(says(answer), says({"status": "QUEUED", "request_id": "job-1"})) as (provider, wire):
        receipt = await provider.submit(an_order())
        foreign = Remote(id="job-1", links=dict.fromkeys(("status_url", "response_url"), "https://elsewhere.invalid/x"))
        status = await provider.poll(foreign)

        assert (receipt.ids, dict(receipt.links)) == (("job-1",), {})
        assert status == Waiting("QUEUED")
        assert [one.path for one in wire.asked] == [SUBMIT, "/v2/requests/job-1/status"]


async def test_two_jobs_for_one_clip_are_both_found_again(waiting_room: Sandbox) -> None:
    async with adapter(waiting_room.at("segmind"), "frieda") as provider:
        for _ in range(2):
            await provider.submit(an_order("https://inputs.invalid/two.mp4"))
        found = await provider.find(datetime.now(UTC) - timedelta(minutes=10))

    assert [job.input_video for job in found] == ["https://inputs.invalid/two.mp4"] * 2


# ------------------------------------------------------------------------------------------------------------------ polls


@pytest.mark.parametrize("word", ["QUEUED", "PROCESSING", "REHEARSING"])
async def test_a_job_that_is_not_over_is_waited_for(word: str) -> None:
    async with answered_by(says({"status": word, "request_id": "job-1", "metrics": {}})) as (provider, _):
        assert await provider.poll(ME) == Waiting(word)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Generation failed: content policy violation", Kind.CONTENT_REFUSED),
        ("NSFW content detected", Kind.CONTENT_REFUSED),
        ("404 Client Error: Not Found for url: https://h.invalid/x", Kind.INPUT_NOT_READABLE),
        ("Could not download video", Kind.INPUT_NOT_READABLE),
        ("video duration must be between 3 and 15 seconds", Kind.INPUT_NOT_ACCEPTED),
        ("unsupported video format", Kind.INPUT_NOT_ACCEPTED),
        ("Inference timed out", Kind.PROVIDER_TIMEOUT),
        ("The model returned no output", Kind.NOTHING_MADE),
        ("internal server error: disk", Kind.PROVIDER_FAULT),
        ("Insufficient credits", Kind.NO_CREDIT),
        ("the cat sat on the cable", Kind.EDIT_FAILED),
    ],
)
@pytest.mark.parametrize("status", [422, 200])
async def test_a_failed_job_is_read_before_the_number_above_it(status: int, words: str, kind: Kind) -> None:
    tree = {"status": "FAILED", "error": words, "request_id": "job-1", "metrics": {"total_time": 3}}
    async with answered_by(says(tree, status)) as (provider, wire):
        failed = await provider.poll(ME)

        assert isinstance(failed, Failed)
        assert failed.kind is kind
        assert failed.reason == words.partition("?")[0]
        assert failed.raw.startswith(f"HTTP {status}\n")
        assert len(wire.asked) == 1


@pytest.mark.parametrize(
    ("record", "url"),
    [
        ({"output": "https://t.invalid/a.mp4"}, "https://t.invalid/a.mp4"),
        ({"output": ["https://t.invalid/b.mp4", "x"]}, "https://t.invalid/b.mp4"),
        ({"output": None, "video": {"url": "https://t.invalid/c.mp4"}}, "https://t.invalid/c.mp4"),
        ({"output": [], "video": {"url": "https://t.invalid/d.mp4"}}, "https://t.invalid/d.mp4"),
        ({"output": {"strange": 1}, "video": {"url": "https://t.invalid/e.mp4"}}, "https://t.invalid/e.mp4"),
    ],
)
async def test_every_form_of_a_result_is_read(record: dict[str, Any], url: str) -> None:
    async with answered_by(says({"status": "COMPLETED"}), says({"status": "COMPLETED"} | record)) as (provider, _):
        assert await provider.poll(ME) == Finished(url)


async def test_a_result_without_an_address_is_waited_for() -> None:
    async with answered_by(says({"status": "COMPLETED"}), says({"status": "COMPLETED", "output": ""})) as (provider, _):
        assert await provider.poll(ME) == Waiting("COMPLETED, no result yet", is_done=True)


async def test_a_job_that_fails_between_the_two_looks_has_failed() -> None:
    answers = [says({"status": "COMPLETED"}), says({"status": "FAILED", "error": "late"}, 422)]
    async with answered_by(*answers) as (provider, _):
        assert isinstance(await provider.poll(ME), Failed)


async def test_another_jobs_answer_is_not_ours() -> None:
    async with answered_by(says({"status": "FAILED", "request_id": "job-2"}, 422)) as (provider, _):
        with pytest.raises(UnexpectedReply):
            await provider.poll(ME)


ROW = {"request_id": "job-1", "model_name": "kling-o3-video2video-edit", "credits_deduction": 1.26}


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize(
    ("row", "status"),
    [
        (
            {"model_status": "COMPLETED", "generation_url": "https://t.invalid/a.mp4"},
            Finished("https://t.invalid/a.mp4"),
        ),
        ({"model_status": "COMPLETED", "generation_url": None}, Waiting("COMPLETED, no result yet", is_done=True)),
        ({"model_status": "PENDING"}, Waiting("PENDING")),
    ],
)
async def test_a_row_of_the_history_stands_in_for_a_record(
    row: dict[str, Any], status: RemoteStatus, wrapped: bool
) -> None:
    tree = {"data": ROW | row} if wrapped else ROW | row
    async with answered_by(GONE, says(tree)) as (provider, wire):
        assert await provider.poll(ME) == status
        assert wire.asked[1].path == f"{HISTORY}/job-1"


async def test_a_failure_in_the_history_has_its_words_and_its_reply() -> None:
    row = ROW | {"model_status": "FAILED", "error": {"message": "content policy"}}
    async with answered_by(GONE, says(row)) as (provider, _):
        failed = await provider.poll(ME)

    assert isinstance(failed, Failed)
    assert (failed.reason, failed.kind) == ("content policy", Kind.CONTENT_REFUSED)
    assert "model_status" in failed.raw


async def test_only_a_job_that_neither_knows_is_missing() -> None:
    async with answered_by(GONE, says({"error": "Request not found"}, 404)) as (provider, _):
        assert await provider.poll(ME) == Missing()


@pytest.mark.parametrize(
    "answers",
    [
        [reply(404, b"<html>not here</html>")],
        [GONE, reply(404, b"<html>not here</html>")],
        [GONE, says({"error": "no"}, 401)],
        [GONE, says(ROW | {"request_id": "job-2"})],
        [GONE, says([])],
        [says({"no": "status"})],
        [says({"status": 7})],
        [says([])],
        [reply(200, b"<html>log in</html>")],
    ],
)
async def test_what_is_not_segminds_answer_says_nothing_about_the_job(answers: list[Handler]) -> None:
    async with answered_by(*answers) as (provider, _):
        with pytest.raises(UnexpectedReply):
            await provider.poll(ME)


async def test_a_key_that_was_refused_meanwhile_is_a_key_problem() -> None:
    async with answered_by(says({"error": "Unauthorized"}, 401)) as (provider, _):
        with pytest.raises(KeyProblem):
            await provider.poll(ME)


# ------------------------------------------------------------------------------------------------------------- the charge


@pytest.mark.parametrize(
    ("answers", "amount"),
    [
        ([says({"status": "COMPLETED", "metrics": {"cost": 2.1}})], "2.1"),
        ([reply(200, b"film", Content_Type="video/mp4", x_cost="1.26")], "1.26"),
        ([says({"status": "COMPLETED", "metrics": {}}), says(ROW)], "1.26"),
        ([says({"status": "FAILED"}, 422), says(ROW | {"credits_deduction": 0})], "0"),
        ([GONE, says(ROW | {"credits_deduction": "0.42"})], "0.42"),
        ([GONE, says(ROW | {"credits_deduction": None})], None),
        ([GONE, says(ROW | {"credits_deduction": True})], None),
        ([GONE, says(ROW | {"credits_deduction": "much"})], None),
        ([GONE, says(ROW | {"credits_deduction": -1})], None),
        ([GONE, says({"error": "Request not found"}, 404)], None),
    ],
)
async def test_the_charge_is_what_segmind_says_and_else_unknown(answers: list[Handler], amount: str | None) -> None:
    async with answered_by(*answers) as (provider, _):
        charge = await provider.charge(ME)

    assert charge == (None if amount is None else Money(Decimal(amount), "USD"))


# ------------------------------------------------------------------------------------------------------------ the history


async def test_the_history_is_asked_for_whole_days_around_the_order_and_in_every_status() -> None:
    async with answered_by(says({"data": []})) as (provider, wire):
        assert await provider.find(SINCE) == ()

        asked = dict(part.split("=") for part in wire.asked[0].path.partition("?")[2].split("&"))
        first, last = date.fromisoformat(asked["from_date"]), date.fromisoformat(asked["to_date"])
        assert first <= SINCE.date() - timedelta(days=1)
        assert last >= SINCE.date() + timedelta(days=1)
        assert (last - first).days <= 31
        assert asked["per_page"] == "100"
        assert "status" not in asked


@pytest.mark.parametrize("ahead", [timedelta(days=5), -timedelta(days=5)])
async def test_a_clock_that_is_days_wrong_does_not_hide_a_paid_job(waiting_room: Sandbox, ahead: timedelta) -> None:
    async with adapter(waiting_room.at("segmind"), "gustav") as provider:
        (remote_id,) = (await provider.submit(an_order())).ids
        found = await provider.find(datetime.now(UTC) + ahead)

    assert remote_id in {job.remote_id for job in found}


@pytest.mark.parametrize(
    "shape",
    [
        lambda rows: {"data": rows, "page": 1},
        lambda rows: {"page": 1, "requests": rows},
        lambda rows: {"data": {"total": 2, "items": rows}},
        lambda rows: rows,
    ],
)
async def test_rows_are_found_wherever_the_list_is(shape: Any) -> None:
    rows = [
        ROW | {"request_body": {"video_url": "https://h.invalid/a"}, "model_created": "2026-09-01T10:00:00+00:00"},
        ROW
        | {"request_id": "job-2", "request_body": '{"video_url": "https://h.invalid/b"}', "created_at": "2026-09-01"},
        ROW | {"request_id": "job-3", "request_body": "no json"},
        ROW | {"request_id": "job-4", "request_body": {"prompt": "x"}},
        ROW | {"request_id": 5, "request_body": {"video_url": "x"}},
        "no row",
    ]
    async with answered_by(says(shape(rows))) as (provider, _):
        found = await provider.find(SINCE)

    assert [(job.remote_id, job.input_video) for job in found] == [
        ("job-1", "https://h.invalid/a"),
        ("job-2", "https://h.invalid/b"),
    ]
    assert [job.created_at for job in found] == [datetime(2026, 9, 1, 10, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=UTC)]


@pytest.mark.parametrize("tree", [{}, {"message": "soon"}, "rows", 7, None])
async def test_an_answer_without_a_list_is_no_empty_list(tree: object) -> None:
    async with answered_by(says(tree)) as (provider, _):
        with pytest.raises(UnexpectedReply):
            await provider.find(SINCE)


async def test_a_paid_job_below_many_younger_ones_is_found(waiting_room: Sandbox) -> None:
    async with adapter(waiting_room.at("segmind"), "hanna") as provider:
        first = (await provider.submit(an_order("https://h.invalid/first.mp4"))).ids[0]
        for n in range(101):
            await provider.submit(an_order(f"https://h.invalid/{n}.mp4"))
        found = await provider.find(datetime.now(UTC))

    assert first in {job.remote_id for job in found}
    assert len(found) == 102


# ------------------------------------------------------------------------------------------------------ what there is not


async def test_there_is_no_cancel_no_delete_and_no_live_price() -> None:
    async with answered_by(reply()) as (provider, wire):
        with pytest.raises(ProviderRefused) as cancel:
            await provider.cancel(ME)
        with pytest.raises(ProviderRefused) as delete:
            await provider.delete("https://storage.invalid/x")

        assert cancel.value.problem.kind is delete.value.problem.kind is Kind.NOT_SUPPORTED
        assert await provider.price(Tier.PRO) is None
        assert wire.asked == []
    assert (INFO.can_cancel, INFO.can_delete) == (False, False)
    assert "charged if it succeeds" in INFO.cancel_note
