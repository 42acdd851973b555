from __future__ import annotations

import os
import subprocess
import sys

import pytest
from pytestqt.qtbot import QtBot

from klingstudio.media.changes import Heat
from klingstudio.ui import theme
from klingstudio.ui.player.canvas.divider import Divider
from klingstudio.ui.player.canvas.view import PairView
from klingstudio.ui.player.comparison import Comparison, Mode
from tests.ui.player.conftest import found
from tests.ui.player.pictures import AFTER_BLUE, BEFORE_BLUE, pair, picture, plain, rgb
from tests.ui.player.viewer import HEIGHT, MIDDLE, WIDTH, painted, show, tags, viewer


@pytest.fixture
def view(qtbot: QtBot) -> PairView:
    return viewer(qtbot)


# --- modes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "left", "right"),
    [
        (Mode.BEFORE, BEFORE_BLUE, BEFORE_BLUE),
        (Mode.AFTER, AFTER_BLUE, AFTER_BLUE),
        (Mode.WIPE, BEFORE_BLUE, AFTER_BLUE),
        (Mode.OVERLAY, 120, 120),
        (Mode.DIFFERENCE, 255, 255),
    ],
)
def test_each_mode_paints_the_two_as_it_says(view: PairView, mode: Mode, left: int, right: int) -> None:
    show(view, mode)

    image = painted(view)

    is_difference = mode is Mode.DIFFERENCE
    assert rgb(image, 100, 200) == ((0, 0, left) if is_difference else (100, 200, left))
    assert rgb(image, 500, 200) == ((0, 0, right) if is_difference else (500 % 256, 200, right))


def test_flipping_changes_places_in_every_mode(view: PairView) -> None:
    seen = {}
    for mode in (Mode.BEFORE, Mode.AFTER, Mode.WIPE):
        show(view, mode, is_flipped=True)
        image = painted(view)
        seen[mode] = rgb(image, 100, 200)[2], rgb(image, 500, 200)[2]

    assert seen == {
        Mode.BEFORE: (AFTER_BLUE, AFTER_BLUE),
        Mode.AFTER: (BEFORE_BLUE, BEFORE_BLUE),
        Mode.WIPE: (AFTER_BLUE, BEFORE_BLUE),
    }


@pytest.mark.parametrize("is_flipped", [False, True])
def test_side_by_side_each_has_its_half(view: PairView, is_flipped: bool) -> None:
    show(view, Mode.SIDE_BY_SIDE, is_flipped=is_flipped)
    width, height = view.box
    lines = round(width * 9 / 16)

    view.show_pair(pair(picture(width, lines, blue=BEFORE_BLUE), picture(width, lines, blue=AFTER_BLUE)))

    image = painted(view)
    top = (height - lines) // 2
    blues = (AFTER_BLUE, BEFORE_BLUE) if is_flipped else (BEFORE_BLUE, AFTER_BLUE)
    assert rgb(image, 100, top + 90) == (100, 90, blues[0])
    assert rgb(image, WIDTH - width + 100, top + 90) == (100, 90, blues[1])


def test_one_clip_alone_fills_the_viewer_in_every_mode(view: PairView) -> None:
    view.set_paired(False)
    view.show_pair(pair(picture(WIDTH, HEIGHT), None))

    for mode in Mode:
        show(view, mode)
        assert rgb(painted(view), 300, 200) == (300 % 256, 200, BEFORE_BLUE)
        assert view.box == (WIDTH, HEIGHT)


def test_a_change_of_the_comparison_is_told_once(view: PairView) -> None:
    told: list[Comparison] = []
    view.comparison_changed.connect(told.append)

    show(view, Mode.WIPE)
    show(view, Mode.WIPE)

    assert told == [Comparison(mode=Mode.WIPE)]


