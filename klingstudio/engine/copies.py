"""Removing the copies of the person's files that were uploaded for an edit, once no edit needs them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from klingstudio.domain.errors import InputRefused, Kind
from klingstudio.domain.job import QUIET, Asset, Job
from klingstudio.engine import reconcile
from klingstudio.engine.course import Course, Surroundings

LOST_AT_WORK = timedelta(days=1)
"""So long a request that got lost may still be at work with what was uploaded for it."""


async def delete(job: Job, courses: Collection[Course], around: Surroundings) -> int:
    """Remove every uploaded file of `job`; how many that were. Each is recorded as soon as it is gone.

    Raises:
        InputRefused: a job that has not ended uses them too, or one that got lost may; or the provider keeps what it has.
        StudioError: the provider did not do it.
    """
    there = _there(job)
    users = [course for course in courses if _there(course.job).keys() & there.keys()]
    if any(course.job.state not in QUIET or _may_be_at_work(course, around.now()) for course in users):
        raise InputRefused(Kind.COPIES_NEEDED)
    for host in (around.accounts.info(host_id) for host_id in sorted(set(there.values()))):
        if not host.can_delete:
            words = f"{host.title} cannot remove uploads. How long it keeps them: {host.upload_lifetime}"
            raise InputRefused(Kind.NOT_SUPPORTED, words)
    for url, host_id in there.items():
        await (await around.accounts.provider(host_id)).delete(url)
        for course in users:
            course.amend(
                assets=_without(course.job.assets, url),
                left_assets=_without(course.job.left_assets, url),
            )
    return len(there)


def _may_be_at_work(course: Course, now: datetime) -> bool:
    return any(now - attempt.intent_at < LOST_AT_WORK for attempt in reconcile.unanswered(course.attempts()))


def _there(job: Job) -> dict[str, str]:
    """Address of each upload that is still there, and the provider that has it."""
    assets = (*job.assets, *job.left_assets)
    return {asset.url: asset.host for asset in assets if asset.is_upload and not asset.is_deleted}


def _without(assets: Iterable[Asset], url: str) -> tuple[Asset, ...]:
    return tuple(replace(asset, is_deleted=asset.is_deleted or asset.url == url) for asset in assets)
