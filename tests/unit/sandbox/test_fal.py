"""fal.ai's words and shapes."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.sandbox import Sandbox, run_sandbox

APP = "/fal-ai/kling-video"
PRO = f"{APP}/o3/pro/video-to-video/edit"
STANDARD = f"{APP}/o3/standard/video-to-video/edit"
NOWHERE = "http://127.0.0.1:9/clip.mp4"
TOKEN = "/storage/auth/token?storage_type=fal-cdn-v3"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with run_sandbox(tmp_path_factory.mktemp("fal"), "--queue-delay", "0.2") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared: Sandbox) -> Sandbox:
    shared.faults([])
    return shared


def client(sandbox: Sandbox, authorization: str | None) -> httpx.Client:
    headers = {} if authorization is None else {"Authorization": authorization}
    return httpx.Client(base_url=sandbox.at("fal"), headers=headers, trust_env=False, verify=False, timeout=20)


@pytest.fixture
def anna(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with client(sandbox, "Key id:secret-anna") as http:
        yield http


@pytest.fixture
def anybody(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with client(sandbox, None) as http:
        yield http


@pytest.fixture
def cdn(sandbox: Sandbox, anna: httpx.Client) -> Iterator[httpx.Client]:
    """With a token."""
    token = anna.post(TOKEN, json={}).json()
    with client(sandbox, f"{token['token_type']} {token['token']}") as http:
        yield http


def ordered(http: httpx.Client, **changes: Any) -> dict[str, Any]:
    reply = http.post(PRO, json={"prompt": "invert", "video_url": NOWHERE} | changes)
    assert reply.status_code == 200, reply.text
    answer: dict[str, Any] = reply.json()
    return answer


def ended(http: httpx.Client, job: dict[str, Any]) -> dict[str, Any]:
    end = time.monotonic() + 30
    while (status := http.get(job["status_url"], params={"logs": "1"}).json())["status"] != "COMPLETED":
        assert time.monotonic() < end, status
        time.sleep(0.02)
    answer: dict[str, Any] = status
    return answer


@pytest.mark.parametrize("authorization", [None, "", "Key", "Bearer id:secret", "Key refused:secret"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", PRO),
        ("POST", TOKEN),
        ("POST", "/storage/upload/initiate"),
        ("GET", f"{APP}/requests/x/status"),
        ("GET", f"{APP}/requests/x"),
        ("PUT", f"{APP}/requests/x/cancel"),
        ("GET", "/v1/models/pricing"),
        ("GET", "/v1/models/requests/by-endpoint"),
        ("GET", "/v1/account/billing"),
        ("GET", "/v1/models/billing-events"),
    ],
)
def test_without_a_good_key_nobody_is_let_in(
    sandbox: Sandbox, authorization: str | None, method: str, path: str
) -> None:
    with client(sandbox, authorization) as http:
        reply = http.request(method, path)

    assert reply.status_code == 401
    assert set(reply.json()) <= {"detail", "error"}


def test_the_addresses_of_a_request_are_whole_and_drop_the_rest_of_the_endpoint(
    sandbox: Sandbox, anna: httpx.Client
) -> None:
    job = ordered(anna)

    assert job["status"] == "IN_QUEUE"
    assert job["response_url"] == f"{sandbox.at('fal')}{APP}/requests/{job['request_id']}"
    assert job["status_url"] == f"{job['response_url']}/status"
    assert job["cancel_url"] == f"{job['response_url']}/cancel"
    assert anna.get(f"{PRO}/requests/{job['request_id']}/status").status_code == 404


@pytest.mark.parametrize(
    ("logs", "has_logs"), [("true", True), ("1", True), ("false", False), ("0", False), ("", False)]
)
def test_logs_are_there_when_they_are_asked_for(anna: httpx.Client, logs: str, has_logs: bool) -> None:
    job = ordered(anna)
    ended(anna, job)

    status = anna.get(job["status_url"], params={"logs": logs}).json()

    assert "logs" in status
    assert bool(status["logs"]) is has_logs


def test_every_status_has_what_the_clients_insist_on(sandbox: Sandbox, anna: httpx.Client) -> None:
    job = ordered(anna)
    sandbox.faults([{"call": "poll", "kind": "unknown_status", "after": 1}])

    first = anna.get(job["status_url"])
    strange = anna.get(job["status_url"])

    assert first.status_code == 202
    assert isinstance(first.json()["queue_position"], int)
    assert strange.json()["status"] == "rehearsing"
    for answer in (first.json(), strange.json(), ended(anna, job)):
        assert {"request_id", "status_url", "response_url", "cancel_url"} <= set(answer)


def test_a_result_before_the_end_is_refused(anna: httpx.Client) -> None:
    job = ordered(anna)

    reply = anna.get(job["response_url"])

    assert (reply.status_code, reply.json()) == (400, {"detail": "Request is still in progress"})


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"video_url": NOWHERE}, ["body", "prompt"]),
        ({"prompt": "snow"}, ["body", "video_url"]),
        ({"prompt": "snow", "video_url": NOWHERE, "image_urls": "x"}, ["body", "image_urls"]),
        ({"prompt": "snow", "video_url": NOWHERE, "image_urls": ["x"] * 5}, ["body", "image_urls"]),
        (
            {"prompt": "snow", "video_url": NOWHERE, "elements": [{"frontal_image_url": "x"}]},
            ["body", "elements", 0, "reference_image_urls"],
        ),
        ({"prompt": "snow", "video_url": NOWHERE, "keep_audio": "yes"}, ["body", "keep_audio"]),
        ({"prompt": "snow", "video_url": "no address"}, ["body", "video_url"]),
    ],
)
def test_what_is_wrong_is_said_by_the_job_and_never_at_once(
    anna: httpx.Client, body: dict[str, Any], place: list[str]
) -> None:
    job = anna.post(PRO, json=body).json()
    status = ended(anna, job)
    result = anna.get(job["response_url"])

    assert status["error"]
    assert result.status_code == 422
    assert result.json()["detail"][0]["loc"] == place
    assert result.headers["x-fal-retryable"] == "false"


@pytest.mark.parametrize(
    ("message", "code", "error_type"),
    [
        ("runner_disconnected: gone", 503, "runner_disconnected"),
        ("request_timeout: late", 504, "request_timeout"),
        ("internal server error: disk", 500, "internal_error"),
    ],
)
def test_the_platform_fails_in_its_own_shape(
    sandbox: Sandbox, anna: httpx.Client, message: str, code: int, error_type: str
) -> None:
    sandbox.faults([{"call": "submit", "kind": "fail_job", "message": message}])
    job = ordered(anna)
    status = ended(anna, job)
    result = anna.get(job["response_url"])

    assert status["error_type"] == error_type
    assert (result.status_code, result.json()["error_type"]) == (code, error_type)
    assert result.headers["x-fal-error-type"] == error_type


def test_an_unknown_endpoint_and_a_body_that_is_none_are_refused_for_nothing(
    sandbox: Sandbox, anna: httpx.Client
) -> None:
    charged = len(sandbox.ledger())

    assert anna.post("/fal-ai/unknown", json={}).status_code == 404
    assert anna.post(PRO, content=b"[]").status_code == 422
    assert anna.post(PRO, content=b"\xff").status_code == 422
    assert len(sandbox.ledger()) == charged


def test_requests_belong_to_the_account_that_made_them(sandbox: Sandbox, anna: httpx.Client) -> None:
    job = ordered(anna)
    with client(sandbox, "Key id:secret-bea") as bea:
        assert bea.get(job["status_url"]).status_code == 404
        assert bea.get(job["response_url"]).status_code == 404
        assert (bea.put(job["cancel_url"]).status_code, bea.put(job["cancel_url"]).json()) == (
            404,
            {"status": "NOT_FOUND"},
        )


def test_a_cancelled_request_is_completed_with_an_error(anna: httpx.Client) -> None:
    job = ordered(anna)

    first, second = anna.put(job["cancel_url"]), anna.put(job["cancel_url"])
    status, result = ended(anna, job), anna.get(job["response_url"])

    assert (first.status_code, first.json()) == (200, {"status": "OK"})
    assert (second.status_code, second.json()) == (400, {"status": "ALREADY_COMPLETED"})
    assert status["error_type"] == "client_cancelled"
    assert (result.status_code, result.json()["error_type"]) == (499, "client_cancelled")


# ----------------------------------------------------------------------------------------------------------- the storage


def test_a_token_carries_its_end_with_an_offset(sandbox: Sandbox, anna: httpx.Client) -> None:
    token = anna.post(TOKEN, json={}).json()

    assert datetime.fromisoformat(token["expires_at"]) > datetime.now(UTC)
    assert token["base_url"] == sandbox.at("fal")
    assert anna.post("/storage/auth/token", json={}).status_code == 400


@pytest.mark.parametrize("path", ["/files/upload", "/files/upload/multipart"])
def test_the_cdn_wants_a_token_and_no_key(anna: httpx.Client, anybody: httpx.Client, path: str) -> None:
    assert (anna.post(path).status_code, anybody.post(path).status_code) == (401, 401)


def test_a_file_is_served_to_anybody_whole_and_in_pieces(cdn: httpx.Client, anybody: httpx.Client) -> None:
    headers = {"X-Fal-File-Name": "../a b'.mp4", "X-Fal-Object-Lifecycle": "{}"}
    url = cdn.post("/files/upload", content=b"0123456789", headers=headers).json()["access_url"]

    whole, head, piece = anybody.get(url), anybody.head(url), anybody.get(url, headers={"Range": "bytes=2-4"})

    assert (whole.content, whole.headers["content-type"]) == (b"0123456789", "video/mp4")
    assert (head.status_code, head.headers["content-length"]) == (200, "10")
    assert (piece.status_code, piece.content) == (206, b"234")


@pytest.mark.parametrize("path", ["/files/u/x/y", f"/files/u/{'0' * 32}/y", "/files/u/..%2f..%2fsandbox.json/y"])
def test_nothing_else_is_served(anybody: httpx.Client, path: str) -> None:
    assert anybody.get(path).status_code == 404


def begun(cdn: httpx.Client) -> tuple[str, str]:
    answer = cdn.post("/files/upload/multipart", headers={"X-Fal-File-Name": "a.mp4"}).json()
    return answer["access_url"], f"{answer['access_url']}/multipart/{answer['uploadId']}"


def test_parts_come_in_any_order_and_may_come_again(cdn: httpx.Client, anybody: httpx.Client) -> None:
    url, upload = begun(cdn)
    etags = {n: cdn.put(f"{upload}/{n}", content=text).headers["etag"] for n, text in ((3, b"c"), (1, b"x"), (2, b"b"))}
    etags[1] = cdn.put(f"{upload}/1", content=b"a").headers["etag"]
    parts = [{"partNumber": n, "etag": etags[n]} for n in (2, 3, 1)]

    assert anybody.get(url).status_code == 404
    assert cdn.post(f"{upload}/complete", json={"parts": parts}).status_code == 200
    assert anybody.get(url).content == b"abc"
    assert cdn.put(f"{upload}/4", content=b"d").status_code == 404


@pytest.mark.parametrize("wrong", ["nothing", "fewer", "more", "unquoted", "gap", "other"])
def test_a_set_of_parts_that_is_not_complete_is_refused(cdn: httpx.Client, anybody: httpx.Client, wrong: str) -> None:
    url, upload = begun(cdn)
    numbers = (1, 3) if wrong == "gap" else (1, 2)
    etags = {n: cdn.put(f"{upload}/{n}", content=b"x").headers["etag"] for n in numbers}
    parts = [{"partNumber": n, "etag": etag} for n, etag in etags.items()]
    match wrong:
        case "nothing":
            parts = []
        case "fewer":
            parts.pop()
        case "more":
            parts.append({"partNumber": 3, "etag": parts[0]["etag"]})
        case "unquoted":
            parts[0]["etag"] = etags[1].strip('"')
        case "other":
            parts[0]["etag"] = '"other"'
        case _:
            pass

    assert cdn.post(f"{upload}/complete", json={"parts": parts}).status_code == 400
    assert anybody.get(url).status_code == 404


def test_the_older_storage_takes_bytes_at_a_signed_address_from_anybody(
    anna: httpx.Client, anybody: httpx.Client
) -> None:
    body = {"file_name": "a b.mp4", "content_type": "video/mp4"}
    answer = anna.post("/storage/upload/initiate?storage_type=gcs", json=body).json()

    guessed = anybody.put(answer["upload_url"].split("?")[0], content=b"x")
    put = anybody.put(answer["upload_url"], content=b"film")

    assert (guessed.status_code, put.status_code) == (403, 200)
    assert anybody.get(answer["file_url"]).content == b"film"


# ---------------------------------------------------------------------------------------------------------- the platform


def test_prices_are_told_for_what_is_asked(anna: httpx.Client) -> None:
    both = anna.get("/v1/models/pricing", params={"endpoint_id": f"{PRO[1:]},{STANDARD[1:]}"}).json()
    one = anna.get("/v1/models/pricing", params={"endpoint_id": [STANDARD[1:], "fal-ai/other"]}).json()

    assert [row["unit_price"] for row in both["prices"]] == [0.336, 0.252]
    assert [(row["endpoint_id"], row["unit"], row["currency"]) for row in one["prices"]] == [
        (STANDARD[1:], "second", "USD")
    ]
    assert anna.get("/v1/models/pricing", params={"endpoint_id": "fal-ai/other"}).status_code == 404


def test_only_admin_keys_see_money(sandbox: Sandbox, anna: httpx.Client) -> None:
    for path in ("/v1/account/billing", "/v1/models/billing-events"):
        assert anna.get(path).status_code == 403
    with client(sandbox, "Key admin:secret-nobody") as admin:
        assert admin.get("/v1/account/billing").json() == {"username": "nobody"}
        assert admin.get("/v1/account/billing?expand=credits").json()["credits"] == {
            "current_balance": 100.0,
            "currency": "USD",
        }
        assert admin.get("/v1/models/billing-events").json()["billing_events"] == []


def test_requests_are_listed_in_pages_with_what_was_sent(sandbox: Sandbox) -> None:
    sandbox.faults([{"call": "submit", "kind": "fail_job", "times": 5}])
    with client(sandbox, "Key id:secret-lena") as lena:
        ids = [ordered(lena, video_url=f"{NOWHERE}?{n}")["request_id"] for n in range(5)]
        query: dict[str, str | int] = {"endpoint_id": PRO[1:], "expand": "payloads", "limit": 2}
        first = lena.get("/v1/models/requests/by-endpoint", params=query).json()
        second = lena.get("/v1/models/requests/by-endpoint", params=query | {"cursor": first["next_cursor"]}).json()
        third = lena.get("/v1/models/requests/by-endpoint", params=query | {"cursor": second["next_cursor"]}).json()
        other = lena.get("/v1/models/requests/by-endpoint", params=query | {"endpoint_id": STANDARD[1:]}).json()
        later = lena.get("/v1/models/requests/by-endpoint", params=query | {"start": "2999-01-01T00:00:00Z"}).json()
        bare = lena.get("/v1/models/requests/by-endpoint", params={"endpoint_id": PRO[1:]}).json()

    rows = [row for page in (first, second, third) for row in page["items"]]
    assert {row["request_id"] for row in rows} == set(ids)
    assert rows[0]["json_input"]["video_url"].startswith(NOWHERE)
    assert (third["next_cursor"], third["has_more"]) == (None, False)
    assert base64.b64decode(first["next_cursor"]) == b"2"
    assert other["items"] == later["items"] == []
    assert "json_input" not in bare["items"][0]


@pytest.mark.parametrize(
    "query", ["", "?endpoint_id=x&start=yesterday", "?endpoint_id=x&limit=many", "?endpoint_id=x&cursor=!"]
)
def test_a_list_that_is_asked_for_wrongly_is_refused(anna: httpx.Client, query: str) -> None:
    reply = anna.get(f"/v1/models/requests/by-endpoint{query}")

    assert reply.status_code == 400
    assert reply.json()["error"]["message"]


def test_a_finished_request_has_a_public_video_and_a_line_on_the_bill(sandbox: Sandbox, meadow: Path) -> None:
    with client(sandbox, "Key admin:secret-paula") as paula, client(sandbox, None) as anybody:
        token = paula.post(TOKEN, json={}).json()["token"]
        headers = {"Authorization": f"Bearer {token}", "X-Fal-File-Name": "meadow.mp4"}
        url = anybody.post("/files/upload", content=meadow.read_bytes(), headers=headers).json()["access_url"]
        job = ordered(paula, video_url=url)
        status, result = ended(paula, job), paula.get(job["response_url"])
        video = result.json()["video"]
        head, wrong = anybody.head(video["url"]), anybody.get(video["url"].split("?")[0])
        (event,) = paula.get("/v1/models/billing-events", params={"request_id": job["request_id"]}).json()[
            "billing_events"
        ]
        left = paula.get("/v1/account/billing?expand=credits").json()["credits"]["current_balance"]

    assert status["metrics"]["inference_time"] > 0
    assert "error" not in status
    assert (head.status_code, head.headers["content-length"]) == (200, str(video["file_size"]))
    assert wrong.status_code == 403
    assert float(result.headers["x-fal-billable-units"]) == pytest.approx(3.0, abs=0.02)
    assert event["cost_estimate_nano_usd"] == 1_010_000_000
    assert left == pytest.approx(98.99)
