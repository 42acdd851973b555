"""How long an answer asks us to wait, in every form in which services say it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from klingstudio.net.retry import asked_wait_s

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
RESET = "x-rate-limit-reset-at-utc"


@pytest.mark.parametrize(
    "moment",
    [
        "2026-11-20T12:00:30Z",
        "2026-11-20T12:00:30",
        "2026-11-20 12:00:30",
        "2026-11-20T12:00:30.000+00:00",
        "2026-11-20T13:00:30+01:00",
        "Fri, 20 Nov 2026 12:00:30 GMT",
        "1795176030",
    ],
)
def test_a_moment_becomes_the_time_until_then(moment: str) -> None:
    assert asked_wait_s({RESET: moment}, NOW) == 30


@pytest.mark.parametrize(
    ("moment", "wait_s"),
    [("2026-11-20T11:00:00Z", 1), ("2026-11-20T12:00:00.2Z", 1), ("2026-11-20T13:00:00Z", 120), ("2099-01-01", 120)],
)
def test_no_wait_is_shorter_than_a_second_or_longer_than_two_minutes(moment: str, wait_s: float) -> None:
    assert asked_wait_s({RESET: moment}, NOW) == wait_s


@pytest.mark.parametrize(
    "junk", ["", "soon", "nan", "inf", "-inf", "1e400", "99999999999999999999", "2026-99-99T00:00:00Z", "0x10", "\0"]
)
def test_what_cannot_be_understood_asks_nothing(junk: str) -> None:
    assert asked_wait_s({RESET: junk}, NOW) is None


def test_retry_after_comes_first_and_junk_in_it_does_not_hide_the_other() -> None:
    assert asked_wait_s({"retry-after": "7", RESET: "2026-11-20T12:00:30Z"}, NOW) == 7
    assert asked_wait_s({"retry-after": "soon", RESET: "2026-11-20T12:00:30Z"}, NOW) == 30
    assert asked_wait_s({}, NOW) is None
