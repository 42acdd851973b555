"""From a source to uploaded files and a frozen body: everything before the one POST, all of it free and repeatable."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from klingstudio.domain.element import is_web_address
from klingstudio.domain.errors import InputRefused, Kind, StudioError, UnexpectedReply
from klingstudio.domain.job import Asset, AttemptState, Event, State
from klingstudio.domain.media import check_image_size
from klingstudio.engine.course import Course
from klingstudio.engine.fitting import taken
from klingstudio.engine.preflight import preflight
from klingstudio.media.digest import sha256_of
from klingstudio.media.probe import mark_source
from klingstudio.media.source_file import Stamp, stamp_of, stat_source
from klingstudio.net.source import served_bytes
from klingstudio.net.upload import disk_problem, file_size


async def prepare(course: Course) -> None:
    """Check the request and fit the source. What cannot be used leads back to a draft, at its place."""
    request, around = course.job.request, course.around
    source = Path(request.source)
    try:
        before = stamp_of(stat_source(source))
        checked = await preflight(request, media=around.media, accounts=around.accounts)
        mark = await asyncio.to_thread(mark_source, source)
        if stamp_of(stat_source(source)) != before:
            # What was measured is not what was hashed.
            raise InputRefused(Kind.SOURCE_CHANGING, source.name, subject="source")
        fitted = await around.fits.fit(
            source,
            checked.plan,
            limits=course.info.limits,
            keep_audio=request.keep_audio,
            on_progress=lambda fraction: course.tell(State.PREPARING, fraction),
            mark=mark,
        )
        around.work.mkdir(parents=True, exist_ok=True)
        # A name of the job's own, so that neither the end of the job nor that of the clip takes it from the other.
        clip = await asyncio.to_thread(taken, fitted, around.work / f"{course.job.id}.mp4")
    except StudioError as error:
        course.move(Event.INPUT_BAD, problem=error.problem)
    except OSError as error:
        course.move(Event.INPUT_BAD, problem=disk_problem(error).problem)
    else:
        estimate = checked.estimate or course.job.estimate
        if checked.host is not None and not course.info.hosts_files:
            # Frozen with the job, so that a later start hosts its files at the same place.
            request = replace(request, inputs_via=checked.host.id)
        changes = {"request": request, "clip": clip, "source_mark": mark, "estimate": estimate}
        course.move(Event.PREPARED, **changes, problem=None)


def source_is_unchanged(course: Course) -> bool:
    """False, and the job is a draft again, when the source or the fitted clip is not what was prepared."""
    mark, source = course.job.source_mark, Path(course.job.request.source)
    try:
        stat = stat_source(source)
        if mark is None or (stat.st_size, stat.st_mtime_ns) != (mark.size_bytes, mark.modified_ns):
            raise InputRefused(Kind.SOURCE_CHANGED, source.name, subject="source")
        clip = Path(course.clip.path)
        if not clip.exists() or clip.stat().st_size != course.clip.size_bytes:
            raise InputRefused(Kind.SOURCE_CHANGED, "the fitted clip was removed or cut", subject="source")
    except InputRefused as error:
        course.move(Event.SOURCE_CHANGED, problem=error.problem)
        return False
    return True


async def address_is_unchanged(course: Course) -> bool:
    """False, and the job is a draft again, when the person's own address no longer serves the clip to anybody.

    Raises:
        NetworkProblem: it cannot be asked.
        UnexpectedReply: its answer makes no sense.
    """
    if (url := course.own_address) is None:
        return True
    is_local = course.around.accounts.is_on_this_computer(course.job.request.provider)
    try:
        size_bytes = await course.around.accounts.repeat(lambda: served_bytes(url, allow_loopback=is_local))
        if size_bytes not in (None, course.clip.size_bytes):
            raise InputRefused(Kind.SOURCE_CHANGED, "its address serves another file now", subject="source")
    except InputRefused as error:
        course.move(Event.SOURCE_CHANGED, problem=error.problem)
        return False
    return True


async def begin_upload(course: Course) -> None:
    """Ask for the keys and the accounts before a large file is on its way."""
    if source_is_unchanged(course):
        await (await course.provider()).authorize()
        if course.job.request.uploads(is_source=course.clip.is_source):
            await (await course.host()).authorize()
        course.move(Event.UPLOAD)


async def upload(course: Course) -> None:
    """Host the clip and the pictures, and freeze the body that refers to them."""
    try:
        if not await address_is_unchanged(course):
            return
        provider = await course.provider()
        course.around.work.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=course.around.work, ignore_cleanup_errors=True) as pictures:
            files = await _files(course, Path(pictures))
            before = await asyncio.to_thread(_checked_clip, course)
            assets = await _upload_files(course, files)
            if await asyncio.to_thread(_stamp_of_clip, course) != before:
                raise InputRefused(Kind.SOURCE_CHANGED, "the clip changed while it was uploaded", subject="source")
        _must_be_new(course, assets[0].url)
        order = await provider.order(course.job.request, assets, course.clip)
    except InputRefused as error:
        course.move(Event.SOURCE_CHANGED, problem=error.problem)
    except StudioError as error:
        course.move(Event.UPLOAD_FAILED, problem=error.problem, paused=True)
    except OSError as error:
        course.move(Event.UPLOAD_FAILED, problem=disk_problem(error).problem, paused=True)
    else:
        if source_is_unchanged(course):
            course.move(Event.UPLOADED, assets=assets, order=order, problem=None)


def _stamp_of_clip(course: Course) -> Stamp | None:
    """By what a change of the clip is noticed; None where nothing of it is uploaded."""
    return None if course.own_address is not None else stamp_of(Path(course.clip.path).stat())


def _checked_clip(course: Course) -> Stamp | None:
    """The stamp of a clip that is, byte for byte, the one that was prepared.

    Raises:
        InputRefused: it is another one.
    """
    stamp = _stamp_of_clip(course)
    if stamp is not None and sha256_of(Path(course.clip.path)) != course.clip.sha256:
        raise InputRefused(Kind.SOURCE_CHANGED, "the clip is not what was prepared", subject="source")
    return stamp


def _must_be_new(course: Course, clip_url: str) -> None:
    """The address tells one request from another later, so a spent one cannot be sent again; nor uploaded for ever."""
    spent = {attempt.asset_url for attempt in course.attempts() if attempt.state is not AttemptState.NOT_SENT}
    if clip_url in spent and clip_url != course.own_address:
        raise UnexpectedReply("the upload got the address of an earlier one")


@dataclass(frozen=True, slots=True)
class _File:
    """One file of the request: to be uploaded from `path`, or already on the web where that is None."""

    subject: str
    place: str
    path: Path | None
    name: str
    size_bytes: int


async def _files(course: Course, pictures: Path) -> list[_File]:
    # A name of its own per upload: the clip's address is what tells this attempt from any other later.
    run = course.around.new_id()[:12]
    clip = Path(course.clip.path)
    ending = ".mov" if clip.suffix.lower() == ".mov" else ".mp4"
    files = [_File("source", str(clip), clip, f"{run}{ending}", await file_size(clip))]
    if course.own_address is not None:
        files = [_File("source", course.own_address, None, "", 0)]
    for number, (subject, place) in enumerate(course.job.request.pictures(), 1):
        if is_web_address(place):
            files.append(_File(subject, place, None, "", 0))
            continue
        out = pictures / f"{run}-{number}{Path(place).suffix.lower()}"
        try:
            clean = await course.around.media.clean_image(Path(place), out, course.info.limits.image_formats)
            size_bytes = await file_size(clean)
            check_image_size(size_bytes, course.info.limits, subject)
        except StudioError as error:
            raise error.about(subject) from None
        files.append(_File(subject, place, clean, f"{run}-{number}{clean.suffix.lower()}", size_bytes))
    return files


async def _upload_files(course: Course, files: Sequence[_File]) -> tuple[Asset, ...]:
    total = max(1, sum(file.size_bytes for file in files))
    before = 0
    assets = []
    host = await course.host() if any(file.path for file in files) else None
    for file in files:
        url, where, at = file.place, "", None
        if host is not None and file.path is not None:

            def on_progress(done: int, _of: int, before: int = before) -> None:
                course.tell(State.UPLOADING, (before + done) / total)

            # Taken before, so that it never seems to live longer than it does.
            at = course.around.now()
            url, where = await host.upload(file.path, file.name, on_progress), host.info.id
            before += file.size_bytes
        assets.append(Asset(subject=file.subject, url=url, place=file.place, host=where, uploaded_at=at))
    return tuple(assets)
