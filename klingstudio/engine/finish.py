"""From a result's link to a take under its final name: download, verify, name, keep. A `.part` until all of it is true."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import re
import shutil
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from klingstudio.disk import sync_folder
from klingstudio.domain.errors import Charged, DiskProblem, Kind, Problem, StudioError
from klingstudio.domain.job import QUIET, Job
from klingstudio.media.digest import sha256_of
from klingstudio.media.whole_file import new_part, writing
from klingstudio.media.worker import MediaWorker
from klingstudio.net.download import Credentials, Download
from klingstudio.net.trust import tls
from klingstudio.net.upload import disk_problem

log = logging.getLogger(__name__)

OnFraction = Callable[[float | None], None]

NAME_MAX_BYTES = 120
FILE_NAME_MAX_BYTES = 255
HELD_WAITS_S = (0.05, 0.1, 0.2, 0.4, 0.75, 1.0)
"""Pauses before a name is tried again that another program keeps from being given; then the `.part` stays."""
ORPHANED_S = 7 * 24 * 3600.0
LABEL_WORDS = 3
_PART_OF = re.compile(r"([0-9a-f]{32})\.part(?:\.json)?")
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)


class Finish:
    """The last part of one job's way.

    A take goes where the person wanted it. Where that folder cannot be written, it goes into the first of the program's
    own folders that can: it is paid for, and its link dies.
    """

    def __init__(self, job: Job, *, folders: Sequence[Path], media: MediaWorker, allow_loopback: bool) -> None:
        """
        Args:
            folders: the program's own, best first.
            allow_loopback: the result may be fetched from this computer, where the sandbox is.
        """
        self._job = job
        self._allow_loopback = allow_loopback
        self._media = media
        self._wanted, self._name = _wanted(job, folders[0])
        self._left = [folder for folder in folders if folder != self._wanted]
        """Folders that were not tried yet."""
        self._folder = self._wanted
        self._parts = [self._part]

    @property
    def _part(self) -> Path:
        return self._folder / f"{self._job.id}.part"

    def told_of(self, take: Path) -> Problem | None:
        """What the person has to know of a take that does not lie where it was wanted."""
        if take.parent == self._wanted:
            return None
        words = f"{self._wanted} could not be written, so it is in {take.parent}"
        return Problem(kind=Kind.TAKE_ELSEWHERE, detail=words, charged=Charged.YES)

    async def fall_back(self, why: DiskProblem) -> bool:
        """Go on in the next folder, with what has come so far; False where there is none, or none is needed."""
        # A full disk is the person's to make room on: nothing is wrong with the folder.
        if why.problem.kind is not Kind.DISK_UNWRITABLE or not self._left:
            return False
        before, self._folder = self._part, self._left.pop(0)
        self._parts.append(self._part)
        log.info("the take goes to another folder: %s", why.problem.detail)
        await asyncio.to_thread(_take_over, before, self._part)
        return True

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
        try:
            # Whoever named it may have ended before the name was on the disk.
            await asyncio.to_thread(sync_folder, planned.parent)
        except OSError as error:
            raise disk_problem(error) from error
        # The name is given before the `.part` loses its own.
        self.discard()
        return planned

    async def is_downloaded(self) -> bool:
        """True when the whole `.part` is there from an earlier run, so that a dead link does no harm."""
        return await asyncio.to_thread(self._finds_whole)

    def _finds_whole(self) -> bool:
        for folder in (self._folder, *self._left):
            with contextlib.suppress(OSError):
                if Download.is_complete(folder / f"{self._job.id}.part"):
                    self._folder = folder
                    self._parts.append(self._part)
                    return True
        return False

    async def download(self, url: str, on_fraction: OnFraction, credentials: Credentials) -> None:
        """Bring the `.part` to its full length. Raises as `Download.fetch`."""
        download = Download(self._part, tls=await tls(), allow_loopback=self._allow_loopback)
        try:
            await download.fetch(url, lambda done, total: on_fraction(done / total if total else None), credentials)
        except OSError as error:
            raise disk_problem(error) from error

    async def verify(self, on_fraction: Callable[[float], None]) -> None:
        """Decode the whole `.part`.

        Raises:
            StudioError: `RESULT_DAMAGED`, or the worker failed.
        """
        await self._media.verify(self._part, on_fraction)

    async def plan_name(self) -> tuple[Path, str]:
        """A free final name, and the sha256 of what will stand there.

        Raises:
            DiskProblem: the folder cannot be read.
        """
        try:
            digest = await asyncio.to_thread(sha256_of, self._part)
            return await asyncio.to_thread(_free_name, self._folder, self._name), digest
        except OSError as error:
            raise disk_problem(error) from error

    async def keep(self, planned: Path) -> bool:
        """Give the verified `.part` its final name; False, and nothing done, when another file has it by now.

        Raises:
            DiskProblem: the folder cannot be written.
        """
        for wait_s in (*HELD_WAITS_S, None):
            try:
                return await asyncio.to_thread(_rename, self._part, planned)
            except OSError as error:
                if wait_s is None or not _is_held(error):
                    raise disk_problem(error) from error
                await asyncio.sleep(wait_s)
        raise AssertionError

    async def set_aside(self, folder: Path) -> Path | None:
        """Keep what came as it is, one file for each job, in place of an earlier one; None where it cannot be kept."""
        place = folder / f"{self._name.removesuffix('_v01.mp4').removesuffix('.mp4')}_{self._job.id[:8]}.mp4"
        try:
            await asyncio.to_thread(_set_aside, self._part, place)
        except OSError as error:
            log.info("what came could not be kept: %s", error.strerror)
            return None
        return place

    def discard(self) -> None:
        """Remove what was fetched: it is not what was ordered, or it has its name. What stays, the next start sweeps."""
        for part in self._parts:
            with contextlib.suppress(OSError):
                Download.discard(part)


def _set_aside(part: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.move(part, place)


async def is_take(job: Job, place: Path) -> bool:
    """True for a file with the content of the job's take.

    Raises:
        DiskProblem: it cannot be read.
    """
    try:
        return await asyncio.to_thread(sha256_of, place) == job.take_sha256
    except OSError as error:
        raise disk_problem(error) from error


def sweep(folder: Path, jobs: Iterable[Job], now_s: float) -> None:
    """Remove parts that nobody will go on with: those of jobs that have ended, and old ones of jobs nobody knows."""
    states = {job.id: job.state for job in jobs}
    with contextlib.suppress(OSError):
        for found in tuple(folder.glob("*.part*")):
            if not (owner := _PART_OF.fullmatch(found.name)):
                continue
            state = states.get(owner[1])
            with contextlib.suppress(OSError):
                if state in QUIET or (state is None and now_s - found.stat().st_mtime > ORPHANED_S):
                    found.unlink()


def _take_over(before: Path, part: Path) -> None:
    """What was fetched whole moves on; the rest of one that was not cannot be relied on."""
    with contextlib.suppress(OSError, StudioError):
        if Download.is_complete(before):
            part.parent.mkdir(parents=True, exist_ok=True)
            copy = new_part(part)
            with writing(copy, part):
                shutil.copyfile(before, copy)
    with contextlib.suppress(OSError):
        Download.discard(before)


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
    return _shortened(kept.strip(" .-_"), NAME_MAX_BYTES // 2).rstrip(" .-_")


def _free_name(folder: Path, name: str) -> Path:
    place = folder / name
    numbered = re.fullmatch(r"(.*_v)(\d+)(\.mp4)", name)
    number = 1
    while place.exists():
        number += 1
        if numbered:
            place = folder / f"{numbered[1]}{number:02}{numbered[3]}"
        else:
            ending = f" ({number}){Path(name).suffix}"
            place = folder / f"{_shortened(Path(name).stem, FILE_NAME_MAX_BYTES - len(ending))}{ending}"
    return place


def _shortened(text: str, most_bytes: int) -> str:
    while len(text.encode()) > most_bytes:
        text = text[:-1]
    return text


def _rename(part: Path, planned: Path) -> bool:
    try:
        if os.name == "nt":
            part.rename(planned)
        else:
            # rename() would replace a file that appeared meanwhile; link() refuses.
            os.link(part, planned)
            with contextlib.suppress(OSError):
                # It has its name. What stays of the other one is swept at the next start.
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
    sync_folder(planned.parent)
    return True


def _is_held(error: OSError) -> bool:
    """True while another program, mostly one that looks for viruses, has the new file open: Windows waits for that."""
    return getattr(error, "winerror", None) in (5, 32, 33)
