from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klingstudio.domain.errors import Kind, Problem
from klingstudio.media.sound import BUFFER_FRAMES, Event, Opened, Ready, Silent, SoundReader, in_tempo
from klingstudio.media.sound_file import FRAME_BYTES, RATE_HZ, Piece, SoundFile, in_place
from tests.unit.media.numbered_clips import numbered_clip
from tests.unit.media.sounding_clips import RAMP, click, clicks_in, hz_of, left, ramp, sounding_clip, tones

_LIMIT_S = 20.0


def sound_of(path: Path, start_s: float = 0.0, rate: float = 1.0) -> list[int]:
    """The left channel from a time of the file on, to its end."""
    file = SoundFile(path)
    with closing(file):
        assert file.open()
        return list(left(b"".join(in_tempo(file.samples(start_s), rate))))


# --- each sample at its place -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("start_s", [0.0, 0.25, 1.0, 1.2345, 2.9])
def test_the_first_sample_is_the_one_that_was_asked_for(start_s: float, tmp_path: Path) -> None:
    clip = sounding_clip(tmp_path / "clip.mov", 3, ramp, codec="pcm_s16le")

    heard = sound_of(clip, start_s)

    first = round(start_s * RATE_HZ)
    assert heard == [number % RAMP for number in range(first, 3 * RATE_HZ)]


@pytest.mark.parametrize(
    ("name", "codec", "rate", "layout"),
    [
        ("clip.mp4", "aac", 48_000, "stereo"),
        ("clip.mp4", "aac", 44_100, "mono"),
        ("clip.mp4", "aac", 48_000, "5.1"),
        ("clip.mkv", "aac", 48_000, "stereo"),
        ("clip.mkv", "libopus", 48_000, "stereo"),
        ("clip.mp4", "libmp3lame", 44_100, "stereo"),
    ],
)
def test_what_a_coder_adds_in_front_is_left_out(name: str, codec: str, rate: int, layout: str, tmp_path: Path) -> None:
    clip = sounding_clip(
        tmp_path / name, 3, lambda number: click(number, rate=rate), codec=codec, rate=rate, layout=layout
    )

    for start_s in (0.0, 0.25, 1.2345):
        places_s = [start_s + place / RATE_HZ for place in clicks_in(sound_of(clip, start_s))]

        assert places_s == pytest.approx([second for second in (0, 1, 2) if second >= start_s], abs=0.0015)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv"])
