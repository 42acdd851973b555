"""What the parts of the torture say while they are at work."""

from __future__ import annotations

import pytest

from tests.torture.parts import Pulse


def test_how_far_a_part_has_come_is_said_once_in_a_while(capsys: pytest.CaptureFixture[str]) -> None:
    at_each_call, once_an_hour = Pulse("files", every_s=0), Pulse("kills", every_s=3600)

    for cases in (1, 2):
        at_each_call(cases=cases, broken_promises=0)
        once_an_hour(cases=cases)

    assert capsys.readouterr().out.splitlines() == [
        "    … files: cases 1, broken promises 0",
        "    … files: cases 2, broken promises 0",
    ]
