"""However an answer is spoilt on its way, byte for byte, at any call of any adapter: understood as it was meant, or an
error of ours; one paid request at most, nothing called free that may be paid for, and no key astray.

The good answers are those of the sandbox, recorded once for each operation and given again from then on.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from klingstudio.domain.errors import KeyProblem, NetworkProblem, ProviderRefused, StudioError, SubmitUnconfirmed
from klingstudio.domain.job import CancelAnswer, Remote
from klingstudio.net.api import PATIENT, REFUSED_BEFORE_WORK
from klingstudio.providers.base import Missing
from klingstudio.providers.registry import Entry
from tests.fakes import spoil
from tests.fakes.mirror import Answer, Mirror
from tests.fakes.operations import OPERATIONS, Ground, each_operation
from tests.fakes.sandbox import Sandbox, run_sandbox
from tests.fakes.services import HURRIED, Clip, a_request, an_adapter, inputs, key_of
from tests.fakes.spoil import Spoil, Status
from tests.fakes.wire import Asked, Wire

KEY = key_of("spoilt")
KINDS: Mapping[str, Spoil | Status] = {**spoil.SPOILT, **spoil.WHOLE, **spoil.STATUSES}
LATE: Mapping[str, Spoil] = {"silence": spoil.silent, "a drip": spoil.pieces(1, 0.05)}
"""Each costs a deadline, so these befall whole operations only."""


@dataclass(frozen=True, slots=True)
class Script:
    """What one operation asked, what it was answered, and what it made of that."""

    on: Ground
    answers: tuple[tuple[str, Answer], ...]
    good: object
    base: str
    """Where the server was that was asked."""


class Replay(Wire):
    """Gives the recorded answers again, whatever is asked for how often, and spoils one call or all from one on."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self._answers: dict[str, list[Answer]] = {}
        self._spoil: Spoil | None = None
        self._at, self._is_for_good = 0, False

    def play(self, script: Script, spoil: Spoil | None = None, *, at: int = 0, is_for_good: bool = False) -> None:
        self.asked.clear()
        self._answers = defaultdict(list)
        for place, answer in script.answers:
            here = answer.body.replace(script.base.encode(), self.url.encode())
            self._answers[place].append(Answer(answer.status, answer.headers, here, answer.told_length))
        self._spoil, self._at, self._is_for_good = spoil, at, is_for_good

    @property
    def was_spoilt(self) -> bool:
        return len(self.asked) > self._at

    async def _answer(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        number = len(self.asked) - 1
        queue = self._answers.get(_place(asked), [])
        answer = queue[0] if queue else Answer(404, (), b"")
        if self._spoil is not None and (number == self._at or (self._is_for_good and number > self._at)):
            await self._spoil(answer, asked, writer)
            return
        if len(queue) > 1:
            queue.pop(0)
        writer.write(answer.wire(asked.method))


def _place(asked: Asked) -> str:
    return f"{asked.method} {asked.path.partition('?')[0]}"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Its jobs never begin."""
    with run_sandbox(tmp_path_factory.mktemp("sandbox"), "--queue-delay", "99999") as running:
        yield running


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    path.write_bytes(b"\0\0\0\x18ftypisom" + bytes(range(256)) * 4)
    return path


async def _record(entry: Entry, operation: str, sandbox: Sandbox, file: Path) -> Script:
    async with Mirror(sandbox.at(entry.info.id)) as mirror, an_adapter(entry, mirror.url, KEY) as provider:
        order = await provider.order(a_request(entry), inputs(), Clip())
        remote, uploaded = Remote(id=""), ""
        if operation != "submit":
            receipt = await provider.submit(order)
            remote = Remote(id=receipt.ids[0], links=receipt.links)
        if operation == "delete":
            uploaded = await provider.upload(file, "unique.mp4", lambda done, total: None)
        on, first = Ground(entry, file, order, remote, uploaded), mirror.url
    # Another adapter, which has not asked anything yet.
    async with Mirror(sandbox.at(entry.info.id)) as mirror, an_adapter(entry, mirror.url, KEY) as provider:
        on = _moved(on, first, mirror.url)
        good = await OPERATIONS[operation](provider, on)
        answers = tuple(zip(map(_place, mirror.asked), mirror.seen, strict=True))
        return Script(on, answers, good, mirror.url)


def _moved(on: Ground, old: str, new: str) -> Ground:
    """The same at another address of the server."""
    links = {name: url.replace(old, new) for name, url in on.remote.links.items()}
    uploaded = on.uploaded.replace(old, new)
    return replace(on, remote=replace(on.remote, links=links), uploaded=uploaded)


async def _outcome(script: Script, operation: str, replay: Replay, *, hurried: bool = False) -> object:
    on = _moved(script.on, script.base, replay.url)
    deadlines, tries = (HURRIED, 1) if hurried else (PATIENT, 2)
    async with an_adapter(on.entry, replay.url, KEY, deadlines=deadlines, tries=tries) as provider:
        try:
            return await OPERATIONS[operation](provider, on)
        except StudioError as error:
            return error


@each_operation
async def test_an_answer_that_is_spoilt_on_its_way_is_understood_or_an_error_of_ours(
    entry: Entry, operation: str, sandbox: Sandbox, file: Path
) -> None:
    script = await _record(entry, operation, sandbox, file)
    befallen = 0
    async with Replay() as replay:
        for kind, spoiler in KINDS.items():
            how = spoiler.spoil if isinstance(spoiler, Status) else spoiler
            for at in range(max(1, len(script.answers))):
                replay.play(script, how, at=at)
                outcome = await _outcome(script, operation, replay)
                befallen += replay.was_spoilt
                complaint = _complaint(script, operation, kind, outcome, replay)
                assert not complaint, (
                    f"{kind} at call {at + 1} of {[place for place, _ in script.answers]}: {outcome!r}"
                )
        replay.play(script)
        assert _same(await _outcome(script, operation, replay), script, replay), "and all is well after that"
    assert befallen >= len(KINDS) or not script.answers


@each_operation
@pytest.mark.parametrize("kind", LATE)
async def test_an_answer_that_does_not_come_to_an_end_is_given_up(
    entry: Entry, operation: str, kind: str, sandbox: Sandbox, file: Path
) -> None:
    script = await _record(entry, operation, sandbox, file)
    async with Replay() as replay:
        replay.play(script, LATE[kind], is_for_good=True)
        outcome = await _outcome(script, operation, replay, hurried=True)

    if replay.was_spoilt:
        wanted = SubmitUnconfirmed if operation == "submit" else StudioError
        assert isinstance(outcome, wanted) or (operation in {"price", "charge"} and outcome is None)


# --- what may come of it ----------------------------------------------------------------------------------------------


def _same(outcome: object, script: Script, replay: Replay) -> bool:
    good = repr(script.good).replace(script.base, replay.url)
    return repr(outcome) == good


def _complaint(script: Script, operation: str, kind: str, outcome: object, replay: Replay) -> str:
    """What is wrong with the outcome, or nothing."""
    home = replay.url.removeprefix("http://")
    if any(one.headers["host"] != home for one in replay.asked):
        return "another host was asked"
    if operation == "submit" and sum(one.method == "POST" for one in replay.asked) > 1:
        return "a paid request was sent twice"
    if not replay.was_spoilt or kind in spoil.WHOLE:
        return "" if _same(outcome, script, replay) else "it was understood otherwise"
    status = spoil.STATUSES.get(kind)
    if isinstance(outcome, KeyProblem) and (status is None or status.code not in {401, 403}):
        return "the key is fine"
    if operation == "submit":
        return _submitted(script, status, outcome, replay)
    if isinstance(outcome, StudioError):
        return ""
    match operation, outcome:
        case "poll", Missing():
            return "" if status and status.code in {404, 410} else "nobody said that it is unknown"
        case "cancel", CancelAnswer.TOO_LATE | CancelAnswer.STOPPED | CancelAnswer.ASKED:
            return ""
        case "delete", None:
            return ""
        case "price" | "charge", None:
            return ""
        case _:
            return "" if _same(outcome, script, replay) else "it was understood otherwise"


def _submitted(script: Script, status: Status | None, outcome: object, replay: Replay) -> str:
    code = status.code if status else None
    match outcome:
        case SubmitUnconfirmed():
            return "a no that was not understood" if code in REFUSED_BEFORE_WORK | {429} else ""
        case ProviderRefused() | KeyProblem():
            return "" if code in REFUSED_BEFORE_WORK else "called refused, and may be paid"
        case NetworkProblem():
            return "" if code == 429 else "called not sent, and may be paid"
        case StudioError():
            return "an error that does not say what became of it"
        case _:
            return "" if _same(outcome, script, replay) else "ids that nobody gave"
