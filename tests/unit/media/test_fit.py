from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from klingstudio.domain.errors import DiskProblem, InputRefused, Kind
from klingstudio.domain.fit import plan_fit
from klingstudio.domain.job import Clip
from klingstudio.domain.media import ClipFacts, FitPlan, Framing, Limits, Trim
from klingstudio.media.fit import fit, frame_count
from klingstudio.media.probe import probe
from klingstudio.media.verify import verify
from klingstudio.media.whole_file import new_part
from tests.fakes.limits import SMALL as LIMITS
from tests.unit.media.made_clips import is_upright, make_clip, number_of, pictures_of


@dataclass(frozen=True)
class Case:
    name: str
    """With the suffix that decides the container."""
    made: dict[str, Any]
    trim: Trim | None = None


CASES = [
    Case("too-long.mp4", {"count": 40, "sound_s": 1.6}),
    Case("upright-trim.mp4", {"count": 40, "sound_s": 1.6}, Trim(start_s=0.2, end_s=1.0)),
    Case("turned-90.mp4", {"turn_deg": 90}),
    Case("turned-180.mov", {"turn_deg": 180, "sound_s": 0.8}),
    Case("turned-270.mp4", {"turn_deg": 270, "size": (64, 96)}),
    Case("turned-large-portrait.mov", {"turn_deg": 90, "size": (180, 320), "codec": "libx265"}),
    Case("ten-bit.mkv", {"pixel_format": "yuv420p10le"}),
    Case("hevc-ten-bit.mov", {"codec": "libx265", "pixel_format": "yuv420p10le", "sound_s": 0.8}),
    Case("vp9.webm", {"codec": "libvpx-vp9", "sound_s": 0.8, "sound_codec": "libopus"}),
    Case("vp9-odd.webm", {"codec": "libvpx-vp9", "size": (97, 65)}),
    Case("mpeg4.avi", {"codec": "mpeg4", "sound_s": 0.8, "sound_codec": "libmp3lame"}),
    Case("prores.mov", {"codec": "prores_ks", "pixel_format": "yuv422p10le", "count": 12}),
    Case("motion-jpeg.avi", {"codec": "mjpeg", "pixel_format": "yuvj420p"}),
    Case("broadcast.ts", {"sound_s": 0.8}, Trim(start_s=0.4, end_s=0.8)),
    Case("odd.mp4", {"size": (99, 71), "pixel_format": "yuv444p"}),
    Case("small.mp4", {"size": (48, 32)}),
    Case("wide.mp4", {"size": (400, 200), "count": 10}),
    Case("slow.mp4", {"fps": 12, "count": 10}),
    Case("film.mkv", {"fps": Fraction(24000, 1001), "count": 30}, Trim(start_s=0.0, end_s=0.9)),
    Case("television.mp4", {"fps": Fraction(30000, 1001), "count": 40, "sound_s": 1.3}),
    Case("fast.mp4", {"fps": 120, "count": 48}),
    Case("variable.mp4", {"at_ms": [0, 20, 60, 110, 130, 200, 260, 270, 330, 400]}),
    Case("variable-late.mkv", {"at_ms": [300, 340, 420, 440, 520, 600, 700]}),
    Case("short-sound.mp4", {"count": 40, "sound_s": 0.3}),
    Case("long-sound.mp4", {"count": 40, "sound_s": 3.0}),
    Case("late-sound.mkv", {"count": 40, "sound_s": 0.9, "sound_from_s": 0.4}),
]


def run(source: Path, plan: FitPlan, out: Path, *, limits: Limits = LIMITS, keep_audio: bool = True) -> Clip:
    return fit(source, plan, limits=limits, keep_audio=keep_audio, out=out, part=new_part(out))


