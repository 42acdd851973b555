"""The person's limits on spending, held against everything that was ever recorded to be paid for.

What an edit takes is read from the journal each time, so that neither a crash nor a second request can get past it:

- not sent yet: the most it may cost, of the present day; while it waits for the person, of the day it came to rest;
- sent, and the outcome or the charge not known: the same, of the day it was sent, for every request of it;
- done: what was charged, else the estimate where the provider does not tell;
- refused, stopped before it was sent, or ended without a charge: nothing.

An edit whose price nobody knows cannot be counted. Where its currency has a limit it needs the person's agreement
(`accepts_unknown_price`), and something of the limit must be left. The free sandbox is never counted and never refused.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Protocol

from klingstudio.domain.budget import Balance, Booking, Cap, Period, balance, begins, cap_of, refusal
from klingstudio.domain.errors import Charged, Kind, SpendingRefused
from klingstudio.domain.job import QUIET, UNSENT, Attempt, AttemptState, Job, State
from klingstudio.domain.price import Money
from klingstudio.providers.base import ProviderInfo

_REFUSED_MONEY = frozenset({Kind.OVER_BUDGET, Kind.OVER_MAX_COST, Kind.OVER_APPROVAL, Kind.PRICE_UNKNOWN})
"""A job that rests because of one of these would not be sent as it is, so it keeps nothing from the others."""
_DONE = frozenset({State.SUCCEEDED, State.DOWNLOADING, State.VERIFYING, State.RESULT_UNAVAILABLE, State.COMPLETED})


class Requests(Protocol):
    """The journal's side of the budget."""

    def attempts_since(self, since: datetime) -> Sequence[Attempt]:
        """Every paid request at or after `since` (UTC)."""


class Charges(Protocol):
    """The ledger's side of it."""

    def charges_since(self, start: datetime) -> Mapping[str, Money]:
        """What each job was charged, by its id, as far as that was told at or after `start` (UTC)."""


class LocalZone(tzinfo):
    """The zone of this computer, with its summer time, for any day."""

    def utcoffset(self, dt: datetime | None) -> timedelta | None:
        return None if dt is None else dt.replace(tzinfo=None).astimezone().utcoffset()

    def dst(self, _dt: datetime | None) -> timedelta | None:
        return None

    def tzname(self, dt: datetime | None) -> str | None:
        return None if dt is None else dt.replace(tzinfo=None).astimezone().tzname()

    def fromutc(self, dt: datetime) -> datetime:
        here = dt.replace(tzinfo=UTC).astimezone()
        return here.replace(tzinfo=self)


