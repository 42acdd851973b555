"""What is wrong with a request is told at its place, before anything is sent or asked."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from klingstudio.domain.element import Element, Image
from klingstudio.domain.errors import InputRefused, Kind, SpendingRefused, StudioError
from klingstudio.domain.price import Money
from klingstudio.domain.request import Request, Tier
from klingstudio.engine import accounts as accounting
from klingstudio.engine.preflight import Preflight, check_abilities, check_price, preflight
from klingstudio.media.worker import MediaWorker
from klingstudio.providers.registry import SERVICES
from tests.fakes.accounts import some_accounts
from tests.fakes.studio import FakeMedia

OXEN = next(entry.info for entry in SERVICES if entry.info.id == "oxen")


class Desk:
    """A source, and what is in its files."""

    def __init__(self, folder: Path) -> None:
        self.source = folder / "street.mp4"
        self.source.write_bytes(b"measured by a fake")
        self.media = FakeMedia()

    def request(self, **changes: Any) -> Request:
        return replace(Request(source=str(self.source), prompt="Make it snow", provider="oxen"), **changes)

    async def check(self, **changes: Any) -> Preflight:
        async with some_accounts({}) as accounts:
            return await preflight(self.request(**changes), media=cast("MediaWorker", self.media), accounts=accounts)

    async def refused(self, **changes: Any) -> StudioError:
        with pytest.raises(StudioError) as error:
            await self.check(**changes)
        return error.value


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


async def test_a_good_request_is_priced_and_hosted_without_a_key(desk: Desk) -> None:
    checked = await desk.check(images=(Image(place="https://web.example/a.png"),))

    assert checked.host == OXEN
    assert checked.estimate == (checked.price.of(checked.plan.duration_s) if checked.price else None)
    assert checked.estimate is not None


@pytest.mark.parametrize("number", [1, 2])
async def test_a_picture_that_cannot_be_used_is_told_at_its_tile(desk: Desk, tmp_path: Path, number: int) -> None:
    pictures = []
    for name in ("one.png", "two.png"):
        (tmp_path / name).touch()
        pictures.append(Image(place=str(tmp_path / name)))
    desk.media.pictures[("one.png", "two.png")[number - 1]] = InputRefused(Kind.IMAGE_UNREADABLE, "not a picture")

    error = await desk.refused(images=tuple(pictures), prompt="Make it snow on @Image1 and @Image2")

    assert (error.problem.kind, error.problem.subject) == (Kind.IMAGE_UNREADABLE, f"image:{number}")


async def test_a_price_that_nobody_knows_is_paid_only_by_who_agreed_to_that(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounting, "listed_prices", dict)

    error = await desk.refused()
    checked = await desk.check(accepts_unknown_price=True)

    assert isinstance(error, SpendingRefused)
    assert error.problem.kind is Kind.PRICE_UNKNOWN
    assert (checked.price, checked.estimate) == (None, None)


async def test_a_cap_below_the_price_sends_nothing_and_one_above_it_does(desk: Desk) -> None:
    estimate = (await desk.check()).estimate
    assert estimate is not None
    error = await desk.refused(max_cost=estimate.amount - Decimal("0.01"))

    assert error.problem.kind is Kind.OVER_MAX_COST
    assert str(estimate) in error.problem.detail
    assert (await desk.check(max_cost=estimate.amount)).estimate == estimate
    async with some_accounts({}) as accounts:
        priced = await check_price(desk.request(takes=2), 5.0, accounts)
    assert priced == Money(estimate.amount * 2, estimate.currency)


async def test_a_source_that_is_gone_is_told_before_its_pictures(desk: Desk) -> None:
    desk.source.unlink()

    error = await desk.refused(images=(Image(place="/nowhere.png"),))

    assert (error.problem.kind, error.problem.subject) == (Kind.SOURCE_MISSING, "source")


@pytest.mark.parametrize(
    ("changes", "subject"),
    [
        ({"prompt": "snow \udcff"}, "prompt"),
        ({"out": "/takes/\udcff"}, "out"),
        ({"elements": (Element(frontal="/a.png", name="Mia \udcff"),)}, "element:1"),
    ],
)
async def test_bytes_that_are_no_text_are_told_at_their_place(
    desk: Desk, changes: dict[str, Any], subject: str
) -> None:
    error = await desk.refused(provider="fal", **changes)

    assert (error.problem.kind, error.problem.subject) == (Kind.SETTING_INVALID, subject)


def test_what_a_provider_does_not_offer_at_all_is_refused_by_name() -> None:
    request = Request(source="/clip.mp4", prompt="snow", provider="oxen", tier=Tier.PRO)
    services = [entry.info for entry in SERVICES]
    one_tier = replace(OXEN, tiers=(Tier.STANDARD,))

    with pytest.raises(InputRefused, match="has no pro tier"):
        check_abilities(request, one_tier, services)
    with pytest.raises(InputRefused, match="hosts the files itself"):
        check_abilities(replace(request, inputs_via="fal"), OXEN, services)
    check_abilities(request, OXEN, services)
