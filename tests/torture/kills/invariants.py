"""What must be true after every life, whatever ended it: I1 to I18, each a small function from disk and truth to complaints.

Each returns nothing where the promise was kept. Those about processes, files with keys and stuck jobs are given what
they need by the harness.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

from klingstudio.domain.job import ATTENTION, QUIET, TRANSITIONS, Event, Job, State
from klingstudio.ui.takes.words import Act, card_words
from tests.torture.kills.disk import Disk, File
from tests.torture.kills.truth import Truth

UNANSWERED = frozenset({"INTENT", "UNKNOWN", "WAIVED"})
SURE = Decimal("0.95")
"""Where a service tells no charge the estimate stands for it, and the service rounds."""
_AT_REST = frozenset({State.COMPLETED, State.REJECTED})
_FILED = frozenset({State.SUCCEEDED, State.DOWNLOADING, State.VERIFYING})
_AT_A_JOB = frozenset({"poll", "cancel", "charge", "record"})
"""Calls about one job of the service, which name its id."""


def no_unapproved_charge(disk: Disk, truth: Truth) -> Iterator[str]:
    """I1: a job is charged once, and once more for each approval that the person gave and an attempt spent."""
    spent = Counter(permit.job_id for permit in disk.permits if permit.spent_by is not None)
    charged: defaultdict[str, set[str]] = defaultdict(set)
    job_of = _orders(disk)
    for asset_url in truth.charged_assets():
        if asset_url in job_of:
            charged[job_of[asset_url]].add(asset_url)
    for job_id, assets in charged.items():
        if len(assets) > 1 + spent[job_id]:
            yield f"I1 {job_id} was charged {len(assets)} times with {spent[job_id]} approvals"


def no_paid_job_lost(disk: Disk, truth: Truth, *, is_end: bool = False) -> Iterator[str]:
    """I2: whatever was charged is known by its id, or an attempt of which nobody knows what became can still find it."""
    known = {attempt.remote_id for attempt in disk.tries if attempt.remote_id is not None}
    findable = {attempt.asset_url for attempt in disk.tries if attempt.state in UNANSWERED}
    if not is_end:
        # Of several takes the answer may show one, and the rest is looked for while the job is at the provider.
        active = {job.id for job in disk.jobs if job.state not in QUIET}
        findable |= {a.asset_url for a in disk.tries if a.state == "ACCEPTED" and a.job_id in active}
    for charge in truth.charges:
        if charge.remote_id not in known and charge.asset_url not in findable:
            yield f"I2 {charge.remote_id} was charged, and nothing on disk can lead to it"


def one_send_per_attempt(disk: Disk, truth: Truth) -> Iterator[str]:
    """I3: no more requests than attempts that were recorded for them."""
    recorded: defaultdict[str, set[str]] = defaultdict(set)
    for attempt in disk.tries:
        # Several takes of one request share the moment it was sent.
        recorded[attempt.body_sha256].add(attempt.intent_at)
    for sha256 in {post.sha256 for post in truth.posts if post.sha256 is not None}:
        if truth.posts_of(sha256) > len(recorded[sha256]):
            yield f"I3 a body was sent {truth.posts_of(sha256)} times and recorded {len(recorded[sha256])} times"


def recorded_before_sent(_disk: Disk, truth: Truth) -> Iterator[str]:
    """I4: when the service sees a paid request, the intent is on disk."""
    for post in truth.posts:
        if post.sha256 is not None and post.sha256 not in post.intents:
            yield f"I4 a paid request came before its intent was on disk ({list(post.intents)})"
        elif not post.intents:
            yield "I4 a paid request came when no intent was on disk"


def legal_history(disk: Disk, _truth: Truth) -> Iterator[str]:
    """I5: the history has no gap, each move is in the table, and a job stands where its last move led."""
    if [move.seq for move in disk.moves] != list(range(1, len(disk.moves) + 1)):
        yield "I5 the history has a gap"
    for move in disk.moves:
        if TRANSITIONS.get((State(move.frm), Event(move.event))) != move.dst:
            yield f"I5 {move.frm} → {move.dst} by {move.event} is not in the table"
    for job in disk.jobs:
        history = disk.history(job.id)
        if job.state != (history[-1].dst if history else State.DRAFT):
            yield f"I5 {job.id} is {job.state}, its history ends otherwise"
        for one, other in pairwise(history):
            if one.dst != other.frm:
                yield f"I5 {job.id} went to {one.dst} and left from {other.frm}"


def stable_ends(disk: Disk, _truth: Truth, *, before: Disk | None = None) -> Iterator[str]:
    """I6: what is completed or was rejected stays so, and so does the take."""
    for move in disk.moves:
        if move.frm in _AT_REST:
            yield f"I6 {move.job_id} left {move.frm}"
    for job in before.jobs if before is not None else ():
        if job.state is State.COMPLETED:
            now = disk.job(job.id)
            if (now.take, now.take_sha256) != (job.take, job.take_sha256):
                yield f"I6 the take of {job.id} is another one now"
            if job.take not in disk.takes:
                yield f"I6 the take of {job.id} is gone"


def whole_files(disk: Disk, _truth: Truth) -> Iterator[str]:
    """I7: under a final name lies only what was verified, or what a start will adopt by its hash."""
    good = {move.take_sha256 for move in disk.moves if move.event == Event.GOOD}
    planned = {(job.planned_take, job.take_sha256) for job in disk.jobs if job.state in _FILED}
    for path, file in disk.takes.items():
        if path.endswith((".part", ".part.json")):
            continue
        if file.sha256 not in good and (path, file.sha256) not in planned:
            yield f"I7 {path} is no verified take"


def source_untouched(disk: Disk, _truth: Truth, *, source: File | None) -> Iterator[str]:
    """I8: content, size and time of the person's own file."""
    if disk.source != source:
        yield f"I8 the source was {source} and is {disk.source}"


