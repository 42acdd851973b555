"""What the hub's answers mean, one by one: errors, videos inside answers, copies that are removed, events."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from klingstudio.domain.errors import KeyProblem, Kind, ProviderRefused, UnexpectedReply
from klingstudio.domain.job import Order, Remote
from klingstudio.net.api import REPLY_MAX_BYTES, Api
from klingstudio.net.retry import Patience
from klingstudio.providers import oxen
from klingstudio.providers.base import Failed, Finished, Telling, Waiting
from tests.fakes.sandbox import Sandbox
from tests.fakes.wire import Wire, raw, reply

ORDER = Order(path=oxen.QUEUE, body=json.dumps({"model": oxen.EDIT_MODEL, "prompt": "x", "input_video": "u"}))


async def no_sleep(seconds: float) -> None:
    await asyncio.sleep(0)


@asynccontextmanager
async def an_oxen(url: str, key: str = "canary-5ecret-key") -> AsyncIterator[oxen.Oxen]:
    api = Api(
        hosts={"hub": url},
        headers=oxen.headers(key),
        tls=ssl.create_default_context(),
        patience=Patience(sleep=no_sleep, random=lambda: 0.5, tries=1),
    )
    try:
        yield oxen.Oxen(oxen.INFO, api, lambda: datetime.now(UTC))
    finally:
        await api.aclose()


def told(**fields: Any) -> bytes:
    return json.dumps(
        {"generation_id": "one", "prompt": "x", "error_message": None, "result_url": None} | fields
    ).encode()


# ---------------------------------------------------------------------------------------------------------------- errors

CORPUS = [
    ("Insufficient credits", Kind.NO_CREDIT),
    ("Model not found: kling-video-o3-pro-video-to-video-edit", Kind.MODEL_GONE),
    (
        "403 Client Error: Forbidden for url: https://hub.oxen.ai/api/repos/me/in/file/main/a.mp4",
        Kind.INPUT_NOT_READABLE,
    ),
    ("404 Client Error: Not Found for url: https://example.org/a.png", Kind.INPUT_NOT_READABLE),
    ("503 Server Error: Service Unavailable for url: https://example.org/a.png", Kind.INPUT_NOT_READABLE),
    ("Invalid URL: htp:/x", Kind.INPUT_NOT_READABLE),
    ("Getting model response error: 422 - video duration must be between 3 and 10 seconds", Kind.INPUT_NOT_ACCEPTED),
    ("Getting model response error: 422 - The content could not be processed", Kind.INPUT_NOT_ACCEPTED),
    ("Getting model response error: 422 - prompt: Field required", Kind.REQUEST_REJECTED),
    ("Getting model response error: 500 - something broke", Kind.PROVIDER_FAULT),
    ("num_generations must be an integer between 1 and 4", Kind.REQUEST_REJECTED),
    ("Field required", Kind.REQUEST_REJECTED),
    ("Generation failed: content policy violation", Kind.CONTENT_REFUSED),
    ("The model timed out", Kind.PROVIDER_TIMEOUT),
    ("internal server error: disk", Kind.PROVIDER_FAULT),
]


@pytest.mark.parametrize(("words", "kind"), [*CORPUS, ("Face not found in @Image1", Kind.EDIT_FAILED)])
async def test_why_an_edit_failed_is_understood_and_kept_as_it_was_said(words: str, kind: Kind) -> None:
    async with Wire(reply(200, told(status="failed", error_message=words))) as wire, an_oxen(wire.url) as provider:
        status = await provider.poll(Remote(id="one"))

    assert isinstance(status, Failed)
    assert (status.reason, status.kind) == (words, kind)
    assert words.split(":", maxsplit=1)[0] in status.raw


@pytest.mark.parametrize(("words", "kind"), [*CORPUS, ("We would rather not", Kind.REQUEST_REJECTED)])
@pytest.mark.parametrize("shape", ["text", "object", "title"])
async def test_a_refused_order_says_why_and_keeps_the_reply(words: str, kind: Kind, shape: str) -> None:
    error: Any = {"text": words, "object": {"title": "Bad request", "detail": words}, "title": {"title": words}}[shape]
    body = json.dumps({"error": error, "status": "error", "status_message": "bad_request"}).encode()
    async with Wire(reply(400, body)) as wire, an_oxen(wire.url) as provider:
        with pytest.raises(ProviderRefused) as refused:
            await provider.submit(ORDER)

    assert refused.value.problem.kind is kind
    assert refused.value.problem.raw.startswith("HTTP 400")
    assert len(wire.asked) == 1


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        (401, "Unauthenticated", Kind.KEY_REFUSED),
        (403, "forbidden", Kind.KEY_REFUSED),
        (402, "Payment required", Kind.NO_CREDIT),
        (403, "Your credit is used up", Kind.NO_CREDIT),
        (403, "blocked by moderation", Kind.CONTENT_REFUSED),
        (404, "Model not found: x", Kind.MODEL_GONE),
    ],
)
async def test_a_status_is_read_together_with_its_words(status: int, words: str, kind: Kind) -> None:
    async with Wire(reply(status, json.dumps({"error": words}).encode())) as wire, an_oxen(wire.url) as provider:
        with pytest.raises((ProviderRefused, KeyProblem)) as refused:
            await provider.submit(ORDER)

    assert refused.value.problem.kind is kind
    assert isinstance(refused.value, KeyProblem) == (kind is Kind.KEY_REFUSED)


# --------------------------------------------------------------------------------------------- a video inside an answer


async def test_a_video_inside_the_answer_is_fetched_from_where_it_was_told() -> None:
    body = told(status="succeeded", videos=[{"b64_json": "AAAAIGZ0eXA="}])
    async with Wire(reply(200, body)) as wire, an_oxen(wire.url) as provider:
        status = await provider.poll(Remote(id="one"))

        assert status == Finished(f"{wire.url}/api/ai/queue/one")
        assert provider.result_headers(status.url) == oxen.headers("canary-5ecret-key")
        assert provider.result_headers("https://elsewhere.example/api/ai/queue/one") == {}


async def test_an_answer_too_large_to_read_is_a_video_only_if_one_is_in_it() -> None:
    head = b'{"generation_id":"one","status":"succeeded","response_format":"b64_json",'
    film, noise = (head + key + b"A" * (REPLY_MAX_BYTES + 9) + b'"}' for key in (b'"b64_json":"', b'"prompt":"'))
    async with Wire(reply(200, film), reply(200, noise)) as wire, an_oxen(wire.url) as provider:
        assert isinstance(await provider.poll(Remote(id="one")), Finished)
        with pytest.raises(UnexpectedReply):
            await provider.poll(Remote(id="one"))


async def test_an_edit_that_is_done_but_has_no_link_says_so() -> None:
    async with Wire(reply(200, told(status="succeeded"))) as wire, an_oxen(wire.url) as provider:
        status = await provider.poll(Remote(id="one"))

    assert isinstance(status, Waiting)
    assert status.is_done


# ------------------------------------------------------------------------------------------------------------- copies


async def test_an_uploaded_copy_can_be_removed_and_removing_it_twice_is_no_error(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    file = tmp_path / "clip.mp4"
    file.write_bytes(b"film")
    async with an_oxen(sandbox.at("oxen")) as provider:
        url = await provider.upload(file, "a clip.mp4", lambda done, total: None)
        await provider.delete(url)
        seen = await provider._api.head_without_key(url.removeprefix(sandbox.at("oxen")))
        await provider.delete(url)

    assert seen.status == 404
    first, second = sandbox.requests("DELETE", "/api/repos")
    assert first["path"] == second["path"]
    assert first["headers"]["content-type"].startswith("multipart/form-data")


@pytest.mark.parametrize(
    "path",
    [
        "https://elsewhere.example/api/repos/sandbox/klingstudio-inputs/file/main/a.mp4",
        "/api/repos/somebody/klingstudio-inputs/file/main/a.mp4",
        "/api/repos/sandbox/another/file/main/a.mp4",
        "/api/repos/sandbox/klingstudio-inputs/file/main/../../../x",
        "/api/repos/sandbox/klingstudio-inputs",
    ],
)
async def test_nothing_but_the_accounts_own_uploads_is_removed(sandbox: Sandbox, path: str) -> None:
    url = path if path.startswith("https") else sandbox.at("oxen") + path
    async with an_oxen(sandbox.at("oxen")) as provider:
        with pytest.raises(ProviderRefused):
            await provider.delete(url)

    assert sandbox.requests("DELETE") == []


# ------------------------------------------------------------------------------------------------------------- events


async def test_the_stream_tells_ended_edits_and_nothing_else() -> None:
    stream = (
        b": connected\n\n"
        b'event: repository_updated\ndata: {"generation_id": "no"}\n\n'
        b'event: media_generation_completed\ndata: {"generation_id": "one", "status": "succeeded"}\n\n'
        b"event: media_generation_completed\ndata: not json\n\n"
        b"event: media_generation_completed\ndata: [1]\n\n"
        b'event: media_generation_completed\ndata: {"generation_id": 7}\n\n'
        b'event: media_generation_completed\ndata: {"generation_id": "two", "status": "failed"}\n\n'
    )
    answer = raw(b"HTTP/1.1 200 X\r\nContent-Type: text/event-stream\r\n\r\n" + stream)
    async with Wire(answer) as wire, an_oxen(wire.url) as provider:
        assert isinstance(provider, Telling)
        assert [remote_id async for remote_id in provider.events()] == ["one", "two"]


async def test_the_sandbox_tells_an_end_to_the_account_that_ordered_it(sandbox: Sandbox) -> None:
    async with (
        an_oxen(sandbox.at("oxen")) as provider,
        an_oxen(sandbox.at("oxen"), "key-other") as other,
        aclosing(provider.events()) as events,
        aclosing(other.events()) as others,
    ):
        silence = asyncio.ensure_future(anext(others))
        heard = asyncio.ensure_future(anext(events))
        async with asyncio.timeout(20):
            while len(sandbox.requests("GET", "/api/events")) < 2:
                await asyncio.sleep(0.05)
            (remote_id,) = (await provider.submit(ORDER)).ids
            assert await heard == remote_id
        assert not silence.done()
        silence.cancel()
        with pytest.raises(asyncio.CancelledError):
            await silence
