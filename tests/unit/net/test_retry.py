"""How long an answer asks us to wait, in every form in which services say it; and that this is heeded by all calls."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime

import pytest

from klingstudio.domain.errors import Kind, NetworkProblem
from klingstudio.net.retry import Courtesy, Patience, asked_wait_s

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


@pytest.mark.parametrize("value", ["30", "Fri, 20 Nov 2026 12:00:30 GMT", "Fri, 20 Nov 2026 12:00:30 -0000"])
def test_retry_after_is_seconds_or_a_date(value: str) -> None:
    assert asked_wait_s({"retry-after": value}, NOW) == 30
    assert asked_wait_s({"retry-after": "nan", RESET: value}, NOW) == asked_wait_s({RESET: value}, NOW)


@pytest.mark.skipif(sys.platform == "win32", reason="no zone can be set there")
def test_seconds_since_1970_are_the_same_in_every_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as there:
        there.setenv("TZ", "Pacific/Auckland")
        time.tzset()
        wait_s = asked_wait_s({RESET: "1795176030"}, NOW)
    time.tzset()

    assert wait_s == 30


def test_retry_after_comes_first_and_junk_in_it_does_not_hide_the_other() -> None:
    assert asked_wait_s({"retry-after": "7", RESET: "2026-11-20T12:00:30Z"}, NOW) == 7
    assert asked_wait_s({"retry-after": "soon", RESET: "2026-11-20T12:00:30Z"}, NOW) == 30
    assert asked_wait_s({}, NOW) is None


# --- what all calls to one provider have in common --------------------------------------------------------------------


class Time:
    """A clock that goes on when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.naps: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds


class Service:
    """Fails so often with this problem, and then answers."""

    def __init__(self, failures: int, kind: Kind = Kind.NETWORK_DOWN, retry_after_s: float | None = None) -> None:
        self.failures, self.kind, self.retry_after_s = failures, kind, retry_after_s
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise NetworkProblem(self.kind, "away", retry_after_s=self.retry_after_s)
        return "here"


def patience(clock: Time, per_minute: int | None = None) -> Patience:
    return Patience(sleep=clock.sleep, random=lambda: 0.5, courtesy=Courtesy(per_minute, clock=clock))


async def test_a_limit_is_kept_in_any_minute_and_one_request_is_left_for_the_order() -> None:
    clock = Time()
    patient = patience(clock, per_minute=5)
    begun: list[float] = []

    for _ in range(13):
        await patient.repeat(Service(0))
        begun.append(clock.now)
        clock.now += 0.1

    assert all(later - earlier >= 59.999 for earlier, later in zip(begun, begun[4:], strict=False))
    assert begun[3] - begun[0] < 1


async def test_a_wait_that_one_call_was_asked_for_holds_for_all() -> None:
    clock = Time()
    patient = patience(clock)
    service = Service(1, Kind.PROVIDER_BUSY, retry_after_s=30)

    assert await patient.repeat(service) == "here"
    assert clock.naps == [30]

    with pytest.raises(NetworkProblem):
        await patient.repeat(Service(9, Kind.PROVIDER_BUSY, retry_after_s=40))
    before = clock.now
    assert await patient.repeat(Service(0)) == "here"
    assert clock.now - before == 40


@pytest.mark.parametrize(("kind", "repeats"), [(Kind.NETWORK_DOWN, 30), (Kind.NETWORK_SLOW, 15)])
async def test_while_a_provider_is_away_calls_are_soon_made_once_and_again_more_often_when_it_is_back(
    kind: Kind, repeats: int
) -> None:
    clock = Time()
    patient = patience(clock)
    away = Service(10_000, kind)

    for _ in range(60):
        with pytest.raises(NetworkProblem):
            await patient.repeat(away)

    assert away.calls == 60 + repeats
    for _ in range(4):
        await patient.repeat(Service(0))
    again = Service(10_000, kind)
    with pytest.raises(NetworkProblem):
        await patient.repeat(again)
    assert again.calls > 1


async def test_what_will_not_pass_is_not_repeated() -> None:
    clock = Time()
    refused = Service(9, Kind.CERTIFICATE_REFUSED)

    with pytest.raises(NetworkProblem):
        await patience(clock).repeat(refused)

    assert (refused.calls, clock.naps) == (1, [])


async def test_the_loops_own_clock_is_the_usual_one() -> None:
    courtesy = Courtesy(2)

    assert courtesy.turn() == 0
    assert 59 < courtesy.turn() <= 60
