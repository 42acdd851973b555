"""Every request takes the way that the system names, and no way shows a key or makes an order doubtful."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

import pytest
import trustme

from klingstudio import logs
from klingstudio.domain.errors import Kind, NetworkProblem, SubmitUnconfirmed, UnexpectedReply
from klingstudio.net.api import Api, Deadlines
from klingstudio.net.client import keyed_client, keyless_client, system_proxy
from klingstudio.net.download import Download
from klingstudio.net.errors import free_call
from klingstudio.net.retry import Patience
from klingstudio.net.source import served_bytes
from tests.fakes.names import answering
from tests.fakes.proxy import Proxy
from tests.fakes.wire import Handler, Wire, close, closed_port, raw, reply, reset

HOST = "api.example.org"
FILM = b"\0\0\0\x18ftypisom" + bytes(500)
KEY = {"Authorization": "Bearer 5ecret-of-the-client"}
PASSWORD = "pass-w0rd-of-the-proxy"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    """It trusts one authority, as that of a company."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    return context


class Secure(Wire):
    """The byte-exact server over TLS."""

    def __init__(self, authority: trustme.CA, *handlers: Handler, host: str = HOST) -> None:
        super().__init__(*handlers)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(host).configure_cert(self._context)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        return self

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])


@asynccontextmanager
async def an_api(tls: ssl.SSLContext, base: str = f"https://{HOST}", tries: int = 1) -> AsyncIterator[Api]:
    async def no_sleep(seconds: float) -> None:
        return

    api = Api(
        hosts={"api": base},
        headers=KEY,
        tls=tls,
        patience=Patience(sleep=no_sleep, random=lambda: 0.5, tries=tries),
        deadlines=Deadlines(reply_s=5, order_s=5, stall_s=5),
    )
    yield api
    await api.aclose()


@pytest.fixture
def through(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Names the proxy as the system's."""

    def name(address: str) -> None:
        monkeypatch.setenv("HTTPS_PROXY", address)

    return name


# --------------------------------------------------------------------------------------------------------- the proxy


async def test_the_systems_proxy_is_used_and_sees_no_key(
    authority: trustme.CA, tls: ssl.SSLContext, through: Callable[[str], None]
) -> None:
    async with Secure(authority, reply()) as server, Proxy({f"{HOST}:443": server.port}) as proxy:
        through(f"http://anna:{PASSWORD}@{proxy.address}")
        async with an_api(tls) as api:
            await api.get("/free")
            await api.order("/order", '{"prompt": "5ecret snow"}')

    assert [one.path for one in server.asked] == ["/free", "/order"]
    assert all("5ecret" in one.headers["authorization"] for one in server.asked)
    assert all("proxy-authorization" not in one.headers for one in server.asked)
    # A way of its own for the order; the proxy was told host and port, and its own password.
    assert [head.split(b"\r\n")[0] for head in proxy.asked] == [f"CONNECT {HOST}:443 HTTP/1.1".encode()] * 2
    assert all(b"Proxy-Authorization: Basic" in head for head in proxy.asked)
    assert b"5ecret" not in b"".join(proxy.asked) + bytes(proxy.carried)


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", Kind.PROXY_UNUSABLE),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", Kind.PROXY_UNUSABLE),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", Kind.NETWORK_DOWN),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", Kind.NETWORK_DOWN),
        (b"HTTP/1.1 302 Found\r\nLocation: https://login.example/\r\nContent-Length: 0\r\n\r\n", Kind.PROXY_UNUSABLE),
        (b"<html>", Kind.NETWORK_DOWN),
        (b"HTTP/1.1 200", Kind.NETWORK_DOWN),
    ],
)
async def test_where_the_proxy_opens_no_way_an_order_was_not_sent(
    refusal: bytes, kind: Kind, tls: ssl.SSLContext, through: Callable[[str], None]
) -> None:
    async with Proxy({}, refusal=refusal) as proxy, an_api(tls) as api:
        through(f"http://{proxy.address}")
        with pytest.raises(NetworkProblem) as failed:
            await api.order("/order", "{}")

    assert failed.value.problem.kind is kind
    assert len(proxy.asked) == 1


async def test_where_the_proxy_is_not_there_an_order_was_not_sent(
    tls: ssl.SSLContext, through: Callable[[str], None]
) -> None:
    through(closed_port())
    async with an_api(tls) as api:
        with pytest.raises(NetworkProblem):
            await api.order("/order", "{}")