def assert_within(facts: ClipFacts, limits: Limits) -> None:
    assert "mp4" in facts.container.split(",")
    assert (facts.video_codec, facts.pixel_format, facts.rotation_deg) == ("h264", "yuv420p", 0)
    assert limits.clip_min_s <= facts.duration_s <= limits.clip_max_s
    assert all(limits.side_min_px <= side <= limits.side_max_px for side in (facts.width_px, facts.height_px))
    assert facts.width_px % 2 == facts.height_px % 2 == 0
    assert limits.fps_min <= facts.fps <= limits.fps_max
    assert not facts.is_variable_rate
    assert facts.size_bytes <= limits.clip_max_bytes
    assert facts.audio_codec in {None, "aac"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_whatever_goes_in_the_clip_satisfies_every_limit(case: Case, tmp_path: Path) -> None:
    source = make_clip(tmp_path / case.name, **case.made)
    before = source.read_bytes()
    facts = probe(source)
    plan = plan_fit(facts, LIMITS, case.trim)

    clip = run(source, plan, tmp_path / "clip.mp4")

    fitted = verify(Path(clip.path))
    assert_within(fitted, LIMITS)
    assert fitted.frame_count == clip.frame_count == round(plan.duration_s * plan.fps)
    assert (fitted.width_px, fitted.height_px, fitted.fps) == (plan.width_px, plan.height_px, plan.fps)
    assert (fitted.audio_codec is None) == (facts.audio_codec is None)
    assert (fitted.audio_duration_s or 0) <= fitted.duration_s + 0.0005
    assert all(is_upright(image) for image in pictures_of(Path(clip.path)))
    assert clip.sha256 == hashlib.sha256(Path(clip.path).read_bytes()).hexdigest()
    assert source.read_bytes() == before
    assert not list(tmp_path.glob(".klingstudio-*"))


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.mov", "clip.ts", "clip.avi"])
@pytest.mark.parametrize("first", [0, 1, 11, 12, 13, 24])
def test_a_trim_keeps_exactly_the_frames_between_its_ends(name: str, first: int, tmp_path: Path) -> None:
    codec = "mpeg4" if name.endswith("avi") else "libx264"
    source = make_clip(tmp_path / name, count=40, codec=codec)
    plan = plan_fit(probe(source), LIMITS, Trim(start_s=first / 25, end_s=(first + 15) / 25))

    clip = run(source, plan, tmp_path / "out.mp4")

    assert [number_of(image) for image in pictures_of(Path(clip.path))] == list(range(first, first + 15))


def test_a_source_that_fits_is_sent_byte_for_byte(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "fits.mp4", sound_s=0.8)
    plan = plan_fit(probe(source), LIMITS)

    clip = run(source, plan, tmp_path / "clip.mp4", keep_audio=False)

    assert plan.is_identity
    assert clip.is_source
    assert clip.path == str(source)
    assert clip.sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    assert clip.frame_count == 20
    assert not (tmp_path / "clip.mp4").exists()


def test_a_variable_rate_becomes_constant_and_each_frame_stays_in_its_place(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "variable.mp4", at_ms=[0, 120, 160, 200, 320, 360, 400])
    plan = replace(plan_fit(probe(source), LIMITS), fps=Fraction(25), end_s=0.44)

    clip = run(source, plan, tmp_path / "clip.mp4")

    assert [number_of(image) for image in pictures_of(Path(clip.path))] == [0, 0, 0, 1, 2, 3, 3, 3, 4, 5, 6]


def test_the_sound_stays_where_it_was(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "late.mkv", count=40, sound_s=1.0, sound_from_s=0.6, sound_codec="pcm_s16le")
    plan = plan_fit(probe(source), LIMITS, Trim(start_s=0.2, end_s=1.0))

    clip = run(source, plan, tmp_path / "clip.mp4")

    assert first_sound_s(Path(clip.path)) == pytest.approx(0.4, abs=0.005)


def test_the_sound_is_left_out_when_the_person_wants_it_so(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "loud.mp4", count=40, sound_s=1.6)
    plan = plan_fit(probe(source), LIMITS)

    clip = run(source, plan, tmp_path / "clip.mp4", keep_audio=False)

    assert probe(Path(clip.path)).audio_codec is None


def test_a_clip_that_comes_out_too_large_is_encoded_again_with_the_rate_that_fits(tmp_path: Path) -> None:
    source = noise(tmp_path / "noise.mp4")
    facts = probe(source)
    limits = replace(LIMITS, clip_max_bytes=220_000)

    clip = run(source, plan_fit(facts, limits), tmp_path / "clip.mp4", limits=limits)

    assert facts.size_bytes > 220_000
    assert 60_000 < clip.size_bytes <= 220_000
    assert clip.frame_count == facts.frame_count


def test_a_clip_that_cannot_be_made_small_enough_is_refused_and_nothing_stays(tmp_path: Path) -> None:
    source = noise(tmp_path / "noise.mp4")
    limits = replace(LIMITS, clip_max_bytes=4_000)
    plan = plan_fit(probe(source), limits)

    with pytest.raises(InputRefused) as refused:
        run(source, plan, tmp_path / "clip.mp4", limits=limits)

    assert refused.value.problem.kind is Kind.SOURCE_UNFITTABLE
    assert [path.name for path in tmp_path.iterdir()] == ["noise.mp4"]


def test_hdr_is_brought_to_standard_range(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "hdr.mp4", count=8, codec="libx265", pixel_format="yuv420p10le", transfer=16)
    facts = probe(source)
    plan = plan_fit(facts, LIMITS)

    clip = run(source, plan, tmp_path / "clip.mp4")

    fitted = probe(Path(clip.path))
    assert facts.is_hdr
    assert (fitted.is_hdr, fitted.pixel_format, fitted.frame_count) == (False, "yuv420p", 8)
    assert all(is_upright(image) for image in pictures_of(Path(clip.path)))


def test_a_folder_that_is_gone_is_a_problem_of_the_disk(tmp_path: Path) -> None:
    with pytest.raises(DiskProblem) as refused:
        new_part(tmp_path / "gone" / "clip.mp4")

    assert refused.value.problem.kind is Kind.DISK_UNWRITABLE


def test_a_source_that_vanished_is_missing_and_not_a_problem_of_the_disk(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "clip.mp4", count=40)
    plan = plan_fit(probe(source), LIMITS)
    source.unlink()

    with pytest.raises(InputRefused) as refused:
        run(source, plan, tmp_path / "out.mp4")

    assert refused.value.problem.kind is Kind.SOURCE_MISSING


def test_progress_rises_to_the_end(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "clip.mp4", count=40)
    plan = plan_fit(probe(source), LIMITS)
    out = tmp_path / "out.mp4"
    told: list[float] = []

    fit(source, plan, limits=LIMITS, keep_audio=True, out=out, part=new_part(out), on_progress=told.append)

    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) >= frame_count(plan)


