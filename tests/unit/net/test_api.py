"""The paid request goes out once or not at all, and the program knows which; the key goes to one host only."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
import pytest

from klingstudio.domain.errors import InputRefused, Kind, NetworkProblem, SubmitUnconfirmed, UnexpectedReply
from klingstudio.net.api import REFUSED_BEFORE_WORK, REPLY_MAX_BYTES, Api, check_base
from klingstudio.net.errors import describe, free_call
from klingstudio.net.reply import Reply
from klingstudio.net.retry import Patience, retry_after_s
from tests.fakes.wire import Handler, Wire, close, closed_port, raw, reply, reset

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class Naps:
    """A sleep that does not sleep, and remembers."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


@asynccontextmanager
async def an_api(base_url: str, naps: Callable[[float], Awaitable[None]] | None = None) -> AsyncIterator[Api]:
    api = Api(
        hosts={"api": base_url},
        headers={"Authorization": "Bearer canary-5ecret-key"},
        tls=ssl.create_default_context(),
        patience=Patience(sleep=naps or Naps(), random=lambda: 0.5),
        now=lambda: NOW,
    )
    yield api
    await api.aclose()


async def test_an_accepted_order_is_one_post_with_the_body_as_frozen() -> None:
    async with Wire(reply(200, b'{"id": 1}')) as wire, an_api(wire.url) as api:
        answer = await api.order("/queue", '{"prompt": "snow ❄"}')

        assert answer.at("id") == 1
        assert [(a.method, a.path, a.body) for a in wire.asked] == [("POST", "/queue", '{"prompt": "snow ❄"}'.encode())]


@pytest.mark.parametrize("status", sorted(REFUSED_BEFORE_WORK))
async def test_a_definite_no_is_handed_on(status: int) -> None:
    async with Wire(reply(status)) as wire, an_api(wire.url) as api:
        assert (await api.order("/queue", "{}")).status == status
        assert len(wire.asked) == 1


