"""Fetching a finished video into a `.part` that can be resumed, never the whole in memory."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import re
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit

import httpx

from klingstudio.domain.errors import Kind, NetworkProblem, ResultGone, UnexpectedReply
from klingstudio.net.address import check_address
from klingstudio.net.client import keyless_client
from klingstudio.net.errors import free_call
from klingstudio.net.inline import InlineVideo
from klingstudio.net.upload import CHUNK_BYTES, OnBytes, disk_problem

log = logging.getLogger(__name__)

RESULT_MAX_BYTES = 2 * 1024**3
INLINE_MAX_BYTES = RESULT_MAX_BYTES // 3 * 4
"""A video inside JSON is a third longer there."""
REDIRECTS_MAX = 5
HEAD_BYTES = 4096
"""The first piece of a file tells what it is."""
WRITE_EVERY_S = 0.25
OPENING_S = 60.0
"""Until the answer begins, all redirects included, however slowly they drip in."""

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
        async with keyless_client(self._tls, allow_loopback=self._allow_loopback) as client:
            with free_call():
                have, etag = await asyncio.to_thread(self._resumable)
                rest = {"Range": f"bytes={have}-", "If-Range": etag} if have else {}
                response = await self._open(client, url, rest)
                if response.status_code in (401, 403) and (headers := await credentials(url)):
                    await response.aclose()
                    response = await self._open(client, url, rest, headers)
                try:
                    if not (have and _is_all(response, have)):
                        await self._receive(response, etag, on_bytes)
                finally:
                    await response.aclose()
        self._mark.unlink(missing_ok=True)

    async def _open(
        self, client: httpx.AsyncClient, url: str, rest: Mapping[str, str], credentials: Mapping[str, str] | None = None
    ) -> httpx.Response:
        home = _origin(url)
        async with asyncio.timeout(OPENING_S):
            for _ in range(REDIRECTS_MAX + 1):
                check_address(url, allow_loopback=self._allow_loopback)
                if _origin(url) != home:
                    # For good: a foreign host must not lead the key back to an address of its choice.
                    credentials = None
                request = client.build_request("GET", url, headers={**rest, **(credentials or {})})
                response = await client.send(request, stream=True)
                if not response.is_redirect:
                    return response
                await response.aclose()
                url = _joined(url, response.headers.get("location", ""))
        raise UnexpectedReply("too many redirects")

    async def _receive(self, response: httpx.Response, asked_etag: str, on_bytes: OnBytes) -> None:
        match response.status_code:
            case 200:
                start, total = 0, byte_total(response.headers.get("content-length"))
            case 206:
                start, total = byte_range(response.headers.get("content-range", ""))
                # Not every server heeds If-Range: the rest of another file is no rest.
                is_same = bool(asked_etag) and response.headers.get("etag", asked_etag) == asked_etag
                if start and (not is_same or start != await asyncio.to_thread(self._size)):
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
            async for piece in _gathered(response.aiter_raw()):
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


async def _gathered(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Pieces worth a write; where the line breaks, first what has come, so that a line of many breaks gets on."""
    held, since, least = bytearray(), time.monotonic(), HEAD_BYTES
    broken: httpx.HTTPError | None = None
    try:
        async for piece in pieces:
            held += piece
            is_late = time.monotonic() - since >= WRITE_EVERY_S and len(held) >= HEAD_BYTES
            if is_late or len(held) >= CHUNK_BYTES:
                yield bytes(held)
                held.clear()
                since, least = time.monotonic(), 1
    except httpx.HTTPError as error:
        broken = error
    if held and (broken is None or len(held) >= least):
        yield bytes(held)
    if broken is not None:
        raise broken


def _is_all(response: httpx.Response, have: int) -> bool:
    """True when the server says that nothing comes after what is here: the line broke at the very end."""
    return response.status_code == 416 and response.headers.get("content-range", "").strip() == f"bytes */{have}"


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise UnexpectedReply("a redirect to no address") from None


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
