from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klingstudio.media.decode_index import FrameIndex
from klingstudio.ui.player.playback.timeline import Timeline, Track


def track(count: int, fps: int, *, playable: int | None = None) -> Track:
    index = FrameIndex(range(count), (0,), Fraction(1, fps), 1)
    return Track(index=index, playable=count if playable is None else playable)


def frames(timeline: Timeline) -> list[tuple[int, int | None]]:
    return [(timeline.leading_frame(step), timeline.following_frame(step)) for step in range(timeline.count)]


def test_one_clip_alone_goes_through_all_its_frames() -> None:
    timeline = Timeline(leading=track(5, 25))

    assert frames(timeline) == [(n, None) for n in range(5)]
    assert timeline.length_s == pytest.approx(0.2)


def test_two_clips_of_one_rate_go_frame_by_frame() -> None:
    assert frames(Timeline(leading=track(5, 25), following=track(5, 25))) == [(n, n) for n in range(5)]


def test_another_rate_is_aligned_by_time() -> None:
    timeline = Timeline(leading=track(6, 30), following=track(12, 60))

    assert frames(timeline) == [(n, 2 * n) for n in range(6)]


def test_a_slower_clip_holds_its_frame_until_the_next_one_is_due() -> None:
    timeline = Timeline(leading=track(6, 30), following=track(3, 15))

    assert frames(timeline) == [(0, 0), (1, 0), (2, 1), (3, 1), (4, 2), (5, 2)]


def test_only_what_both_have_is_played() -> None:
    shorter = Timeline(leading=track(100, 25), following=track(40, 25))
    longer = Timeline(leading=track(40, 25), following=track(100, 25))

    assert shorter.count == longer.count == 40
    assert shorter.length_s == longer.length_s == pytest.approx(1.6)


def test_a_take_of_a_trimmed_source_begins_where_the_trim_does() -> None:
    timeline = Timeline(leading=track(100, 25), following=track(25, 25), offset_s=2.0)

    assert timeline.count == 25
    assert frames(timeline)[0] == (50, 0)
    assert frames(timeline)[-1] == (74, 24)
    assert timeline.time_s(0) == 0.0


def test_a_trim_between_two_frames_begins_with_the_later_one() -> None:
    timeline = Timeline(leading=track(100, 25), following=track(25, 25), offset_s=2.01)

    assert timeline.leading_frame(0) == 51


def test_clips_without_a_common_moment_have_no_steps() -> None:
    timeline = Timeline(leading=track(10, 25), following=track(10, 25), offset_s=5.0)

    assert timeline.count == 0
    assert timeline.length_s == 0.0


@pytest.mark.parametrize(("before", "after"), [(20, 50), (50, 20)])
def test_damage_in_either_clip_ends_the_timeline(before: int, after: int) -> None:
    timeline = Timeline(leading=track(50, 25, playable=before), following=track(50, 25, playable=after))

    assert timeline.count == 20
    assert timeline.length_s == pytest.approx(0.8)


def test_every_step_is_on_screen_at_its_own_time() -> None:
    timeline = Timeline(leading=track(300, 30), following=track(200, 24), offset_s=0.7)

    assert [timeline.step_at(timeline.time_s(step)) for step in range(timeline.count)] == list(range(timeline.count))


# --- shifted ----------------------------------------------------------------------------------------------------------


def test_a_clip_that_began_earlier_is_seen_from_its_middle() -> None:
    timeline = Timeline(leading=track(100, 25), following=track(50, 25), offset_s=-0.4)

    assert frames(timeline) == [(n, n + 10) for n in range(40)]


@pytest.mark.parametrize("offset_s", [-2.0, -2.5, 4.0, 90.0])
def test_clips_that_only_touch_or_lie_apart_have_no_steps(offset_s: float) -> None:
    timeline = Timeline(leading=track(100, 25), following=track(50, 25), offset_s=offset_s)

    assert (timeline.count, timeline.length_s) == (0, 0.0)


def test_one_frame_of_the_clip_after_shifts_its_partner_by_one() -> None:
    after = track(60, 30)
    partners = {}
    for nudged in range(-5, 6):
        timeline = Timeline(leading=track(60, 30), following=after, offset_s=nudged * after.frame_s)
        partners[nudged] = timeline.following_frame(timeline.step_of(20))

    assert partners == {nudged: 20 - nudged for nudged in range(-5, 6)}


def test_a_clip_that_counts_whole_milliseconds_goes_with_one_that_is_exact() -> None:
    count = 200
    exact = FrameIndex(range(0, count * 1001, 1001), (0,), Fraction(1, 30000), 1001)
    rounded = FrameIndex([round(n * 1001 / 30) for n in range(count)], (0,), Fraction(1, 1000), 33)
    for one, other in ((exact, rounded), (rounded, exact)):
        timeline = Timeline(leading=Track(index=one, playable=count), following=Track(index=other, playable=count))

        assert frames(timeline) == [(n, n) for n in range(count)]


_tracks = st.builds(
    lambda count, fps, damage: track(count, fps, playable=max(1, count - damage)),
    st.integers(1, 80),
    st.sampled_from([10, 24, 25, 30, 50, 60, 120]),
    st.integers(0, 20),
)


@given(_tracks, st.none() | _tracks, st.floats(-4, 4))
def test_whatever_the_clips_every_step_has_frames_that_exist_and_belong_together(
    leading: Track, following: Track | None, offset_s: float
) -> None:
    timeline = Timeline(leading=leading, following=following, offset_s=offset_s)

    for step in range(timeline.count):
        frame, partner = timeline.leading_frame(step), timeline.following_frame(step)
        assert 0 <= frame < leading.playable
        assert timeline.step_of(frame) == step
        assert timeline.step_at(timeline.time_s(step)) == step
        assert timeline.end_s(step) > timeline.time_s(step)
        if following is None:
            assert partner is None
            continue
        assert partner is not None
        assert 0 <= partner < following.playable
        moment_s = leading.index.time_s(frame) - offset_s
        assert following.index.time_s(partner) <= moment_s + 0.002001
        assert moment_s <= following.end_s(partner) + 1e-5


@given(_tracks, _tracks, st.integers(-60, 60))
def test_seen_from_the_other_side_equally_fast_clips_are_the_same_pairs(one: Track, other: Track, shift: int) -> None:
    other = track(len(other.index), round(1 / one.frame_s), playable=other.playable)
    offset_s = shift * one.frame_s
    there = Timeline(leading=one, following=other, offset_s=offset_s)
    back = Timeline(leading=other, following=one, offset_s=-offset_s)

    assert frames(there) == [(mine, yours) for yours, mine in frames(back)]
