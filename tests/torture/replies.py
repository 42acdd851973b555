"""Mutated answers through a real adapter: what may come of each, and what came."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import repeat
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from klingstudio.domain.errors import KeyProblem, NetworkProblem, ProviderRefused, StudioError, SubmitUnconfirmed
from klingstudio.domain.job import CancelAnswer, Order, Remote
from klingstudio.domain.price import Money, Price
from klingstudio.domain.request import Tier
from klingstudio.net.address import is_loopback
from klingstudio.net.api import REFUSED_BEFORE_WORK, Api, Deadlines
from klingstudio.net.retry import Patience
from klingstudio.providers.base import (
    Account,
    Cancelled,
    Failed,
    Finished,
    Missing,
    Provider,
    Receipt,
    RemoteJob,
    Waiting,
)
from klingstudio.providers.registry import SERVICES, Entry
from tests.fakes.mirror import Answer, Mirror
from tests.fakes.sandbox import Sandbox, run_sandbox
from tests.fakes.services import Clip, a_request, inputs, key_of, plain_tls
from tests.torture.mutate import Mutator
from tests.torture.parts import Stint, Verdict

REPLIES = 50_000
"""For each provider, in the long form."""
KEY = key_of("fuzz")
SINCE = timedelta(minutes=10)


@dataclass(slots=True)
class Tally:
    """What came of one provider's answers."""

    replies: int = 0
    took_s: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    uncaught: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Script:
    """The answers that one operation got while all was well."""

    operation: str
    answers: tuple[Answer, ...]
    remote: Remote
    order: Order
    file: Path


@contextmanager
def sandboxes() -> Iterator[tuple[Sandbox, Sandbox, Path]]:
    """One that edits at once, one that never begins, and a file for uploads."""
    with TemporaryDirectory(prefix="klingstudio-torture-") as folder:
        root = Path(folder)
        file = root / "clip.mp4"
        file.write_bytes(b"\0\0\0\x18ftypisom" + bytes(500))
        with (
            run_sandbox(root / "working", "--queue-delay", "0") as working,
            run_sandbox(root / "waiting", "--queue-delay", "99999") as waiting,
        ):
            yield working, waiting, file


def run(stint: Stint) -> Verdict:
    """Fifty thousand mutated answers for each provider, or as many as there is time for."""
    # They follow one another where there are fewer workers than providers.
    rounds = math.ceil(len(SERVICES) / stint.workers)
    share_s = math.inf if stint.until is None else max(0.0, stint.until - time.monotonic()) / rounds
    with ProcessPoolExecutor(stint.workers) as pool:
        tallies = list(pool.map(_alone, (entry.info.id for entry in SERVICES), repeat(stint.seed), repeat(share_s)))
    counts: dict[str, int | float | str] = {}
    for entry, tally in zip(SERVICES, tallies, strict=True):
        counts[entry.info.id] = tally.replies
        counts[f"{entry.info.id} a second"] = round(tally.replies / max(tally.took_s, 0.001))
    counts["uncaught"] = sum(len(tally.uncaught) for tally in tallies)
    counts["wrong ends"] = sum(len(tally.wrong) for tally in tallies)
    broken = tuple(f"seed {stint.seed}: {line}" for tally in tallies for line in (*tally.uncaught, *tally.wrong))
    return Verdict(part="replies", counts=counts, violations=broken)


def _alone(provider_id: str, seed: int, share_s: float) -> Tally:
    """For a process of its own."""
    until = time.monotonic() + share_s
    entry = next(entry for entry in SERVICES if entry.info.id == provider_id)
    with sandboxes() as served:
        return asyncio.run(
            torture(entry, served, replies=REPLIES, seed=seed, is_over=lambda: time.monotonic() >= until)
        )


