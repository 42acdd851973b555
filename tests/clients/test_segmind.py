"""The official client `segmind` 1.3.0 against the sandbox: what it cannot do there is the sandbox's mistake.

Left out is what belongs to other products (chat, flows, webhooks, finetuning) and what cannot be pointed elsewhere than
at Segmind itself, because its address stands inside a function (`accounts`, `models`, two lists of generations).
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from klingstudio.domain.element import Element, Image
from klingstudio.domain.job import Asset, Remote
from klingstudio.domain.request import Request, Tier
from klingstudio.providers.base import Finished
from klingstudio.providers.registry import SEGMIND
from klingstudio.providers.segmind import MODEL, planned_order
from tests.fakes.sandbox import Sandbox, run_sandbox
from tests.fakes.services import Clip, an_adapter
from tests.fakes.studio_run import a_clip

segmind = pytest.importorskip("segmind", reason="the official clients of packaging/clients.lock are not installed")

NOWHERE = "http://127.0.0.1:9/clip.mp4"
EDIT = {"mode": "std", "duration": "3", "aspect_ratio": "1:1", "keep_audio": False}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with run_sandbox(tmp_path_factory.mktemp("sandbox"), "--queue-delay", "0.1") as running:
        yield running


@pytest.fixture
def sandbox(shared: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """Nothing goes wrong, and the client's two fixed hosts are here, too."""
    shared.faults([])
    base = shared.at("segmind")
    # By way of sys.modules: the package has other things under the names of its modules.
    monkeypatch.setattr(sys.modules["segmind.files"].Files, "STORAGE_BASE_URL", base)
    history = f"{base}/inference-request/request-history"
    monkeypatch.setattr(sys.modules["segmind.generations"], "REQUEST_HISTORY_URL", history)
    return shared


@pytest.fixture
def account() -> str:
    """Somebody who was never here before."""
    return "u" + uuid.uuid4().hex[:10]


@pytest.fixture
def client(sandbox: Sandbox, account: str) -> Iterator[Any]:
    with a_client(sandbox, f"SG_key-{account}") as made:
        yield made


@contextlib.contextmanager
def a_client(sandbox: Sandbox, key: str) -> Iterator[Any]:
    made = segmind.SegmindClient(api_key=key, base_url=f"{sandbox.at('segmind')}/v1")
    try:
        yield made
    finally:
        made._client.close()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_clip(tmp_path_factory.mktemp("clips") / "film.mp4")


def uploaded(client: Any, film: Path) -> str:
    (url,) = client.files.upload(film)["file_urls"]
    return str(url)


def fetched(url: str) -> httpx.Response:
    return httpx.get(url, trust_env=False, verify=False)


# ---------------------------------------------------------------------------------------------------------- whole ways


def test_run_makes_a_film_that_anybody_can_fetch(client: Any, film: Path) -> None:
    answer = client.run(MODEL, prompt="invert", video_url=uploaded(client, film), **EDIT)

    assert answer["status"] == "COMPLETED"
    assert answer["output"] == answer["video"]["url"]
    assert answer["metrics"]["cost"] == pytest.approx(0.95, abs=0.01)
    assert fetched(answer["output"]).content[4:8] == b"ftyp"


def test_the_steps_of_run_one_by_one(client: Any, film: Path) -> None:
    job = client.submit_async(MODEL, prompt="invert", video_url=uploaded(client, film), **EDIT)

    first = job.status()
    answer = job.wait(timeout=60, interval=0.05)

    assert first["status"] in {"QUEUED", "PROCESSING"}
    assert job.submit_response["poll_url"].endswith(f"/v1/requests/{job.request_id}")
    assert job.status()["status"] == "COMPLETED"
    assert job.result()["video"]["file_size"] == answer["video"]["file_size"] == len(fetched(answer["output"]).content)
    polled = client._request("GET", f"/requests/{job.request_id}").json()
    assert polled["status"] == "COMPLETED"


@pytest.mark.parametrize("form", ["film", "json"])
def test_the_older_way_answers_with_the_film_or_with_json(sandbox: Sandbox, client: Any, film: Path, form: str) -> None:
    url = uploaded(client, film)
    client._client.timeout = httpx.Timeout(60)
    if form == "json":
        sandbox.faults([{"call": "submit", "kind": "other_form"}])

    answer = client.run_sync(MODEL, prompt="invert", video_url=url, **EDIT)

    assert float(answer.headers["x-cost"]) == pytest.approx(0.95, abs=0.01)
    assert answer.headers["x-request-id"]
    if form == "json":
        assert answer.json()["status"] == "COMPLETED"
    else:
        assert answer.headers["content-type"] == "video/mp4"
        assert answer.content[4:8] == b"ftyp"


