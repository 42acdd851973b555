"""A stream of events: read from any pieces, bounded, and told from what is none."""

from __future__ import annotations

import asyncio
import itertools
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klingstudio.domain.errors import NetworkProblem, UnexpectedReply
from klingstudio.net.api import Api, Deadlines
from klingstudio.net.events import EVENT_MAX_BYTES, ServerEvent, ServerEvents
from klingstudio.net.retry import Patience
from tests.fakes.wire import Asked, Wire, raw, reply

STREAM = (
    b": connected\n\n"
    b'event: repository_updated\ndata: {"n": 1}\n\n'
    b": keep-alive\n\n"
    b"event: ended\ndata: one\ndata: two\nid: 7\n\n"
    b"data:alone\n\n"
    b"event: half\ndata: never finished"
)
EVENTS = [
    ServerEvent("repository_updated", '{"n": 1}'),
    ServerEvent("ended", "one\ntwo"),
    ServerEvent("message", "alone"),
]


def read(*pieces: bytes) -> list[ServerEvent]:
    events = ServerEvents()
    return [event for piece in pieces for event in events.feed(piece)]


@given(st.lists(st.integers(0, len(STREAM)), max_size=8), st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_events_are_the_same_however_the_stream_is_cut(cuts: list[int], ending: bytes) -> None:
    stream = STREAM.replace(b"\n", ending)
    ends = [0, *sorted(cuts), len(stream)]

    assert read(*(stream[a:b] for a, b in itertools.pairwise(ends))) == EVENTS


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_no_bytes_break_the_reader(pieces: list[bytes]) -> None:
    assert all(isinstance(event, ServerEvent) for event in read(*pieces))


def test_an_event_without_end_is_left_out_and_costs_no_memory() -> None:
    events = ServerEvents()
    for _ in range(100):
        assert list(events.feed(b"data: " + b"x" * EVENT_MAX_BYTES)) == []
    assert len(events._line) <= EVENT_MAX_BYTES

    assert list(events.feed(b"\n\ndata: next\n\n")) == [ServerEvent("message", "next")]


async def no_sleep(seconds: float) -> None:
    await asyncio.sleep(0)


def an_api(url: str) -> Api:
    return Api(
        hosts={"hub": url},
        headers={"Authorization": "Bearer k"},
        tls=ssl.create_default_context(),
        patience=Patience(sleep=no_sleep, random=lambda: 0.5),
        deadlines=Deadlines(silence_s=0.2),
    )


async def listened(wire: Wire) -> list[ServerEvent]:
    api = an_api(wire.url)
    try:
        return [event async for event in api.listen("/events")]
    finally:
        await api.aclose()


async def test_a_stream_is_read_with_the_key_until_it_ends() -> None:
    async with Wire(raw(b"HTTP/1.1 200 X\r\nContent-Type: text/event-stream\r\n\r\n" + STREAM)) as wire:
        assert await listened(wire) == EVENTS

    assert wire.asked[0].headers["authorization"] == "Bearer k"
    assert wire.asked[0].headers["accept"] == "text/event-stream"


@pytest.mark.parametrize("status", [200, 302, 401, 404, 503])
async def test_what_is_no_stream_is_said_so_after_one_try(status: int) -> None:
    async with Wire(reply(status, b"<html></html>", Content_Type="text/html", Location="/x")) as wire:
        with pytest.raises(UnexpectedReply):
            await listened(wire)

    assert len(wire.asked) == 1


async def test_a_stream_that_falls_silent_is_given_up() -> None:
    async def silent(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 X\r\nContent-Type: text/event-stream\r\n\r\n: connected\n\n")
        await writer.drain()
        await asyncio.sleep(5)

    async with Wire(silent) as wire:
        with pytest.raises(NetworkProblem):
            await listened(wire)
