"""The one paid POST: recorded before it leaves, sent once, and its outcome recorded as what it is.

Once bytes may have left, nothing here sends again. READY is reached again only when the transport proved that
nothing left, or by the person's approval, which the database spends with the attempt.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from klingstudio.domain.errors import (
    Charged,
    DiskProblem,
    KeyProblem,
    Kind,
    NetworkProblem,
    Problem,
    ProviderRefused,
    SpendingRefused,
    StudioError,
)
from klingstudio.domain.job import Approval, Attempt, AttemptState, Event, Order
from klingstudio.domain.price import Money
from klingstudio.engine import reconcile
from klingstudio.engine.course import Course
from klingstudio.engine.follow import find
from klingstudio.engine.preflight import check_price
from klingstudio.engine.prepare import address_is_unchanged, source_is_unchanged
from klingstudio.providers.base import Provider

log = logging.getLogger(__name__)

NOT_SENT_MOST = 3
"""How often a request that did not leave is tried again before the person is asked."""
NOT_SENT_REST_S = 2.0
DISK_RESERVE_BYTES = 200_000_000
JOURNAL_RESERVE_BYTES = 16_000_000
"""Left on the disk of the journal before anything is paid: it has to hold what comes of it."""
INPUTS_NEEDED = timedelta(hours=1)
"""So long an edit may wait at the provider before it loads its inputs."""


async def submit(course: Course) -> None:
    """Send the frozen body, if everything that can be checked before paying is as it should be."""
    if course.job.cancel_requested_at is not None:
        # Asked for while a request was out that then did not leave.
        course.move(Event.STOP, problem=Problem(kind=Kind.STOPPED))
        return
    attempts = course.attempts()
    asset_url = course.job.assets[0].url
    is_spent = any(a.asset_url == asset_url and a.state is not AttemptState.NOT_SENT for a in attempts)
    if is_spent and asset_url != course.own_address:
        # The address identifies one attempt, so another attempt needs another address. The person's own stays the same.
        course.move(Event.ASSET_EXPIRED)
        return
    if _inputs_are_about_to_go(course):
        # The edit would be paid for, and find nothing there.
        course.move(Event.ASSET_EXPIRED)
        return
    if course.unsent >= NOT_SENT_MOST:
        course.unsent = 0
        course.pause(course.job.problem or Problem(kind=Kind.NETWORK_DOWN))
        return
    if not source_is_unchanged(course) or not await address_is_unchanged(course):
        return
    price = await check_price(course.job.request, course.clip.duration_s, course.around.accounts)
    approval = course.around.store.unspent_approval(course.job.id)
    _check_approval(course, approval, price)
    _raise_estimate(course, price)
    _check_free_space(course.around.takes, 2 * course.clip.size_bytes + DISK_RESERVE_BYTES)
    if course.around.refuge is not None:
        _check_free_space(course.around.refuge, JOURNAL_RESERVE_BYTES)
    provider = await course.provider()
    account = await provider.authorize()

    order = course.job.order
    if order is None:
        course.move(Event.ASSET_EXPIRED)
        return
    if await _turned_up(course):
        return
    # After the last wait, so that nothing else can be booked between this and the intent.
    course.around.budget.admit(course.job)
    attempt = Attempt(
        id=course.around.new_id(),
        job_id=course.job.id,
        provider=course.job.request.provider,
        account=account.fingerprint,
        state=AttemptState.INTENT,
        asset_url=asset_url,
        body_sha256=hashlib.sha256(order.body.encode()).hexdigest(),
        intent_at=course.around.now(),
        approval_id=approval.id if approval else None,
    )
    course.answered.clear()
    try:
        course.replace(course.around.store.intend(course.job, attempt, course.around.now()))
        await _send(course, provider, attempt, order)
    finally:
        course.answered.set()


def _inputs_are_about_to_go(course: Course) -> bool:
    now = course.around.now()
    for asset in course.job.assets:
        if asset.is_upload and asset.uploaded_at is not None:
            live_s = course.around.accounts.info(asset.host).inputs_live_s
            # Uploaded in the future: the clock was set back, and nobody knows how long ago that was.
            was_set_back = asset.uploaded_at > now + reconcile.CLOCK_SLACK
            if live_s is not None and (
                was_set_back or now + INPUTS_NEEDED >= asset.uploaded_at + timedelta(seconds=live_s)
            ):
                return True
    return False


def _check_approval(course: Course, approval: Approval | None, price: Money | None) -> None:
    """What the person agreed to pay once more is not exceeded; an unknown price was agreed to as such."""
    if approval is None or price is None or not approval.cap_cents:
        return
    cap = Money(Decimal(approval.cap_cents) / 100, price.currency)
    if price.amount > cap.amount:
        # The next approval is about this price.
        course.amend(estimate=price)
        raise SpendingRefused(Kind.OVER_APPROVAL, f"{price}; what was approved is {cap}")


def _raise_estimate(course: Course, price: Money | None) -> None:
    """What is reserved is never less than what the provider asks now."""
    if price is None:
        return
    estimate = course.job.estimate
    if estimate is None or estimate.currency != price.currency or estimate.amount < price.amount:
        course.amend(estimate=price)


async def _turned_up(course: Course) -> bool:
    """True, and nothing may be sent, when an older request of the job is in the provider's list after all."""
    try:
        return bool(reconcile.unanswered(course.attempts())) and await find(course)
    except StudioError as error:
        # The person's answer was "send again", given without this look.
        log.info("could not look once more: %s", error.problem.kind)
        return False


async def _send(course: Course, provider: Provider, attempt: Attempt, order: Order) -> None:
    try:
        receipt = await provider.submit(order)
    except NetworkProblem as error:
        course.unsent += 1
        course.settle(attempt, AttemptState.NOT_SENT, Event.NOT_SENT, problem=error.problem)
        course.answered.set()
        await course.rest(error.retry_after_s or NOT_SENT_REST_S)
    except (ProviderRefused, KeyProblem) as error:
        course.settle(attempt, AttemptState.REJECTED, Event.REJECTED, problem=error.problem)
    except StudioError as error:
        _unknown(course, attempt, error.problem)
    except Exception as error:
        # A bug between the first byte and the id must not look like "not sent".
        _unknown(course, attempt, Problem(kind=Kind.SUBMIT_UNCONFIRMED, detail=type(error).__name__))
        raise
    else:
        # Said before it is stored: on a full disk this line may be all there is.
        log.info("accepted as %s", ", ".join(receipt.ids))
        course.accept(
            attempt,
            Event.ACCEPTED,
            receipt.ids,
            remote_links=receipt.links,
            charge=receipt.charge,
            balance=receipt.balance,
            result_expires_at=receipt.expires_at,
            problem=None,
        )
        if receipt.charge is not None:
            course.around.ledger.record(course.job.id, attempt.provider, receipt.charge, course.around.now())


def _unknown(course: Course, attempt: Attempt, why: Problem) -> None:
    problem = replace(why, kind=Kind.SUBMIT_UNCONFIRMED, subject="", charged=Charged.MAYBE)
    course.settle(attempt, AttemptState.UNKNOWN, Event.AMBIGUOUS, problem=problem, looks=0)


def _check_free_space(folder: Path, needed: int) -> None:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DiskProblem(Kind.DISK_FULL, f"{needed / 1e6:.0f} MB needed, {free / 1e6:.0f} MB free in {folder}")
