"""The one place where the transport's exceptions become ours."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx

from klingstudio.domain.errors import Kind, NetworkProblem, SubmitUnconfirmed, UnexpectedReply


def describe(error: BaseException) -> NetworkProblem:
    """What a transport error means for a call that orders nothing."""
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error)):
        return NetworkProblem(Kind.CERTIFICATE_REFUSED, _words(error))
    if isinstance(error, httpx.ProxyError):
        # A proxy that cannot reach the provider now may do so at the next try; one that refuses us will not.
        is_passing = str(error).startswith("5")
        return NetworkProblem(Kind.NETWORK_DOWN if is_passing else Kind.PROXY_UNUSABLE, f"it answers {_words(error)}")
    if isinstance(error, (httpx.TimeoutException, TimeoutError)):
        return NetworkProblem(Kind.NETWORK_SLOW, _words(error))
    return NetworkProblem(Kind.NETWORK_DOWN, _words(error))


@contextmanager
def free_call() -> Iterator[None]:
    """Around a call that costs nothing and may be repeated.

    Raises:
        NetworkProblem: it could not be made, or was cut.
        UnexpectedReply: the answer cannot be decoded, or an address in it is none.
    """
    try:
        yield
    except (httpx.DecodingError, httpx.InvalidURL) as error:
        raise UnexpectedReply(_words(error)) from error
    except (httpx.HTTPError, httpx.StreamError, httpx.CookieConflict, TimeoutError) as error:
        raise describe(error) from error


class SendingWatch:
    """Tells whether the first byte of a request may have left, by listening to the transport."""

    def __init__(self) -> None:
        self.may_have_left = False
        self._asks_proxy = False

    async def __call__(self, name: str, info: Mapping[str, object]) -> None:
        """httpcore's trace hook."""
        # Deliberately broad: any sign of sending counts, an unknown kind of connection included. But what a proxy is
        # asked before the way is open is no part of the request.
        if ".send_request_" in name:
            if name.endswith(".started"):
                self._asks_proxy = getattr(info.get("request"), "method", None) == b"CONNECT"
            if not self._asks_proxy:
                self.may_have_left = True


@contextmanager
def paid_call(watch: SendingWatch) -> Iterator[None]:
    """Around the one POST that costs money.

    Raises:
        NetworkProblem: no byte left this computer.
        SubmitUnconfirmed: bytes may have left; the outcome is unknown.
    """
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict, OSError) as error:
        if watch.may_have_left:
            raise SubmitUnconfirmed(_words(error)) from error
        raise describe(error) from error


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def _words(error: BaseException) -> str:
    # Addresses in the transport's own text can be signed links: only the first line, without any address.
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return " ".join(word for word in first.split() if "://" not in word) or type(error).__name__