def test_sound_that_begins_late_is_silence_until_then(name: str, tmp_path: Path) -> None:
    clip = sounding_clip(tmp_path / name, 2, click, sound_at_s=0.5)

    heard = sound_of(clip)

    assert not any(abs(value) > 300 for value in heard[: RATE_HZ // 2 - 500])
    assert [place / RATE_HZ for place in clicks_in(heard)] == pytest.approx([0.5, 1.5], abs=0.001)


def test_a_hole_in_the_sound_is_silence_and_moves_nothing(tmp_path: Path) -> None:
    clip = sounding_clip(tmp_path / "clip.mkv", 4, ramp, codec="pcm_s16le", holes_s=[(1.2, 2.4)])

    heard = sound_of(clip)

    assert not any(heard[round(1.3 * RATE_HZ) : round(2.3 * RATE_HZ)])
    # Matroska keeps times in milliseconds.
    assert heard[3 * RATE_HZ] == pytest.approx(3 * RATE_HZ % RAMP, abs=24)
    assert len(heard) == pytest.approx(4 * RATE_HZ, abs=24)


@pytest.mark.parametrize("rate", [0.5, 0.8, 1.25, 2.0])
def test_faster_and_slower_keeps_the_pitch_and_the_places(rate: float, tmp_path: Path) -> None:
    # A single wave may be what is left out to be faster.
    clicks = sounding_clip(tmp_path / "clicks.mkv", 4, lambda number: click(number, length=2400), codec="pcm_s16le")
    tone = sounding_clip(tmp_path / "tone.mkv", 2, tones(440), codec="pcm_s16le")

    heard = sound_of(clicks, 0.5, rate)

    assert [0.5 + place / RATE_HZ * rate for place in clicks_in(heard)] == pytest.approx([1, 2, 3], abs=0.04)
    assert hz_of(sound_of(tone, 0.0, rate)[4800:-4800]) == pytest.approx(440, abs=2)


def pieces() -> st.SearchStrategy[list[Piece]]:
    """Pieces of a ramp in any place and order, apart or over each other."""
    piece = st.builds(
        lambda start, count: (
            start,
            b"".join((n % 251 + 1).to_bytes(1, "big") * 4 for n in range(start, start + count)),
        ),
        st.integers(0, 400),
        st.integers(0, 60),
    )
    return st.lists(piece, max_size=8)


@given(pieces(), st.integers(0, 300))
def test_samples_stay_in_place_however_pieces_lie(given: list[Piece], first: int) -> None:
    heard = b"".join(in_place(given, first))

    end = max((start + len(samples) // FRAME_BYTES for start, samples in given if samples), default=first)
    last_start = max((start for start, _ in given), default=first)
    assert len(heard) == FRAME_BYTES * (max(end, last_start, first) - first)
    for place in range(len(heard) // FRAME_BYTES):
        moment = heard[place * FRAME_BYTES : (place + 1) * FRAME_BYTES]
        # The right sample of this place, or silence.
        assert moment in {bytes(FRAME_BYTES), bytes([(first + place) % 251 + 1]) * FRAME_BYTES}


# --- on demand --------------------------------------------------------------------------------------------------------


class Ear:
    """Hears what a reader says."""

    def __init__(self) -> None:
        self.said: list[Event] = []
        self._changed = threading.Condition()

    def __call__(self, event: Event, _reader: SoundReader) -> None:
        with self._changed:
            self.said.append(event)
            self._changed.notify_all()

    def wait_for(self, is_so: Callable[[], bool]) -> None:
        """Until something said makes it so."""
        with self._changed:
            assert self._changed.wait_for(is_so, _LIMIT_S), self.said


Open = Callable[[Path], tuple[SoundReader, Ear]]


@pytest.fixture
def open_sound() -> Iterator[Open]:
    readers: list[SoundReader] = []

    def opened(path: Path) -> tuple[SoundReader, Ear]:
        ear = Ear()
        readers.append(SoundReader(path, ear))
        return readers[-1], ear

    yield opened
    for reader in readers:
        reader.close()


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds whose samples count themselves."""
    return sounding_clip(tmp_path_factory.mktemp("sound") / "clip.mov", 10, ramp, codec="pcm_s16le")


def play(reader: SoundReader, ear: Ear, start_s: float, rate: float = 1.0) -> None:
    number = reader.play(start_s, rate)
    ear.wait_for(lambda: Ready(number=number) in ear.said)


def until(is_so: Callable[[], bool]) -> None:
    """Wait for something that no event tells of."""
    deadline = time.monotonic() + _LIMIT_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def counted_from(first: int, count: int) -> list[int]:
    return [number % RAMP for number in range(first, first + count)]


def test_the_newest_wish_wins(open_sound: Open, counted: Path) -> None:
    reader, ear = open_sound(counted)
    for second in range(8):
        reader.play(float(second), 1.0)

    play(reader, ear, 8.5)

    assert ear.said[0] == Opened()
    assert list(left(reader.take(4800))) == counted_from(round(8.5 * RATE_HZ), 4800)


def test_a_long_clip_is_not_read_ahead_further_than_promised(open_sound: Open, counted: Path) -> None:
    reader, ear = open_sound(counted)
    play(reader, ear, 0.0)

    heard: list[int] = []
    most = 0
    while len(heard) < 9 * RATE_HZ:
        until(lambda: reader.buffered_frames >= 960)
        most = max(most, reader.buffered_frames)
        heard += left(reader.take(960))

    assert heard == counted_from(0, len(heard))
    assert most < BUFFER_FRAMES + RATE_HZ // 10


def test_sound_that_comes_too_late_is_left_out_instead_of_being_late(open_sound: Open, counted: Path) -> None:
    reader, ear = open_sound(counted)
    number = reader.play(2.0, 1.0)
    early = [*left(reader.take(4800)), *left(reader.take(200_000))]
    ear.wait_for(lambda: Ready(number=number) in ear.said)

    first = round(2.0 * RATE_HZ)
    assert all(value in {0, expected} for value, expected in zip(early, counted_from(first, len(early)), strict=True))
    assert list(left(reader.take(4800))) == counted_from(first + len(early), 4800)


def test_what_is_skipped_may_be_more_than_is_there(open_sound: Open, counted: Path) -> None:
    reader, ear = open_sound(counted)
    play(reader, ear, 0.0)

    reader.skip(3 * RATE_HZ)
    until(lambda: reader.buffered_frames >= 4800)

    assert list(left(reader.take(4800))) == counted_from(3 * RATE_HZ, 4800)


def test_after_the_end_there_is_silence(open_sound: Open, counted: Path) -> None:
    reader, ear = open_sound(counted)
    play(reader, ear, 9.95)

    heard = left(reader.take(4800))

    assert list(heard[:2400]) == counted_from(round(9.95 * RATE_HZ), 2400)
    assert not any(heard[2400:])
    assert not any(reader.take(4800))


def test_a_reader_that_rests_keeps_nothing(open_sound: Open, counted: Path) -> None:
    reader, ear = open_sound(counted)
    play(reader, ear, 1.0)

    reader.rest()

    assert reader.buffered_frames == 0
    play(reader, ear, 3.0)
    assert list(left(reader.take(100))) == counted_from(3 * RATE_HZ, 100)


@pytest.mark.parametrize("rate", [-1.0, 0.25, 2.5])
def test_speeds_that_nobody_wants_to_hear_are_refused(rate: float, open_sound: Open, counted: Path) -> None:
    reader, _ = open_sound(counted)

    with pytest.raises(ValueError, match=str(rate)):
        reader.play(0.0, rate)


# --- bad files --------------------------------------------------------------------------------------------------------


def kind_of(said: Sequence[Event]) -> Kind | None:
    (event,) = said
    assert isinstance(event, Silent)
    return event.problem.kind if isinstance(event.problem, Problem) else None


def test_a_clip_without_sound_says_so(open_sound: Open, tmp_path: Path) -> None:
    reader, ear = open_sound(numbered_clip(tmp_path / "mute.mp4", 5))

    ear.wait_for(lambda: bool(ear.said))

    assert ear.said == [Silent(problem=None)]
    assert not any(reader.take(100))


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"", Kind.SOURCE_EMPTY), (b"no video at all" * 99, Kind.SOURCE_NOT_VIDEO), (None, Kind.SOURCE_MISSING)],
)
def test_a_file_that_cannot_be_read_is_silent(
    content: bytes | None, kind: Kind, open_sound: Open, tmp_path: Path
) -> None:
    path = tmp_path / "clip.mp4"
    if content is not None:
        path.write_bytes(content)

    _, ear = open_sound(path)
    ear.wait_for(lambda: bool(ear.said))

    assert kind_of(ear.said) is kind


def test_a_damaged_clip_is_heard_up_to_the_damage_and_after_it(open_sound: Open, tmp_path: Path) -> None:
    clip = sounding_clip(tmp_path / "clip.mkv", 6, click, codec="libopus")
    data = bytearray(clip.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = bytes(3000)
    clip.write_bytes(data)

    places_s = [place / RATE_HZ for place in clicks_in(sound_of(clip))]

    assert places_s[:2] == pytest.approx([0, 1], abs=0.001)
    assert all(abs(place - round(place)) < 0.001 for place in places_s)


def test_a_clip_that_is_cut_off_is_heard_as_far_as_it_goes(tmp_path: Path) -> None:
    clip = sounding_clip(tmp_path / "clip.mkv", 6, ramp, codec="pcm_s16le")
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])

    heard = sound_of(clip)

    assert 2 * RATE_HZ < len(heard) < 5 * RATE_HZ
    assert heard[: 2 * RATE_HZ] == counted_from(0, 2 * RATE_HZ)