def test_the_box_follows_the_mode_at_once(view: PairView) -> None:
    boxes: list[tuple[int, int]] = []
    view.box_changed.connect(lambda width, height: boxes.append((width, height)))

    show(view, Mode.WIPE)
    show(view, Mode.SIDE_BY_SIDE)

    assert boxes == [(WIDTH, HEIGHT), ((WIDTH - 4) // 2, HEIGHT)]


def test_heat_takes_the_colours_away_and_gives_its_own(view: PairView) -> None:
    show(view, Mode.AFTER, shows_heat=True)
    assert rgb(painted(view), 300, 200) == (300 % 256, 200, AFTER_BLUE)

    view.set_heat(Heat(width=2, height=1, values=bytes((0, 255))))
    image = painted(view)

    assert set(tags(view)) == {"After", "Where they differ"}
    assert len(set(rgb(image, 60, 200))) == 1
    red, green, blue = rgb(image, 620, 200)
    assert red > green > blue


def test_nothing_is_painted_where_the_pair_was_taken_away(view: PairView) -> None:
    show(view, Mode.WIPE)
    view.show_pair(None)

    image = painted(view)

    assert len({rgb(image, x, y) for x in range(20, 620, 40) for y in range(20, 340, 40)}) == 1
    assert not found(view, Divider).isVisible()


# --- two sizes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [Mode.AFTER, Mode.WIPE])
def test_a_take_of_another_size_lies_where_the_source_does(view: PairView, mode: Mode) -> None:
    view.set_source_sizes((WIDTH, HEIGHT), (WIDTH // 2, HEIGHT // 2))
    view.show_pair(pair(picture(WIDTH, HEIGHT), plain(WIDTH // 2, HEIGHT // 2, (250, 10, 20))))

    show(view, mode)

    image = painted(view)
    assert rgb(image, 630, 200) == rgb(image, 330, 200) == (20, 10, 250)
    assert rgb(image, 300, 200) == ((300 % 256, 200, BEFORE_BLUE) if mode is Mode.WIPE else (20, 10, 250))


def test_an_upright_take_stands_in_the_middle_of_a_wide_source(view: PairView) -> None:
    view.set_source_sizes((WIDTH, HEIGHT), (180, 360))
    view.show_pair(pair(plain(WIDTH, HEIGHT, (0, 0, 0)), plain(180, 360, (250, 10, 20))))

    show(view, Mode.OVERLAY, opacity=1.0)

    image = painted(view)
    coloured = [x for x in range(WIDTH) if rgb(image, x, 200) == (20, 10, 250)]
    assert coloured == list(range(230, 410))


# --- fine screens -----------------------------------------------------------------------------------------------------

ON_A_FINE_SCREEN = """
from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QApplication
app = QApplication([])
from klingstudio.ui import theme
from klingstudio.ui.player.comparison import Comparison, Mode
from klingstudio.ui.player.canvas.view import PairView
from tests.ui.player.pictures import pair, picture, rgb
view = PairView()
view.resize(400, 200)
view.set_paired(True)
view.set_comparison(Comparison(mode=Mode.WIPE))
view.show()
width, height = view.box
print(width, height)
view.show_pair(pair(picture(width, height, blue=40), picture(width, height, blue=200)))
image = view.grab().toImage()
print([rgb(image, x, y) for x, y in ((width // 4, height - 40), (width * 3 // 4, height // 2 + 3))])
view.zoom_to(4, QPointF(0, 0))
image = view.grab().toImage()
print([rgb(image, x, y) for x, y in ((width // 4, height - 40), (width // 4 + 1, height - 39))])
"""


@pytest.mark.parametrize("factor", ["1.25", "1.5", "2"])
def test_pixels_are_those_of_the_screen_where_it_is_finer(factor: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ON_A_FINE_SCREEN],
        env=os.environ | {"QT_SCALE_FACTOR": factor, "QT_QPA_PLATFORM": "offscreen"},
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )

    width, height = round(400 * float(factor)), round(200 * float(factor))
    left, right = (width // 4, height - 40), (width * 3 // 4, height // 2 + 3)
    assert done.stdout.splitlines() == [
        f"{width} {height}",
        str([(left[0] % 256, left[1] % 256, 40), (right[0] % 256, right[1] % 256, 200)]),
        str([(x // 4, y // 4, 40) for x, y in (left, (left[0] + 1, left[1] + 1))]),
    ]


def test_the_ground_follows_light_and_dark(view: PairView) -> None:
    view.show_pair(None)
    grounds = {}
    for tokens in (theme.DARK, theme.LIGHT):
        view.setPalette(theme.make_palette(tokens))
        grounds[tokens.viewer] = painted(view).pixelColor(MIDDLE).name()

    assert grounds == {theme.DARK.viewer: theme.DARK.viewer, theme.LIGHT.viewer: theme.LIGHT.viewer}