def test_the_functions_of_the_module_do_the_same(
    sandbox: Sandbox, client: Any, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segmind, "_default_client", client)

    (url,) = segmind.files.upload(str(film))["file_urls"]
    job = segmind.submit_async(MODEL, prompt="x", video_url=url, **EDIT)

    assert segmind.generations.get(job.request_id)["model_status"] == "PENDING"
    assert segmind.generations.history()["total"] == 1


def test_there_is_nothing_to_cancel_with(client: Any) -> None:
    job = client.submit_async(MODEL, prompt="x", video_url=NOWHERE)

    assert not [name for name in (*dir(job), *dir(client)) if "cancel" in name.lower()]


def test_a_job_of_the_client_is_ours_to_follow_and_the_other_way_round(
    sandbox: Sandbox, client: Any, account: str, film: Path
) -> None:
    theirs = client.submit_async(MODEL, prompt="invert", video_url=uploaded(client, film), **EDIT)
    theirs.wait(timeout=60, interval=0.05)

    async def followed() -> tuple[object, str]:
        async with an_adapter(SEGMIND, sandbox.at("segmind"), f"SG_key-{account}") as provider:
            status = await provider.poll(Remote(id=theirs.request_id))
            return status, (await provider.submit(planned_order(_request(), _assets("u0"), Clip()))).ids[0]

    status, ours = asyncio.run(followed())

    assert isinstance(status, Finished)
    assert client.generations.get(ours)["request_body"]["video_url"] == "u0"


# ------------------------------------------------------------------------------------------------------------ same bytes


def _request(**changes: Any) -> Request:
    return Request(**({"source": "/clip.mp4", "prompt": "snow", "provider": "segmind"} | changes))


def _assets(*urls: str) -> tuple[Asset, ...]:
    return tuple(Asset(subject="source", url=url) for url in urls)


def test_our_order_is_byte_for_byte_that_of_the_client(sandbox: Sandbox, client: Any, account: str) -> None:
    request = _request(
        prompt='heavy "snow" ❄ on </b> @Image1 & @Element1',
        tier=Tier.PRO,
        images=(Image(place="i"),),
        elements=(Element(frontal="f", angles=("a", "b")),),
    )
    assets = _assets("https://h.invalid/clip.mp4", *(f"https://h.invalid/{n}.png" for n in range(4)))
    order = planned_order(request, assets, Clip(duration_s=7.4, width_px=1280, height_px=720))

    client.submit_async(
        MODEL,
        prompt='heavy "snow" ❄ on </b> @Image1 & @Element1',
        video_url="https://h.invalid/clip.mp4",
        image_urls=["https://h.invalid/0.png"],
        elements=[
            {
                "frontal_image_url": "https://h.invalid/1.png",
                "reference_image_urls": ["https://h.invalid/2.png", "https://h.invalid/3.png"],
            }
        ],
        mode="pro",
        duration="7",
        aspect_ratio="16:9",
        keep_audio=True,
        shot_type="customize",
    )

    async def submitted() -> None:
        async with an_adapter(SEGMIND, sandbox.at("segmind"), f"SG_ours-{account}") as provider:
            await provider.submit(order)

    asyncio.run(submitted())
    theirs, ours = [one for one in sandbox.requests("POST", "/v2/") if account in one["headers"]["x-api-key"]]
    assert theirs["path"] == ours["path"] == order.path
    assert theirs["headers"]["user-agent"] == "segmind-python-sdk/1.3.0"
    assert ours["headers"]["content-type"] == theirs["headers"]["content-type"] == "application/json"
    assert ours["body_bytes"] == theirs["body_bytes"] == len(order.body.encode())
    assert ours["body_sha256"] == theirs["body_sha256"] == hashlib.sha256(order.body.encode()).hexdigest()


# -------------------------------------------------------------------------------------------------------------- uploads


def test_an_upload_can_be_read_by_anybody(client: Any, tmp_path: Path) -> None:
    file = tmp_path / "film.mp4"
    file.write_bytes(os.urandom(1_000_003))

    answer = client.files.upload(file)

    reply = fetched(answer["file_urls"][0])
    assert answer["message"]
    assert reply.content == file.read_bytes()
    assert reply.headers["content-type"] == "video/mp4"


