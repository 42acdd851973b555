from __future__ import annotations

import os
import queue
import random
import sys
import threading
import wave
from collections.abc import Iterable, Iterator
from contextlib import closing
from fractions import Fraction
from itertools import islice
from pathlib import Path
from time import monotonic, sleep

import av
import pytest

from klingstudio.domain.errors import Kind
from klingstudio.media.decode import Arrived, Broken, ClipDecoder, Event, Opened
from klingstudio.media.decode_file import ClipFile
from klingstudio.media.decode_index import FrameIndex
from klingstudio.media.decode_pixels import Picture
from klingstudio.media.decode_plan import Run
from klingstudio.media.decode_refill import Refill
from tests.torture.media.films import inner_frames_bomb, table_bombs
from tests.torture.media.originals import encode
from tests.unit.media.made_clips import tone
from tests.unit.media.numbered_clips import (
    BLUE,
    HEIGHT_PX,
    RED,
    WIDTH_PX,
    Rgb,
    color_of,
    ink_of,
    number_of,
    numbered_clip,
    unturned,
)

BOX = (WIDTH_PX, HEIGHT_PX)
KEPT_BYTES = WIDTH_PX * HEIGHT_PX * 3 // 2
"""What one frame takes in the cache: luma whole, chroma at a quarter."""


class Desk:
    """A decoder and what it told, read from the test's own thread."""

    def __init__(self, path: Path, **options: int) -> None:
        self.told: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.decoder = ClipDecoder(path, self.told.put, **options)

    def next(self) -> Event:
        return self.told.get(timeout=20)

    def opened(self) -> Opened:
        event = self.next()
        assert isinstance(event, Opened), event
        return event

    def broken(self) -> Broken:
        event = self.next()
        while not isinstance(event, Broken):
            event = self.next()
        return event

    def wait_for(self, frames: Iterable[int]) -> None:
        """Until all of them are in the cache. Those that nobody waits for arrive without a word."""
        give_up_at = monotonic() + 20
        while not all(self.decoder.has(frame) for frame in frames):
            assert monotonic() < give_up_at
            sleep(0.005)

    def picture(self, index: int, box: tuple[int, int] = BOX, *, back: int = 0) -> Picture:
        self.decoder.request((index,), box, back=back)
        while (picture := self.decoder.picture(index)) is None:
            event = self.next()
            assert not isinstance(event, Broken), event
        return picture


@pytest.fixture
def desks() -> Iterator[list[Desk]]:
    """Every decoder that is put in here is closed at the end."""
    opened: list[Desk] = []
    yield opened
    for desk in opened:
        desk.decoder.close()


# --- the index --------------------------------------------------------------------------------------------------------


def index_of(*times: int, keys: tuple[int, ...] = (0,)) -> FrameIndex:
    return FrameIndex(times, keys, Fraction(1, 100), 4)


def test_a_frame_is_on_screen_from_its_own_time_to_the_next_ones() -> None:
    index = index_of(0, 4, 8, 30)

    assert [index.at(time_s) for time_s in (0.0, 0.039, 0.04, 0.08, 0.29, 0.3)] == [0, 0, 1, 2, 2, 3]


def test_times_outside_the_clip_are_its_first_and_last_frame() -> None:
    index = index_of(0, 4, 8)

    assert (index.at(-1.0), index.at(99.0)) == (0, 2)


def test_a_frame_is_found_again_by_the_time_it_gave() -> None:
    index = FrameIndex(range(0, 1001 * 500, 1001), (0,), Fraction(1, 30000), 1001)

    assert [index.at(index.time_s(frame)) for frame in range(len(index))] == list(range(500))


def test_the_duration_includes_the_last_frame() -> None:
    assert index_of(10, 14, 18, keys=(10,)).duration_s == pytest.approx(0.12)


def test_frames_before_the_first_key_frame_do_not_count() -> None:
    index = index_of(0, 4, 8, 12, keys=(8,))

    assert len(index) == 2
    assert index.time_s(0) == 0.0


def test_decoding_starts_at_the_key_frame_before() -> None:
    index = index_of(0, 4, 8, 12, 16, keys=(0, 12))

    assert [index.key_before(frame) for frame in range(5)] == [0, 0, 0, 3, 3]


