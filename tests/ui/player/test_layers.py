from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QImage, QPainter

from klingstudio.media.changes import Heat
from klingstudio.ui.player.canvas.arrangement import parted
from klingstudio.ui.player.canvas.layers import Layer, compose, draw, image_of, paint
from klingstudio.ui.player.comparison import Comparison, Mode
from tests.ui.player.pictures import AFTER_BLUE, BEFORE_BLUE, all_rgb, picture, plain, rgb, size_of

WIDTH, HEIGHT = 60, 40
WHOLE = QRect(0, 0, WIDTH, HEIGHT)


def painted(
    comparison: Comparison,
    before: Layer | None,
    after: Layer | None,
    *,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    seen: QRect = WHOLE,
) -> QImage:
    canvas = QImage(*size, QImage.Format.Format_RGB32)
    canvas.fill(Qt.GlobalColor.black)
    painter = QPainter(canvas)
    paint(painter, comparison, seen, before, after)
    painter.end()
    return canvas


def layer(width: int = WIDTH, height: int = HEIGHT, *, blue: int, at: QPoint | None = None) -> Layer:
    image = image_of(picture(width, height, blue=blue)).copy()
    return Layer(image=image, spot=QRect(at or QPoint(0, 0), image.size()))


def blues(image: QImage) -> set[int]:
    return {blue for _, _, blue in all_rgb(image)}


# --- one against the other --------------------------------------------------------------------------------------------


def test_a_picture_becomes_an_image_without_a_copy() -> None:
    pixels = bytearray(plain(2, 2, (1, 2, 3)).pixels)
    shown = image_of(replace(plain(2, 2, (1, 2, 3)), pixels=memoryview(pixels)))

    pixels[0:3] = b"\x09\x08\x07"

    assert rgb(shown, 0, 0) == (7, 8, 9)
    assert rgb(shown, 1, 1) == (3, 2, 1)


@pytest.mark.parametrize(
    ("mode", "is_flipped", "blue"),
    [
        (Mode.BEFORE, False, BEFORE_BLUE),
        (Mode.BEFORE, True, AFTER_BLUE),
        (Mode.AFTER, False, AFTER_BLUE),
        (Mode.AFTER, True, BEFORE_BLUE),
    ],
)
def test_one_side_alone_is_copied_pixel_by_pixel(mode: Mode, is_flipped: bool, blue: int) -> None:
    shown = painted(Comparison(mode=mode, is_flipped=is_flipped), layer(blue=BEFORE_BLUE), layer(blue=AFTER_BLUE))

    assert all_rgb(shown) == [(x, y, blue) for y in range(HEIGHT) for x in range(WIDTH)]


@pytest.mark.parametrize("is_flipped", [False, True])
@pytest.mark.parametrize("wipes_across", [False, True])
@pytest.mark.parametrize("wipe", [0.0, 0.01, 0.37, 0.5, 1.0])
def test_a_wipe_shows_each_side_on_its_side_of_the_divider(wipe: float, wipes_across: bool, is_flipped: bool) -> None:
    comparison = Comparison(mode=Mode.WIPE, wipe=wipe, wipes_across=wipes_across, is_flipped=is_flipped)

    shown = painted(comparison, layer(blue=BEFORE_BLUE), layer(blue=AFTER_BLUE))

    first, second = (AFTER_BLUE, BEFORE_BLUE) if is_flipped else (BEFORE_BLUE, AFTER_BLUE)
    border = round((HEIGHT if wipes_across else WIDTH) * wipe)
    assert all_rgb(shown) == [
        (x, y, first if (y if wipes_across else x) < border else second) for y in range(HEIGHT) for x in range(WIDTH)
    ]


@pytest.mark.parametrize("wipes_across", [False, True])
@pytest.mark.parametrize("wipe", [-1.0, 0.0, 0.2, 0.999, 1.0, 7.0])
def test_the_two_parts_of_a_wipe_fill_the_picture_without_a_gap(wipe: float, wipes_across: bool) -> None:
    seen = QRect(13, 7, 101, 53)

    first, second = parted(Comparison(wipe=wipe, wipes_across=wipes_across), seen)

    assert first.united(second) == seen
    assert not first.intersects(second)


