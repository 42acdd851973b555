"""What was spent and what may be: the limits, how they stand today and this month, and whether one more edit fits."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from klingstudio.domain.errors import Kind, Problem, StudioError
from klingstudio.ui.models.jobs import JobsModel
from klingstudio.ui.models.problems import Problems

if TYPE_CHECKING:
    from klingstudio.domain.budget import Balance, Cap
    from klingstudio.domain.price import Money
    from klingstudio.studio import Studio
    from klingstudio.ui.models.draft import DraftModel

PERIODS = ("day", "month")
"""By the value of each period."""

_MIDNIGHT_MORE_MS = 1000
"""So that the new day has begun for certain."""
_SOON_MS = 100
"""Many jobs that move at once are looked at together."""
_LOOK_MS = 600_000
"""A timer stands still while the computer sleeps, and clocks are set."""


class SpendingModel(QObject):
    """Asks the budget again whenever a job moves, a limit changes or a day begins."""

    changed = Signal()

    def __init__(self, jobs: JobsModel, problems: Problems, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._problems = problems
        self._studio: Studio | None = None
        self._balances: tuple[Balance, ...] = ()
        self._midnight = QTimer(self)
        self._midnight.setSingleShot(True)
        self._midnight.timeout.connect(self.refresh)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SOON_MS)
        self._soon.timeout.connect(self.refresh)
        jobs.added.connect(self.refresh)
        jobs.changed.connect(self._refresh_soon)

    # what stands now

    @property
    def balances(self) -> tuple[Balance, ...]:
        """Day and month of every currency that has a limit or that something was spent of."""
        return self._balances

    def today(self) -> tuple[Balance, ...]:
        """The days among the balances."""
        return tuple(one for one in self._balances if one.period.value == "day")

    def balance(self, currency: str, period: str) -> Balance | None:
        """One of them, by the value of its period."""
        found = (one for one in self._balances if one.booked.currency == currency and one.period.value == period)
        return next(found, None)

    @property
    def currencies(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Every currency that services ask for, with the titles of those that do."""
        infos = self._studio.providers if self._studio is not None else ()
        found: dict[str, tuple[str, ...]] = {}
        for info in infos:
            if info.key_variable is not None:
                found[info.currency] = (*found.get(info.currency, ()), info.title)
        return tuple(found.items())

    def cap(self, currency: str, period: str) -> Decimal | None:
        """The limit that the person set; None for none."""
        for cap in self._caps():
            if cap.currency == currency:
                return cap.day if period == "day" else cap.month
        return None

    @property
    def send_grace(self) -> bool:
        """Whether Generate can be taken back before it is sent."""
        return self._studio.settings.choices.send_grace if self._studio is not None else True

    def asks_about_price(self, draft: DraftModel) -> bool:
        """True where a limit is set and nobody knows the price, so that the limit cannot hold it back."""
        info = draft.provider
        if draft.price is not None or info is None or draft.is_free:
            return False
        return any(self.cap(info.currency, period) is not None for period in PERIODS)

    def full(self, draft: DraftModel) -> Balance | None:
        """The limit that has no room for the draft, the one that lasts longer first; None where all have."""
        info = draft.provider
        if info is None or draft.is_free or draft.source is None or draft.source.plan is None:
            return None
        currency = draft.price.rate.currency if draft.price is not None else info.currency
        stands = (self.balance(currency, period) for period in reversed(PERIODS))
        return next((one for one in stands if one is not None and not one.has_room(self.most(draft))), None)

    def most(self, draft: DraftModel) -> Decimal | None:
        """The most that pressing Generate may cost, all takes together; None where nobody knows."""
        plan = draft.source.plan if draft.source is not None else None
        if draft.price is None or plan is None:
            return None
        from klingstudio.ui.models import rules

        return rules.cap(draft.price, plan) * draft.takes

    def problem(self, draft: DraftModel) -> Problem | None:
        """Why the limit that `full` names refuses the draft."""
        full = self.full(draft)
        if full is None:
            return None
        from klingstudio.engine.budget import said

        return Problem(kind=Kind.OVER_BUDGET, detail=said(full, self.most(draft)), subject="budget")

    # wishes

    def attach(self, studio: Studio) -> None:
        """The studio is open: its jobs are known."""
        self._studio = studio
        self.refresh()

    def detach(self) -> None:
        """The studio is about to be closed: nothing is read any more."""
        self._studio = None
        self._soon.stop()
        self._midnight.stop()

    def set_cap(self, currency: str, period: str, amount: Decimal | None) -> None:
        """Set or lift a limit. What is under way goes on; it was let through before."""
        from klingstudio.domain.budget import Cap

        caps = {cap.currency: cap for cap in self._caps()}
        cap = caps.get(currency, Cap(currency=currency))
        caps[currency] = replace(cap, day=amount) if period == "day" else replace(cap, month=amount)
        self._update(caps=tuple(one for one in caps.values() if one.day is not None or one.month is not None))
        self.refresh()

    def set_send_grace(self, is_on: bool) -> None:
        self._update(send_grace=is_on)
        self.changed.emit()

    def refresh(self) -> None:
        """Read the balances again."""
        if self._studio is None:
            return
        try:
            balances = self._studio.budget.balances()
        except StudioError as error:
            self._problems.report("spending", error)
            return
        is_news, self._balances = balances != self._balances, balances
        self._wait_for_midnight()
        if is_news:
            self.changed.emit()

    def _refresh_soon(self) -> None:
        # Not started anew by each move: jobs that never rest would keep it waiting for ever.
        if not self._soon.isActive():
            self._soon.start()

    def _wait_for_midnight(self) -> None:
        day = next(iter(self.today()), None)
        if day is not None and self._studio is not None:
            left_s = (day.renews_at - self._studio.budget.now()).total_seconds()
            self._midnight.start(min(max(0, round(left_s * 1000)) + _MIDNIGHT_MORE_MS, _LOOK_MS))

    def _caps(self) -> tuple[Cap, ...]:
        return self._studio.settings.choices.caps if self._studio is not None else ()

    def _update(self, **choices: object) -> None:
        if self._studio is not None:
            try:
                self._studio.settings.update(**choices)
            except StudioError as error:
                self._problems.report("settings", error)


def brief(money: Money) -> str:
    """The amount without cents that are none: `$20`."""
    return str(money).removesuffix(".00")
