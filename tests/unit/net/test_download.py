"""A download ends whole or resumes."""

from __future__ import annotations

import asyncio
import base64
import random
import ssl
import sys
import tracemalloc
from pathlib import Path

import pytest

from klingstudio.domain.errors import DiskProblem, Kind, NetworkProblem, ResultGone, UnexpectedReply
from klingstudio.net import download as downloading
from klingstudio.net.download import Download
from klingstudio.net.upload import CHUNK_BYTES
from tests.fakes.wire import Asked, Handler, Wire, raw, reply

TLS = ssl.create_default_context()
FILM = b"\0\0\0\x20ftypisom" + random.Random(7).randbytes(3 * CHUNK_BYTES + 77)


async def _no_sleep(seconds: float) -> None:
    await asyncio.sleep(0)


def ignore(done: int, total: int) -> None:
    pass


def a_download(tmp_path: Path) -> tuple[Download, Path]:
    part = tmp_path / "job.part"
    return Download(part, tls=TLS, allow_loopback=True), part


def serving(cut_at: int | None = None, etag: str = '"one"', film: bytes = FILM) -> Handler:
    """Answers ranges; ends the connection after `cut_at` bytes of the body."""

    async def handler(asked: Asked, writer: asyncio.StreamWriter) -> None:
        start = 0
        wants_rest = "range" in asked.headers and asked.headers.get("if-range") == etag
        if wants_rest:
            start = int(asked.headers["range"].removeprefix("bytes=").removesuffix("-"))
            head = f"HTTP/1.1 206 X\r\nContent-Range: bytes {start}-{len(film) - 1}/{len(film)}\r\n"
        else:
            head = "HTTP/1.1 200 X\r\n"
        body = film[start:]
        writer.write(f"{head}ETag: {etag}\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        writer.write(body if cut_at is None else body[:cut_at])
        await writer.drain()
        if cut_at is not None:
            writer.close()

    return handler


async def test_a_whole_file_arrives_byte_for_byte_without_a_key(tmp_path: Path) -> None:
    download, part = a_download(tmp_path)
    seen: list[tuple[int, int]] = []

    async with Wire(serving()) as wire:
        await download.fetch(f"{wire.url}/film?signature=abc", lambda done, total: seen.append((done, total)))

    assert part.read_bytes() == FILM
    assert seen[-1] == (len(FILM), len(FILM))
    assert "authorization" not in wire.asked[0].headers
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith("job")] == ["job.part"]


@pytest.mark.parametrize("cut_at", [1, 11, 4096, CHUNK_BYTES, 2 * CHUNK_BYTES + 5, len(FILM) - 1])
async def test_a_cut_download_goes_on_where_it_stopped(tmp_path: Path, cut_at: int) -> None:
    download, part = a_download(tmp_path)

    async with Wire(serving(cut_at), serving()) as wire:
        with pytest.raises(NetworkProblem):
            await download.fetch(wire.url, ignore)
        await download.fetch(wire.url, ignore)

    assert part.read_bytes() == FILM


async def test_a_file_that_changed_meanwhile_starts_from_zero(tmp_path: Path) -> None:
    download, part = a_download(tmp_path)
    other = FILM[:12] + FILM[12:][::-1]

    async with Wire(serving(2 * CHUNK_BYTES), serving(etag='"two"', film=other)) as wire:
        with pytest.raises(NetworkProblem):
            await download.fetch(wire.url, ignore)
        await download.fetch(wire.url, ignore)

    assert part.read_bytes() == other


