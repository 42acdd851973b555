"""Fitted clips, made once: kept by what they were made from and how, and shared by all who want the same one."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import shutil
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from klingstudio.domain.errors import InputRefused, Kind
from klingstudio.domain.job import Clip, SourceMark
from klingstudio.domain.media import FitPlan, Limits
from klingstudio.engine.tasks import TaskOwner
from klingstudio.media.probe import mark_source
from klingstudio.media.source_file import stat_source
from klingstudio.media.whole_file import PART_PREFIX, discard, new_part, writing
from klingstudio.media.worker import MediaWorker, OnProgress
from klingstudio.net.upload import disk_problem

MOST_BYTES = 2_000_000_000
"""What a new run of the program keeps of the clips of earlier ones."""

_RECIPE = 1
"""Counts up when the same plan begins to mean another clip."""
_SOURCES = "sources.json"
_SOURCES_KEPT = 500

_Seen = tuple[str, int, int]
"""Path, size in bytes and last change in nanoseconds: while they stay, so does the content."""


@dataclass(slots=True)
class _Run:
    """One worker and those who wait for it."""

    ended: asyncio.Future[Clip]
    listeners: list[OnProgress] = field(default_factory=list)

    def tell(self, done: float) -> None:
        for listener in tuple(self.listeners):
            listener(done)

    def fail(self, error: Exception) -> None:
        if not self.ended.done():
            self.ended.set_exception(error)


class Fits:
    """Makes clips fit, or finds that this was done already. The source is only read."""

    def __init__(self, folder: Path, media: MediaWorker) -> None:
        self._folder = folder
        self._media = media
        self._tasks = TaskOwner()
        self._runs: dict[str, _Run] = {}
        self._hashes: dict[_Seen, str] = {}
        self._shown: set[str] = set()

    def open(self, most_bytes: int = MOST_BYTES) -> None:
        """Go on where the last run of the program ended: forget what was used longest ago, and what was never finished."""
        self._hashes = self._read_hashes()
        with contextlib.suppress(OSError):
            self._sweep(most_bytes)

    async def aclose(self) -> None:
        """Stop what is being made."""
        await self._tasks.aclose()
        for run in self._runs.values():
            run.ended.cancel()

    def known(self, source: Path, plan: FitPlan, *, limits: Limits, keep_audio: bool) -> Path | None:
        """The clip if it is there already. Reads no video, so it may be asked at every change."""
        if plan.is_identity:
            return source
        try:
            digest = self._hashes.get(_seen(source))
        except InputRefused:
            return None
        if digest is None:
            return None
        name = _name(digest, plan, limits, keep_audio=keep_audio)
        kept = self._kept(name)
        if kept is not None and name not in self._shown:
            # Asked at every change, and written down once.
            self._shown.add(name)
            _touch(self._folder / f"{name}.json")
        return Path(kept.path) if kept else None

    async def fit(
        self,
        source: Path,
        plan: FitPlan,
        *,
        limits: Limits,
        keep_audio: bool,
        on_progress: OnProgress = lambda _: None,
        mark: SourceMark | None = None,
    ) -> Clip:
        """The clip that is sent. With an identity plan it is the source, and nothing is written.

        Args:
            mark: what the source was recognised by a moment ago, which saves reading it once more.

        Raises:
            InputRefused: the source cannot be decoded, not be made small enough, or was changed meanwhile.
            DiskProblem: the clip cannot be written.
        """
        if plan.is_identity:
            out = self._folder / "unused.mp4"
            return await self._media.fit(
                source, plan, limits=limits, keep_audio=keep_audio, out=out, on_progress=on_progress
            )
        digest = await self._sha256(source, mark)
        name = _name(digest, plan, limits, keep_audio=keep_audio)
        if kept := self._kept(name):
            _touch(self._folder / f"{name}.json")
            return kept
        run = self._runs.get(name)
        if run is None:
            run = self._runs[name] = _Run(asyncio.get_running_loop().create_future())
            making = self._make(name, run, source, plan, limits, keep_audio)
            self._tasks.start(name, making, on_error=run.fail)
        return await self._wait(name, run, on_progress)

    async def _wait(self, name: str, run: _Run, on_progress: OnProgress) -> Clip:
        run.listeners.append(on_progress)
        try:
            return await asyncio.shield(run.ended)
        finally:
            run.listeners.remove(on_progress)
            if not run.listeners and self._runs.get(name) is run:
                del self._runs[name]
                self._tasks.cancel(name)

    async def _make(self, name: str, run: _Run, source: Path, plan: FitPlan, limits: Limits, keep_audio: bool) -> None:
        before = _seen(source)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise disk_problem(error) from error
        out = self._folder / f"{name}.mp4"
        clip = await self._media.fit(source, plan, limits=limits, keep_audio=keep_audio, out=out, on_progress=run.tell)
        if _seen(source) != before:
            # It was made of something else than its name says.
            out.unlink(missing_ok=True)
            raise InputRefused(Kind.SOURCE_CHANGED, source.name, subject="source")
        changed_ns = out.stat().st_mtime_ns
        self._write(f"{name}.json", {"clip": asdict(clip), "changed_ns": changed_ns})
        if not run.ended.done():
            run.ended.set_result(clip)

    # ---------------------------------------------------------------------------------------------------- on the disk

    def _kept(self, name: str) -> Clip | None:
        """The clip of this name, if it is as it was left."""
        try:
            told = json.loads((self._folder / f"{name}.json").read_text(encoding="utf-8"))
            clip = replace(Clip(**told["clip"]), path=str(self._folder / f"{name}.mp4"))
            found = Path(clip.path).stat()
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return clip if (found.st_size, found.st_mtime_ns) == (clip.size_bytes, told["changed_ns"]) else None

    async def _sha256(self, source: Path, mark: SourceMark | None) -> str:
        seen = _seen(source)
        if mark is not None and (mark.size_bytes, mark.modified_ns) == seen[1:]:
            digest = mark.sha256
        elif seen in self._hashes:
            return self._hashes[seen]
        else:
            mark = await asyncio.to_thread(mark_source, source)
            seen, digest = (seen[0], mark.size_bytes, mark.modified_ns), mark.sha256
        if self._hashes.get(seen) != digest:
            self._hashes[seen] = digest
            self._write(_SOURCES, [[*key, value] for key, value in self._hashes.items()][-_SOURCES_KEPT:])
        return digest

    def _read_hashes(self) -> dict[_Seen, str]:
        try:
            rows = json.loads((self._folder / _SOURCES).read_text(encoding="utf-8"))
            return {(str(path), int(size), int(changed)): str(digest) for path, size, changed, digest in rows}
        except (OSError, ValueError, TypeError):
            return {}

    def _write(self, name: str, value: object) -> None:
        """Whole or not at all. What is only remembered may be lost: then it is made again."""
        out = self._folder / name
        part = out.with_name(f"{PART_PREFIX}{name}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps(value), encoding="utf-8")
            part.replace(out)
        except OSError:
            discard(part)

    def _sweep(self, most_bytes: int) -> None:
        names = {path.stem for path in self._folder.glob("*.json") if path.name != _SOURCES}
        for left in self._folder.iterdir():
            if left.name.startswith(PART_PREFIX) or (left.suffix == ".mp4" and left.stem not in names):
                left.unlink()
        room = most_bytes
        for told in sorted((self._folder / f"{name}.json" for name in names), key=_used_at, reverse=True):
            clip = told.with_suffix(".mp4")
            found = clip.stat() if clip.exists() else None
            room -= found.st_size if found else 0
            # A second name means that a job is about to send it: removing this one would win nothing.
            if found is None or (room < 0 and found.st_nlink == 1):
                told.unlink()
                clip.unlink(missing_ok=True)


def taken(clip: Clip, out: Path) -> Clip:
    """The same clip at a place of the caller's own, who may remove it there. The source itself is left where it is.

    Raises:
        OSError: it cannot be written.
    """
    if clip.is_source:
        return clip
    out.unlink(missing_ok=True)
    try:
        os.link(clip.path, out)
    except OSError:
        # Another disk, or one that knows no second names.
        part = new_part(out)
        with writing(part, out):
            shutil.copyfile(clip.path, part)
    return replace(clip, path=str(out))


def _name(digest: str, plan: FitPlan, limits: Limits, *, keep_audio: bool) -> str:
    """Everything that decides what the clip looks like, and nothing else: not the words for it, nor another limit."""
    matters: dict[str, Any] = {
        "recipe": _RECIPE,
        "source": digest,
        "start_s": plan.start_s,
        "end_s": plan.end_s,
        "size_px": (plan.width_px, plan.height_px),
        "picture_px": plan.picture_px,
        "fps": str(plan.fps),
        "keeps_picture": plan.keeps_picture,
        "keep_audio": keep_audio,
        "max_bytes": limits.clip_max_bytes,
    }
    return hashlib.sha256(json.dumps(matters, sort_keys=True).encode("ascii")).hexdigest()


def _seen(source: Path) -> _Seen:
    found = stat_source(source)
    return str(source), found.st_size, found.st_mtime_ns


def _used_at(told: Path) -> int:
    return told.stat().st_mtime_ns


def _touch(told: Path) -> None:
    with contextlib.suppress(OSError):
        os.utime(told)