def test_several_files_go_up_at_once_and_come_back_in_order(client: Any, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a.png", "b.jpg", "c.mov", "d.webp")]
    for n, file in enumerate(files):
        file.write_bytes(os.urandom(100 + n))

    urls = client.files.upload(files)["file_urls"]

    assert [fetched(url).content for url in urls] == [file.read_bytes() for file in files]


def test_a_kind_of_file_that_is_not_taken_is_refused(client: Any, tmp_path: Path) -> None:
    file = tmp_path / "a.svg"
    file.write_text("<svg/>")

    with pytest.raises(segmind.SegmindError) as failed:
        client.files.upload(file)

    assert failed.value.status == 400
    assert "image/svg+xml" in failed.value.detail


# -------------------------------------------------------------------------------------------------------------- history


def test_credits_are_told_with_a_hyphen(client: Any, sandbox: Sandbox) -> None:
    assert client._request("GET", "/get-user-credits").json() == {"credits": 100.0, "free-credits": 0.018}

    with a_client(sandbox, "empty-theirs") as poor, pytest.raises(segmind.SegmindError) as failed:
        poor._request("GET", "/get-user-credits")
    assert (failed.value.status, failed.value.detail) == (404, "No credits found for the user")


def test_the_history_has_pages_states_and_days(client: Any, sandbox: Sandbox) -> None:
    jobs = []
    for n in range(5):
        sandbox.faults([{"call": "submit", "kind": "fail_job", "message": f"no {n}"}])
        jobs.append(client.submit_async(MODEL, prompt=f"p{n}", video_url=NOWHERE))
    for job in jobs:
        with pytest.raises(segmind.InferenceFailed):
            job.wait(timeout=30, interval=0.05)
    today = time.strftime("%Y-%m-%d", time.gmtime())

    first = client.generations.history(page=1, per_page=2)
    third = client.generations.history(page=3, per_page=2)

    assert (first["total"], first["total_pages"], len(first["data"]), len(third["data"])) == (5, 3, 2, 1)
    assert [row["request_id"] for row in first["data"]] == [jobs[4].request_id, jobs[3].request_id]
    upwards = client.generations.history(sort_order="asc", sort_by="model_created", from_date=today, to_date=today)
    assert [row["request_body"]["prompt"] for row in upwards["data"]] == [f"p{n}" for n in range(5)]
    assert client.generations.history(status="FAILED")["total"] == 5
    assert client.generations.history(status="COMPLETED")["data"] == []
    assert client.generations.history(model_name="kling-o3")["total"] == 5
    assert client.generations.history(model_name="veo")["total"] == 0
    assert client.generations.history(from_date="2020-01-01", to_date="2020-01-31")["total"] == 0
    row = client.generations.get(jobs[0].request_id)
    assert (row["model_status"], row["error"], row["credits_deduction"]) == ("FAILED", "no 0", 0.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"from_date": "2026-01-01", "to_date": "2026-02-02"},
        {"from_date": "yesterday"},
        {"per_page": 101},
        {"per_page": 0},
        {"page": 0},
    ],
)
def test_a_window_or_page_that_is_too_large_is_refused(client: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(segmind.SegmindError) as failed:
        client.generations.history(**wrong)

    assert failed.value.status == 400


def test_the_history_is_ones_own(client: Any, sandbox: Sandbox) -> None:
    job = client.submit_async(MODEL, prompt="x", video_url=NOWHERE)
    with a_client(sandbox, "SG_key-stranger") as stranger:
        for look in (
            lambda: stranger.generations.get(job.request_id),
            lambda: stranger._request("GET", job.status_url),
        ):
            with pytest.raises(segmind.SegmindError) as failed:
                look()
            assert failed.value.status == 404


# --------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("key", "status", "words"),
    [
        ("refused-theirs", 401, "Unauthorized. API key is invalid or may have expired"),
        ("broke-theirs", 406, "Insufficient credits"),
        ("empty-theirs", 406, "Insufficient credits"),
    ],
)
def test_a_key_that_may_not_order_is_told_so(sandbox: Sandbox, key: str, status: int, words: str) -> None:
    with a_client(sandbox, key) as made, pytest.raises(segmind.SegmindError) as failed:
        made.submit_async(MODEL, prompt="x", video_url=NOWHERE)

    assert (failed.value.status, failed.value.detail) == (status, words)


def test_a_bearer_key_is_no_key(sandbox: Sandbox, client: Any) -> None:
    del client._client.headers["x-api-key"]
    client._client.headers["Authorization"] = "Bearer SG_key-somebody"

    with pytest.raises(segmind.SegmindError) as failed:
        client._request("GET", "/get-user-credits")

    assert (failed.value.status, failed.value.detail) == (401, "Missing Authorization or x-api-key in header")


@pytest.mark.parametrize(
    ("slug", "parameters", "status"),
    [("kling-o9", {"prompt": "x", "video_url": NOWHERE}, 404), (MODEL, {"prompt": "x"}, 400), (MODEL, {}, 400)],
)
def test_what_is_no_order_is_refused_at_once(
    client: Any, sandbox: Sandbox, account: str, slug: str, parameters: dict[str, Any], status: int
) -> None:
    for order in (client.submit_async, client.run_sync):
        with pytest.raises(segmind.SegmindError) as failed:
            order(slug, **parameters)
        assert failed.value.status == status
    assert [charge for charge in sandbox.ledger() if charge["account"] == account] == []


