from __future__ import annotations

import os
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest
from av.stream import Disposition

from klingstudio.domain.errors import InputRefused, Kind
from klingstudio.media import probe as probing
from klingstudio.media.container import boxes, sniff
from klingstudio.media.probe import mark_source, probe
from klingstudio.media.source_file import stat_source
from tests.torture.media.films import lies, table_bombs
from tests.torture.media.originals import encode
from tests.unit.media.made_clips import make_clip, picture, tone


def kind_of(call: Callable[[], object]) -> Kind:
    with pytest.raises(InputRefused) as refused:
        call()
    assert refused.value.problem.subject == "source"
    return refused.value.problem.kind


def test_what_is_measured_of_an_ordinary_clip(tmp_path: Path) -> None:
    facts = probe(make_clip(tmp_path / "clip.mp4", count=20, sound_s=0.8))

    assert "mp4" in facts.container.split(",")
    assert (facts.video_codec, facts.pixel_format, facts.bit_depth, facts.is_hdr) == ("h264", "yuv420p", 8, False)
    assert (facts.width_px, facts.height_px, facts.rotation_deg) == (96, 64, 0)
    assert (facts.fps, facts.is_variable_rate, facts.frame_count) == (25, False, 20)
    assert facts.duration_s == pytest.approx(0.8)
    assert facts.audio_codec == "aac"
    assert facts.audio_duration_s == pytest.approx(0.8, abs=0.03)
    assert facts.size_bytes == (tmp_path / "clip.mp4").stat().st_size


@pytest.mark.parametrize("turn_deg", [0, 90, 180, 270])
def test_the_size_is_the_displayed_one_and_the_turn_is_clockwise(turn_deg: int, tmp_path: Path) -> None:
    facts = probe(make_clip(tmp_path / "clip.mp4", count=4, size=(96, 64), turn_deg=turn_deg))

    assert (facts.width_px, facts.height_px) == (96, 64)
    assert facts.rotation_deg == turn_deg


@pytest.mark.parametrize(
    "fps", [Fraction(24000, 1001), 24, 25, Fraction(30000, 1001), 30, 50, Fraction(60000, 1001), 60]
)
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_the_rate_is_exact_however_coarse_the_clock_of_the_file(
    fps: Fraction | int, suffix: str, tmp_path: Path
) -> None:
    facts = probe(make_clip(tmp_path / f"clip.{suffix}", count=30, fps=fps))

    assert facts.fps == fps
    assert not facts.is_variable_rate
    assert facts.duration_s == pytest.approx(30 / float(fps))


def test_uneven_frames_are_a_variable_rate(tmp_path: Path) -> None:
    facts = probe(make_clip(tmp_path / "clip.mp4", at_ms=[0, 40, 80, 200, 240, 280, 400]))

    assert facts.is_variable_rate
    assert facts.frame_count == 7
    assert 0.4 < facts.duration_s < 0.6


def test_the_length_is_that_of_the_picture_even_when_the_sound_is_longer(tmp_path: Path) -> None:
    facts = probe(make_clip(tmp_path / "clip.mp4", count=20, sound_s=2.5))

    assert facts.duration_s == pytest.approx(0.8)
    assert facts.audio_duration_s == pytest.approx(2.5, abs=0.03)


def test_ten_bits_and_the_curve_of_hdr_are_seen(tmp_path: Path) -> None:
    facts = probe(make_clip(tmp_path / "clip.mp4", count=3, codec="libx265", pixel_format="yuv420p10le", transfer=18))

    assert (facts.bit_depth, facts.is_hdr, facts.video_codec) == (10, True, "hevc")


@pytest.mark.parametrize(
    "name",
    ["🎬 größe.mp4", 'it\'s "quoted".mp4', "two\nlines.mp4", "-y.mp4", "http:x.mp4", "file:a%d.mp4", "a|b;c$(d).mp4"],
)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows forbids such names itself")
def test_any_name_the_system_allows_works(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_clip(tmp_path / "plain.mp4", count=5).rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)

    assert probe(Path(name)).frame_count == 5
    assert mark_source(Path(name)).size_bytes == (tmp_path / name).stat().st_size


