"""What a prompt asks for, and what the colours become."""

from __future__ import annotations

import pytest

from klingstudio.sandbox.looks import DEFAULT, LOOKS, Air, looks_for, table, tinted
from klingstudio.sandbox.particles import Particles


@pytest.mark.parametrize(
    ("prompt", "names"),
    [
        ("Make it snow in @Video1", ["snow"]),
        ("a SNOWY night", ["snow", "night"]),
        ("Black and white, please", ["noir"]),
        ("turn it into a comic", ["cartoon"]),
        ("It rains", ["rain"]),
        ("a knight on a train, nice", ["film"]),
        ("", ["film"]),
        ("雪 💥 \x00 (((", ["film"]),
    ],
)
def test_a_prompt_finds_the_looks_it_names(prompt: str, names: list[str]) -> None:
    assert [look.name for look in looks_for(prompt)] == names


def test_a_prompt_full_of_wishes_gets_three() -> None:
    assert len(looks_for("snow, night, sepia, sunset, rain, neon")) == 3


@pytest.mark.parametrize("look", [*LOOKS, DEFAULT], ids=lambda look: look.name)
def test_every_look_keeps_colours_in_range_and_changes_them(look: object) -> None:
    grade = look.grade  # type: ignore[attr-defined]
    steps = [n / 4 for n in range(5)]
    colours = [(red, green, blue) for red in steps for green in steps for blue in steps]

    graded = [grade(colour) for colour in colours]

    assert all(-0.05 <= level <= 1.05 for colour in graded for level in colour)
    changes = [sum(abs(a - b) for a, b in zip(one, two, strict=True)) for one, two in zip(colours, graded, strict=True)]
    assert sum(changes) / len(changes) > 0.05


def test_the_table_runs_through_red_first() -> None:
    plain = table((lambda colour: colour,), 3)

    assert list(plain[:9]) == [0, 0, 0, 128, 0, 0, 255, 0, 0]
    assert list(plain[-3:]) == [255, 255, 255]


def test_a_tint_leaves_black_and_white_alone() -> None:
    grade = tinted((1.0, 0.0, 0.0), 0.5)

    assert grade((0.0, 0.0, 0.0)) == (0.0, 0.0, 0.0)
    assert grade((1.0, 1.0, 1.0)) == (1.0, 1.0, 1.0)
    assert grade((0.5, 0.5, 0.5))[0] > grade((0.5, 0.5, 0.5))[1]


@pytest.mark.parametrize("air", [Air.SNOW, Air.RAIN, Air.EMBERS])
def test_what_falls_moves_and_is_the_same_every_time(air: Air) -> None:
    first, again = (Particles(air, 160, 90, "seed") for _ in range(2))

    now, later = first.opacity(0.0, 192), first.opacity(0.5, 192)

    assert len(now) == 192 * 90
    assert any(now)
    assert now != later
    assert again.opacity(0.5, 192) == later
    padding = [now[row * 192 + 160 : (row + 1) * 192] for row in range(90)]
    assert not any(any(bytes_) for bytes_ in padding)
