from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klingstudio.ui.widgets.moments import AtFrame, AtTime, ByFrames, BySeconds, Moment, read_moment, timecode


@pytest.mark.parametrize(
    ("words", "moment"),
    [
        ("00:03.14", AtTime(3.14)),
        ("3.5", AtTime(3.5)),
        ("3,5", AtTime(3.5)),
        (" 12 ", AtTime(12.0)),
        ("12s", AtTime(12.0)),
        (".5", AtTime(0.5)),
        ("1:02.5", AtTime(62.5)),
        ("1:00:01", AtTime(3601.0)),
        ("80f", AtFrame(80)),
        ("80 F", AtFrame(80)),
        ("+10", ByFrames(10)),
        ("-10f", ByFrames(-10)),
        ("+ 3", ByFrames(3)),
        ("-1s", BySeconds(-1.0)),
        ("\N{MINUS SIGN}1s", BySeconds(-1.0)),
        ("+0.5 s", BySeconds(0.5)),
        ("٣", AtTime(3.0)),
    ],
)
def test_what_a_person_writes_is_understood(words: str, moment: Moment) -> None:
    assert read_moment(words) == moment


@pytest.mark.parametrize("words", ["", "abc", "1:2:3:4", "80x", "--1", "+", "1.2.3", "f", "s", "+1.5"])
def test_what_cannot_be_told_is_not_guessed(words: str) -> None:
    assert read_moment(words) is None


@given(st.text(max_size=12))
def test_no_input_is_a_mistake_of_the_program(words: str) -> None:
    assert read_moment(words) is None or words.strip()


@given(st.integers(0, 100 * 3600 * 30))
def test_a_timecode_reads_back_as_the_time_it_was_made_of(hundredths: int) -> None:
    moment = read_moment(timecode(hundredths / 100))

    assert isinstance(moment, AtTime)
    assert moment.time_s == pytest.approx(hundredths / 100, abs=1e-6)
