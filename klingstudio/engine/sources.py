"""A clip or picture at an https address: fetched once, without any key, and kept under its content's name.

It is kept because a take is looked at beside its source, and the address may be gone by then.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from klingstudio.domain.errors import InputRefused, Kind, NetworkProblem, ResultGone, UnexpectedReply
from klingstudio.engine.finish import clean_name
from klingstudio.media.digest import sha256_of
from klingstudio.media.heads import Content, content_of
from klingstudio.media.image_file import ENDINGS, sniff_image
from klingstudio.net.download import Download
from klingstudio.net.trust import tls
from klingstudio.net.upload import disk_problem

OnFraction = Callable[[float | None], None]
Repeat = Callable[[Callable[[], Awaitable[None]]], Awaitable[None]]
"""Calls until it succeeds, or for long enough."""

ABANDONED_S = 24 * 3600.0
"""A part that nobody has touched for this long is left of a program that ended."""


PICTURE_MAX_BYTES = 64 * 1024**2
"""What is said to be a picture and is larger is refused while it comes; a clip may be as long as a take."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file from the web, told by its content."""

    path: Path
    is_picture: bool


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


async def fetch_file(
    url: str, folder: Path, *, allow_loopback: bool, repeat: Repeat, on_fraction: OnFraction
) -> Fetched:
    """Fetch a picture or clip into `folder`: whichever its content is, whatever its address says.

    Args:
        allow_loopback: as for `fetch_source`.

    Raises:
        InputRefused: the address serves neither, or nothing any more, or cannot be reached.
        DiskProblem: the folder cannot be written.
    """
    await asyncio.to_thread(_sweep, folder)
    part = folder / f"{uuid.uuid4().hex}.part"
    heads: list[bytes] = []

    def looks_right(head: bytes) -> bool:
        heads.append(head[:512])
        return content_of(head) in (Content.PICTURE, Content.VIDEO)

    def on_bytes(done: int, total: int) -> None:
        if heads and sniff_image(heads[-1]) and max(done, total) > PICTURE_MAX_BYTES:
            raise UnexpectedReply(f"the picture has more than {PICTURE_MAX_BYTES // 1024**2} MB")
        on_fraction(done / total if total else None)

    download = Download(part, tls=await tls(), allow_loopback=allow_loopback, looks_right=looks_right)
    try:
        await repeat(lambda: download.fetch(url, on_bytes))
        picture = await asyncio.to_thread(_picture_format, part)
        name = _name(url) if picture is None else f"{_stem(url, 'picture')}{ENDINGS[picture]}"
        return Fetched(await asyncio.to_thread(_keep, part, folder, name), is_picture=picture is not None)
    except ResultGone as error:
        raise InputRefused(Kind.ADDRESS_USELESS, f"it answers {error.problem.detail}") from error
    except NetworkProblem as error:
        raise InputRefused(Kind.ADDRESS_UNREACHABLE, error.problem.detail) from error
    except UnexpectedReply as error:
        raise InputRefused(Kind.ADDRESS_USELESS, _why_useless(error, heads)) from error
    finally:
        with contextlib.suppress(OSError):
            Download.discard(part)


def _why_useless(error: UnexpectedReply, heads: list[bytes]) -> str:
    match content_of(heads[-1]) if heads else None:
        case Content.PAGE:
            return "what lies there is a page"
        case Content.OTHER_PICTURE:
            return "the picture that lies there is not JPEG, PNG or WebP"
        case Content.DOCUMENT | Content.UNKNOWN:
            return "what lies there is something else"
        case _:
            return error.problem.detail


def _picture_format(part: Path) -> str | None:
    with part.open("rb") as handle:
        return sniff_image(handle.read(12))


def _is_no_page(head: bytes) -> bool:
    # What kind of video it is, if any, is found out by looking into it; a log-in page or an error need not be kept.
    return head.lstrip()[:1] not in (b"<", b"{", b"[", b"")


def _name(url: str) -> str:
    ending = Path(unquote(urlsplit(url).path)).suffix.lower()
    is_usual = 2 <= len(ending) <= 5 and ending[1:].isalnum() and ending.isascii()
    return _stem(url, "clip") + (ending if is_usual else ".mp4")


def _stem(url: str, otherwise: str) -> str:
    return clean_name(Path(unquote(urlsplit(url).path)).stem) or otherwise


def _keep(part: Path, folder: Path, name: str) -> Path:
    try:
        digest = sha256_of(part)
        kept = folder / digest[:16] / name
        # One that is there already stays as it is: jobs know it by its times.
        if not kept.exists() or sha256_of(kept) != digest:
            kept.parent.mkdir(parents=True, exist_ok=True)
            part.replace(kept)
    except OSError as error:
        raise disk_problem(error) from error
    return kept


def _sweep(folder: Path) -> None:
    with contextlib.suppress(OSError):
        for part in folder.glob("*.part*"):
            if time.time() - part.stat().st_mtime > ABANDONED_S:
                part.unlink()