class Budget:
    """Says yes or no to spending. Knows of every job what the queue tells it."""

    def __init__(
        self,
        store: Requests,
        ledger: Charges,
        *,
        info: Callable[[str], ProviderInfo | None],
        caps: Callable[[], Sequence[Cap]],
        now: Callable[[], datetime],
        zone: tzinfo | None = None,
    ) -> None:
        """`info`: None for a provider that this program does not know."""
        self._store = store
        self._ledger = ledger
        self._info = info
        self._caps = caps
        self.now = now
        self._zone = zone or LocalZone()
        self._jobs: dict[str, Job] = {}

    def note(self, job: Job) -> None:
        """A job as it stands now."""
        self._jobs[job.id] = job

    def admit(self, *jobs: Job) -> None:
        """Refuse to send these, all of them or none, where a limit has no room for the most they may cost.

        Raises:
            SpendingRefused: `OVER_BUDGET`, or `PRICE_UNKNOWN` without the person's agreement.
        """
        paid = [job for job in jobs if not self._is_free(job.request.provider)]
        bookings = self.bookings(without=frozenset(job.id for job in jobs))
        for currency in dict.fromkeys(self._most(job).currency for job in paid):
            mine = [job for job in paid if self._most(job).currency == currency]
            amounts = [self._most(job).amount for job in mine]
            if None in amounts:
                self._check_agreement(currency, [job for job in mine if self._most(job).amount is None])
            known = [amount for amount in amounts if amount is not None]
            self._check(sum(known, Decimal(0)) if known else None, currency, bookings)

    def is_limited(self, provider_id: str) -> bool:
        """True where something holds spending at this provider back."""
        if self._is_free(provider_id):
            return False
        cap = cap_of(self._caps(), self._currency(provider_id))
        return cap.day is not None or cap.month is not None

    def balances(self) -> tuple[Balance, ...]:
        """Day and month of every currency that has a limit or that something was spent of, in the order of the limits."""
        now, caps, bookings = self.now(), self._caps(), self.bookings()
        currencies = dict.fromkeys([*(cap.currency for cap in caps), *(one.currency for one in bookings)])
        return tuple(
            balance(period, currency, bookings=bookings, caps=caps, now=now, zone=self._zone)
            for currency in currencies
            for period in Period
        )

    def bookings(self, *, without: frozenset[str] = frozenset()) -> tuple[Booking, ...]:
        """Everything that counts in the present month. `without`: leave out what these jobs have reserved unsent."""
        now = self.now()
        since = begins(Period.MONTH, now, self._zone).astimezone(UTC)
        charges = self._ledger.charges_since(since)
        posts: defaultdict[str, list[Attempt]] = defaultdict(list)
        shown: Counter[_Post] = Counter()
        for attempt in self._store.attempts_since(since):
            posts[attempt.job_id].append(attempt)
            shown[_post(attempt)] += attempt.remote_id is not None
        found: list[Booking] = []
        for job in self._jobs.values():
            if self._is_free(job.request.provider):
                continue
            if job.id not in without:
                found += self._unsent(job, now)
            for attempt in posts.get(job.id, ()):
                found += self._sent(job, attempt, charges.get(job.id), shown[_post(attempt)])
        return tuple(found)

    # ----------------------------------------------------------------------------------------------------------- inside

    def _check(self, amount: Decimal | None, currency: str, bookings: Sequence[Booking]) -> None:
        now = self.now()
        full = refusal(amount, currency, bookings=bookings, caps=self._caps(), now=now, zone=self._zone)
        if full is not None:
            raise SpendingRefused(Kind.OVER_BUDGET, said(full, amount))

    def _check_agreement(self, currency: str, jobs: Sequence[Job]) -> None:
        cap = cap_of(self._caps(), currency)
        is_limited = cap.day is not None or cap.month is not None
        if is_limited and not all(job.request.accepts_unknown_price for job in jobs):
            raise SpendingRefused(Kind.PRICE_UNKNOWN, "your limit cannot hold it back")

    def _unsent(self, job: Job, now: datetime) -> Iterator[Booking]:
        if job.state not in UNSENT:
            return
        if job.is_active:
            yield self._reserved(job, now)
        elif _waits(job):
            yield self._reserved(job, job.updated_at)

    def _sent(self, job: Job, attempt: Attempt, charge: Money | None, shown: int) -> Iterator[Booking]:
        """What one request takes. `shown`: how many of its takes are known."""
        at = attempt.intent_at
        match attempt.state:
            case AttemptState.INTENT | AttemptState.UNKNOWN | AttemptState.WAIVED:
                yield self._reserved(job, at)
            case AttemptState.ACCEPTED:
                missing = job.request.takes - shown
                if missing > 0 and job.ordered_with is None and job.state not in QUIET:
                    # Ordered, and not in the provider's answer yet.
                    yield self._reserved(job, at, missing)
                if attempt.remote_id is not None:
                    yield from self._taken(job, at, charge or job.charge)
            case _:
                # Nothing left, or it was refused.
                return

    def _taken(self, job: Job, at: datetime, charge: Money | None) -> Iterator[Booking]:
        """What the job's own take takes."""
        if charge is not None:
            yield Booking(currency=charge.currency, amount=charge.amount, at=at, is_reserved=False)
        elif job.state in _DONE and job.estimate is not None:
            yield Booking(currency=job.estimate.currency, amount=job.estimate.amount, at=at, is_reserved=False)
        elif job.problem is None or job.problem.charged is not Charged.NO or job.state not in QUIET:
            yield self._reserved(job, at, 1)

    def _reserved(self, job: Job, at: datetime, takes: int | None = None) -> Booking:
        most = self._most(job, takes)
        return Booking(currency=most.currency, amount=most.amount, at=at, is_reserved=True)

    def _most(self, job: Job, takes: int | None = None) -> Booking:
        """The most that so many takes of one request of the job may cost; without a number all of them."""
        currency = job.estimate.currency if job.estimate is not None else self._currency(job.request.provider)
        ordered = job.request.takes
        takes = takes or ordered
        # From the answer on the estimate is that of the job's own take; the cap stays that of the request.
        estimated = ordered if job.remote_id is None else 1
        cap = None if job.request.max_cost is None else job.request.max_cost * takes / ordered
        estimate = None if job.estimate is None else job.estimate.amount * takes / estimated
        known = [amount for amount in (cap, estimate) if amount is not None]
        return Booking(currency=currency, amount=max(known, default=None), at=job.created_at, is_reserved=True)

    def _is_free(self, provider_id: str) -> bool:
        info = self._info(provider_id)
        return info is not None and info.key_variable is None

    def _currency(self, provider_id: str) -> str:
        info = self._info(provider_id)
        return info.currency if info is not None else ""


_Post = tuple[str, str, datetime]


def _post(attempt: Attempt) -> _Post:
    """Tells one paid request from any other: each take of it has an attempt of its own."""
    return attempt.provider, attempt.asset_url, attempt.intent_at


def _waits(job: Job) -> bool:
    """True for a job that was interrupted and goes on when the person says so."""
    kind = job.problem.kind if job.problem is not None else None
    if job.state is State.DRAFT:
        return kind is Kind.INTERRUPTED
    return kind not in _REFUSED_MONEY


def said(full: Balance, amount: Decimal | None) -> str:
    """Why a limit has no room, and until when: the part of the sentence that varies."""
    limit = full.limit or full.booked
    which = "today" if full.period is Period.DAY else "this month"
    held = f", {full.reserved} of it reserved until it is known what was charged" if full.reserved.amount else ""
    this = "has no known price" if amount is None else f"may cost {Money(amount, limit.currency)}"
    words = f"{which} {full.booked} of {limit} is booked{held}, and this {this}"
    if amount is not None and amount > limit.amount:
        return f"{words}, more than the whole limit"
    return f"{words}; the next {full.period} begins {when_it_renews(full)}"


def when_it_renews(full: Balance) -> str:
    """When the next day or month begins, in words."""
    return "at midnight" if full.period is Period.DAY else f"on {full.renews_at.day} {full.renews_at:%B}"
