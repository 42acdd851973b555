"""Fetching a finished video into a `.part` that can be resumed, never the whole in memory."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit

import httpx

from klingstudio.domain.errors import Kind, NetworkProblem, ResultGone, UnexpectedReply
from klingstudio.net.api import STALL_S, is_loopback
from klingstudio.net.errors import free_call
from klingstudio.net.inline import InlineVideo
from klingstudio.net.upload import CHUNK_BYTES, OnBytes, disk_problem

log = logging.getLogger(__name__)

RESULT_MAX_BYTES = 2 * 1024**3
INLINE_MAX_BYTES = RESULT_MAX_BYTES // 3 * 4
"""A video inside JSON is a third longer there."""
REDIRECTS_MAX = 5

Credentials = Callable[[str], Awaitable[Mapping[str, str]]]
"""Headers that an address may be shown when it refuses a request without them; empty for most addresses."""


async def no_credentials(_url: str) -> Mapping[str, str]:
    """For links that need no key."""
    return {}


def is_mp4(head: bytes) -> bool:
    """True for the first bytes of an mp4 or mov."""
    return head[4:8] == b"ftyp"


class Download:
    """Fetches a finished video, first without any key. One `fetch` is one connection; call again to resume."""

    def __init__(
        self, part: Path, *, tls: ssl.SSLContext, allow_loopback: bool, looks_right: Callable[[bytes], bool] = is_mp4
    ) -> None:
        """`looks_right`: whether a file that begins with these bytes can be what is wanted."""
        self._part = part
        self._looks_right = looks_right
        self._mark = _mark_of(part)
        self._tls = tls
        self._allow_loopback = allow_loopback

    @staticmethod
    def is_complete(part: Path) -> bool:
        """True for a `.part` that came whole: the mark beside it is removed only then."""
        return part.exists() and part.stat().st_size > 0 and not _mark_of(part).exists()

    @staticmethod
    def discard(part: Path) -> None:
        """Forget what was fetched so far."""
        part.unlink(missing_ok=True)
        _mark_of(part).unlink(missing_ok=True)

    async def fetch(self, url: str, on_bytes: OnBytes, credentials: Credentials = no_credentials) -> None:
        """Bring the `.part` to its full length and sync it to disk.

        What is served may also be JSON that holds the video; such an answer cannot be resumed.

        Args:
            credentials: asked only after `url` itself answered 401 or 403; they never follow it to another host.

        Raises:
            NetworkProblem: cut or slow; what came is kept for the next call.
            ResultGone: the link answers 403, 404 or 410.
            UnexpectedReply: what is served is no video, or is too large.
            DiskProblem: the file cannot be written.
        """
        async with httpx.AsyncClient(
            verify=self._tls,
            trust_env=False,
            follow_redirects=False,
            headers={"Accept-Encoding": "identity", "User-Agent": "KlingStudio"},
            timeout=httpx.Timeout(STALL_S, connect=15.0),
        ) as client:
            with free_call():
                response = await self._open(client, url, {})
                if response.status_code in (401, 403) and (headers := await credentials(url)):
                    await response.aclose()
                    response = await self._open(client, url, headers)
                try:
                    await self._receive(response, on_bytes)
                finally:
                    await response.aclose()
        self._mark.unlink(missing_ok=True)

    async def _open(self, client: httpx.AsyncClient, url: str, credentials: Mapping[str, str]) -> httpx.Response:
        have, etag = await asyncio.to_thread(self._resumable)
        headers = {"Range": f"bytes={have}-", "If-Range": etag} if have else {}
        home = _origin(url)
        for _ in range(REDIRECTS_MAX + 1):
            check_address(url, allow_loopback=self._allow_loopback)
            if _origin(url) != home:
                # For good: a foreign host must not lead the key back to an address of its choice.
                credentials = {}
            request = client.build_request("GET", url, headers=headers | dict(credentials))
            response = await client.send(request, stream=True)
            if not response.is_redirect:
                return response
            await response.aclose()
            url = urljoin(url, response.headers.get("location", ""))
        raise UnexpectedReply("too many redirects")

    async def _receive(self, response: httpx.Response, on_bytes: OnBytes) -> None:
        match response.status_code:
            case 200:
                start, total = 0, byte_total(response.headers.get("content-length"))
            case 206:
                start, total = byte_range(response.headers.get("content-range", ""))
                if start != await asyncio.to_thread(self._size):
                    await asyncio.to_thread(self.discard, self._part)
                    raise NetworkProblem(Kind.NETWORK_DOWN, "the server sent another part than asked for")
            case 416:
                await asyncio.to_thread(self.discard, self._part)
                raise NetworkProblem(Kind.NETWORK_DOWN, "the server has no such part")
            case 401 | 403 | 404 | 410:
                raise ResultGone(Kind.RESULT_GONE, f"HTTP {response.status_code}")
            case status if status >= 500 or status in (408, 425, 429):
                raise NetworkProblem(Kind.PROVIDER_BUSY, f"HTTP {status}")
            case status:
                raise UnexpectedReply(f"HTTP {status}")
        is_json = response.headers.get("content-type", "").startswith("application/json")
        most = INLINE_MAX_BYTES if is_json else RESULT_MAX_BYTES
        if (total or 0) > most:
            raise UnexpectedReply(f"the result has {total} bytes")

        inline = InlineVideo() if is_json else None
        # A range of the JSON would be no range of the video: without a validator the next try starts from zero.
        etag = "" if is_json else response.headers.get("etag", "")
        handle = await asyncio.to_thread(self._begin, start, etag)
        got = start
        is_begun = start > 0
        try:
            async for piece in response.aiter_raw(CHUNK_BYTES):
                film = piece if inline is None else await asyncio.to_thread(inline.feed, piece)
                if film and not is_begun:
                    if not self._looks_right(film):
                        raise UnexpectedReply("what was served is not a video")
                    is_begun = True
                await asyncio.to_thread(_write, handle, film)
                got += len(piece)
                if got > most:
                    raise UnexpectedReply("the result does not end")
                on_bytes(got, total or 0)
            await asyncio.to_thread(_sync, handle)
        finally:
            # What a failed write left in the buffer fails once more here; a good end was synced above.
            with contextlib.suppress(OSError):
                handle.close()
        if total is not None and got != total:
            raise NetworkProblem(Kind.NETWORK_DOWN, f"{got} of {total} bytes came")
        if not is_begun:
            raise UnexpectedReply("what was served is not a video" if got else "the result is empty")
        if inline is not None and not inline.is_whole:
            raise UnexpectedReply("the video inside the answer does not end")

    def _size(self) -> int:
        return self._part.stat().st_size if self._part.exists() else 0

    def _resumable(self) -> tuple[int, str]:
        # Without a validator nobody knows whether the rest belongs to the same file, so it starts from zero.
        try:
            etag = str(json.loads(self._mark.read_text())["etag"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0, ""
        return (self._size(), etag) if etag and not etag.startswith("W/") else (0, "")

    def _begin(self, start: int, etag: str) -> BinaryIO:
        try:
            self._part.parent.mkdir(parents=True, exist_ok=True)
            # First, so that a part without its mark is always a whole one.
            self._mark.write_text(json.dumps({"etag": etag}))
            handle = self._part.open("r+b" if start else "wb")
            handle.truncate(start)
            handle.seek(start)
        except OSError as error:
            raise disk_problem(error) from error
        return handle


def check_address(url: str, *, allow_loopback: bool) -> None:
    """Refuse to fetch from anywhere but the web, or this computer where that is allowed.

    Raises:
        UnexpectedReply: it is neither.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise UnexpectedReply("the address is none") from None
    if parts.scheme == "https" and parts.hostname and not parts.username:
        return
    if parts.scheme == "http" and allow_loopback and is_loopback(url):
        return
    raise UnexpectedReply(f"the address is not https ({parts.scheme}://{parts.hostname})")


def _origin(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ("", "")
    return parts.scheme, parts.netloc.lower()


def _mark_of(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _write(handle: BinaryIO, piece: bytes) -> None:
    try:
        handle.write(piece)
    except OSError as error:
        raise disk_problem(error) from error


def _sync(handle: BinaryIO) -> None:
    try:
        handle.flush()
        os.fsync(handle.fileno())
    except OSError as error:
        raise disk_problem(error) from error


def byte_total(value: str | None) -> int | None:
    """The number in a Content-Length, or None."""
    with contextlib.suppress(TypeError, ValueError):
        return max(0, int(value or ""))
    return None


def byte_range(value: str) -> tuple[int, int | None]:
    """Where a part begins and how long the whole is, from a Content-Range; None where that does not say.

    Raises:
        UnexpectedReply: it is none.
    """
    found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", value.strip())
    if not found:
        raise UnexpectedReply("a part without its Content-Range")
    return int(found[1]), None if found[3] == "*" else int(found[3])
