"""The card of the source: what it says of a clip, and what can be done there by hand and by key."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from klingstudio.domain.errors import Kind
from klingstudio.domain.media import ClipFacts, Framing, Trim
from klingstudio.ui.source.card import SourceCard
from klingstudio.ui.source.part_field import PartField
from klingstudio.ui.source.strip import TrimStrip
from klingstudio.ui.text import Button
from tests.fakes.studio import FACTS, refused_source
from tests.ui.conftest import Desk

CLIP = Path("/clips/stream.mov")
LONG = replace(
    FACTS,
    video_codec="hevc",
    is_hdr=True,
    bit_depth=10,
    pixel_format="yuv420p10le",
    width_px=1920,
    height_px=1080,
    duration_s=12.4,
    frame_count=310,
    size_bytes=48_000_000,
)
"""Longer than the provider takes, and in another codec."""


def card_of(desk: Desk) -> SourceCard:
    return desk.window.source.card


def strip_of(desk: Desk) -> TrimStrip:
    strip = card_of(desk).strip
    assert strip is not None
    return strip


def part_of(desk: Desk) -> PartField:
    part = card_of(desk).part
    assert part is not None
    return part


async def shown(desk: Desk, facts: ClipFacts, path: Path = CLIP) -> SourceCard:
    """The window with this clip, every picture of it included."""
    desk.studio.media.clips[path.name] = facts
    await desk.start()
    desk.draft.set_source(path)
    await desk.until(lambda: desk.draft.source is not None and bool(desk.draft.source.strip))
    return card_of(desk)


def span(trim: Trim | None) -> tuple[float, float] | None:
    return (trim.start_s, trim.end_s) if trim is not None else None


def place(desk: Desk, time_s: float) -> QPoint:
    strip = strip_of(desk)
    return QPoint(round(strip.ruler.x_of(time_s)), strip.height() // 2)


def drag(desk: Desk, from_s: float, to_s: float, *, lets_go: bool = True) -> None:
    strip, at, to = strip_of(desk), place(desk, from_s), place(desk, to_s)
    QTest.mousePress(strip, Qt.MouseButton.LeftButton, pos=at)
    QTest.mouseMove(strip, (at + to) / 2)
    QTest.mouseMove(strip, to)
    if lets_go:
        QTest.mouseRelease(strip, Qt.MouseButton.LeftButton, pos=to)


def press(key: Qt.Key, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    focus = QApplication.focusWidget()
    assert focus is not None
    QTest.keyClick(focus, key, keys)


# --- what it says ------------------------------------------------------------------------------------------------------


async def test_the_card_tells_the_facts_and_the_plan(desk: Desk) -> None:
    card = await shown(desk, LONG)

    assert card.facts == "12.4 s · 1920×1080 · 25 fps\nHEVC HDR · sound · 48 MB"
    assert part_of(desk).words == "0:00.00 – 0:10.00 · 10.0 s"
    assert "12.4 s → " in card.plan
    assert "10.0 s" in card.plan
    assert "H.264 SDR" in card.plan
    assert card.fits.words.endswith("after this")
    assert card.fits.tone == "good"
    assert card.fits.button.text() == "Fit"


async def test_a_clip_that_fits_shows_all_of_it_and_no_button(desk: Desk) -> None:
    card = await shown(desk, FACTS)

    assert card.fits.words.endswith("as it is")
    assert card.plan == ""
    assert not card.fits.button.isVisible()
    assert part_of(desk).words == "0:00.00 – 0:05.00 · 5.0 s"
    assert (strip_of(desk).ruler.left, strip_of(desk).ruler.right) == (0, pytest.approx(strip_of(desk).width()))


async def test_a_clip_that_is_too_short_says_so_and_cannot_be_cut(desk: Desk) -> None:
    desk.studio.media.clips[CLIP.name] = replace(FACTS, duration_s=2.0, frame_count=50)
    await desk.start()
    desk.draft.set_source(CLIP)
    await desk.until(lambda: desk.draft.source is not None and bool(desk.draft.source.strip))

    assert card_of(desk).fits.words.startswith("This clip is too short: 2.0 s")
    assert card_of(desk).fits.help.text() == Button.CHOOSE_VIDEO
    assert not strip_of(desk).can_trim


async def test_a_file_that_cannot_be_read_has_no_strip(desk: Desk) -> None:
    desk.studio.media.clips[CLIP.name] = refused_source(Kind.SOURCE_NOT_VIDEO)
    await desk.start()
    desk.draft.set_source(CLIP)
    await desk.until(lambda: desk.draft.source is not None and desk.draft.source.problem is not None)

    assert card_of(desk).strip is None
    assert card_of(desk).fits.help.isVisible()


async def test_a_clip_whose_frames_cannot_be_listed_can_still_be_sent(desk: Desk) -> None:
    desk.studio.media.times[CLIP.name] = refused_source(Kind.SOURCE_DAMAGED)
    desk.studio.media.clips[CLIP.name] = LONG
    await desk.start()
    desk.draft.set_source(CLIP)
    await desk.until(lambda: desk.draft.source is not None and desk.draft.source.strip_problem is not None)

    assert strip_of(desk).words == "This clip cannot be trimmed here"
    assert card_of(desk).fits.words.endswith("after this")
    assert desk.draft.source is not None
    assert desk.draft.source.problem is None


# --- trimming ----------------------------------------------------------------------------------------------------------


async def test_a_drag_is_one_step_of_undo_however_long_it_takes(desk: Desk) -> None:
    await shown(desk, LONG)

    drag(desk, 10.0, 8.7, lets_go=False)
    while_held = desk.draft.trim, part_of(desk).words, card_of(desk).plan
    QTest.mouseRelease(strip_of(desk), Qt.MouseButton.LeftButton, pos=place(desk, 8.7))
    first = desk.draft.trim
    drag(desk, 0.0, 1.2)
    second = desk.draft.trim

    assert while_held[0] is None
    assert while_held[1].endswith(" s of 10 s")
    assert "8.7 s" in while_held[2] or "8.8 s" in while_held[2] or "8.6 s" in while_held[2]
    assert first is not None
    assert second is not None
    assert (first.start_s, second.end_s) == (0.0, first.end_s)
    assert second.start_s == pytest.approx(1.2, abs=0.06)
    desk.draft.undo()
    assert desk.draft.trim == first
    desk.draft.undo()
    assert desk.draft.trim is None
    assert part_of(desk).words == "0:00.00 – 0:10.00 · 10.0 s"
    desk.draft.redo()
    assert desk.draft.trim == first
    assert strip_of(desk).part == first


async def test_escape_gives_a_drag_back_and_leaves_nothing_to_undo(desk: Desk) -> None:
    await shown(desk, LONG)
    before = desk.draft.undo_label
    words = card_of(desk).plan

    drag(desk, 10.0, 7.0, lets_go=False)
    press(Qt.Key.Key_Escape)
    QTest.mouseRelease(strip_of(desk), Qt.MouseButton.LeftButton, pos=place(desk, 7.0))

    assert desk.draft.trim is None
    assert desk.draft.undo_label == before
    assert part_of(desk).words == "0:00.00 – 0:10.00 · 10.0 s"
    assert card_of(desk).plan == words


async def test_tab_leads_to_both_ends_and_keys_in_a_row_are_one_step(desk: Desk) -> None:
    card = await shown(desk, LONG)
    card.setFocus()

    stops: list[QWidget | None] = []
    for _ in range(3):
        press(Qt.Key.Key_Tab)
        stops.append(QApplication.focusWidget())
    strip_of(desk).start.setFocus()
    for _ in range(3):
        press(Qt.Key.Key_Right)
    press(Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    trimmed = desk.draft.trim
    desk.draft.undo()

    assert stops[:2] == [strip_of(desk).start, strip_of(desk).end]
    assert span(trimmed) == pytest.approx((13 / 25, 10.0))
    assert desk.draft.trim is None


async def test_the_whole_clip_is_no_trim(desk: Desk) -> None:
    await shown(desk, FACTS)

    drag(desk, 5.0, 4.0)
    trimmed = desk.draft.trim
    strip_of(desk).end.setFocus()
    press(Qt.Key.Key_End)

    assert trimmed is not None
    assert desk.draft.trim is None
    assert card_of(desk).fits.words.endswith("as it is")


async def test_what_is_looked_at_while_trimming_is_told_to_the_player(desk: Desk) -> None:
    card = await shown(desk, LONG)
    seen: list[tuple[float, bool]] = []
    ended: list[bool] = []
    card.previewed.connect(lambda time_s, at_rest: seen.append((time_s, at_rest)))
    card.preview_ended.connect(lambda: ended.append(True))

    drag(desk, 10.0, 8.7)

    assert [at_rest for _, at_rest in seen] == [False, False, False, True]
    assert seen[-1][0] == pytest.approx(strip_of(desk).part.end_s - 1 / 25)
    assert ended == [True]


# --- in figures --------------------------------------------------------------------------------------------------------


async def written(desk: Desk, start: str, end: str) -> PartField:
    """The two fields, opened and filled by hand."""
    part = part_of(desk)
    QTest.mouseClick(part._button, Qt.MouseButton.LeftButton)
    for field, words in ((part.start, start), (part.end, end)):
        field.selectAll()
        QTest.keyClicks(field, words)
    return part


@pytest.mark.parametrize(
    ("start", "end", "trim"),
    [
        ("0:01.20", "0:09.91", (1.2, 9.92)),
        ("1,2", "9.92", (1.2, 9.92)),
        ("31f", "248f", (1.2, 9.92)),
        ("+30", "-2f", (1.2, 9.92)),
        ("+1s", "10", (1.0, 10.0)),
    ],
)
async def test_start_and_end_can_be_written(desk: Desk, start: str, end: str, trim: tuple[float, float]) -> None:
    await shown(desk, LONG)

    part = await written(desk, start, end)
    press(Qt.Key.Key_Return)

    assert desk.draft.trim is not None
    # The nearest places where the clip can be cut.
    assert (desk.draft.trim.start_s, desk.draft.trim.end_s) == pytest.approx(trim, abs=0.021)
    assert desk.draft.trim.start_s * 25 == pytest.approx(round(desk.draft.trim.start_s * 25))
    assert not part.is_asking
    assert QApplication.focusWidget() is part._button


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        ("soon", "9", "Write a time such as 0:01.20, 3.5 or 80f"),
        ("1", "13", "The source goes from 0:00.00 to 0:12.40"),
        ("9", "2", "The end has to come after the start"),
        ("1", "3", "That is 2.0 s; the least is 3 s"),
        ("0", "500f", "The source goes from 0:00.00 to 0:12.40"),
    ],
)
async def test_what_makes_no_sense_says_why_and_can_be_corrected(desk: Desk, start: str, end: str, words: str) -> None:
    await shown(desk, LONG)

    part = await written(desk, start, end)
    press(Qt.Key.Key_Return)
    wrong, trim = part.wrong, desk.draft.trim
    press(Qt.Key.Key_4)
    after_typing = part.wrong
    press(Qt.Key.Key_Escape)

    assert wrong == words
    assert trim is None
    assert after_typing == ""
    assert not part.is_asking
    assert desk.draft.trim is None


async def test_who_writes_it_may_have_what_only_one_document_accepts(desk: Desk) -> None:
    card = await shown(desk, replace(LONG, duration_s=20.0, frame_count=500))

    await written(desk, "0", "12")
    press(Qt.Key.Key_Return)

    assert desk.draft.trim == Trim(start_s=0.0, end_s=12.0)
    assert card.fits.tone == "warning"
    assert "12.0 s may be too long" in card.fits.words


@pytest.mark.parametrize(("end", "trim"), [("9", Trim(start_s=1.0, end_s=9.0)), ("soon", None)])
async def test_going_elsewhere_takes_what_was_written_where_it_makes_sense(
    desk: Desk, end: str, trim: Trim | None
) -> None:
    await shown(desk, LONG)

    part = await written(desk, "1", end)
    press(Qt.Key.Key_Tab)
    is_asking = part.is_asking
    desk.edit.setFocus()

    assert is_asking
    assert not part.is_asking
    assert desk.draft.trim == trim


# --- its shape ---------------------------------------------------------------------------------------------------------


async def test_a_shape_that_cannot_be_scaled_gets_bars_or_a_crop(desk: Desk) -> None:
    desk.studio.media.clips[CLIP.name] = replace(FACTS, width_px=4096, height_px=640)
    await desk.start()
    desk.draft.set_source(CLIP)
    await desk.until(lambda: desk.draft.source is not None and bool(desk.draft.source.strip))
    card = card_of(desk)
    assert card.framing is not None
    buttons = card.framing.buttons
    refused = card.fits.tone, card.fits.help.text()

    QTest.mouseClick(buttons[Framing.PAD], Qt.MouseButton.LeftButton)
    padded = desk.draft.framing, card.fits.tone, card.plan
    QTest.mouseClick(buttons[Framing.CROP], Qt.MouseButton.LeftButton)
    cropped = desk.draft.framing, card.fits.tone, card.plan
    desk.draft.undo()

    assert refused == ("bad", Button.CHOOSE_VIDEO)
    assert not buttons[Framing.SCALE].isEnabled()
    assert padded[:2] == (Framing.PAD, "good")
    assert "with bars" in padded[2]
    assert cropped[:2] == (Framing.CROP, "good")
    assert "cropped" in cropped[2]
    assert buttons[Framing.PAD].isChecked()


async def test_a_usual_shape_is_not_asked_about(desk: Desk) -> None:
    card = await shown(desk, LONG)

    assert card.framing is None


# --- what can be done with it ------------------------------------------------------------------------------------------


def menu_of(card: SourceCard) -> dict[str, bool]:
    return {action.text().partition("\t")[0]: action.isEnabled() for action in card.menu().actions() if action.text()}


async def test_the_menu_opens_by_key_and_does_what_it_says(desk: Desk) -> None:
    card = await shown(desk, LONG)
    card.setFocus()
    wished: list[str] = []
    card.replace_wanted.connect(lambda: wished.append("replace"))
    card.folder_wanted.disconnect()
    card.folder_wanted.connect(wished.append)
    at = card.rect().center()
    QApplication.sendEvent(card, QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, at, card.mapToGlobal(at)))
    menu = next(menu for menu in card.findChildren(QMenu) if menu.isVisible())
    menu.close()

    untrimmed = menu_of(card)
    drag(desk, 10.0, 8.0)
    trimmed = menu_of(card)
    for action in card.menu().actions():
        if action.text() in (Button.USE_FIRST_PART, "Show in folder", "Replace…"):
            action.trigger()

    assert untrimmed == {
        "Replace…": True,
        "Show in folder": True,
        "Write start and end…": True,
        "Use the whole clip": False,
        "Trim to the marks": False,
        "Fit now": True,
        "Remove": True,
    }
    assert trimmed["Use the whole clip"]
    assert desk.draft.trim is None
    assert wished == ["replace", str(CLIP)]
    for dialog in desk.window.source.findChildren(QWidget):
        if dialog.isWindow():
            dialog.close()


async def test_the_marks_of_the_player_become_the_part(desk: Desk) -> None:
    card = await shown(desk, LONG)
    card.marked = lambda: Trim(start_s=2.0, end_s=12.4)

    next(action for action in card.menu().actions() if action.text() == "Trim to the marks").trigger()

    # No longer than the provider takes.
    assert span(desk.draft.trim) == pytest.approx((2.0, 12.0))


async def test_delete_removes_the_clip_and_undo_brings_it_back(desk: Desk) -> None:
    card = await shown(desk, LONG)
    drag(desk, 10.0, 8.0)
    trim = desk.draft.trim
    card.setFocus()

    press(Qt.Key.Key_Delete)
    is_gone = desk.draft.source is None
    focus = QApplication.focusWidget()
    desk.draft.undo()

    assert is_gone
    assert focus is desk.window.source._area
    assert desk.draft.trim == trim
    assert desk.draft.source is not None
    assert strip_of(desk).part == trim


async def test_in_a_narrow_window_the_part_can_still_be_written(desk: Desk) -> None:
    card = await shown(desk, LONG)
    desk.open(820, 700)
    await desk.settle()
    is_shown = strip_of(desk).isVisible(), part_of(desk).isVisible()

    await written(desk, "1", "9")
    press(Qt.Key.Key_Return)

    assert is_shown == (False, True)
    assert desk.draft.trim == Trim(start_s=1.0, end_s=9.0)
    assert card.fits.isVisible()


async def test_another_frame_rate_has_other_places(desk: Desk) -> None:
    await shown(desk, replace(LONG, fps=Fraction(30), frame_count=372))
    strip_of(desk).start.setFocus()

    press(Qt.Key.Key_Right)

    assert span(desk.draft.trim) == pytest.approx((1 / 30, 10.0))
