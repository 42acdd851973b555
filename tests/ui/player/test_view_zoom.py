from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPointF, QRect, QRectF, QSize

from klingstudio.ui.player.canvas.arrangement import Arrangement
from klingstudio.ui.player.canvas.zoom import (
    FIT,
    MOST,
    Zoom,
    drawn_to,
    fit_scale,
    next_in,
    next_out,
    panned,
    spot_of,
    zoomed,
)
from klingstudio.ui.player.comparison import Comparison, Mode
from klingstudio.ui.player.playback.pair import Side

sizes = st.builds(QSize, st.integers(2, 4096), st.integers(2, 4096))
places = st.builds(QRect, st.integers(0, 500), st.integers(0, 50), st.integers(64, 3000), st.integers(64, 2000))
scales = st.floats(0.01, 2 * MOST)
shares = st.floats(0, 1)
zooms = st.one_of(st.just(FIT), st.builds(Zoom, scale=scales, x=shares, y=shares))


def covers(spot: QRect, place: QRect) -> bool:
    """Whether the picture fills its place in each direction that it is long enough for, and is centred in the others."""
    return all(
        (begin <= room_begin and begin + length >= room_begin + room)
        if length > room
        else abs((begin + length / 2) - (room_begin + room / 2)) <= 1
        for begin, length, room_begin, room in (
            (spot.x(), spot.width(), place.x(), place.width()),
            (spot.y(), spot.height(), place.y(), place.height()),
        )
    )


@given(size=sizes, place=places, zoom=zooms)
def test_no_room_stays_empty_beside_a_picture_that_could_fill_it(size: QSize, place: QRect, zoom: Zoom) -> None:
    assert covers(spot_of(size, place, zoom), place)


@given(size=sizes, place=places)
def test_a_picture_that_fits_is_seen_whole_and_touches_two_edges(size: QSize, place: QRect) -> None:
    spot = spot_of(size, place, FIT)

    assert place.contains(spot)
    assert spot.width() == place.width() or spot.height() == place.height()


@given(size=sizes, place=places, zoom=zooms, scale=scales, x=shares, y=shares)
def test_zooming_leaves_what_is_under_the_pointer_where_it_is(
    size: QSize, place: QRect, zoom: Zoom, scale: float, x: float, y: float
) -> None:
    at = QPointF(place.x() + x * place.width(), place.y() + y * place.height())
    was = spot_of(size, place, zoom)

    now = spot_of(size, place, zoomed(zoom, size, place, scale, at))

    for pointer, begin, length, old_begin, old_length, room_begin, room in (
        (at.x(), now.x(), now.width(), was.x(), was.width(), place.x(), place.width()),
        (at.y(), now.y(), now.height(), was.y(), was.height(), place.y(), place.height()),
    ):
        is_at_an_edge = length <= room or begin == room_begin or begin + length == room_begin + room
        expected = pointer - (pointer - old_begin) / old_length * length
        # A clip that is magnified so far that one of its pixels takes several of the screen lies on whole ones.
        assert is_at_an_edge or abs(begin - expected) <= 2 + length / old_length


@given(size=sizes, place=places, zoom=zooms, scale=st.floats(0, 1000))
def test_nobody_gets_lost_in_zooming(size: QSize, place: QRect, zoom: Zoom, scale: float) -> None:
    fit = fit_scale(size, place)

    now = zoomed(zoom, size, place, scale, QRectF(place).center()).scale

    assert now is None or min(fit, 1.0) <= now <= max(MOST, fit)


@given(size=sizes, place=places, zoom=zooms, dx=st.floats(-1e5, 1e5), dy=st.floats(-1e5, 1e5))
def test_a_pushed_picture_follows_the_hand_up_to_its_edges(
    size: QSize, place: QRect, zoom: Zoom, dx: float, dy: float
) -> None:
    was = spot_of(size, place, zoom)

    now = spot_of(size, place, panned(zoom, size, place, dx, dy))

    assert now.size() == was.size()
    assert covers(now, place)
    assert (now.x() - was.x()) * dx >= 0 or abs(now.x() - was.x()) <= 1


def test_a_push_moves_the_picture_by_as_many_pixels() -> None:
    size, place = QSize(1000, 800), QRect(0, 0, 500, 400)
    zoom = Zoom(scale=2.0)

    was, now = spot_of(size, place, zoom), spot_of(size, place, panned(zoom, size, place, 30, -12))

    assert (now.x() - was.x(), now.y() - was.y()) == (30, -12)


