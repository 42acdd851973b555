"""Fitting a clip before it is sent: the button, its progress, its end, and what Before shows of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from klingstudio.domain.errors import InputRefused, Kind
from klingstudio.domain.fit import plan_fit
from klingstudio.domain.job import State
from klingstudio.domain.media import Trim
from klingstudio.engine.fitting import Fits
from klingstudio.media.worker import MediaWorker
from klingstudio.ui.player.panel import SOURCE_KEY, PlayerPanel
from klingstudio.ui.player.playback.pair import Side
from klingstudio.ui.source.card import SourceCard
from klingstudio.ui.source.strip import TrimStrip
from klingstudio.ui.window.stage import FITTED_KEY
from tests.fakes.limits import LIMITS, SMALL
from tests.fakes.studio import FREE, PAID, a_job, a_request
from tests.ui.conftest import Desk
from tests.ui.player.conftest import fitted, read
from tests.ui.source.test_card import LONG, card_of, drag, menu_of, shown, span, strip_of
from tests.unit.media.numbered_clips import BLUE, numbered_clip


def click(desk: Desk) -> None:
    """Press the button of the card."""
    QTest.mouseClick(card_of(desk).fits.button, Qt.MouseButton.LeftButton)


async def begun(desk: Desk) -> SourceCard:
    """A clip that is being fitted."""
    card = await shown(desk, LONG)
    click(desk)
    await desk.until(lambda: bool(desk.studio.fits.under_way))
    return card


# --- the button --------------------------------------------------------------------------------------------------------


async def test_fitting_shows_how_far_it_is_and_then_that_it_is_done(desk: Desk, tmp_path: Path) -> None:
    card = await begun(desk)
    fit = desk.studio.fits.under_way[0]
    begins = card.fits.words, card.fits.button.text(), card.fits.line.isVisible()

    fit.tell(0.42)
    goes_on = card.fits.words, card.fits.line.value()
    fit.ended.set_result(tmp_path / "made.mp4")
    await desk.until(lambda: desk.draft.clip is not None)

    assert begins == ("Fitting…", "Cancel", True)
    assert goes_on == ("Fitting… 42%", 420)
    assert desk.draft.clip == tmp_path / "made.mp4"
    assert card.fits.words == "Fitted · Before shows it"
    assert not card.fits.line.isVisible()
    assert not card.fits.button.isVisible()


async def test_fitting_can_be_cancelled_and_begun_again(desk: Desk) -> None:
    card = await begun(desk)

    click(desk)
    await desk.until(lambda: not desk.studio.fits.under_way)
    cancelled = card.fits.words, card.fits.button.text()
    click(desk)
    await desk.until(lambda: bool(desk.studio.fits.under_way))

    assert cancelled[0].endswith("after this")
    assert cancelled[1] == "Fit"
    assert card.fits.button.text() == "Cancel"


async def test_what_went_wrong_is_said_at_the_card_and_can_be_tried_again(desk: Desk) -> None:
    card = await begun(desk)

    desk.studio.fits.under_way[0].ended.set_exception(InputRefused(Kind.SOURCE_DAMAGED, subject="source"))
    await desk.until(lambda: card.fits.tone == "bad")
    words, button = card.fits.words, card.fits.button.text()
    click(desk)
    await desk.until(lambda: bool(desk.studio.fits.under_way))

    assert words.startswith("This video is damaged or cut off.")
    assert button == "Try again"
    assert card.fits.tone == "secondary"


async def test_another_plan_stops_what_is_being_made(desk: Desk) -> None:
    card = await begun(desk)

    drag(desk, 10.0, 8.0)
    await desk.until(lambda: not desk.studio.fits.under_way)

    assert card.fits.button.text() == "Fit"
    assert desk.draft.clip is None


async def test_without_the_sound_it_is_another_clip(desk: Desk, tmp_path: Path) -> None:
    await begun(desk)
    desk.studio.fits.under_way[0].ended.set_result(tmp_path / "made.mp4")
    await desk.until(lambda: desk.draft.clip is not None)

    desk.draft.choose_keep_audio(False)
    without = desk.draft.clip
    desk.draft.undo()

    assert without is None
    assert desk.draft.clip == tmp_path / "made.mp4"


async def test_a_clip_that_was_made_earlier_is_taken_without_pressing(desk: Desk, tmp_path: Path) -> None:
    trim = Trim(start_s=0.0, end_s=8.0)
    made = Path("/clips/stream.mov"), plan_fit(LONG, LIMITS, trim), True
    desk.studio.fits.made[made] = tmp_path / "made.mp4"
    card = await shown(desk, LONG)
    before = desk.draft.clip

    desk.draft.set_trim(trim)

    assert before is None
    assert desk.draft.clip == tmp_path / "made.mp4"
    assert card.fits.words == "Fitted · Before shows it"
    assert not menu_of(card)["Fit now"]


async def test_another_clip_stops_what_is_being_made_of_the_first(desk: Desk) -> None:
    await begun(desk)

    desk.draft.set_source(Path("/clips/other.mp4"))
    await desk.until(lambda: not desk.studio.fits.under_way)

    assert desk.draft.source is not None
    assert desk.draft.source.fitting is None


# --- with real clips, and the player -----------------------------------------------------------------------------------


class Real:
    """The window with real files, a real media worker and the real player."""

    def __init__(self, desk: Desk, folder: Path) -> None:
        self.desk = desk
        self.media = MediaWorker()
        self.fits = Fits(folder / "fits", self.media)
        desk.studio.media, desk.studio.fits = self.media, self.fits  # type: ignore[assignment]
        desk.studio.providers = (PAID, replace(FREE, limits=SMALL))
        self.source = numbered_clip(folder / "street.mp4", 50)
        self.take = numbered_clip(folder / "street_v01.mp4", 20, first=15, ink=BLUE)

    async def open(self) -> None:
        await self.desk.start()
        self.desk.window.attach()
        self.desk.draft.set_source(self.source)
        await self.desk.until(lambda: self.desk.draft.source is not None and bool(self.desk.draft.source.strip))
        await self.until_painted(0)

    @property
    def player(self) -> PlayerPanel:
        player = self.desk.window.stage.player
        assert player is not None
        return player

    @property
    def before(self) -> str:
        clip = self.player.clip(Side.BEFORE)
        return clip.key if clip is not None else ""

    async def until_painted(self, number: int) -> None:
        """Wait until the frame with this number is read from the pixels of the window."""

        def is_painted() -> bool:
            image = self.player._view.grab().toImage()
            return read(image, fitted(image.rect()))[1] == number

        await self.desk.until(is_painted)

    def point(self, frame: int) -> QPoint:
        strip = self.strip
        return QPoint(round(strip.ruler.x_of(frame / 25)), strip.height() // 2)

    @property
    def strip(self) -> TrimStrip:
        return strip_of(self.desk)


@pytest_asyncio.fixture
async def real(desk: Desk, tmp_path: Path) -> AsyncIterator[Real]:
    made = Real(desk, tmp_path)
    yield made
    desk.window.detach()
    await desk.models.aclose()
    await made.fits.aclose()


async def test_the_very_frame_that_is_dragged_to_is_seen_and_the_fitted_clip_begins_there(real: Real) -> None:
    await real.open()
    desk, strip, first = real.desk, real.strip, real.point(0)

    QTest.mousePress(strip, Qt.MouseButton.LeftButton, pos=first)
    QTest.mouseMove(strip, real.point(8))
    QTest.mouseMove(strip, real.point(12))
    start = round(strip.part.start_s * 25)
    await real.until_painted(start)
    QTest.mouseRelease(strip, Qt.MouseButton.LeftButton, pos=real.point(12))
    QTest.mouseClick(card_of(desk).fits.button, Qt.MouseButton.LeftButton)
    await desk.until(lambda: desk.draft.clip is not None)
    await desk.until(lambda: real.before == FITTED_KEY)
    # At the same moment as before: the first frame of the clip is the one that was dragged to.
    await real.until_painted(start)

    strip.start.setFocus()
    QTest.keyClick(strip.start, Qt.Key.Key_Right)
    await real.until_painted(start + 1)
    with_another_plan = real.before, desk.draft.clip
    desk.draft.undo()
    await desk.until(lambda: real.before == FITTED_KEY)

    assert start > 8
    assert with_another_plan == (SOURCE_KEY, None)
    assert desk.draft.clip is not None
    assert card_of(desk).fits.words == "Fitted · Before shows it"
    facts = await real.media.probe(desk.draft.clip)
    assert facts.frame_count == 25 - start
    assert (facts.width_px, facts.height_px) == (160, 90)


async def test_a_take_is_compared_with_what_was_really_sent(real: Real) -> None:
    await real.open()
    desk = real.desk
    trim = Trim(start_s=0.6, end_s=1.4)
    request = a_request(source=str(real.source), provider=FREE.id, trim=trim)
    desk.studio.queue.tell(a_job(1, state=State.COMPLETED, take=str(real.take), request=request))

    desk.window.stage.show_take("job-1")
    before_it_was_made = real.before
    assert desk.draft.source is not None
    assert desk.draft.source.facts is not None
    plan = plan_fit(desk.draft.source.facts, SMALL, trim)
    await real.fits.fit(real.source, plan, limits=SMALL, keep_audio=True)
    desk.window.stage.show_take("job-1")
    clip = real.player.clip(Side.BEFORE)
    await desk.until(lambda: clip is not None and real.player._player.path(Side.BEFORE) == clip.path)
    timeline = real.player._player.timeline

    assert before_it_was_made == SOURCE_KEY
    assert real.before == FITTED_KEY
    # Both begin at the same moment of the source.
    assert timeline is not None
    assert timeline.offset_s == pytest.approx(0)
    assert timeline.count == 20


async def test_who_trims_sees_the_source_again_whatever_take_was_shown(real: Real, tmp_path: Path) -> None:
    await real.open()
    other = numbered_clip(tmp_path / "other.mp4", 30, ink=BLUE)
    request = a_request(source=str(other))
    real.desk.studio.queue.tell(a_job(1, state=State.COMPLETED, take=str(real.take), request=request))
    real.desk.window.stage.show_take("job-1")
    await real.desk.until(lambda: real.player._player.pair is not None and real.player._player.pair.after is not None)

    real.strip.start.setFocus()
    QTest.keyClick(real.strip.start, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    await real.until_painted(10)

    assert real.before == SOURCE_KEY
    assert real.player.clip(Side.AFTER) is None
    assert real.desk.window.stage.job == ""


async def test_the_marks_of_the_player_are_times_of_the_source(real: Real) -> None:
    await real.open()
    unmarked = real.desk.window.stage.marked()

    real.player.look_at(0.4)
    real.player._actions["mark_in"].trigger()
    real.player.look_at(1.0)
    real.player._actions["mark_out"].trigger()

    assert unmarked is None
    assert span(real.desk.window.stage.marked()) == pytest.approx((0.4, 1.04))
