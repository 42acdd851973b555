"""What can be done with two clips, without a window."""

from __future__ import annotations

from pathlib import Path

import pytest

from klingstudio.ui.player.playback.pair import Pair, Side
from tests.ui.player.conftest import Bare
from tests.unit.media.numbered_clips import BLUE, RED, color_of, number_of, numbered_clip


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Encoded once."""
    folder = tmp_path_factory.mktemp("clips")
    return {
        "source": numbered_clip(folder / "source.mp4", 60, ink=RED),
        "take": numbered_clip(folder / "take.mp4", 60, ink=BLUE, options={"g": "250"}),
        "other": numbered_clip(folder / "other.mp4", 60, ink=BLUE),
        "later": numbered_clip(folder / "later.mp4", 50, ink=RED, first=10),
        "fast": numbered_clip(folder / "fast.mp4", 120, ink=BLUE, fps=50),
    }


def steps_of(bare: Bare) -> list[int]:
    """Fills with the steps that are published from now on."""
    steps: list[int] = []

    def note(pair: Pair) -> None:
        steps.append(pair.step)

    bare.player.pair_shown.connect(note)
    return steps


def play(bare: Bare, seconds: float, *, until_step: int) -> None:
    """Let time pass, and wait for the step that is due then."""
    bare.time.pass_s(seconds)
    bare.until(lambda: (pair := bare.player.pair) is not None and pair.step == until_step)


# --- playing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "start", "step"),
    [(0.5, 10, 20), (2.0, 10, 50), (-1.0, 30, 9), (-0.5, 30, 19), (4.0, 0, 20), (-2.0, 20, 39)],
)
def test_it_plays_at_every_speed_in_both_directions(
    rate: float, start: int, step: int, bare: Bare, clips: dict[str, Path]
) -> None:
    bare.load(clips["source"], clips["take"])
    bare.player.seek(start)
    bare.until_exact(start)

    bare.player.set_rate(rate)
    bare.player.play()
    play(bare, 0.801, until_step=step)
    bare.player.pause()
    bare.until_exact(step)

    assert bare.frames() == (step, step)


def test_late_pictures_are_shown_in_turn_and_none_twice(bare: Bare, clips: dict[str, Path]) -> None:
    bare.load(clips["source"], clips["take"])
    bare.player.seek(20)
    bare.until_exact(20)
    steps = steps_of(bare)

    bare.player.play()
    bare.time.pass_s(0.401)
    bare.until_exact(30)

    assert steps == sorted(set(steps))
    assert bare.frames() == (30, 30)


def test_what_is_hopelessly_late_goes_on_with_what_is_due(bare: Bare, clips: dict[str, Path]) -> None:
    bare.load(clips["source"], clips["take"])
    steps = steps_of(bare)

    bare.player.play()
    bare.time.pass_s(1.601)
    # Exact or draft: while it runs, another step is due before a draft could be replaced.
    bare.until(lambda: 40 in steps)

    assert set(steps) <= {1, 40}


def test_the_clock_says_when_it_starts_jumps_begins_again_changes_and_stops(bare: Bare, clips: dict[str, Path]) -> None:
    said: list[tuple[float, float] | None] = []
    bare.player.ran.connect(lambda time_s, rate: said.append((round(time_s, 3), rate)))
    bare.player.stood_still.connect(lambda: said.append(None))
    bare.load(clips["source"], clips["take"])

    bare.player.play()
    bare.player.seek(50)
    play(bare, 0.5, until_step=2)
    bare.player.set_rate(2)
    bare.player.nudge(1)
    bare.player.scrub(10)
    bare.player.seek(10)
    bare.player.pause()
    bare.player.seek(30)

    # Shifted by a frame the first pair is the second frame of before.
    assert said == [(0, 1), (2.0, 1), (0.1, 1), (0.1, 2), (0.06, 2), None, (0.4, 2), None]


def test_marks_are_gone_through_again_and_again_and_stay_on_their_frames(bare: Bare, clips: dict[str, Path]) -> None:
    bare.load(clips["source"], clips["take"])
    bare.player.mark_in(10)
    bare.player.mark_out(19)
    bare.player.set_looping_marks(True)
    bare.player.set_looping(False)
    bare.player.seek(18)
    bare.until_exact(18)

    bare.player.play()
    play(bare, 0.121, until_step=11)
    bare.player.set_rate(-1)
    play(bare, 0.08, until_step=19)
    bare.player.nudge(2)

    assert bare.player.marks == (8, 17)
    assert bare.player.frame(Side.BEFORE, 8) == 10


def test_a_mark_beyond_the_other_one_takes_it_away(bare: Bare, clips: dict[str, Path]) -> None:
    bare.load(clips["source"], clips["take"])
    bare.player.mark_in(10)
    bare.player.mark_out(19)
    marks = [bare.player.marks]
    bare.player.mark_in(30)
    marks.append(bare.player.marks)
    bare.player.mark_out(5)
    marks.append(bare.player.marks)
    bare.player.mark_out(None)
    marks.append(bare.player.marks)

    assert marks == [(10, 19), (30, None), (None, 5), (None, None)]


def test_it_follows_what_is_heard(bare: Bare, clips: dict[str, Path]) -> None:
    bare.load(clips["source"], clips["take"])
    bare.player.play()
    bare.time.pass_s(0.4)
    bare.player.steer(0.5)
    slowly_s = bare.player.time_s
    bare.player.steer(1.5)

    assert slowly_s == pytest.approx(0.4)
    assert bare.player.time_s == 1.5


# --- going somewhere --------------------------------------------------------------------------------------------------


def test_a_drag_shows_drafts_at_once_and_the_exact_pair_where_it_rests(bare: Bare, clips: dict[str, Path]) -> None:
    bare.load(clips["source"], clips["take"])
    bare.until(lambda: bare.player.survey_progress == 1)
    # Another size: nothing exact is there.
    bare.player.set_box(200, 112)
    bare.until_exact(0)
    bare.player.set_box(160, 90)

    bare.player.scrub(41)
    drafted = bare.player.pair
    assert drafted is not None
    assert drafted.before is not None
    assert drafted.after is not None
    read = number_of(color_of(drafted.before)), number_of(color_of(drafted.after))
    bare.until_exact(41)

    assert (drafted.step, drafted.is_draft, read) == (41, True, (41, 41))
    assert bare.frames() == (41, 41)


def test_a_step_back_shows_drafts_at_once_where_the_exact_pair_takes_a_run(bare: Bare, clips: dict[str, Path]) -> None:
    bare.load(clips["source"], clips["take"])
    bare.until(lambda: bare.player.survey_progress == 1)
    bare.player.seek(59)
    bare.until_exact(59)

    bare.player.move(-20)
    at_once = bare.player.pair
    bare.until_exact(39)

    assert at_once is not None
    assert (at_once.step, at_once.is_draft) == (39, True)
    assert bare.frames() == (39, 39)


def test_one_that_plays_at_once_is_surveyed_after_its_first_picture(bare: Bare, clips: dict[str, Path]) -> None:
    at_first: list[float] = []
    bare.player.pair_shown.connect(lambda _: at_first.append(bare.player.survey_progress))
    bare.player.load(Side.BEFORE, clips["source"], plays=True)
    bare.until(lambda: bare.player.pair is not None and not bare.player.is_loading())
    play(bare, 0.081, until_step=2)
    bare.player.pause()
    bare.until(lambda: bare.player.survey_progress == 1)

    assert at_first[0] == 0


def test_the_newest_wish_wins(bare: Bare, clips: dict[str, Path]) -> None:
    bare.load(clips["source"], clips["take"])
    steps = steps_of(bare)

    for step in (50, 3, 44, 20):
        bare.player.seek(step)
    bare.until_exact(20)

    assert steps[-1] == 20
    assert bare.frames() == (20, 20)


def test_moves_in_frames_and_seconds_stay_inside(bare: Bare, clips: dict[str, Path]) -> None:
    bare.load(clips["source"], clips["take"])
    seen = []
    for go in (
        lambda: bare.player.move(10),
        lambda: bare.player.move(-30),
        lambda: bare.player.move_s(1.0),
        lambda: bare.player.go_to_s(99),
        lambda: bare.player.move_s(-0.2),
    ):
        go()
        seen.append(bare.player.step)
    bare.until_exact(54)

    assert seen == [10, 0, 25, 59, 54]


# --- sides ------------------------------------------------------------------------------------------------------------


def test_swapped_sides_show_the_same_moment_and_decode_nothing_anew(bare: Bare, clips: dict[str, Path]) -> None:
    bare.load(clips["source"], clips["fast"], offset_s=0.4)
    bare.player.seek(15)
    bare.until_exact(15)
    frames = bare.frames()

    bare.player.swap()
    swapped = bare.frames()
    step = bare.player.step
    bare.player.swap()

    assert frames == (25, 30)
    assert (swapped, step) == ((30, 25), 30)
    assert (bare.player.path(Side.BEFORE), bare.frames()) == (clips["source"], frames)


def test_another_clip_after_stays_at_the_moment_and_one_before_begins_unless_it_is_told_to_stay(
    bare: Bare, clips: dict[str, Path]
) -> None:
    bare.load(clips["source"], clips["take"])
    bare.player.seek(33)
    bare.until_exact(33)

    bare.player.load(Side.AFTER, clips["other"], offset_s=0.0)
    bare.until(lambda: not bare.player.is_loading())
    after_step = bare.player.step
    bare.player.load(Side.BEFORE, clips["later"], offset_s=0.0, stays=True)
    bare.until(lambda: not bare.player.is_loading())
    staying_step = bare.player.step
    bare.player.load(Side.BEFORE, clips["source"], offset_s=0.0)
    bare.until(lambda: not bare.player.is_loading())

    assert (after_step, staying_step, bare.player.step) == (33, 33, 0)


def test_while_a_clip_is_replaced_the_old_pair_stays_and_a_wish_is_not_lost(bare: Bare, clips: dict[str, Path]) -> None:
    bare.load(clips["source"], clips["take"])
    old = bare.player.pair

    bare.player.load(Side.AFTER, clips["other"], offset_s=0.0)
    meanwhile, seen = bare.player.pair, bare.player.path(Side.AFTER)
    bare.player.seek(12)
    bare.until_exact(12)

    assert (meanwhile, seen) == (old, clips["take"])
    assert bare.player.path(Side.AFTER) == clips["other"]
    assert bare.frames() == (12, 12)


def test_the_same_clip_again_plays_from_its_start(bare: Bare, clips: dict[str, Path]) -> None:
    bare.load(clips["source"], clips["take"])
    bare.player.seek(33)
    bare.until_exact(33)

    bare.player.load(Side.AFTER, clips["take"], offset_s=0.0, plays=True)
    bare.until(lambda: bare.player.is_playing and bare.player.pair is not None and bare.player.pair.step == 0)
    play(bare, 0.401, until_step=10)

    assert bare.frames() == (10, 10)


def test_a_frame_that_lasts_for_years_is_waited_for_like_any_other(bare: Bare, tmp_path: Path) -> None:
    year_ticks = 365 * 24 * 3600 * 100
    bare.player.load(Side.BEFORE, numbered_clip(tmp_path / "clip.mkv", 3, at_ticks=[0, 4, year_ticks]))
    bare.until_exact(0)

    bare.player.set_rate(0.1)
    bare.player.play()
    play(bare, 1.0, until_step=1)

    assert bare.player.is_playing


def test_clips_without_a_common_moment_wait_for_nothing(bare: Bare, clips: dict[str, Path]) -> None:
    bare.player.load(Side.BEFORE, clips["source"])
    bare.player.load(Side.AFTER, clips["take"], offset_s=100.0, plays=True)
    bare.until(lambda: (timeline := bare.player.timeline) is not None and timeline.following is not None)

    assert bare.player.timeline is not None
    assert bare.player.timeline.count == 0
    assert not bare.player.is_playing


def test_marks_outlast_a_shift_that_leaves_nothing_in_common(bare: Bare, clips: dict[str, Path]) -> None:
    bare.load(clips["source"], clips["take"])
    bare.player.mark_in(5)
    bare.player.mark_out(10)
    bare.player.set_looping_marks(True)
    bare.player.play()

    for frames in (200, -400):
        bare.player.nudge(frames)
        assert bare.player.timeline is not None
        assert (bare.player.timeline.count, bare.player.is_playing) == (0, False)
    bare.player.nudge(200)
    bare.until(lambda: bare.player.pair is not None)

    assert (bare.player.marks, bare.player.loops_marks) == ((5, 10), True)


def test_marks_of_a_clip_that_leads_no_more_are_gone(bare: Bare, clips: dict[str, Path], tmp_path: Path) -> None:
    short = numbered_clip(tmp_path / "short.mp4", 3, ink=BLUE)
    bare.player.load(Side.AFTER, clips["take"])
    bare.until_exact(0)
    bare.player.mark_in(40)
    bare.player.set_looping_marks(True)

    bare.player.load(Side.AFTER, short)
    bare.player.load(Side.BEFORE, clips["source"], offset_s=0.0)
    bare.until_pair()
    bare.player.swap()
    bare.until_exact(0)

    assert (bare.player.marks, bare.player.loops_marks) == ((None, None), False)


def test_a_mark_beyond_the_end_is_the_last_frame_also_when_the_sides_are_changed(
    bare: Bare, clips: dict[str, Path]
) -> None:
    bare.load(clips["source"], clips["take"])

    bare.player.mark_in(500)
    bare.player.swap()

    assert bare.player.marks == (59, None)


def test_a_clip_taken_away_under_a_drag_does_not_go_on_playing(bare: Bare, clips: dict[str, Path]) -> None:
    bare.player.load(Side.BEFORE, clips["source"])
    bare.until_exact(0)
    bare.player.play()
    bare.player.scrub(5)

    bare.player.load(Side.BEFORE, None)

    assert not bare.player.is_playing


# --- alignment and changes --------------------------------------------------------------------------------------------


def test_a_nudge_shifts_after_by_one_of_its_frames_and_can_be_taken_back(bare: Bare, clips: dict[str, Path]) -> None:
    bare.load(clips["source"], clips["fast"])
    bare.player.seek(20)
    bare.until_exact(20)
    seen = []

    for frames in (1, 1, -3):
        bare.player.nudge(frames)
        assert bare.player.step is not None
        bare.until_exact(bare.player.step)
        seen.append((bare.player.nudged, bare.frames()))
    bare.player.reset_alignment()
    bare.until_exact(20)

    assert seen == [(1, (20, 39)), (2, (20, 38)), (-1, (20, 41))]
    assert (bare.player.nudged, bare.frames()) == (0, (20, 40))


def test_what_the_surveys_find_is_told_for_each_step(bare: Bare, clips: dict[str, Path]) -> None:
    bare.load(clips["source"], clips["later"])
    news = []
    bare.player.survey_changed.connect(lambda: news.append(bare.player.survey_progress))

    bare.until(lambda: None not in bare.player.changes)
    other = list(bare.player.changes)
    bare.player.load(Side.AFTER, clips["later"], offset_s=0.4)
    bare.until(lambda: bool(bare.player.changes) and None not in bare.player.changes)
    same = list(bare.player.changes)
    heat = bare.player.heat(3)

    assert news[-1] == 1
    assert len(other) == len(same) == 50
    assert min(value or 0 for value in other) > max(value or 0 for value in same)
    assert heat is not None
    assert len(heat.values) == heat.width * heat.height


def test_sides_without_a_clip_have_nothing_to_tell(bare: Bare, clips: dict[str, Path]) -> None:
    bare.player.load(Side.AFTER, clips["take"])
    bare.until_exact(0)
    player = bare.player

    before = (
        player.path(Side.BEFORE),
        player.size(Side.BEFORE),
        player.frame(Side.BEFORE, 0),
        player.draft(Side.BEFORE, 0),
    )
    after = (
        player.path(Side.AFTER),
        player.size(Side.AFTER),
        player.frame(Side.AFTER, 5),
        player.clip_time_s(Side.AFTER),
    )

    assert before == (None, None, None, None)
    assert (player.clip_time_s(Side.BEFORE), player.starts_at_s(Side.BEFORE), player.heat(0)) == (None, None, None)
    assert after == (clips["take"], (320, 180), 5, 0.0)
    assert list(player.changes) == []


def test_a_shift_is_found_and_applied_and_can_be_refused(bare: Bare, clips: dict[str, Path]) -> None:
    bare.load(clips["source"], clips["later"], offset_s=None)
    bare.player.seek(25)
    bare.until_exact(25)
    beside = bare.frames()

    bare.until(lambda: bare.player.alignment is not None)
    bare.until(lambda: bare.frames() == (25, 15))
    alignment = bare.player.alignment
    bare.player.swap()
    bare.until(lambda: bare.frames() == (15, 25))
    bare.player.swap()
    bare.player.reset_alignment()
    bare.until(lambda: bare.frames() == (25, 25))
    refused = bare.player.alignment
    bare.player.align()
    bare.until(lambda: bare.frames() == (25, 15))

    assert beside == (25, 25)
    assert alignment is not None
    assert alignment.offset_s == pytest.approx(0.4, abs=0.005)
    assert refused is None


def test_a_shift_that_is_known_is_not_looked_for(bare: Bare, clips: dict[str, Path]) -> None:
    bare.load(clips["source"], clips["later"], offset_s=0.0)

    bare.until(lambda: bool(bare.player.changes) and None not in bare.player.changes)

    assert bare.player.alignment is None
    assert bare.player.timeline is not None
    assert bare.player.timeline.offset_s == 0
