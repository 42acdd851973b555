"""A line that is slow is waited for; one that has died, or that only pretends to live, is not."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from klingstudio.domain.errors import Kind, NetworkProblem, StudioError, SubmitUnconfirmed, UnexpectedReply
from klingstudio.net import download as downloading
from klingstudio.net.api import Api, Deadlines
from klingstudio.net.download import Download
from klingstudio.net.retry import Patience
from klingstudio.net.upload import upload_base64, upload_bytes, upload_form
from tests.fakes.toxic import BadLine, Bandwidth, Slicer, Stall, Timeout, Way
from tests.fakes.wire import Asked, Handler, Wire, reply

TLS = ssl.create_default_context()
FILM = b"\0\0\0\x20ftypisom" + bytes(300_000)
LONG_S = 10.0
"""What no test here may take."""


@asynccontextmanager
async def an_api(url: str, deadlines: Deadlines, tries: int = 1) -> AsyncIterator[Api]:
    async def no_sleep(seconds: float) -> None:
        return

    api = Api(
        hosts={"api": url},
        headers={"Authorization": "Bearer 5ecret-of-lines"},
        tls=TLS,
        patience=Patience(sleep=no_sleep, random=lambda: 0.5, tries=tries),
        deadlines=deadlines,
    )
    async with asyncio.timeout(LONG_S):
        yield api
    await api.aclose()


def ignore(done: int, total: int) -> None:
    pass


async def hints(asked: Asked, writer: asyncio.StreamWriter) -> None:
    """Says again and again that the answer will come soon."""
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)


def dripping(start: bytes) -> Handler:
    """After `start` a byte now and then, for ever."""

    async def handler(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    return handler


ENDLESS = {
    "hints": hints,
    "a status line": dripping(b"HTTP/1.1 200 "),
    "a header": dripping(b"HTTP/1.1 200 OK\r\nX-Long: "),
    "a body": dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n"),
    "a body of no length": dripping(b"HTTP/1.1 200 OK\r\n\r\n"),
    "an error": dripping(b"HTTP/1.1 500 No\r\nContent-Length: 4000000\r\n\r\n"),
}


@pytest.mark.parametrize("name", ENDLESS)
async def test_an_answer_that_only_drips_is_given_up(name: str, tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(FILM)
    deadlines = Deadlines(reply_s=0.3, order_s=0.3, stall_s=0.1, silence_s=0.3)
    async with Wire(ENDLESS[name]) as wire, an_api(wire.url, deadlines) as api:
        with pytest.raises(NetworkProblem):
            await api.get("/x")
        with pytest.raises(NetworkProblem):
            await upload_bytes(api, "PUT", "/x", tmp_path / "film.mp4", headers={}, on_bytes=ignore)
        with pytest.raises(SubmitUnconfirmed):
            await api.order("/x", "{}")
        if "body" not in name:
            # This question has no body in its answer.
            with pytest.raises(NetworkProblem):
                await api.head_without_key("/x")


@pytest.mark.parametrize("name", ["hints", "a status line", "a header"])
async def test_a_result_or_a_stream_that_never_begins_is_given_up(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloading, "OPENING_S", 0.3)
    async with Wire(ENDLESS[name]) as wire, an_api(wire.url, Deadlines(silence_s=0.3)) as api:
        with pytest.raises(NetworkProblem):
            await Download(tmp_path / "p", tls=TLS, allow_loopback=True).fetch(wire.url, ignore)
        with pytest.raises(NetworkProblem):
            async for _ in api.listen("/events"):
                pass


async def test_a_head_without_an_end_is_not_read_to_its_end() -> None:
    head = b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 1000) for n in range(300)) + b"\r\n"

    async def handler(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(head)

    async with Wire(handler) as wire, an_api(wire.url, Deadlines()) as api:
        with pytest.raises(NetworkProblem):
            await api.get("/x")
        with pytest.raises(SubmitUnconfirmed):
            await api.order("/x", "{}")


# ------------------------------------------------------------------------------------------------------------- uploads


WAYS: dict[str, Callable[[Api, Path], Awaitable[object]]] = {
    "bytes": lambda api, film: upload_bytes(api, "PUT", "/x", film, headers={}, on_bytes=ignore),
    "form": lambda api, film: upload_form(api, "PUT", "/x", film, part="f", name="f", fields={}, on_bytes=ignore),
    "base64": lambda api, film: upload_base64(api, "POST", "/x", film, head=b'{"a":"', tail=b'"}', on_bytes=ignore),
}


@pytest.mark.parametrize("way", WAYS)
async def test_an_upload_that_nobody_reads_any_more_is_given_up(way: str, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    # More than the system itself takes from us.
    film.write_bytes(bytes(24_000_000))
    async with Wire(reply()) as wire, BadLine(wire.url) as line, an_api(line.url, Deadlines(stall_s=0.3)) as api:
        line.spoil(Way.UP, Stall(after_bytes=200_000))
        began = time.monotonic()
        with pytest.raises(NetworkProblem) as failed:
            await WAYS[way](api, film)

    assert failed.value.problem.kind is Kind.NETWORK_SLOW
    assert time.monotonic() - began < LONG_S / 2
    assert wire.asked == []


async def test_an_upload_that_is_swallowed_is_given_up(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(FILM)
    async with Wire(reply()) as wire, BadLine(wire.url) as line, an_api(line.url, Deadlines(stall_s=0.1)) as api:
        line.spoil(Way.UP, Timeout(after_bytes=100_000))
        with pytest.raises(NetworkProblem) as failed:
            await upload_bytes(api, "PUT", "/x", film, headers={}, on_bytes=ignore)

    assert failed.value.problem.kind is Kind.NETWORK_SLOW


async def test_a_slow_line_is_no_dead_one(tmp_path: Path) -> None:
    """It takes longer than a stall may, though each piece of it does not."""
    film = tmp_path / "film.mp4"
    film.write_bytes(FILM)
    deadlines = Deadlines(stall_s=1.0)
    async with Wire(reply()) as wire, BadLine(wire.url) as line, an_api(line.url, deadlines) as api:
        line.spoil(Way.UP, Bandwidth(250_000))
        began = time.monotonic()
        answer = await upload_bytes(api, "PUT", "/x", film, headers={}, on_bytes=ignore)

    assert answer.is_success
    assert wire.asked[0].body == FILM
    assert time.monotonic() - began > deadlines.stall_s


async def test_an_answer_in_single_bytes_is_an_answer() -> None:
    async with Wire(reply(200, b'{"id": 7}')) as wire, BadLine(wire.url) as line, an_api(line.url, Deadlines()) as api:
        line.spoil(Way.DOWN, Slicer(1))
        assert (await api.order("/x", "{}")).at("id") == 7
        assert (await api.get("/x")).at("id") == 7


# -------------------------------------------------------------------------------------------------------------- orders


async def test_a_kept_connection_that_has_died_meanwhile_does_no_harm_to_an_order() -> None:
    """The server ends each connection at its second request, as one does that has waited too long."""
    uses: dict[object, int] = {}

    async def once(asked: Asked, writer: asyncio.StreamWriter) -> None:
        uses[writer] = uses.get(writer, 0) + 1
        if uses[writer] > 1:
            writer.transport.abort()
            return
        await reply()(asked, writer)

    async with Wire(once) as wire, an_api(wire.url, Deadlines(), tries=3) as api:
        for _ in range(3):
            await api.get("/free")
            assert (await api.order("/order", "{}")).is_success

    assert [one.path for one in wire.asked].count("/order") == 3


@pytest.mark.parametrize("way", [Way.UP, Way.DOWN])
async def test_an_order_on_a_line_that_dies_is_unknown_after_its_time(way: Way) -> None:
    async with Wire(reply()) as wire, BadLine(wire.url) as line, an_api(line.url, Deadlines(order_s=0.3)) as api:
        line.spoil(way, Timeout())
        with pytest.raises(SubmitUnconfirmed):
            await api.order("/x", "{}")

    assert len(wire.asked) == (1 if way is Way.DOWN else 0)


async def test_where_the_line_is_down_nothing_was_ordered() -> None:
    async with Wire(reply()) as wire:
        line = BadLine(wire.url)
        async with line:
            url = line.url
        async with an_api(url, Deadlines()) as api:
            with pytest.raises(NetworkProblem):
                await api.order("/x", "{}")

    assert wire.asked == []


# ----------------------------------------------------------------------------------------------------------- downloads


def cutting_each(at: int) -> Handler:
    """A good server, each of whose connections breaks after `at` bytes of the film."""

    async def handler(asked: Asked, writer: asyncio.StreamWriter) -> None:
        start = int(asked.headers.get("range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        told = f"Content-Range: bytes {start}-{len(FILM) - 1}/{len(FILM)}\r\n" if start else ""
        head = f'HTTP/1.1 {206 if start else 200} X\r\nETag: "one"\r\n{told}Content-Length: {len(FILM) - start}\r\n\r\n'
        writer.write(head.encode() + FILM[start : start + at])
        await writer.drain()
        writer.close()

    return handler


async def test_a_line_that_breaks_again_and_again_still_gets_on(tmp_path: Path) -> None:
    part = tmp_path / "take.part"
    download = Download(part, tls=TLS, allow_loopback=True)
    async with Wire(cutting_each(40_000)) as wire:
        for _ in range(len(FILM) // 40_000 + 1):
            try:
                await download.fetch(wire.url, ignore)
            except NetworkProblem:
                continue

    assert Download.is_complete(part)
    assert part.read_bytes() == FILM


async def test_the_rest_of_another_file_is_not_put_behind_the_beginning(tmp_path: Path) -> None:
    part = tmp_path / "take.part"
    download = Download(part, tls=TLS, allow_loopback=True)
    told = f"Content-Range: bytes 40000-{len(FILM) - 1}/{len(FILM)}"

    async def rest_of_another(asked: Asked, writer: asyncio.StreamWriter) -> None:
        head = f'HTTP/1.1 206 X\r\nETag: "two"\r\n{told}\r\nContent-Length: {len(FILM) - 40_000}\r\n\r\n'
        writer.write(head.encode() + b"?" * (len(FILM) - 40_000))

    async with Wire(cutting_each(40_000), rest_of_another, cutting_each(len(FILM))) as wire:
        for _ in range(2):
            with pytest.raises(NetworkProblem):
                await download.fetch(wire.url, ignore)
            assert not Download.is_complete(part)
        await download.fetch(wire.url, ignore)

    assert "range" not in wire.asked[2].headers
    assert part.read_bytes() == FILM


@pytest.mark.parametrize(("told", "copies"), [(f"bytes */{len(FILM)}", 1), ("bytes */7", 2), ("", 2)])
async def test_a_part_that_was_whole_already_is_not_fetched_again(told: str, copies: int, tmp_path: Path) -> None:
    part = tmp_path / "take.part"
    download = Download(part, tls=TLS, allow_loopback=True)
    async with Wire(cutting_each(len(FILM) - 1), reply(416, b"", Content_Range=told), cutting_each(len(FILM))) as wire:
        with pytest.raises(NetworkProblem):
            await download.fetch(wire.url, ignore)
        # As if the program had been killed right after the last byte.
        part.write_bytes(FILM)
        if copies > 1:
            with pytest.raises(NetworkProblem):
                await download.fetch(wire.url, ignore)
        await download.fetch(wire.url, ignore)

    assert Download.is_complete(part)
    assert len(wire.asked) == copies + 1


async def test_a_packed_film_is_neither_unpacked_nor_taken(tmp_path: Path) -> None:
    part = tmp_path / "take.part"
    body = gzip.compress(FILM)
    async with Wire(reply(200, body, Content_Encoding="gzip", Content_Type="video/mp4")) as wire:
        with pytest.raises(UnexpectedReply):
            await Download(part, tls=TLS, allow_loopback=True).fetch(wire.url, ignore)

    assert not Download.is_complete(part)


async def test_a_redirect_to_no_address_is_a_known_error(tmp_path: Path) -> None:
    for place in ("http://[", "https://[::1", "https://a:b:c/", "\\\\server\\share", "https://\ud7ff.example/x", ""):
        async with Wire(reply(302, Location=place)) as wire:
            with pytest.raises(StudioError):
                await Download(tmp_path / "p", tls=TLS, allow_loopback=True).fetch(wire.url, ignore)
