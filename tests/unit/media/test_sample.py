from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from klingstudio.domain.fit import plan_fit
from klingstudio.media.sample import sample
from klingstudio.media.scene import FPS, FRAMES, HEIGHT_PX, WIDTH_PX, Scene
from klingstudio.media.tune import LENGTH_S, RATE, sound
from klingstudio.media.verify import verify
from klingstudio.media.walker import CYCLE_FRAMES, GROUND_SPEED_PX, foot
from klingstudio.media.whole_file import new_part
from tests.fakes.limits import LIMITS


@pytest.mark.slow
def test_the_sample_is_a_whole_clip_that_is_sent_as_it_is(tmp_path: Path) -> None:
    out = tmp_path / "sample.mp4"
    told: list[float] = []

    made = sample(out, new_part(out), told.append)

    facts = verify(made)
    assert made == out
    assert (facts.width_px, facts.height_px, facts.fps, facts.frame_count) == (1280, 720, 25, 125)
    assert (facts.audio_codec, facts.audio_duration_s) == ("aac", pytest.approx(5.0, abs=0.001))
    assert plan_fit(facts, LIMITS).is_identity
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["sample.mp4"]


def test_a_sample_that_exists_is_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "sample.mp4"
    out.write_bytes(b"already here")

    assert sample(out, tmp_path / "never-made") == out
    assert out.read_bytes() == b"already here"


def test_the_scene_moves_and_is_the_same_each_time() -> None:
    one, two = Scene(), Scene()

    first, later = one.frame(0), one.frame(25)

    assert first.size == (WIDTH_PX, HEIGHT_PX)
    assert first.tobytes() == two.frame(0).tobytes()
    assert all(mean > 3 for mean in ImageStat.Stat(ImageChops.difference(first, later)).mean)


def test_the_layers_cover_the_picture_to_the_last_frame() -> None:
    last = Scene().frame(FRAMES - 1)

    # A strip that is too short would leave the sky showing through the meadow.
    edge = last.crop((WIDTH_PX - 4, 560, WIDTH_PX, 610)).resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    assert isinstance(edge, tuple)
    assert edge[1] > edge[0] > edge[2]


def test_a_foot_on_the_ground_moves_exactly_with_the_ground() -> None:
    for n in range(4, 9):
        (before, _), _ = foot(n / CYCLE_FRAMES)
        (after, _), _ = foot((n + 1) / CYCLE_FRAMES)

        assert before - after == pytest.approx(GROUND_SPEED_PX)


def test_the_sound_is_as_long_as_the_picture_and_does_not_clip() -> None:
    track = sound()

    assert len(track) == 2 * RATE * FRAMES / FPS == 2 * RATE * LENGTH_S
    assert 8_000 < max(track) < 32_000
    assert -32_000 < min(track) < -8_000
    assert abs(track[-1]) < 100
