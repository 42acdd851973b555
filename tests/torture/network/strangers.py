"""Somebody else answers: the page of a captive portal, or a redirect to another host, at each call of each operation."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path

from klingstudio.domain.errors import KeyProblem, ProviderRefused, ResultGone, StudioError, SubmitUnconfirmed
from klingstudio.domain.job import CancelAnswer, Remote
from klingstudio.net.download import Download
from klingstudio.providers.base import Account
from klingstudio.providers.registry import Entry
from tests.fakes.mirror import Answer, Mirror
from tests.fakes.operations import OPERATIONS, Ground, offers
from tests.fakes.sandbox import Sandbox
from tests.fakes.services import Clip, a_request, an_adapter, inputs, key_of, plain_tls
from tests.fakes.wire import Asked, Handler, Wire, reply

KEY = key_of("astray")
CALLS_MOST = 12
"""More than any operation makes."""
REDIRECTS = (301, 302, 303, 307, 308)
PAGE = b"<!DOCTYPE html><html><title>Welcome</title><h1>Log in to use this network</h1></html>"


def portal(status: int, login: str) -> Answer:
    """What a captive portal says to everything."""
    headers = (("Content-Type", "text/html"), ("Set-Cookie", "portal=1; Path=/"))
    return Answer(status, headers + ((("Location", login),) if status in REDIRECTS else ()), PAGE)


def redirect(status: int, there: str) -> Answer:
    return Answer(status, (("Location", f"{there}/x"),), b"")


class Stranger(Mirror):
    """The real sandbox for `good` calls, and from then on always the same answer."""

    def __init__(self, behind: str, answer: Answer, good: int) -> None:
        super().__init__(behind)
        self._stranger = answer
        self._good = good

    @property
    def has_spoken(self) -> bool:
        return len(self.asked) > self._good

    async def _answer(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        if self.has_spoken:
            writer.write(self._stranger.wire(asked.method))
        else:
            await super()._answer(asked, writer)


@dataclass(slots=True)
class Tally:
    """What came of it."""

    calls: int = 0
    wrong: list[str] = field(default_factory=list)


async def meet(entry: Entry, sandbox: Sandbox, file: Path, *, portals: tuple[int, ...], hops: tuple[int, ...]) -> Tally:
    """Every operation of a service, a stranger at each of its calls in turn."""
    tally = Tally()
    async with Wire(reply(200, b"{}")) as sink:
        # Another host by its name.
        there = sink.url.replace("127.0.0.1", "localhost")
        answers = [portal(status, f"{there}/login") for status in portals] + [redirect(code, there) for code in hops]
        for operation in OPERATIONS:
            if operation == "order" or not offers(entry, operation):
                continue
            on = await _ground(entry, sandbox, file, operation)
            for answer in answers:
                for good in range(CALLS_MOST):
                    if not await _meet_one(on, operation, sandbox, answer, good, tally):
                        break
        if sink.asked:
            tally.wrong.append(f"{entry.info.id}: {len(sink.asked)} requests followed to the other host")
    return tally


async def _meet_one(on: Ground, operation: str, sandbox: Sandbox, answer: Answer, good: int, tally: Tally) -> bool:
    """False when the operation makes no more calls than those that go well."""
    base = sandbox.at(on.entry.info.id)
    async with Stranger(base, answer, good) as stranger:
        links = {name: url.replace(base, stranger.url) for name, url in on.remote.links.items()}
        here = replace(on, remote=replace(on.remote, links=links), uploaded=on.uploaded.replace(base, stranger.url))
        async with an_adapter(on.entry, stranger.url, KEY, tries=2) as provider:
            try:
                outcome: object = await OPERATIONS[operation](provider, here)
            except StudioError as error:
                outcome = error
            except Exception as error:  # noqa: BLE001 - this is what is looked for
                outcome = error
        if not stranger.has_spoken:
            return False
        tally.calls += 1
        orders = [one for one in stranger.asked[good:] if operation == "submit"]
        complaint = _complaint(operation, answer.status, outcome, len(orders))
        # Whose key it is was told by then; what is asked after that is asked for the balance.
        if complaint and not (good and operation == "authorize" and isinstance(outcome, Account)):
            status = f"{answer.status} {'page' if answer.body else 'redirect'} at call {good + 1}"
            tally.wrong.append(f"{on.entry.info.id} {operation}, {status}: {complaint}: {outcome!r}")
        return True


def _complaint(operation: str, status: int, outcome: object, orders: int) -> str:
    match operation, outcome:
        case "submit", SubmitUnconfirmed():
            return "" if orders == 1 else f"{orders} orders were sent"
        case "submit", ProviderRefused() if status == 404:
            return "" if orders == 1 else f"{orders} orders were sent"
        case "submit", _:
            return "an order whose end is not known must be called that"
        case _, KeyProblem() if status != 401:
            return "the key is not to blame"
        case _, StudioError():
            return ""
        case _, Exception():
            return "an error that nobody knows"
        case ("cancel", CancelAnswer()) | ("charge" | "price", None) | ("delete", None):
            return ""
        case _:
            return "" if operation in {"poll", "find", "authorize", "price", "charge"} and status == 404 else "believed"


async def _ground(entry: Entry, sandbox: Sandbox, file: Path, operation: str) -> Ground:
    base = sandbox.at(entry.info.id)
    async with an_adapter(entry, base, KEY) as provider:
        order = await provider.order(a_request(entry), inputs(), Clip())
        receipt = await provider.submit(order)
        uploaded = ""
        if operation == "delete":
            uploaded = await provider.upload(file, "unique.mp4", lambda done, total: None)
    return Ground(entry, file, order, Remote(id=receipt.ids[0], links=receipt.links), uploaded)


async def fetch_from_strangers(folder: Path, *, portals: tuple[int, ...], hops: tuple[int, ...]) -> Tally:
    """A result's link at which the portal answers, or one that leads to where no result may be."""
    tally = Tally()
    part = folder / "take.part"
    async with Wire(reply(200, b"secret of the house")) as sink:
        answers = [portal(status, "https://127.0.0.1/login") for status in portals]
        # The sink stands for a service inside the house; only the exact names of this computer are the sandbox's.
        inside = sink.url.replace("127.0.0.1", "127.1")
        answers += [
            redirect(code, place) for code in hops for place in (inside, "file:///etc", "https://10.0.0.1", "//[::]")
        ]
        for answer in answers:
            async with Wire(_giving(answer)) as wire:
                tally.calls += 1
                try:
                    download = Download(part, tls=plain_tls(), allow_loopback=True)
                    await download.fetch(f"{wire.url}/take.mp4", lambda done, total: None)
                    tally.wrong.append(f"{answer.status} {answer.headers}: taken for a video")
                except ResultGone:
                    if answer.status != 404:
                        tally.wrong.append(f"{answer.status} {answer.headers}: taken for an expired link")
                except StudioError:
                    pass
                if Download.is_complete(part):
                    tally.wrong.append(f"{answer.status} {answer.headers}: a whole file is left")
        if sink.asked:
            tally.wrong.append("a result's link led to a service of the house")
    return tally


def _giving(answer: Answer) -> Handler:
    async def handler(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(answer.wire(asked.method))

    return handler
