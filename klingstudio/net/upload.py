"""Sending a local file in one request: as a form, as bare bytes, or as base64 inside JSON. Never the whole in memory."""

from __future__ import annotations

import asyncio
import base64
import errno
import re
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

from klingstudio.domain.errors import DiskProblem, InputRefused, Kind, ProviderRefused, UnexpectedReply
from klingstudio.net.api import Api
from klingstudio.net.reply import Reply

CHUNK_BYTES = 256 * 1024
"""Measured: smaller chunks cost throughput, larger ones make the window's timers late."""
_TRIPLE_BYTES = CHUNK_BYTES // 3 * 3
"""Base64 turns three bytes into four characters, so that pieces of this size join without padding."""

OnBytes = Callable[[int, int], None]


async def upload_form(
    api: Api, method: str, path: str, file: Path, *, part: str, name: str, fields: Mapping[str, str], on_bytes: OnBytes
) -> Reply:
    """Send `file` as one part of a multipart form, with its exact Content-Length, reading as it goes."""
    boundary = uuid.uuid4().hex
    head = (
        _fields(fields, boundary)
        + (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{part}"; filename="{_quoted(name)}"\r\n'
            f"Content-Type: {content_type(name)}\r\n\r\n"
        ).encode()
    )
    tail = f"\r\n--{boundary}--\r\n".encode()
    size = await file_size(file)

    async def chunks() -> AsyncIterator[bytes]:
        yield head
        async for piece in _pieces(file, 0, size, CHUNK_BYTES, on_bytes):
            yield piece
        yield tail

    headers = {
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        "Content-Length": str(len(head) + size + len(tail)),
    }
    return await api.stream(method, path, headers=headers, chunks=chunks)


async def send_form(api: Api, method: str, path: str, fields: Mapping[str, str]) -> Reply:
    """Send a multipart form of text fields alone."""
    boundary = uuid.uuid4().hex
    body = _fields(fields, boundary) + f"--{boundary}--\r\n".encode()

    async def chunks() -> AsyncIterator[bytes]:
        yield body

    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Content-Length": str(len(body))}
    return await api.stream(method, path, headers=headers, chunks=chunks)


async def upload_bytes(
    api: Api,
    method: str,
    path: str,
    file: Path,
    *,
    headers: Mapping[str, str],
    on_bytes: OnBytes,
    start: int = 0,
    length: int | None = None,
) -> Reply:
    """Send `length` bytes of `file` from `start` on, all of it without them, as the whole body of a request."""
    size = await file_size(file) - start if length is None else length

    def chunks() -> AsyncIterator[bytes]:
        return _pieces(file, start, size, CHUNK_BYTES, on_bytes)

    return await api.stream(method, path, headers={"Content-Length": str(size)} | dict(headers), chunks=chunks)


async def upload_base64(
    api: Api, method: str, path: str, file: Path, *, head: bytes, tail: bytes, on_bytes: OnBytes
) -> Reply:
    """Send a JSON body that holds `file` in base64 between `head` and `tail`."""
    size = await file_size(file)

    async def chunks() -> AsyncIterator[bytes]:
        yield head
        async for piece in _pieces(file, 0, size, _TRIPLE_BYTES, on_bytes):
            yield base64.b64encode(piece)
        yield tail

    length = len(head) + (size + 2) // 3 * 4 + len(tail)
    headers = {"Content-Type": "application/json", "Content-Length": str(length)}
    return await api.stream(method, path, headers=headers, chunks=chunks)


async def check_public(api: Api, path: str, size_bytes: int) -> None:
    """Make sure that the model's own fetcher, which has no key, will get the whole file.

    Raises:
        ProviderRefused: it cannot be read without a key.
        UnexpectedReply: it has another length.
    """
    seen = await api.head_without_key(path)
    if not seen.is_success:
        raise ProviderRefused(Kind.UPLOAD_REFUSED, "the uploaded file cannot be read without a key", raw=seen.raw())
    if seen.headers.get("content-length") not in (None, str(size_bytes)):
        raise UnexpectedReply("the uploaded file has another length", raw=seen.raw())


def _fields(fields: Mapping[str, str], boundary: str) -> bytes:
    return b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in fields.items()
    )


async def _pieces(file: Path, start: int, length: int, most: int, on_bytes: OnBytes) -> AsyncIterator[bytes]:
    """Each piece but the last has `most` bytes."""
    sent = 0
    while sent < length:
        piece = await asyncio.to_thread(_read, file, start + sent, min(most, length - sent))
        if not piece:
            # The announced length can no longer be kept, so the request must not end as if it were whole.
            raise InputRefused(Kind.SOURCE_CHANGED, f"{file.name} became shorter", subject="source")
        yield piece
        sent += len(piece)
        on_bytes(sent, length)


def _read(file: Path, start: int, most: int) -> bytes:
    # Opened anew for each piece: a request that is broken off in between leaves nothing open.
    with file.open("rb") as handle:
        handle.seek(start)
        return handle.read(most)


async def file_size(file: Path) -> int:
    """Bytes in a local file.

    Raises:
        DiskProblem: it is gone.
    """
    try:
        return (await asyncio.to_thread(file.stat)).st_size
    except OSError as error:
        raise disk_problem(error) from error


def content_type(name: str) -> str:
    """Media type by file name ending, for the endings that are sent."""
    endings = {".mp4": "video/mp4", ".mov": "video/quicktime", ".png": "image/png", ".webp": "image/webp"}
    return endings.get(Path(name).suffix.lower(), "image/jpeg")


def disk_problem(error: OSError) -> DiskProblem:
    """What an error of the file system means for the person."""
    kind = Kind.DISK_FULL if error.errno in (errno.ENOSPC, errno.EDQUOT) else Kind.DISK_UNWRITABLE
    return DiskProblem(kind, f"{error.filename or 'file'}: {error.strerror}")


def _quoted(name: str) -> str:
    return re.sub(r'["\\\r\n]', "_", name)