def test_a_retired_model_is_gone(client: Any, sandbox: Sandbox) -> None:
    sandbox.faults([{"kind": "old_model_gone"}])

    with pytest.raises(segmind.SegmindError) as failed:
        client.submit_async(MODEL, prompt="x", video_url=NOWHERE)

    assert failed.value.status == 410


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"duration": 5}, "duration"),
        ({"duration": "2"}, "duration"),
        ({"mode": "standard"}, "mode"),
        ({"aspect_ratio": "4:3"}, "aspect_ratio"),
        ({"keep_audio": "yes"}, "keep_audio"),
        ({"image_urls": ["a", "b", "c"], "elements": [{}, {}]}, "at most 4"),
        ({"elements": [{"reference_image_urls": ["a", "b", "c", "d"]}]}, "at most 3"),
        ({}, "Could not download"),
    ],
)
def test_a_wrong_value_fails_the_job_under_http_422(client: Any, wrong: dict[str, Any], words: str) -> None:
    job = client.submit_async(MODEL, **({"prompt": "x", "video_url": NOWHERE} | EDIT | wrong))

    with pytest.raises(segmind.InferenceFailed) as failed:
        job.wait(timeout=30, interval=0.05)

    assert words in failed.value.detail
    assert failed.value.status_body["request_id"] == job.request_id
    assert client._client.get(job.status_url).status_code == 422
    assert client._client.get(job.response_url).status_code == 422
    assert job.result()["status"] == "FAILED"
    assert set(job.result()["metrics"]) == {"inference_time", "queue_time", "total_time"}


def test_run_raises_what_the_job_failed_of(client: Any, sandbox: Sandbox) -> None:
    sandbox.faults([{"call": "submit", "kind": "fail_job", "message": "content policy"}])

    with pytest.raises(segmind.InferenceFailed) as failed:
        client.run(MODEL, prompt="x", video_url=NOWHERE)

    assert failed.value.detail == "content policy"


def test_the_older_way_fails_with_422(client: Any, sandbox: Sandbox) -> None:
    sandbox.faults([{"call": "submit", "kind": "fail_job", "message": "content policy"}])

    with pytest.raises(segmind.SegmindError) as failed:
        client.run_sync(MODEL, prompt="x", video_url=NOWHERE)

    assert (failed.value.status, failed.value.detail) == (422, "content policy")


def test_waiting_can_end_before_the_job_does(client: Any) -> None:
    job = client.submit_async(MODEL, prompt="x", video_url=NOWHERE)

    with pytest.raises(segmind.InferenceTimeout) as failed:
        job.wait(timeout=0)

    assert failed.value.request_id == job.request_id


def test_after_an_hour_a_record_is_gone_and_the_history_is_not(client: Any, sandbox: Sandbox) -> None:
    job = client.submit_async(MODEL, prompt="x", video_url=NOWHERE)
    sandbox.faults([{"call": call, "kind": "record_gone"} for call in ("poll", "record")])

    for look in (job.status, job.result):
        with pytest.raises(segmind.SegmindError) as failed:
            look()
        assert (failed.value.status, failed.value.detail) == (404, f"Request {job.request_id} not found")
    assert client.generations.get(job.request_id)["request_id"] == job.request_id


def test_an_answer_without_an_id_is_noticed(client: Any, sandbox: Sandbox) -> None:
    sandbox.faults([{"call": "submit", "kind": "no_id"}])

    with pytest.raises(segmind.SegmindError, match="missing request_id"):
        client.submit_async(MODEL, prompt="x", video_url=NOWHERE)


def test_a_limit_names_the_moment_of_its_end(client: Any, sandbox: Sandbox) -> None:
    limit = {"code": 429, "headers": {"x-rate-limit-reset-at-utc": "2026-11-20T12:00:00Z"}, "body": {"error": "slow"}}
    sandbox.faults([{"call": "submit", "kind": "status"} | limit])

    with pytest.raises(segmind.SegmindError) as failed:
        client.submit_async(MODEL, prompt="x", video_url=NOWHERE)

    assert (failed.value.status, failed.value.detail) == (429, "slow")


def test_a_wrong_method_is_a_web_page(client: Any) -> None:
    reply = client._client.delete(f"/{MODEL}")

    assert reply.status_code == 405
    assert reply.headers["content-type"].startswith("text/html")
    with pytest.raises(json.JSONDecodeError):
        reply.json()