def no_secret_shown(_disk: Disk, truth: Truth) -> Iterator[str]:
    """I9, the part about requests: no key at addresses that need none, or at another host."""
    for seen in truth.requests:
        if seen.account and (seen.call in {"put", "fetch"} or "/elsewhere" in seen.path):
            yield f"I9 a key was shown at {seen.path}"


def ids_are_unique(disk: Disk, _truth: Truth) -> Iterator[str]:
    """I10: one id of a service belongs to one attempt."""
    counted = Counter((attempt.provider, attempt.remote_id) for attempt in disk.tries if attempt.remote_id)
    for (_, remote_id), count in counted.items():
        if count > 1:
            yield f"I10 {remote_id} belongs to {count} attempts"


def attention_has_an_answer(disk: Disk, _truth: Truth) -> Iterator[str]:
    """I12: the card of whatever needs the person offers a way on."""
    for job in disk.jobs:
        if job.state in ATTENTION or job.paused:
            acts = set(_acts(job)) - {Act.COPY_DETAILS, Act.COPY_PROMPT, Act.ADD_KEY, Act.ACCOUNT_PAGE}
            if not acts:
                yield f"I12 nothing can be done about {job.id} in {job.state}"


def approvals_single_use(disk: Disk, _truth: Truth) -> Iterator[str]:
    """I13: one attempt at most for each."""
    used = Counter(attempt.approval_id for attempt in disk.tries if attempt.approval_id is not None)
    spent = {permit.id: permit.spent_by for permit in disk.permits}
    for approval_id, count in used.items():
        if count > 1:
            yield f"I13 {count} attempts used one approval"
        if spent.get(approval_id) is None:
            yield "I13 an approval was used and not spent"
    was_sent: set[str] = set()
    for attempt in disk.tries:
        if attempt.job_id in was_sent and attempt.approval_id is None:
            yield f"I13 {attempt.job_id} was sent again without an approval"
        if attempt.state != "NOT_SENT":
            was_sent.add(attempt.job_id)


def sound_database(disk: Disk, _truth: Truth) -> Iterator[str]:
    """I14: what SQLite says of the file."""
    for complaint in disk.complaints:
        yield f"I14 {complaint}"