@pytest.mark.parametrize(("opacity", "blue"), [(0.0, BEFORE_BLUE), (0.25, 80), (0.5, 120), (1.0, AFTER_BLUE)])
def test_an_overlay_mixes_both_by_its_opacity(opacity: float, blue: int) -> None:
    shown = painted(Comparison(mode=Mode.OVERLAY, opacity=opacity), layer(blue=BEFORE_BLUE), layer(blue=AFTER_BLUE))

    off = [
        max(abs(red - x), abs(green - y), abs(found - blue))
        for (red, green, found), (x, y) in zip(
            all_rgb(shown), ((x, y) for y in range(HEIGHT) for x in range(WIDTH)), strict=True
        )
    ]
    assert max(off) <= 1


@pytest.mark.parametrize("gain", range(1, 17))
def test_a_difference_is_the_distance_of_the_colours_times_the_gain(gain: int) -> None:
    # Taller than a strip, so that strips must join.
    width, height = 16, 150
    one = Layer(image=image_of(picture(width, height, blue=90)).copy(), spot=QRect(0, 0, width, height))
    mirrored = Layer(image=one.image.flipped(Qt.Orientation.Vertical), spot=one.spot)

    shown = painted(
        Comparison(mode=Mode.DIFFERENCE, gain=gain),
        one,
        mirrored,
        size=(width, height),
        seen=QRect(0, 0, width, height),
    )

    assert all_rgb(shown) == [
        (0, min(255, abs(y - (height - 1 - y)) * gain), 0) for y in range(height) for _ in range(width)
    ]


def test_a_difference_does_not_care_which_side_comes_first() -> None:
    comparison = Comparison(mode=Mode.DIFFERENCE, gain=3)
    one, other = layer(blue=BEFORE_BLUE), layer(blue=AFTER_BLUE)

    assert all_rgb(painted(comparison, one, other)) == all_rgb(
        painted(replace(comparison, is_flipped=True), one, other)
    )


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("is_flipped", [False, True])
def test_a_side_that_is_alone_is_shown_whatever_the_mode(mode: Mode, is_flipped: bool) -> None:
    alone = layer(blue=AFTER_BLUE)

    shown = painted(Comparison(mode=mode, is_flipped=is_flipped), None, alone)

    assert blues(shown) == {AFTER_BLUE}


@pytest.mark.parametrize("mode", list(Mode))
def test_nothing_is_painted_outside_of_what_is_seen(mode: Mode) -> None:
    seen = QRect(10, 8, 30, 20)
    large = layer(200, 120, blue=BEFORE_BLUE, at=QPoint(-50, -30))
    other = layer(200, 120, blue=AFTER_BLUE, at=QPoint(-50, -30))

    shown = painted(Comparison(mode=mode), large, other, seen=seen)

    outside = {rgb(shown, x, y) for y in range(HEIGHT) for x in range(WIDTH) if not seen.contains(x, y)}
    assert outside == {(0, 0, 0)}
    assert rgb(shown, 10, 8) != (0, 0, 0)


