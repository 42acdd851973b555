"""What a card says about a job. Pure: the same job gives the same words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from klingstudio.domain.errors import TRIED_AS_IT_IS, Charged, Kind, Problem
from klingstudio.domain.job import ATTENTION, QUIET, UNSENT, CancelAnswer, Job, Progress, State
from klingstudio.ui import text


class Act(StrEnum):
    """What can be done with a job, as the button says it."""

    CANCEL = "Cancel"
    CONTINUE = "Continue"
    STOP = "Stop"
    LOOK_AGAIN = "Look again"
    FOUND = "I found it…"
    SEND_AGAIN = "Send again…"
    DROP = "Drop…"
    TRY_AGAIN = "Try again"
    FETCH_AGAIN = "Fetch again"
    RUN_AGAIN = "Edit and run again"
    ADD_KEY = "Add key…"
    ACCOUNT_PAGE = "Open account page"
    PLAY = "Show beside the source"
    COMPARE = "Compare with the shown take"
    SHOW_IN_FOLDER = "Show in folder"
    LOCATE = "Find it…"
    COPY_PROMPT = "Copy prompt"
    COPY_DETAILS = "Copy details"
    DELETE_COPIES = "Delete uploaded copies…"


@dataclass(frozen=True, slots=True, kw_only=True)
class CardWords:
    """Everything a card shows."""

    name: str
    where: str
    tone: str
    """Token of the state line: secondary, good, warning, bad, faint."""
    icon: str
    """Icon of the state line; empty for none."""
    state: str
    detail: str = ""
    """One more sentence, for what needs the person."""
    note: str = ""
    """The provider's own words about a running edit, on one line however long they are."""
    foot: str = ""
    tip: str = ""
    """What else is known, for who asks."""
    is_moving: bool = False
    """True: a progress line is shown."""
    acts: tuple[Act, ...] = ()

    @property
    def spoken(self) -> str:
        """The whole card as one line, for a screen reader."""
        said = (self.name, self.where, self.state, self.note, self.detail, self.foot, self.tip)
        return ", ".join(part for part in said if part)


def clock(seconds: float) -> str:
    """`1:42`."""
    whole = int(seconds)
    return f"{whole // 60}:{whole % 60:02}"


def when(at: datetime, now: datetime) -> str:
    """`14:31` today, `20 Nov 14:31` before."""
    here, today = at.astimezone(), now.astimezone()
    return f"{here:%H:%M}" if here.date() == today.date() else f"{here.day} {here:%b %H:%M}"


def money(job: Job, *, is_free: bool) -> str:
    """What it did or will cost; empty where nothing is known."""
    if is_free:
        return "free"
    if job.charge is not None:
        return str(job.charge)
    return f"about {job.estimate}" if job.estimate is not None else ""


def balance(job: Job) -> str:
    """What the account had left after the order; empty where the provider does not tell."""
    return f"{job.balance} left after this order" if job.balance is not None else ""


def link_until(job: Job, now: datetime) -> str:
    """How long the finished video can still be fetched; empty once it is here, or where that is not known."""
    if job.result_expires_at is None or job.take is not None:
        return ""
    return f"link until {when(job.result_expires_at, now)}" if job.result_expires_at > now else "link expired"


def card_words(
    job: Job,
    *,
    number: int,
    provider: str,
    is_free: bool,
    progress: Progress | None,
    elapsed_s: float,
    now: datetime,
    is_offline: bool = False,
) -> CardWords:
    """The words of one card. `is_offline`: its take is not where it was."""
    several = f" · {job.request.takes} takes" if job.request.takes > 1 and job.state in UNSENT else ""
    name, where = f"v{number:02}", f"{provider} · {job.request.tier.value.capitalize()}{several}"
    cost, at = money(job, is_free=is_free), when(job.created_at, now)

    def words(tone: str, icon: str, state: str, *acts: Act, detail: str = "", foot: str = "") -> CardWords:
        return CardWords(
            name=name,
            where=where,
            tone=tone,
            icon=icon,
            state=state,
            detail=detail,
            foot=foot,
            tip=balance(job),
            acts=acts,
        )

    if job.problem is not None and job.problem.kind is Kind.JOB_UNREADABLE:
        # Nothing of it is known but that it is there, so there is nothing that could be done with it.
        sentence = text.sentence(job.problem)
        return words("warning", "triangle-alert", sentence.title, detail=sentence.hint, foot=text.charged(job.problem))
    if job.state in ATTENTION:
        return words(
            "warning",
            "triangle-alert",
            text.sentence(job.problem or _lost(job.state)).title,
            *(*_key_acts(job.problem or _lost(job.state)), *_attention_acts(job.state)),
            detail=_what_was_sent(job, provider, cost, at),
        )
    if job.paused:
        problem = job.problem or Problem(kind=Kind.INTERRUPTED)
        sentence = text.sentence(problem)
        return words(
            "warning",
            "pause",
            sentence.title,
            *_paused_acts(job, problem),
            detail=sentence.hint,
            foot=" · ".join(part for part in (_money_foot(job, problem, at), link_until(job, now)) if part),
        )
    if job.state not in QUIET:
        return _moving(job, name, where, progress, elapsed_s, _running_foot(job, cost, now))
    if job.state is State.COMPLETED:
        length = f" · {job.clip.duration_s:.1f} s" if job.clip else ""
        late = "cancelled too late" if job.cancel_requested_at is not None else ""
        foot = " · ".join(part for part in (cost, late, at) if part)
        if is_offline:
            return words("warning", "search", "Offline", Act.LOCATE, detail=text.offline(job.take or ""), foot=foot)
        detail = text.passage(job.problem) if job.problem is not None else ""
        return words("good", "circle-check", f"checked{length}", detail=detail, foot=foot)
    return _ended(job, words, at)