def first_sound_s(path: Path) -> float:
    with av.open(path) as container:
        for frame in container.decode(audio=0):
            samples = memoryview(bytes(frame.planes[0])).cast("f")[: frame.samples]
            loud = next((n for n, value in enumerate(samples) if abs(value) > 0.1), None)
            if loud is not None:
                assert frame.time is not None
                return frame.time + loud / frame.sample_rate
    raise AssertionError("silence")


def noise(path: Path) -> Path:
    """Half a second that does not compress."""
    import random

    dice = random.Random(5)
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", "crf": "4"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for number in range(20):
            frame = av.VideoFrame(128, 96, "yuv420p")
            for plane in frame.planes:
                plane.update(dice.randbytes(plane.buffer_size))
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


# -- framing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("turn_deg", [0, 90, 180])
@pytest.mark.parametrize("size", [(400, 40), (30, 300)])
def test_a_ribbon_with_bars_is_whole_upright_and_in_the_middle(
    size: tuple[int, int], turn_deg: int, tmp_path: Path
) -> None:
    source = make_clip(tmp_path / "ribbon.mp4", size=size, turn_deg=turn_deg)
    plan = plan_fit(probe(source), LIMITS, framing=Framing.PAD)

    shown = pictures_of(Path(run(source, plan, tmp_path / "clip.mp4").path))

    assert plan.picture_px is not None
    width, height = plan.picture_px
    left, top = (plan.width_px - width) // 2, (plan.height_px - height) // 2
    inside = [image.crop((left, top, left + width, top + height)) for image in shown]
    assert all(is_upright(image) for image in inside)
    # So narrow that the colours of the corners run into the ground that tells the number.
    assert all(abs(number_of(image) - number) <= 1 for number, image in enumerate(inside))
    assert {image.size for image in shown} == {(plan.width_px, plan.height_px)}
    bars = [level for corner in ((0, 0), (plan.width_px - 1, plan.height_px - 1)) for level in rgb(shown[3], corner)]
    assert max(bars) <= 5