async def torture(
    entry: Entry,
    sandboxes: tuple[Sandbox, Sandbox, Path],
    *,
    replies: int,
    seed: int,
    is_over: Callable[[], bool] = lambda: False,
) -> Tally:
    """So many mutated answers through the adapter."""
    working, waiting, file = sandboxes
    tally = Tally()
    scripts: list[Script] = []
    for sandbox in (waiting, working):
        async with Mirror(sandbox.at(entry.info.id)) as mirror:
            scripts += [_moved(script, mirror.url) for script in await _record(entry, mirror, file)]
    # The name of another host that leads to the same server, which tells who was sent there.
    async with Mirror(waiting.at(entry.info.id)) as mirror:
        foreign = mirror.url.replace("127.0.0.1", "localhost")
        random = Random(f"{entry.info.id} {seed}")
        mutator = Mutator(random, base=mirror.url, foreign=foreign)
        api = _api(entry, mirror.url)
        began = time.perf_counter()
        try:
            while tally.replies < replies and not is_over():
                tally.replies += 1
                script = _moved(random.choice(scripts), mirror.url, back=True)
                spoiled = list(script.answers)
                at = random.randrange(len(spoiled))
                spoiled[at] = mutator.spoil(spoiled[at])
                mirror.play(spoiled)
                await _one(entry, api, mirror, script, tally)
        finally:
            await api.aclose()
        tally.took_s = time.perf_counter() - began
    return tally


_HERE = "http://here.invalid"


def _moved(script: Script, base: str, *, back: bool = False) -> Script:
    """The same script for another address of the server."""
    old, new = (_HERE, base) if back else (base, _HERE)

    def text(value: str) -> str:
        return value.replace(old, new)

    return Script(
        script.operation,
        tuple(replace(one, body=one.body.replace(old.encode(), new.encode())) for one in script.answers),
        Remote(id=script.remote.id, links={name: text(url) for name, url in script.remote.links.items()}),
        script.order,
        script.file,
    )


def _api(entry: Entry, base: str) -> Api:
    return Api(
        hosts=dict.fromkeys(entry.info.hosts, base),
        headers=entry.headers(KEY),
        tls=plain_tls(),
        patience=Patience(sleep=asyncio.sleep, random=lambda: 0.5, tries=1),
        deadlines=Deadlines(reply_s=5.0, order_s=5.0, stall_s=5.0),
    )


# --- recording --------------------------------------------------------------------------------------------------------

Operation = Callable[[Provider, Script], Awaitable[object]]

OPERATIONS: dict[str, Operation] = {
    "authorize": lambda provider, script: provider.authorize(),
    "price": lambda provider, script: provider.price(Tier.PRO),
    "upload": lambda provider, script: provider.upload(script.file, "name.mp4", lambda done, total: None),
    "submit": lambda provider, script: provider.submit(script.order),
    "poll": lambda provider, script: provider.poll(script.remote),
    "find": lambda provider, script: provider.find(datetime.now(UTC) - SINCE),
    "charge": lambda provider, script: provider.charge(script.remote),
    "cancel": lambda provider, script: provider.cancel(script.remote),
}


async def _record(entry: Entry, mirror: Mirror, file: Path) -> list[Script]:
    """Every operation once. At the sandbox that edits at once, the job fails, for its input cannot be had."""
    api = _api(entry, mirror.url)
    scripts: list[Script] = []
    remote = Remote(id="")
    try:
        order = await entry.create(entry.info, api, _now).order(
            a_request(entry), inputs(f"{mirror.url.replace('http:', 'https:')}/no.mp4"), Clip()
        )
        for operation, run in OPERATIONS.items():
            if (operation == "cancel" and not entry.info.can_cancel) or (
                operation == "upload" and not entry.info.hosts_files
            ):
                continue
            if operation == "poll":
                await asyncio.sleep(1.0)
            mirror.seen = []
            script = Script(operation, (), remote, order, file)
            outcome = await run(entry.create(entry.info, api, _now), script)
            if isinstance(outcome, Receipt):
                remote = Remote(id=outcome.ids[0], links=outcome.links)
            if mirror.seen:
                scripts.append(Script(operation, tuple(mirror.seen), remote, order, file))
    finally:
        await api.aclose()
    return scripts


def _now() -> datetime:
    return datetime.now(UTC)


# --- judging ----------------------------------------------------------------------------------------------------------


async def _one(entry: Entry, api: Api, mirror: Mirror, script: Script, tally: Tally) -> None:
    provider = entry.create(entry.info, api, _now)
    try:
        async with asyncio.timeout(20):
            outcome: object = await OPERATIONS[script.operation](provider, script)
    except StudioError as error:
        outcome = error
    except Exception as error:  # noqa: BLE001 - this is what is looked for
        tally.uncaught.append(f"{script.operation}: {error!r} from {_shown(mirror.seen)}")
        return
    name = outcome.problem.kind if isinstance(outcome, StudioError) else type(outcome).__name__
    tally.outcomes[f"{script.operation}: {name}"] += 1
    home = mirror.url.removeprefix("http://")
    astray = [one.path for one in mirror.asked if one.headers.get("host") != home and KEY in str(one.headers)]
    complaint = f"the key went to a foreign host: {astray}" if astray else _complaint(script, outcome, mirror)
    if complaint:
        tally.wrong.append(f"{script.operation}: {complaint}: {outcome!r} from {_shown(mirror.seen)}")


