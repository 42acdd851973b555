"""Whatever befalls any call of any adapter: an answer or an error of ours, one paid request at most, and no key astray."""

from __future__ import annotations

import asyncio
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from klingstudio.domain.errors import KeyProblem, NetworkProblem, ProviderRefused, StudioError, SubmitUnconfirmed
from klingstudio.domain.job import CancelAnswer, Order, Remote
from klingstudio.domain.price import Money, Price
from klingstudio.net.api import PATIENT
from klingstudio.providers.base import Account, Missing, Receipt, RemoteJob, Waiting
from klingstudio.providers.registry import Entry
from tests.fakes.operations import OPERATIONS, Ground, each_operation
from tests.fakes.sandbox import Sandbox, run_sandbox
from tests.fakes.services import (
    HURRIED,
    INPUT,
    Clip,
    a_request,
    an_adapter,
    charges,
    inputs,
    key_of,
    strangers_with,
)

Rule = dict[str, Any]

UNANSWERED: dict[str, Rule] = {
    "hang": {"kind": "hang"},
    "hang after work": {"kind": "hang", "effect": True},
    "stall": {"kind": "stall"},
}
FAULTS: dict[str, dict[str, Rule]] = {
    "connection": {
        "reset_before": {"kind": "reset_before"},
        "reset_after": {"kind": "reset_after"},
        "drop_after": {"kind": "drop_after"},
        "slow": {"kind": "slow", "seconds": 0.02},
        "no_length": {"kind": "no_length"},
        "drip": {"kind": "drip", "seconds": 0.002},
    },
    "silence": UNANSWERED,
    "nonsense": {
        "html": {"kind": "html"},
        "not_json": {"kind": "not_json"},
        "truncated": {"kind": "truncated"},
        "half_file": {"kind": "half_file"},
        "cut_short": {"kind": "cut_short"},
        "gzip": {"kind": "gzip"},
        "redirect": {"kind": "redirect"},
        "redirect to another service": {"kind": "redirect", "code": 307, "to": "{other}/api/v1/jobs"},
    },
    "trouble": {
        "status 429 for a while": {"kind": "status", "code": 429, "headers": {"Retry-After": "1"}},
        "status 401": {"kind": "status", "code": 401},
        "status 503": {"kind": "status", "code": 503},
        "status 500 after work": {"kind": "status", "code": 500, "effect": True},
        "status 408 after work": {"kind": "status", "code": 408, "effect": True},
    },
}
"""Where the sandbox has to take part: what matters is what it has done meanwhile. All other ways in which an answer can go
wrong are those of `test_spoilt`, which asks no sandbox.
"""
HARMLESS = frozenset({"slow", "no_length", "drip"})
CALLS_MOST = 12
"""More calls than any operation makes."""


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Its jobs never begin, so that there is nothing but calls."""
    with run_sandbox(tmp_path_factory.mktemp("sandbox"), "--queue-delay", "99999") as running:
        yield running


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    path.write_bytes(b"\0\0\0\x18ftypisom" + bytes(range(256)) * 40)
    return path


@dataclass(frozen=True, slots=True)
class Case:
    """One operation of one adapter that something will befall."""

    on: Ground
    sandbox: Sandbox
    account: str

    @property
    def entry(self) -> Entry:
        return self.on.entry

    @property
    def key(self) -> str:
        return key_of(self.account)

    @property
    def base(self) -> str:
        return self.sandbox.at(self.entry.info.id)


SPENDING = frozenset({"submit", "cancel", "delete"})
"""Operations after which the account, the job or the file is not what it was."""


class Arranged:
    """What the operations need, made while nothing goes wrong. Where nothing is spent it serves again and again."""

    def __init__(self, sandbox: Sandbox, file: Path) -> None:
        self._sandbox = sandbox
        self._file = file
        self._kept: dict[str, Case] = {}
        self._accounts = 0
        self.befallen: Counter[str] = Counter()

    async def case(self, entry: Entry, operation: str) -> Case:
        if operation not in SPENDING and entry.info.id in self._kept:
            return self._kept[entry.info.id]
        self._sandbox.faults([])
        self._accounts += 1
        account = f"a{self._accounts}"
        remote, uploaded = Remote(id=""), ""
        async with an_adapter(entry, self._sandbox.at(entry.info.id), key_of(account)) as provider:
            order = await provider.order(a_request(entry), inputs(), Clip())
            if operation != "submit":
                receipt = await provider.submit(order)
                remote = Remote(id=receipt.ids[0], links=receipt.links)
            if operation == "delete":
                uploaded = await provider.upload(self._file, "unique.mp4", lambda done, total: None)
        case = Case(Ground(entry, self._file, order, remote, uploaded), self._sandbox, account)
        if operation not in SPENDING:
            self._kept[entry.info.id] = case
        self._sandbox.forget_requests()
        return case


@pytest.fixture(scope="module")
def arranged(sandbox: Sandbox, file: Path) -> Iterator[Arranged]:
    arranged = Arranged(sandbox, file)
    yield arranged
    print("\ncalls that something befell:", dict(arranged.befallen))


@pytest.mark.parametrize("faults", FAULTS)
@each_operation
async def test_a_fault_at_any_call_ends_in_an_answer_or_an_error_of_ours(
    entry: Entry,
    operation: str,
    faults: str,
    sandbox: Sandbox,
    arranged: Arranged,
) -> None:
    other = next((url for name, url in sandbox.urls.items() if name != entry.info.id), sandbox.url)
    for fault, rule in FAULTS[faults].items():
        changes = {"call": "any"} | ({"to": rule["to"].format(other=other)} if "to" in rule else {})
        for times in (0,) if fault in UNANSWERED else (1, 0):
            for after in range(CALLS_MOST):
                case = await arranged.case(entry, operation)
                sandbox.faults([rule | changes | {"times": times, "after": after}])
                outcome = await _outcome(case, operation, fault)
                log = sandbox.forget_requests()
                if not any(one["faults"] for one in log):
                    break
                arranged.befallen[entry.info.id] += 1
                where = f"{fault} at call {after + 1}{', and ever after' if times == 0 else ''}"
                try:
                    assert strangers_with(case.key, entry, log) == []
                    await JUDGES[operation](case, outcome, fault, log, is_hopeless=times == 0 and after == 0)
                except AssertionError as failure:
                    failure.add_note(f"{where}: {outcome!r}")
                    raise
            else:
                pytest.fail(f"{operation} never ends")


async def _outcome(case: Case, operation: str, fault: str) -> object:
    is_unanswered = fault in UNANSWERED
    deadlines, tries = (HURRIED, 1) if is_unanswered else (PATIENT, 2)
    async with an_adapter(case.entry, case.base, case.key, deadlines=deadlines, tries=tries) as provider:
        try:
            return await OPERATIONS[operation](provider, case.on)
        except StudioError as error:
            return error


# --- what may come of it ----------------------------------------------------------------------------------------------


async def _authorize(case: Case, outcome: object, fault: str, log: list[Any], *, is_hopeless: bool) -> None:
    assert isinstance(outcome, Account | StudioError)
    if is_hopeless and fault not in HARMLESS:
        assert isinstance(outcome, StudioError)
    if is_hopeless and fault == "status 401":
        assert isinstance(outcome, KeyProblem)
    if isinstance(outcome, KeyProblem):
        assert fault in {"status 401", "status 403"}, "the key is fine"


async def _price(case: Case, outcome: object, fault: str, log: list[Any], *, is_hopeless: bool) -> None:
    assert outcome is None or isinstance(outcome, Price | StudioError)
    if isinstance(outcome, Price):
        assert outcome.rate.amount > 0
        assert not is_hopeless or fault in HARMLESS


async def _upload(case: Case, outcome: object, fault: str, log: list[Any], *, is_hopeless: bool) -> None:
    assert isinstance(outcome, str | StudioError)
    if isinstance(outcome, str):
        case.sandbox.faults([])
        assert await asyncio.to_thread(_read, outcome) == case.on.file.read_bytes()


async def _delete(case: Case, outcome: object, fault: str, log: list[Any], *, is_hopeless: bool) -> None:
    assert outcome is None or isinstance(outcome, StudioError)


async def _order(case: Case, outcome: object, fault: str, log: list[Any], *, is_hopeless: bool) -> None:
    assert isinstance(outcome, Order | StudioError)
    if isinstance(outcome, Order):
        assert outcome.path == case.on.order.path
        assert INPUT in outcome.body


async def _submit(case: Case, outcome: object, fault: str, log: list[Any], *, is_hopeless: bool) -> None:
    charged = charges(case.sandbox, case.entry, case.account)
    assert len([one for one in log if one["call"] == "submit"]) <= 1, "a paid request was sent twice"
    match outcome:
        case NetworkProblem() | ProviderRefused() | KeyProblem():
            assert charged == [], f"{outcome} sounds as if it was free"
            assert not (isinstance(outcome, KeyProblem) and fault not in {"status 401", "status 403"})
        case Receipt():
            assert len(outcome.ids) == len(charged) == 1
        case other:
            assert isinstance(other, SubmitUnconfirmed)
    if charged:
        case.sandbox.faults([])
        async with an_adapter(case.entry, case.base, case.key) as provider:
            listed = await provider.find(datetime.now(UTC) - timedelta(minutes=10))
        found = [job.remote_id for job in listed if job.input_video == INPUT]
        assert len(found) == len(charged)
        if isinstance(outcome, Receipt) and found:
            assert found == [*outcome.ids]


async def _poll(case: Case, outcome: object, fault: str, log: list[Any], *, is_hopeless: bool) -> None:
    assert isinstance(outcome, Waiting | Missing | StudioError), "the job waits"
    if isinstance(outcome, Missing):
        assert fault in {"status 404", "status 410"}
    if isinstance(outcome, Waiting):
        assert not is_hopeless or fault in HARMLESS, "nobody said so"


async def _cancel(case: Case, outcome: object, fault: str, log: list[Any], *, is_hopeless: bool) -> None:
    assert isinstance(outcome, CancelAnswer | StudioError)


async def _find(case: Case, outcome: object, fault: str, log: list[Any], *, is_hopeless: bool) -> None:
    assert isinstance(outcome, tuple | StudioError)
    if isinstance(outcome, tuple):
        assert [job.remote_id for job in outcome if isinstance(job, RemoteJob)] == [case.on.remote.id]


async def _charge(case: Case, outcome: object, fault: str, log: list[Any], *, is_hopeless: bool) -> None:
    assert outcome is None or isinstance(outcome, Money | StudioError)


JUDGES = {
    "authorize": _authorize,
    "price": _price,
    "upload": _upload,
    "delete": _delete,
    "order": _order,
    "submit": _submit,
    "poll": _poll,
    "cancel": _cancel,
    "find": _find,
    "charge": _charge,
}


def _read(url: str) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=10) as reply:
        body: bytes = reply.read()
    return body
