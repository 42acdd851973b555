"""A source at an https address of the person's own: fetched once, without any key, and kept under its content's name.

It is kept because a take is looked at beside its source, and the address may be gone by then.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from klingstudio.domain.errors import InputRefused, Kind, ResultGone, UnexpectedReply
from klingstudio.engine.finish import clean_name
from klingstudio.net.api import tls
from klingstudio.net.download import Download
from klingstudio.net.upload import disk_problem

OnFraction = Callable[[float | None], None]
Repeat = Callable[[Callable[[], Awaitable[None]]], Awaitable[None]]
"""Calls until it succeeds, or for long enough."""

ABANDONED_S = 24 * 3600.0
"""A part that nobody has touched for this long is left of a program that ended."""


async def fetch_source(
    url: str, folder: Path, *, allow_loopback: bool, repeat: Repeat, on_fraction: OnFraction
) -> Path:
    """Fetch the file into `folder`. The same content lies there once, however often it is fetched.

    Args:
        allow_loopback: the address may be one of this computer, where the sandbox is.

    Raises:
        InputRefused: the address serves no file, or none that can be fetched.
        NetworkProblem: it cannot be reached, or the transfer is cut again and again.
        DiskProblem: the folder cannot be written.
    """
    await asyncio.to_thread(_sweep, folder)
    part = folder / f"{uuid.uuid4().hex}.part"
    download = Download(part, tls=await tls(), allow_loopback=allow_loopback, looks_right=_is_no_page)
    try:
        await repeat(lambda: download.fetch(url, lambda done, total: on_fraction(done / total if total else None)))
        return await asyncio.to_thread(_keep, part, folder, _name(url))
    except ResultGone as error:
        words = f"its address answers {error.problem.detail}"
        raise InputRefused(Kind.SOURCE_MISSING, words, subject="source") from error
    except UnexpectedReply as error:
        raise InputRefused(Kind.SOURCE_UNREADABLE, error.problem.detail, subject="source") from error
    finally:
        with contextlib.suppress(OSError):
            Download.discard(part)


def _is_no_page(head: bytes) -> bool:
    # What kind of video it is, if any, is found out by looking into it; a log-in page or an error need not be kept.
    return head.lstrip()[:1] not in (b"<", b"{", b"[", b"")


def _name(url: str) -> str:
    name = Path(unquote(urlsplit(url).path)).name
    ending = Path(name).suffix.lower()
    is_usual = 2 <= len(ending) <= 5 and ending[1:].isalnum() and ending.isascii()
    return (clean_name(Path(name).stem) or "clip") + (ending if is_usual else ".mp4")


def _keep(part: Path, folder: Path, name: str) -> Path:
    try:
        digest = _sha256(part)
        kept = folder / digest[:16] / name
        # One that is there already stays as it is: jobs know it by its times.
        if not kept.exists() or _sha256(kept) != digest:
            kept.parent.mkdir(parents=True, exist_ok=True)
            part.replace(kept)
    except OSError as error:
        raise disk_problem(error) from error
    return kept


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _sweep(folder: Path) -> None:
    with contextlib.suppress(OSError):
        for part in folder.glob("*.part*"):
            if time.time() - part.stat().st_mtime > ABANDONED_S:
                part.unlink()
