"""What each service would make of one request. Looked at without sending a thing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from klingstudio.domain.element import Element, Image
from klingstudio.domain.errors import InputRefused, Kind
from klingstudio.domain.job import Wait
from klingstudio.domain.media import Doubt, ImageFacts, Trim
from klingstudio.domain.price import Money
from klingstudio.domain.request import Request, Tier
from klingstudio.engine import compare as comparing
from klingstudio.engine.compare import Lack, Loss, Offer, compare
from klingstudio.media.worker import MediaWorker
from klingstudio.providers.registry import SERVICES
from tests.fakes.accounts import some_accounts
from tests.fakes.studio import FACTS, FakeMedia
from tests.fakes.wire import Asked, Wire, closed_port, reply


class Desk:
    """A source, what is in its files, and whose keys there are."""

    def __init__(self, folder: Path) -> None:
        self.source = folder / "street.mp4"
        self.source.write_bytes(b"measured by a fake")
        self.media = FakeMedia()
        self.environ: dict[str, str] = {}
        self.waits: dict[tuple[str, Tier], Wait] = {}

    def request(self, **changes: Any) -> Request:
        return replace(Request(source=str(self.source), prompt="Make it snow", provider="oxen"), **changes)

    async def compare(self, request: Request, *, takes: int = 1) -> dict[str, Offer]:
        async with some_accounts(self.environ) as accounts:
            offers = await compare(
                request,
                accounts.services(),
                takes=takes,
                media=cast("MediaWorker", self.media),
                accounts=accounts,
                waits=lambda provider, tier: self.waits.get((provider, tier)),
            )
        return {offer.info.id: offer for offer in offers}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def lacks(offer: Offer) -> set[Lack]:
    return {loss.lack for loss in offer.losses}


async def test_each_service_makes_an_offer_in_the_order_of_the_registry(desk: Desk) -> None:
    desk.environ["SEGMIND_API_KEY"] = "SG_a-key"

    offers = await desk.compare(desk.request())

    assert list(offers) == [entry.info.id for entry in SERVICES]
    assert [name for name, offer in offers.items() if offer.has_key] == ["segmind"]
    for offer in offers.values():
        assert offer.plan is not None
        assert offer.plan.is_identity
        assert offer.request.provider == offer.info.id


async def test_an_estimate_is_for_all_takes_and_keeps_its_currency(desk: Desk) -> None:
    offers = await desk.compare(desk.request(), takes=3)

    assert offers["oxen"].estimate == Money(Decimal("5.04"), "USD")
    assert offers["pixeldojo"].estimate == Money(Decimal("120.00"), "credits")


async def test_an_unknown_price_is_no_price(desk: Desk) -> None:
    offer = (await desk.compare(desk.request(tier=Tier.STANDARD)))["oxen"]

    assert offer.price is None
    assert offer.estimate is None
    assert offer.problem is None


async def test_each_order_is_the_providers_own_with_local_files_as_file_addresses(desk: Desk) -> None:
    picture = desk.source.with_name("hat.png")

    offers = await desk.compare(desk.request(images=(Image(place=str(picture)),)))

    bodies = {name: json.loads(offer.order.body) for name, offer in offers.items() if offer.order}
    assert bodies["oxen"]["input_video"] == desk.source.as_uri()
    assert bodies["oxen"]["input_image"] == [picture.as_uri()]
    assert bodies["segmind"]["video_url"] == desk.source.as_uri()
    assert bodies["segmind"]["image_urls"] == [picture.as_uri()]


async def test_elements_are_a_loss_and_a_problem_where_there_are_none(desk: Desk) -> None:
    desk.environ["OXEN_API_KEY"] = "a-key"
    desk.environ["KLINGSTUDIO_OXEN_URL"] = closed_port()
    elements = tuple(Element(frontal=str(desk.source.with_name(f"{n}.png"))) for n in range(2))

    offers = await desk.compare(desk.request(elements=elements))

    without = {name for name, offer in offers.items() if not offer.info.takes_elements}
    assert without == {"pixeldojo"}
    for name, offer in offers.items():
        assert (Loss(Lack.ELEMENTS, "2") in offer.losses) is (name in without)
        assert (offer.order is None) is (name in without)
    refused = offers["pixeldojo"]
    assert refused.problem is not None
    assert (refused.problem.kind, refused.problem.subject) == (Kind.NOT_SUPPORTED, "element:1")
    assert refused.estimate is not None, "what it would cost is told all the same"


async def test_files_need_a_host_with_a_key_where_the_service_has_none(desk: Desk) -> None:
    alone = (await desk.compare(desk.request()))["pixeldojo"]
    desk.environ["SEGMIND_API_KEY"] = "SG_a-key"
    hosted = (await desk.compare(desk.request()))["pixeldojo"]

    assert alone.problem is not None
    assert alone.problem.kind is Kind.HOST_MISSING
    assert (alone.host, alone.order) == (None, None)
    assert hosted.problem is None
    assert hosted.host is not None
    assert hosted.host.id == "segmind"
    assert hosted.order is not None
    assert lacks(alone) == lacks(hosted) == {Lack.HOSTING}


async def test_the_named_host_is_used_and_no_other(desk: Desk) -> None:
    desk.environ |= {"SEGMIND_API_KEY": "SG_a-key", "OXEN_API_KEY": "a-key", "KLINGSTUDIO_OXEN_URL": closed_port()}

    first = (await desk.compare(desk.request()))["pixeldojo"]
    named = (await desk.compare(desk.request(inputs_via="segmind")))["pixeldojo"]
    useless = (await desk.compare(desk.request(inputs_via="pixeldojo")))["pixeldojo"]

    assert first.host is not None
    assert first.host.id == "oxen"
    assert named.host is not None
    assert named.host.id == "segmind"
    assert useless.problem is not None
    assert useless.problem.kind is Kind.NOT_SUPPORTED


async def test_a_trim_is_cautioned_by_one_service_and_refused_by_another(desk: Desk) -> None:
    desk.media.clips["street.mp4"] = replace(FACTS, duration_s=30.0, frame_count=750)

    offers = await desk.compare(desk.request(trim=Trim(start_s=1.0, end_s=13.5)))

    for offer in offers.values():
        limits = offer.info.limits
        if limits.clip_limit_s < 12.5:
            assert offer.problem is not None
            assert offer.problem.kind is Kind.TRIM_TOO_LONG
            assert (offer.plan, offer.estimate, offer.order) == (None, None, None)
        else:
            assert offer.problem is None
            assert [caution.doubt for caution in offer.cautions] == [Doubt.CLIP_LONG]
            assert offer.cautions[0].source
    assert offers["pixeldojo"].problem
    assert offers["segmind"].cautions


async def test_what_is_cut_off_a_long_clip_is_a_loss(desk: Desk) -> None:
    desk.media.clips["street.mp4"] = replace(FACTS, duration_s=12.4, frame_count=310)

    offer = (await desk.compare(desk.request()))["oxen"]

    assert offer.losses == (Loss(Lack.LENGTH, "12.4 s → 10.0 s"),)
    assert offer.cautions == ()


async def test_more_references_are_cautioned_or_refused_by_each_services_own_number(desk: Desk) -> None:
    pictures = tuple(Image(place=str(desk.source.with_name(f"{n}.png"))) for n in range(5))

    offers = await desk.compare(desk.request(images=pictures))

    for offer in offers.values():
        if offer.info.limits.references_limit < 5:
            assert offer.problem is not None
            assert offer.problem.kind in {Kind.TOO_MANY_REFERENCES, Kind.HOST_MISSING}
        else:
            assert [(caution.doubt, caution.subject) for caution in offer.cautions] == [
                (Doubt.REFERENCES_MANY, "image:5")
            ]
    assert offers["oxen"].problem
    assert offers["segmind"].cautions


async def test_the_usual_wait_is_that_of_the_provider_and_tier(desk: Desk) -> None:
    desk.waits["segmind", Tier.PRO] = Wait(usual_s=312.0, jobs=4)
    desk.waits["oxen", Tier.STANDARD] = Wait(usual_s=100.0, jobs=1)

    offers = await desk.compare(desk.request())

    assert offers["segmind"].wait == Wait(usual_s=312.0, jobs=4)
    assert offers["oxen"].wait is None


def oxen_at(url: str) -> Mapping[str, str]:
    return {"OXEN_API_KEY": "a-key", "KLINGSTUDIO_OXEN_URL": url}


async def test_a_live_price_counts_and_nothing_but_reading_was_asked(desk: Desk) -> None:
    answer = json.dumps({"id": "edit", "pricing": {"cost_per_second": 0.168}}).encode()
    async with Wire(reply(200, answer, Content_Type="application/json")) as wire:
        desk.environ |= oxen_at(wire.url)
        offer = (await desk.compare(desk.request()))["oxen"]

    assert offer.price is not None
    assert offer.price.is_live
    assert offer.estimate == Money(Decimal("0.84"), "USD")
    assert {asked.method for asked in wire.asked} == {"GET"}


async def test_a_service_that_does_not_answer_is_not_waited_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def silence(_asked: Asked, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(comparing, "PRICE_PATIENCE_S", 0.3)
    async with Wire(silence) as wire:
        desk.environ |= oxen_at(wire.url)
        async with asyncio.timeout(10):
            offers = await desk.compare(desk.request())

    assert wire.asked
    price = offers["oxen"].price
    assert price is not None
    assert not price.is_live
    assert price.date == "2026-11-20"


@pytest.mark.parametrize("key", ["a-key", None])
async def test_a_service_that_is_down_offers_its_listed_price(desk: Desk, key: str | None) -> None:
    desk.environ["KLINGSTUDIO_OXEN_URL"] = closed_port()
    if key:
        desk.environ["OXEN_API_KEY"] = key

    offer = (await desk.compare(desk.request()))["oxen"]

    assert offer.has_key is bool(key)
    assert offer.price is not None
    assert not offer.price.is_live


async def test_a_source_that_nobody_can_use_is_refused_once(desk: Desk) -> None:
    desk.media.clips["street.mp4"] = InputRefused(Kind.SOURCE_DAMAGED, subject="source")

    with pytest.raises(InputRefused) as refused:
        await desk.compare(desk.request())

    assert refused.value.problem.kind is Kind.SOURCE_DAMAGED


async def test_a_picture_that_is_refused_names_its_tile_in_every_offer(desk: Desk) -> None:
    desk.media.pictures["hat.png"] = ImageFacts(format="png", width_px=100, height_px=100, size_bytes=900)
    hat = Image(place=str(desk.source.with_name("hat.png")))

    offers = await desk.compare(desk.request(images=(hat,)))

    for offer in offers.values():
        assert offer.problem is not None
        assert offer.problem.kind in {Kind.IMAGE_TOO_SMALL, Kind.HOST_MISSING}
    problem = offers["oxen"].problem
    assert problem is not None
    assert problem.subject == "image:1"


async def test_a_quality_that_a_service_lacks_is_a_loss_and_a_problem(desk: Desk) -> None:
    plain = replace(SERVICES[0].info, tiers=(Tier.STANDARD,))
    async with some_accounts({}) as accounts:
        (offer,) = await compare(
            desk.request(tier=Tier.PRO),
            (plain,),
            takes=1,
            media=cast("MediaWorker", desk.media),
            accounts=accounts,
            waits=lambda provider, tier: None,
        )

    assert Loss(Lack.TIER, Tier.PRO) in offer.losses
    assert offer.problem is not None
    assert offer.problem.kind is Kind.NOT_SUPPORTED
