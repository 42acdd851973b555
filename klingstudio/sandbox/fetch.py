"""Loads the inputs of an edit as a model's server does: from any public address, and without anybody's key."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

CONNECT_S = 30.0
"""Longest silence while an input is fetched. 30 s is what fal documents for its own."""
_CHUNK_BYTES = 256 * 1024
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class FetchFailed(Exception):
    """The input cannot be loaded; the text is what the service would say."""


def fetch(url: str, out_path: Path, *, max_bytes: int, takes_data: bool = False) -> None:
    """Load one input into a file.

    Args:
        url: `http:` or `https:`; `data:` too where `takes_data`.
        max_bytes: larger ones are refused.

    Raises:
        FetchFailed: not such an address, not reachable, not readable without a key, or too large.
    """
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError:
        raise FetchFailed(f"Invalid URL: {url[:200]}") from None
    is_data = takes_data and parts.scheme == "data"
    if not is_data and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise FetchFailed(f"Invalid URL: {url[:200]}")
    # A proxy from the environment is right for the world, but it does not know this computer's own servers.
    proxies: dict[str, str] | None = {} if parts.hostname in _LOOPBACK else None
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(proxies),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
        *([urllib.request.DataHandler()] if is_data else []),
    ):
        opener.add_handler(handler)
    address = url if is_data else urllib.parse.quote(url, safe="%/:=&?~#+!$,;'@()*[]")
    request = urllib.request.Request(address, headers={"User-Agent": "klingstudio-sandbox"})  # noqa: S310 - checked above
    try:
        with opener.open(request, timeout=CONNECT_S) as reply, out_path.open("wb") as out:
            expected = int(reply.headers.get("Content-Length") or -1)
            size_bytes = 0
            while chunk := reply.read(_CHUNK_BYTES):
                size_bytes += len(chunk)
                if size_bytes > max_bytes:
                    raise FetchFailed(f"File too large: {url[:200]} has more than {max_bytes:,} bytes")
                out.write(chunk)
            if 0 <= expected != size_bytes:
                raise FetchFailed(f"Could not download {url[:200]}: {size_bytes} of {expected} bytes arrived")
    except urllib.error.HTTPError as error:
        side = "Client" if error.code < 500 else "Server"
        error.close()
        raise FetchFailed(f"{error.code} {side} Error: {error.reason} for url: {url}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise FetchFailed(f"Could not download {url[:200]}: {reason}") from None
