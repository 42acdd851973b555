"""The life of an order, over HTTP and with real video."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import av
import httpx
import pytest
from PIL import Image

if TYPE_CHECKING:
    from tests.unit.sandbox.conftest import Account, Sandbox


def frames(path: Path) -> list[int | None]:
    with av.open(str(path)) as source:
        return [frame.pts for frame in source.decode(video=0)]


def pixel(path: Path, x: int, y: int) -> bytes:
    with av.open(str(path)) as source:
        frame = next(source.decode(video=0)).reformat(format="rgb24")
    at = y * frame.planes[0].line_size + x * 3
    return bytes(frame.planes[0])[at : at + 3]


def test_a_clip_goes_in_and_an_edited_clip_comes_out(account: Account, meadow: Path, tmp_path: Path) -> None:
    url = account.upload(meadow)

    job_id = account.order(prompt="make it snow", input_video=url, keep_audio=True)
    waiting = account.job(job_id)
    ended = account.until_ended(job_id)
    reply = httpx.get(ended["result_url"], trust_env=False, verify=False)
    (tmp_path / "take.mp4").write_bytes(reply.content)
    generation = account.http.get(f"/api/ai/generations/{job_id}").json()["generation"]

    fetched = [one for one in account.sandbox.requests(account.name) if one["call"] == "fetch"]
    assert len(fetched) == 1
    assert "authorization" not in fetched[0]["headers"]
    assert waiting["status"] in ("queued", "processing")
    assert waiting["result_url"] is None
    assert ended["status"] == "succeeded"
    assert ended["input_video"] == url
    assert ended["enqueued_at"] <= ended["started_at"] <= ended["completed_at"]
    assert reply.headers["content-type"] == "video/mp4"
    assert len(frames(tmp_path / "take.mp4")) == len(frames(meadow)) == 36
    with av.open(str(tmp_path / "take.mp4")) as take:
        assert len(take.streams.audio) == 1
    assert min(pixel(tmp_path / "take.mp4", 360, 400)) > 130
    assert generation["cost"] == "1.01"
    (charge,) = account.charges()
    assert charge["amount"] == "1.01"
    assert not charge["refunded"]
    assert charge["generation_id"] == job_id
    assert (charge["currency"], charge["prompt"], charge["input_video"]) == ("USD", "make it snow", url)


def test_images_and_elements_are_fetched_and_seen(account: Account, meadow: Path, tmp_path: Path) -> None:
    for name, colour in (("front", (20, 20, 230)), ("angle", (20, 200, 20))):
        Image.new("RGB", (400, 400), colour).save(tmp_path / f"{name}.png")
    Image.new("RGB", (400, 400), (230, 20, 20)).save(tmp_path / "image.jpg")
    inline = "data:image/jpeg;base64," + base64.b64encode((tmp_path / "image.jpg").read_bytes()).decode()
    front, angle = (account.upload(tmp_path / f"{name}.png") for name in ("front", "angle"))
    element = {"frontal_image_url": front, "reference_image_urls": [angle]}

    job_id = account.order(prompt="x", input_video=account.upload(meadow), input_image=[inline], elements=[element])
    ended = account.until_ended(job_id)

    assert ended["status"] == "succeeded", ended["error_message"]
    (tmp_path / "take.mp4").write_bytes(account.sandbox.bare.get(ended["result_url"]).content)
    first, second = pixel(tmp_path / "take.mp4", 80, 640), pixel(tmp_path / "take.mp4", 220, 640)
    assert first[0] > 200
    assert max(first[1:]) < 60
    assert second[2] > 200
    assert max(second[:2]) < 60


def test_a_broken_picture_fails_the_job(account: Account, meadow: Path) -> None:
    url = account.upload(meadow)

    ended = account.until_ended(account.order(prompt="x", input_video=url, input_image=[url.replace("clips", "none")]))

    assert ended["status"] == "failed"
    assert "404 Client Error: Not Found for url" in ended["error_message"]


def test_a_private_file_fails_the_job_and_costs_nothing(account: Account, meadow: Path) -> None:
    url = account.upload(meadow, is_public=False)

    ended = account.until_ended(account.order(prompt="snow", input_video=url))

    assert ended["status"] == "failed"
    assert ended["error_message"] == f"403 Client Error: Forbidden for url: {url}"
    (charge,) = account.charges()
    assert charge["refunded"]
    assert charge["amount"] == "0.00"


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({}, "prompt: Field required"),
        ({"prompt": "  "}, "prompt: Field required"),
        ({"prompt": 7}, "prompt: Field required"),
        ({"prompt": "x" * 2501}, "at most 2500"),
        ({"input_video": None}, "input_video: Field required"),
        ({"input_video": "file:///etc/hostname"}, "Invalid URL"),
        ({"input_video": "http://[::1"}, "Invalid URL"),
        ({"input_video": "ftp://127.0.0.1/x"}, "Invalid URL"),
        ({"input_video": "http://127.0.0.1:9/x.mp4"}, "Could not download"),
        ({"input_image": "http://x"}, "input_image: Input should be a valid list"),
        ({"input_image": ["http://x"] * 5}, "at most 4"),
        ({"elements": [{"reference_image_urls": []}]}, "frontal_image_url: Field required"),
        ({"elements": [{"frontal_image_url": "http://x", "reference_image_urls": ["http://x"] * 4}]}, "at most 3"),
        ({"elements": 3}, "elements: Input should be a valid list"),
        ({"keep_audio": "yes"}, "keep_audio"),
        ({"video_mode": "reference"}, "video_mode"),
        ({"resolution": "8k"}, "resolution"),
        ({"generate_audio": True}, "generate_audio"),
    ],
)
def test_bad_parameters_are_accepted_and_fail_later(account: Account, parameters: dict[str, object], says: str) -> None:
    good = {"prompt": "snow", "input_video": "http://127.0.0.1:9/x.mp4"} if parameters else {}

    ended = account.until_ended(account.order(**good | parameters))

    assert ended["status"] == "failed"
    assert says in ended["error_message"]
    assert [charge["refunded"] for charge in account.charges()] == [True]


@pytest.mark.parametrize(("width", "height", "says"), [(320, 240, "sides must be between 720 and 3840")])
def test_a_clip_outside_the_limits_fails_when_the_model_sees_it(
    account: Account, draw: Callable[..., Path], tmp_path: Path, width: int, height: int, says: str
) -> None:
    url = account.upload(draw(tmp_path / "small.mp4", width, height))

    ended = account.until_ended(account.order(prompt="snow", input_video=url))

    assert says in ended["error_message"]


def test_what_is_not_a_video_fails(account: Account, tmp_path: Path) -> None:
    (tmp_path / "page.mp4").write_text("<html></html>")

    ended = account.until_ended(account.order(prompt="snow", input_video=account.upload(tmp_path / "page.mp4")))

    assert ended["status"] == "failed"
    assert "422" in ended["error_message"]


def test_a_queued_job_can_be_cancelled_and_is_refunded(launch: Callable[..., Sandbox], meadow: Path) -> None:
    account = launch("--queue-delay", "30").account()
    job_id = account.order(prompt="snow", input_video=account.upload(meadow))

    answer = account.http.delete(f"/api/ai/queue/{job_id}")
    again = account.http.delete(f"/api/ai/queue/{job_id}")

    assert answer.json() == {"status": "success", "generation_id": job_id}
    assert again.status_code == 400
    assert account.job(job_id)["status"] == "cancelled"
    assert [charge["refunded"] for charge in account.charges()] == [True]
    account.http.close()


def test_a_job_in_work_can_be_cancelled_at_once(account: Account, meadow: Path) -> None:
    url = account.upload(meadow)
    account.sandbox.faults({"call": "fetch", "kind": "hang"})
    job_id = account.order(prompt="snow", input_video=url)
    account.until(job_id, "processing")

    account.http.delete(f"/api/ai/queue/{job_id}")

    assert account.job(job_id)["status"] == "cancelled"
    assert [charge["refunded"] for charge in account.charges()] == [True]
    deadline = time.monotonic() + 10
    while account.sandbox.bare.get("/_sandbox/jobs").json()["working"]:
        assert time.monotonic() < deadline


def test_several_generations_are_several_charges(account: Account) -> None:
    reply = account.submit(prompt="snow", input_video="http://127.0.0.1:9/x", num_generations=3)

    ids = {generation["generation_id"] for generation in reply.json()["generations"]}

    assert len(ids) == 3
    assert all(re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", one) for one in ids)
    assert {charge["generation_id"] for charge in account.charges()} == ids


def test_a_restarted_sandbox_goes_on_with_its_jobs(
    launch: Callable[..., Sandbox], meadow: Path, tmp_path: Path
) -> None:
    state = str(tmp_path / "state")
    before = launch("--state", state)
    account = before.account()
    url = account.upload(meadow)
    done = account.order(prompt="invert", input_video=url, keep_audio=False)
    link = account.until_ended(done)["result_url"]
    before.faults({"call": "fetch", "kind": "hang"})
    interrupted = account.order(prompt="noir", input_video=url)
    account.until(interrupted, "processing")

    assert before.end() == 0
    after = launch("--state", state)

    assert after.base == before.base
    assert account.until_ended(interrupted)["status"] == "succeeded"
    assert account.job(done)["status"] == "succeeded"
    assert httpx.get(link, trust_env=False, verify=False).status_code == 200
    charges = after.bare.get("/_sandbox/ledger").json()["charges"]
    assert [charge["generation_id"] for charge in charges] == [done, interrupted]
    assert not any(charge["refunded"] for charge in charges)
    account.http.close()
