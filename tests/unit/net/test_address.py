"""Addresses that somebody else names lead to the web, and the key to the provider's own hosts, however they are written."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator
from random import Random

import httpx
import pytest

from klingstudio.domain.errors import UnexpectedReply
from klingstudio.net.address import check_address, is_loopback, is_public, public_addresses
from klingstudio.net.api import Api
from klingstudio.net.retry import Patience
from tests.fakes.names import answering

HOSTS = {"queue": "https://queue.example.org", "rest": "https://rest.example.org"}
OWN = {"queue.example.org", "rest.example.org"}
KEY = {"Authorization": "Key 5ecret-of-addresses"}
HOSTILE = 10_000
PUBLIC = "93.184.215.14"

NOT_PUBLIC = [
    *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
    *("224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.0.1", "198.18.0.1", "203.0.113.9"),
    *("::", "::1", "::127.0.0.1", "fe80::1", "fec0::1", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b:1::1"),
    *("2002:7f00:1::", "2002:a00:1::", "2001:0:4136:e378:8000:63bf:80ff:fffe"),
]


@pytest.mark.parametrize("number", NOT_PUBLIC)
def test_a_number_that_is_not_on_the_internet_is_known(number: str) -> None:
    assert not is_public(ipaddress.ip_address(number))
    with pytest.raises(UnexpectedReply):
        check_address(f"https://[{number}]/x" if ":" in number else f"https://{number}/x", allow_loopback=False)


@pytest.mark.parametrize("number", [PUBLIC, "8.8.8.8", "2606:4700::1111", "64:ff9b::8.8.8.8", "2002:808:808::"])
def test_a_number_on_the_internet_is_one(number: str) -> None:
    assert is_public(ipaddress.ip_address(number))


@pytest.mark.parametrize(
    "host",
    [
        *("2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0x7f.1", "1", "0", "127.0.0.1.", "017700000001"),
        *(
            "localhost",
            "LOCALHOST",
            "localhost.",
            "a.localhost",
            "printer.local",
            "nas.lan",
            "nas.attic.lan.",
            "cdn.0x1",
            "server",
            "host.internal",
        ),
        *("１２７.０.０.１", "127。0。0。1", "①②⑦.0.0.1", "ⓛocalhost", "-", "a b.example", "[::1%25lo]", "xn--"),
    ],
)
@pytest.mark.parametrize("allow_loopback", [False, True])
def test_a_host_of_this_computer_or_its_network_is_refused(host: str, allow_loopback: bool) -> None:
    if allow_loopback and host.lower() == "localhost":
        pytest.skip("this is the one that is meant")
    with pytest.raises(UnexpectedReply):
        check_address(f"https://{host}/x", allow_loopback=allow_loopback)


@pytest.mark.parametrize(
    "url",
    [
        "https://cdn.example.org/a/b.mp4?x=1&y=%20#z",
        "https://cdn.example.org:8443/",
        "https://bücher.example.org/x",
        "https://93.184.215.14/x",
        "https://[2606:4700::1111]:443/x",
        "HTTPS://CDN.EXAMPLE.ORG",
        "https://v3.fal.media.example/files/b/kangaroo/x.mp4",
        "https://cdn-1.example.org./x",
        "https://93.184.215.14./x",
    ],
)
def test_an_address_of_the_web_is_good(url: str) -> None:
    check_address(url, allow_loopback=False)


@pytest.mark.parametrize(
    ("url", "answer"),
    [
        *(("http://127.0.0.1:8080/x", True), ("https://localhost", True), ("http://[::1]:1/", True)),
        *(("http://127.0.0.1.evil.example", False), ("http://[::1", False), ("127.0.0.1", False), ("", False)),
    ],
)
def test_what_stays_on_this_computer_is_known(url: str, answer: bool) -> None:
    assert is_loopback(url) is answer


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8/x", "http://localhost/x", "http://[::1]:9/", "https://127.0.0.1/x"]
)
def test_the_sandbox_is_reached_only_where_it_is_wanted(url: str) -> None:
    check_address(url, allow_loopback=True)
    with pytest.raises(UnexpectedReply):
        check_address(url, allow_loopback=False)


# --------------------------------------------------------------------------------------------- ten thousand hostile ones


def hostile_addresses(count: int, seed: int) -> list[str]:
    """Addresses that try to look like a provider's and lead elsewhere, or to the inside of the house."""
    chance = Random(seed)
    own = [*HOSTS.values(), *(f"{base}/jobs/1" for base in HOSTS.values())]
    inside = [*NOT_PUBLIC, "localhost", "2130706433", "0x7f.1", "127.1", "0177.1", "router", "nas.local"]
    evil = ["evil.example.com", "queue.example.org.evil.example.com", "queue.example.orgevil.example.com", *inside]
    odd = [
        "@",
        "\\",
        "\r\n",
        "\t",
        " ",
        "\0",
        "%00",
        "%2f",
        "%40",
        "//",
        "?",
        "#",
        ":",
        ":443",
        ":99999",
        ":x",
        ".",
        "..",
        "。",
        "／",
        "＠",
    ]
    odd += ["\u202e", "ﬀ", "ß", "İ", "\ud800", "[", "]", "user:pass@", ";", "&", "%", "\x7f", "\x85", "\u2028"]
    schemes = [
        "https://",
        "http://",
        "ftp://",
        "file://",
        "//",
        "https:",
        "https:/",
        "https:///",
        "HTTPS://",
        " https://",
        "javascript:",
        "data:",
        "",
    ]

    def host() -> str:
        name = chance.choice([*evil, *OWN])
        return f"[{name}]" if ":" in name else name

    def one() -> str:
        match chance.randrange(6):
            case 0:
                return chance.choice(own) + chance.choice(odd) + host() + "/x"
            case 1:
                return chance.choice(schemes) + host() + chance.choice(odd) + host() + "/x"
            case 2:
                return chance.choice(schemes) + chance.choice(odd) + host() + chance.choice(odd) + "/x"
            case 3:
                url = chance.choice(own)
                at = chance.randrange(len(url) + 1)
                return url[:at] + chance.choice(odd) + url[at:]
            case 4:
                return f"https://{host()}/{chance.choice(own)}"
            case _:
                letters = list(f"https://{host()}/jobs/1")
                for _ in range(chance.randrange(1, 4)):
                    letters[chance.randrange(len(letters))] = chance.choice([*odd, chr(chance.randrange(0x20, 0x3000))])
                return "".join(letters)

    return [one() for _ in range(count)]