def _complaint(script: Script, outcome: object, mirror: Mirror) -> str:
    """What is wrong with the outcome, or nothing."""
    seen = mirror.seen
    if isinstance(outcome, StudioError) and script.operation != "submit":
        return "" if _is_text(outcome.problem.detail, outcome.problem.raw) else "words that are no text"
    match script.operation, outcome:
        case "submit", _:
            return _submitted(outcome, mirror)
        case "poll", Waiting():
            return "" if _is_text(outcome.word, outcome.line) else "words that are no text"
        case "poll", Finished(url=url):
            return (
                "" if _is_text(url) and url in _strings(seen) | {_record_url(script, mirror)} else "a link nobody gave"
            )
        case "poll", Failed():
            return "" if _said_failure(seen) and _is_text(outcome.reason, outcome.raw) else "nobody said that it failed"
        case "poll", Cancelled():
            return "" if any(b"cancel" in one.body.lower() for one in seen) else "nobody said that it was cancelled"
        case "poll", Missing():
            return "" if any(one.status in {404, 410} for one in seen) else "nobody said that it is unknown"
        case "find", tuple():
            jobs = [job for job in outcome if isinstance(job, RemoteJob) and _is_text(job.remote_id, job.input_video)]
            return "" if len(jobs) == len(outcome) and all(job.remote_id for job in jobs) else "no list of jobs"
        case "charge", None | Money():
            return "" if outcome is None or _is_amount(outcome) else "no amount"
        case "price", None | Price():
            return "" if outcome is None or _is_amount(outcome.rate) else "no price"
        case "authorize", Account():
            is_good = bool(outcome.name and outcome.fingerprint) and _is_text(outcome.name, outcome.fingerprint)
            # An account can be in debt.
            is_good = is_good and (outcome.balance is None or outcome.balance.amount.is_finite())
            return "" if is_good else "no account"
        case "upload", str():
            is_address = outcome.startswith("https://") or is_loopback(outcome)
            return "" if is_address and _is_text(outcome) else "no address"
        case "cancel", CancelAnswer():
            return ""
        case _:
            return "not what was asked for"


def _submitted(outcome: object, mirror: Mirror) -> str:
    (answer,) = mirror.seen
    is_success = 200 <= answer.status < 300
    match outcome:
        case Receipt(ids=ids, links=links):
            if not is_success or not ids or not all(one and _is_text(one) and one in _strings([answer]) for one in ids):
                return "an id that nobody gave"
            return "" if _is_text(*links.values()) else "links that are no text"
        case SubmitUnconfirmed():
            return "" if answer.status not in REFUSED_BEFORE_WORK | {429} else "a no that was not understood"
        case ProviderRefused() | KeyProblem():
            return "" if answer.status in REFUSED_BEFORE_WORK else "called refused, and may be paid"
        case NetworkProblem():
            return "" if answer.status == 429 else "called not sent, and may be paid"
        case _:
            return "not what was asked for"


def _said_failure(seen: Sequence[Answer]) -> bool:
    return any(one.status >= 400 or b"fail" in one.body.lower() or b"error" in one.body.lower() for one in seen)


def _record_url(script: Script, mirror: Mirror) -> str:
    """A record may be the video itself."""
    return mirror.url + mirror.asked[-1].path


def _strings(seen: Sequence[Answer]) -> set[str]:
    found: set[str] = set()

    def walk(node: object) -> None:
        if isinstance(node, str):
            found.update((node, node.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")))
        elif isinstance(node, list):
            for one in node:
                walk(one)
        elif isinstance(node, dict):
            for one in node.values():
                walk(one)

    for answer in seen:
        try:
            walk(json.loads(answer.body))
        except (ValueError, RecursionError):
            continue
    return found


def _is_text(*texts: str) -> bool:
    """Fit for the journal: a lone half of a character is not."""
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_amount(money: Money) -> bool:
    return money.amount.is_finite() and money.amount >= 0 and bool(money.currency)


def _shown(seen: Sequence[Answer]) -> str:
    return " | ".join(f"{one.status} {one.headers} {one.body[:600]!r}" for one in seen)
