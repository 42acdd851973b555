from __future__ import annotations

from fractions import Fraction

import pytest

from klingstudio.media.decode_index import FrameIndex
from klingstudio.ui.player.timeline import Timeline, Track


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