@pytest.mark.parametrize(
    "handler",
    [
        reset,
        close,
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"),
        raw(b"not http at all\r\n\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (REPLY_MAX_BYTES + 9) + b"x" * (REPLY_MAX_BYTES + 9)),
        *(reply(status) for status in (408, 409, 418, 425, 500, 502, 503, 504, 520, 524)),
        *(reply(status, Location="https://elsewhere.invalid/") for status in (301, 302, 303, 307, 308)),
    ],
)
async def test_after_a_doubtful_answer_the_outcome_is_unknown_and_nothing_is_sent_again(handler: Handler) -> None:
    naps = Naps()
    async with Wire(handler) as wire, an_api(wire.url, naps) as api:
        with pytest.raises(SubmitUnconfirmed):
            await api.order("/queue", "{}")

        assert len(wire.asked) == 1
        assert naps.taken == []


async def test_when_nobody_listens_nothing_was_sent() -> None:
    async with an_api(closed_port()) as api:
        with pytest.raises(NetworkProblem) as failed:
            await api.order("/queue", "{}")

    assert failed.value.problem.kind is Kind.NETWORK_DOWN


async def test_too_many_requests_means_not_sent_and_how_long_to_wait() -> None:
    async with Wire(reply(429, Retry_After="7")) as wire, an_api(wire.url) as api:
        with pytest.raises(NetworkProblem) as failed:
            await api.order("/queue", "{}")

        assert failed.value.retry_after_s == 7
        assert len(wire.asked) == 1


async def test_each_order_uses_a_connection_of_its_own() -> None:
    async with Wire(reply()) as wire, an_api(wire.url) as api:
        await api.get("/warm")
        await api.order("/queue", "{}")
        await api.order("/queue", "{}")

        assert wire.connections == 3


async def test_an_order_that_is_cancelled_is_not_repeated() -> None:
    arrived = asyncio.Event()

    async def hang(asked: object, writer: object) -> None:
        arrived.set()
        await asyncio.sleep(60)

    async with Wire(hang) as wire, an_api(wire.url) as api:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await api.order("/queue", "{}")

        assert arrived.is_set()
        assert len(wire.asked) == 1


async def test_a_free_call_is_repeated_through_passing_trouble() -> None:
    naps = Naps()
    async with Wire(reset, reply(503), reply(429, Retry_After="3"), reply(200)) as wire, an_api(wire.url, naps) as api:
        assert (await api.get("/status")).status == 200

        assert len(wire.asked) == 4
        assert naps.taken == [0.25, 0.5, 3.0]


async def test_a_free_call_gives_up_after_its_tries() -> None:
    async with Wire(reply(503)) as wire, an_api(wire.url) as api:
        with pytest.raises(NetworkProblem) as failed:
            await api.get("/status")

        assert failed.value.problem.kind is Kind.PROVIDER_BUSY
        assert len(wire.asked) == 4


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_the_key_does_not_follow_a_redirect(status: int) -> None:
    async with Wire(reply()) as elsewhere:
        async with Wire(reply(status, Location=elsewhere.url)) as wire, an_api(wire.url) as api:
            with pytest.raises(UnexpectedReply):
                await api.get("/status")

        assert elsewhere.asked == []


async def test_what_anybody_sees_is_asked_for_without_the_key() -> None:
    async with Wire(reply(200)) as wire, an_api(wire.url) as api:
        await api.head_without_key("/file")

        assert "authorization" not in wire.asked[0].headers


async def test_a_reply_that_does_not_end_is_cut_off() -> None:
    async def endless(asked: object, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    async with Wire(endless) as wire, an_api(wire.url) as api:
        with pytest.raises(UnexpectedReply):
            await api.get("/status")


async def test_a_compressed_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(b"0" * 10_000_000)
    async with Wire(reply(200, bomb, Content_Encoding="gzip")) as wire, an_api(wire.url) as api:
        answer = await api.get("/status")

        assert len(answer.content) == len(bomb)
        assert wire.asked[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Please log in</html>",
        b'{"a": ',
        b"[" * 200_000,
        b'{"a": NaN}',
        b'"\xff\xfe"',
        b"\xef\xbb\xbf{}",
        b'{"a": ' + b"9" * 5000 + b"}",
    ],
)
async def test_an_answer_that_is_no_json_is_one_known_error(body: bytes) -> None:
    async with Wire(reply(200, body)) as wire, an_api(wire.url) as api:
        answer = await api.get("/status")

        with pytest.raises(UnexpectedReply):
            answer.text("a")


async def test_only_paths_of_the_provider_can_be_asked_for() -> None:
    async with an_api("https://api.invalid") as api:
        for place in ("https://elsewhere.invalid/x", "//elsewhere.invalid/x", "x"):
            with pytest.raises(ValueError, match="not a path"):
                await api.get(place)


@pytest.mark.parametrize(
    "url",
    [
        *("http://example.com", "ftp://127.0.0.1", "https://me@host", "127.0.0.1:80", "", "http://127.0.0.1.evil.com"),
        *("https://[::1", "https://host:port", "http://[::1"),
    ],
)
def test_a_replaced_address_is_https_or_on_this_computer(url: str) -> None:
    with pytest.raises(InputRefused):
        check_base(url, "VARIABLE")


def test_a_good_replacement_loses_its_last_slash() -> None:
    assert check_base("http://127.0.0.1:8080/", "V") == "http://127.0.0.1:8080"
    assert check_base("https://proxy.example/", "V") == "https://proxy.example"


def _every_transport_error() -> list[type[Exception]]:
    found: list[type[Exception]] = []
    fresh: list[type[Exception]] = [httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, httpx.CookieConflict]
    while fresh:
        kind = fresh.pop()
        found.append(kind)
        fresh += kind.__subclasses__()
    return found


@pytest.mark.parametrize("kind", _every_transport_error(), ids=lambda kind: kind.__name__)
def test_no_error_of_the_transport_goes_through_untranslated(kind: type[Exception]) -> None:
    error = kind.__new__(kind)
    Exception.__init__(error, "words")

    with pytest.raises((NetworkProblem, UnexpectedReply)), free_call():
        raise error


def test_an_untrusted_certificate_is_its_own_problem() -> None:
    error = httpx.ConnectError("bad certificate")
    error.__cause__ = ssl.SSLCertVerificationError("expired")

    assert describe(error).problem.kind is Kind.CERTIFICATE_REFUSED


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("5", 5.0),
        ("0", 1.0),
        ("-3", 1.0),
        ("1e9", 120.0),
        ("nan", None),
        ("soon", None),
        (None, None),
        ("Fri, 20 Nov 2026 12:00:30 GMT", 30.0),
        ("Fri, 20 Nov 2020 12:00:30 GMT", 1.0),
    ],
)
def test_retry_after_is_clamped_and_junk_is_ignored(value: str | None, seconds: float | None) -> None:
    assert retry_after_s(value, NOW) == seconds


async def test_a_call_after_the_key_was_taken_away_is_a_known_problem() -> None:
    async with Wire(reply(200, b"{}")) as wire, an_api(wire.url) as api:
        await api.aclose()

        with pytest.raises(NetworkProblem):
            await api.get("/x")

        assert wire.asked == []


async def test_a_look_without_the_key_is_repeated_through_passing_trouble() -> None:
    async with Wire(reply(503), reset, reply(200)) as wire, an_api(wire.url) as api:
        assert (await api.head_without_key("/file")).status == 200