def test_a_name_that_is_no_text_works(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.mp4"))
    try:
        make_clip(tmp_path / "plain.mp4", count=5).rename(path)
    except OSError:
        pytest.skip("this file system takes text only")

    assert probe(path).frame_count == 5


# -- what is refused -------------------------------------------------------------------------------------------------


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert kind_of(lambda: stat_source(tmp_path / "no.mp4")) is Kind.SOURCE_MISSING
    assert kind_of(lambda: mark_source(tmp_path / "no.mp4")) is Kind.SOURCE_MISSING
    assert kind_of(lambda: stat_source(tmp_path / "a\0b.mp4")) is Kind.SOURCE_MISSING


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert kind_of(lambda: stat_source(tmp_path)) is Kind.SOURCE_NOT_A_FILE


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")

    assert kind_of(lambda: probe(tmp_path / "pipe.mp4")) is Kind.SOURCE_NOT_A_FILE
    assert kind_of(lambda: stat_source(Path(os.devnull))) is Kind.SOURCE_NOT_A_FILE


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no such permissions here")
def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4", count=3)
    path.chmod(0)
    is_root = os.geteuid() == 0
    if is_root:
        # Root may read everything, so somebody else tries.
        os.seteuid(65_534)
    try:
        kind = kind_of(lambda: stat_source(path))
    finally:
        if is_root:
            os.seteuid(0)

    assert kind is Kind.SOURCE_UNREADABLE


def test_a_name_that_is_too_long_is_refused(tmp_path: Path) -> None:
    assert kind_of(lambda: stat_source(tmp_path / ("n" * 5000))) is Kind.SOURCE_UNREADABLE


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").touch()

    assert kind_of(lambda: stat_source(tmp_path / "clip.mp4")) is Kind.SOURCE_EMPTY


@pytest.mark.parametrize(
    "content",
    [
        b"hello, I am a text file\n" * 40,
        b"\x89PNG\r\n\x1a\n" + bytes(600),
        b"\xff\xd8\xff\xe0" + bytes(600),
        b"ID3\x04" + bytes(600),
        b"RIFF\x00\x10\x00\x00WAVEfmt " + bytes(600),
        b"\x7fELF" + bytes(600),
        b"G" + bytes(600),
        b"x",
        bytes(2000),
    ],
    ids=["text", "png", "jpeg", "mp3", "wav", "program", "nearly-ts", "one-byte", "zeros"],
)
def test_what_is_no_video_is_refused_whatever_its_name(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)

    assert kind_of(lambda: probe(path)) is Kind.SOURCE_NOT_VIDEO


@pytest.mark.parametrize(
    "head", ["ffconcat version 1.0\nfile '{}'\n", "#EXTM3U\n#EXTINF:1,\n{}\n", "<?xml version='1.0'?><MPD>{}</MPD>"]
)
def test_a_playlist_in_disguise_opens_no_other_file(head: str, tmp_path: Path) -> None:
    secret = make_clip(tmp_path / "secret.mp4", count=5)
    path = tmp_path / "clip.mp4"
    path.write_text(head.format(secret))

    assert kind_of(lambda: probe(path)) is Kind.SOURCE_NOT_VIDEO


@pytest.mark.parametrize("keep", [0.03, 0.5, 0.97])
def test_an_mp4_that_is_cut_off_is_damaged_wherever_its_index_is(keep: float, tmp_path: Path) -> None:
    for name, options in (("end", {}), ("front", {"movflags": "+faststart"})):
        path = make_clip(tmp_path / f"{name}.mp4", container_options=options)
        whole = path.read_bytes()
        path.write_bytes(whole[: int(len(whole) * keep)])

        assert kind_of(lambda path=path: probe(path)) is Kind.SOURCE_DAMAGED  # type: ignore[misc]


@pytest.mark.parametrize("head", [b"\x00\x00\x00\x20ftypisom", b"\x1a\x45\xdf\xa3", b"RIFF\x00\x10\x00\x00AVI LIST"])
def test_rubbish_behind_the_right_first_bytes_is_damaged(head: bytes, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(head + bytes(range(256)) * 20)

    assert kind_of(lambda: probe(path)) is Kind.SOURCE_DAMAGED


def test_sound_alone_has_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "song.mp4"
    with av.open(path, "w") as container:
        audio = container.add_stream("aac", rate=48_000, layout="stereo")
        for sound in tone(0.5):
            container.mux(audio.encode(sound))
        container.mux(audio.encode(None))

    assert kind_of(lambda: probe(path)) is Kind.SOURCE_NO_PICTURE


def test_a_song_with_a_cover_has_no_moving_picture(tmp_path: Path) -> None:
    path = tmp_path / "song.m4a"
    with av.open(path, "w", format="mp4") as container:
        cover = container.add_stream("png", rate=1)
        assert isinstance(cover, av.VideoStream)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "rgb24"
        cover.disposition = Disposition.attached_pic
        audio = container.add_stream("aac", rate=48_000, layout="stereo")
        frame = av.VideoFrame.from_image(picture(1, 64, 64))
        frame.pts = 0
        container.mux(cover.encode(frame))
        for sound in tone(0.5):
            container.mux(audio.encode(sound))
        container.mux(audio.encode(None))

    assert kind_of(lambda: probe(path)) is Kind.SOURCE_NO_PICTURE


def test_a_single_frame_is_no_video(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "still.mp4", count=1)

    assert kind_of(lambda: probe(path)) is Kind.SOURCE_ONE_FRAME


def test_more_than_an_hour_is_refused(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "long.mkv", at_ms=[0, 40, 3_700_000])

    assert kind_of(lambda: probe(path)) is Kind.SOURCE_TOO_LONG


def test_a_source_is_recognised_by_its_content_size_and_time(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4", count=5)
    before = mark_source(path)

    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)

    assert mark_source(path).sha256 != before.sha256
    assert mark_source(path).size_bytes == before.size_bytes


# -- the first bytes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("suffix", "demuxer"), [("mp4", "mov"), ("mov", "mov"), ("mkv", "matroska"), ("avi", "avi"), ("ts", "mpegts")]
)
def test_the_demuxer_follows_from_the_first_bytes(suffix: str, demuxer: str, tmp_path: Path) -> None:
    path = make_clip(tmp_path / f"clip.{suffix}", count=3)

    assert sniff(path.read_bytes()[:600]) == demuxer


def test_the_boxes_of_a_whole_mp4_end_where_the_file_ends(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4", count=3)

    with path.open("rb") as file:
        found = boxes(file)

    assert found[0].kind == b"ftyp"
    assert found[-1].end == path.stat().st_size


@pytest.mark.parametrize(
    ("gaps", "varies"),
    [
        ([40] * 9, False),
        ([33, 33, 34] * 4, False),
        ([16, 17] * 5, False),
        ([1] * 8, False),
        ([1, 1, 2, 1], True),
        ([20, 20, 21, 20], False),
        ([40, 40, 80, 40], True),
        ([3000, 3000, 3600], True),
    ],
)
def test_rounding_to_the_clock_of_the_file_is_no_variable_rate(gaps: list[int], varies: bool) -> None:
    stamps = [sum(gaps[:n]) for n in range(len(gaps) + 1)]

    assert probing._varies(stamps) is varies


def test_titles_in_no_known_encoding_do_not_keep_a_source_from_being_used(tmp_path: Path) -> None:
    path = encode(tmp_path / "clip.mkv")
    path.write_bytes(path.read_bytes().replace(b"Lavf", b"\xe9\xff\xfe\xbf"))

    assert probe(path).frame_count == 16


def test_the_length_is_that_of_the_frames_whatever_the_header_says(tmp_path: Path) -> None:
    quiet = encode(tmp_path / "quiet.mp4").read_bytes()

    for name, data, lasts_s in lies({"silent.mp4": quiet}):
        (tmp_path / name).write_bytes(data)
        assert probe(tmp_path / name).duration_s == pytest.approx(lasts_s, rel=0.05)


def test_bombs_are_refused_before_they_are_opened(tmp_path: Path) -> None:
    quiet = encode(tmp_path / "quiet.mp4").read_bytes()
    for name, data in table_bombs({"plain.mp4": quiet, "silent.mp4": quiet}):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InputRefused):
            probe(tmp_path / name)


def test_while_a_long_source_is_read_it_is_told_how_far(tmp_path: Path) -> None:
    told: list[float] = []

    probe(encode(tmp_path / "long.mp4", size=(16, 16), frames=2500), told.append)

    assert len(told) == 3
    assert all(0 <= one <= 1 for one in told)