# --- enlarged ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("times", [2, 3, 8, 32])
def test_enlarged_pixels_keep_their_edges_wherever_the_picture_is_cut(times: int) -> None:
    source = image_of(picture(50, 30)).copy()
    at = QPoint(-7 * times - 1, -3 * times - 2)
    big = Layer(image=source, spot=QRect(at, QSize(50 * times, 30 * times)), is_smooth=False)
    canvas = QImage(WIDTH, HEIGHT, QImage.Format.Format_RGB32)
    painter = QPainter(canvas)

    draw(painter, big, WHOLE)
    painter.end()

    assert all_rgb(canvas) == [
        ((x - at.x()) // times, (y - at.y()) // times, BEFORE_BLUE) for y in range(HEIGHT) for x in range(WIDTH)
    ]


def test_smoothly_enlarged_pictures_run_evenly_from_pixel_to_pixel() -> None:
    source = image_of(picture(50, 30)).copy()
    canvas = QImage(200, 120, QImage.Format.Format_RGB32)
    painter = QPainter(canvas)

    draw(painter, Layer(image=source, spot=canvas.rect()), canvas.rect())
    painter.end()

    row = [rgb(canvas, x, 60)[0] for x in range(200)]
    assert all(0 <= right - left <= 1 for left, right in pairwise(row))
    assert abs(row[100] - 25) <= 1


# --- saving -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", list(Mode))
def test_a_composed_comparison_has_the_size_of_the_clip_before(mode: Mode) -> None:
    before, after = image_of(picture(WIDTH, HEIGHT)).copy(), image_of(picture(90, 60)).copy()

    composed = compose(Comparison(mode=mode), before, after)

    assert size_of(composed) == ((2 * WIDTH, HEIGHT) if mode is Mode.SIDE_BY_SIDE else (WIDTH, HEIGHT))


@pytest.mark.parametrize("is_flipped", [False, True])
def test_pictures_saved_side_by_side_are_exact(is_flipped: bool) -> None:
    before = image_of(picture(WIDTH, HEIGHT)).copy()
    after = image_of(picture(WIDTH, HEIGHT, blue=AFTER_BLUE)).copy()

    composed = compose(Comparison(mode=Mode.SIDE_BY_SIDE, is_flipped=is_flipped), before, after)

    left, right = composed.copy(0, 0, WIDTH, HEIGHT), composed.copy(WIDTH, 0, WIDTH, HEIGHT)
    assert (left, right) == ((after, before) if is_flipped else (before, after))


def test_a_saved_wipe_is_exact_but_for_its_line() -> None:
    before = image_of(picture(WIDTH, HEIGHT)).copy()
    after = image_of(picture(WIDTH, HEIGHT, blue=AFTER_BLUE)).copy()

    composed = compose(Comparison(mode=Mode.WIPE, wipe=0.25), before, after)

    assert composed.copy(0, 0, 12, HEIGHT) == before.copy(0, 0, 12, HEIGHT)
    assert composed.copy(18, 0, WIDTH - 18, HEIGHT) == after.copy(18, 0, WIDTH - 18, HEIGHT)
    assert composed.copy(13, 0, 4, HEIGHT) != before.copy(13, 0, 4, HEIGHT)


def test_a_take_of_another_shape_is_saved_whole_in_the_middle() -> None:
    before = image_of(plain(WIDTH, HEIGHT, (0, 0, 0))).copy()
    after = image_of(plain(20, HEIGHT, (250, 250, 250))).copy()

    composed = compose(Comparison(mode=Mode.OVERLAY, opacity=1.0), before, after)

    bright = [x for x in range(WIDTH) if rgb(composed, x, 20) == (250, 250, 250)]
    assert bright == list(range(20, 40))


# --- heat -------------------------------------------------------------------------------------------------------------


def test_heat_is_warm_where_the_two_differ_and_grey_elsewhere() -> None:
    before = image_of(plain(WIDTH, HEIGHT, (200, 60, 30))).copy()
    heat = Heat(width=3, height=1, values=bytes((0, 0, 255)))

    composed = compose(Comparison(mode=Mode.BEFORE, shows_heat=True), before, before, heat)

    red, green, blue = rgb(composed, 5, 20)
    assert red == green == blue
    red, green, blue = rgb(composed, WIDTH - 2, 20)
    assert red > green > blue
    assert red > 150


def test_heat_lies_on_both_pictures_that_stand_beside_each_other() -> None:
    before = image_of(plain(WIDTH, HEIGHT, (200, 60, 30))).copy()
    heat = Heat(width=3, height=1, values=bytes((0, 0, 255)))

    composed = compose(Comparison(mode=Mode.SIDE_BY_SIDE, shows_heat=True), before, before, heat)

    assert composed.copy(0, 0, WIDTH, HEIGHT) == composed.copy(WIDTH, 0, WIDTH, HEIGHT)
    assert rgb(composed, WIDTH - 2, 20) != rgb(composed, 5, 20)


def test_heat_that_is_not_asked_for_is_not_painted() -> None:
    before = image_of(picture(WIDTH, HEIGHT)).copy()

    composed = compose(Comparison(mode=Mode.BEFORE), before, before, Heat(width=1, height=1, values=b"\xff"))

    assert composed == before