async def test_where_the_proxy_leads_to_somebody_else_an_order_was_not_sent(
    authority: trustme.CA, tls: ssl.SSLContext, through: Callable[[str], None]
) -> None:
    async with (
        Secure(authority, reply(), host="other.example.org") as server,
        Proxy({f"{HOST}:443": server.port}) as proxy,
        an_api(tls) as api,
    ):
        through(f"http://{proxy.address}")
        with pytest.raises(NetworkProblem) as failed:
            await api.order("/order", "{}")

    assert failed.value.problem.kind is Kind.CERTIFICATE_REFUSED
    assert server.asked == []


@pytest.mark.parametrize("handler", [reset, close, raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"), reply(502)])
async def test_once_the_way_is_open_a_lost_answer_leaves_an_order_unknown(
    handler: Handler, authority: trustme.CA, tls: ssl.SSLContext, through: Callable[[str], None]
) -> None:
    async with Secure(authority, handler) as server, Proxy({f"{HOST}:443": server.port}) as proxy, an_api(tls) as api:
        through(f"http://{proxy.address}")
        with pytest.raises(SubmitUnconfirmed):
            await api.order("/order", "{}")

    assert len(server.asked) == 1


async def test_a_proxy_that_speaks_first_does_not_make_an_order_seem_unsent(
    authority: trustme.CA, tls: ssl.SSLContext, through: Callable[[str], None]
) -> None:
    async with (
        Secure(authority, reset) as server,
        Proxy({f"{HOST}:443": server.port}, tells=b"HTTP/1.1 102 Wait\r\n\r\n") as proxy,
        an_api(tls) as api,
    ):
        through(f"http://{proxy.address}")
        with pytest.raises(SubmitUnconfirmed):
            await api.order("/order", "{}")


async def test_this_computer_is_never_reached_through_a_proxy(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with Wire(reply(200, FILM)) as wire, Proxy({}) as proxy:
        for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://{proxy.address}")
        async with an_api(tls, wire.url) as api:
            await api.order("/order", "{}")
            await api.head_without_key("/x")
        await Download(tmp_path / "p", tls=tls, allow_loopback=True).fetch(wire.url, lambda done, total: None)
        assert await served_bytes(wire.url, allow_loopback=True) == len(FILM)

    assert proxy.asked == []


async def test_a_host_that_the_system_excepts_is_reached_straight(
    authority: trustme.CA, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Secure(authority, reply()) as server, Proxy({}) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
        monkeypatch.setenv("NO_PROXY", f"other.example, .{HOST.partition('.')[2]}")
        answering(monkeypatch, ["127.0.0.1"])
        async with an_api(tls, f"https://{HOST}:{server.port}") as api:
            await api.get("/free")

    assert proxy.asked == []
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("variables", "proxy"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "10.0.0.1:3128"}, "http://10.0.0.1:3128"),
        ({"ALL_PROXY": "http://a.example:1"}, "http://a.example:1"),
        ({"ALL_PROXY": "socks5://a.example:1", "HTTPS_PROXY": "http://b.example:2"}, "http://b.example:2"),
        ({"HTTP_PROXY": "http://a.example:1"}, None),
        ({"SOCKS_PROXY": "http://a.example:1"}, "socks://a.example:1"),
        ({"HTTPS_PROXY": "http://a.example:1", "NO_PROXY": "*"}, None),
        ({"HTTPS_PROXY": "http://a.example:1", "NO_PROXY": "example.org"}, None),
        ({"HTTPS_PROXY": "http://a.example:1", "NO_PROXY": "example.com"}, "http://a.example:1"),
    ],
)
def test_the_system_names_the_proxy(
    variables: dict[str, str], proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert system_proxy(HOST) == proxy


@pytest.mark.parametrize(
    "address", ["socks5://127.0.0.1:1080", "http://", "http://127.0.0.1:port", "ftp://127.0.0.1:21"]
)
async def test_a_proxy_of_a_kind_that_cannot_be_used_is_named_and_not_gone_around(
    address: str, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", address)
    asked = answering(monkeypatch, ["127.0.0.1"])
    async with an_api(tls) as api:
        with pytest.raises(NetworkProblem) as failed:
            await api.order("/order", "{}")

    assert failed.value.problem.kind is Kind.PROXY_UNUSABLE
    assert asked == []


async def test_the_password_of_a_proxy_is_in_no_log(
    tls: ssl.SSLContext, through: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    async with Proxy({}, refusal=b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n") as proxy, an_api(tls) as api:
        through(f"http://anna:{PASSWORD}@{proxy.address}")
        with pytest.raises(NetworkProblem) as failed:
            await api.get("/free")

    assert PASSWORD not in caplog.text + repr(failed.value) + str(failed.value.problem)
    assert PASSWORD not in logs.redact(f"something said {PASSWORD}")


@pytest.mark.parametrize("host", ["10.0.0.1", "127.0.0.1", "localhost", "2130706433", "nas.local", "[::1]"])
async def test_no_proxy_is_asked_for_what_lies_in_the_house(
    host: str, tls: ssl.SSLContext, through: Callable[[str], None], tmp_path: Path
) -> None:
    async with Proxy({}) as proxy:
        through(f"http://{proxy.address}")
        with pytest.raises(UnexpectedReply):
            await Download(tmp_path / "p", tls=tls, allow_loopback=False).fetch(f"https://{host}/x", lambda d, t: None)
        async with keyless_client(tls, allow_loopback=False) as client:
            with pytest.raises(UnexpectedReply):
                await client.get(f"https://{host}/x")

    assert proxy.asked == []


async def test_a_result_comes_through_the_proxy_too(
    authority: trustme.CA, tls: ssl.SSLContext, through: Callable[[str], None], tmp_path: Path
) -> None:
    part = tmp_path / "take.part"
    async with Secure(authority, reply(200, FILM)) as server, Proxy({f"{HOST}:443": server.port}) as proxy:
        through(f"http://{proxy.address}")
        await Download(part, tls=tls, allow_loopback=False).fetch(f"https://{HOST}/take", lambda done, total: None)

    assert part.read_bytes() == FILM


# ----------------------------------------------------------------------------------------------------- straight ahead


async def test_a_second_look_up_cannot_lead_a_result_into_the_house(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The name stands for a number of the web while it is checked, and for this computer right after."""
    asked = answering(monkeypatch, ["127.0.0.1"])
    async with Wire(reply(200, FILM)) as inside:
        port = inside.url.rpartition(":")[2]
        with pytest.raises(UnexpectedReply):
            await Download(tmp_path / "p", tls=tls, allow_loopback=True).fetch(
                f"https://cdn.example.org:{port}/x", lambda done, total: None
            )

    assert inside.connections == 0
    assert asked == ["cdn.example.org"]


async def test_what_was_checked_is_what_is_connected_to(tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answering(monkeypatch, ["93.184.215.14", "2606:4700::1"], ["127.0.0.1"])
    tried: list[str] = []

    async def connect(self: object, sock: socket.socket, address: tuple[str, int]) -> None:
        tried.append(address[0])
        raise OSError("no way out of the tests")

    monkeypatch.setattr(asyncio.get_running_loop().__class__, "sock_connect", connect)
    async with keyless_client(tls, allow_loopback=True) as client:
        with pytest.raises(NetworkProblem), free_call():
            await client.get("https://cdn.example.org/x")

    assert tried == ["2606:4700::1", "93.184.215.14"]
    assert asked == ["cdn.example.org"]


async def test_a_name_that_nobody_knows_means_not_sent(tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, [])
    async with an_api(tls) as api:
        with pytest.raises(NetworkProblem) as failed:
            await api.order("/order", "{}")
        assert failed.value.problem.kind is Kind.NETWORK_DOWN
        with pytest.raises(NetworkProblem):
            await api.elsewhere("https://storage.example.org/x")[0].get("/x")


async def test_a_name_that_is_looked_up_for_too_long_is_a_slow_network(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def getaddrinfo(self: object, host: str, port: int, **_: object) -> list[object]:
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr(asyncio.get_running_loop().__class__, "getaddrinfo", getaddrinfo)
    async with keyless_client(tls, allow_loopback=True) as client:
        with pytest.raises(NetworkProblem) as failed, free_call():
            await client.get("https://cdn.example.org/x", timeout=0.05)

    assert failed.value.problem.kind is Kind.NETWORK_SLOW


async def test_no_cookie_is_kept_nor_shown(tls: ssl.SSLContext) -> None:
    async with Wire(reply(200, b"{}", Set_Cookie="id=5; Path=/")) as wire, an_api(tls, wire.url) as api:
        for _ in range(2):
            await api.get("/x")
            await api.head_without_key("/x")

    assert all("cookie" not in one.headers for one in wire.asked)


async def test_no_variable_of_the_environment_changes_a_request(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login anna password pw\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nothing.pem"))
    async with Wire(reply(200, b"{}")) as wire, an_api(tls, wire.url) as api:
        await api.head_without_key("/x")
        assert "authorization" not in wire.asked[0].headers


async def test_clients_speak_http_1_1_follow_nothing_and_ask_for_nothing_packed(tls: ssl.SSLContext) -> None:
    async with Wire(reply(302, Location="/there")) as wire:
        for client in (keyed_client(tls), keyless_client(tls, allow_loopback=True)):
            async with client:
                answer = await client.get(f"{wire.url}/here")
                assert (answer.status_code, answer.http_version) == (302, "HTTP/1.1")

    assert [(one.path, one.headers["accept-encoding"]) for one in wire.asked] == [("/here", "identity")] * 2
