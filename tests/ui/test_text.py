from __future__ import annotations

import pytest

from klingstudio.domain.errors import Charged, Kind, Problem
from klingstudio.domain.job import State
from klingstudio.ui import text


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_problem_has_a_short_plain_sentence(kind: Kind) -> None:
    problem = Problem(kind=kind)

    sentence = text.sentence(problem)

    assert 5 < len(sentence.title) <= 60
    assert not sentence.title.endswith(".")
    assert sentence.hint.endswith(".")
    assert len(sentence.hint) <= 120
    assert sentence.button in set(text.Button)


@pytest.mark.parametrize("kind", Kind)
def test_the_detail_is_part_of_what_is_said(kind: Kind) -> None:
    problem = Problem(kind=kind, detail="harbour.mov, 2.1 s")

    assert "harbour.mov, 2.1 s." in text.sentence(problem).hint
    assert "harbour.mov, 2.1 s" in text.one_line(problem)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize(
    ("charged", "words"),
    [(Charged.NO, "not charged"), (Charged.YES, "charged"), (Charged.MAYBE, "may have been charged")],
)
def test_one_line_says_whether_it_was_charged_and_stays_one_line(kind: Kind, charged: Charged, words: str) -> None:
    problem = Problem(kind=kind, detail="first line\nsecond line", charged=charged)

    line = text.one_line(problem)

    assert "\n" not in line
    assert f" - {words} - " in line
    assert "first line second line" in line


def test_a_picture_is_named_by_its_number() -> None:
    problem = Problem(kind=Kind.IMAGE_TOO_SMALL, detail="40×40 px", subject="image:2")

    assert text.sentence(problem).hint.startswith("Image 2: 40×40 px.")


@pytest.mark.parametrize(
    ("detail", "begin"),
    [("the file ends too early", "The file ends too early."), ("harbour.mov", "harbour.mov."), ("/data", "/data.")],
)
def test_a_reason_begins_like_a_sentence_but_names_stay_as_they_are(detail: str, begin: str) -> None:
    assert text.sentence(Problem(kind=Kind.RESULT_DAMAGED, detail=detail)).hint.startswith(begin)


@pytest.mark.parametrize("state", State)
def test_every_state_has_a_phase_in_lower_case(state: State) -> None:
    words = text.phase(state)

    assert words
    assert words == words.lower()


def test_the_module_is_free_of_qt() -> None:
    import subprocess
    import sys

    code = "import sys, klingstudio.ui.text; print(any(name.startswith('PySide6') for name in sys.modules))"

    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == "False"


def test_a_job_that_waits_for_nothing_is_told_by_its_phase() -> None:
    problem = Problem(kind=Kind.JOB_NOT_WAITING, detail=State.REMOTE_CANCELLED)

    assert " - cancelled - not charged - " in text.one_line(problem)