# --- exact frames -----------------------------------------------------------------------------------------------------

CONTAINERS = {
    "b-frames.mp4": {},
    "matroska.mkv": {},
    "transport-stream.ts": {},
    "open-gop.mp4": {"options": {"x264-params": "open-gop=1:keyint=12:bframes=3"}},
    "one-key.mp4": {"options": {"g": "250"}},
    "vp8.webm": {"codec": "libvpx"},
    "mpeg4.avi": {"codec": "mpeg4", "options": {"g": "12"}},
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_seek_gives_exactly_the_frame_that_was_asked_for(name: str, tmp_path: Path, desks: list[Desk]) -> None:
    path = numbered_clip(tmp_path / name, 70, **CONTAINERS[name])  # type: ignore[arg-type]
    # So small a cache that nearly every request has to be decoded.
    desk = Desk(path, cache_bytes=5 * KEPT_BYTES)
    desks.append(desk)
    chance = random.Random(name)
    targets = [0, 69, 1, 68, *(chance.randrange(70) for _ in range(25)), *range(40, 30, -1)]

    opened = desk.opened()
    found = [number_of(color_of(desk.picture(target, back=chance.choice((0, 24))))) for target in targets]

    assert len(opened.index) == 70
    assert found == targets


def test_frames_of_a_variable_rate_clip_keep_their_own_times(tmp_path: Path, desks: list[Desk]) -> None:
    ticks = [number * 4 + number // 5 * 11 for number in range(40)]
    path = numbered_clip(tmp_path / "variable.mp4", 40, at_ticks=ticks)
    desk = Desk(path)
    desks.append(desk)

    index = desk.opened().index
    pictures = [desk.picture(target) for target in (0, 5, 4, 39, 23)]

    assert [number_of(color_of(picture)) for picture in pictures] == [0, 5, 4, 39, 23]
    assert [picture.time_s for picture in pictures] == pytest.approx(
        [ticks[n] / 100 for n in (0, 5, 4, 39, 23)], abs=1e-3
    )
    assert index.at(ticks[7] / 100 + 0.01) == 7


def test_an_avi_that_holds_frames_is_not_taken_for_one_that_was_cut_off(tmp_path: Path, desks: list[Desk]) -> None:
    ticks = [frame * 4 + frame // 5 * 12 for frame in range(40)]
    held = numbered_clip(tmp_path / "held.avi", 40, at_ticks=ticks, codec="mpeg4", options={"qmax": "4"})
    cut = tmp_path / "cut.avi"
    cut.write_bytes(held.read_bytes()[: held.stat().st_size // 4])
    whole, short = Desk(held), Desk(cut)
    desks += whole, short

    index = whole.opened().index
    last = whole.picture(39)

    assert [index.at(tick / 100) for tick in ticks] == list(range(40))
    assert number_of(color_of(last)) == 39
    assert whole.told.empty()
    assert short.broken().problem.kind is Kind.SOURCE_DAMAGED


@pytest.mark.parametrize("turn_deg", [90, 180, 270])
def test_a_turned_clip_arrives_upright(turn_deg: int, tmp_path: Path, desks: list[Desk]) -> None:
    path = numbered_clip(tmp_path / "turned.mp4", 12, turn_deg=turn_deg)
    desk = Desk(path)
    desks.append(desk)

    opened = desk.opened()
    picture = desk.picture(9, (400, 400))

    is_lying = turn_deg != 180
    expected = (HEIGHT_PX, WIDTH_PX) if is_lying else (WIDTH_PX, HEIGHT_PX)
    assert (opened.width_px, opened.height_px) == (picture.width_px, picture.height_px) == expected
    assert number_of(unturned(color_of(picture), turn_deg)) == 9


# --- colours ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("color_range", ["MPEG", "JPEG"])
@pytest.mark.parametrize("matrix", [1, 5], ids=["bt709", "bt601"])
def test_colours_follow_the_tags_of_the_frames(
    matrix: int, color_range: str, tmp_path: Path, desks: list[Desk]
) -> None:
    painted = (200, 60, 30)
    path = plain_clip(tmp_path / "plain.mp4", painted, matrix, color_range)
    desk = Desk(path)
    desks.append(desk)
    desk.opened()

    shown = color_of(desk.picture(1, (160, 90)))(0.5, 0.5)

    assert shown == pytest.approx(painted, abs=4)


def plain_clip(path: Path, color: Rgb, matrix: int, color_range: str) -> Path:
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "1"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        stream.codec_context.colorspace = matrix
        stream.codec_context.color_range = {"MPEG": 1, "JPEG": 2}[color_range]
        for number in range(3):
            frame = av.VideoFrame(WIDTH_PX, HEIGHT_PX, "rgb24")
            plane = frame.planes[0]
            row = bytes(color) * WIDTH_PX
            plane.update((row + bytes(plane.line_size - len(row))) * HEIGHT_PX)
            tagged = frame.reformat(format="yuv420p", dst_colorspace=matrix, dst_color_range=color_range)
            tagged.pts, tagged.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(tagged))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("pixel_format", "codec"),
    [
        ("yuv420p", "libx264"),
        ("yuv422p", "libx264"),
        ("yuv444p", "libx264"),
        ("yuv420p10le", "libx264"),
        ("yuv422p10le", "prores_ks"),
        ("bgr24", "libx264rgb"),
    ],
)
@pytest.mark.parametrize("turn_deg", [0, 90])
def test_every_form_of_frame_is_shown_in_its_colours(
    pixel_format: str, codec: str, turn_deg: int, tmp_path: Path, desks: list[Desk]
) -> None:
    path = tmp_path / "clip.mov"
    numbered_clip(path, 3, pixel_format=pixel_format, codec=codec, turn_deg=turn_deg, options={"crf": "4"})
    desk = Desk(path)
    desks.append(desk)
    desk.opened()

    for box in (BOX[::-1], (200, 200), (111, 97)):
        picture = desk.picture(2, box)
        seen = unturned(color_of(picture), turn_deg)
        assert number_of(seen) == 2
        assert seen(1.5 / 8, 0.25) == pytest.approx(RED, abs=12)
        row = picture.pixels[: picture.width_px * 4]
        assert set(row[3::4]) == {255}


@pytest.mark.parametrize(
    ("name", "codec"), [("av1.mp4", "libsvtav1"), ("vp9.webm", "libvpx-vp9"), ("hevc.mp4", "libx265")]
)
def test_other_codecs_are_played_exactly(name: str, codec: str, tmp_path: Path, desks: list[Desk]) -> None:
    # Slow enough that no frame is left out as being like its neighbour.
    options = {"crf": "10", "preset": "8", "cpu-used": "6"}
    if codec == "libx265":
        options = {"x265-params": "log-level=none"}
    desk = Desk(numbered_clip(tmp_path / name, 20, codec=codec, options=options))
    desks.append(desk)

    assert len(desk.opened().index) == 20
    for target in (17, 3, 16, 4, 19, 0):
        assert number_of(color_of(desk.picture(target))) == target


def test_odd_sizes_are_shown_whole_at_their_own_size(tmp_path: Path, desks: list[Desk]) -> None:
    desk = Desk(numbered_clip(tmp_path / "odd.mp4", 4, size=(321, 181), pixel_format="yuv444p"))
    desks.append(desk)
    desk.opened()

    picture = desk.picture(3, (999, 999))

    assert (picture.width_px, picture.height_px) == (321, 181)
    assert number_of(color_of(picture)) == 3


def test_the_last_columns_are_as_right_as_the_others_at_every_width(tmp_path: Path, desks: list[Desk]) -> None:
    desk = Desk(numbered_clip(tmp_path / "clip.mp4", 2, options={"crf": "2"}))
    desks.append(desk)
    desk.opened()

    for width_px in range(256, 292):
        picture = desk.picture(1, (width_px, 999))
        seen = color_of(picture)
        # Frame 1 has no bit set on the right: black above, ink below.
        for column in range(picture.width_px - 6, picture.width_px):
            x = (column + 0.5) / picture.width_px
            assert seen(x, 0.25) == pytest.approx((0, 0, 0), abs=12), (width_px, column)
            assert seen(x, 0.75) == pytest.approx(RED, abs=12), (width_px, column)


@pytest.mark.slow
def test_an_hdr_clip_looks_like_the_clip_that_is_sent(tmp_path: Path, desks: list[Desk]) -> None:
    path = hdr_clip(tmp_path / "hlg.mp4", luma=721)
    desk = Desk(path)
    desks.append(desk)
    desk.opened()

    shown = color_of(desk.picture(0, (160, 90)))(0.5, 0.5)

    # What the fitted clip has there: a luma of 164 in limited range.
    assert shown == pytest.approx([(164 - 16) * 255 / 219] * 3, abs=6)


def hdr_clip(path: Path, luma: int) -> Path:
    """Grey of one luma in HLG, 10 bits."""
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "1"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p10le"
        stream.codec_context.color_trc, stream.codec_context.color_primaries = 18, 9
        stream.codec_context.colorspace, stream.codec_context.color_range = 9, 1
        frame = av.VideoFrame(WIDTH_PX, HEIGHT_PX, "yuv420p10le")
        for plane, level in zip(frame.planes, (luma, 512, 512), strict=True):
            plane.update(level.to_bytes(2, "little") * (plane.buffer_size // 2))
        for number in range(3):
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


# --- requests and the cache -------------------------------------------------------------------------------------------


def test_pictures_fit_the_box_keep_their_shape_and_are_never_enlarged(tmp_path: Path, desks: list[Desk]) -> None:
    desk = Desk(numbered_clip(tmp_path / "clip.mp4", 3))
    desks.append(desk)
    desk.opened()

    sizes = [
        (picture.width_px, picture.height_px)
        for picture in (desk.picture(0, box) for box in ((160, 160), (999, 45), (4000, 4000)))
    ]

    assert sizes == [(160, 90), (80, 44), (WIDTH_PX, HEIGHT_PX)]


def test_the_newest_request_wins(tmp_path: Path, desks: list[Desk]) -> None:
    desk = Desk(numbered_clip(tmp_path / "clip.mp4", 200, options={"g": "250"}))
    desks.append(desk)
    desk.opened()

    for target in (199, 150, 180, 120, 3):
        desk.decoder.request((target,), BOX)

    while (event := desk.next()) != Arrived(index=3):
        assert isinstance(event, Arrived), event
    assert desk.decoder.picture(199) is None


def test_pictures_come_in_the_order_of_the_wishes(tmp_path: Path, desks: list[Desk]) -> None:
    desk = Desk(numbered_clip(tmp_path / "clip.mp4", 40))
    desks.append(desk)
    desk.opened()

    desk.decoder.request((20, 21, 22, 5), BOX)

    assert [desk.next() for _ in range(4)] == [Arrived(index=index) for index in (20, 21, 22, 5)]


def test_the_window_behind_a_still_picture_is_filled_for_stepping_back(tmp_path: Path, desks: list[Desk]) -> None:
    desk = Desk(numbered_clip(tmp_path / "clip.mp4", 60, options={"g": "250"}))
    desks.append(desk)
    desk.opened()

    desk.picture(50, back=24)
    desk.wait_for(range(26, 50))

    kept = [picture for picture in map(desk.decoder.picture, range(26, 50)) if picture is not None]
    assert [number_of(color_of(picture)) for picture in kept] == list(range(26, 50))
    assert not desk.decoder.has(25)


def test_the_window_is_filled_again_before_it_runs_out(tmp_path: Path, desks: list[Desk]) -> None:
    desk = Desk(numbered_clip(tmp_path / "clip.mp4", 150, options={"g": "60"}), cache_bytes=40 * KEPT_BYTES)
    desks.append(desk)
    desk.opened()
    desk.picture(149, back=24)
    desk.wait_for(range(125, 149))

    waited = []
    for target in range(148, 0, -1):
        if not desk.decoder.has(target):
            waited.append(target)
        assert number_of(color_of(desk.picture(target, back=24))) == target
        # As a person does: the next step comes when something is left to step to.
        desk.wait_for(range(max(0, target - 4), target))

    assert waited == []


def test_a_refill_can_be_left_at_every_frame_and_gone_on_with(tmp_path: Path) -> None:
    path = numbered_clip(tmp_path / "clip.mp4", 80, options={"g": "250"})
    with closing(ClipFile(path, lambda: False)) as clip:
        clip.open()
        with closing(Refill(path, clip, lambda: False)) as refill:
            refill.begin(Run(first=50, target=60))

            on_the_way = [number for number, _ in islice(refill.frames(), 3)]
            kept = [number for number, _ in refill.frames() if refill.keeps(number)]

            assert on_the_way[0] == 0
            assert kept == list(range(50, 61))
            assert refill.finish() == set()


def test_holding_the_back_key_shows_every_frame_whatever_is_ready(tmp_path: Path, desks: list[Desk]) -> None:
    desk = Desk(numbered_clip(tmp_path / "clip.mp4", 250, options={"g": "250"}), cache_bytes=60 * KEPT_BYTES)
    desks.append(desk)
    desk.opened()

    found = [number_of(color_of(desk.picture(target, back=60))) for target in range(220, 60, -1)]

    assert found == list(range(220, 60, -1))


def test_stepping_forward_after_the_window_was_filled_starts_at_no_key_frame(tmp_path: Path, desks: list[Desk]) -> None:
    desk = Desk(numbered_clip(tmp_path / "clip.mp4", 120, options={"g": "250"}))
    desks.append(desk)
    desk.opened()
    desk.picture(80, back=60)
    desk.wait_for(range(20, 80))

    pictures = [desk.picture(target, back=60) for target in range(81, 90)]

    assert [number_of(color_of(picture)) for picture in pictures] == list(range(81, 90))


def test_a_file_that_was_replaced_while_open_goes_on_showing_what_it_was(tmp_path: Path, desks: list[Desk]) -> None:
    path = numbered_clip(tmp_path / "clip.mp4", 60, options={"g": "250"})
    other = numbered_clip(tmp_path / "other.mp4", 60, ink=BLUE)
    desk = Desk(path)
    desks.append(desk)
    desk.opened()
    if sys.platform != "win32":
        other.replace(path)

    pictures = [desk.picture(target, back=24) for target in (50, 49, 30, 12)]

    assert [number_of(color_of(picture)) for picture in pictures] == [50, 49, 30, 12]
    assert {ink_of(color_of(picture)) for picture in pictures} == {"red"}


def test_a_picture_that_is_still_held_is_not_made_twice(tmp_path: Path, desks: list[Desk]) -> None:
    desk = Desk(numbered_clip(tmp_path / "clip.mp4", 3))
    desks.append(desk)
    desk.opened()

    held = desk.picture(1)

    assert desk.decoder.picture(1) is held
    assert desk.picture(1, (160, 90)) is not held


def test_another_box_of_the_same_pictures_keeps_them(tmp_path: Path, desks: list[Desk]) -> None:
    desk = Desk(numbered_clip(tmp_path / "clip.mp4", 10))
    desks.append(desk)
    desk.opened()
    desk.picture(7, (160, 90))

    desk.decoder.request((7,), (160, 400))

    assert desk.decoder.has(7)


def test_no_wishes_leave_the_decoder_idle_with_what_it_has(tmp_path: Path, desks: list[Desk]) -> None:
    desk = Desk(numbered_clip(tmp_path / "clip.mp4", 10))
    desks.append(desk)
    desk.opened()
    desk.picture(7)

    desk.decoder.request((), BOX, back=240)

    assert desk.decoder.has(7)


def test_the_cache_stays_within_its_bytes(tmp_path: Path, desks: list[Desk]) -> None:
    limit = 6 * KEPT_BYTES
    desk = Desk(numbered_clip(tmp_path / "clip.mp4", 40), cache_bytes=limit)
    desks.append(desk)
    desk.opened()

    highest = 0
    for target in range(0, 40, 3):
        desk.picture(target, back=24)
        highest = max(highest, desk.decoder.cached_bytes)

    assert 0 < highest <= limit


def test_more_wishes_than_fit_do_not_keep_the_decoder_busy(tmp_path: Path, desks: list[Desk]) -> None:
    desk = Desk(numbered_clip(tmp_path / "clip.mp4", 40), cache_bytes=3 * 256 * 144 * 3 // 2)
    desks.append(desk)
    desk.opened()

    desk.decoder.request(range(10, 20), (256, 144))
    first = [desk.next() for _ in range(3)]
    desk.picture(0, (256, 144))

    assert first == [Arrived(index=index) for index in (10, 11, 12)]
    assert desk.decoder.picture(13) is None


# --- damage -----------------------------------------------------------------------------------------------------------


def test_a_cut_off_clip_plays_up_to_the_cut_and_says_so(tmp_path: Path, desks: list[Desk]) -> None:
    whole = numbered_clip(tmp_path / "whole.mp4", 60)
    path = cut_off(whole, tmp_path / "cut.mp4")
    desk = Desk(path)
    desks.append(desk)

    count = len(desk.opened().index)
    broken = desk.broken()

    assert broken.problem.kind is Kind.SOURCE_DAMAGED
    assert "of 60 frames" in broken.problem.detail
    assert 10 < count < 60
    assert broken.playable == count
    last_sure = count - 8
    assert number_of(color_of(desk.picture(last_sure))) == last_sure


def test_a_frame_that_cannot_be_decoded_ends_what_can_be_played(tmp_path: Path, desks: list[Desk]) -> None:
    path = numbered_clip(tmp_path / "clip.mp4", 60, options={"bf": "0", "g": "20"})
    spoil(path, 25)
    desk = Desk(path)
    desks.append(desk)
    desk.opened()

    desk.decoder.request((25,), BOX)
    broken = desk.broken()

    assert broken.problem.kind is Kind.SOURCE_DAMAGED
    assert broken.playable == 25
    assert number_of(color_of(desk.picture(24))) == 24


def cut_off(source: Path, target: Path) -> Path:
    """Two thirds of the file, its table of frames at the start and whole."""
    with av.open(source) as read, av.open(target, "w", options={"movflags": "+faststart"}) as written:
        stream = written.add_stream_from_template(read.streams.video[0])
        for packet in read.demux(read.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                written.mux(packet)
    data = target.read_bytes()
    target.write_bytes(data[: len(data) * 2 // 3])
    return target


def spoil(path: Path, frame: int) -> None:
    """Overwrite the data of one frame."""
    with av.open(path) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    position, size = packets[frame]
    assert position is not None
    data = bytearray(path.read_bytes())
    data[position : position + size] = bytes([0xFF]) * size
    path.write_bytes(data)


def test_what_is_not_a_video_is_refused_with_its_own_kind(tmp_path: Path, desks: list[Desk]) -> None:
    text, empty, sound = tmp_path / "text.mp4", tmp_path / "empty.mp4", tmp_path / "sound.wav"
    text.write_text("this is no video " * 100)
    empty.touch()
    with wave.open(str(sound), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(16000))
    song = tmp_path / "song.m4a"
    with av.open(song, "w", format="mp4") as container:
        heard = container.add_stream("aac", rate=48_000, layout="stereo")
        for piece in (*tone(0.2), None):
            container.mux(heard.encode(piece))

    kinds = {}
    for path in (text, empty, sound, song, tmp_path, tmp_path / "missing.mp4"):
        desk = Desk(path)
        desks.append(desk)
        broken = desk.broken()
        kinds[path.name] = broken.problem.kind
        assert broken.playable == 0

    assert list(kinds.values()) == [
        Kind.SOURCE_NOT_VIDEO,
        Kind.SOURCE_EMPTY,
        Kind.SOURCE_NOT_VIDEO,
        Kind.SOURCE_NO_PICTURE,
        Kind.SOURCE_NOT_A_FILE,
        Kind.SOURCE_MISSING,
    ]


@pytest.mark.parametrize(
    "listed", ["ffconcat version 1.0\nfile 'clip.mp4'\n", "#EXTM3U\n#EXTINF:1,\nclip.mp4\n#EXT-X-ENDLIST\n"]
)
def test_a_list_that_is_called_a_video_opens_nothing(listed: str, tmp_path: Path, desks: list[Desk]) -> None:
    numbered_clip(tmp_path / "clip.mp4", 3)
    (tmp_path / "list.mp4").write_text(listed)
    desk = Desk(tmp_path / "list.mp4")
    desks.append(desk)

    assert desk.broken().problem.kind is Kind.SOURCE_NOT_VIDEO


def test_titles_in_no_known_encoding_do_not_keep_a_clip_from_being_shown(tmp_path: Path, desks: list[Desk]) -> None:
    path = numbered_clip(tmp_path / "clip.mkv", 3)
    # The name of the program that made it, of the same length.
    path.write_bytes(path.read_bytes().replace(b"Lavf", b"\xe9\xff\xfe\xbf"))
    desk = Desk(path)
    desks.append(desk)
    desk.opened()

    assert number_of(color_of(desk.picture(1))) == 1


@pytest.mark.log_ok
def test_a_file_that_trips_the_decoder_up_in_an_unknown_way_is_called_broken(
    tmp_path: Path, desks: list[Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(_file: ClipFile) -> None:
        raise OverflowError

    monkeypatch.setattr(ClipFile, "open", stumble)
    desk = Desk(numbered_clip(tmp_path / "clip.mp4", 3))
    desks.append(desk)

    broken = desk.broken()

    assert (broken.problem.kind, broken.playable) == (Kind.SOURCE_DAMAGED, 0)
    assert "OverflowError" in broken.problem.detail


def test_what_declares_more_samples_than_it_has_bytes_is_refused_at_once(tmp_path: Path, desks: list[Desk]) -> None:
    quiet = encode(tmp_path / "quiet.mp4").read_bytes()
    bombs = dict(table_bombs({"plain.mp4": quiet, "silent.mp4": quiet}))
    for name in ("samples-uniform.mp4", "places-same.mp4", "packed.mov"):
        (tmp_path / name).write_bytes(bombs[name])
        desk = Desk(tmp_path / name)
        desks.append(desk)

        assert desk.broken().problem.kind is Kind.SOURCE_DAMAGED


def test_a_frame_larger_than_its_header_says_is_not_decoded(tmp_path: Path, desks: list[Desk]) -> None:
    (tmp_path / "inner.mov").write_bytes(inner_frames_bomb())
    desk = Desk(tmp_path / "inner.mov")
    desks.append(desk)

    assert desk.broken().problem.kind is Kind.SOURCE_DAMAGED


def test_a_format_without_a_decoder_is_refused_and_does_not_end_the_thread_unheard(
    tmp_path: Path, desks: list[Desk]
) -> None:
    path = numbered_clip(tmp_path / "clip.mp4", 3)
    path.write_bytes(path.read_bytes().replace(b"avc1", b"qqq9"))
    desk = Desk(path)
    desks.append(desk)

    broken = desk.broken()

    assert (broken.problem.kind, broken.playable) == (Kind.SOURCE_NO_PICTURE, 0)


@pytest.mark.skipif(sys.platform == "win32", reason="named pipes are files on Unix only")
def test_a_named_pipe_is_refused_and_does_not_wait_for_a_writer(tmp_path: Path, desks: list[Desk]) -> None:
    pipe = tmp_path / "pipe.mp4"
    os.mkfifo(pipe)
    desk = Desk(pipe)
    desks.append(desk)

    assert desk.broken().problem.kind is Kind.SOURCE_NOT_A_FILE


def test_a_name_full_of_signs_is_only_a_name(tmp_path: Path, desks: list[Desk]) -> None:
    plain = numbered_clip(tmp_path / "plain.mp4", 3, ink=BLUE)
    path = plain.rename(tmp_path / "-i concat:a|b 'é\n🎬%03d.mp4")
    desk = Desk(path)
    desks.append(desk)
    desk.opened()

    assert ink_of(color_of(desk.picture(1))) == "blue"


# --- ending -----------------------------------------------------------------------------------------------------------


def test_thirty_openings_leave_no_thread_and_no_file_open(tmp_path: Path) -> None:
    path = numbered_clip(tmp_path / "clip.mp4", 40, ink=RED)
    threads = threading.active_count()

    for turn in range(30):
        desk = Desk(path)
        if turn % 3:
            desk.opened()
        if turn % 3 == 1:
            desk.decoder.request(range(39, 0, -1), BOX, back=24)
        desk.decoder.close()
        assert not desk.decoder.is_running()

    assert threading.active_count() == threads
    assert open_files(path) == 0


def open_files(path: Path) -> int:
    """How often this process has the file open."""
    if sys.platform == "win32":
        # What is open there cannot be moved away.
        path.rename(path.with_suffix(".moved"))
        return 0
    folder = Path("/proc/self/fd" if sys.platform == "linux" else "/dev/fd")
    count = 0
    for link in folder.iterdir():
        try:
            count += os.path.samestat(os.fstat(int(link.name)), path.stat())
        except OSError:
            continue
    return count
