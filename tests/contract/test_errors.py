"""Every documented error of every service, word for word, and what the program makes of it: the kind, the sentence, whether
it was charged, and the reply itself, made safe to show.

`errors/<provider>.json` holds the rows. A row without `definite` is about a call that costs nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from klingstudio.domain.errors import KeyProblem, Kind, Problem, ProviderRefused, StudioError, SubmitUnconfirmed
from klingstudio.domain.job import Remote
from klingstudio.logs import conceal
from klingstudio.providers.base import Cancelled, Failed
from klingstudio.providers.registry import SERVICES, Entry
from klingstudio.ui.text import sentence
from tests.fakes.services import Clip, a_request, an_adapter, each_service, inputs, key_of
from tests.fakes.wire import Handler, Wire, reply

ERRORS = Path(__file__).parent / "errors"
REMOTE = Remote(id="764cabcf-b745-4b3e-ae38-1200304cf45b")
KEY = key_of("errors")


@dataclass(frozen=True, slots=True)
class Row:
    """One documented error."""

    entry: Entry
    call: str
    replies: tuple[dict[str, Any], ...]
    kind: Kind
    charged: str | None
    definite: bool | None


def rows_of(entry: Entry) -> list[Row]:
    rows = json.loads((ERRORS / f"{entry.info.id}.json").read_text("utf-8"))
    return [
        Row(
            entry,
            row["call"],
            tuple(row["replies"]),
            Kind(row["kind"]),
            row.get("charged"),
            row.get("definite"),
        )
        for row in rows
    ]


ROWS = [
    pytest.param(row, id=f"{entry.info.id}-{n}-{row.call}-{row.kind}")
    for entry in SERVICES
    for n, row in enumerate(rows_of(entry), 1)
]


@pytest.mark.parametrize("row", ROWS)
async def test_a_documented_error_is_understood(row: Row) -> None:
    outcome = await told(row.entry, row.call, *(as_handler(one) for one in row.replies))

    problem = problem_of(outcome)
    assert problem.kind is row.kind, problem
    said = sentence(problem)
    assert said.title
    if row.definite is not None:
        assert isinstance(outcome, ProviderRefused | KeyProblem) == row.definite
        assert problem.charged == row.charged
    if isinstance(outcome, ProviderRefused | KeyProblem | Failed | SubmitUnconfirmed):
        assert problem.raw.startswith("HTTP "), "the reply is kept"
        assert problem.detail, "in the service's own words"


@each_service
async def test_what_is_shown_of_a_reply_has_no_key_and_no_signature(entry: Entry) -> None:
    conceal(KEY)
    words = f"key {KEY} is not good for https://files.invalid/clip.mp4?signature=5ignature"
    body = json.dumps({"error": words, "detail": words}).encode()

    outcome = await told(entry, "submit", reply(400, body, Content_Type="application/json"))

    problem = problem_of(outcome)
    assert "files.invalid" in problem.raw
    for secret in (KEY, "5ignature"):
        assert secret not in problem.raw
        assert secret not in problem.detail


@each_service
def test_errors_of_every_call_that_matters_are_in_the_corpus(entry: Entry) -> None:
    rows = rows_of(entry)

    assert {row.call for row in rows} == {"authorize", "submit", "poll"}
    assert {row.definite for row in rows if row.call == "submit"} == {True, False}


def as_handler(one: dict[str, Any]) -> Handler:
    body = one["body"]
    if isinstance(body, str):
        return reply(one["status"], body.encode(), **{"Content-Type": "text/html"} | one["headers"])
    return reply(one["status"], json.dumps(body).encode(), **{"Content-Type": "application/json"} | one["headers"])


async def told(entry: Entry, call: str, *handlers: Handler) -> object:
    """What the adapter makes of these answers to one call."""
    order = entry.planned_order(a_request(entry), inputs(), Clip())
    async with Wire(*handlers) as wire, an_adapter(entry, wire.url, KEY, tries=1) as provider:
        try:
            match call:
                case "authorize":
                    return await provider.authorize()
                case "submit":
                    return await provider.submit(order)
                case "poll":
                    return await provider.poll(REMOTE)
                case _:
                    raise AssertionError(call)
        except StudioError as error:
            return error


def problem_of(outcome: object) -> Problem:
    match outcome:
        case StudioError():
            return outcome.problem
        case Failed():
            return Problem(kind=outcome.kind, detail=outcome.reason, raw=outcome.raw)
        case Cancelled():
            return Problem(kind=Kind.EDIT_CANCELLED)
        case _:
            raise AssertionError(outcome)
