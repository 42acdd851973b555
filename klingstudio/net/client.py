"""The only place where an HTTP client is made, so that all keep the same rules.

No redirect is followed, no cookie kept, nothing unpacked, no variable of the environment obeyed except the system's own
choice of a proxy, HTTP/1.1 only, every certificate checked. `keyed_client` is for the hosts of a provider, which the
caller pins; `keyless_client` is for addresses that somebody else named, and reaches the web only.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from klingstudio.domain.errors import Kind, NetworkProblem
from klingstudio.logs import conceal
from klingstudio.net.address import check_address, is_loopback, public_addresses

CONNECT_S = 15.0
ADDRESS_S = 5.0
"""For one of several addresses of a host."""
ADDRESSES_MOST = 4
STALL_S = 30.0
"""A transfer that moves no byte for this long has failed, even if it moved some before."""

HEADERS = {"Accept-Encoding": "identity", "User-Agent": "KlingStudio"}


def stalling(seconds: float) -> httpx.Timeout:
    """Time for each piece on its way, not for the whole."""
    return httpx.Timeout(seconds, connect=CONNECT_S)


def keyed_client(tls: ssl.SSLContext, stall_s: float = STALL_S) -> httpx.AsyncClient:
    """For requests that carry a key. The caller names the provider's own hosts and no other."""
    return _client(_Ways(tls, only_web=False, allow_loopback=True), stall_s)


def keyless_client(tls: ssl.SSLContext, *, allow_loopback: bool, stall_s: float = STALL_S) -> httpx.AsyncClient:
    """For addresses that an answer or a person named: every hop of them is checked, its numbers too."""
    return _client(_Ways(tls, only_web=True, allow_loopback=allow_loopback), stall_s)


def _client(ways: httpx.AsyncBaseTransport, stall_s: float) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=ways, headers=HEADERS, trust_env=False, follow_redirects=False, timeout=stalling(stall_s)
    )


def system_proxy(host: str) -> str | None:
    """The proxy that the system names for https to this host: by HTTPS_PROXY, ALL_PROXY and NO_PROXY, or its settings.

    Asked for each request, for a laptop changes its network. May block.
    """
    named = getproxies()
    proxy = named.get("https") or named.get("all") or ""
    if not proxy and (socks := named.get("socks")):
        # One system's settings call it http.
        proxy = f"socks://{socks.rpartition('://')[2]}"
    if not proxy or proxy_bypass(host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


class _Ways(httpx.AsyncBaseTransport):
    """Sends each request straight, or through the proxy that the system names for its host."""

    def __init__(self, tls: ssl.SSLContext, *, only_web: bool, allow_loopback: bool) -> None:
        self._tls = tls
        self._only_web = only_web
        self._allow_loopback = allow_loopback
        self._known: dict[str | None, httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = str(request.url)
        if self._only_web:
            # The address as it will be connected to, whatever other parsers make of what the caller was given.
            check_address(url, allow_loopback=self._allow_loopback)
        host = request.url.raw_host.decode("ascii")
        is_here = request.url.scheme != "https" or is_loopback(url)
        proxy = None if is_here else await asyncio.to_thread(system_proxy, host)
        if proxy not in self._known:
            self._known[proxy] = self._way(proxy)
        response = await self._known[proxy].handle_async_request(request)
        # The client would keep it and show it at the next request.
        response.headers.pop("set-cookie", None)
        return response

    async def aclose(self) -> None:
        for way in self._known.values():
            await way.aclose()

    def _way(self, proxy: str | None) -> httpx.AsyncHTTPTransport:
        if proxy is not None:
            # It looks names up itself: what can be refused for its name alone was.
            return httpx.AsyncHTTPTransport(verify=self._tls, trust_env=False, proxy=_usable(proxy, self._tls))
        way = httpx.AsyncHTTPTransport(verify=self._tls, trust_env=False)
        if self._only_web:
            # httpx has no argument for it.
            pool: Any = way._pool  # noqa: SLF001
            pool._network_backend = _ToTheWeb(pool._network_backend, self._allow_loopback)  # noqa: SLF001
        return way


def _usable(proxy: str, tls: ssl.SSLContext) -> httpx.Proxy:
    """The proxy for the transport; its password is never written into a log.

    Raises:
        NetworkProblem: it is of a kind that this program cannot use.
    """
    try:
        parts = urlsplit(proxy)
        _ = parts.port
    except ValueError:
        raise NetworkProblem(Kind.PROXY_UNUSABLE, "its address cannot be understood") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NetworkProblem(Kind.PROXY_UNUSABLE, f"it is of the kind {parts.scheme}, not http")
    for secret in (parts.password, unquote(parts.password or "")):
        conceal(secret or "")
    return httpx.Proxy(proxy, ssl_context=tls if parts.scheme == "https" else None)


class _Backend(Protocol):
    """What httpcore wants of whoever opens its connections."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> Any: ...


class _ToTheWeb:
    """Looks a name up once, checks what it stands for, and connects to that: no second look-up can say otherwise."""

    def __init__(self, inner: _Backend, allow_loopback: bool) -> None:
        self._inner = inner
        self._allow_loopback = allow_loopback

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> Any:
        try:
            async with asyncio.timeout(timeout):
                addresses = await public_addresses(host, port, allow_loopback=self._allow_loopback)
        except TimeoutError as error:
            raise httpx.ConnectTimeout("the name was not looked up in time") from error
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error
        *others, last = addresses[:ADDRESSES_MOST]
        for address in others:
            try:
                return await self._inner.connect_tcp(address, port, ADDRESS_S, local_address, socket_options)
            except Exception:  # noqa: BLE001, S112 - however one of them fails, the next one is tried
                continue
        return await self._inner.connect_tcp(last, port, timeout, local_address, socket_options)
