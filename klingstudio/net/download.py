"""Fetching a finished video into a `.part` that can be resumed, never the whole in memory."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import re
import ssl
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit

import httpx

from klingstudio.domain.errors import Kind, NetworkProblem, ResultGone, UnexpectedReply
from klingstudio.net.api import STALL_S, is_loopback
from klingstudio.net.errors import free_call
from klingstudio.net.upload import CHUNK_BYTES, OnBytes, disk_problem

log = logging.getLogger(__name__)

RESULT_MAX_BYTES = 2 * 1024**3
REDIRECTS_MAX = 5


class Download:
    """Fetches a finished video without any key. One `fetch` is one connection; call again to resume."""

    def __init__(self, part: Path, *, tls: ssl.SSLContext, allow_loopback: bool) -> None:
        self._part = part
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

    async def fetch(self, url: str, on_bytes: OnBytes) -> None:
        """Bring the `.part` to its full length and sync it to disk.

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
                response = await self._open(client, url)
                try:
                    await self._receive(response, on_bytes)
                finally:
                    await response.aclose()
        self._mark.unlink(missing_ok=True)

    async def _open(self, client: httpx.AsyncClient, url: str) -> httpx.Response:
        have, etag = await asyncio.to_thread(self._resumable)
        headers = {"Range": f"bytes={have}-", "If-Range": etag} if have else {}
        for _ in range(REDIRECTS_MAX + 1):
            self._check_address(url)
            response = await client.send(client.build_request("GET", url, headers=headers), stream=True)
            if not response.is_redirect:
                return response
            await response.aclose()
            url = urljoin(url, response.headers.get("location", ""))
        raise UnexpectedReply("too many redirects")

    def _check_address(self, url: str) -> None:
        try:
            parts = urlsplit(url)
        except ValueError:
            raise UnexpectedReply("the result's address is none") from None
        if parts.scheme == "https" and not parts.username:
            return
        if parts.scheme == "http" and self._allow_loopback and is_loopback(url):
            return
        raise UnexpectedReply(f"the result's address is not https ({parts.scheme}://{parts.hostname})")

    async def _receive(self, response: httpx.Response, on_bytes: OnBytes) -> None:
        match response.status_code:
            case 200:
                start, total = 0, _length(response.headers.get("content-length"))
            case 206:
                start, total = _content_range(response.headers.get("content-range", ""))
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
        if (total or 0) > RESULT_MAX_BYTES:
            raise UnexpectedReply(f"the result has {total} bytes")

        etag = response.headers.get("etag", "")
        handle = await asyncio.to_thread(self._begin, start, etag)
        got = start
        try:
            async for piece in response.aiter_raw(CHUNK_BYTES):
                if got == 0 and piece[4:8] != b"ftyp":
                    raise UnexpectedReply("what was served is not a video")
                await asyncio.to_thread(_write, handle, piece)
                got += len(piece)
                if got > RESULT_MAX_BYTES:
                    raise UnexpectedReply("the result does not end")
                on_bytes(got, total or 0)
            await asyncio.to_thread(_sync, handle)
        finally:
            # What a failed write left in the buffer fails once more here; a good end was synced above.
            with contextlib.suppress(OSError):
                handle.close()
        if total is not None and got != total:
            raise NetworkProblem(Kind.NETWORK_DOWN, f"{got} of {total} bytes came")
        if got == 0:
            raise UnexpectedReply("the result is empty")

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


def _length(value: str | None) -> int | None:
    with contextlib.suppress(TypeError, ValueError):
        return max(0, int(value or ""))
    return None


def _content_range(value: str) -> tuple[int, int | None]:
    found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", value.strip())
    if not found:
        raise UnexpectedReply("a part without its Content-Range")
    return int(found[1]), None if found[3] == "*" else int(found[3])
