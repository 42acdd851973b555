"""The PixelDojo adapter: what it sends, every form of an answer it may get, and what it makes of credits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from klingstudio.domain.element import Image
from klingstudio.domain.errors import (
    KeyProblem,
    Kind,
    NetworkProblem,
    ProviderRefused,
    SubmitUnconfirmed,
    UnexpectedReply,
)
from klingstudio.domain.job import Asset, Order, Remote
from klingstudio.domain.price import Money, Per
from klingstudio.domain.request import Request, Tier
from klingstudio.providers.base import Failed, Finished, Missing, Provider, RemoteStatus, Waiting
from klingstudio.providers.pixeldojo import INFO, JOBS, planned_order
from klingstudio.providers.registry import PIXELDOJO
from tests.fakes.sandbox import Sandbox, run_sandbox
from tests.fakes.services import Clip, an_adapter, charges, inputs, key_of
from tests.fakes.studio_run import a_clip
from tests.fakes.wire import Handler, Wire, reply

RUN = "/api/v1/models/kling-video-edit/run"
SINCE = datetime(2026, 9, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with run_sandbox(tmp_path_factory.mktemp("sandbox"), "--queue-delay", "0.05") as running:
        yield running


@pytest.fixture
def sandbox(shared: Sandbox) -> Sandbox:
    shared.faults([])
    shared.forget_requests()
    return shared


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return a_clip(tmp_path_factory.mktemp("clips") / "clip.mp4").read_bytes()


@asynccontextmanager
async def adapter(base: str, account: str = "somebody", **options: Any) -> AsyncIterator[Provider]:
    key = options.pop("key", key_of(account))
    async with an_adapter(PIXELDOJO, base, key, **options) as provider:
        yield provider


@asynccontextmanager
async def answered_by(*handlers: Handler) -> AsyncIterator[tuple[Provider, Wire]]:
    """The adapter with a server that says exactly this."""
    async with Wire(*handlers) as wire, adapter(wire.url, tries=1) as provider:
        yield provider, wire


def says(tree: object, status: int = 200, **headers: str) -> Handler:
    return reply(status, json.dumps(tree).encode(), **headers)


def an_order(video: str = "https://inputs.invalid/clip.mp4", **changes: Any) -> Order:
    request = Request(**({"source": "/clip.mp4", "prompt": "deep snow", "provider": "pixeldojo"} | changes))
    return planned_order(request, inputs(video), Clip())


async def end_of(provider: Provider, remote: Remote) -> RemoteStatus:
    while isinstance(status := await provider.poll(remote), Waiting):
        await asyncio.sleep(0.05)
    return status


# ---------------------------------------------------------------------------------------------------------------- orders


async def test_the_order_has_the_documented_fields_and_no_other(sandbox: Sandbox) -> None:
    pictures = (Image(place="/a.png"), Image(place="https://b.example/b.png"))
    request = Request(
        source="/c.mp4", prompt="snow on @Image1", provider="pixeldojo", images=pictures, keep_audio=False
    )
    assets = [Asset(subject="source", url="u0"), Asset(subject="image:1", url="u1"), Asset(subject="image:2", url="u2")]

    async with adapter(sandbox.at("pixeldojo")) as provider:
        order = await provider.order(request, assets, Clip(duration_s=4.5))

    assert order.path == RUN
    assert json.loads(order.body) == {
        "prompt": "snow on @Image1",
        "video_url": "u0",
        "video_duration": 4.5,
        "tier": "pro",
        "keep_audio": False,
        "image_urls": ["u1", "u2"],
    }
    assert sandbox.requests() == []


def test_without_pictures_there_is_no_list_of_them() -> None:
    body = json.loads(an_order(tier=Tier.STANDARD).body)

    assert body == {
        "prompt": "deep snow",
        "video_url": "https://inputs.invalid/clip.mp4",
        "video_duration": 3,
        "tier": "standard",
        "keep_audio": True,
    }


@pytest.mark.parametrize(
    ("length_s", "sent"),
    [(3.0, "3"), (5.041666666666667, "5.042"), (9.9999, "10"), (5.005, "5.005"), (3.0000001, "3.001")],
)
def test_the_length_is_the_true_one_and_never_shorter(length_s: float, sent: str) -> None:
    request = Request(source="/c.mp4", prompt="x", provider="pixeldojo")

    body = planned_order(request, inputs(), Clip(duration_s=length_s)).body

    assert f'"video_duration": {sent},' in body
    assert json.loads(body)["video_duration"] >= length_s


async def test_nothing_is_uploaded_to_a_provider_that_hosts_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"film")

    async with adapter(sandbox.at("pixeldojo")) as provider:
        with pytest.raises(ProviderRefused) as refused:
            await provider.upload(clip, "one.mp4", lambda done, total: None)

    assert refused.value.problem.kind is Kind.HOST_MISSING
    assert not INFO.hosts_files
    assert sandbox.requests() == []


# --------------------------------------------------------------------------------------------------------------- account


async def test_an_account_is_told_by_its_key_which_cannot_be_read_from_the_fingerprint(sandbox: Sandbox) -> None:
    base = sandbox.at("pixeldojo")
    async with adapter(base, "ann") as one, adapter(base, "ann") as same, adapter(base, "bob") as other:
        accounts = [await provider.authorize() for provider in (one, same, other)]

    assert accounts[0].fingerprint == accounts[1].fingerprint != accounts[2].fingerprint
    assert key_of("ann") not in repr(accounts[0])
    assert accounts[0].balance is None, "only an order tells the balance"


async def test_the_key_is_shown_once_however_often_it_is_asked_for(sandbox: Sandbox) -> None:
    async with adapter(sandbox.at("pixeldojo")) as provider:
        for _ in range(3):
            await provider.authorize()

    assert len(sandbox.requests("GET", JOBS)) == 1


async def test_a_refused_key_is_a_key_problem(sandbox: Sandbox) -> None:
    async with adapter(sandbox.at("pixeldojo"), key=key_of("ann", mood="refused")) as provider:
        with pytest.raises(KeyProblem) as refused:
            await provider.authorize()

    assert refused.value.problem.kind is Kind.KEY_REFUSED
    assert refused.value.problem.raw.startswith("HTTP 401")


# ----------------------------------------------------------------------------------------------------------------- price


async def test_the_price_is_derived_from_the_default_length_and_says_so(sandbox: Sandbox) -> None:
    async with adapter(sandbox.at("pixeldojo")) as provider:
        price = await provider.price(Tier.PRO)
        assert await provider.price(Tier.STANDARD) is None

    assert price is not None
    assert (price.rate, price.per) == (Money(Decimal(8), "credits"), Per.SECOND)
    assert "Derived from 40 credits" in price.note
    assert str(price.of(5)) == "40 credits"


@pytest.mark.parametrize(
    ("cost", "rate", "per"),
    [
        ({"default": 40, "type": "fixed", "amount": 40}, "40", Per.TAKE),
        ({"default": 40, "type": "per_second", "amount": 7.5}, "7.5", Per.SECOND),
        (35, "7", Per.SECOND),
    ],
)
async def test_a_price_that_says_how_it_counts_is_believed(cost: object, rate: str, per: Per) -> None:
    async with answered_by(says({"apiId": "kling-video-edit", "creditCost": cost})) as (provider, _):
        price = await provider.price(Tier.PRO)

    assert price is not None
    assert (price.rate, price.per) == (Money(Decimal(rate), "credits"), per)


@pytest.mark.parametrize("cost", [None, "free", {"type": "fixed"}, {"default": -3}, True])
async def test_a_price_that_is_none_is_unknown(cost: object) -> None:
    async with answered_by(says({"apiId": "kling-video-edit", "creditCost": cost})) as (provider, _):
        assert await provider.price(Tier.PRO) is None


# ---------------------------------------------------------------------------------------------------------------- submit


async def test_a_receipt_has_id_address_charge_balance_and_end(sandbox: Sandbox) -> None:
    async with adapter(sandbox.at("pixeldojo"), "receipt") as provider:
        first = await provider.submit(an_order())
        second = await provider.submit(an_order())

    (row, _) = charges(sandbox, PIXELDOJO, "receipt")
    assert first.ids == (row["generation_id"],)
    assert first.links == {"statusUrl": f"{sandbox.at('pixeldojo')}{JOBS}/{row['generation_id']}"}
    assert first.charge == Money(Decimal(24), "credits")
    assert (first.balance, second.balance) == (Money(Decimal(976), "credits"), Money(Decimal(952), "credits"))
    assert first.expires_at is not None
    assert timedelta(minutes=9) < first.expires_at - datetime.now(UTC) < timedelta(minutes=11)


@pytest.mark.parametrize("status", [200, 202])
async def test_both_statuses_of_acceptance_are_one(status: int) -> None:
    async with answered_by(says({"jobId": "job_1", "status": "pending"}, status)) as (provider, _):
        receipt = await provider.submit(an_order())

    assert receipt.ids == ("job_1",)
    assert (receipt.links, receipt.charge, receipt.balance, receipt.expires_at) == ({}, None, None, None)


REFUSALS = [
    (401, {"error": {"code": "unauthorized", "message": "Bad key", "status": 401}}, Kind.KEY_REFUSED, "Bad key"),
    (401, {"error": "Bad key"}, Kind.KEY_REFUSED, "Bad key"),
    (402, {"error": {"code": "insufficient_credits", "message": "Empty"}}, Kind.NO_CREDIT, "Empty"),
    (402, {"error": "Insufficient credits"}, Kind.NO_CREDIT, "Insufficient credits"),
    (403, {"error": {"code": "insufficient_credits", "message": "Empty", "status": 403}}, Kind.NO_CREDIT, "Empty"),
    (403, {"error": "insufficient_credits", "message": "Buy some"}, Kind.NO_CREDIT, "Buy some"),
    (403, {"message": "Forbidden"}, Kind.KEY_REFUSED, "Forbidden"),
    (404, {"error": {"code": "model_not_found", "message": "No such model"}}, Kind.MODEL_GONE, "No such model"),
    (422, {"error": {"code": "validation_error", "message": "No length"}}, Kind.REQUEST_REJECTED, "No length"),
    (422, {"error": "No length"}, Kind.REQUEST_REJECTED, "No length"),
    (400, {"message": "No"}, Kind.REQUEST_REJECTED, "No"),
    (400, {}, Kind.REQUEST_REJECTED, "HTTP 400"),
]


@pytest.mark.parametrize(("status", "body", "kind", "words"), REFUSALS)
async def test_every_refusal_has_its_kind_its_words_and_its_reply(
    status: int, body: dict[str, Any], kind: Kind, words: str
) -> None:
    async with answered_by(says(body, status)) as (provider, wire):
        with pytest.raises((KeyProblem, ProviderRefused)) as refused:
            await provider.submit(an_order())

    assert (refused.value.problem.kind, refused.value.problem.detail) == (kind, words)
    assert refused.value.problem.raw.startswith(f"HTTP {status}\n")
    assert len(wire.asked) == 1


@pytest.mark.parametrize(("headers", "wait_s"), [({"Retry_After": "7"}, 7.0), ({}, None)])
async def test_too_many_requests_is_no_refusal(headers: dict[str, str], wait_s: float | None) -> None:
    async with answered_by(says({"error": "Rate limit"}, 429, **headers)) as (provider, wire):
        with pytest.raises(NetworkProblem) as busy:
            await provider.submit(an_order())

    assert busy.value.retry_after_s == wait_s
    assert len(wire.asked) == 1


@pytest.mark.parametrize("body", [{}, {"jobId": ""}, {"jobId": 7}, {"jobId": "x" * 300}, []])
async def test_an_acceptance_without_a_usable_id_is_unconfirmed(body: object) -> None:
    async with answered_by(says(body, 202)) as (provider, _):
        with pytest.raises(SubmitUnconfirmed):
            await provider.submit(an_order())


@pytest.mark.parametrize("other", [False, True])
async def test_an_empty_account_is_told_from_a_wrong_key_in_both_forms(sandbox: Sandbox, other: bool) -> None:
    sandbox.faults([{"call": "submit", "kind": "other_error"}] if other else [])
    async with adapter(sandbox.at("pixeldojo"), key=key_of("poor", mood="broke")) as provider:
        with pytest.raises(ProviderRefused) as refused:
            await provider.submit(an_order())

    assert refused.value.problem.kind is Kind.NO_CREDIT
    assert charges(sandbox, PIXELDOJO, "poor") == []


# ------------------------------------------------------------------------------------------------------------------ poll


async def test_a_clip_goes_in_and_a_take_that_ends_with_its_link_comes_out(sandbox: Sandbox, film: bytes) -> None:
    async with (
        Wire(reply(200, film, Content_Type="video/mp4")) as host,
        adapter(sandbox.at("pixeldojo"), "take") as provider,
    ):
        receipt = await provider.submit(an_order(f"{host.url}/clip.mp4"))
        remote = Remote(id=receipt.ids[0], links=receipt.links)
        status = await end_of(provider, remote)
        charge = await provider.charge(remote)

    assert isinstance(status, Finished), status
    assert status.expires_at is not None
    assert f"expires={status.expires_at.timestamp():.3f}".rstrip("0").rstrip(".") in status.url
    assert provider.result_headers(status.url) == {}
    assert charge == Money(Decimal(24), "credits")
    assert "authorization" not in host.asked[0].headers


@pytest.mark.parametrize("other", [False, True])
async def test_a_failed_edit_tells_why_and_costs_nothing(sandbox: Sandbox, other: bool) -> None:
    account = f"failed{int(other)}"
    sandbox.faults([{"call": "submit", "kind": "fail_job", "message": "the model is tired"}])
    async with adapter(sandbox.at("pixeldojo"), account) as provider:
        receipt = await provider.submit(an_order())
        remote = Remote(id=receipt.ids[0], links=receipt.links)
        sandbox.faults([{"call": "poll", "kind": "other_error", "times": 0}] if other else [])
        status = await end_of(provider, remote)
        charge = await provider.charge(remote)
        again = await provider.submit(an_order())

    assert isinstance(status, Failed)
    assert status.reason == "the model is tired"
    assert status.raw.startswith("HTTP 200\n")
    assert charge == Money(Decimal(0), "credits")
    assert again.balance == receipt.balance, "the credits of the failed edit came back"


@pytest.mark.parametrize(
    "shown",
    [
        {"output": {"video": "https://t.example/v.mp4"}},
        {"output": {"video": {"url": "https://t.example/v.mp4"}}},
        {"output": {"videos": ["https://t.example/v.mp4"]}},
        {"output": {"videos": [{"url": "https://t.example/v.mp4"}]}},
        {"assets": [{"url": "https://t.example/v.mp4"}]},
        {"output": {"video": None}, "assets": [{"url": "https://t.example/v.mp4"}]},
    ],
)
async def test_the_video_is_found_wherever_it_stands(shown: dict[str, Any]) -> None:
    tree = {"jobId": "job_1", "status": "completed", "expiresAt": "2026-09-01T12:00:00Z"} | shown
    async with answered_by(says(tree)) as (provider, _):
        status = await provider.poll(Remote(id="job_1"))

    assert status == Finished("https://t.example/v.mp4", expires_at=datetime(2026, 9, 1, 12, tzinfo=UTC))


@pytest.mark.parametrize(
    ("tree", "word"),
    [
        ({"jobId": "job_1", "status": "pending"}, "pending"),
        ({"jobId": "job_1", "status": "processing"}, "processing"),
        ({"jobId": "job_1", "status": "rehearsing"}, "rehearsing"),
        ({"jobId": "job_1", "status": "completed"}, "completed, no result yet"),
        (
            {"jobId": "job_1", "status": "completed", "output": {"image": "https://t.example/v.png"}},
            "completed, no result yet",
        ),
    ],
)
async def test_everything_else_is_still_running(tree: dict[str, Any], word: str) -> None:
    async with answered_by(says(tree)) as (provider, _):
        status = await provider.poll(Remote(id="job_1"))

    assert status == Waiting(word, is_done=word.startswith("completed"))


@pytest.mark.parametrize(
    ("error", "reason", "kind"),
    [
        ("no faces", "no faces", Kind.EDIT_FAILED),
        ({"message": "no faces", "code": "model_error"}, "no faces", Kind.EDIT_FAILED),
        ({"code": "insufficient_credits"}, "insufficient_credits", Kind.NO_CREDIT),
        (None, "no reason given", Kind.EDIT_FAILED),
        (["no"], "no reason given", Kind.EDIT_FAILED),
    ],
)
async def test_a_failure_is_read_in_every_form(error: object, reason: str, kind: Kind) -> None:
    async with answered_by(says({"jobId": "job_1", "status": "failed", "error": error})) as (provider, _):
        status = await provider.poll(Remote(id="job_1"))

    assert isinstance(status, Failed)
    assert (status.reason, status.kind) == (reason, kind)


async def test_the_named_address_is_asked_where_it_is_the_providers_own() -> None:
    async with answered_by(says({"status": "pending"})) as (provider, wire):
        await provider.poll(Remote(id="job_1", links={"statusUrl": f"{wire.url}/api/v2/status/job_1?x=1"}))
        await provider.poll(Remote(id="job_1", links={"statusUrl": "https://thief.example/api/v1/jobs/job_1"}))
        await provider.poll(Remote(id="job/1 2"))

    assert [asked.path for asked in wire.asked] == ["/api/v2/status/job_1?x=1", f"{JOBS}/job_1", f"{JOBS}/job%2F1%202"]


async def test_an_unknown_job_is_missing_and_a_strange_answer_says_nothing() -> None:
    async with answered_by(
        says({"error": {"code": "job_not_found", "message": "Job not found"}}, 404),
        reply(404, b"<html>gone</html>"),
        says({"jobId": "job_2", "status": "completed"}),
        says({"jobId": "job_1"}),
        says([1, 2]),
    ) as (provider, _):
        assert await provider.poll(Remote(id="job_1")) == Missing()
        for _ in range(4):
            with pytest.raises(UnexpectedReply):
                await provider.poll(Remote(id="job_1"))


# ------------------------------------------------------------------------------------------------------------------ list


async def test_a_job_whose_answer_was_lost_is_found_by_its_input(sandbox: Sandbox) -> None:
    sandbox.faults([{"call": "submit", "kind": "drop_after"}])
    async with adapter(sandbox.at("pixeldojo"), "lost") as provider:
        with pytest.raises(SubmitUnconfirmed):
            await provider.submit(an_order("https://inputs.invalid/lost.mp4"))
        (found,) = await provider.find(SINCE)

    (row,) = charges(sandbox, PIXELDOJO, "lost")
    assert (found.remote_id, found.input_video) == (row["generation_id"], "https://inputs.invalid/lost.mp4")
    assert found.created_at is not None
    assert abs(found.created_at - datetime.now(UTC)) < timedelta(minutes=1)


async def test_a_row_that_does_not_show_its_input_could_be_any_job(sandbox: Sandbox) -> None:
    async with adapter(sandbox.at("pixeldojo"), "bare") as provider:
        await provider.submit(an_order())
        sandbox.faults([{"call": "list", "kind": "list_bare", "times": 1}])
        assert await provider.find(SINCE) == ()
        assert len(await provider.find(SINCE)) == 1


ROW = {"jobId": "job_1", "createdAt": "2026-09-01T12:00:00Z"}


@pytest.mark.parametrize(
    "tree",
    [
        {"jobs": [ROW | {"input": {"video_url": "u"}}]},
        {"jobs": [ROW | {"inputs": {"video_url": "u"}}]},
        {"data": [ROW | {"request": {"video_url": "u"}}]},
        {"items": [ROW | {"video_url": "u"}]},
        [ROW | {"parameters": {"video_url": "u"}}],
        [{"id": "job_1", "created_at": 1788264000, "params": {"video_url": "u"}}],
        [{"id": "job_1", "created_at": 1788264000000, "params": {"video_url": "u"}}],
        {"jobs": ["junk", {"jobId": 7}, ROW, ROW | {"input": "u"}, ROW | {"input": {"video_url": "u"}}]},
    ],
)
async def test_rows_are_understood_in_every_plausible_form(tree: object) -> None:
    async with answered_by(says(tree)) as (provider, _):
        (found,) = await provider.find(SINCE)

    assert (found.remote_id, found.input_video) == ("job_1", "u")
    assert found.created_at == datetime(2026, 9, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("tree", [{}, {"jobs": None}, "jobs", 3, None])
async def test_a_list_that_is_none_is_not_an_empty_list(tree: object) -> None:
    async with answered_by(says(tree)) as (provider, _):
        with pytest.raises(UnexpectedReply):
            await provider.find(SINCE)


# --------------------------------------------------------------------------------------------------- cancel and charge


async def test_there_is_no_cancel_and_nothing_is_sent_for_it() -> None:
    async with answered_by(says({})) as (provider, wire):
        for refused in (provider.cancel(Remote(id="job_1")), provider.delete("https://h.example/x.mp4")):
            with pytest.raises(ProviderRefused) as error:
                await refused
            assert error.value.problem.kind is Kind.NOT_SUPPORTED

    assert wire.asked == []
    assert not INFO.can_cancel


@pytest.mark.parametrize(
    ("tree", "status", "charge"),
    [
        ({"jobId": "job_1", "status": "completed", "creditCost": 40}, 200, Decimal(40)),
        ({"jobId": "job_1", "status": "completed", "creditCost": 12.5}, 200, Decimal("12.5")),
        ({"jobId": "job_1", "status": "completed"}, 200, None),
        ({"jobId": "job_1", "status": "completed", "creditCost": -1}, 200, None),
        ({"jobId": "job_1", "status": "failed", "creditCost": 40}, 200, Decimal(0)),
        ({"error": "gone"}, 404, None),
    ],
)
async def test_the_charge_is_what_the_job_says(tree: object, status: int, charge: Decimal | None) -> None:
    async with answered_by(says(tree, status)) as (provider, _):
        told = await provider.charge(Remote(id="job_1"))

    assert told == (None if charge is None else Money(charge, "credits"))