def account_binding(disk: Disk, truth: Truth, *, accounts: Mapping[str, str]) -> Iterator[str]:
    """I15: whoever is asked about a job is asked with a key of the account that ordered it.

    Args:
        accounts: account of the sandbox by the id that the service gave the job.
    """
    known = {attempt.remote_id for attempt in disk.tries if attempt.remote_id}
    for seen in truth.requests:
        if seen.call not in _AT_A_JOB or not seen.account:
            continue
        for remote_id in known:
            if remote_id in seen.path and accounts.get(remote_id, seen.account) != seen.account:
                yield f"I15 {seen.call} of {remote_id} with a key of {seen.account}"


def honest_money(disk: Disk, truth: Truth) -> Iterator[str]:
    """I16: what was charged counts as charged or as reserved, and what may be charged is reserved."""
    sure = sum((charge.amount for charge in truth.charges if charge.amount is not None), Decimal(0))
    unknown = [disk.job(attempt.job_id).estimate for attempt in disk.tries if attempt.state in UNANSWERED]
    maybe = sum((estimate.amount for estimate in unknown if estimate is not None), Decimal(0))
    if disk.reserved < maybe:
        yield f"I16 {maybe} may be charged, {disk.reserved} is said to be"
    if disk.booked < sure * SURE:
        yield f"I16 {sure} was charged, the program speaks of {disk.booked}"


def nothing_stuck(jobs: Iterable[tuple[str, str, bool, str]]) -> Iterator[str]:
    """I11: with the faults gone every job comes to rest. `jobs`: id, state, whether it waits, and why."""
    for job_id, state, paused, problem in jobs:
        if State(state) not in QUIET | ATTENTION or (paused and State(state) not in ATTENTION):
            yield f"I11 {job_id} is stuck in {state}{f', paused by {problem}' if paused else ''}"


def no_leftovers(left: Sequence[str]) -> Iterator[str]:
    """I17, the part about processes: the command lines of what a dead life left running."""
    for command in left:
        yield f"I17 left running: {command}"


def swept(disk: Disk, _truth: Truth) -> Iterator[str]:
    """I17, the part about files, once everything rests and the program was closed."""
    wanted = {job.clip.path.rsplit("/", 1)[-1] for job in disk.jobs if job.clip and job.state is not State.COMPLETED}
    for name in disk.work:
        if name not in wanted:
            yield f"I17 {name} was left in the work folder"
    unfinished = {job.id for job in disk.jobs if job.state is not State.COMPLETED}
    for path in disk.takes:
        name = path.rsplit("/", 1)[-1]
        if name.endswith((".part", ".part.json")) and name.split(".part")[0] not in unfinished:
            yield f"I17 {name} was left in the folder of takes"


def bounded_traffic(disk: Disk, truth: Truth, *, most: int, window_s: float = 1.0) -> Iterator[str]:
    """I18: no more requests of one kind than this for each job in any such time."""
    most *= max(len(disk.jobs), 1)
    by_kind: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for seen in truth.requests:
        by_kind[seen.dialect, seen.call].append(seen.at)
    for (dialect, call), times in by_kind.items():
        for first, last in zip(times, times[most:], strict=False):
            if last - first < window_s:
                yield f"I18 more than {most} times {call or 'something'} at {dialect} in {window_s:g} s"
                break


ALWAYS: tuple[Callable[[Disk, Truth], Iterator[str]], ...] = (
    no_unapproved_charge,
    no_paid_job_lost,
    one_send_per_attempt,
    recorded_before_sent,
    legal_history,
    stable_ends,
    whole_files,
    no_secret_shown,
    ids_are_unique,
    attention_has_an_answer,
    approvals_single_use,
    sound_database,
)
"""Those that need nothing else."""


def _orders(disk: Disk) -> dict[str, str]:
    """The job that ordered what was charged for an address."""
    orders: dict[str, str] = {}
    for job in sorted(disk.jobs, key=lambda job: job.ordered_with is not None):
        for attempt in disk.tries:
            if attempt.job_id == job.id:
                orders.setdefault(attempt.asset_url, job.id)
    return orders


def _acts(job: Job) -> tuple[Act, ...]:
    words = card_words(job, number=1, provider="it", is_free=False, progress=None, elapsed_s=0.0, now=datetime.now(UTC))
    return words.acts
