from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from klingstudio.life import Life, Past, last_crash, look_back

NOW = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)


def after(folder: Path, *ends: tuple[float, bool]) -> Past:
    """What is seen after lives that began so many seconds after each other and ended badly, or well."""
    now = NOW
    for seconds, badly in ends:
        now += timedelta(seconds=seconds)
        life = Life(folder, look_back(folder, now), now)
        if not badly:
            life.end()
    return look_back(folder, now + timedelta(seconds=10))


def test_at_the_first_start_there_is_nothing_to_tell(tmp_path: Path) -> None:
    assert look_back(tmp_path / "missing", NOW) == Past()


def test_a_window_that_was_closed_has_ended_well(tmp_path: Path) -> None:
    assert not after(tmp_path, (0, False)).ended_badly


def test_a_window_that_was_not_closed_has_ended_badly(tmp_path: Path) -> None:
    past = after(tmp_path, (0, True))

    assert past.ended_badly
    assert not past.is_loop


@pytest.mark.parametrize(
    ("ends", "is_loop"),
    [
        ([(0, True), (20, True)], False),
        ([(0, True), (20, True), (20, True)], True),
        ([(0, True), (100, True), (100, True)], True),
        ([(0, True), (200, True), (200, True)], False),
        ([(0, True), (20, True), (20, True), (20, False)], False),
        ([(0, True), (20, True), (3600, True), (20, True)], False),
        ([(0, True), (20, False), (20, True), (20, True)], True),
    ],
)
def test_three_bad_ends_within_five_minutes_are_a_loop(
    tmp_path: Path, ends: list[tuple[float, bool]], is_loop: bool
) -> None:
    assert after(tmp_path, *ends).is_loop is is_loop


@pytest.mark.parametrize(
    "words", ["", "{", "[]", '{"running": 1, "crashes": "x"}', '{"crashes": [1, "no", null]}', "[" * 99999]
)
def test_a_file_that_makes_no_sense_tells_of_nothing(tmp_path: Path, words: str) -> None:
    (tmp_path / "life.json").write_text(words)

    assert look_back(tmp_path, NOW) == Past()


def test_a_folder_that_cannot_be_written_disturbs_nobody(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where the folder should be")

    Life(tmp_path / "logs", Past(), NOW).end()

    assert look_back(tmp_path / "logs", NOW) == Past()


def test_of_several_crashes_the_last_is_told(tmp_path: Path) -> None:
    assert last_crash(tmp_path) == ""
    (tmp_path / "crash.txt").write_text(
        "Fatal Python error: Aborted\n\nold\nFatal Python error: Segmentation fault\n\nnew\n"
    )

    assert last_crash(tmp_path).splitlines()[1:] == ["Fatal Python error: Segmentation fault", "", "new"]
