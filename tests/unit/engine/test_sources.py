"""A picture or clip from the web: used as what it is, and nothing else is kept."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest

from klingstudio.domain.errors import DiskProblem, InputRefused, Kind
from klingstudio.engine.sources import PICTURE_MAX_BYTES, Fetched, fetch_file
from klingstudio.net.retry import Patience
from klingstudio.net.upload import CHUNK_BYTES
from tests.fakes.wire import Handler, Wire, closed_port, reply

FILM = b"\0\0\0\x18ftypisom" + bytes(range(256)) * 200
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20


async def _at_once(seconds: float) -> None:
    await asyncio.sleep(min(seconds, 0.001))


PATIENCE = Patience(sleep=_at_once, random=lambda: 0.5)


async def fetched(url: str, folder: Path, *, allow_loopback: bool = True) -> Fetched:
    return await fetch_file(
        url, folder, allow_loopback=allow_loopback, repeat=PATIENCE.repeat, on_fraction=lambda done: None
    )


@pytest.mark.parametrize(
    ("path", "body", "is_picture", "name"),
    [
        ("/photos/winter%20day.jpg?w=8", PICTURE, True, "winter day.png"),
        ("/download", PICTURE, True, "download.png"),
        ("/", PICTURE, True, "picture.png"),
        ("/clip.mov", FILM, False, "clip.mov"),
        ("/not-a-picture.jpg", FILM, False, "not-a-picture.jpg"),
        ("/", FILM, False, "clip.mp4"),
    ],
)
async def test_content_decides_what_it_is(tmp_path: Path, path: str, body: bytes, is_picture: bool, name: str) -> None:
    async with Wire(reply(200, body)) as web:
        found = await fetched(f"{web.url}{path}", tmp_path)

    assert found == Fetched(tmp_path / hashlib.sha256(body).hexdigest()[:16] / name, is_picture)
    assert found.path.read_bytes() == body
    assert [one.name for one in tmp_path.iterdir()] == [found.path.parent.name]
    assert all("authorization" not in asked.headers and "cookie" not in asked.headers for asked in web.asked)


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        (reply(200, b"<!DOCTYPE html><p>Log in</p>"), "what lies there is a page"),
        (reply(200, b"\0\0\0\x1cftypavif\0\0\0\0"), "the picture that lies there is not JPEG, PNG or WebP"),
        (reply(200, b"%PDF-1.7"), "what lies there is something else"),
        (
            reply(200, PICTURE + bytes(2 * CHUNK_BYTES), Content_Length=str(PICTURE_MAX_BYTES + 1)),
            "the picture has more than 64 MB",
        ),
        (reply(200, b""), "the result is empty"),
        (reply(404, b"gone"), "it answers HTTP 404"),
        (reply(302, b"", Location="file:///etc/passwd"), "the address is not https (file://None)"),
        (reply(302, b"", Location="http://inside.example/a.png"), "the address is not https (http://inside.example)"),
    ],
)
async def test_what_is_no_picture_or_clip_is_refused_and_not_kept(tmp_path: Path, handler: Handler, words: str) -> None:
    async with Wire(handler) as web:
        with pytest.raises(InputRefused) as refused:
            await fetched(f"{web.url}/a.png", tmp_path / "sources")

    problem = refused.value.problem
    assert (problem.kind, problem.detail) == (Kind.ADDRESS_USELESS, words)
    assert list((tmp_path / "sources").glob("*")) == []


async def test_this_computer_is_not_asked_where_that_is_not_meant(tmp_path: Path) -> None:
    async with Wire(reply(200, PICTURE)) as web:
        with pytest.raises(InputRefused):
            await fetched(f"{web.url}/a.png", tmp_path, allow_loopback=False)

    assert web.asked == []


async def test_an_address_that_cannot_be_reached_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as refused:
        await fetched(f"{closed_port()}/a.png", tmp_path)

    assert refused.value.problem.kind is Kind.ADDRESS_UNREACHABLE


async def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "sources").write_text("in the way")
    async with Wire(reply(200, PICTURE)) as web:
        with pytest.raises(DiskProblem):
            await fetched(f"{web.url}/a.png", tmp_path / "sources")
