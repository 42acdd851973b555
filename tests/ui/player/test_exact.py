"""Whatever is done to the player, what is painted is the pair that was asked for. Read back from pixels."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import assert_never

import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from klingstudio.ui.player.canvas.view import PairView
from klingstudio.ui.player.comparison import Comparison, Mode
from klingstudio.ui.player.playback.pair import Pair, Side
from klingstudio.ui.player.playback.player import PairPlayer
from tests.ui.player.conftest import color_in
from tests.ui.player.test_clock import FakeTime
from tests.unit.media.numbered_clips import BITS, BLUE, RED, Rgb, numbered_clip, unturned

WIDTH_PX, HEIGHT_PX = 960, 540
"""Of the view: as wide as the pictures, so that one alone fills it."""

LIMIT_MS = 20_000
FAR = 100
"""Levels of one channel: less is the codec, more is another picture."""


@dataclass(frozen=True)
class Reel:
    """A clip and what is known about it without the program."""

    path: Path
    ink: Rgb
    times_s: list[float]
    """When each frame is shown; one more for the end."""
    first: int = 0
    """The number that its first frame carries."""
    size: tuple[int, int] = (320, 180)
    turn_deg: int = 0

    def frame_at(self, time_s: float) -> int:
        """The frame on screen at a time."""
        return bisect_right(self.times_s, time_s + 1e-4) - 1

    @property
    def count(self) -> int:
        return len(self.times_s) - 1

    def color_at(self, frame: int, x: float, y: float) -> Rgb:
        """What was drawn at a place of a frame."""
        is_set = bool(frame + self.first >> int(x * BITS) & 1)
        return self.ink if is_set == (y < 0.5) else (0, 0, 0)


def reel(
    folder: Path,
    name: str,
    count: int,
    ink: Rgb,
    *,
    fps: int = 25,
    first: int = 0,
    at_ticks: list[int] | None = None,
    size: tuple[int, int] = (320, 180),
    pixel_format: str = "yuv420p",
    turn_deg: int = 0,
    options: dict[str, str] | None = None,
) -> Reel:
    """Encode a clip whose frames carry their numbers."""
    path = numbered_clip(
        folder / f"{name}.mp4",
        count,
        fps=fps,
        ink=ink,
        first=first,
        at_ticks=at_ticks,
        size=size,
        pixel_format=pixel_format,
        turn_deg=turn_deg,
        options=options,
    )
    times_s = [n / fps for n in range(count + 1)] if at_ticks is None else [tick / 100 for tick in at_ticks]
    if at_ticks is not None:
        times_s.append(times_s[-1] + 0.04)
    return Reel(
        path=path,
        ink=ink,
        times_s=times_s,
        first=first,
        size=size[::-1] if turn_deg in {90, 270} else size,
        turn_deg=turn_deg,
    )


@pytest.fixture(scope="module")
def reels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Reel]:
    """Encoded once."""
    folder = tmp_path_factory.mktemp("reels")
    ticks = [n * 4 + n // 5 * 11 for n in range(40)]
    return {
        "source": reel(folder, "source", 60, RED),
        "take": reel(folder, "take", 60, BLUE, options={"g": "250"}),
        "shifted": reel(folder, "shifted", 45, BLUE, first=10),
        "fast": reel(folder, "fast", 120, BLUE, fps=50),
        "slow": reel(folder, "slow", 48, BLUE, fps=20, options={"bf": "0"}),
        "short": reel(folder, "short", 25, BLUE),
        "large": reel(folder, "large", 160, RED, size=(1280, 720), options={"g": "250"}),
        "large take": reel(folder, "large take", 160, BLUE, size=(1280, 720), options={"g": "250"}),
        "variable": reel(folder, "variable", 40, RED, at_ticks=ticks),
        "turned": reel(folder, "turned", 50, RED, turn_deg=90),
        "turned take": reel(folder, "turned take", 50, BLUE, turn_deg=270),
        "odd": reel(folder, "odd", 50, RED, size=(321, 181), pixel_format="yuv444p"),
        "odd take": reel(folder, "odd take", 50, BLUE, size=(161, 91), pixel_format="yuv444p"),
    }


@dataclass
class Screen:
    """A player and a viewer with nothing around them, and a note of everything that was painted wrongly."""

    qtbot: QtBot
    before: Reel
    after: Reel
    starts_at_s: float = 0.0
    """Time in before at which after begins."""
    nudged: int = 0
    from_screen: bool = False
    """Read what the X server shows, not what the widget would paint."""
    time: FakeTime = field(default_factory=FakeTime)
    painted: int = 0
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.player = PairPlayer(self.time)
        self.view = PairView()
        self.qtbot.addWidget(self.view)
        self.player.pair_shown.connect(self.view.show_pair)
        self.player.timeline_changed.connect(self._on_timeline)
        self.player.pair_shown.connect(self._on_pair)
        self.view.box_changed.connect(self.player.set_box)
        self.view.set_names("Before", "After")
        self.view.resize(WIDTH_PX, HEIGHT_PX)
        with self.qtbot.waitExposed(self.view):
            self.view.show()
        self.player.load(Side.BEFORE, self.before.path, offset_s=0.0)
        self.player.load(Side.AFTER, self.after.path, offset_s=self.starts_at_s)
        self.qtbot.waitUntil(lambda: self._is_pair(self.player.pair), timeout=LIMIT_MS)

    def settle(self, step: int) -> None:
        """Wait until the exact pair of a step is on screen, and look at it once more."""
        self.qtbot.waitUntil(lambda: self.shows(step), timeout=LIMIT_MS)
        self.look(step)

    def shows(self, step: int) -> bool:
        """Whether the exact pair of a step was published last."""
        pair = self.player.pair
        return pair is not None and pair.step == step and not pair.is_draft

    def frames(self, step: int) -> tuple[int, int]:
        """The two frames that belong to a step."""
        return self.common()[step]

    def common(self) -> list[tuple[int, int]]:
        """The frames of every step, worked out anew."""
        offset_s = self.starts_at_s + self.nudged * self.after.times_s[1]
        return [
            (frame, self.after.frame_at(time_s - offset_s))
            for frame, time_s in enumerate(self.before.times_s[:-1])
            if time_s - offset_s > -1e-4 and time_s - offset_s < self.after.times_s[-1] - 1e-4
        ]

    def look(self, step: int) -> None:
        """Compare the pixels on screen with what was drawn into the two frames of this step."""
        self.painted += 1
        image = self._image()
        frames = dict(zip(Side, self.frames(step), strict=True))
        for bit in range(BITS):
            for y in (0.25, 0.75):
                self._compare(image, step, frames, ((bit + 0.5) / BITS, y))

    def _compare(self, image: QImage, step: int, frames: dict[Side, int], at: tuple[float, float]) -> None:
        comparison = self.view.comparison
        drawn = {side: self._reel(side).color_at(frames[side], *at) for side in Side}
        for side, spot in self._spots(comparison).items():
            color_at = unturned(color_in(image, spot), self._reel(side).turn_deg)
            seen, meant = color_at(*at), _blended(comparison, drawn, side, at)
            if any(abs(one - other) > FAR for one, other in zip(seen, meant, strict=True)):
                self.wrong.append(f"step {step}, {comparison}, {side} at {at}: {seen} instead of {meant}")

    def _spots(self, comparison: Comparison) -> dict[Side, QRect]:
        """Where pictures are read: of one, or of each."""
        ratio = self.view.devicePixelRatioF()
        whole = QRect(0, 0, round(self.view.width() * ratio), round(self.view.height() * ratio))
        if comparison.mode is not Mode.SIDE_BY_SIDE:
            return {Side.BEFORE: _fitted(whole, self.before.size)}
        half = whole.width() // 2
        left = QRect(0, 0, half, whole.height())
        right = QRect(QPoint(whole.width() - half, 0), left.size())
        return {Side.BEFORE: _fitted(left, self.before.size), Side.AFTER: _fitted(right, self.after.size)}

    def _reel(self, side: Side) -> Reel:
        return self.before if side is Side.BEFORE else self.after

    def _image(self) -> QImage:
        if not self.from_screen:
            return self.view.grab().toImage()
        self.view.repaint()
        self.qtbot.wait(0)
        corner = self.view.mapToGlobal(QPoint(0, 0))
        screen = self.view.screen()
        return screen.grabWindow(0, corner.x(), corner.y(), self.view.width(), self.view.height()).toImage()

    def _on_timeline(self) -> None:
        timeline = self.player.timeline
        self.view.set_paired(timeline is not None and timeline.following is not None)

    def _on_pair(self, pair: Pair) -> None:
        if self._is_pair(pair) and not self.from_screen:
            self.look(pair.step)

    def _is_pair(self, pair: Pair | None) -> bool:
        return pair is not None and pair.before is not None and pair.after is not None


def _fitted(place: QRect, size: tuple[int, int]) -> QRect:
    scale = min(place.width() / size[0], place.height() / size[1])
    width, height = round(size[0] * scale), round(size[1] * scale)
    return QRect(place.x() + (place.width() - width) // 2, place.y() + (place.height() - height) // 2, width, height)


def _blended(comparison: Comparison, drawn: dict[Side, Rgb], side: Side, at: tuple[float, float]) -> Rgb:
    """The colour that a way of comparing makes of what was drawn into both frames."""
    before, after = drawn[Side.BEFORE], drawn[Side.AFTER]
    match comparison.mode:
        case Mode.BEFORE:
            return before
        case Mode.AFTER:
            return after
        case Mode.SIDE_BY_SIDE:
            return drawn[side]
        case Mode.WIPE:
            place = at[1] if comparison.wipes_across else at[0]
            return before if place < comparison.wipe else after
        case Mode.OVERLAY:
            mixed = [round(b + (a - b) * comparison.opacity) for b, a in zip(before, after, strict=True)]
        case Mode.DIFFERENCE:
            mixed = [min(255, round(abs(a - b) * comparison.gain)) for b, a in zip(before, after, strict=True)]
        case other:
            assert_never(other)
    return mixed[0], mixed[1], mixed[2]


MODES = (
    Comparison(mode=Mode.SIDE_BY_SIDE),
    Comparison(mode=Mode.BEFORE),
    Comparison(mode=Mode.AFTER),
    Comparison(mode=Mode.WIPE),
    Comparison(mode=Mode.WIPE, wipe=0.25),
    Comparison(mode=Mode.WIPE, wipes_across=True),
    Comparison(mode=Mode.OVERLAY),
    Comparison(mode=Mode.DIFFERENCE, gain=1.0),
)


class Hands:
    """Someone who does anything at all, and knows which step must be seen then."""

    def __init__(self, screen: Screen, chance: random.Random, modes: tuple[Comparison, ...]) -> None:
        self._screen, self._chance, self._modes = screen, chance, modes
        self._player, self._view = screen.player, screen.view

    def act(self) -> None:
        """Do one thing and wait for what it must come to."""
        often = (self._seek, self._move, self._scrub, self._play)
        seldom = (self._go, self._look_otherwise, self._nudge, self._mark, self._swap)
        does = self._chance.choice((*often, *often, *seldom))
        step = does()
        self._screen.settle(step)

    @property
    def _count(self) -> int:
        assert self._player.timeline is not None
        return self._player.timeline.count

    def _inside(self, step: int) -> int:
        return min(max(step, 0), self._count - 1)

    def _here(self) -> int:
        assert self._player.step is not None
        return self._player.step

    def _seek(self) -> int:
        step = self._chance.randrange(-3, self._count + 3)
        for other in self._chance.sample(range(self._count), self._chance.choice((0, 0, 1, 3))):
            self._player.seek(other)
        self._player.seek(step)
        return self._inside(step)

    def _move(self) -> int:
        steps = self._chance.choice((-10, -1, -1, -1, 1, 1, 1, 10))
        times, step = self._chance.choice((1, 1, 5)), self._here()
        for _ in range(times):
            self._player.move(steps)
            step = self._inside(step + steps)
        return step

    def _scrub(self) -> int:
        steps = [self._chance.randrange(self._count) for _ in range(self._chance.choice((1, 4, 12)))]
        for step in steps:
            self._player.scrub(step)
            if self._chance.random() < 0.3:
                self._screen.qtbot.wait(0)
        if self._chance.random() < 0.7:
            self._player.seek(steps[-1])
        return steps[-1]

    def _go(self) -> int:
        frame = self._chance.randrange(self._count)
        assert self._player.timeline is not None
        time_s = self._player.timeline.time_s(frame)
        if self._chance.random() < 0.5:
            self._player.go_to_s(time_s)
        else:
            self._player.move_s(time_s - self._player.time_s)
        return frame

    def _play(self) -> int:
        """Play at some speed for a while. While it runs every pair that is painted is looked at; then it stands."""
        self._player.set_rate(self._chance.choice((0.25, 1.0, 1.0, 2.0, 4.0, -1.0, -2.0)))
        self._player.set_looping(self._chance.random() < 0.7)
        self._player.play()
        for _ in range(self._chance.randrange(1, 8)):
            painted = self._screen.painted
            self._screen.time.pass_s(self._chance.choice((0.01, 0.04, 0.09, 0.3)))
            self._player.steer(self._player.time_s + self._chance.choice((0, 0.01, -0.02)))
            if self._chance.random() < 0.5:
                self._wait_for_more_than(painted)
        self._player.pause()
        return self._here()

    def _wait_for_more_than(self, painted: int) -> None:
        def is_there() -> bool:
            pair = self._player.pair
            return self._screen.painted > painted or (pair is not None and pair.step == self._player.step)

        self._screen.qtbot.waitUntil(is_there, timeout=LIMIT_MS)

    def _look_otherwise(self) -> int:
        self._view.set_comparison(self._chance.choice(self._modes))
        if self._chance.random() < 0.2:
            self._view.resize(WIDTH_PX // 2, HEIGHT_PX // 2)
        else:
            self._view.resize(WIDTH_PX, HEIGHT_PX)
        return self._here()

    def _nudge(self) -> int:
        frame = self._screen.frames(self._here())[0]
        nudged = self._chance.randrange(-3, 4)
        by, self._screen.nudged = nudged - self._screen.nudged, nudged
        self._player.nudge(by)
        assert self._player.timeline is not None
        return self._player.timeline.step_of(frame)

    def _swap(self) -> int:
        screen = self._screen
        if screen.nudged:
            return self._nudge()
        partner = screen.frames(self._here())[1]
        screen.before, screen.after, screen.starts_at_s = screen.after, screen.before, -screen.starts_at_s
        self._player.swap()
        leading = [frame for frame, _ in screen.common()]
        return leading.index(min(max(partner, leading[0]), leading[-1]))

    def _mark(self) -> int:
        self._player.mark_in(self._chance.choice((None, self._chance.randrange(self._count))))
        self._player.mark_out(self._chance.choice((None, self._chance.randrange(self._count))))
        self._player.set_looping_marks(self._chance.random() < 0.7)
        return self._here()


def do_anything(screen: Screen, many: int, modes: tuple[Comparison, ...], seed: int) -> None:
    hands = Hands(screen, random.Random(seed), modes)
    for _ in range(many):
        hands.act()


@pytest.fixture
def on_screen(qtbot: QtBot) -> Iterator[Callable[..., Screen]]:
    """Opens clips; closes them in the end."""
    opened: list[Screen] = []

    def open_clips(before: Reel, after: Reel, **how: object) -> Screen:
        opened.append(Screen(qtbot, before, after, **how))  # type: ignore[arg-type]
        return opened[-1]

    yield open_clips
    for screen in opened:
        screen.player.close()


@pytest.mark.parametrize("seed", [1, 2])
def test_after_two_hundred_random_actions_nothing_was_painted_but_what_was_asked_for(
    seed: int, on_screen: Callable[..., Screen], reels: dict[str, Reel]
) -> None:
    screen = on_screen(reels["source"], reels["take"])

    do_anything(screen, 200, MODES, seed)

    assert screen.wrong == []
    assert screen.painted > 200


BESIDE = (Comparison(mode=Mode.SIDE_BY_SIDE), Comparison(mode=Mode.BEFORE))


@pytest.mark.parametrize(
    ("before", "after", "starts_at_s", "modes"),
    [
        ("source", "shifted", 0.4, MODES),
        ("shifted", "take", -0.4, MODES),
        ("source", "fast", 0.0, MODES),
        ("source", "slow", 0.0, MODES),
        ("fast", "source", 0.3, MODES),
        ("source", "short", 0.8, MODES),
        ("variable", "take", 0.0, MODES),
        # More frames than are kept: what is not there is decoded anew, and drafts help out.
        ("large", "large take", 0.0, MODES),
        ("turned", "turned", 0.0, (*BESIDE, Comparison(mode=Mode.AFTER))),
        ("turned", "turned take", 0.0, BESIDE),
        ("odd", "odd take", 0.0, BESIDE),
        ("odd", "take", -0.2, BESIDE),
    ],
)
def test_clips_of_every_kind_are_painted_exactly(
    before: str,
    after: str,
    starts_at_s: float,
    modes: tuple[Comparison, ...],
    on_screen: Callable[..., Screen],
    reels: dict[str, Reel],
) -> None:
    screen = on_screen(reels[before], reels[after], starts_at_s=starts_at_s)

    do_anything(screen, 60, modes, 3)

    assert screen.wrong == []


@pytest.mark.xcb
def test_on_a_real_screen_nothing_is_seen_but_what_was_asked_for(
    on_screen: Callable[..., Screen], reels: dict[str, Reel]
) -> None:
    screen = on_screen(reels["source"], reels["take"], from_screen=True)

    do_anything(screen, 200, MODES, 4)

    assert screen.wrong == []
    assert screen.painted >= 200