async def test_a_server_that_answers_another_range_is_not_believed(tmp_path: Path) -> None:
    download, part = a_download(tmp_path)
    lying = raw(b"HTTP/1.1 206 X\r\nContent-Range: bytes 3-9/10\r\nContent-Length: 7\r\n\r\n1234567")

    async with Wire(serving(CHUNK_BYTES), lying, serving()) as wire:
        for _ in range(2):
            with pytest.raises(NetworkProblem):
                await download.fetch(wire.url, ignore)
        await download.fetch(wire.url, ignore)

    assert part.read_bytes() == FILM


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
async def test_a_busy_server_is_asked_again_later_and_what_came_stays(tmp_path: Path, status: int) -> None:
    download, part = a_download(tmp_path)

    async with Wire(serving(CHUNK_BYTES), reply(status), serving()) as wire:
        with pytest.raises(NetworkProblem):
            await download.fetch(wire.url, ignore)
        with pytest.raises(NetworkProblem) as busy:
            await download.fetch(wire.url, ignore)
        assert part.stat().st_size > 0
        await download.fetch(wire.url, ignore)

    assert busy.value.problem.kind is Kind.PROVIDER_BUSY
    assert part.read_bytes() == FILM


def partly(range_: str, body: bytes) -> Handler:
    """A part of a file that nobody asked for."""
    head = f"HTTP/1.1 206 X\r\nContent-Range: {range_}\r\nContent-Length: {len(body)}\r\n\r\n"
    return raw(head.encode() + body)


async def test_a_part_that_is_less_than_the_whole_is_not_taken_for_it(tmp_path: Path) -> None:
    download, part = a_download(tmp_path)

    async with Wire(partly(f"bytes 0-99/{len(FILM)}", FILM[:100]), partly("snow", FILM[:100]), serving()) as wire:
        with pytest.raises(NetworkProblem, match="100 of"):
            await download.fetch(wire.url, ignore)
        with pytest.raises(UnexpectedReply, match="Content-Range"):
            await download.fetch(wire.url, ignore)
        assert not Download.is_complete(part)
        await download.fetch(wire.url, ignore)

    assert part.read_bytes() == FILM


async def test_a_result_without_an_end_is_given_up_announced_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloading, "RESULT_MAX_BYTES", 2 * CHUNK_BYTES)
    download, part = a_download(tmp_path)
    endless = raw(b"HTTP/1.1 200 X\r\n\r\n" + FILM)

    async with Wire(serving(), endless) as wire:
        with pytest.raises(UnexpectedReply, match=f"{len(FILM)} bytes"):
            await download.fetch(wire.url, ignore)
        assert not part.exists()
        with pytest.raises(UnexpectedReply, match="does not end"):
            await download.fetch(wire.url, ignore)

    assert part.stat().st_size <= 3 * CHUNK_BYTES
    assert not Download.is_complete(part)


async def test_a_result_of_unknown_length_arrives_whole(tmp_path: Path) -> None:
    download, part = a_download(tmp_path)
    seen: list[tuple[int, int]] = []

    async with Wire(
        raw(b"HTTP/1.1 200 X\r\nContent-Length: snow\r\n\r\n"), raw(b"HTTP/1.1 200 X\r\n\r\n" + FILM)
    ) as wire:
        with pytest.raises(NetworkProblem):
            await download.fetch(wire.url, ignore)
        await download.fetch(wire.url, lambda *both: seen.append(both))

    assert part.read_bytes() == FILM
    assert seen[-1] == (len(FILM), 0)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_a_dead_link_is_told_from_a_bad_line(tmp_path: Path, status: int) -> None:
    download, part = a_download(tmp_path)

    async with Wire(reply(status)) as wire:
        with pytest.raises(ResultGone):
            await download.fetch(wire.url, ignore)

    assert not part.exists()


@pytest.mark.parametrize(
    "handler",
    [
        reply(200, b"<html>expired</html>"),
        reply(200, b'{"error": "x"}'),
        reply(200, b""),
        reply(400),
        reply(302, Location="http://example.com/film.mp4"),
        reply(302, Location="file:///etc/passwd"),
    ],
)
async def test_what_is_no_video_is_not_kept(tmp_path: Path, handler: Handler) -> None:
    download, part = a_download(tmp_path)

    async with Wire(handler) as wire:
        with pytest.raises(UnexpectedReply):
            await download.fetch(wire.url, ignore)

    assert not part.exists() or part.stat().st_size == 0


