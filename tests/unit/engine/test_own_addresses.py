"""A source at an address of the person's own: fetched once, handed on as it is where it fits, and never taken for a name."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from klingstudio.domain.errors import DiskProblem, InputRefused, Kind, NetworkProblem, StudioError, UnexpectedReply
from klingstudio.domain.job import Attempt, AttemptState, Event, Job, State
from klingstudio.domain.media import Trim
from klingstudio.engine.reconcile import CLOCK_SLACK, SENT_WITHIN, matches_at_own_address
from klingstudio.engine.sources import fetch_source
from klingstudio.net.retry import Patience
from klingstudio.net.source import served_bytes
from klingstudio.providers.base import RemoteJob
from tests.fakes.sandbox import Sandbox, run_quick_sandbox
from tests.fakes.studio_run import Watch, a_clip, a_request, a_studio
from tests.fakes.wire import Asked, Handler, Wire, closed_port, reply

SENT = datetime(2026, 9, 1, 12, tzinfo=UTC)
OWN = "https://own.example/clip.mp4"


# ----------------------------------------------------------------------------------------------------------- a web host


def film_of(data: bytes, *, etag: str = '"one"', cut_at: int | None = None) -> Handler:
    """A file on the web: whole, in parts, or once cut in the middle."""

    async def handler(asked: Asked, writer: asyncio.StreamWriter) -> None:
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", asked.headers.get("range", ""))
        begin = int(found[1]) if found else 0
        end = int(found[2]) + 1 if found and found[2] else len(data)
        head = f"HTTP/1.1 {206 if found else 200} X\r\nContent-Type: video/mp4\r\nETag: {etag}\r\n"
        head += f"Content-Range: bytes {begin}-{end - 1}/{len(data)}\r\n" if found else ""
        writer.write(f"{head}Content-Length: {end - begin}\r\n\r\n".encode())
        writer.write(data[begin : end if cut_at is None else cut_at])
        await writer.drain()
        if cut_at is not None:
            writer.close()

    return handler


def to(place: str) -> Handler:
    return reply(302, b"", Location=place)


async def _at_once(seconds: float) -> None:
    await asyncio.sleep(min(seconds, 0.01))


PATIENCE = Patience(sleep=_at_once, random=lambda: 0.5)


async def fetched(url: str, folder: Path, *, allow_loopback: bool = True) -> Path:
    return await fetch_source(
        url, folder, allow_loopback=allow_loopback, repeat=PATIENCE.repeat, on_fraction=lambda done: None
    )


FILM = b"\0\0\0\x18ftypisom" + bytes(range(256)) * 2000


# ------------------------------------------------------------------------------------------------------------- fetching


async def test_a_source_is_fetched_without_a_key_and_kept_by_its_content(tmp_path: Path) -> None:
    seen: list[float | None] = []
    async with Wire(film_of(FILM)) as web:
        url = f"{web.url}/films/My%20clip.mov?signature=s3cret"
        one = await fetch_source(
            url, tmp_path / "sources", allow_loopback=True, repeat=PATIENCE.repeat, on_fraction=seen.append
        )
        before = one.stat().st_mtime_ns
        two = await fetched(url, tmp_path / "sources")
        other = await fetched(f"{web.url}/copy.mp4", tmp_path / "sources")

    assert one == two == tmp_path / "sources" / hashlib.sha256(FILM).hexdigest()[:16] / "My clip.mov"
    assert (one.read_bytes(), one.stat().st_mtime_ns) == (FILM, before)
    assert other.parent == one.parent
    assert (seen[0] or 0) <= (seen[-1] or 0) == 1
    assert len(web.asked) == 3
    assert all("authorization" not in asked.headers and "cookie" not in asked.headers for asked in web.asked)
    assert {path.name for path in (tmp_path / "sources").iterdir()} == {one.parent.name}


async def test_a_kept_file_that_was_damaged_is_replaced(tmp_path: Path) -> None:
    async with Wire(film_of(FILM)) as web:
        kept = await fetched(f"{web.url}/clip.mp4", tmp_path)
        kept.write_bytes(b"damaged")
        assert (await fetched(f"{web.url}/clip.mp4", tmp_path)).read_bytes() == FILM


async def test_a_transfer_that_is_cut_goes_on_where_it_was(tmp_path: Path) -> None:
    async with Wire(film_of(FILM, cut_at=300_000), film_of(FILM)) as web:
        path = await fetched(f"{web.url}/clip.mp4", tmp_path)

    assert path.read_bytes() == FILM
    begin = web.asked[1].headers["range"].removeprefix("bytes=").removesuffix("-")
    assert 0 < int(begin) <= 300_000


@pytest.mark.parametrize(
    ("handlers", "kind", "words"),
    [
        ([reply(404, b"gone")], Kind.SOURCE_MISSING, "its address answers HTTP 404"),
        ([reply(403, b"<Error>Request has expired</Error>")], Kind.SOURCE_MISSING, "its address answers HTTP 403"),
        ([reply(200, b"<!DOCTYPE html><p>Log in</p>")], Kind.SOURCE_UNREADABLE, "not a video"),
        ([reply(200, b'{"error": "no"}')], Kind.SOURCE_UNREADABLE, "not a video"),
        ([reply(200, b"")], Kind.SOURCE_UNREADABLE, "empty"),
        ([reply(418, b"")], Kind.SOURCE_UNREADABLE, "HTTP 418"),
        ([to("http://inside.example/clip.mp4")], Kind.SOURCE_UNREADABLE, "not https (http://inside.example)"),
        ([to("file:///etc/passwd")], Kind.SOURCE_UNREADABLE, "not https (file://None)"),
        ([to("/again")], Kind.SOURCE_UNREADABLE, "too many redirects"),
        ([reply(200, FILM, Content_Length=str(3 * 1024**3))], Kind.SOURCE_UNREADABLE, "3221225472 bytes"),
    ],
)
async def test_an_address_that_serves_no_film_is_refused_in_plain_words(
    tmp_path: Path, handlers: list[Handler], kind: Kind, words: str
) -> None:
    async with Wire(*handlers) as web:
        with pytest.raises(InputRefused) as refused:
            await fetched(f"{web.url}/clip.mp4", tmp_path / "sources")

    problem = refused.value.problem
    assert (problem.kind, problem.subject) == (kind, "source")
    assert words in problem.detail
    assert list((tmp_path / "sources").glob("*")) == []


@pytest.mark.parametrize("url", ["http://own.example/a.mp4", "ftp://own.example/a.mp4", "https://", "https://a:b@c/d"])
async def test_only_https_is_fetched(tmp_path: Path, url: str) -> None:
    with pytest.raises(InputRefused) as refused:
        await fetched(url, tmp_path)

    assert refused.value.problem.kind is Kind.SOURCE_UNREADABLE


async def test_this_computer_is_only_asked_for_a_provider_that_is_on_it(tmp_path: Path) -> None:
    async with Wire(film_of(FILM)) as web:
        with pytest.raises(InputRefused):
            await fetched(f"{web.url}/clip.mp4", tmp_path, allow_loopback=False)

    assert web.asked == []


async def test_a_host_that_cannot_be_reached_is_a_problem_of_the_network(tmp_path: Path) -> None:
    with pytest.raises(NetworkProblem):
        await fetched(f"{closed_port()}/clip.mp4", tmp_path)


async def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "sources").write_text("in the way")
    async with Wire(film_of(FILM)) as web:
        with pytest.raises(DiskProblem):
            await fetched(f"{web.url}/clip.mp4", tmp_path / "sources")


async def test_a_place_that_is_taken_by_something_else_is_said(tmp_path: Path) -> None:
    (tmp_path / hashlib.sha256(FILM).hexdigest()[:16]).write_text("in the way")
    async with Wire(film_of(FILM)) as web:
        with pytest.raises(DiskProblem):
            await fetched(f"{web.url}/clip.mp4", tmp_path)


async def test_what_an_ended_program_left_is_removed_after_a_day(tmp_path: Path) -> None:
    old, young = tmp_path / "old.part", tmp_path / "young.part"
    for part in (old, young):
        part.write_bytes(b"half")
    os.utime(old, (time.time() - 90_000,) * 2)

    async with Wire(film_of(FILM)) as web:
        await fetched(f"{web.url}/clip.mp4", tmp_path)

    assert (old.exists(), young.exists()) == (False, True)


@pytest.mark.parametrize(
    ("handlers", "size_bytes"),
    [
        ([film_of(FILM)], len(FILM)),
        ([reply(200, FILM)], len(FILM)),
        ([to("/there"), film_of(FILM)], len(FILM)),
        ([reply(206, b"\0", Content_Range="bytes 0-0/*")], None),
    ],
)
async def test_the_length_at_an_address_is_known_from_one_byte(handlers: list[Handler], size_bytes: int | None) -> None:
    async with Wire(*handlers) as web:
        assert await served_bytes(f"{web.url}/clip.mp4", allow_loopback=True) == size_bytes

    assert all((asked.method, asked.headers["range"]) == ("GET", "bytes=0-0") for asked in web.asked)


@pytest.mark.parametrize(
    ("handler", "error"),
    [
        (reply(403), InputRefused),
        (reply(416), InputRefused),
        (reply(503), NetworkProblem),
        (reply(418), UnexpectedReply),
        (to("http://inside.example/"), UnexpectedReply),
        (to("/again"), UnexpectedReply),
    ],
)
async def test_an_address_that_is_no_good_any_more_is_told(handler: Handler, error: type[StudioError]) -> None:
    async with Wire(handler) as web:
        with pytest.raises(error):
            await served_bytes(f"{web.url}/clip.mp4", allow_loopback=True)


# ------------------------------------------------------------------------------------------------- a lost job, as a rule


def an_attempt(name: str = "lost", **changes: Any) -> Attempt:
    values: dict[str, Any] = {
        "id": name,
        "job_id": f"job of {name}",
        "provider": "pixeldojo",
        "account": "a",
        "state": AttemptState.UNKNOWN,
        "asset_url": OWN,
        "body_sha256": "",
        "intent_at": SENT,
    }
    return Attempt(**(values | changes))


def a_row(remote_id: str = "r1", after: timedelta | None = timedelta(seconds=1), url: str = OWN) -> RemoteJob:
    return RemoteJob(remote_id, url, None if after is None else SENT + after)


MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("rows", "others", "takes", "found"),
    [
        ([a_row()], [], 1, ("r1",)),
        ([a_row(url="https://own.example/other.mp4")], [], 1, ()),
        # Made at another time: by the person, on the provider's own page.
        ([a_row(after=-CLOCK_SLACK - MINUTE)], [], 1, ()),
        ([a_row(after=CLOCK_SLACK + SENT_WITHIN + MINUTE)], [], 1, ()),
        ([a_row(after=None)], [], 1, ()),
        # More than were ordered.
        ([a_row("r1"), a_row("r2")], [], 1, ()),
        ([a_row("r1"), a_row("r2")], [], 2, ("r1", "r2")),
        # Another job's, which is known; also when its key was another one.
        ([a_row("r1"), a_row("r2")], [an_attempt("b", state=AttemptState.ACCEPTED, remote_id="r1")], 1, ("r2",)),
        ([a_row("r1")], [an_attempt("b", state=AttemptState.ACCEPTED, remote_id="r1", account="renewed")], 1, ()),
        # It could be either's.
        ([a_row()], [an_attempt("b")], 1, ()),
        ([a_row()], [an_attempt("b", state=AttemptState.INTENT)], 1, ()),
        ([a_row()], [an_attempt("b", state=AttemptState.WAIVED, account="renewed")], 1, ()),
        # It could not.
        ([a_row()], [an_attempt("b", state=AttemptState.NOT_SENT)], 1, ("r1",)),
        ([a_row()], [an_attempt("b", state=AttemptState.REJECTED)], 1, ("r1",)),
        ([a_row()], [an_attempt("b", intent_at=SENT - timedelta(hours=1))], 1, ("r1",)),
    ],
)
def test_a_listed_job_at_an_own_address_counts_only_where_it_can_be_no_other(
    rows: list[RemoteJob], others: list[Attempt], takes: int, found: tuple[str, ...]
) -> None:
    lost = an_attempt()

    assert matches_at_own_address(lost, rows, [lost, *others], takes) == found


# --------------------------------------------------------------------------------------------------------- a whole edit


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, edits: Path) -> Iterator[Sandbox]:
    with run_quick_sandbox(tmp_path_factory.mktemp("sandbox"), "--queue-delay", "0.05", edits=edits) as running:
        yield running


@pytest.fixture
def sandbox(shared: Sandbox) -> Sandbox:
    shared.faults([])
    shared.forget_requests()
    return shared


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return a_clip(tmp_path_factory.mktemp("clips") / "clip.mp4").read_bytes()


@pytest.fixture
async def web(film: bytes) -> AsyncIterator[Wire]:
    async with Wire(film_of(film)) as wire:
        yield wire


@pytest.fixture
def account() -> str:
    return "u" + uuid.uuid4().hex[:10]


@pytest.fixture
def keys(account: str) -> dict[str, str]:
    """No key of anybody who hosts files."""
    return {"pixeldojo": f"canary-5ecret-key-{account}"}


async def a_dojo_request(web: Wire, tmp_path: Path, **changes: Any) -> Any:
    url = f"{web.url}/clip.mp4?signature=of-the-person"
    source = await fetched(url, tmp_path / "sources")
    return a_request(source, **({"provider": "pixeldojo", "source_url": url} | changes))


def rests(job: Job) -> bool:
    return not job.is_active


def orders(sandbox: Sandbox) -> int:
    return len(sandbox.requests("POST", "/api/v1/models/"))


def charges(sandbox: Sandbox, account: str) -> list[dict[str, Any]]:
    return [row for row in sandbox.ledger() if row["account"] == account]


def serve_instead(web: Wire, handler: Handler) -> None:
    web._handlers[:] = [handler]


async def test_a_clip_that_fits_is_read_at_its_own_address(
    home: Path, tmp_path: Path, sandbox: Sandbox, web: Wire, account: str, keys: dict[str, str]
) -> None:
    request = await a_dojo_request(web, tmp_path)
    async with a_studio(home, sandbox, key=keys) as studio:
        (job,) = studio.queue.enqueue(request)
        job = await Watch(studio).until(job.id, rests)

    assert job.state is State.COMPLETED, job.problem
    (row,) = charges(sandbox, account)
    assert row["input_video"] == request.source_url
    assert [one["call"] for one in sandbox.requests() if one["call"] in ("upload", "token")] == []
    assert [(asset.url, asset.is_upload) for asset in job.assets] == [(request.source_url, False)]
    assert job.request.inputs_via is None
    assert all("authorization" not in asked.headers for asked in web.asked)


async def test_a_clip_that_has_to_be_fitted_is_uploaded(
    home: Path, tmp_path: Path, sandbox: Sandbox, account: str, keys: dict[str, str]
) -> None:
    long = a_clip(tmp_path / "long.mp4", seconds=4).read_bytes()
    async with Wire(film_of(long)) as web:
        request = await a_dojo_request(web, tmp_path, trim=Trim(start_s=0.5, end_s=3.5))
        async with a_studio(home, sandbox, key=keys | {"oxen": f"canary-5ecret-host-{account}"}) as studio:
            (job,) = studio.queue.enqueue(request)
            job = await Watch(studio).until(job.id, rests)

    assert job.state is State.COMPLETED, job.problem
    (row,) = charges(sandbox, account)
    assert row["input_video"].startswith(sandbox.at("oxen"))
    assert job.request.inputs_via == "oxen"


@pytest.mark.parametrize(
    ("now_there", "kind"),
    [(film_of(FILM), Kind.SOURCE_CHANGED), (reply(403, b"expired"), Kind.SOURCE_MISSING)],
)
async def test_an_address_that_no_longer_serves_the_clip_is_noticed_before_it_costs(
    home: Path,
    tmp_path: Path,
    sandbox: Sandbox,
    web: Wire,
    keys: dict[str, str],
    now_there: Handler,
    kind: Kind,
) -> None:
    request = await a_dojo_request(web, tmp_path)
    serve_instead(web, now_there)
    async with a_studio(home, sandbox, key=keys) as studio:
        (job,) = studio.queue.enqueue(request)
        job = await Watch(studio).until(job.id, rests)

    assert job.state is State.DRAFT
    assert job.problem is not None
    assert (job.problem.kind, job.problem.subject) == (kind, "source")
    assert str(job.problem.charged) == "no"
    assert orders(sandbox) == 0


async def test_a_lost_answer_is_found_at_an_own_address_by_its_time(
    home: Path, tmp_path: Path, sandbox: Sandbox, web: Wire, account: str, keys: dict[str, str]
) -> None:
    sandbox.faults([{"call": "submit", "kind": "drop_after"}])
    async with a_studio(home, sandbox, key=keys) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(await a_dojo_request(web, tmp_path))
        await watch.until(job.id, lambda job: job.state is State.UNCONFIRMED)
        job = await watch.until(job.id, rests)

    assert job.state is State.COMPLETED, job.problem
    assert orders(sandbox) == 1
    assert len(charges(sandbox, account)) == 1


async def test_two_lost_answers_at_one_address_are_never_mixed_up(
    home: Path, tmp_path: Path, sandbox: Sandbox, web: Wire, account: str, keys: dict[str, str]
) -> None:
    nothing_listed = {"call": "list", "kind": "list_empty", "times": 0}
    sandbox.faults([{"call": "submit", "kind": "drop_after", "times": 2}, nothing_listed])
    async with a_studio(home, sandbox, key=keys) as studio:
        watch = Watch(studio)
        request = await a_dojo_request(web, tmp_path)
        jobs = studio.queue.enqueue(request, takes=2)
        assert len(jobs) == 2
        for job in jobs:
            await watch.until(job.id, lambda job: job.state is State.UNCONFIRMED)
        sandbox.faults([])
        looks = max(studio.queue.job(job.id).looks for job in jobs)
        for job in jobs:
            await watch.until(job.id, lambda job: job.looks >= looks + 3)
        assert [studio.queue.job(job.id).state for job in jobs] == [State.UNCONFIRMED] * 2

        # Only the person can tell; once one is told, the other is the only one left.
        first, second = (row["generation_id"] for row in charges(sandbox, account))
        studio.queue.found(jobs[0].id, first)
        ended = [await watch.until(job.id, rests) for job in jobs]

    assert [job.state for job in ended] == [State.COMPLETED] * 2
    assert [job.remote_id for job in ended] == [first, second]
    assert orders(sandbox) == 2
    assert len(charges(sandbox, account)) == 2


async def test_an_address_that_died_meanwhile_is_not_sent_again(
    home: Path, tmp_path: Path, sandbox: Sandbox, web: Wire, account: str, keys: dict[str, str]
) -> None:
    sandbox.faults([{"call": "submit", "kind": "reset_before"}])
    async with a_studio(home, sandbox, key=keys) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(await a_dojo_request(web, tmp_path))
        await watch.until(job.id, lambda job: job.looks >= 1)
        serve_instead(web, reply(403, b"expired"))

        studio.queue.send_again(job.id)
        job = await watch.until(job.id, rests)

    assert job.state is State.DRAFT
    assert job.problem is not None
    assert job.problem.kind is Kind.SOURCE_MISSING
    assert orders(sandbox) == 1
    assert charges(sandbox, account) == []


async def test_an_address_that_cannot_be_asked_lets_the_job_wait(
    home: Path, tmp_path: Path, sandbox: Sandbox, web: Wire, account: str, keys: dict[str, str]
) -> None:
    request = await a_dojo_request(web, tmp_path)
    serve_instead(web, reply(503))
    async with a_studio(home, sandbox, key=keys) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(request)
        job = await watch.until(job.id, rests)
        assert (job.state, job.paused) == (State.PREPARED, True)
        assert job.problem is not None
        assert job.problem.kind is Kind.PROVIDER_BUSY
        assert orders(sandbox) == 0

        serve_instead(web, film_of(Path(request.source).read_bytes()))
        studio.queue.carry_on(job.id)
        job = await watch.until(job.id, rests)

    assert job.state is State.COMPLETED, job.problem
    assert len(charges(sandbox, account)) == 1


async def test_sending_again_to_the_same_address_is_one_request_for_one_approval(
    home: Path, tmp_path: Path, sandbox: Sandbox, web: Wire, account: str, keys: dict[str, str]
) -> None:
    sandbox.faults([{"call": "submit", "kind": "reset_before"}])
    async with a_studio(home, sandbox, key=keys) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(await a_dojo_request(web, tmp_path))
        job = await watch.until(job.id, lambda job: job.looks >= 1)
        assert job.state is State.UNCONFIRMED

        studio.queue.send_again(job.id)
        job = await watch.until(job.id, rests)
        history = studio.queue._around.store.history(job.id)

    assert job.state is State.COMPLETED, job.problem
    assert orders(sandbox) == 2
    assert len(charges(sandbox, account)) == 1
    assert [event for _, event, _ in history].count(Event.ASSET_EXPIRED) == 0, "no going round in circles"
