from __future__ import annotations

import pytest

from klingstudio.ui.player.playback.shuttle import Shuttle


def pressed(keys: str, start: Shuttle | None = None) -> list[float | None]:
    shuttle, rates = start or Shuttle(), []
    for key in keys:
        match key:
            case "J":
                shuttle = shuttle.back()
            case "K":
                shuttle = shuttle.stop()
            case _:
                shuttle = shuttle.forward()
        rates.append(shuttle.rate)
    return rates


@pytest.mark.parametrize(
    ("keys", "rates"),
    [
        ("LLLL", [1, 2, 4, 4]),
        ("JJJJ", [-1, -2, -4, -4]),
        ("LLLJJJJ", [1, 2, 4, 2, 1, -1, -2]),
        ("JJJLLLL", [-1, -2, -4, -2, -1, 1, 2]),
        ("LLKL", [1, 2, None, 1]),
        ("JKK", [-1, None, None]),
    ],
)
def test_the_same_key_doubles_the_other_slows_and_turns_round(keys: str, rates: list[float | None]) -> None:
    assert pressed(keys) == rates


@pytest.mark.parametrize(
    ("rate", "key", "got"), [(0.5, "L", 1), (1.5, "L", 2), (0.5, "J", -1), (3, "J", 2), (-1.5, "L", -1)]
)
def test_from_a_speed_of_another_kind_it_goes_to_the_next(rate: float, key: str, got: float) -> None:
    assert pressed(key, Shuttle(rate)) == [got]
