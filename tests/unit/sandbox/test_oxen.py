"""Oxen.ai's words and shapes."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from tests.unit.sandbox.conftest import Account, Sandbox

OLD = "kling-video-o3-pro-video-to-video-edit"
OMNI = "kling-video-o3-omni"
NOWHERE = "http://127.0.0.1:9/clip.mp4"


@pytest.fixture(scope="module")
def done(shared_sandbox: Sandbox, meadow: Path) -> Iterator[tuple[Account, str]]:
    """An account with one finished job."""
    shared_sandbox.faults()
    account = shared_sandbox.account()
    job_id = account.order(prompt="invert", input_video=account.upload(meadow), keep_audio=False)
    assert account.until_ended(job_id)["status"] == "succeeded"
    yield account, job_id
    account.http.close()


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Basic abc", "Bearer refused-anna"])
@pytest.mark.parametrize("path", ["/api/authorize", "/api/ai/queue", "/api/ai/generations", "/api/ai/queue/x"])
def test_without_a_good_key_nobody_is_let_in(sandbox: Sandbox, authorization: str | None, path: str) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}

    reply = sandbox.bare.get(path, headers=headers)

    assert reply.status_code == 401
    assert reply.json()["status_message"] == "unauthenticated"


@pytest.mark.parametrize(("key", "name"), [("sk-anna", "anna"), ("whatever", "sandbox"), ("k-12-3", "sandbox")])
def test_a_key_has_a_user(sandbox: Sandbox, key: str, name: str) -> None:
    user = sandbox.bare.get("/api/authorize", headers={"Authorization": f"Bearer {key}"}).json()["user"]

    assert user["username"] == name


def test_an_empty_account_is_told_when_it_orders(sandbox: Sandbox) -> None:
    body = {"model": OMNI, "prompt": "snow", "input_video": NOWHERE}

    reply = sandbox.bare.post("/api/ai/queue", json=body, headers={"Authorization": "Bearer broke-bo"})

    assert reply.status_code == 402
    assert reply.json() == {"error": "Insufficient credits"}


def test_models_tell_their_price_without_a_key(sandbox: Sandbox) -> None:
    models = {model["id"]: model for model in sandbox.bare.get("/api/ai/models").json()["models"]}

    omni = sandbox.bare.get(f"/api/ai/models/{OMNI}").json()

    assert set(models) == {OLD, OMNI}
    assert models[OMNI] == omni
    assert omni["pricing"]["method"] == "per_video_output_second"
    assert omni["pricing"]["cost_per_second_by_resolution"] == {"720p": 0.336, "1080p": 0.336}
    assert models[OLD]["pricing"]["cost_per_second"] == 0.336
    assert "resolution" in omni["request_schema"]["properties"]
    assert "resolution" not in models[OLD]["request_schema"]["properties"]


def test_an_unknown_model_is_named(account: Account) -> None:
    asked, ordered = account.http.get("/api/ai/models/kling-9"), account.submit(model="kling-9", prompt="snow")

    for reply in (asked, ordered):
        assert reply.status_code == 404
        assert reply.json()["error"]["title"] == "Model not found: kling-9"
    assert account.charges() == []


@pytest.mark.parametrize("count", [0, 5, -1, "2", 1.5, True, None])
def test_the_number_of_generations_is_looked_at_at_once(account: Account, count: Any) -> None:
    reply = account.submit(prompt="snow", input_video=NOWHERE, num_generations=count)

    assert reply.status_code == 400
    assert reply.json() == {"error": "num_generations must be an integer between 1 and 4"}
    assert account.charges() == []


@pytest.mark.parametrize("body", [b"", b"nothing", b"[]", b'{"prompt": "no model"}', b'{"model": 3}', b"\xff\xfe"])
def test_a_body_that_is_no_order_is_refused(account: Account, body: bytes) -> None:
    reply = account.http.post("/api/ai/queue", content=body)

    assert reply.status_code == 400
    assert account.charges() == []


def test_unknown_addresses_and_jobs_are_not_found(account: Account) -> None:
    for reply in (
        account.http.get("/api/nothing"),
        account.http.get("/api/ai/queue/00000000-0000-4000-8000-000000000000"),
        account.http.delete("/api/ai/queue/unknown"),
        account.http.get("/api/ai/generations/unknown"),
        account.http.get(f"/api/repos/{account.name}/nothing"),
    ):
        assert reply.status_code == 404
        assert reply.json()["status_message"] == "resource_not_found"


def test_jobs_belong_to_the_account_that_ordered_them(account: Account, done: tuple[Account, str]) -> None:
    _, job_id = done

    assert account.http.get(f"/api/ai/queue/{job_id}").status_code == 404
    assert account.http.get("/api/ai/generations").json()["generations"] == []


def test_the_queue_shows_active_jobs_only_unless_asked(account: Account, done: tuple[Account, str]) -> None:
    owner, job_id = done

    active = owner.http.get("/api/ai/queue").json()
    both = owner.http.get("/api/ai/queue", params={"status": "failed,succeeded", "model": OMNI}).json()
    other = owner.http.get("/api/ai/queue", params={"status": "succeeded", "model": OLD}).json()

    assert active == {"count": 0, "generations": []}
    assert [one["generation_id"] for one in both["generations"]] == [job_id]
    assert other["count"] == 0


def test_generations_come_in_pages_newest_first(account: Account) -> None:
    ids = [account.order(prompt=f"{n}", input_video=NOWHERE) for n in range(5)]

    page = account.http.get("/api/ai/generations", params={"page": 2, "page_size": 2}).json()

    assert [row["generation_id"] for row in page["generations"]] == [ids[2], ids[1]]
    assert [row["input_video"] for row in page["generations"]] == [NOWHERE, NOWHERE]
    assert (page["total_entries"], page["total_pages"]) == (5, 3)


def test_the_parameters_come_back_with_the_job(account: Account) -> None:
    job_id = account.order(
        prompt="snow", input_video=NOWHERE, keep_audio=True, resolution="720p", target_namespace="studio", nonce="n1"
    )

    view = account.until_ended(job_id)

    assert view["model_name"] == OMNI
    assert (view["resolution"], view["target_namespace"], view["nonce"]) == ("720p", "studio", "n1")
    assert account.charges()[0]["billed_to"] == "studio"


def test_a_result_link_needs_no_key_and_serves_parts(done: tuple[Account, str]) -> None:
    account, job_id = done
    link = account.job(job_id)["result_url"]
    with httpx.Client(trust_env=False, verify=False) as anybody:
        whole, head = anybody.get(link), anybody.head(link)
        part = anybody.get(link, headers={"Range": "bytes=100-199"})
        rest = anybody.get(link, headers={"Range": "bytes=1000-", "If-Range": whole.headers["etag"]})
        changed = anybody.get(link, headers={"Range": "bytes=1000-", "If-Range": '"other"'})
        beyond = anybody.get(link, headers={"Range": "bytes=99999999-"})

    assert whole.content[4:8] == b"ftyp"
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.content))
    assert (part.status_code, part.content) == (206, whole.content[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole.content)}"
    assert whole.content[:1000] + rest.content == whole.content
    assert (changed.status_code, len(changed.content)) == (200, len(whole.content))
    assert beyond.status_code == 416


def test_a_result_link_cannot_be_guessed_or_stretched(done: tuple[Account, str]) -> None:
    account, job_id = done
    link = account.job(job_id)["result_url"]
    path, _, query = link.partition("?")

    for wrong in (path, f"{path}?{query}0", link.replace("expires=1", "expires=2"), f"{path}?expires=x&signature=y"):
        assert account.http.get(wrong).status_code == 403


def test_an_edit_can_be_waited_for_in_one_call(account: Account, meadow: Path) -> None:
    body = {"model": OLD, "prompt": "invert", "input_video": account.upload(meadow), "response_format": "b64_json"}

    reply = account.http.post("/api/ai/videos/generate", json=body, timeout=60).json()

    assert reply["model"] == OLD
    assert base64.b64decode(reply["videos"][0]["b64_json"])[4:8] == b"ftyp"
    assert len(account.charges()) == 1


def test_a_waited_for_edit_that_fails_says_why(account: Account) -> None:
    reply = account.http.post("/api/ai/videos/generate", json={"model": OLD, "prompt": "invert"})

    assert reply.status_code == 400
    assert reply.json()["error"]["detail"] == "Getting model response error: 422 - input_video: Field required"


def test_events_tell_of_ended_jobs_among_other_things(account: Account) -> None:
    with account.http.stream("GET", "/api/events") as stream:
        lines = stream.iter_lines()
        assert next(lines) == ": connected"
        job_id = account.order(prompt="snow", input_video=NOWHERE)
        names: list[str] = []
        event: dict[str, Any] = {}
        for line in lines:
            if line.startswith("event: "):
                names.append(line.removeprefix("event: "))
            if line.startswith("data: ") and names[-1] == "media_generation_completed":
                event = json.loads(line.removeprefix("data: "))
                break

    assert stream.headers["content-type"].startswith("text/event-stream")
    assert len(names) == 2
    assert (event["generation_id"], event["status"]) == (job_id, "failed")


def test_a_repository_is_made_once(account: Account) -> None:
    body = {"namespace": account.name, "name": "inputs", "is_public": True}

    first, second = account.http.post("/api/repos", json=body), account.http.post("/api/repos", json=body)
    empty = account.http.get(f"/api/repos/{account.name}/inputs").json()["repository"]

    assert first.json()["status_message"] == "resource_created"
    assert second.status_code == 409
    assert empty["is_empty"]
    assert account.http.get(f"/api/repos/{account.name}/inputs/revisions/main").status_code == 404


def test_files_are_put_into_a_folder_or_at_a_full_path(account: Account) -> None:
    account.http.post("/api/repos", json={"namespace": account.name, "name": "inputs", "is_public": True})
    files = f"/api/repos/{account.name}/inputs/file/main"

    root = account.http.put(
        f"{files}/", files={"files[]": ("ä b'🎬.mp4", b"one", "video/mp4")}, data={"message": "first"}
    )
    full = account.http.put(f"{files}/deep/er/two.bin", files={"file": ("ignored.bin", b"two")})
    several = account.http.put(f"{files}/many", files=[("files[]", ("1", b"1")), ("files[]", ("2", b"2"))])
    revision = account.http.get(f"/api/repos/{account.name}/inputs/revisions/main").json()["resource"]

    anybody = account.sandbox.bare
    assert [reply.status_code for reply in (root, full, several)] == [200, 200, 200]
    assert root.json()["commit"]["message"] == "first"
    assert revision["commit"]["id"] == several.json()["commit"]["id"] == revision["branch"]["commit_id"]
    assert anybody.get(f"{files}/ä b'🎬.mp4").content == b"one"
    assert anybody.get(f"{files}/deep/er/two.bin").content == b"two"
    assert [anybody.get(f"{files}/many/{n}").content for n in (1, 2)] == [b"1", b"2"]


@pytest.mark.parametrize("name", ["../../../etc/passwd", "..", "/etc/passwd", "a/../../b"])
def test_no_name_leads_out_of_the_repository(account: Account, name: str) -> None:
    account.http.post("/api/repos", json={"namespace": account.name, "name": "inputs", "is_public": True})
    files = f"/api/repos/{account.name}/inputs/file/main"

    account.http.put(f"{files}/clips", files={"files[]": (name, b"mine")})
    reply = account.sandbox.bare.get(f"{files}/clips/%2e%2e/%2e%2e/sandbox.json")

    assert reply.status_code == 404


def test_a_deleted_file_lives_on_in_the_history(account: Account, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"secret")
    url = account.upload(tmp_path / "clip.mp4")
    repo = url.split("/file/")[0]
    commit = account.http.get(f"{repo}/revisions/main").json()["resource"]["commit"]["id"]

    deleted = account.http.delete(url)

    assert deleted.status_code == 200
    assert account.sandbox.bare.get(url).status_code == 404
    assert account.sandbox.bare.get(url.replace("/main/", f"/{commit}/")).content == b"secret"


def test_a_private_repository_is_closed_to_others(account: Account, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"secret")
    url = account.upload(tmp_path / "clip.mp4", is_public=False)
    other = account.sandbox.account()

    assert account.http.get(url).content == b"secret"
    assert account.sandbox.bare.get(url).status_code == 403
    assert other.http.get(url).status_code == 404
    assert other.http.put(url, files={"file": ("x", b"x")}).status_code == 404
    other.http.close()


def test_nobody_writes_into_the_public_repository_of_another(account: Account, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"mine")
    url = account.upload(tmp_path / "clip.mp4")
    other = account.sandbox.account()

    refused = [other.http.put(url, files={"file": ("x", b"yours")}), other.http.delete(url)]

    assert [reply.status_code for reply in refused] == [403, 403]
    assert account.sandbox.bare.get(url).content == b"mine"
    other.http.close()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"raw bytes", "video/mp4"),
        (b"--b\r\nbroken", "multipart/form-data; boundary=b"),
        (
            b'--b\r\nContent-Disposition: form-data; name="files[]"; filename="x"\r\n\r\nhalf',
            "multipart/form-data; boundary=b",
        ),
        (
            b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nx\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
        ),
        (b"", "multipart/form-data; boundary=" + "b" * 300),
    ],
)
def test_an_upload_that_is_no_form_with_files_is_refused(account: Account, content: bytes, kind: str) -> None:
    account.http.post("/api/repos", json={"namespace": account.name, "name": "inputs", "is_public": True})

    reply = account.http.put(
        f"/api/repos/{account.name}/inputs/file/main/x", content=content, headers={"Content-Type": kind}
    )

    assert reply.status_code == 400
    assert reply.json()["status_message"] == "bad_request"