class Seen(httpx.AsyncBaseTransport):
    """Takes the place of the line: remembers what would have gone where."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(200, stream=httpx.ByteStream(b"{}"))


@pytest.fixture
async def watched() -> AsyncIterator[tuple[Api, Seen]]:
    async def no_sleep(seconds: float) -> None:
        return

    api = Api(
        hosts=HOSTS,
        headers=KEY,
        tls=ssl.create_default_context(),
        patience=Patience(sleep=no_sleep, random=lambda: 0.5, tries=1),
    )
    seen = Seen()
    for client in (api._client, api._keyless):
        await client._transport.aclose()
        client._transport = seen
    yield api, seen
    await api.aclose()


def _carries_key(request: httpx.Request) -> bool:
    return any(b"5ecret" in value for _, value in request.headers.raw) or "5ecret" in str(request.url)


async def test_ten_thousand_hostile_addresses_bring_the_key_nowhere_else(watched: tuple[Api, Seen]) -> None:
    api, seen = watched
    used = 0
    for url in hostile_addresses(HOSTILE, 20261121):
        for use in (api.locate, api.elsewhere):
            try:
                view, path = use(url)
                await view.get(path)
                used += 1
            except UnexpectedReply:
                continue
        assert not api.credentials_for(url) or _host_of(url) in OWN, url

    astray = [str(one.url) for one in seen.requests if _carries_key(one) and one.url.host not in OWN]
    assert astray == []
    assert all(one.url.scheme == "https" for one in seen.requests)
    assert {one.url.host for one in seen.requests if _carries_key(one)} <= OWN
    assert used > 200, "some of them are usable, so that the test looks at something"


async def test_ten_thousand_hostile_addresses_lead_nobody_into_the_house(watched: tuple[Api, Seen]) -> None:
    good = 0
    for url in hostile_addresses(HOSTILE, 7):
        try:
            check_address(url, allow_loopback=False)
            to = httpx.URL(url)
        except (UnexpectedReply, httpx.InvalidURL):
            continue
        good += 1
        # Read by the client that connects, not by what checked.
        host = to.raw_host.decode("ascii")
        assert to.scheme == "https", url
        assert not to.userinfo, url
        assert "." in host or ":" in host, url
        try:
            number = ipaddress.ip_address(host)
        except ValueError:
            # No notation of a number that a look-up would understand.
            with pytest.raises(OSError, match="illegal"):
                socket.inet_aton(host.rstrip("."))
        else:
            assert is_public(number), url
    assert good > 200


def _host_of(url: str) -> str:
    return httpx.URL(url).host


# ------------------------------------------------------------------------------------------------------------- look-ups


async def test_a_name_that_stands_for_an_inner_number_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in NOT_PUBLIC:
        if number == "198.18.0.1":
            continue
        answering(monkeypatch, [PUBLIC, number])
        with pytest.raises(UnexpectedReply):
            await public_addresses("cdn.example.org", 443, allow_loopback=True)


async def test_both_kinds_of_numbers_are_tried_by_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, ["2606:4700::1", "2606:4700::2", "2606:4700::3", PUBLIC])

    found = await public_addresses("cdn.example.org", 443, allow_loopback=False)

    assert found == ["2606:4700::1", PUBLIC, "2606:4700::2", "2606:4700::3"]


async def test_the_stand_ins_of_a_tunnel_are_the_web(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, ["198.18.3.4"])

    assert await public_addresses("cdn.example.org", 443, allow_loopback=False) == ["198.18.3.4"]