@pytest.mark.parametrize(
    "url", ["http://example.com/x", "file:///etc/passwd", "https://me:secret@host/x", "x", "https://[::1", ""]
)
async def test_only_https_addresses_are_fetched(tmp_path: Path, url: str) -> None:
    download, _ = a_download(tmp_path)

    with pytest.raises(UnexpectedReply):
        await download.fetch(url, ignore)


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on file sizes there")
async def test_a_disk_that_fills_up_midway_is_a_problem_of_the_disk_and_keeps_what_came(tmp_path: Path) -> None:
    import resource

    download, part = a_download(tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with Wire(serving()) as wire:
        # Not a multiple of the chunk, so that the rest of a piece stays in the buffer of the file.
        resource.setrlimit(resource.RLIMIT_FSIZE, (CHUNK_BYTES + 1000, limits[1]))
        try:
            with pytest.raises(DiskProblem):
                await download.fetch(wire.url, ignore)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        await a_download(tmp_path)[0].fetch(wire.url, ignore)

    assert part.read_bytes() == FILM


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on file sizes there")
async def test_a_disk_that_fills_up_with_the_last_bytes_is_told_and_nothing_counts_as_whole(tmp_path: Path) -> None:
    import resource

    download, part = a_download(tmp_path)
    # Less than the file object holds back: it gets to the disk with the sync, or not at all.
    film = FILM[:5000]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with Wire(serving(film=film)) as wire:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        try:
            with pytest.raises(DiskProblem):
                await download.fetch(wire.url, ignore)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert not Download.is_complete(part)
        await download.fetch(wire.url, ignore)

    assert part.read_bytes() == film


async def test_an_address_on_this_computer_is_refused_for_a_real_provider(tmp_path: Path) -> None:
    async with Wire(serving()) as wire:
        with pytest.raises(UnexpectedReply):
            await Download(tmp_path / "p", tls=TLS, allow_loopback=False).fetch(wire.url, ignore)

        assert wire.asked == []


async def test_a_redirect_within_reach_is_followed(tmp_path: Path) -> None:
    download, part = a_download(tmp_path)

    async with Wire(serving()) as there, Wire(reply(302, Location=f"{there.url}/real")) as here:
        await download.fetch(here.url, ignore)

    assert part.read_bytes() == FILM


async def test_a_folder_that_cannot_be_written_is_a_problem_of_the_disk(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")

    async with Wire(serving()) as wire:
        with pytest.raises(DiskProblem) as failed:
            await Download(blocked / "job.part", tls=TLS, allow_loopback=True).fetch(wire.url, ignore)

    assert failed.value.problem.kind is Kind.DISK_UNWRITABLE


# --------------------------------------------------------------------------------------- results that want to be asked


def keyed(film: bytes = FILM) -> Handler:
    """Shows the film to whoever shows the key, and refuses everybody else."""

    async def handler(asked: Asked, writer: asyncio.StreamWriter) -> None:
        status, body = (200, film) if asked.headers.get("x-key") == "secret" else (401, b"no")
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()

    return handler


async def show_key(url: str) -> dict[str, str]:
    return {"X-Key": "secret"}


async def test_a_result_that_wants_the_key_gets_it_only_after_it_refused(tmp_path: Path) -> None:
    download, part = a_download(tmp_path)

    async with Wire(keyed()) as wire:
        await download.fetch(wire.url, ignore, show_key)

    assert part.read_bytes() == FILM
    assert ["x-key" in asked.headers for asked in wire.asked] == [False, True]


async def test_a_result_that_needs_no_key_is_never_shown_it(tmp_path: Path) -> None:
    download, _ = a_download(tmp_path)

    async with Wire(serving()) as wire:
        await download.fetch(wire.url, ignore, show_key)

    assert "x-key" not in wire.asked[0].headers


async def test_the_key_does_not_follow_to_another_host_nor_back_from_it(tmp_path: Path) -> None:
    download, part = a_download(tmp_path)

    async with Wire(serving()) as home, Wire(reply(302, Location=f"{home.url}/back")) as foreign:
        home_first = reply(302, Location=f"{foreign.url}/there")
        async with Wire(reply(403), home_first) as wire:
            await download.fetch(wire.url, ignore, show_key)

    assert part.read_bytes() == FILM
    assert ["x-key" in asked.headers for asked in wire.asked] == [False, True]
    assert all("x-key" not in asked.headers for asked in (*foreign.asked, *home.asked))


async def test_a_result_that_refuses_the_key_too_is_gone(tmp_path: Path) -> None:
    download, _ = a_download(tmp_path)

    async with Wire(reply(403)) as wire:
        with pytest.raises(ResultGone):
            await download.fetch(wire.url, ignore, show_key)

    assert len(wire.asked) == 2


# --------------------------------------------------------------------------------------------- a video inside an answer


def inside(
    head: str = '{"status":"succeeded","response_format":"b64_json","videos":[{"b64_json":"', tail: str = '"}]}'
) -> bytes:
    return head.encode() + base64.b64encode(FILM) + tail.encode()


JSON = {"Content_Type": "application/json"}


@pytest.mark.parametrize(
    "body",
    [
        inside(),
        inside('{ "b64_json" :\n "', '" , "after": 1 }'),
        inside('{"prompt":"a \\"b64_json\\": \\"x\\"","b64_json":null,"v":{"b64_json":"').replace(b"/", b"\\/"),
        inside('{"prompt":"' + "x" * (CHUNK_BYTES - 30) + '","b64_json":"'),
        inside('{"prompt":"' + "x" * (CHUNK_BYTES - 26) + '","b64_json":"'),
    ],
    ids=["plain", "spaced", "escaped", "key cut in two", "video cut at its first bytes"],
)
async def test_a_video_inside_json_arrives_byte_for_byte(tmp_path: Path, body: bytes) -> None:
    download, part = a_download(tmp_path)

    async with Wire(reply(200, body, **JSON)) as wire:
        await download.fetch(wire.url, ignore)

    assert part.read_bytes() == FILM
    assert Download.is_complete(part)


@pytest.mark.parametrize(
    "body",
    [
        b'{"status":"processing","response_format":"b64_json"}',
        b'{"b64_json":""}',
        b'{"b64_json":"' + base64.b64encode(b"<html>no film at all</html>") + b'"}',
        b'{"b64_json":"***not base64***"}',
        inside()[:-40],
        b"{}",
    ],
)
async def test_json_without_a_whole_video_is_no_video(tmp_path: Path, body: bytes) -> None:
    download, part = a_download(tmp_path)

    async with Wire(reply(200, body, **JSON)) as wire:
        with pytest.raises(UnexpectedReply):
            await download.fetch(wire.url, ignore)

    assert not Download.is_complete(part)


async def test_a_cut_answer_with_a_video_inside_starts_from_zero(tmp_path: Path) -> None:
    download, part = a_download(tmp_path)
    body = inside()
    cut = f'HTTP/1.1 200 X\r\nETag: "one"\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n'

    async with Wire(raw(cut.encode() + body[: len(body) // 2]), reply(200, body, **JSON)) as wire:
        with pytest.raises(NetworkProblem):
            await download.fetch(wire.url, ignore)
        assert not Download.is_complete(part)
        await download.fetch(wire.url, ignore)

    assert part.read_bytes() == FILM
    assert "range" not in wire.asked[1].headers


async def test_a_large_video_inside_json_costs_little_memory(tmp_path: Path) -> None:
    download, part = a_download(tmp_path)
    film = FILM + bytes(48 * 1024 * 1024)
    whole = base64.b64encode(film)

    async def handler(asked: Asked, writer: asyncio.StreamWriter) -> None:
        head = b'{"videos":[{"b64_json":"'
        size = len(head) + len(whole) + 4
        writer.write(
            f"HTTP/1.1 200 X\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n\r\n".encode() + head
        )
        for start in range(0, len(whole), CHUNK_BYTES):
            writer.write(whole[start : start + CHUNK_BYTES])
            await writer.drain()
        writer.write(b'"}]}')

    async with Wire(handler) as wire:
        tracemalloc.start()
        await download.fetch(wire.url, ignore)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert part.stat().st_size == len(film)
    assert peak < 8 * 1024 * 1024
