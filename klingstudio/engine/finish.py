"""From a result's link to a take under its final name: download, verify, name, keep. A `.part` until all of it is true."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

from klingstudio.domain.job import Job
from klingstudio.media.digest import sha256_of
from klingstudio.media.worker import MediaWorker
from klingstudio.net.api import tls
from klingstudio.net.download import Credentials, Download
from klingstudio.net.upload import disk_problem

OnFraction = Callable[[float | None], None]

NAME_MAX_BYTES = 120
LABEL_WORDS = 3
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)


class Finish:
    """The last part of one job's way."""

    def __init__(self, job: Job, *, takes: Path, media: MediaWorker, allow_loopback: bool) -> None:
        """`allow_loopback`: the result may be fetched from this computer, where the sandbox is."""
        self._job = job
        self._allow_loopback = allow_loopback
        self._media = media
        self._folder, self._name = _wanted(job, takes)
        self._part = self._folder / f"{job.id}.part"

    async def adopt(self) -> Path | None:
        """The take, if an earlier run had renamed it but could not commit any more."""
        job = self._job
        if job.planned_take is None or job.take_sha256 is None:
            return None
        planned = Path(job.planned_take)
        try:
            found = await asyncio.to_thread(sha256_of, planned)
        except OSError:
            return None
        if found != job.take_sha256:
            return None
        # The name is given before the `.part` loses its own.
        with contextlib.suppress(OSError):
            self.discard()
        return planned

    async def is_downloaded(self) -> bool:
        """True when the whole `.part` is there from an earlier run, so that a dead link does no harm."""
        return await asyncio.to_thread(lambda: Download.is_complete(self._part))

    async def download(self, url: str, on_fraction: OnFraction, credentials: Credentials) -> None:
        """Bring the `.part` to its full length. Raises as `Download.fetch`."""
        download = Download(self._part, tls=await tls(), allow_loopback=self._allow_loopback)
        await download.fetch(url, lambda done, total: on_fraction(done / total if total else None), credentials)

    async def verify(self, on_fraction: Callable[[float], None]) -> None:
        """Decode the whole `.part`.

        Raises:
            StudioError: `RESULT_DAMAGED`, or the worker failed.
        """
        await self._media.verify(self._part, on_fraction)

    async def plan_name(self) -> tuple[Path, str]:
        """A free final name, and the sha256 of what will stand there."""
        digest = await asyncio.to_thread(sha256_of, self._part)
        return await asyncio.to_thread(_free_name, self._folder, self._name), digest

    async def keep(self, planned: Path) -> bool:
        """Give the verified `.part` its final name; False, and nothing done, when another file has it by now.

        Raises:
            DiskProblem: the folder cannot be written.
        """
        try:
            return await asyncio.to_thread(_rename, self._part, planned)
        except OSError as error:
            raise disk_problem(error) from error

    def discard(self) -> None:
        """Remove what was fetched: it is not what was ordered."""
        Download.discard(self._part)


def _wanted(job: Job, takes: Path) -> tuple[Path, str]:
    out = Path(job.request.out) if job.request.out else takes
    if out.suffix.lower() == ".mp4" and not out.is_dir():
        return out.parent, out.name
    stem = clean_name(Path(job.request.source).stem) or "clip"
    words = re.findall(r"\w+", re.sub(r"@\w+", " ", job.request.prompt))[:LABEL_WORDS]
    label = clean_name("_".join(words).lower())
    return out, "_".join(part for part in (stem, label) if part) + "_v01.mp4"


def clean_name(text: str) -> str:
    """A part of a file name that every system accepts: no path, no reserved or invisible character, not too long."""
    kept = "".join(c for c in unicodedata.normalize("NFC", text) if c.isprintable() and c not in '<>:"/\\|?*')
    kept = kept.strip(" .-_")
    while len(kept.encode()) > NAME_MAX_BYTES // 2:
        kept = kept[:-1]
    return kept.rstrip(" .-_")


def _free_name(folder: Path, name: str) -> Path:
    place = folder / name
    numbered = re.fullmatch(r"(.*_v)(\d+)(\.mp4)", name)
    number = 1
    while place.exists():
        number += 1
        place = folder / (
            f"{numbered[1]}{number:02}{numbered[3]}" if numbered else f"{Path(name).stem} ({number}){Path(name).suffix}"
        )
    return place


def _rename(part: Path, planned: Path) -> bool:
    try:
        if os.name == "nt":
            part.rename(planned)
        else:
            # rename() would replace a file that appeared meanwhile; link() refuses.
            os.link(part, planned)
            part.unlink()
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # A file system without hard links (FAT): the check and the rename are two steps there.
        if planned.exists():
            return False
        part.rename(planned)
    if os.name != "nt":
        folder = os.open(planned.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    return True