@pytest.mark.parametrize("turn_deg", [0, 90, 180])
@pytest.mark.parametrize("size", [(400, 40), (30, 300)])
def test_a_cropped_ribbon_shows_its_middle_and_no_bars(size: tuple[int, int], turn_deg: int, tmp_path: Path) -> None:
    source = make_clip(tmp_path / "ribbon.mp4", size=size, turn_deg=turn_deg)
    plan = plan_fit(probe(source), LIMITS, framing=Framing.CROP)

    shown = pictures_of(Path(run(source, plan, tmp_path / "clip.mp4").path))

    # The coloured corners are a quarter of the ribbon long, and not within its middle.
    for number, image in enumerate(shown):
        ground = [rgb(image, (x, y)) for x in (0, image.width - 1) for y in (0, image.height - 1)]
        assert all(abs(level - (25 + 5 * number)) <= 6 for corner in ground for level in corner)
    assert len(shown) == 20


def rgb(image: Image.Image, place: tuple[int, int]) -> tuple[int, ...]:
    found = image.getpixel(place)
    assert isinstance(found, tuple)
    return found


# -- what needs no encoding ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("mute.mkv", {}),
        ("aac.mkv", {"sound_s": 0.8}),
        ("late-aac.mkv", {"sound_s": 0.5, "sound_from_s": 0.2}),
        ("opus.mkv", {"sound_s": 0.8, "sound_codec": "libopus"}),
        ("mp3.mp4", {"sound_s": 0.8, "sound_codec": "libmp3lame"}),
        ("pcm.mov", {"sound_s": 0.8, "sound_codec": "pcm_s16le"}),
        ("broadcast.ts", {"sound_s": 0.8}),
        ("television.mkv", {"fps": Fraction(30000, 1001), "count": 25, "sound_s": 0.7}),
    ],
)
def test_pictures_that_fit_are_taken_over_untouched(name: str, made: dict[str, Any], tmp_path: Path) -> None:
    source = make_clip(tmp_path / name, **made)
    facts = probe(source)

    clip = run(source, plan_fit(facts, LIMITS), tmp_path / "clip.mp4")

    fitted = verify(Path(clip.path))
    assert_within(fitted, LIMITS)
    assert (fitted.fps, fitted.frame_count) == (facts.fps, facts.frame_count)
    assert (fitted.audio_codec is None) == (facts.audio_codec is None)
    assert not clip.is_source
    assert bits_of(Path(clip.path)) == bits_of(source)


def test_sound_that_fits_is_taken_over_and_stays_where_it_was(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "late.mkv", count=25, sound_s=0.5, sound_from_s=0.3)

    clip = run(source, plan_fit(probe(source), LIMITS), tmp_path / "clip.mp4")

    assert first_sound_s(Path(clip.path)) == pytest.approx(first_sound_s(source), abs=0.002)


def test_sound_that_begins_when_the_pictures_have_ended_does_not_make_the_clip_longer(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "later.mkv", count=20, sound_s=0.8, sound_from_s=1.2)
    plan = plan_fit(probe(source), LIMITS)

    clip = run(source, plan, tmp_path / "clip.mp4")

    assert plan.keeps_picture
    assert bits_of(Path(clip.path)) == bits_of(source)
    with av.open(clip.path) as made:
        assert made.duration is not None
        assert made.duration / av.time_base == pytest.approx(0.8, abs=0.03)


def test_sound_is_left_out_without_touching_the_pictures(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "loud.mkv", sound_s=0.8)

    clip = run(source, plan_fit(probe(source), LIMITS), tmp_path / "clip.mp4", keep_audio=False)

    assert probe(Path(clip.path)).audio_codec is None
    assert bits_of(Path(clip.path)) == bits_of(source)


def test_what_cannot_be_taken_over_safely_is_encoded(tmp_path: Path) -> None:
    # AVI tells the order of decoding, not when a frame is shown.
    plain = {"preset": "ultrafast", "crf": "10", "bf": "0"}
    source = make_clip(tmp_path / "old.avi", sound_s=0.8, sound_codec="libmp3lame", options=plain)
    plan = plan_fit(probe(source), LIMITS)

    clip = run(source, plan, tmp_path / "clip.mp4")

    assert plan.keeps_picture
    assert_within(verify(Path(clip.path)), LIMITS)
    assert [number_of(image) for image in pictures_of(Path(clip.path))] == list(range(20))


def bits_of(path: Path) -> list[bytes]:
    """Every decoded picture: containers wrap the packets themselves in different ways."""
    return [image.tobytes() for image in pictures_of(path)]
