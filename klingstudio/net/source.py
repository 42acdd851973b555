"""Looking, without any key, at an address of the person's own that a provider will be given."""

from __future__ import annotations

import asyncio
from urllib.parse import urljoin

import httpx

from klingstudio.domain.errors import InputRefused, Kind, NetworkProblem, UnexpectedReply
from klingstudio.net.address import check_address
from klingstudio.net.api import PATIENT
from klingstudio.net.client import keyless_client
from klingstudio.net.download import REDIRECTS_MAX, byte_range, byte_total
from klingstudio.net.errors import free_call
from klingstudio.net.trust import tls


async def served_bytes(url: str, *, allow_loopback: bool) -> int | None:
    """How long the file is that the address serves to anybody, learned from its first byte. None: it does not tell.

    Raises:
        InputRefused: it serves none.
        NetworkProblem: it cannot be reached now.
        UnexpectedReply: it leads to where nothing is fetched from, or answers something else.
    """
    # Not HEAD: signed links are often good for GET alone.
    headers = {"Range": "bytes=0-0"}
    async with keyless_client(await tls(), allow_loopback=allow_loopback, stall_s=PATIENT.reply_s) as client:
        for _ in range(REDIRECTS_MAX + 1):
            check_address(url, allow_loopback=allow_loopback)
            with free_call():
                async with asyncio.timeout(PATIENT.reply_s), client.stream("GET", url, headers=headers) as response:
                    if not response.is_redirect:
                        return _length(response)
                    url = urljoin(url, response.headers.get("location", ""))
    raise UnexpectedReply("too many redirects")


def _length(response: httpx.Response) -> int | None:
    match response.status_code:
        case 200:
            return byte_total(response.headers.get("content-length"))
        case 206:
            return byte_range(response.headers.get("content-range", ""))[1]
        case 401 | 403 | 404 | 410 | 416:
            raise InputRefused(
                Kind.SOURCE_MISSING, f"its address answers HTTP {response.status_code}", subject="source"
            )
        case status if status >= 500 or status in (408, 425, 429):
            raise NetworkProblem(Kind.PROVIDER_BUSY, f"HTTP {status}")
        case status:
            raise UnexpectedReply(f"HTTP {status}")