def test_a_number_too_large_for_this_computer_is_none() -> None:
    assert Reply(200, {}, b'{"price": 1' + b"0" * 400 + b"}").number("price") is None


HOSTS = {"queue": "https://queue.example.org", "rest": "https://rest.example.org"}


def a_far_api() -> Api:
    patience = Patience(sleep=Naps(), random=lambda: 0.5)
    headers = {"Authorization": "Key k"}
    return Api(hosts=HOSTS, headers=headers, tls=ssl.create_default_context(), patience=patience)


async def test_an_address_that_the_provider_returned_is_used_at_its_own_hosts_only() -> None:
    api = a_far_api()

    located, path = api.locate("https://rest.example.org/jobs/1?logs=1#x")

    assert (located.base_url, path) == ("https://rest.example.org", "/jobs/1?logs=1")
    for foreign in (
        "https://rest.example.org.evil.test/jobs/1",
        "https://rest.example.org@evil.test/jobs/1",
        "http://rest.example.org/jobs/1",
        "https://rest.example.org:8443/jobs/1",
        "https://evil.test/https://rest.example.org/",
        "https://rest.example.org//evil.test/",
        "jobs/1",
        "",
    ):
        with pytest.raises(UnexpectedReply):
            api.locate(foreign)
        assert api.credentials_for(foreign) == {}
    assert api.credentials_for("https://queue.example.org/x") == {"Authorization": "Key k"}
    await api.aclose()


@pytest.mark.parametrize(
    "url", ["http://h.example/x", "ftp://h.example/x", "https://a@h.example/x", "https:///x", "https://h.example", ""]
)
async def test_elsewhere_means_https(url: str) -> None:
    api = a_far_api()
    with pytest.raises(UnexpectedReply):
        api.elsewhere(url)
    await api.aclose()


async def test_the_key_does_not_come_along_elsewhere() -> None:
    async with Wire(reply()) as wire, an_api(wire.url) as api:
        view, path = api.elsewhere(wire.url + "/signed?a=b")
        await view.get(path)
        await api.carrying({"Authorization": "Bearer token"}).get("/files")

    assert "authorization" not in wire.asked[0].headers
    assert wire.asked[1].headers["authorization"] == "Bearer token"


async def test_a_token_that_cannot_stand_in_a_header_is_not_sent() -> None:
    async with an_api("https://api.invalid") as api:
        for token in ("a\r\nX-Evil: 1", "snow ❄", "a\0b"):
            with pytest.raises(UnexpectedReply, match="a token that is none"):
                api.carrying({"Authorization": token})


async def test_every_host_of_a_provider_is_known_by_its_name() -> None:
    api = a_far_api()
    assert api.at("rest").base_url == "https://rest.example.org"
    assert api.base_url == "https://queue.example.org"
    assert repr(api.at("rest")) == "Api(https://rest.example.org)"
    await api.aclose()


async def test_one_key_is_told_from_another_and_cannot_be_read_back() -> None:
    async with an_api("https://api.invalid") as api:
        mark, other = api.key_mark(), api.carrying({"Authorization": "Bearer canary-5ecret-two"}).key_mark()
        same = api.carrying({"AUTHORIZATION": "Bearer canary-5ecret-key"}).key_mark()

    assert mark == same != other
    assert len(mark) == 8
    assert "5ecret" not in mark


@pytest.mark.parametrize("status", [200, 302, 404, 429, 503])
async def test_a_peek_is_one_try_and_any_status_is_its_answer(status: int) -> None:
    async with Wire(reply(status)) as wire, an_api(wire.url) as api:
        assert (await api.peek("/job", id=1)).status == status

    assert [asked.path for asked in wire.asked] == ["/job?id=1"]


async def test_a_free_call_with_a_body_is_repeated_with_the_same_body() -> None:
    async with Wire(reply(503), reply(200)) as wire, an_api(wire.url) as api:
        assert (await api.send("PUT", "/job/1/cancel", {"why": "snow ❄"})).status == 200
        await api.send("DELETE", "/file")

    first, second, empty = wire.asked
    assert first.body == second.body == b'{"why": "snow \\u2744"}'
    assert first.headers["content-type"] == "application/json"
    assert (empty.method, empty.body) == ("DELETE", b"")


async def test_a_video_in_place_of_an_answer_is_left_where_it_is() -> None:
    """Its length is announced and never sent: whoever read it would wait."""
    film = raw(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 500000000\r\n\r\n")
    async with Wire(film) as wire, an_api(wire.url) as api:
        answer = await api.get("/result")

    assert (answer.content, answer.headers["content-length"]) == (b"", "500000000")
