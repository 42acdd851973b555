"""The PixelDojo dialect, spoken to over plain HTTP: its form, its credits, its two shapes of an error, its end."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.sandbox import Sandbox, run_sandbox

RUN = "/api/v1/models/kling-video-edit/run"
LINK_LIFETIME_S = 3.0


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder = tmp_path_factory.mktemp("sandbox")
    with run_sandbox(folder, "--queue-delay", "0.05", "--link-lifetime", str(LINK_LIFETIME_S)) as running:
        yield running


@pytest.fixture
def sandbox(shared: Sandbox) -> Sandbox:
    shared.faults([])
    return shared


@pytest.fixture
def account() -> str:
    """Somebody who was never here before."""
    return "u" + uuid.uuid4().hex[:10]


@pytest.fixture
def http(sandbox: Sandbox, account: str) -> Iterator[httpx.Client]:
    with client(sandbox, f"pd_key-{account}") as made:
        yield made


def client(sandbox: Sandbox, key: str = "") -> httpx.Client:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    base = sandbox.at("pixeldojo")
    return httpx.Client(base_url=base, headers=headers, trust_env=False, verify=False, timeout=20)


def a_body(**changes: Any) -> dict[str, Any]:
    body = {"prompt": "snow", "video_url": "https://inputs.invalid/clip.mp4", "video_duration": 5, "tier": "pro"}
    return {name: value for name, value in (body | changes).items() if value is not ...}


def hosted(sandbox: Sandbox, film: Path) -> str:
    """The film where anybody can read it: in a public repository of another service of the sandbox."""
    base = sandbox.at("oxen")
    with httpx.Client(base_url=base, headers={"Authorization": "Bearer a-host"}, trust_env=False, verify=False) as http:
        repo = "r" + uuid.uuid4().hex[:8]
        http.post("/api/repos", json={"namespace": "host", "name": repo, "is_public": True}).raise_for_status()
        path = f"/api/repos/host/{repo}/file/main"
        http.put(path, files={"files[]": ("clip.mp4", film.read_bytes(), "video/mp4")}).raise_for_status()
        return f"{base}{path}/clip.mp4"


def until_ended(http: httpx.Client, url: str) -> dict[str, Any]:
    end = time.monotonic() + 40
    while True:
        view: dict[str, Any] = http.get(url).json()
        if view["status"] in ("completed", "failed"):
            return view
        assert time.monotonic() < end, view
        time.sleep(0.05)


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_the_models_are_public_and_jobs_are_not(sandbox: Sandbox) -> None:
    with client(sandbox) as nobody:
        models = nobody.get("/api/v1/models").json()
        assert nobody.get("/api/v1/jobs").status_code == 401
        assert nobody.post(RUN, json=a_body()).status_code == 401

    assert [model["apiId"] for model in models["models"]] == ["kling-video-edit"]
    assert models["models"][0]["creditCost"]["default"] == 40
    assert (models["total"], models["imageCount"], models["videoCount"]) == (1, 0, 1)
    assert "requestSchema" not in models["models"][0]


def test_the_form_refuses_what_it_does_not_name(http: httpx.Client) -> None:
    schema = http.get("/api/v1/models/kling-video-edit/schema").json()["schema"]

    assert schema["additionalProperties"] is False
    assert schema["required"] == ["prompt", "video_url", "video_duration"]
    assert "elements" not in schema["properties"]
    assert http.get("/api/v1/models/kling-video-edit").json()["requestSchema"] == schema
    assert http.get("/api/v1/models", params={"detailed": "true"}).json()["models"][0]["requestSchema"] == schema


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"elements": []}, 400, "elements"),
        ({"duration": 5, "aspect_ratio": "16:9"}, 400, "duration"),
        ({"video_duration": ...}, 422, "video_duration is required"),
        ({"video_url": ...}, 422, "video_url is required"),
        ({"prompt": ""}, 422, "prompt is required"),
        ({"video_duration": "5"}, 422, "video_duration must be a number"),
        ({"video_duration": True}, 422, "video_duration must be a number"),
        ({"video_duration": 2}, 422, "between 3 and 15"),
        ({"video_url": "/clip.mp4"}, 422, "video_url must be a valid URL"),
        ({"image_urls": ["a.png"]}, 422, "image_urls must be a valid URL"),
        ({"image_urls": "https://a.example/a.png"}, 422, "image_urls must be a array"),
        ({"tier": "std"}, 422, "standard, pro"),
        ({"keep_audio": "yes"}, 422, "keep_audio must be a boolean"),
    ],
)
def test_a_wrong_form_is_refused_and_not_charged(
    sandbox: Sandbox, http: httpx.Client, account: str, changes: dict[str, Any], status: int, words: str
) -> None:
    reply = http.post(RUN, json=a_body(**changes))

    assert reply.status_code == status
    assert words in reply.json()["error"]["message"]
    assert [row for row in sandbox.ledger() if row["account"] == account] == []


def test_an_error_is_an_object_or_by_a_switch_a_text(sandbox: Sandbox, http: httpx.Client) -> None:
    assert http.get("/api/v1/jobs/none").json() == {
        "error": {"code": "job_not_found", "message": "Job not found", "status": 404}
    }
    sandbox.faults([{"call": "poll", "kind": "other_error"}])
    assert http.get("/api/v1/jobs/none").json() == {"error": "Job not found"}
    assert http.post(RUN, content=b"not json").json()["error"]["code"] == "invalid_request"
    assert http.get("/api/v1/nothing").json()["error"]["code"] == "not_found"


def test_credits_go_down_with_each_order_and_come_back_with_each_failure(
    sandbox: Sandbox, http: httpx.Client, account: str
) -> None:
    first = http.post(RUN, json=a_body(video_duration=5)).json()
    second = http.post(RUN, json=a_body(video_duration=3.04)).json()

    assert (first["creditCost"], first["creditsRemaining"]) == (40, 960)
    assert (second["creditCost"], second["creditsRemaining"]) == (25, 935)
    for job in (first, second):
        # Nobody can fetch this input.
        assert until_ended(http, job["statusUrl"])["status"] == "failed"
    assert http.post(RUN, json=a_body(video_duration=3)).json()["creditsRemaining"] == 976
    rows = [row for row in sandbox.ledger() if row["account"] == account]
    assert [(row["currency"], row["refunded"]) for row in rows[:2]] == [("credits", True)] * 2


def test_an_account_that_has_spent_everything_is_refused(sandbox: Sandbox, http: httpx.Client, account: str) -> None:
    # Fails at once, so that no edit is begun, but not before its credits were taken.
    sandbox.faults([{"call": "submit", "kind": "fail_job", "times": 0}])
    with client(sandbox, f"broke-{account}") as poor:
        assert poor.post(RUN, json=a_body()).status_code == 402
    assert http.post(RUN, json=a_body(video_duration=10)).json()["creditsRemaining"] == 920


def test_a_job_goes_its_way_and_its_result_dies_when_it_says(
    sandbox: Sandbox, http: httpx.Client, meadow: Path, account: str
) -> None:
    sent = http.post(RUN, json=a_body(video_url=hosted(sandbox, meadow), video_duration=3))
    assert sent.status_code == 202
    answer = sent.json()
    assert answer["status"] == "pending"
    assert answer["statusUrl"].startswith(sandbox.at("pixeldojo"))

    view = until_ended(http, answer["statusUrl"])
    assert view["status"] == "completed", view
    assert view["jobId"] == answer["jobId"]
    with client(sandbox) as nobody:
        film = nobody.get(view["output"]["video"])
        assert film.status_code == 200
        assert film.content[4:8] == b"ftyp"
        part = nobody.get(view["output"]["video"], headers={"Range": "bytes=0-9"})
        assert (part.status_code, len(part.content)) == (206, 10)

        end = moment(view["expiresAt"])
        assert abs(end - time.time() - LINK_LIFETIME_S) < LINK_LIFETIME_S
        while time.time() < end - 0.3:
            time.sleep(0.05)
        assert nobody.head(view["output"]["video"]).status_code == 200
        while time.time() < end + 0.02:
            time.sleep(0.02)
        assert nobody.head(view["output"]["video"]).status_code == 403
    (row,) = [row for row in sandbox.ledger() if row["account"] == account]
    assert (row["currency"], row["amount"], row["refunded"]) == ("credits", "24.00", False)


def test_the_list_shows_the_accounts_own_jobs_and_what_was_ordered(sandbox: Sandbox, http: httpx.Client) -> None:
    job = http.post(RUN, json=a_body()).json()
    with client(sandbox, "pd_key-stranger") as stranger:
        assert job["jobId"] not in [row["jobId"] for row in stranger.get("/api/v1/jobs").json()["jobs"]]
        assert stranger.get(job["statusUrl"]).status_code == 404

    (row,) = http.get("/api/v1/jobs").json()["jobs"]
    assert (row["jobId"], row["input"]) == (job["jobId"], a_body())
    assert abs(moment(row["createdAt"]) - datetime.now(UTC).timestamp()) < 30
    sandbox.faults([{"call": "list", "kind": "list_bare"}])
    assert "input" not in http.get("/api/v1/jobs").json()["jobs"][0]
    sandbox.faults([{"call": "list", "kind": "list_empty"}])
    assert http.get("/api/v1/jobs").json() == {"jobs": [], "total": 0}
    sandbox.faults([{"call": "list", "kind": "list_lag", "seconds": 60}])
    assert http.get("/api/v1/jobs").json()["jobs"] == []


def test_what_may_befall_a_job(sandbox: Sandbox, http: httpx.Client) -> None:
    sandbox.faults([{"call": "submit", "kind": "two_ids"}, {"call": "submit", "kind": "fail_job", "times": 2}])
    job = http.post(RUN, json=a_body()).json()
    assert len(http.get("/api/v1/jobs").json()["jobs"]) == 2

    sandbox.faults([{"call": "poll", "kind": "unknown_status", "word": "rehearsing"}])
    assert http.get(job["statusUrl"]).json()["status"] == "rehearsing"
    assert http.get(job["statusUrl"]).json()["status"] in ("pending", "processing", "failed")

    sandbox.faults([{"call": "submit", "kind": "no_id"}])
    assert set(http.post(RUN, json=a_body()).json()) == {"status", "creditCost", "creditsRemaining", "expiresAt"}

    sandbox.faults([{"kind": "old_model_gone", "times": 1}])
    assert http.post(RUN, json=a_body()).status_code == 404


@pytest.mark.parametrize("headers", [{"Retry-After": "2"}, {}])
def test_too_many_requests_may_or_may_not_say_when(
    sandbox: Sandbox, http: httpx.Client, headers: dict[str, str]
) -> None:
    sandbox.faults([{"call": "poll", "kind": "status", "code": 429, "headers": headers}])

    reply = http.get("/api/v1/jobs/one")

    assert reply.status_code == 429
    assert reply.headers.get("Retry-After") == headers.get("Retry-After")


def test_an_expired_result_says_so_in_its_job(sandbox: Sandbox, http: httpx.Client, meadow: Path) -> None:
    job = http.post(RUN, json=a_body(video_url=hosted(sandbox, meadow), video_duration=3)).json()
    until_ended(http, job["statusUrl"])
    sandbox.faults([{"call": "poll", "kind": "expired_link"}])

    view = http.get(job["statusUrl"]).json()

    assert moment(view["expiresAt"]) < time.time()
    with client(sandbox) as nobody:
        assert nobody.get(view["output"]["video"]).status_code == 403
