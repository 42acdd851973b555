"""Each fault does what it says, seen from a client."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest

if TYPE_CHECKING:
    from tests.unit.sandbox.conftest import Account, Sandbox

ORDER: dict[str, Any] = {"prompt": "snow", "input_video": "http://127.0.0.1:9/clip.mp4"}


def raw(account: Account, request: bytes) -> tuple[bytes, str]:
    """Send bytes and read to the end: what arrived, and how the connection ended."""
    address = urlsplit(account.sandbox.base)
    received = b""
    with socket.create_connection((address.hostname, address.port), timeout=5) as connection:
        try:
            connection.sendall(request)
            while piece := connection.recv(65536):
                received += piece
        except ConnectionResetError:
            return received, "reset"
        except TimeoutError:
            return received, "silence"
    return received, "closed"


def collect(reply: httpx.Response, received: bytearray) -> None:
    for piece in reply.iter_bytes():
        received += piece


def order_bytes(account: Account) -> bytes:
    body = json.dumps({"model": "kling-video-o3-omni", **ORDER}).encode()
    head = (
        f"POST /api/ai/queue HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {account.key}\r\nContent-Length: {len(body)}"
    )
    return head.encode() + b"\r\n\r\n" + body


@pytest.fixture(scope="module")
def link(shared_sandbox: Sandbox, meadow: Path) -> str:
    """A result that can be fetched."""
    shared_sandbox.faults()
    account = shared_sandbox.account()
    job_id = account.order(prompt="invert", input_video=account.upload(meadow), keep_audio=False)
    address = str(account.until_ended(job_id)["result_url"])
    account.http.close()
    return address


@pytest.mark.parametrize(
    ("kind", "ends", "charges"),
    [("reset_before", "reset", 0), ("reset_after", "reset", 1), ("drop_after", "closed", 1)],
)
def test_a_lost_answer_says_nothing_about_the_charge(account: Account, kind: str, ends: str, charges: int) -> None:
    account.sandbox.faults({"call": "submit", "kind": kind})

    received, end = raw(account, order_bytes(account))

    assert (received, end) == (b"", ends)
    assert len(account.charges()) == charges
    assert len(account.http.get("/api/ai/generations").json()["generations"]) == charges


@pytest.mark.parametrize(("effect", "charges"), [(False, 0), (True, 1)])
def test_a_hanging_call_is_never_answered(account: Account, effect: bool, charges: int) -> None:
    account.sandbox.faults({"call": "submit", "kind": "hang", "effect": effect})

    with pytest.raises(httpx.ReadTimeout):
        account.http.post("/api/ai/queue", json={"model": "kling-video-o3-omni", **ORDER}, timeout=0.4)

    assert len(account.charges()) == charges


def test_a_slow_call_is_answered_late(account: Account) -> None:
    account.sandbox.faults({"call": "authorize", "kind": "slow", "seconds": 0.3})
    begun = time.monotonic()

    reply = account.http.get("/api/authorize")

    assert reply.status_code == 200
    assert time.monotonic() - begun >= 0.3


def test_a_status_comes_with_its_headers_and_body_and_goes_away(account: Account) -> None:
    account.sandbox.faults(
        {
            "call": "submit",
            "kind": "status",
            "code": 429,
            "headers": {"Retry-After": "7"},
            "body": {"error": "slow down"},
        }
    )

    struck, fine = account.submit(**ORDER), account.submit(**ORDER)

    assert (struck.status_code, struck.headers["retry-after"], struck.json()) == (429, "7", {"error": "slow down"})
    assert fine.status_code == 200
    assert len(account.charges()) == 1


@pytest.mark.parametrize("code", [408, 500, 503, 520, 524])
def test_a_status_without_a_body_speaks_as_the_service_does(account: Account, code: int) -> None:
    account.sandbox.faults({"call": "submit", "kind": "status", "code": code, "effect": True})

    reply = account.submit(**ORDER)

    assert reply.status_code == code
    assert reply.json()["status"] == "error"
    assert len(account.charges()) == 1


def test_a_captive_portal_answers_in_place_of_the_service(account: Account) -> None:
    account.sandbox.faults({"call": "submit", "kind": "html"})

    reply = account.submit(**ORDER)

    assert (reply.status_code, reply.text[:15]) == (200, "<!DOCTYPE html>")
    assert account.charges() == []


def test_a_garbled_answer_follows_a_charge(account: Account) -> None:
    account.sandbox.faults({"call": "submit", "kind": "not_json"})

    reply = account.submit(**ORDER)

    assert reply.headers["content-type"] == "application/json"
    with pytest.raises(ValueError):
        reply.json()
    assert len(account.charges()) == 1


def test_a_truncated_answer_breaks_off_before_its_length(account: Account) -> None:
    account.sandbox.faults({"call": "submit", "kind": "truncated"})

    with pytest.raises(httpx.RemoteProtocolError, match="peer closed"):
        account.submit(**ORDER)

    assert len(account.charges()) == 1


def test_an_answer_can_end_in_the_middle_without_anybody_telling(account: Account) -> None:
    whole = account.http.get("/api/ai/models").content
    account.sandbox.faults({"call": "models", "kind": "cut_short"})

    half = account.http.get("/api/ai/models")

    assert "content-length" not in half.headers
    assert half.content == whole[: len(whole) // 2]
    assert account.http.get("/api/ai/models").content == whole


def test_an_answer_can_drip(account: Account) -> None:
    whole = account.http.get("/api/ai/models").content
    account.sandbox.faults({"call": "models", "kind": "drip", "seconds": 0.02})
    begun = time.monotonic()

    with account.http.stream("GET", "/api/ai/models") as reply:
        pieces = list(reply.iter_raw())

    assert b"".join(pieces) == whole
    assert len(pieces) > 5
    assert time.monotonic() - begun >= 0.35


def test_an_answer_can_be_compressed_unasked(account: Account) -> None:
    plain = account.http.get("/api/ai/models")
    account.sandbox.faults({"call": "models", "kind": "gzip"})

    packed = account.http.get("/api/ai/models", headers={"Accept-Encoding": "identity"})

    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(plain.content)
    assert packed.json() == plain.json()


def test_an_answer_without_an_id_follows_a_charge(account: Account) -> None:
    account.sandbox.faults({"call": "submit", "kind": "no_id"})

    assert account.submit(**ORDER).json() == {"generations": [{"status": "queued"}]}
    assert len(account.charges()) == 1


def test_two_ids_are_two_jobs(account: Account) -> None:
    account.sandbox.faults({"call": "submit", "kind": "two_ids"})

    ids = {one["generation_id"] for one in account.submit(**ORDER, num_generations=1).json()["generations"]}

    assert len(ids) == 2
    assert {charge["generation_id"] for charge in account.charges()} == ids


@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_a_redirect_leads_to_another_host(account: Account, code: int) -> None:
    account.sandbox.faults({"call": "authorize", "kind": "redirect", "code": code})

    reply = account.http.get("/api/authorize", follow_redirects=False)

    assert reply.status_code == code
    assert urlsplit(reply.headers["location"]).hostname == "localhost"
    httpx.get(reply.headers["location"], headers={"authorization": account.key}, trust_env=False, verify=False)
    assert account.sandbox.requests(account.name)[-1]["path"] == "/_sandbox/elsewhere"


def test_an_unknown_status_passes(account: Account) -> None:
    job_id = account.order(**ORDER)
    account.sandbox.faults({"call": "poll", "kind": "unknown_status", "word": "simmering"})

    assert account.job(job_id)["status"] == "simmering"
    assert account.until_ended(job_id)["status"] == "failed"


def test_a_job_can_be_made_to_fail(account: Account) -> None:
    account.sandbox.faults({"call": "submit", "kind": "fail_job", "message": "content policy violation"})

    ended = account.until_ended(account.order(**ORDER))

    assert (ended["status"], ended["error_message"]) == ("failed", "content policy violation")
    assert [charge["refunded"] for charge in account.charges()] == [True]


def test_the_old_model_can_be_gone(account: Account) -> None:
    old, omni = "kling-video-o3-pro-video-to-video-edit", "kling-video-o3-omni"
    account.sandbox.faults({"call": "models", "kind": "old_model_gone"})

    codes = [account.http.get(f"/api/ai/models/{one}").status_code for one in (old, omni, old)]
    ordered = account.submit(**ORDER | {"model": old})

    assert codes == [404, 200, 404]
    assert ordered.json()["error"]["title"] == f"Model not found: {old}"
    assert [model["id"] for model in account.http.get("/api/ai/models").json()["models"]] == [omni]


def test_lists_can_lag_behind(account: Account) -> None:
    account.sandbox.faults({"call": "submit", "kind": "list_lag", "seconds": 0.5})
    begun = time.monotonic()
    job_id = account.order(**ORDER)

    at_once = account.http.get("/api/ai/generations").json()["generations"]
    while not (later := account.http.get("/api/ai/generations").json()["generations"]):
        assert time.monotonic() < begun + 5

    assert at_once == []
    assert [row["generation_id"] for row in later] == [job_id]
    assert time.monotonic() - begun >= 0.4
    assert account.http.get(f"/api/ai/generations/{job_id}").status_code == 200


def test_one_list_can_leave_out_what_is_young_or_everything(account: Account) -> None:
    account.order(**ORDER)
    account.sandbox.faults({"call": "list", "kind": "list_lag", "seconds": 60}, {"call": "list", "kind": "list_empty"})
    # Both have a meaning, so the first list takes both.
    counts = [len(account.http.get("/api/ai/generations").json()["generations"]) for _ in range(2)]

    assert counts == [0, 1]


def test_an_upload_can_stop_being_read(account: Account) -> None:
    account.http.post("/api/repos", json={"namespace": account.name, "name": "inputs", "is_public": True})
    account.sandbox.faults({"call": "upload", "kind": "stall"})
    sent = 0

    def body() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(200):
            sent += 1
            yield bytes(256 * 1024)

    with pytest.raises(httpx.WriteTimeout):
        account.http.put(f"/api/repos/{account.name}/inputs/file/main/x", content=body(), timeout=0.7)

    assert 0 < sent < 200


def test_a_stall_may_end(account: Account, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(bytes(3_000_000))
    account.sandbox.faults({"call": "upload", "kind": "stall", "seconds": 0.3})
    begun = time.monotonic()

    url = account.upload(tmp_path / "clip.mp4")

    assert time.monotonic() - begun >= 0.3
    assert account.sandbox.bare.head(url).headers["content-length"] == "3000000"


def test_a_fetch_that_breaks_fails_the_job(account: Account, meadow: Path) -> None:
    url = account.upload(meadow)
    account.sandbox.faults({"call": "fetch", "kind": "truncated"}, {"call": "fetch", "kind": "status", "code": 503})

    ended = [account.until_ended(account.order(prompt="x", input_video=url))["error_message"] for _ in range(2)]

    assert "bytes arrived" in ended[0] or "Could not download" in ended[0]
    assert ended[1] == f"503 Server Error: Service Unavailable for url: {url}"


def test_a_link_can_have_expired(account: Account, link: str) -> None:
    bare = account.sandbox.bare
    account.sandbox.faults({"call": "result", "kind": "expired_link"})

    codes = [bare.get(link).status_code for _ in range(2)]

    assert codes == [403, 200]


def test_a_poll_can_hand_out_an_expired_link(account: Account, meadow: Path) -> None:
    job_id = account.order(prompt="invert", input_video=account.upload(meadow), keep_audio=False)
    account.until_ended(job_id)
    account.sandbox.faults({"call": "poll", "kind": "expired_link"})

    stale, fresh = account.job(job_id)["result_url"], account.job(job_id)["result_url"]

    assert account.sandbox.bare.get(stale).status_code == 403
    assert account.sandbox.bare.get(fresh).status_code == 200


def test_a_result_can_be_half_or_wrong_or_of_unknown_length(account: Account, link: str) -> None:
    bare = account.sandbox.bare
    whole = bare.get(link).content
    account.sandbox.faults(
        {"call": "result", "kind": "half_file"},
        {"call": "result", "kind": "wrong_file"},
        {"call": "result", "kind": "no_length"},
    )

    half, wrong, unknown = bare.get(link), bare.get(link), bare.get(link)

    assert half.content == whole[: len(whole) // 2]
    assert half.headers["content-length"] == str(len(half.content))
    assert wrong.content.startswith(b"<!DOCTYPE html>")
    assert "content-length" not in unknown.headers
    assert unknown.content == whole


def test_a_result_can_break_off_and_be_resumed(account: Account, link: str) -> None:
    bare = account.sandbox.bare
    whole = bare.get(link).content
    account.sandbox.faults({"call": "result", "kind": "truncated"})
    received = bytearray()

    with bare.stream("GET", link) as reply, pytest.raises(httpx.RemoteProtocolError):
        collect(reply, received)
    rest = bare.get(link, headers={"Range": f"bytes={len(received)}-", "If-Range": reply.headers["etag"]})

    assert 0 < len(received) < len(whole)
    assert rest.status_code == 206
    assert bytes(received) + rest.content == whole


def test_a_wrong_plan_is_refused_and_the_old_one_stays(account: Account) -> None:
    account.sandbox.faults({"call": "authorize", "kind": "status", "code": 500})

    refused = account.sandbox.bare.post("/_sandbox/faults", json=[{"call": "authorize", "kind": "no such"}])

    assert refused.status_code == 400
    assert "kind must be one of" in refused.json()["error"]
    assert account.http.get("/api/authorize").status_code == 500


def test_every_request_is_logged_with_its_size_and_fault(account: Account) -> None:
    account.sandbox.faults({"call": "submit", "kind": "drop_after"})
    with pytest.raises(httpx.RemoteProtocolError):
        account.http.post("/api/ai/queue?x=1", json={"model": "kling-video-o3-omni", **ORDER})

    entry = account.sandbox.requests(account.name)[-1]

    assert (entry["method"], entry["path"], entry["query"]) == ("POST", "/api/ai/queue", "x=1")
    assert entry["headers"]["authorization"] == f"Bearer {account.key}"
    assert entry["body_bytes"] == int(entry["headers"]["content-length"])
    assert entry["faults"] == ["drop_after"]