@given(scale=scales, fit=st.floats(0.05, 8))
def test_stops_lead_from_the_whole_picture_to_single_pixels_and_back(scale: float, fit: float) -> None:
    there, seen = scale, []
    while (there := next_in(there, fit)) not in seen:
        seen.append(there)
    back = [there]
    while (there := next_out(there, fit)) not in back:
        back.append(there)

    assert seen == sorted(seen)
    assert back == sorted(back, reverse=True)
    assert back[0] == max(MOST, fit)
    assert any(abs(stop - fit) <= 0.03 * fit for stop in back)


@pytest.mark.parametrize(
    ("scale", "factor", "leads_to"),
    [
        (0.5, 1.25, 0.625),
        (0.9, 1.25, 1.0),
        (1.0, 1.25, 1.25),
        (1.0, 1.01, 1.01),
        (1.1, 0.8, 1.0),
        (0.52, 0.8, 0.5),
        (0.52, 4.0, 1.0),
        (0.5, 1.01, 0.505),
    ],
)
def test_the_wheel_stops_at_the_whole_picture_and_at_true_size(scale: float, factor: float, leads_to: float) -> None:
    assert drawn_to(scale, factor, fit=0.5) == pytest.approx(leads_to)


# --- two pictures -----------------------------------------------------------------------------------------------------

modes = st.sampled_from(Mode)


def arranged(mode: Mode, zoom: Zoom, before: QSize, after: QSize, *, is_flipped: bool = False) -> Arrangement:
    return Arrangement(
        room=QSize(1200, 700),
        gap=4,
        comparison=Comparison(mode=mode, is_flipped=is_flipped),
        is_paired=True,
        zoom=zoom,
        sizes={Side.BEFORE: before, Side.AFTER: after},
    )


@given(mode=modes, zoom=zooms, size=sizes, is_flipped=st.booleans())
def test_clips_of_one_size_lie_on_each_other_or_are_cut_the_same(
    mode: Mode, zoom: Zoom, size: QSize, is_flipped: bool
) -> None:
    here = arranged(mode, zoom, size, size, is_flipped=is_flipped)

    before, after = here.spot(Side.BEFORE), here.spot(Side.AFTER)

    shift = here.place_of(Side.BEFORE).topLeft() - here.place_of(Side.AFTER).topLeft()
    assert after.translated(shift).size() == before.size()
    off = after.translated(shift).topLeft() - before.topLeft()
    assert max(abs(off.x()), abs(off.y())) <= 1


@given(mode=modes, zoom=zooms, before=sizes, times=st.sampled_from((2, 3)))
def test_a_take_with_more_pixels_is_looked_at_as_closely_as_its_source(
    mode: Mode, zoom: Zoom, before: QSize, times: int
) -> None:
    here = arranged(mode, zoom, before, before * times)

    one, other = here.spot(Side.BEFORE), here.spot(Side.AFTER)

    assert abs(one.width() - other.width()) <= 2
    assert abs(one.height() - other.height()) <= 2


@given(mode=modes, zoom=zooms, before=sizes, after=sizes)
def test_decoding_is_never_asked_for_more_pixels_than_there_are_places_or_pixels(
    mode: Mode, zoom: Zoom, before: QSize, after: QSize
) -> None:
    here = arranged(mode, zoom, before, after)

    width, height = here.box

    assert 1 <= width <= max(1200, before.width(), after.width())
    assert 1 <= height <= max(700, before.height(), after.height())


@given(wipe=st.floats(0, 1), wipes_across=st.booleans(), zoom=zooms, size=sizes)
def test_the_divider_comes_back_from_the_point_it_lies_at(
    wipe: float, wipes_across: bool, zoom: Zoom, size: QSize
) -> None:
    here = Arrangement(
        room=QSize(1200, 700),
        gap=4,
        comparison=Comparison(mode=Mode.WIPE, wipe=wipe, wipes_across=wipes_across),
        is_paired=True,
        zoom=zoom,
        sizes={Side.BEFORE: size},
    )
    seen = here.seen(Side.BEFORE)

    assert abs(here.wipe_at(here.line()) - wipe) <= 1 / (seen.height() if wipes_across else seen.width())
    assert here.is_near_line(here.line(), 3)