_GOES_ON = frozenset({CancelAnswer.IMPOSSIBLE, CancelAnswer.TOO_LATE})
"""After these a cancel changed nothing."""


def _running_foot(job: Job, cost: str, now: datetime) -> str:
    paid = f"charged {cost}" if job.charge is not None and cost != "free" else cost
    return " · ".join(part for part in (paid, link_until(job, now)) if part)


def _moving(job: Job, name: str, where: str, progress: Progress | None, elapsed_s: float, foot: str) -> CardWords:
    phase = text.phase(job.state).capitalize()
    if job.cancel_requested_at is not None and job.cancel_answer not in _GOES_ON:
        phase = "Cancelling"
    measured = progress is not None and progress.fraction is not None and job.state is not State.REMOTE
    how_far = (
        f"{progress.fraction:.0%}" if measured and progress and progress.fraction is not None else clock(elapsed_s)
    )
    acts = () if job.cancel_requested_at is not None or _is_home(job.state) else (Act.CANCEL,)
    is_remote = job.state is State.REMOTE
    return CardWords(
        name=name,
        where=where,
        tone="secondary",
        icon="",
        state=f"{phase} · {how_far}",
        detail=text.cancel_answer(job.cancel_answer) if is_remote and job.cancel_answer else "",
        note=_said(job.remote_status) if is_remote else "",
        foot=foot,
        tip=balance(job),
        is_moving=True,
        acts=acts,
    )


def _said(status: str) -> str:
    """What the provider says of an edit, its status word written as a person would: `In queue · 3 before it`."""
    word, dot, rest = status.partition(" · ")
    if word.replace("_", "").isalpha():
        word = word.replace("_", " ").capitalize()
    return f"{word}{dot}{rest}"


def _is_home(state: State) -> bool:
    """True once the edit is paid for and only has to be fetched: there is nothing left to cancel."""
    return state in {State.SUCCEEDED, State.DOWNLOADING, State.VERIFYING}


def _ended(job: Job, words: object, at: str) -> CardWords:
    assert callable(words)
    problem = job.problem or Problem(
        kind={
            State.REJECTED: Kind.REQUEST_REJECTED,
            State.REMOTE_FAILED: Kind.EDIT_FAILED,
            State.REMOTE_CANCELLED: Kind.EDIT_CANCELLED,
        }.get(job.state, Kind.STOPPED)
    )
    foot = _money_foot(job, problem, at)
    made: CardWords
    if job.state is State.ABANDONED:
        made = words("faint", "circle-slash", "Dropped", Act.RUN_AGAIN, foot=f"{text.charged(problem)} · {at}")
    elif job.state is State.REMOTE_CANCELLED or problem.kind is Kind.STOPPED:
        state = "Cancelled" if job.state is State.REMOTE_CANCELLED else "Stopped"
        made = words(
            "faint", "circle-slash", state, Act.RUN_AGAIN, detail=text.cancelled_when(job.cancel_answer), foot=foot
        )
    else:
        sentence = text.sentence(problem)
        again = Act.TRY_AGAIN if problem.kind in TRIED_AS_IT_IS else Act.RUN_AGAIN
        # What was interrupted still reserves its price, until it goes on or is given up.
        stop = (Act.STOP,) if problem.kind is Kind.INTERRUPTED and job.state in UNSENT else ()
        acts = (*_key_acts(problem), again, *stop)
        made = words("bad", "circle-alert", sentence.title, *acts, detail=sentence.hint, foot=foot)
    return made


def _key_acts(problem: Problem) -> tuple[Act, ...]:
    if problem.kind in {Kind.KEY_MISSING, Kind.KEY_REFUSED, Kind.KEY_UNUSABLE, Kind.OTHER_ACCOUNT}:
        return (Act.ADD_KEY,)
    return (Act.ACCOUNT_PAGE,) if problem.kind is Kind.NO_CREDIT else ()


def _paused_acts(job: Job, problem: Problem) -> tuple[Act, ...]:
    stop = (Act.STOP,) if job.state in UNSENT else ()
    # What helps comes first: going on without it would only pause again.
    match problem.kind:
        case Kind.RESULT_DAMAGED:
            go_on = Act.FETCH_AGAIN
        case Kind.OVER_APPROVAL:
            go_on = Act.SEND_AGAIN
        case _:
            go_on = Act.CONTINUE
    return (*_key_acts(problem), go_on, *stop)


def _attention_acts(state: State) -> tuple[Act, ...]:
    if state is State.UNCONFIRMED:
        return Act.LOOK_AGAIN, Act.FOUND, Act.SEND_AGAIN, Act.DROP
    return Act.LOOK_AGAIN, Act.DROP


def _lost(state: State) -> Problem:
    kinds = {
        State.UNCONFIRMED: Kind.SUBMIT_UNCONFIRMED,
        State.REMOTE_MISSING: Kind.JOB_NOT_KNOWN,
        State.RESULT_UNAVAILABLE: Kind.RESULT_GONE,
    }
    return Problem(kind=kinds[state], charged=Charged.MAYBE)


def _what_was_sent(job: Job, provider: str, cost: str, at: str) -> str:
    cost = f" for {cost}" if cost and cost != "free" else ""
    sent = f"Sent to {provider} at {at}{cost}."
    match job.state:
        case State.UNCONFIRMED:
            return f"{sent} The answer got lost, so it may have been charged."
        case State.REMOTE_MISSING:
            return f"{sent} The provider says it does not know the job."
        case _:
            return f"{sent} The edit is done, but its link no longer works."


def _money_foot(job: Job, problem: Problem, at: str) -> str:
    if job.charge is not None and job.charge.amount > 0:
        return f"charged {job.charge} · {at}"
    return f"{text.charged(problem)} · {at}"
